#!/bin/sh
# the signer's address and From: the same, or never "pass"
. "${0%/*}/lib.sh"
. "$SRC/t/incoming.sh"
person eve eve@evil.example
echo text | entity | clear bob >"$T/sealed"
echo text | entity | clear eve >"$T/eves"

# signed WHAT WORD HEADER-LINES: bob's signed text below these lines
signed() {
	{ printf "$3\nSubject: x\n"; cat "${4-$T/sealed}"; } >"$T/m"
	incoming <"$T/m"
	is "$1" "$code $(result) $(value result) $(value reason)" "0 $2 $2 ${5-$( [ "$2" = pass ] || echo address-mismatch)}"
}
same() { signed "$1" pass "$2"; }
torn() { signed "$1" fail "$2" "$T/sealed" malformed; }
other() { signed "$1" fail "$2"; }

# ---- the same address
same "the address alone" 'From: bob@partner.example'
same "in angle brackets" 'From: <bob@partner.example>'
same "behind a name" 'From: "Builder, Bob" <bob@partner.example>'
same "behind an encoded name" 'From: =?utf-8?q?B=C3=B6b?= <bob@partner.example>'
same "with comments" 'From: (a (b) <c>) bob@partner.example (eve@evil.example)'
same "folded" 'From: Bob\n\t<bob@partner.example>'
same "ASCII case does not count" 'FROM: BOB@Partner.EXAMPLE'
same "somebody else's address as the name is the same signer still" 'From: "eve@evil.example" <bob@partner.example>'
same "Sender does not count" 'Sender: eve@evil.example\nFrom: bob@partner.example\nReply-To: eve@evil.example\nResent-From: eve@evil.example'

# ---- another address
other "somebody else" 'From: eve@evil.example'
other "another local part" 'From: bobby@partner.example'
other "another domain" 'From: bob@partner2.example'
other "a sub-address" 'From: bob+x@partner.example'
other "a subdomain" 'From: bob@sub.partner.example'
other "a domain in front" 'From: bob@partner.example.evil.example'
other "the parent domain" 'From: bob@example'
other "a trailing dot" 'From: bob@partner.example.'
other "a trailing dot in brackets" 'From: <bob@partner.example.>'
other "a dot in the local part" 'From: b.ob@partner.example'
other "a blank in the local part" 'From: "bob "@partner.example'
other "a blank in front of it" 'From: " bob"@partner.example'
other "the local part quoted" 'From: "bob"@partner.example'
other "no domain" 'From: bob'
other "a Cyrillic o" 'From: b\320\276b@partner.example'
other "a Cyrillic a in the domain" 'From: bob@p\320\260rtner.example'
other "a Kelvin sign, a dotless i: no case games outside ASCII" 'From: bob@partner.e\305\277ample'
other "a full-width @" 'From: bob\357\274\240partner.example'
other "a zero-width space" 'From: bob\342\200\213@partner.example'
other "a no-break space" 'From: bob@partner.example\302\240'
other "Latin 1" 'From: bob@partner.example\240'
torn "a NUL" 'From: bob@partner.example\000'
torn "a NUL and more" 'From: bob@partner.example\000.evil.example'
torn "a lone CR" 'From: bob@partner.example\rFrom: eve@evil.example'
other "the look-alike in punycode" 'From: bob@xn--prtner-4nf.example'

# ---- where the address seems to stand
other "as the display name" 'From: "bob@partner.example" <eve@evil.example>'
other "as a bare display name" 'From: bob@partner.example <eve@evil.example>'
other "as an encoded display name" 'From: =?utf-8?q?bob=40partner=2Eexample?= <eve@evil.example>'
other "as a comment" 'From: eve@evil.example (bob@partner.example)'
other "as a bracket in the name" 'From: "<bob@partner.example>" <eve@evil.example>'
other "in two brackets" 'From: <bob@partner.example> <eve@evil.example>'
other "in two brackets, the other order" 'From: <eve@evil.example> <bob@partner.example>'
other "as a route" 'From: <@partner.example,bob@partner.example:eve@evil.example>'
other "with a route" 'From: <@evil.example:bob@partner.example>'
other "an encoded word as the address" 'From: =?utf-8?q?bob=40partner.example?='
other "an encoded word in the address" 'From: <=?utf-8?q?bob?=@partner.example>'
other "an encoded bracket" 'From: =?utf-8?q?=3Cbob=40partner.example=3E?='
other "two addresses" 'From: bob@partner.example, eve@evil.example'
other "two addresses, the other order" 'From: eve@evil.example, bob@partner.example'
other "twice the same address" 'From: bob@partner.example, bob@partner.example'
other "a group" 'From: Friends: bob@partner.example;'
other "a group with somebody else in front" 'From: eve@evil.example, Friends: bob@partner.example;'
other "an empty group behind it" 'From: bob@partner.example, eve@evil.example:;'
other "an unfinished comment" 'From: bob@partner.example (eve@evil.example'
other "an unfinished quote" 'From: bob@partner.example "eve@evil.example'
other "two From fields" 'From: bob@partner.example\nFrom: eve@evil.example'
other "two From fields, the other order" 'From: eve@evil.example\nFrom: bob@partner.example'
other "twice the same From field" 'From: bob@partner.example\nFrom: bob@partner.example'
other "a second one with a blank before the colon" 'From: bob@partner.example\nfrom : eve@evil.example'
other "a folded second address" 'From: bob@partner.example,\n eve@evil.example'
other "an empty From" 'From: '
other "no From" 'To: alice@behoerde.example'
other "only Sender" 'Sender: bob@partner.example'
other "only the envelope" 'Return-Path: <bob@partner.example>\nTo: x@behoerde.example'
printf 'From: eve@evil.example\nSubject: x\n' >"$T/m"
echo text | entity 'Content-Type: text/plain; hp="clear"' 'From: bob@partner.example' | clear bob >>"$T/m"
incoming <"$T/m"
is "only the protected From" "$(result) $(value reason)" "fail address-mismatch"

