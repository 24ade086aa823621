#!/bin/sh
# a key with a passphrase of its own: mail that needs it is held, who can help is told, postern -resume goes on with it
. "${0%/*}/lib.sh"
. "$SRC/t/faults.sh"
. "$SRC/t/incoming.sh"
site_make "$T"
person carol carol@partner.example
own rita rita@behoerde.example rsa
own tina tina@behoerde.example
conf "$T" 'notice_limit = 1000' 'log_level = debug'
lock() { # NAME PASSPHRASE: its key in certs/private gets a passphrase
	{ openssl pkcs8 -topk8 -v2 aes-128-cbc -iter 1 -passout "pass:$2" -in "$T/$1.key"; cat "$T/$1.pem"; } >"$T/certs/private/$1.pem"
}
lock rita 'correct horse'
give() { printf "$1" >"$T/word"; shift; resume "$@" <"$T/word"; } # FORMAT ID [OPTION...]
resume() { # ID [OPTION...] < passphrase
	out=$("$BUILD/postern" -c "$T/postern.conf" -resume "$@" 2>"$T/errors"); code=$?
}
holds() { find "$T/spool/hold" -name '*.hold' 2>/dev/null | wc -l; }
hold_id() { basename "$(ls -t "$T"/spool/hold/*.hold | head -n 1)" .hold; }
inside() { delivered "$T/internal"; }
outside() { delivered "$T/external"; }
clean() { empty "$T/internal"; empty "$T/external"; rm -rf "$T/spool/hold"; }
got() { cat "$T"/internal/new/* >"$T/got" 2>/dev/null; }
subjects() { for f in "$T"/internal/new/*; do sed '/^$/q' "$f"; done | grep '^Subject: ' | sed 's/^Subject: //' | sort | tr '\n' '|'; }

# ---- incoming
printf 'dear Rita\n' | entity | seal rita | letter bob@partner.example 'X-Postern-Result: forged' >"$T/m"
run "$T" 192.0.2.1 bob@partner.example rita@behoerde.example <"$T/m"
is "a message for a locked key is held" "$code$out $(holds)" "0 1"
is "the administrator is told" "$(subjects)" "Incoming message waits for a passphrase|"
id=$(hold_id)
notice=$(cat "$T"/internal/new/* | tr '\n' ' ')
like "of which hold, by the command as it is to be typed" "$notice" "   postern -c $T/postern.conf -resume $id  "
like "of which key" "$notice" 'private/rita\.pem: +the private key of rita@behoerde\.example, valid until'
out=$("$BUILD/postern" -c "$T/postern.conf" -holds)
like "-holds has the reason" "$out" "^$id .* passphrase-needed  from <bob@partner.example>"
like "and which key" "$out" '^ .*rita\.pem: the private key of rita@behoerde\.example'
like "mailq-all has it, too" "$("$BUILD/bin/mailq-all" -c "$T/postern.conf" 2>&1)" 'passphrase-needed|rita@behoerde\.example'

run "$T" 192.0.2.1 bob@partner.example rita@behoerde.example <"$T/m"
is "the mail server tries again: held once" "$code $(holds)" "0 1"
empty "$T/internal"
give 'wrong\n' "$id"
give wrong "$id" -passphrase-fd 0
is "wrong passphrases" "$code ${out%% *} $(holds) $(inside)" "77 5.7.8 1 0"
like "say so" "$out" 'the passphrase does not open it: .*rita@behoerde\.example'
is "they are counted, and nothing else of them" "$(grep -c '^tried: ' "$T/spool/hold/$id.hold") $(grep -rl wrong "$T/log" "$T/spool/hold" | grep -c hold)" "2 0"
resume "$id" </dev/null
is "an empty one" "$code $out" "77 5.7.8 the passphrase is empty"
give 'correct\000 horse\n' "$id"
is "one with a NUL" "$code $out" "77 5.7.8 the passphrase holds a NUL byte"
head -c 1025 /dev/zero | tr '\0' x >"$T/word"; resume "$id" <"$T/word"
is "one of 1025 bytes" "$code $out" "77 5.7.8 the passphrase is longer than 1024 bytes"
head -c 1048576 /dev/zero | tr '\0' x >"$T/word"; resume "$id" <"$T/word"
is "one of a megabyte" "$code ${out%% *}" "77 5.7.8"
is "none of these counts as tried" "$(grep -c '^tried: ' "$T/spool/hold/$id.hold") $(holds)" "2 1"
resume "$id" -passphrase-fd 9 </dev/null
is "a descriptor that is not there" "$code" 75
like "says which" "$out" 'descriptor 9'
resume "$id" -passphrase-fd x </dev/null
is "none at all" "$code" 75
resume 0123456789abcdef01234567 </dev/null
is "no such hold" "$code ${out%% *}" "69 5.3.0"
cp -a "$T/spool/hold" "$T/kept"

# ---- changed holds
tamper() { # NAME SED-EXPRESSION FILE
	cp -a "$T/kept/." "$T/spool/hold/"
	sed -i "$2" "$T/spool/hold/$id.$3"
	give 'correct horse' "$id"
	is "a hold that was changed: $1" "$code ${out%% *} $(inside) $(outside)" "77 5.7.7 0 0"
}
sed -i '/^tried/d' "$T/kept/$id.hold"
tamper sender 's/^sender: .*/sender: alice@behoerde.example/' hold
tamper client 's/^client: .*/client: 10.0.0.1/' hold
tamper recipient 's/^recipient: .*/recipient: tina@behoerde.example/' hold
tamper "a seal" 's/^seal: .*/seal: 00/' hold
tamper "no seal" '/^seal: /d' hold
tamper "the message" 's/^Subject: report/Subject: rapport/' eml
cp -a "$T/kept/." "$T/spool/hold/"
mkdir "$T/other"
site_conf "$T/other"
cp -a "$T/certs" "$T/rules" "$T/other/"
"$BUILD/postern" -c "$T/other/postern.conf" -client 192.0.2.1 -sender bob@partner.example -readmail alice@behoerde.example <"$T/m" >/dev/null
mkdir -p "$T/other/spool/hold"; cp -a "$T/kept/." "$T/other/spool/hold/"
out=$(echo 'correct horse' | "$BUILD/postern" -c "$T/other/postern.conf" -resume "$id" 2>&1); code=$?
is "the hold of another tenant" "$code ${out%% *}" "77 5.7.7"

# ---- the right one
printf 'correct horse\nnot this\n' >"$T/secret"
sed -i "s|^internal = .*|internal = smtp:127.0.0.1:1|" "$T/postern.conf"
resume "$id" 3<"$T/secret" -passphrase-fd 3 </dev/null
is "the destination is away: later, and still held" "$code ${out%% *} $(holds)" "75 4.4.1 1"
conf "$T" "internal = maildir:$T/internal"
for n in 1 2 3; do "$BUILD/postern" -c "$T/postern.conf" -resume "$id" <"$T/secret" >"$T/out.$n" 2>&1 & done
wait
is "three at once: exactly one hands it over" "$(inside) $(holds) $(cat "$T"/out.* | grep -c resumed)" "1 0 1"
is "the others are told" "$(cat "$T"/out.* | grep -c '^5\.3\.0 nothing is held')" 2
got
is "it is opened" "$(grep -c '^dear Rita' "$T/got") $(result)" "1 none"
unlike "nothing forged gets in" "$(cat "$T/got")" 'forged'
ok "the record is genuine" genuine
unlike "the passphrase is in no log" "$(cat "$T/log")" 'correct horse'
like "what happened is" "$(cat "$T/log")" 'resume-'"$id"

# ---- who has the passphrase
clean
run "$T" 192.0.2.1 bob@partner.example rita@behoerde.example <"$T/m"
id=$(hold_id); empty "$T/internal"
mkdir "$T/modules" "$T/real" "$T/unlock" "$T/unwrap"
one_program "$T"
for module in rules-file keys-file check-path; do ln -s "../real/$module" "$T/modules/$module"; done
cp "$T/postern.conf" "$T/conf"
conf "$T" "module_directory = $T/modules"
fault "$T" keys-file "at unlock pause $T/unlock" "at unwrap pause $T/unwrap"
resume "$id" <"$T/secret" &
wait_until test -e "$T/unlock/paused" || fail "(is at unlock)"
pid=$(pgrep -of "postern -c $T/postern.conf -resume")
is "the keys module has the passphrase before anything reads the message" "$(child_of "$pid")" ""
rm -r "$T/unlock"
wait_until test -e "$T/unwrap/paused" || fail "(is at unwrap)"
traces() { # PID: how often the passphrase is in its memory
	perl -e 'open my $maps, "<", "/proc/$ARGV[0]/maps" or exit 1; open my $m, "<", "/proc/$ARGV[0]/mem" or exit 1; binmode $m; my $n = 0;
		my ($plain, $base64) = ("correct " . "horse", "Y29ycmVjdCBob3Jz" . "ZQ");
		while (<$maps>) { /^(\w+)-(\w+) rw/ or next; my ($at, $end) = (hex $1, hex $2); next if $end - $at > 1 << 28; sysseek $m, $at, 0;
			sysread $m, my $b, $end - $at or next; $n++ while $b =~ /\Q$plain\E|\Q$base64\E/g } print $n' "$1"
}
if [ -r "/proc/$pid/maps" ] && ! sanitized; then
	is "neither the process that reads it nor its parent has it" "$(traces "$(child_of "$pid")") $(traces "$pid")" "0 0"
else
	skip "the memory of the processes" "not readable"
fi
rm -r "$T/unwrap"
wait
is "the message goes on" "$(inside) $(holds)" "1 0"
cp "$T/conf" "$T/postern.conf"

# ---- a terminal
clean
run "$T" 192.0.2.1 bob@partner.example rita@behoerde.example <"$T/m"
id=$(hold_id); empty "$T/internal"
for key in '\003' '\034' '\032'; do
	rm -f "$T/keys" "$T/seen"; mkfifo "$T/keys"
	script -qfc "trap : INT QUIT TSTP; '$BUILD/postern' -c '$T/postern.conf' -resume $id; echo ended \$?; stty -a" "$T/seen" <"$T/keys" >/dev/null 2>&1 &
	exec 9>"$T/keys"
	wait_until grep -q 'Passphrase: ' "$T/seen" || fail "(asks)"
	printf 'correct' >&9
	printf "$key" >&9
	wait_until grep -q 'ended [0-9]' "$T/seen" || fail "(ends)"
	exec 9>&-
	wait
	like "$key at a terminal: given up, still held, the terminal as it was" "$(tr -s '\r\n' '  ' <"$T/seen") $(holds)" 'ended 75 .* echo .* 1$'
	unlike "... and nothing typed was shown" "$(cat "$T/seen")" correct
done
rm -f "$T/keys" "$T/seen"; mkfifo "$T/keys"
script -qfc "'$BUILD/postern' -c '$T/postern.conf' -resume $id" "$T/seen" <"$T/keys" >/dev/null 2>&1 &
exec 9>"$T/keys"
wait_until grep -q 'Passphrase: ' "$T/seen" || fail "(asks)"
printf 'correct horse\n' >&9
wait_until grep -q "$id resumed" "$T/seen"
exec 9>&-
wait
is "the passphrase typed: resumed" "$(grep -c "$id resumed" "$T/seen") $(holds)" "1 0"

# ---- given up
clean
run "$T" 192.0.2.1 bob@partner.example rita@behoerde.example <"$T/m"
id=$(hold_id); empty "$T/internal"
out=$("$BUILD/postern" -c "$T/postern.conf" -release "$id" 2>&1); code=$?
got
is "-release delivers it as it came" "$code $(holds) $(grep -c enveloped-data "$T/got") $(result)" "0 0 1 permerror"
printf 'x\n' | entity | clear tina | sed 's/^x/y/' | letter tina@behoerde.example >"$T/bad"
conf "$T" 'on_invalid_signature = hold'
run "$T" 192.0.2.1 bob@partner.example rita@behoerde.example <"$T/bad"
resume "$(hold_id)" <"$T/secret"
is "a hold of another reason is not for -resume" "$code ${out%% *}" "69 5.3.0"
clean

# ---- outgoing
cat >"$T/rules" <<'END'
rita@ (to) carol (do) FS, NE
rita@ (to) dave  (do) FS=tina@behoerde.example, NE
rita@ (to) erin  (do) NS, NE
.     (to) frank (do) FS, FE
END
printf 'From: rita@behoerde.example\nTo: carol@partner.example\nSubject: offer\nMessage-ID: <9@behoerde.example>\n\nwords\n' >"$T/m"
run "$T" 10.0.0.1 rita@behoerde.example carol@partner.example erin@partner.example <"$T/m"
is "who needs the locked key waits, others do not" "$code$out $(holds) $(outside)" "0 1 1"
is "sender and administrator are told" "$(subjects)" "Outgoing message waits for a passphrase|Your message has to wait|"
dsn=$(cat "$(grep -l '^Subject: Your' "$T"/internal/new/*)")
like "the report says delayed" "$(printf '%s' "$dsn" | tr '\n' ' ')" 'Final-Recipient: rfc822; carol@partner\.example Action: delayed Status: 4\.7\.5'
unlike "of nobody else" "$dsn" 'erin@'
like "with the header of the message" "$dsn" '^Subject: offer'
run "$T" 10.0.0.1 rita@behoerde.example carol@partner.example erin@partner.example <"$T/m"
id=$(hold_id)
out=$("$BUILD/postern" -c "$T/postern.conf" -release "$id" 2>&1); code=$?
is "-release never sends it unsigned" "$code ${out%% *} $(holds)" "77 5.7.1 1"
empty "$T/external"; empty "$T/internal"
resume "$id" <"$T/secret"
is "-resume" "$code $out $(holds) $(outside) $(inside)" "0 $id resumed 0 1 0"
is "for who waited" "$(grep -h '^Delivered-To' "$T"/external/new/*)" "Delivered-To: carol@partner.example"
cp "$T"/external/new/* "$T/got"
ok "signed by the locked key" openssl cms -verify -in "$T/got" -CAfile "$T/ca.pem" -certfile "$T/rita.pem" -nointern -out /dev/null
clean

# ---- the mail server still has the message, because another recipient has to wait for something else
conf "$T" 'external = smtp:127.0.0.1:1'
run "$T" 10.0.0.1 rita@behoerde.example carol@partner.example erin@partner.example <"$T/m"
is "one waits for the passphrase, the other for the destination" "$code $(holds)" "75 1"
is "the sender is told at once" "$(subjects)" "Outgoing message waits for a passphrase|Your message has to wait|"
conf "$T" "external = maildir:$T/external"
resume "$(hold_id)" <"$T/secret"
is "the first is resumed" "$code $(outside) $(holds)" "0 1 0"
empty "$T/internal"
run "$T" 10.0.0.1 rita@behoerde.example carol@partner.example erin@partner.example <"$T/m"
is "the mail server tries again: nothing is held or sent twice" "$code $(outside) $(holds) $(inside)" "0 2 0 0"
clean
conf "$T" 'internal = smtp:127.0.0.1:1'
run "$T" 10.0.0.1 rita@behoerde.example carol@partner.example <"$T/m"
is "held, but the sender cannot be told now: the mail server tries again" "$code $(holds)" "75 1"
conf "$T" "internal = maildir:$T/internal"
run "$T" 10.0.0.1 rita@behoerde.example carol@partner.example <"$T/m"
is "until he is" "$code $(holds) $(subjects)" "0 1 Your message has to wait|"
clean
lock tina other
run "$T" 10.0.0.1 rita@behoerde.example carol@partner.example dave@partner.example <"$T/m"
id=$(hold_id); empty "$T/internal"
is "two keys, one hold" "$code $(holds) $(outside)" "0 1 0"
resume "$id" <"$T/secret"
is "the passphrase of one: the other still waits" "$code ${out%% *} $(outside) $(holds)" "77 5.7.8 1 1"
like "and it is said" "$out" '1 are served; 1 still wait'
give other "$id"
is "until its own comes" "$code $(outside) $(holds)" "0 2 0"
clean
run "$T" 10.0.0.1 rita@behoerde.example frank@nowhere.example <"$T/m"
is "a recipient who cannot be served is refused at once" "$code$(holds)" "770"
run "$T" 10.0.0.1 '' carol@partner.example <"$T/m"
is "without a sender: the administrator" "$code $(subjects)" "0 Outgoing message waits for a passphrase|"
clean

# ---- the central passphrase was not what it should be, and is mended
lock tina 'correct horse'
run "$T" 10.0.0.1 rita@behoerde.example dave@partner.example <"$T/m"
cp "$T/secret" "$T/passphrase"
give anything "$(hold_id)"
is "then any word will do" "$code $(outside) $(holds)" "0 1 0"
rm "$T/passphrase"
clean

# ---- PKCS#12: nobody can look into it
openssl pkcs12 -export -inkey "$T/rita.key" -in "$T/rita.pem" -passout 'pass:correct horse' -iter 1 -out "$T/certs/private/rita.p12"
rm "$T/certs/private/rita.pem"
printf 'dear Rita\n' | entity | seal rita | letter bob@partner.example >"$T/m"
printf 'dear Bob\n' | entity | seal bob | letter bob@partner.example >"$T/foreign"
run "$T" 192.0.2.1 bob@partner.example rita@behoerde.example <"$T/foreign"
is "whose it is nobody knows: all that no other key opens waits" "$code $(holds)" "0 1"
clean
cp "$T/rita.pem" "$T/certs/private/rita.crt"
run "$T" 192.0.2.1 bob@partner.example rita@behoerde.example <"$T/foreign"
is "a certificate beside it tells: not for others' mail" "$code $(holds)" "0 0"
run "$T" 192.0.2.1 bob@partner.example rita@behoerde.example <"$T/m"
is "for mail to it" "$code $(holds)" "0 1"
like "by name" "$(cat "$T"/spool/hold/*.hold)" '^text: .*rita\.p12: the private key of rita@behoerde\.example'
empty "$T/internal"
resume "$(hold_id)" <"$T/secret"
got
is "and it is resumed" "$code $(holds) $(grep -c '^dear Rita' "$T/got")" "0 0 1"
run "$T" 10.0.0.1 rita@behoerde.example carol@partner.example <<'END'
From: rita@behoerde.example

words
END
empty "$T/internal"
is "it signs, too" "$code $(holds) $(outside)" "0 1 0"
resume "$(hold_id)" <"$T/secret"
is "when resumed" "$code $(holds) $(outside)" "0 0 1"

# ---- several keys modules: a passphrase is for the one that has asked for it
clean
rm -f "$T/certs/private"/rita.* "$T/certs/private"/tina.*
lock rita 'correct horse'
mkdir "$T/second" "$T/second/certs" "$T/second/certs/private"
site_conf "$T/second"
sed -i "s|^log = .*|log = stderr|" "$T/second/postern.conf"
lock_second() { lock tina other; mv "$T/certs/private/tina.pem" "$T/second/certs/private/"; }
lock_second
cat >"$T/keys-second" <<END
#!/bin/sh
tee -a "$T/second.heard" | "$BUILD/keys-file" -config "$T/second/postern.conf"
END
chmod 755 "$T/keys-second"
conf "$T" "keys_modules = keys-file $T/keys-second"
heard() { grep -c '<unlock' "$T/second.heard"; }
modules() { sed -n 's/^module: //p' "$T/spool/hold/$id.hold" | tr '\n' ' '; }
arrives() { run "$T" 192.0.2.1 bob@partner.example rita@behoerde.example <"$T/m"; id=$(hold_id); empty "$T/internal"; : >"$T/second.heard"; }
printf 'dear Rita\n' | entity | seal rita | letter bob@partner.example >"$T/m"
arrives
is "the hold says who has asked" "$code $(modules)" "0 keys-file "
resume "$id" <"$T/secret"
is "the passphrase goes to that module alone" "$code $(inside) $(heard)" "0 1 0"
empty "$T/internal"
arrives
sed -i '/^module: /d' "$T/spool/hold/$id.hold"
resume "$id" <"$T/secret"
is "a hold that does not say it, as those of before: to all of them" "$code $(inside) $(heard)" "0 1 1"
printf 'dear Tina\n' | entity | seal tina | letter bob@partner.example >"$T/m"
arrives
is "the second one asks" "$code $(modules)" "0 $T/keys-second "
give wrong "$id"
is "... and says that it is a wrong one" "$code $(grep -c '^tried: ' "$T/spool/hold/$id.hold") $(heard)" "77 1 1"
give other "$id"
is "... or the right one" "$code $(inside) $(holds)" "0 1 0"
printf 'dear both\n' | entity | seal rita tina | letter bob@partner.example >"$T/m"
arrives
is "either may open it: both have asked" "$code $(modules)" "0 keys-file $T/keys-second "
like "... and the notice names both keys" "$("$BUILD/postern" -c "$T/postern.conf" -holds)" 'rita\.pem.*; or module .*keys-second'
give other "$id"
is "one of them does" "$code $(inside) $(holds)" "0 1 0"
cat "$T/tina.key" "$T/tina.pem" >"$T/second/certs/private/tina.pem"
clean
run "$T" 192.0.2.1 bob@partner.example rita@behoerde.example <"$T/m"
is "a key of the next module, without a passphrase, opens it: nobody waits" "$code $(holds) $(inside)" "0 0 1"
lock_second
printf 'dear Tina\n' | entity | seal tina | seal rita | letter bob@partner.example >"$T/m"
arrives
is "a layer in a layer: the outer one's module has asked" "$code $(modules)" "0 keys-file "
resume "$id" <"$T/secret"
is "opened, the other one asks; that was no wrong passphrase" "$code ${out%% *} $(grep -c '^tried: ' "$T/spool/hold/$id.hold") $(modules)" \
	"77 5.7.8 0 keys-file $T/keys-second "
like "... and it is said" "$out" 'another passphrase is wanted now: .*tina\.pem'
resume "$id" <"$T/secret"
is "the same one again, and the new one has it, too: wrong" "$code $(grep -c '^tried: ' "$T/spool/hold/$id.hold") $(heard)" "77 1 1"
clean
cp "$T/m" "$T/nested"
printf 'From: rita@behoerde.example\nTo: carol@partner.example\n\nwords\n' >"$T/m"
run "$T" 10.0.0.1 rita@behoerde.example carol@partner.example dave@partner.example <"$T/m"
id=$(hold_id); empty "$T/internal"; : >"$T/second.heard"
is "two recipients, a key in each module" "$code $(modules)" "0 keys-file $T/keys-second "
like "-holds names both keys" "$("$BUILD/postern" -c "$T/postern.conf" -holds)" 'rita\.pem.*tina\.pem'
resume "$id" <"$T/secret"
give other "$id"
is "one passphrase after the other" "$code $(outside) $(holds)" "0 2 0"
conf "$T" 'keys_modules = keys-file'
own rita rita@behoerde.example rsa
own tina tina@behoerde.example
lock rita 'correct horse'
lock tina other

# ---- two keys of ours in one message
clean
printf 'dear both\n' | entity | seal rita alice | letter bob@partner.example >"$T/m"
run "$T" 192.0.2.1 bob@partner.example rita@behoerde.example <"$T/m"
got
is "another key of ours opens it: nobody waits" "$code $(holds) $(grep -c '^dear both' "$T/got")" "0 0 1"

done_testing
