#!/bin/sh
# what comes back from behind the gateway never leaves opened: reports of scanners and mail servers, and refusals of our own
. "${0%/*}/lib.sh"
. "$SRC/t/incoming.sh"
. "$SRC/t/trip.sh"
printf 'the secret words\n' | entity | clear bob | seal alice | letter_of 1 | sed 's/^Subject: .*/Subject: the outer subject/' >"$T/m"
out() { newest "$T/external"; }
arrive alice@behoerde.example <"$T/m"
copy >"$T/c"

# report FORM TYPE FROM [ACTION]: a report about the copy, as different programs write them
report() {
	printf 'From: %s\nTo: bob@partner.example\nSubject: failed: the secret words\nMessage-ID: <report@scanner>\nMIME-Version: 1.0\n' "$3"
	printf 'Content-Type: %s; boundary=b%s\n\n--b\n\nyour mail with the secret words\n' "$2" \
		"$(case $2 in *report) echo '; report-type=delivery-status' ;; esac)"
	[ "$1" = plain ] || printf -- '--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; scanner\n\nFinal-Recipient: rfc822; alice@behoerde.example\nAction: %s\nStatus: 5.7.1\nDiagnostic-Code: smtp; 550 the secret words are a virus\n\n' "${4-failed}"
	case $1 in
	full) printf -- '--b\nContent-Type: message/rfc822\n\n'; cat "$T/c" ;;
	base64) printf -- '--b\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n'; base64 <"$T/c" ;;
	header) printf -- '--b\nContent-Type: text/rfc822-headers\n\n'; header "$T/c" ;;
	plain) printf -- '--b\nContent-Type: text/plain\n\nBelow this line is a copy of the message.\n\n'; cat "$T/c" ;;
	esac
	printf -- '\n--b--\n'
}
sender=
for form in full base64 header nothing; do
	for from in MAILER-DAEMON@scanner.example MAILER-DAEMON@behoerde.example; do
		fresh
		report $form multipart/report $from >"$T/r"
		back bob@partner.example <"$T/r"
		is "$form, from $from: one report leaves" "$code $out$(delivered "$T/external") $(inside)" "0 1 0"
		unlike "without a word of it" "$(cat "$(out)")" 'secret|a virus|X-Postern-[TR]|enveloped|pkcs7'
		like "it is our own" "$(cat "$(out)")" '^From: .*<postmaster@mx.behoerde.example>'
		is "and names recipient and status" "$(grep -c '^Final-Recipient: rfc822; alice@behoerde.example\|^Status: 5.7.1' "$(out)")" 2
	done
done
report full multipart/report MAILER-DAEMON@scanner.example >"$T/r"
fresh; back bob@partner.example <"$T/r"
like "it says which message" "$(cat "$(out)")" '^Message-ID: <1@partner.example>'
for engine in 1 0; do
	conf "$T" "smime_engine = $engine"
	fresh; back bob@partner.example <"$T/r"
	is "smime_engine = $engine" "$code $(delivered "$T/external") $(grep -c secret "$(out)")" "0 1 $([ $engine = 1 ] && echo 0 || grep -c secret "$T/r")"
