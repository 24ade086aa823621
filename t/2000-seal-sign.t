#!/bin/sh
# signatures of every key type under every profile, verified by openssl with the chain that came along
. "${0%/*}/lib.sh"
. "${0%/*}/smime_lib.sh"

authority
leaf rsa rsa:2048 digitalSignature,nonRepudiation
leaf pss pss:2048 digitalSignature
leaf pss384 pss384:2048 digitalSignature
leaf p256 ec:P-256 digitalSignature
leaf p384 ec:P-384 digitalSignature
leaf p521 ec:P-521 digitalSignature
leaf bp256 ec:brainpoolP256r1 digitalSignature
leaf bp384 ec:brainpoolP384r1 digitalSignature
leaf bp512 ec:brainpoolP512r1 digitalSignature
leaf cipher rsa:2048 keyEncipherment
entity "$T/entity"

verify() { # MESSAGE: content to $T/content
	openssl cms -verify -in "$1" -CAfile "$T/root.pem" -purpose smimesign -out "$T/content" 2>"$T/err"
}
structure() { # MESSAGE: the parsed SignerInfo
	openssl cms -cmsout -print -in "$1" | sed -n '/signerInfos/,$p'
}
sign() { # NAME PROFILE OUT
	"$seal" -profiles "$T/profiles" -profile "$2" -sign "$T/$1.pem" "$T/$1.key" -chain "$T/chain.pem" "$T/entity" >"$3"
}
cat >"$T/profiles" <<END
[opaque]
like = bdew
opaque = yes
[sha512]
like = compatible
digest = sha512
END

for name in rsa pss pss384 p256 p384 p521 bp256 bp384 bp512; do
	for profile in compatible bdew opaque sha512; do
		ok "$name signs with $profile" sign $name $profile "$T/out"
		ok "openssl verifies it" verify "$T/out"
		ok "the content is what was signed" cmp "$T/entity" "$T/content"
	done
done

sign rsa compatible "$T/out"
like "PKCS #1 v1.5 under compatible" "$(structure "$T/out")" 'algorithm: rsaEncryption'
like "micalg" "$(head -n 4 "$T/out")" 'micalg="sha-256"'
ok "whole chain inside" test "$(openssl cms -cmsout -print -in "$T/out" | grep -c 'd.certificate:')" = 3
like "signing time" "$(structure "$T/out")" 'signingTime'
like "capabilities" "$(structure "$T/out")" 'S/MIME Capabilities'
sign rsa sha512 "$T/out"
like "micalg follows the digest" "$(head -n 4 "$T/out")" 'micalg="sha-512"'
sign rsa bdew "$T/out"
like "PSS under bdew" "$(structure "$T/out")" 'algorithm: rsassaPss'
like "with a salt of 32 bytes (hexadecimal here)" "$(structure "$T/out" | sed -n '/rsassaPss/,/signature:/p')" 'INTEGER +:20$'
sign pss compatible "$T/out"
like "PSS from the key under a profile with v1.5" "$(structure "$T/out")" 'algorithm: rsassaPss'
sign pss384 compatible "$T/out"
like "digest from the key's restriction" "$(head -n 4 "$T/out")" 'micalg="sha-384"'
sign p256 bdew "$T/out"
like "ECDSA with SHA-256" "$(structure "$T/out")" 'algorithm: ecdsa-with-SHA256'
for pair in p384:384 bp384:384 p521:512 bp512:512; do
	sign ${pair%:*} compatible "$T/out"
	like "digest as strong as ${pair%:*}" "$(head -n 4 "$T/out")" "micalg=\"sha-${pair#*:}\""
done

# a changed byte
sign rsa compatible "$T/out"
sed 's/From the gate/From the gale/' "$T/out" >"$T/changed"
not_ok "changed content does not verify" verify "$T/changed"

# MIME: what other signers got wrong
sign rsa compatible "$T/out"
is "no bare line feed" "$(tr -d '\n' <"$T/out" | tr -dc '\r' | wc -c)" "$(wc -l <"$T/out")"
is "base64 lines of 76 columns" "$(sed -n '/pkcs7-signature; name/,$p' "$T/out" | grep -c '^[A-Za-z0-9+/]\{76\}.$')" \
	"$(sed -n '/pkcs7-signature; name/,$p' "$T/out" | grep -c '^[A-Za-z0-9+/]\{60,\}')"
boundary=$(sed -n 's/.*boundary="\([^"]*\)".*/\1/p' "$T/out")
is "three boundary lines" "$(grep -c -- "^--$boundary" "$T/out")" 3
sign rsa compatible "$T/second"
unlike "boundaries are not repeated" "$(cat "$T/second")" "$boundary"

# openssl.cnf is not for us: one that stops every program that reads it
printf 'config_diagnostics = 1\nopenssl_conf = nothing\n' >"$T/openssl.cnf"
not_ok "a configuration that stops openssl" env OPENSSL_CONF="$T/openssl.cnf" openssl dgst -sha256 "$T/entity"
ok "is not read" env OPENSSL_CONF="$T/openssl.cnf" "$seal" -sign "$T/rsa.pem" "$T/rsa.key" "$T/entity"

# refusals
not_ok "a certificate for encryption does not sign" sign cipher compatible "$T/out"
like "and is named" "$out" 'CN = cipher: its key usage does not allow signatures'
not_ok "the key of another certificate" "$seal" -sign "$T/rsa.pem" "$T/cipher.key" "$T/entity"

# 8 MB
{ printf 'Content-Type: text/plain\r\n\r\n'; i=0; while [ $i -lt 8 ]; do head -c 750000 /dev/zero | openssl base64 | sed 's/$/\r/'; i=$((i + 1)); done; } >"$T/entity"
ok "eight megabytes" sign p256 compatible "$T/out"
ok "verify" verify "$T/out"
ok "content" cmp "$T/entity" "$T/content"
done_testing
