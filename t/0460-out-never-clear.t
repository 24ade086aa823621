#!/bin/sh
# what is to be encrypted is never sent in clear: whatever breaks, it waits or is refused
. "${0%/*}/lib.sh"
. "$SRC/t/outgoing.sh"
command -v perl >/dev/null || skip_all "perl is missing"
A=alice@behoerde.example B=bob@partner.example
mail "$A" "$B" >"$T/m"
cp "$T/m" "$T/short"
rules '. (to) . (do) FE, FS'
cp "$T/rules" "$T/rules.good"
cp "$T/postern.conf" "$T/conf.good"
good() { cp "$T/conf.good" "$T/postern.conf"; cp "$T/rules.good" "$T/rules"; cp "$T/short" "$T/m"; }

# The rule for every row: a failure leaves nothing; a success leaves what only the recipient reads.
kept() { # TITLE WANTED-EXIT ('any': a failure)
	kept_state="exit $code"
	[ "$code" -ne 0 ] && [ "$2" = any ] && kept_state="exit any"
	[ "$(left)" -eq 0 ] || kept_state="$kept_state, something left"
	! is_clear || kept_state="$kept_state, IN CLEAR"
	is "$1" "$kept_state" "exit $2"
	case "$code" in
	0|67|69|75|77) ;;
	*) fail "$1: an exit code of ours" "$code" ;;
	esac
	[ "$(printf '%s\n' "$out" | wc -l)" -eq 1 ] || fail "$1: one line" "$out"
}
row() { send "$A" "$B"; kept "$@"; } # TITLE WANTED-EXIT
one() { empty "$T/external"; run "$T" 10.0.0.1 "$A" "$B" <"$T/m"; } # what cannot be foreseen

send "$A" "$B"
ok "with nothing broken it leaves, sealed" opens "$B" bob

# ---- modules that break at any question ----
mkdir "$T/modules"
for m in rules-file keys-file check-path; do ln -s "$BUILD/$m" "$T/modules/$m"; done
ln -s "$SRC/t/helper/fake-module" "$T/modules/fake"
openssl x509 -in "$T/alice.pem" -outform DER -out "$T/alice.der"
bob=$(openssl x509 -in "$T/bob.pem" -outform DER | openssl base64 -A)
alice=$(openssl base64 -A <"$T/alice.der")
behave() { # ROLE OPERATION FAULT...
	behave_role=$1
	shift
	cat >"$T/modules/fake.behaviour" <<-END
		answer decide <result id="@ID@"><decision recipient="$B" sign="FS" encrypt="FE"><because source="fake:1">FE</because></decision></result>
		answer find-certificates <result id="@ID@"><certificate for="$B" area="public" source="fake" match="address">$bob</certificate></result>
		answer find-keys <result id="@ID@"><key id="k" which="0" source="fake"><certificate>$alice</certificate></key></result>
		${1:+at $*}
	END
	good
	conf "$T" "module_directory = $T/modules" "${behave_role}_modules = fake"
}
behave rules decide
sed -i '$d' "$T/modules/fake.behaviour"
send "$A" "$B"
ok "a rules module that answers well: sealed" opens "$B" bob
for role in rules keys check; do
	case $role in
	rules) operations="hello decide" ;;
	keys) operations="hello find-certificates find-keys sign" ;;
	check) operations="hello check-certificate" ;;
	esac
	for operation in $operations; do
		for fault in kill "exit 0" "exit 1" truncated junk empty wrong-id close-stdout "oversized 99999999" "refuse temporary busy later"; do
			# shellcheck disable=SC2086
			behave $role $operation $fault
			[ "$operation $fault" = "hello wrong-id" ] || row "$role module, $operation: $fault" 75
		done
		[ $operation = hello ] && continue
		for fault in "refuse permanent not-found none" "refuse permanent failed no" "refuse permanent denied no"; do
			# shellcheck disable=SC2086
			behave $role $operation $fault
			row "$role module, $operation: $fault" any
		done
		# shellcheck disable=SC2086
		behave $role $operation silent
		conf "$T" "module_timeout = 1s"
		one
		kept "$role module, $operation: silent" 75
	done
