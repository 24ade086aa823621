#!/bin/sh
# whatever comes from outside arrives byte for byte under the added fields, or is refused by a stated limit
. "${0%/*}/lib.sh"
. "$SRC/t/incoming.sh"
conf "$T" 'notice_limit = 0'

below() { # what stands in $T/got below our two fields
	perl -0777 -pe 's/\AAuthentication-Results: .*?^X-Postern-Result: .*?mac=\S+\r?\n//ms' "$T/got"
}
# arrives WHAT [RESULT]: $T/m, as it is
arrives() {
	incoming <"$T/m"
	is "$1: accepted" "$code $out $(result)" "0  ${2-none}"
	below >"$T/rest"
	ok "$1: byte for byte" cmp "$T/m" "$T/rest"
	ok "$1: the record fits" genuine
}
# arrives_apart WHAT: likewise, with an empty line where the header ends at a line that is no field
arrives_apart() {
	incoming <"$T/m"
	is "$1: accepted" "$code $out $(result)" "0  none"
	below | perl -0777 -pe 's/\n\n/\n/ or s/\A\n//' >"$T/rest"
	ok "$1: byte for byte, but for one empty line" cmp "$T/m" "$T/rest"
	ok "$1: the record fits" genuine
}

printf 'From: a@x.example\nSubject: s\n\nbody without a line break' >"$T/m"; arrives "no line break at the end"
printf 'From: a@x.example\r\nSubject: s\r\n\r\nbody\r\n\r\n\r\n' >"$T/m"; arrives "CRLF, empty lines at the end"
printf 'From: a@x.example\nSubject: s\r\n\nmixed\r\nline\nends\r' >"$T/m"; arrives "mixed line ends"
printf 'From: a@x.example\nSubject: \344\366\374 \303\244\nX-\001: b\n\nbody\n' >"$T/m"; arrives_apart "8-bit and a control character in the header"
printf 'From: a@x.example\nSubject: \344\366\374 \303\244\nX-Odd: \001\177\n\nbody\n' >"$T/m"; arrives "8-bit and control characters in values"
printf 'From: a@x.example\nX-NUL: a\000b\n\nNUL \000 and 8-bit \200\377\000\n' >"$T/m"; arrives "NUL and 8-bit in the body"
printf 'From: a@x.example\nSubject: only a header\n' >"$T/m"; arrives "only a header"
printf 'From: a@x.example\nSubject: only a header\n\n' >"$T/m"; arrives "only a header and its end"
printf 'no header at all\nsecond line\n' >"$T/m"; arrives_apart "no header"
printf '\nthe header is empty\n' >"$T/m"; arrives "an empty header"
printf '\n' >"$T/m"; arrives "one empty line"
printf ' begins with a blank\nFrom: a@x.example\n' >"$T/m"; arrives_apart "a continuation of nothing"
printf 'From: a@x.example\nno field\nSubject: not one\nstill body\n' >"$T/m"; arrives_apart "a header without an end"
{ printf 'From: a@x.example\n\n'; head -c 300000 /dev/urandom; } >"$T/m"; arrives "300000 random bytes"
{ printf 'From: a@x.example\n\n'; head -c 200000 /dev/zero | tr '\000' x; } >"$T/m"; arrives "one line of 200000 bytes"

# MIME that is none
mime='From: a@x.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed'
printf "$mime"'; boundary=b\n\n--b\n\none\n--b\n\ntwo without an end' >"$T/m"; arrives "a multipart without an end"
printf "$mime"'\n\nno boundary at all\n--\n' >"$T/m"; arrives "a multipart without a boundary"
printf "$mime"'; boundary=""\n\n--\n\na\n----\n' >"$T/m"; arrives "an empty boundary"
printf "$mime"'; boundary=a; boundary=b\n\n--a\n\none\n--a--\n--b\n\ntwo\n--b--\n' >"$T/m"; arrives "two boundaries"
printf "$mime"'; boundary="unfinished\n\n--unfinished\n\none\n--unfinished--\n' >"$T/m"; arrives "a quote without an end"
printf 'From: a@x.example\nContent-Type: text/plain\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n' >"$T/m"
arrives "two types"
printf 'From: a@x.example\nContent-Transfer-Encoding: base64\n\n!!! not base64 ===\n' >"$T/m"; arrives "base64 that is none"
printf 'From: a@x.example\nContent-Type: message/rfc822\n\nFrom: eve@evil.example\nX-Postern-Result: inside an attachment\n\nx\n' >"$T/m"
arrives "an attached message keeps its own header"

