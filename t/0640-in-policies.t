#!/bin/sh
# what cannot be opened, and what is signed badly: deliver, hold or refuse; tags; who is told
. "${0%/*}/lib.sh"
. "$SRC/t/incoming.sh"
person eve eve@evil.example
person carol carol@partner.example
conf "$T" 'tag_signed = [signed]' 'tag_encrypted = [encrypted]' 'tag_invalid = [invalid]' 'notice_limit = 1000'
echo 'the words' | entity >"$T/e"
seal carol <"$T/e" | letter bob@partner.example >"$T/closed"
clear bob <"$T/e" | sed 's/the words/the worms/' | letter bob@partner.example >"$T/altered"
clear eve <"$T/e" | letter bob@partner.example >"$T/mismatch"
clear bob <"$T/e" | letter bob@partner.example >"$T/good"
clear bob <"$T/e" | seal alice | letter bob@partner.example >"$T/both"
seal alice <"$T/e" | letter bob@partner.example >"$T/secret"
clear bob <"$T/e" | sed 's/the words/the worms/' | seal alice | letter bob@partner.example >"$T/badinside"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/self.key" -out "$T/self.pem" -days 9 -subj /CN=bob \
	-addext subjectAltName=email:bob@partner.example >/dev/null 2>&1
clear self <"$T/e" | letter bob@partner.example >"$T/selfsigned"
clear bob -nocerts <"$T/e" | letter bob@partner.example >"$T/nocerts"
holds() { find "$T/spool/hold" -name "*.$1" 2>/dev/null | wc -l; }
notice() { cat $(grep -lE '^To: <*postmaster' "$T/internal/new/"* 2>/dev/null) /dev/null; }

# ---- deliver: the word, the tag, the notice
arrives() { # FILE WORD REASON SUBJECT NOTICE
	incoming <"$T/$1"
	is "$1" "$code $out|$(result) $(value reason)|$(field Subject)|$(notices)" "0 |$2 $3|$4|$5"
}
invalid="Message with an invalid signature"
arrives good pass '' '[signed] report' ''
arrives secret none '' '[encrypted] report' ''
arrives both pass '' '[encrypted] [signed] report' ''
arrives closed permerror no-key '[invalid] report' 'Message could not be opened'
content "$T/closed" >"$T/want" && content >"$T/rest"
ok "what is closed arrives as it came" cmp "$T/want" "$T/rest"
arrives altered fail bad-signature '[invalid] report' "$invalid"
arrives mismatch fail address-mismatch '[invalid] report' "$invalid"
arrives badinside fail bad-signature '[invalid] [encrypted] report' "$invalid"
like "what can be decrypted is, bad signature or not" "$(content)" 'the worms'
incoming <"$T/selfsigned"
unlike "a certificate of its own making is not good" "$(result) $(field Subject)" 'pass|\[signed\]'
incoming <"$T/nocerts"
like "a signer without a certificate in the message is found in the public area" "$(result)" pass
rm "$T/certs/public/bob.pem"
incoming <"$T/nocerts"
is "and without: neutral, no tag, no notice" "$code $(result) $(value reason) $(field Subject) $(notices)" "0 neutral no-certificate report "
cp "$T/bob.pem" "$T/certs/public/"

# ---- the notice
incoming <"$T/closed"
said=$(notice)
for fact in '^Auto-Submitted: auto-generated' '^To: <?postmaster' '^Reason: .*(key|recipient)' 'Queue id: +T1' 'Sender: +bob@partner.example' \
	'Recipient: +alice@behoerde.example' 'Message-ID: +<1@partner.example>' 'delivered'; do
	like "the notice says $fact" "$said" "$fact"
done
unlike "and nothing of the content" "$said" 'MII'
is "its envelope sender is empty" "$(printf '%s\n' "$said" | head -n 1)" 'Return-Path: <>'
sender=
for file in closed altered; do
	incoming <"$T/$file"
	is "no notice for a null sender ($file), which arrives" "$code $(notices) $(delivered "$T/internal")" "0  1"
done
sender=bob@partner.example
{ printf 'From: postmaster@mx.behoerde.example\nAuto-Submitted: auto-generated\nSubject: Message could not be opened\n'; seal carol <"$T/e"; } >"$T/m"
sender= ; incoming <"$T/m"; sender=bob@partner.example
is "no notice about a notice" "$code $(notices)" "0 "
conf "$T" "admin = chief@behoerde.example"
incoming <"$T/closed"
like "admin gets it" "$(cat "$T/internal/new/"*)" '^To: <?chief@behoerde.example'
conf "$T" "admin = postmaster"

# ---- hold
conf "$T" 'on_undecryptable = hold' 'on_invalid_signature = deliver'
incoming <"$T/closed"
is "on_undecryptable = hold" "$code $out|$(wc -c <"$T/got")|$(holds eml) $(holds hold)|$(notices)" "0 |0|1 1|Message could not be opened"
ok "held as it came" cmp "$T/closed" "$(find "$T/spool/hold" -name '*.eml')"
like "the notice says so" "$(notice)" 'held'
like "and what can be done with it" "$(notice | tr '\n' ' ')" 'postern -holds lists it, -release .*-discard'
record=$(cat "$T/spool/hold/"*.hold)
for fact in '^sender: bob@partner.example' '^recipient: alice@behoerde.example' '^reason: undecryptable' '^text: .*recipient' '^queue-id: T1'; do
	like "the hold's record: $fact" "$record" "$fact"