done
# If possible means: unless there is none.  Not knowing is no reason to send in clear.
for question in "keys find-certificates" "check check-certificate"; do
	for fault in kill truncated junk close-stdout "refuse temporary busy later" "refuse permanent failed no"; do
		# shellcheck disable=SC2086
		behave $question $fault
		echo "answer decide <result id=\"@ID@\"><decision recipient=\"$B\" sign=\"SIP\" encrypt=\"EIP\"/></result>" >"$T/modules/rules.behaviour"
		ln -sf "$SRC/t/helper/fake-module" "$T/modules/rules"
		conf "$T" "rules_modules = rules"
		row "encryption if possible, $question: $fault" any
	done
done
behave keys sign # a signature that is none
row "keys module, sign: not a signature" 75
for verdict in 'value="invalid" reason="revoked"' 'value="unknown" reason="no-path"' 'value="maybe"' 'value="valid" reason="x"' 'value="invalid"' ''; do
	behave check ""
	echo "answer check-certificate <result id=\"@ID@\"><verdict $verdict>a text</verdict></result>" >>"$T/modules/fake.behaviour"
	row "check module: <verdict $verdict>" any
done
for word in 'encrypt="FEE"' 'encrypt=""' '' 'encrypt="FE" sealed="no"' 'encrypt="NE"'; do
	behave rules ""
	sed -i "s/encrypt=\"FE\"/$word/" "$T/modules/fake.behaviour"
	[ "$word" = 'encrypt="NE"' ] && { send "$A" "$B"; ok "(the test sees mail in clear)" is_clear; continue; }
	row "rules module: a decision with [$word]" 75
done
for answer in '<result id="@ID@"/>' '<result id="@ID@"><decision recipient="eve@evil.example" sign="NS" encrypt="NE"/></result>'; do
	behave rules ""
	sed -i '/^answer decide/d' "$T/modules/fake.behaviour"
	echo "answer decide $answer" >>"$T/modules/fake.behaviour"
	row "rules module: $answer" 75
done
for answer in '<result id="@ID@"/>' "<result id=\"@ID@\"><certificate for=\"$B\" area=\"public\" source=\"fake\" match=\"address\">AAAA</certificate></result>" \
	"<result id=\"@ID@\"><certificate for=\"eve@evil.example\" area=\"public\" source=\"fake\" match=\"address\">$bob</certificate></result>" \
	"<result id=\"@ID@\"><certificate for=\"$B\" area=\"public\" source=\"fake\" match=\"address\">$alice</certificate></result>"; do
	behave keys ""
	sed -i '/^answer find-certificates/d' "$T/modules/fake.behaviour"
	echo "answer find-certificates $answer" >>"$T/modules/fake.behaviour"
	row "keys module: $(echo "$answer" | cut -c1-90)" any
done

# ---- the site is broken ----
broken() { # TITLE WANTED-EXIT LINE...: with these lines of configuration
	broken_title=$1 broken_want=$2
	shift 2
	good
	conf "$T" "$@"
	row "$broken_title" "$broken_want"
}
for role in rules keys check; do
	broken "${role}_modules names none that is there" 75 "${role}_modules = not-there"
	broken "${role}_modules is empty" 75 "${role}_modules ="
