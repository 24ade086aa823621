#!/bin/sh
# held messages in the operator's hands: -holds, -release, -discard; the administrator is told of what does not come back
. "${0%/*}/lib.sh"
. "$SRC/t/incoming.sh"
. "$SRC/t/trip.sh"
own rita rita@behoerde.example
operate() { out=$("$BUILD/postern" -c "$T/postern.conf" "$@" 2>"$T/errors" </dev/null); code=$?; }
hold_id() { basename "$(ls -t "$T"/spool/hold/*.hold | head -n 1)" .hold; }
sealed() { printf '%s\n' "$2" | entity | clear bob | seal alice rita | letter_of "$1"; }
opens() { openssl cms -decrypt -in "$T/got" -recip "$T/$1.pem" -inkey "$T/$1.key" 2>/dev/null | tr -d '\r'; }

operate -holds
is "nothing is held, and there is no spool yet" "$code $out" "0 "
conf "$T" 'notice_limit = 1000' 'scanner = none' 'on_undecryptable = hold' 'on_invalid_signature = hold'

# ---- held by policy: as it came
printf 'lost words\n' | entity | seal rita | letter bob@partner.example 'X-Postern-Result: forged' >"$T/m"
mv "$T/certs/private/rita.pem" "$T/rita.both"
incoming alice@behoerde.example rita@behoerde.example <"$T/m"
is "held" "$code $out$(inside) $(holds)" "0 0 1"
id=$(hold_id)
operate -holds
is "-holds" "$code" 0
like "id, age, reason, sender and Message-ID" "$out" "^$id  0m  undecryptable  from <bob@partner.example>  <1@partner.example>\$"
like "recipients" "$out" '^    to <rita@behoerde.example>$'
like "and why" "$out" '^    the message cannot be opened: '
conf "$T" "internal = smtp:127.0.0.1:1"
operate -release "$id"
is "-release, the destination is away: later, and still held" "$code ${out%% *} $(holds)" "75 4.4.1 1"
conf "$T" "internal = maildir:$T/internal"
empty "$T/internal"
operate --release "$id"
got alice
is "-release: delivered, and the hold is gone" "$code $out $(inside) $(find "$T/spool/hold" -type f ! -name swept)" "0 $id released 1 "
is "as on_undecryptable = deliver would" "$(result) $(grep -c 'enveloped-data' "$T/got")" "permerror 1"
unlike "nothing forged gets in" "$(cat "$T/got")" 'forged'
ok "the record is genuine" genuine
operate -release "$id"
is "again: there is none" "$code ${out%% *}" "69 5.3.0"
incoming rita@behoerde.example <"$T/m"
cp "$T/rita.both" "$T/certs/private/rita.pem"
empty "$T/internal"
operate -release "$(hold_id)"
got rita
is "the key is there again: it is opened" "$code $(result) $(grep -c '^lost words' "$T/got") $(holds)" "0 none 1 0"
printf 'genuine words\n' | entity | clear bob | sed 's/genuine words/changed words/' | letter bob@partner.example >"$T/m"
incoming rita@behoerde.example <"$T/m"
operate -release "$(hold_id)"
got rita
is "an invalid signature" "$code $(result) $(holds)" "0 fail 0"
incoming rita@behoerde.example <"$T/m"
id=$(hold_id)
for n in 1 2 3 4 5 6; do "$BUILD/postern" -c "$T/postern.conf" -release "$id" >/dev/null 2>&1 </dev/null & done
wait
is "six operators at once: delivered once" "$(inside) $(holds)" "1 0"
incoming rita@behoerde.example <"$T/m"
id=$(hold_id)
operate -discard "$id"
is "-discard" "$code $out $(inside) $(find "$T/spool/hold" -type f ! -name swept)" "0 $id discarded 0 "
for bad in "" x ../../../etc/passwd 0123456789abcdef01234567 0123456789abcdef0123456; do
	operate -release "$bad"; released=$code
	operate -discard "$bad"
	is "no such hold: \"$bad\"" "$released $code" "69 69"
done
operate -release
is "no id" "$code" 75

# ---- with a scanner: it is not passed by
conf "$T" "scanner = maildir:$T/scanner" 'deliver_inside = decrypted'
mv "$T/certs/private/rita.pem" "$T/rita.both"
printf 'again\n' | entity | seal rita | letter_of again >"$T/m"
fresh; arrive rita@behoerde.example <"$T/m"
cp "$T/rita.both" "$T/certs/private/rita.pem"
operate -release "$(hold_id)"
is "-release goes by way of the scanner" "$code $(copies) $(inside) $(holds)" "0 1 0 0"
copy >"$T/c"
back rita@behoerde.example <"$T/c"
got rita
is "and comes back" "$code $(inside) $(grep -c '^again' "$T/got")" "0 1 1"
conf "$T" 'deliver_inside = original' 'on_undecryptable = deliver' 'on_invalid_signature = deliver'