# ---- what the certificate says, byte for byte
hexed() { printf "$1" | od -An -v -tx1 | tr -d ' \n'; }
odd() { # NAME ADDRESS: in a subjectAltName as it is
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/$1.key" 2>/dev/null
	name=$(hexed "$2")
	size=$(printf '%02x' $((${#name} / 2)))
	printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=emailProtection\nsubjectAltName=DER:30%02x81%s%s\n' \
		$((${#name} / 2 + 2)) "$size" "$name" >"$T/ext"
	openssl req -new -key "$T/$1.key" -subj "/O=Example/CN=$1" | openssl x509 -req -CA "$T/ca.pem" -CAkey "$T/ca.key" -days 9 \
		-extfile "$T/ext" -set_serial "0x4$(openssl rand -hex 8)" -out "$T/$1.pem" 2>/dev/null
}
certified() { # WHAT PASS-OR-NOT ADDRESS
	odd odd "$3"
	echo text | entity | clear odd >"$T/odds"
	{ printf 'From: bob@partner.example\nSubject: x\n'; cat "$T/odds"; } >"$T/m"
	incoming <"$T/m"
	if [ "$2" = pass ]; then is "$1" "$code $(result)" "0 pass"; else like "$1" "$code $(result)" '^0 (fail|neutral)$'; fi
}
certified "a certificate in other case" pass 'Bob@PARTNER.example'
certified "a certificate for the domain" pass '@partner.example'
certified "a certificate for a subdomain" no '@sub.partner.example'
certified "a certificate for the parent" no '@example'
certified "a certificate for a host, not an address" no 'partner.example'
certified "a certificate with a blank behind" no 'bob@partner.example '
certified "a certificate with a blank before" no ' bob@partner.example'
certified "a certificate with a dot behind" no 'bob@partner.example.'
certified "a certificate with a NUL" no 'bob@partner.example\000.evil.example'
certified "a certificate with a NUL at the end" no 'bob@partner.example\000'
certified "a certificate with brackets" no '<bob@partner.example>'
certified "a certificate with a name" no 'Bob <bob@partner.example>'
certified "a certificate with two addresses in one" no 'bob@partner.example,eve@evil.example'
certified "a certificate in UTF-8 that looks alike" no 'b\320\276b@partner.example'

# ---- eve's own signature is eve's
signed "eve as eve" pass 'From: eve@evil.example' "$T/eves" ""
rm -rf "$T/spool/notices" # there were more than notice_limit
signed "eve as bob" fail 'From: bob@partner.example' "$T/eves" address-mismatch
like "the record names her" "$(value signer) $(field Authentication-Results)" '^eve@evil\.example .*smime-identifier="eve@evil\.example"'
is "the administrator learns of it" "$(notices)" "Message with an invalid signature"
# a certificate with names and an address of many kilobytes
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/long.key" 2>/dev/null
long=$(head -c 12000 /dev/zero | tr '\000' x)
printf '[req]\ndistinguished_name=d\nprompt=no\n[d]\nO=Example\n' >"$T/cnf"
for i in 1 2 3 4 5 6 7 8 9; do for k in 1 2 3 4 5 6 7 8 9; do printf '%s%s.OU=%060d\n' $i $k 7; done; done >>"$T/cnf"
printf 'keyUsage=digitalSignature\nextendedKeyUsage=emailProtection\nsubjectAltName=email:%s@evil.example\n' "$long" >"$T/ext"
openssl req -new -config "$T/cnf" -key "$T/long.key" | openssl x509 -req -CA "$T/ca.pem" -CAkey "$T/ca.key" -days 9 \
	-extfile "$T/ext" -set_serial 0x7711 -out "$T/long.pem" 2>/dev/null
echo text | entity | clear long >"$T/longs"
signed "eve with endless names" fail 'From: eve@evil.example' "$T/longs" address-mismatch
is "they do not blow up the header" "$(header | head -c 100000 | wc -c | sed 's/^[0-9]\{1,4\}$/short/')" short
# both signed: one good signer is enough, and he is named
echo text | entity | openssl cms -sign -signer "$T/eve.pem" -inkey "$T/eve.key" -signer "$T/bob.pem" -inkey "$T/bob.key" |
	tr -d '\r' >"$T/both"
signed "signed by both, from bob" pass 'From: bob@partner.example' "$T/both" ""
is "who is named" "$(value signer)" "bob@partner.example"

done_testing