done
: >"$T/modules/dead"
broken "a module that is no program" 75 "module_directory = $T/modules" "keys_modules = dead"
broken "no module_directory" 75 "module_directory = $T/none"
broken "profile unknown" 75 "profile = no-such"
printf '[compatible]\ncipher = rot13\n' >"$T/profiles"
broken "a broken file of profiles" 75 "profiles_file = $T/profiles"
broken "no rules file" 75 "rules_file = $T/none"
good; echo 'a line that is none' >>"$T/rules"; row "a broken line in the rules" 75
good; echo '. (to) ( (do) FE' >>"$T/rules"; row "a broken pattern in the rules" 75
broken "no areas" any "areas = $T/none"
broken "no destination" 75 "external ="
good; conf "$T" "external = maildir:$T/m/x"; one; kept "a destination that is no directory" 75
good; conf "$T" "external = command:$T/none \${recipients}"; one; kept "a destination that cannot be started" 75
broken "a spool that is no directory" 75 "spool = $T/m/x"
broken "an empty rules file of another site, still no clear text without leave" 75 "rules_file = $T/certs"
good; mv "$T/certs/ca/ca.pem" "$T/kept"; row "no CA" any; mv "$T/kept" "$T/certs/ca/ca.pem"
good; mv "$T/certs/private/alice.pem" "$T/kept"; head -c 300 "$T/kept" >"$T/certs/private/alice.pem"; row "a key file cut off" any
chmod 600 "$T/certs/private/alice.pem"; cp "$T/kept" "$T/certs/private/alice.pem"
mv "$T/certs/public/bob.pem" "$T/kept2"; head -c 300 "$T/kept2" >"$T/certs/public/bob.pem"; row "a certificate cut off" any
cp "$T/kept2" "$T/certs/public/bob.pem"
good; send "$A" "$B"; ok "all mended: it leaves, sealed" opens "$B" bob

# ---- time and space ----
behave check check-certificate slow 30
conf "$T" "deadline = 1s" "module_timeout = 30s"
one
kept "past the deadline" 75
behave check check-certificate slow 60
empty "$T/external"
ASAN_OPTIONS=handle_segv=0 "$BUILD/postern" -c "$T/postern.conf" -client 10.0.0.1 -sender "$A" -queue-id T1 -readmail "$B" \
	<"$T/m" >"$T/said" 2>&1 &
parent=$!
kill_at_end $parent
tries=0 child=
while [ -z "$child" ] && [ $tries -lt 3000 ]; do # the worker has the parent's name, the modules have not
	tries=$((tries + 1))
	child=$(pgrep -P $parent -x postern) || sleep 0.02
done
sleep 0.3
kill -SEGV "$child"
wait $parent
code=$? out=$(cat "$T/said")
kept "the working process dies" 75
like "and says so" "$out" '^4\.3\.0 the working process died of signal 11'

good
perl -e 'print "From: alice\@behoerde.example\nTo: bob\@partner.example\n\nthe plain words\n", ("x" x 70 . "\n") x 2000' >"$T/m"
for blocks in 0 1 100 200 270 280 300 350 1000; do # of 512 bytes; the message has 278, sealed about 390
	empty "$T/external"
	out=$( (ulimit -f $blocks; trap '' XFSZ; "$BUILD/postern" -c "$T/postern.conf" -client 10.0.0.1 -sender "$A" -queue-id T1 \
		-readmail "$B") <"$T/m" 2>&1)
	code=$?
	[ $blocks -eq 1000 ] && { ok "files of $blocks blocks are enough: sealed" opens "$B" bob; continue; }
	kept "no file may be longer than $blocks blocks" 75
done
mkdir "$T/small"
if mount -t tmpfs -o size=64k none "$T/small" 2>/dev/null; then
	conf "$T" "spool = $T/small/spool"
	for size in 64 192 256 320 448; do
		mount -o remount,size=${size}k "$T/small"
		rm -rf "$T/small/"*
		empty "$T/external"
		one
		[ $code -eq 0 ] && { ok "a spool of $size KB is enough: sealed" opens "$B" bob; continue; }
		kept "a spool of $size KB" 75
	done
	mount -o remount,size=2m "$T/small"
	rm -rf "$T/small/"*
	good
	perl -e 'print "From: alice\@behoerde.example\nTo: bob\@partner.example\n\nthe plain words\n", ("x" x 70 . "\n") x 2000' >"$T/m"
	conf "$T" "external = maildir:$T/small/external"
	head -c 1900000 /dev/zero >"$T/small/fill"
	one
	is "a full destination: it waits" "$code $(find "$T/small/external" -type f 2>/dev/null | wc -l)" "75 0"
	umount "$T/small"
else
	skip "a full spool" "mounting a small file system needs root"
fi
good
foreseen
done_testing
