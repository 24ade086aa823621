#!/bin/sh
# What passes through Postfix and postern untouched arrives untouched: smime_engine = 0 both ways, byte by byte; signed mail of
# strangers still verifies; and the limits of carrier, postern and instances fit each other.
. "${0%/*}/lib.sh"
. "$SRC/t/mta/postfix.sh"
why=$(postfix_usable) || skip_all "$why"
postfix_usable

S=$T/site
site_make "$S"
conf "$S" "smime_engine = 0"
postfix_make "$S" && postfix_start "$S" all && pass "carrier and instances run" || fail "carrier and instances run"

# What mail servers like to mend: fields that are dropped or completed elsewhere, long and folded ones, 8-bit bytes, long lines, control
# characters, blanks at line ends, dots, "From " lines, a body that only looks like MIME, parts nested deeper than anybody looks.
perl -e '
	print "Return-Path: <x\@y>\nBcc: secret\@x.example\nContent-Length: 17\nFrom: foo\nTo: bar (list), \"A  B\"   <x\@y.example>,\n\t<z\@local>\n";
	print "Subject: K\xc3\xb6ln   two  \nX-Long: ", "abcdefghij " x 9000, "\nX-Folded: a\n", ("\t" . "y" x 70 . "\n") x 1500;
	print "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"", "b" x 3000, "\"\n\n";
	print "preamble\n--", "b" x 3000, "\nContent-Type: text/plain\nX-Inner: ", "i" x 200000, "\nX-Inner2:\n", ("\t" . "i" x 70 . "\n") x 2500, "\n";
	print "line\n", "x" x 70000, "\n", "blanks   \t\n", ".\n..\n.dot\nFrom me\n>From you\n", "8bit \xff\xfe \xc3\xa4\n", "x" x 998, "\n", "x" x 2049, "\n";
	print "control \x01\x1b\x7f\x00 here\n\n\n";
	print "--", $_ == 1 ? "b" x 3000 : "n" . ($_ - 1), "\nContent-Type: multipart/mixed; boundary=n$_\n\n" for 1 .. 130;
	print "--n130\nContent-Type: message/rfc822\n\nBcc: inner\n\ndeep\n--n130--\n";
' >"$T/odd"
# a partner's own signature, base64 and 7-bit as such programs write it
printf 'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\303\274\303\237e\r\n%s\r\n' "$(head -c 900 /dev/zero | tr '\0' x)" |
	openssl cms -sign -signer "$S/bob.pem" -inkey "$S/bob.key" -subject signed -from bob@partner.example -to alice@behoerde.example | tr -d '\r' >"$T/signed"
printf 'From: bob@partner.example\nSubject: nothing else\n\n' >"$T/empty"
printf 'no header at all\n' >"$T/bare"

same() { # WHAT SIDE SENDER RECIPIENT SINK FILE
	reply=$(postfix_send "$S" "$2" "$3" "$4" <"$6")
	wait_for 120 sh -c "grep -qsi '^$4 ' '$S/sink/$5/accepted'"
	postfix_content "$(sink_message "$S" "$5" "$4")" >"$T/arrived"
	ok "$1" cmp "$6" "$T/arrived"
}
for file in odd signed empty; do
	same "outwards as it was: $file" inside alice@behoerde.example $file@partner.example external "$T/$file"
	same "inwards as it was: $file" outside bob@partner.example $file@behoerde.example internal "$T/$file"
done
same "a sender and recipient with capitals" inside Alice@Behoerde.Example Bob@Partner.Example external "$T/empty"
like "stay as they are" "$(cat "$S/sink/external/log")" '^RCPT TO:<Bob@Partner.Example>$'
postfix_send "$S" inside alice@behoerde.example bare@partner.example <"$T/bare" >/dev/null
wait_mail "$S" external 5 || :
like "text without a header is not lost" "$(cat "$(sink_message "$S" external bare@partner.example)")" 'no header at all'
tr -d '\r' <"$S/sink/internal/2.msg" >"$T/arrived"
ok "a stranger's signature verifies" openssl cms -verify -in "$T/arrived" -CAfile "$S/ca.pem" -out /dev/null
is "8-bit mail is announced as such" "$(grep -c 'BODY=8BITMIME' "$S/sink/external/log" | awk '{ print ($1 > 0) }')" 1

