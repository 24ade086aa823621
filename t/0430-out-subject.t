#!/bin/sh
# wishes in the Subject: fulfilled or refused, never ignored, and gone from what leaves
. "${0%/*}/lib.sh"
. "$SRC/t/outgoing.sh"
A=alice@behoerde.example B=bob@partner.example N=nobody@partner.example
conf "$T" 'subject_sign = \[sign\]' 'subject_encrypt = \[(encrypt|vertraulich|äöü)\]' 'subject_plain = \[plain\]'
rules '. (to) . (do) NS, NE' '. (to) ^carol@ (do) FE, FS' '. (to) ^dave@ (do) SIP, EIP'
partner carol; partner dave
wish() { # SUBJECT RECIPIENT...
	printf 'From: %s\nTo: x@partner.example\nSubject: %s\n\nthe plain words\n' "$A" "$1" >"$T/m"
	shift
	send "$A" "$@"
}
subject() { sed -n '/^Subject:/,/^[^ ]/p' "$(letter "$1")" | sed -n '1p; /^ /p' | tr -d '\n'; }

wish 'a matter' "$B"
is "no wish: in clear" "$code $(is_clear && echo clear)" "0 clear"
is "the Subject stays" "$(subject "$B")" "Subject: a matter"
wish '[sign] a matter' "$B"
ok "[sign]: signed" verifies "$(letter "$B")"
is "and gone" "$(subject "$B")" "Subject: a matter"
for s in '[encrypt] a matter' 'a matter [ENCRYPT]' 'a [encrypt]matter' '=?utf-8?q?=5Bencrypt=5D_a_matter?=' \
	'=?utf-8?b?W2VuY3J5cHRdIGEgbWF0dGVy?=' '=?utf-8?q?=5Benc?= =?utf-8?q?rypt=5D_a_matter?=' '[encrypt]
 a matter' '=?iso-8859-1?q?=5B=E4=F6=FC=5D?= a matter' '=?utf-8?b?W8Ok?= =?utf-8?b?w7bDvF0=?= a matter'; do
	wish "$s" "$B"
	ok "$(echo "$s" | tr "\n" " "): encrypted" decrypts "$(letter "$B")" bob
	is "and gone" "$(subject "$B")" "Subject: a matter"
done
wish '[encrypt]' "$B"
ok "nothing but the wish: encrypted" decrypts "$(letter "$B")" bob
unlike "and gone" "$(subject "$B")" 'encrypt'
wish '=?utf-8?q?=5Bencrypt=5D_Gr=C3=BC=C3=9Fe?=' "$B"
like "what stays is written as an encoded word" "$(subject "$B")" '^Subject: =\?(utf|UTF)-8\?[QqBb]\?[^ ]*\?=$'
unlike "in ASCII" "$(subject "$B" | od -c)" '[23][0-7][0-7] '
wish '[sign] [encrypt] a matter' "$B"
ok "both" opens "$B" bob
is "are gone" "$(subject "$B")" "Subject: a matter"
wish '[plain] a matter' dave@partner.example
is "[plain] takes back what is only if possible" "$code $(is_clear && echo clear)" "0 clear"
is "and is gone" "$(subject dave@partner.example)" "Subject: a matter"
wish '[plain] a matter' carol@partner.example
ok "but never what is forced" opens carol@partner.example carol
is "and is gone all the same" "$(subject carol@partner.example)" "Subject: a matter"
wish '[plain] [encrypt] a matter' "$B"
ok "[encrypt] wins over [plain]" decrypts "$(letter "$B")" bob

# ---- what cannot be fulfilled ----
for s in '[encrypt] a matter' '[plain] [encrypt] x' '=?utf-8?b?W2VuY3J5cHRdIGEgbWF0dGVy?='; do
	wish "$s" "$N"
	is "$s without a certificate: refused" "$code $(left)" "77 0"
	like "says why" "$out" '^5\.7\.1 encryption is required.*no certificate'
done
wish '[encrypt] a matter' "$B" "$N"
is "of two one is served" "$code $(left) $(letter "$B" >/dev/null && echo bob)" "0 1 bob"
not_ok "and nothing is in clear" is_clear
like "the other is reported" "$(dsn)" "^Final-Recipient: rfc822; *$N"
printf 'From: nokey@behoerde.example\nTo: %s\nSubject: [sign] a matter\n\nthe plain words\n' "$B" >"$T/m"
send nokey@behoerde.example "$B"
is "[sign] without a key: refused" "$code $(left)" "77 0"
mv "$T/certs/public/bob.pem" "$T/kept"
wish '[encrypt] a matter' "$B"
is "[encrypt] after the certificate has gone: refused" "$code $(left)" "77 0"
mv "$T/kept" "$T/certs/public/bob.pem"

# ---- odd Subjects ----
printf 'From: %s\nTo: %s\nSubject: harmless\nSubject: [encrypt] a matter\n\nthe plain words\n' "$A" "$B" >"$T/m"
send "$A" "$B"
ok "in a second Subject field it counts as well" decrypts "$(letter "$B")" bob
is "one field is left" "$(grep -ci '^subject:' "$(letter "$B")") $(subject "$B")" "1 Subject: harmless"
printf 'From: %s\nTo: %s\n\nthe plain words\n' "$A" "$B" >"$T/m"
send "$A" "$B"
is "no Subject, no wish" "$code $(is_clear && echo clear)" "0 clear"
printf 'From: %s\nTo: %s\nComments: [encrypt]\nX-Subject: [encrypt]\n\n[encrypt]\nthe plain words\n' "$A" "$B" >"$T/m"
send "$A" "$B"
is "elsewhere it is none" "$code $(is_clear && echo clear)" "0 clear"
printf 'From: %s\nTo: %s\nSubject: \377\376 [encrypt] a matter\n\nthe plain words\n' "$A" "$B" >"$T/m"
send "$A" "$B"
ok "beside bytes that are no text it counts" decrypts "$(letter "$B")" bob
wish "[sign] $(printf '%0900d' 0)" "$B"
ok "a long Subject" verifies "$(letter "$B")"
is "stays within the lines of mail" "$(awk 'length > 998' "$(letter "$B")" | wc -l)" 0
conf "$T" 'subject_encrypt = (a+)+$'
wish "$(printf '%040d' 0 | tr 0 a)!" "$B"
is "a pattern without end: deferred" "$code $(left)" "75 0"
conf "$T" 'subject_encrypt = ['
wish '[encrypt] a matter' "$B"
is "a broken pattern: deferred" "$code $(left)" "75 0"
foreseen
done_testing