# S/MIME that is none: closed, as it came
smime='From: a@x.example\nContent-Type: application/pkcs7-mime; name=smime.p7m\nContent-Transfer-Encoding: base64\n'
printf "$smime"'\n' >"$T/m"; arrives "nothing where CMS should be" permerror
printf "$smime"'\nMIIBnot CMS\n' >"$T/m"; arrives "junk where CMS should be" permerror
printf "$smime" >"$T/m"; arrives "CMS without a body" permerror
printf 'From: a@x.example\nContent-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=b\n\n--b\n\none\n' >"$T/m"
arrives "half a multipart/signed" fail
person carol carol@partner.example rsa
echo secret | entity | seal carol | letter bob@partner.example | sed 's/^To:.*/&\nX-Odd:  as\n\tit was  /' >"$T/m"
arrives "for somebody else" permerror
is "for somebody else: the reason" "$(value reason) $(value encrypted)" "no-key no"
crlf <"$T/m" >"$T/in" && mv "$T/in" "$T/m"; arrives "for somebody else, CRLF" permerror
echo secret | entity | seal alice | letter bob@partner.example >"$T/whole"
head -c $(($(wc -c <"$T/whole") - 200)) "$T/whole" >"$T/m"; arrives "cut off" permerror
sed '/^MI/,$s/[A-Za-z]\{8\}$/AAAAAAAA/' "$T/whole" >"$T/m"; arrives "bytes changed" permerror
echo secret | entity | seal alice -- -aes-256-gcm | letter bob@partner.example >"$T/whole"
perl -0777 -pe 's/([A-Za-z0-9+\/])([A-Za-z0-9+\/]{7}=*\s*)\z/($1 eq "A" ? "B" : "A") . $2/e' "$T/whole" >"$T/m"
arrives "GCM with a wrong tag" permerror

# limits: at them, and one above
big() { # BYTES: a message whose header has so many
	printf 'From: a@x.example\n' >"$T/m"
	left=$(($1 - 18))
	while [ $left -gt 1200 ]; do printf 'X-Fill: %991s\n' x; left=$((left - 1000)); done >>"$T/m"
	printf "X-Last: %$((left - 9))s\n" x >>"$T/m"
	printf '\nbody\n' >>"$T/m"
}
conf "$T" 'header_limit = 64K'
big 65536
is "the header has 65536 bytes" "$(sed '/^$/,$d' "$T/m" | wc -c)" 65536
arrives "a header at header_limit"
conf "$T" "scanner = maildir:$T/scanner" "scanner_clients = 10.9.9.9"
incoming <"$T/m"
sed '/^Return-Path:/d; /^Delivered-To:/d' "$(newest "$T/scanner")" >"$T/scanned"
run "$T" 10.9.9.9 "$sender" alice@behoerde.example <"$T/scanned"
is "and comes back from the scanner, where it is above it by our fields" "$code $out$(delivered "$T/internal")" "0 1"
conf "$T" "scanner = none"
big 65537
incoming <"$T/m"
like "one byte more is refused" "$code $out" '^69 5\.[0-9.]+ .*header.*65536'
is "and does not arrive" "$(delivered "$T/internal")" 0
printf 'From: a@x.example\n\n' >"$T/m"; head -c $((10240 - 19)) /dev/zero | tr '\000' x >>"$T/m"
conf "$T" 'message_size_limit = 10K'
arrives "a message at message_size_limit"
echo >>"$T/m"
incoming <"$T/m"
like "one byte more is refused, too" "$code $out" '^69 5\.[0-9.]+ .*message_size_limit'
conf "$T" 'message_size_limit = 100M' 'part_limit = 4'
printf "$mime"'; boundary=b\n\n--b\n\n1\n--b\n\n2\n--b\n\n3\n--b--\n' >"$T/m"; arrives "part_limit parts"
printf "$mime"'; boundary=b\n\n--b\n\n1\n--b\n\n2\n--b\n\n3\n--b\n\n4\n--b--\n' >"$T/m"
incoming <"$T/m"
like "one more is refused" "$code $out" '^69 5\.[0-9.]+ .*parts'
: >"$T/m"
incoming <"$T/m"
like "an empty message is refused" "$code $out" '^69 5\.[0-9.]+ message is empty'

done_testing