# ---- with the engine: signatures made here and there survive the rest of the way ----
conf "$S" "smime_engine = 2"
printf '%s\n' '. (to) . (do) NE,NS' '@behoerde\.example$ (to) ^signed-by-us@ (do) FS' >"$S/rules"
postfix_own "$S"
{
	printf 'From: alice@behoerde.example\nTo: x@partner.example\nSubject: long lines\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n'
	printf 'Content-Transfer-Encoding: 8bit\n\nGr\303\274\303\237e\nblanks  \n.\n..\nFrom here\n'
	head -c 20000 /dev/zero | tr '\0' x
	printf '\n'
} >"$T/long"
postfix_send "$S" inside alice@behoerde.example signed-by-us@partner.example <"$T/long" >/dev/null
ok "a message signed here arrives" wait_mail "$S" external 6
postfix_content "$(sink_message "$S" external signed-by-us@partner.example)" >"$T/arrived"
ok "and verifies behind two mail servers" openssl cms -verify -in "$T/arrived" -CAfile "$S/ca.pem" -out "$T/text"
is "no line is longer than SMTP allows" "$(awk 'length > 998' "$T/arrived" | wc -l | tr -d ' ')" 0
postfix_send "$S" outside bob@partner.example engine@behoerde.example <"$T/signed" >/dev/null
ok "a partner's signed message arrives" wait_mail "$S" internal 4
postfix_content "$(sink_message "$S" internal engine@behoerde.example)" >"$T/arrived"
like "judged good here" "$(cat "$T/arrived")" 'smime=pass'
ok "its signature still verifies for the users" openssl cms -verify -in "$T/arrived" -CAfile "$S/ca.pem" -out /dev/null

# ---- limits ----
field() { # N: a message whose Subject has N bytes, the name and colon counted
	printf 'From: alice@behoerde.example\nSubject:'
	head -c $(($1 - 8)) /dev/zero | tr '\0' s
	printf '\n\nx\n'
}
field 250000 >"$T/f"
same "a header field of 250,000 bytes is not cut" inside alice@behoerde.example f1@partner.example external "$T/f"
is "the carrier's limit for one is postern's for all" "$(postconf -c "$S/mta/carrier" -h header_size_limit)" "$("$S/mta/programs/postern" -c "$S/postern.conf" -get header_limit)"
is "the carrier's limit for messages is postern's" "$(postconf -c "$S/mta/carrier" -h message_size_limit)" \
	"$("$S/mta/programs/postern" -c "$S/postern.conf" -get message_size_limit)"
for instance in external scanner internal; do
	is "$instance has none" "$(postconf -c "$S/mta/$instance" -h message_size_limit)" 0
done
postfix_set "$S" carrier "message_size_limit = 3000000"
conf "$S" "message_size_limit = 3000000"
printf '%s\n' '. (to) . (do) FS,FE' >"$S/rules"
postfix_own "$S"
postfix_stop "$S" carrier
postfix_start "$S" carrier
big() { # BYTES
	perl -e 'my $n = shift; my $h = "From: alice\@behoerde.example\r\nSubject: big\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
		print $h, ("\xff" x 998 . "\r\n") x int(($n - length $h) / 1000)' "$1"
}
big 2900000 >"$T/big"
reply=$(postfix_send_options=-raw postfix_send "$S" inside alice@behoerde.example bob@partner.example <"$T/big")
like "a message below the limit is accepted" "$reply" '^250'
ok "and arrives, sealed" wait_mail "$S" external 8
ok "bigger than the limit" test "$(wc -c <"$(sink_message "$S" external bob@partner.example 2)")" -gt 3000000
big 3100000 >"$T/big"
reply=$(postfix_send_options=-raw postfix_send "$S" inside alice@behoerde.example bob@partner.example <"$T/big")
like "one above it is refused at the door" "$reply" '^552 5\.3\.4'
done_testing