done
incoming <"$T/altered"
is "bad signatures are delivered meanwhile" "$code $(result) $(holds eml)" "0 fail 1"
conf "$T" 'on_undecryptable = deliver' 'on_invalid_signature = hold'
incoming <"$T/altered"
is "on_invalid_signature = hold" "$code $(wc -c <"$T/got") $(holds eml)" "0 0 2"
incoming <"$T/badinside"
is "also behind encryption" "$code $(wc -c <"$T/got") $(holds eml)" "0 0 3"
ok "held sealed, not opened" grep -rlq 'enveloped-data' "$T/spool/hold"
unlike "no plain text is held of it" "$(grep -rl 'boundary.*the worms' "$T/spool/hold")" .
incoming <"$T/good"
is "good ones arrive" "$code $(result) $(holds eml)" "0 pass 3"

# ---- refuse
conf "$T" 'on_undecryptable = refuse' 'on_invalid_signature = refuse'
incoming <"$T/closed"
like "on_undecryptable = refuse" "$code $out" '^77 5\.7\.5 .*cannot be opened.*'
is "nothing arrives but the notice; nothing is held" "$(wc -c <"$T/got") $(notices) $(holds eml)" "0 Message could not be opened 3"
incoming <"$T/altered"
like "on_invalid_signature = refuse" "$code $out" '^77 5\.7\.7 .*signature is not valid'
is "the only line" "$(printf '%s\n' "$out" | wc -l) $(wc -c <"$T/got")" "1 0"
incoming <"$T/mismatch"
like "a wrong address is refused" "$code $out" '^77 5\.7\.7 .*address-mismatch'
incoming <"$T/nocerts"
is "an unknown signer is not refused" "$code $(result)" "0 pass"

# ---- a split fate: one recipient is refused as a relay attempt, the others are served, the sender is told
incoming alice@behoerde.example x@elsewhere.example <"$T/good"
is "one of two is served" "$code $(result)" "0 pass"
dsn=$(cat "$T/external/new/"* 2>/dev/null)
for fact in '^To: .*bob@partner.example' 'report-type="?delivery-status' '^Final-Recipient: rfc822; ?x@elsewhere.example' '^Action: failed' \
	'^Status: 5\.7\.1' '^Auto-Submitted: auto-replied'; do
	like "the notification: $fact" "$dsn" "$fact"
done
unlike "and says nothing of the one who was served" "$dsn" 'Final-Recipient:.*alice'
conf "$T" 'partial = no'
incoming alice@behoerde.example x@elsewhere.example <"$T/good"
like "partial = no: all or none" "$code $out $(delivered "$T/internal")" '^77 5\.7\.1 .* 0$'
conf "$T" 'partial = yes'

# ---- away for a while: deferred, and nobody is told twice
conf "$T" 'on_undecryptable = deliver' 'on_invalid_signature = deliver'
rm -rf "$T/external" "$T/spool/journal"
empty "$T/internal"
{ cat "$T/closed"; echo; } >"$T/m"
conf "$T" "external = maildir:$T/external" "scanner = maildir:$T/away/scanner"
: >"$T/away"
for attempt in 1 2 3; do
	run "$T" 192.0.2.1 "$sender" alice@behoerde.example <"$T/m"
	like "attempt $attempt: deferred" "$code $out" '^75 4\.'
done
rm "$T/away"
run "$T" 192.0.2.1 "$sender" alice@behoerde.example <"$T/m"
is "back again: delivered once, told once" "$code $(delivered "$T/away/scanner") $(delivered "$T/internal")" "0 1 1"
conf "$T" "scanner = none"

# ---- a flood: notice_limit notices, and one digest when the window is over
rm -rf "$T/spool/notices"
empty "$T/internal"
conf "$T" 'notice_limit = 5' 'notice_window = 1h'
i=0
while [ $i -lt 60 ]; do
	i=$((i + 1))
	{ cat "$T/closed"; echo $i; } >"$T/flood.$((i % 6))"
	"$BUILD/postern" -c "$T/postern.conf" -client 192.0.2.1 -sender "$sender" -queue-id "F$i" -readmail alice@behoerde.example <"$T/flood.$((i % 6))" \
		2>>"$T/flood.err" &
	[ $((i % 6)) -ne 0 ] || wait
done
wait
is "nobody complained" "$(cat "$T/flood.err")" ""
told=$(grep -lE '^Subject: Message could not be opened' "$T/internal/new/"* | wc -l)
digests() { grep -hE '^Subject: [0-9]+ more incident' "$T/internal/new/"* 2>/dev/null | sed 's/[^0-9]*\([0-9]*\).*/\1/'; }
is "all sixty arrived" "$(grep -LE '^To: <*postmaster' "$T/internal/new/"* | wc -l)" 60
is "notices in one window, and no digest yet" "$told $(digests)" "5 "
conf "$T" 'notice_window = 1s'
sleep 1.1
letter bob@partner.example <"$T/e" >"$T/m"
run "$T" 192.0.2.1 "$sender" alice@behoerde.example <"$T/m"
run "$T" 192.0.2.1 "$sender" alice@behoerde.example <"$T/m"
is "when it is over, one digest of all others" "$(grep -lE '^Subject: Message could not be opened' "$T/internal/new/"* | wc -l) $(digests)" "5 55"

done_testing