done
conf "$T" "smime_engine = 2"
fresh; back bob@partner.example x@elsewhere.example alice@behoerde.example <"$T/r"
is "for several, and one inside" "$code $(delivered "$T/external") $(inside)" "0 2 1"
report full multipart/report MAILER-DAEMON@scanner.example delayed >"$T/r"
fresh; back bob@partner.example <"$T/r"
is "a delay is not reported" "$code $out$(delivered "$T/external") $(holds)" "0 0 0"
report plain multipart/mixed MAILER-DAEMON@scanner.example >"$T/r"
fresh; back bob@partner.example <"$T/r"
is "nothing for programs: held" "$code $out$(delivered "$T/external") $(grep -c 'reason: report' "$T"/spool/hold/*.hold)" "0 0 1"
like "and the administrator is told" "$(notices)" 'Report from behind the gateway is held'
rm -f "$T"/spool/hold/*
report plain multipart/mixed MAILER-DAEMON@behoerde.example >"$T/r"
fresh; back bob@partner.example <"$T/r"
is "with a token, from one of ours: likewise" "$code $out$(delivered "$T/external") $(holds)" "0 0 1"
rm -f "$T"/spool/hold/*
printf 'From: alice@behoerde.example\nTo: bob@partner.example\nSubject: away\nAuto-Submitted: auto-replied\n\nI am away.\n' >"$T/r"
fresh; back bob@partner.example <"$T/r"
is "an automatic answer of one of ours is sealed and leaves" "$code $(delivered "$T/external") $(grep -c enveloped-data "$(out)")" "0 1 1"

# ---- a mail server inside
report full multipart/report MAILER-DAEMON@behoerde.example >"$T/r"
fresh; run "$T" 10.0.0.1 "" bob@partner.example <"$T/r"
is "from inside: one report leaves" "$code $(delivered "$T/external")" "0 1"
unlike "without a word" "$(cat "$(out)")" 'secret|a virus|X-Postern-[TR]|enveloped'
sed 's/encrypted=yes/encrypted=no/' "$T/r" >"$T/n"
fresh; run "$T" 10.0.0.1 "" x@elsewhere.example <"$T/n"
like "from inside, of mail that came in clear: as it is" "$(cat "$(out)")" 'the secret words'

# ---- our own refusals of what came back
sender=bob@partner.example
refusing() { # CODE: an internal destination that does not want alice
	printf '#!/bin/sh\necho "5.1.1 no such user, the secret words"\nexit 67\n' >"$T/refuse"; chmod 755 "$T/refuse"
	conf "$T" "internal = command:$T/refuse \${recipients}"
}
fresh
refusing
back alice@behoerde.example <"$T/c"
is "refused inside: the mail server is not told to send it back" "$code $out$(delivered "$T/external")" "0 1"
like "the sender is" "$(cat "$(out)")" '^Final-Recipient: rfc822; alice@behoerde.example'
unlike "without what was opened" "$(cat "$(out)")" 'the outer|secret'
like "it says which message" "$(cat "$(out)")" '^Message-ID: <1@partner.example>'
back alice@behoerde.example <"$T/c"
is "a copy that comes again: the sender hears nothing new" "$code $(delivered "$T/external")" "0 1"
conf "$T" "internal = maildir:$T/internal"
back alice@behoerde.example <"$T/c"
is "nor does it arrive late" "$code $(inside)" "0 0"
conf "$T" 'header_limit = 2K'
{ sed '/^$/,$d' "$T/c"; i=0; while [ $((i += 1)) -le 500 ]; do printf 'X-Scan-%d: %080d\n' $i 0; done; sed -n '/^$/,$p' "$T/c"; } >"$T/d"
fresh; back alice@behoerde.example <"$T/d"
is "past a limit: held, not refused" "$code $out$(delivered "$T/external") $(inside) $(grep -c 'reason: scan-refused' "$T"/spool/hold/*.hold)" "0 0 0 1"
like "and the administrator is told" "$(notices)" 'Message from the scanner is held'
like "-explain says so" "$("$BUILD/postern" -c "$T/postern.conf" -explain -client $SCANNER -sender $sender \
	-readmail alice@behoerde.example <"$T/d" 2>&1)" '^exit: 0'
# an address inside that the scanner has led outside
conf "$T" 'header_limit = 256K' "internal = maildir:$T/internal"
fresh; back x@elsewhere.example <"$T/c"
is "an outside address for mail from outside: the sender is told, the message not returned" "$code $out$(delivered "$T/external")" "0 1"
unlike "without what was opened" "$(cat "$(out)")" 'the outer|secret'
like "of that address" "$(cat "$(out)")" '^Final-Recipient: rfc822; x@elsewhere.example'

# one of ours may have his own mail back
sed 's/^From: .*/From: alice@behoerde.example/' "$T/c" | unpostern >"$T/d"
sender=alice@behoerde.example
refusing
back rita@behoerde.example <"$T/d"
is "from inside through the scanner, refused inside: refused" "$code ${out%% *}" "67 5.1.1"

done_testing
