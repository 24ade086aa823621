#!/bin/sh
# encryption under every profile to every kind of key, alone and mixed, opened by openssl
. "${0%/*}/lib.sh"
. "${0%/*}/smime_lib.sh"

authority
leaf rsa rsa:2048 keyEncipherment
leaf big rsa:3072 keyEncipherment
leaf p256 ec:P-256 keyAgreement
leaf p384 ec:P-384 keyAgreement
leaf p521 ec:P-521 keyAgreement
leaf bp256 ec:brainpoolP256r1 keyAgreement
leaf bp512 ec:brainpoolP512r1 digitalSignature,keyAgreement
leaf other rsa:2048 keyEncipherment
leaf signer ec:P-256 digitalSignature
leaf pss pss:2048 digitalSignature
entity "$T/entity"

opens() { # NAME: $T/out to $T/content
	openssl cms -decrypt -in "$T/out" -inkey "$T/$1.key" -recip "$T/$1.pem" -out "$T/content" 2>"$T/err" &&
		cmp "$T/entity" "$T/content"
}
parsed() { openssl cms -cmsout -print -in "$T/out"; }
seal_to() { # PROFILE NAME...
	profile=$1
	shift
	for name; do set -- "$@" -to "$T/$name.pem"; shift; done
	"$seal" -profile "$profile" "$@" "$T/entity" >"$T/out" 2>"$T/cipher"
}

for profile in compatible rfc8551 bdew bdew-gcm bsi-tr-02102; do
	all="rsa big p256 p384 p521 bp256 bp512"
	[ $profile = bsi-tr-02102 ] && all=${all#rsa }
	for name in $all; do
		ok "$profile to $name" seal_to $profile $name
		ok "$name opens it" opens $name
	done
	ok "$profile to all of them" seal_to $profile $all
	for name in $all; do ok "$name opens it" opens $name; done
	not_ok "another does not" opens other
done

seal_to compatible rsa
is "compatible: AES-256-CBC" "$(cat "$T/cipher")" aes-256-cbc
like "in EnvelopedData" "$(cat "$T/out")" 'application/pkcs7-mime; smime-type=enveloped-data;'
like "RSA v1.5" "$(parsed)" 'algorithm: rsaEncryption'
seal_to bdew rsa
is "bdew: AES-128-CBC" "$(cat "$T/cipher")" aes-128-cbc
like "OAEP" "$(parsed)" 'algorithm: rsaesOaep'
like "with SHA-256" "$(parsed | sed -n '/rsaesOaep/,/encryptedKey/p')" 'OBJECT +:sha256'
seal_to bdew p256
like "ECDH with SHA-256" "$(parsed)" 'dhSinglePass-stdDH-sha256kdf-scheme'
like "and AES-128 key wrap" "$(parsed)" 'id-aes128-wrap'
seal_to rfc8551 p384
is "rfc8551: AES-256-GCM" "$(cat "$T/cipher")" aes-256-gcm
like "in AuthEnvelopedData" "$(cat "$T/out")" 'smime-type=authEnveloped-data;'
like "content type too" "$(parsed)" 'id-smime-ct-authEnvelopedData'
like "AES-256 key wrap" "$(parsed)" 'id-aes256-wrap'

# refusals name the certificate and the reason
not_ok "RSA-2048 under bsi-tr-02102" seal_to bsi-tr-02102 big rsa
like "reason" "$(cat "$T/cipher")" 'CN = rsa: RSA key of 2048 bits, profile bsi-tr-02102 wants 3000'
not_ok "a certificate for signatures" seal_to compatible rsa signer
like "reason" "$(cat "$T/cipher")" 'CN = signer: its key usage does not allow key agreement'
not_ok "an RSA-PSS key" seal_to compatible pss
like "reason" "$(cat "$T/cipher")" 'RSA-PSS key is for signatures only'

# what a partner's own signature says of him decides under compatible
"$seal" -profile rfc8551 -sign "$T/signer.pem" "$T/signer.key" "$T/entity" >"$T/signed"
openssl cms -cmsout -in "$T/signed" -outform DER -out "$T/signed.der"
at=$(openssl asn1parse -inform DER -in "$T/signed.der" | grep -A2 'S/MIME Capabilities' | tail -n 1 | sed 's/^ *\([0-9]*\):.*/\1/')
openssl asn1parse -inform DER -in "$T/signed.der" -strparse "$at" -noout -out "$T/capabilities"
ok "compatible to one who can do more" "$seal" -to "$T/p256.pem" -capabilities "$T/capabilities" "$T/entity"
"$seal" -to "$T/p256.pem" -capabilities "$T/capabilities" "$T/entity" >"$T/out" 2>"$T/cipher"
is "takes GCM" "$(cat "$T/cipher")" aes-256-gcm
ok "p256 opens it" opens p256
"$seal" -to "$T/p256.pem" -capabilities "$T/capabilities" -to "$T/rsa.pem" "$T/entity" >"$T/out" 2>"$T/cipher"
is "but not with a second one who said nothing" "$(cat "$T/cipher")" aes-256-cbc

# signed and encrypted, and back
leaf both rsa:2048 digitalSignature,keyEncipherment
"$seal" -profile bdew -sign "$T/both.pem" "$T/both.key" -chain "$T/chain.pem" -to "$T/bp256.pem" -to "$T/both.pem" "$T/entity" \
	>"$T/out" 2>/dev/null
openssl cms -decrypt -in "$T/out" -inkey "$T/both.key" -recip "$T/both.pem" -out "$T/inner"
ok "the signature inside verifies" openssl cms -verify -in "$T/inner" -CAfile "$T/root.pem" -out "$T/content"
ok "content" cmp "$T/entity" "$T/content"
unlike "nothing of the content outside" "$(cat "$T/out")" 'From the gate|Content-Type: text|multipart'

# 300 recipients, 3 kinds of key
set --
i=0
while [ $i -lt 100 ]; do set -- "$@" rsa p256 bp256; i=$((i + 1)); done
ok "300 recipients" seal_to bdew "$@"
is "are all in it" "$(parsed | grep -cE 'd.ktri|d.kari')" 300
ok "and one of them opens it" opens bp256

# 8 MB
{ printf 'Content-Type: text/plain\r\n\r\n'; i=0; while [ $i -lt 8 ]; do head -c 750000 /dev/zero | openssl base64 | sed 's/$/\r/'; i=$((i + 1)); done; } >"$T/entity"
ok "eight megabytes" seal_to bdew-gcm rsa
ok "open" opens rsa
done_testing
