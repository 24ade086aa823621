#!/bin/sh
# rules-file, keys-file and check-path in a conversation: every document is what the grammar says
. "${0%/*}/lib.sh"
. "${0%/*}/helper/modules.sh"
command -v xmllint >/dev/null || skip_all "xmllint is missing"
command -v openssl >/dev/null || skip_all "openssl is missing"
GRAMMAR=$SRC/etc/postern-modules.rng
for d in public trusted untrusted private ca crl seen; do mkdir -p "$T/certs/$d"; done
for n in own other; do
	openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=$n" -addext "subjectAltName=email:$n@example.org" \
		-addext "keyUsage=digitalSignature,keyEncipherment" -keyout "$T/$n.key" -out "$T/$n.pem" 2>/dev/null
done
chmod 600 "$T/own.key"
cat "$T/own.key" "$T/own.pem" >"$T/certs/private/own.pem"; chmod 600 "$T/certs/private/own.pem"
cp "$T/other.pem" "$T/certs/public/"; cp "$T/other.pem" "$T/certs/trusted/"
printf '. (to) partner.example (do) FE,FS=own@example.org\n. (to) . (do) SIP,REJECT=no <way>\n' >"$T/rules"
mkdir -p "$T/rec" "$T/spool"

# real NAME ROLE: that module behind a recorder; false (and a skipped test) where it is not built
real() {
	name=$1; program=$BUILD/$1
	[ -x "$program" ] || { skip "$1" "it is not built"; return 1; }
	rm -f "$T"/rec/*
	fake "$1" "record $T/rec" "proxy $program"
	site "$2=$1"
	for s in "areas = $T/certs" "rules_file = $T/rules" "spool = $T/spool" "verify_log = $T/verify.log"; do setting "$s"; done
}
# valid WHAT N: at least N answers were recorded, and all is valid
valid() {
	ok "$1: at least $2 answers" test "$(ls "$T"/rec/*-from-* | wc -l)" -ge "$2"
	ok "$1: valid documents" xmllint --nonet --noout --relaxng "$GRAMMAR" "$T"/rec/*.xml
	unlike "$1: no error in the log" "$log" ' error: '
}

if real rules-file rules; then
	decide x@partner.example y@example.net
	is "rules-file decides" "$(printf '%s\n' "$out" | cut -d' ' -f1-4)" "x@partner.example: SIP as= FE
y@example.net: SIP as= NE"
	ask check-rules
	like "rules-file checks" "$out" '^rules-file: warning: .*rules:1:'
	valid rules-file 4
fi
if real check-path check; then
	ask check sign "$(date +%s)" other@example.org "$T/other.pem" "$T/own.pem"
	like "check-path has verdicts" "$out" '/CN=other: valid'
	like "... with reasons" "$out" '/CN=own: (invalid|unknown) reason=[a-z]'
	valid check-path 3
fi
if real keys-file keys; then
	ask certificates other@example.org nobody@example.net
	like "keys-file finds certificates" "$out" '^other@example.org: /CN=other area=(public|trusted)'
	ask certificate-by-id "$T/other.pem"
	like "... by identifier" "$out" '^: /CN=other '
	ask signing-keys nobody@example.net
	like "... no key" "$out" '^E_NOTFOUND'
	ask decrypting-keys "$T/other.pem" "$T/own.pem"
	like "... our key among recipients" "$out" ': /CN=own which=1 '
	ask signing-keys own@example.org
	key=${out%%: *}
	like "... a key to sign" "$out" ': /CN=own which=0 '
	ask use sign for:own@example.org rsa-pkcs1 "$(printf abc | openssl dgst -sha256 -r | cut -d' ' -f1)"
	printf '%s' "${out#got }" | perl -pe '$_ = pack "H*", $_' >"$T/signature"
	openssl x509 -in "$T/own.pem" -noout -pubkey >"$T/own.pub"
	printf abc >"$T/abc"
	ok "... signs, as openssl sees it" openssl dgst -sha256 -verify "$T/own.pub" -signature "$T/signature" "$T/abc"
	hex=$(openssl pkeyutl -encrypt -pubin -inkey "$T/own.pub" -in "$T/abc" | od -An -v -tx1 | tr -d ' \n')
	ask use unwrap for:own@example.org rsa-pkcs1 "$hex"
	is "... unwraps what openssl has wrapped" "$status:$out" "0:got 616263"
	valid keys-file 3
fi
done_testing
