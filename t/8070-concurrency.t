#!/bin/sh
# many at once: 200 messages from 8 writers while files are copied into the areas, changed and taken out again
. "${0%/*}/lib.sh"
. "${0%/*}/faults.sh"
S=$T/site
faulty_site "$S"
letter "$S" "the text"
# who has a certificate for good, who never, and who now and then
site_certificate "$S" carol carol@partner.example && site_certificate "$S" dave dave@partner.example || exit 1
cp "$S/carol.pem" "$S/certs/public/"
cat >"$S/rules" <<'X'
.  (to) .                     (do) NS, NE
.  (to) @partner\.example$    (do) FS, EIP
.  (to) ^(bob|carol)@         (do) FE
X
: >"$T/stop.not"
while [ -e "$T/stop.not" ]; do # by copying, as operators do: not atomic, half a file may be seen
	cp "$S/dave.pem" "$S/certs/public/dave.pem"
	cp "$S/bob.pem" "$S/certs/public/another-bob.pem"
	cp "$S/carol.pem" "$S/certs/trusted/carol.crt"
	echo "# $((changes += 1))" >>"$S/certs/public/another-bob.pem"
	rm -f "$S/certs/public/dave.pem" "$S/certs/trusted/carol.crt"
	echo "$changes" >"$T/changes"
	sleep 0.02
done &
changer=$!
kill_at_end $changer
writer() { # N: 25 messages
	i=0
	while [ $((i += 1)) -le 25 ]; do
		case $((i % 5)) in
		0) from="192.0.2.7 -sender bob@partner.example" to=alice@behoerde.example ;;
		1) from="10.0.0.5 -sender alice@behoerde.example" to=bob@partner.example ;;
		2) from="10.0.0.5 -sender alice@behoerde.example" to="carol@partner.example bob@partner.example" ;;
		3) from="10.0.0.5 -sender alice@behoerde.example" to=dave@partner.example ;;
		4) from="10.0.0.5 -sender alice@behoerde.example" to=somebody@example.net ;;
		esac
		if [ $((i % 5)) = 0 ]; then
			cat "$S/in.eml"
		else
			printf 'From: alice@behoerde.example\nTo: %s\nSubject: s\n\n' "$(echo "$to" | sed 's/ /, /')"
			echo "text $1.$i for $to"
		fi | sed "1s/^/X-Number: $1.$i\n/" >"$T/mail.$1"
		tries=0
		until "$BUILD/postern" -c "$S/postern.conf" -client $from -queue-id "Q$1.$i" -readmail $to <"$T/mail.$1" >"$T/said.$1" 2>&1; do
			echo "$1.$i: $(cat "$T/said.$1")" >>"$T/troubles"
			[ $((tries += 1)) -lt 20 ] || break
		done
	done
}
: >"$T/troubles"
writers=
for w in 1 2 3 4 5 6 7 8; do writer $w & writers="$writers $!"; done
for w in $writers; do wait "$w"; done
rm "$T/stop.not"
wait $changer
ok "(the areas changed $(cat "$T/changes") times meanwhile)" test "$(cat "$T/changes")" -ge 10
is "no message had to be tried again" "$(cat "$T/troubles")" ""
is "all incoming ones arrived" "$(grep -l 'the text' "$S/internal/new/"* | wc -l)" 40
is "... each once" "$(sed -n 's/^X-Number: //p' "$S/internal/new/"* | sort -u | wc -l)" 40
is "... opened and found good" "$(tr -d '\n' <"$S/internal/new/$(ls "$S/internal/new" | head -n 1)" | grep -c 'smime=pass')$(grep -l 'smime=pass' "$S/internal/new/"* | wc -l)" 140
to() { grep -l "^Delivered-To: $1\$" "$S/external/new/"*; }
copies() { to "$1" | wc -l; }
is "outgoing: bob's, carol's, dave's, the other's" "$(copies bob@partner.example) $(copies carol@partner.example) $(copies dave@partner.example) $(copies somebody@example.net)" "80 40 40 40"
is "each number once" "$(sed -n 's/^X-Number: //p' "$S/external/new/"* | sort -u | wc -l)" 160
clear() { xargs grep -l '^text [0-9]' | wc -l; }
is "no text for bob or carol in clear" "$( (to bob@partner.example; to carol@partner.example) | clear)" 0
is "the other's are in clear, as the rules say" "$(to somebody@example.net | clear)" 40
wrong=0
for f in $(to dave@partner.example); do # sealed or not, as the certificate was there: but signed in any case
	if grep -q '^text [0-9]' "$f"; then
		openssl cms -verify -in "$f" -CAfile "$S/ca.pem" -purpose any -out /dev/null 2>/dev/null
	else
		openssl cms -decrypt -in "$f" -recip "$S/dave.pem" -inkey "$S/dave.key" -out "$T/x" 2>/dev/null &&
			openssl cms -verify -in "$T/x" -CAfile "$S/ca.pem" -purpose any -out /dev/null 2>/dev/null
	fi || wrong=$((wrong + 1))
done
is "dave's are whole, sealed or not" "$wrong" 0
wrong=0
for f in $(to carol@partner.example | head -n 10); do
	for who in carol bob; do
		openssl cms -decrypt -in "$f" -recip "$S/$who.pem" -inkey "$S/$who.key" -out "$T/x" 2>/dev/null &&
			openssl cms -verify -in "$T/x" -CAfile "$S/ca.pem" -purpose any -out "$T/y" 2>/dev/null && grep -q '^text [0-9]' "$T/y" || wrong=$((wrong + 1))
	done
done
is "carol and bob read theirs" "$wrong" 0
is "the journal is empty" "$(spool_files "$S")" ""
# the index knows the last state
cp "$S/dave.pem" "$S/certs/public/dave.pem"
clean "$S"; run "$S" 10.0.0.5 alice@behoerde.example dave@partner.example <"$S/out.eml"
ok "a file copied in is found by the next message" openssl cms -decrypt -in "$(newest "$S/external")" -recip "$S/dave.pem" -inkey "$S/dave.key" -out "$T/x"
rm "$S/certs/public/dave.pem"
clean "$S"; run "$S" 10.0.0.5 alice@behoerde.example dave@partner.example <"$S/out.eml"
not_ok "... and taken out it is not" openssl cms -decrypt -in "$(newest "$S/external")" -recip "$S/dave.pem" -inkey "$S/dave.key" -out "$T/x"
none_left "no process is left" "$S"
done_testing