# ---- waiting for the scanner
fresh; sealed 1 'words 1' >"$T/m"; arrive alice@behoerde.example rita@behoerde.example <"$T/m"; copy >"$T/c"
back rita@behoerde.example <"$T/c"
operate -holds
like "-holds tells who has been served" "$out" '^    to <rita@behoerde.example> has been dealt with$'
unlike "and who has not" "$out" '^    to <alice@behoerde.example> has'
fresh
operate -release "$(hold_id)"
got alice
is "-release: the original, for who still waits" "$code $(inside) $(holds) $(opens alice | grep -c '^words 1') $(result)" "0 1 0 1 pass"
back alice@behoerde.example rita@behoerde.example <"$T/c"
is "a copy that comes back after that is dropped" "$code $(inside)" "0 1"
fresh; sealed 2 'words 2' >"$T/m"; arrive alice@behoerde.example <"$T/m"; copy >"$T/c"
operate -discard "$(hold_id)"
back alice@behoerde.example <"$T/c"
is "-discard: nor does a copy bring it" "$code $(inside) $(holds)" "0 0 0"
unpostern <"$T/c" >"$T/d"
back alice@behoerde.example <"$T/d"
is "not without its token, either" "$code $(inside)" "0 0"
printf 'From: MAILER-DAEMON@scanner.example\n\nwords\n' >"$T/d"
sender=
fresh; back bob@partner.example <"$T/d"
sender=bob@partner.example
operate -release "$(hold_id)"
is "a report for outside is not released" "$code ${out%% *} $(delivered "$T/external") $(inside) $(holds)" "77 5.7.1 0 0 1"
operate -discard "$(hold_id)"
is "but discarded" "$code $(holds)" "0 0"
fresh; sealed 3 'words 3' >"$T/m"; arrive alice@behoerde.example <"$T/m"; copy >"$T/c"
{ unpostern <"$T/c"; echo more; } >"$T/d"; back alice@behoerde.example <"$T/d"
id=$(grep -l 'reason: scan-changed' "$T"/spool/hold/*.hold); id=$(basename "$id" .hold)
fresh; operate -release "$id"
got alice
is "a changed copy: as it came back" "$code $(inside) $(grep -c '^more' "$T/got") $(holds)" "0 1 1 1"
operate -discard "$(hold_id)"

# ---- what does not come back
fresh; sealed 4 'words 4' >"$T/m"; arrive alice@behoerde.example rita@behoerde.example <"$T/m"; copy >"$T/c"
back rita@behoerde.example <"$T/c"
id=$(hold_id)
look() { # HOURS: the hold is so old, and the last look at the holds longer ago; another message comes by
	touch -d "-$1 hours" "$T/spool/hold/$id.eml"; touch -d '-11 minutes' "$T/spool/hold/swept"
	empty "$T/internal"
	printf 'From: a@b.example\n\nx\n' | run "$T" 10.0.0.1 alice@behoerde.example rita@behoerde.example
}
conf "$T" 'hold_lifetime = 2h'
look 1
is "not yet" "$code $(notices)" "0 "
look 3
is "after hold_lifetime the administrator is told" "$code $(notices)" "0 Message has not come back from the scanner"
notice=$(grep -l '^Subject: Message has not' "$T"/internal/new/*)
like "of the hold" "$(tr -d '\n' <"$notice")" "postern -release $id"
is "and of who waits" "$(grep '^Recipient:' "$notice" | tr -d ' ')" "Recipient:alice@behoerde.example"
like "nothing is deleted" "$(cat "$T/spool/hold/$id.hold")" '^told: '
look 3
is "once" "$(notices)" ""
conf "$T" 'hold_lifetime = 5d'
back alice@behoerde.example <"$T/c"; got alice
is "and it still works when the copy comes" "$code $(opens alice | grep -c '^words 4') $(holds)" "0 1 0"
conf "$T" 'hold_lifetime = 2h'
fresh; sealed 5 'words 5' >"$T/m"; arrive alice@behoerde.example <"$T/m"
id=$(hold_id); touch -d '-3 hours' "$T/spool/hold/$id.eml"
empty "$T/internal"
printf 'From: a@b.example\n\nx\n' | run "$T" 10.0.0.1 alice@behoerde.example rita@behoerde.example
is "the holds are looked at every ten minutes at most" "$(notices)" ""

done_testing
