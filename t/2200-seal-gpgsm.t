#!/bin/sh
# what we seal, read by an independent implementation: gpgsm
#
# gpgsm 2.2 reads AES-CBC with RSA v1.5, and verifies RSA v1.5, PSS and ECDSA on NIST and brainpool curves.  It
# cannot read ECDH (2.3 can), AuthEnvelopedData (GCM) or OAEP: those are checked with openssl alone, in 2100.
. "${0%/*}/lib.sh"
. "${0%/*}/smime_lib.sh"
command -v gpgsm >/dev/null || skip_all "no gpgsm"

GNUPGHOME=$T/gnupg
export GNUPGHOME
mkdir -m 700 "$GNUPGHOME"
printf 'batch\ndisable-crl-checks\nno-tty\n' >"$GNUPGHOME/gpgsm.conf"
printf 'allow-loopback-pinentry\n' >"$GNUPGHOME/gpg-agent.conf"
stop_agent() { gpgconf --kill gpg-agent >/dev/null 2>&1; cleanup; }
trap stop_agent EXIT

authority
leaf rsa rsa:2048 digitalSignature,keyEncipherment
leaf pss pss:2048 digitalSignature
leaf p256 ec:P-256 digitalSignature,keyAgreement
leaf p384 ec:P-384 digitalSignature,keyAgreement
leaf bp256 ec:brainpoolP256r1 digitalSignature,keyAgreement
entity "$T/entity"

openssl x509 -in "$T/root.pem" -noout -fingerprint -sha1 | sed 's/.*=//; s/$/ S relax/' >"$GNUPGHOME/trustlist.txt"
import() { gpgsm --import "$1" 2>>"$T/log"; }
import "$T/root.pem"
import "$T/inter.pem"
openssl pkcs12 -export -in "$T/rsa.pem" -inkey "$T/rsa.key" -passout pass:x -out "$T/rsa.p12" \
	-certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1
echo x | gpgsm --pinentry-mode loopback --passphrase-fd 0 --import "$T/rsa.p12" 2>>"$T/log"
# It has no import for EC keys: they are put where its agent keeps them.
mkdir -p "$GNUPGHOME/private-keys-v1.d"
import_ec() { # NAME CURVE
	import "$T/$1.pem"
	grip=$(gpgsm --with-colons --with-keygrip --list-keys "<$1@partner.example>" 2>>"$T/log" | sed -n 's/^grp:::::::::\([0-9A-F]*\):.*/\1/p')
	openssl pkey -in "$T/$1.key" -noout -text | awk -v curve="$2" '
		/^priv:/ { to = "d"; next } /^pub:/ { to = "q"; next } /^[A-Z]/ { to = "" }
		to { gsub(/[: ]/, ""); v[to] = v[to] $0 }
		END { printf "Key: (private-key (ecc (curve \"%s\")(q #%s#)(d #%s#)))\n", curve, v["q"], v["d"] }' \
		>"$GNUPGHOME/private-keys-v1.d/$grip.key"
}
import_ec p256 "NIST P-256"
import_ec p384 "NIST P-384"
import_ec bp256 brainpoolP256r1

# The detached signature and the bytes it is over, out of a multipart/signed.
split() {
	boundary=$(sed -n 's/.*boundary="\([^"]*\)".*/\1/p' "$1")
	awk -v b="--$boundary" -v d="$T" '{ line = $0; sub(/\r$/, "", line) } line == b { part++; next } line == b "--" { exit }
		part == 2 && inbody { print line > (d "/sig.b64") } part == 2 && line == "" { inbody = 1 }' "$1"
	openssl base64 -d -in "$T/sig.b64" -out "$T/sig.der"
}
verify() {
	split "$T/out"
	gpgsm --status-fd 3 --verify "$T/sig.der" "$T/entity" 3>"$T/status" 2>"$T/err" || { cat "$T/err"; return 1; }
	grep -q GOODSIG "$T/status" && grep -q TRUST_FULLY "$T/status"
}
for name in rsa pss p256 p384 bp256; do
	for profile in compatible bdew; do
		"$seal" -profile $profile -sign "$T/$name.pem" "$T/$name.key" -chain "$T/chain.pem" "$T/entity" >"$T/out"
		ok "gpgsm verifies $name signing with $profile" verify
	done
done
cp "$T/entity" "$T/kept"
entity "$T/entity" two
not_ok "but not other content" verify
mv "$T/kept" "$T/entity"
cat >"$T/profiles" <<END
[opaque]
like = compatible
opaque = yes
[aes128]
like = compatible
cipher = aes-128-cbc
key_wrap = id-aes128-wrap
adaptive = no
END
"$seal" -profiles "$T/profiles" -profile opaque -sign "$T/rsa.pem" "$T/rsa.key" "$T/entity" >"$T/out"
sed '1,/^\r$/d' "$T/out" | tr -d '\r' | openssl base64 -d -out "$T/opaque.der"
ok "gpgsm verifies an opaque signature" gpgsm --output "$T/content" --verify "$T/opaque.der"

opens() { # NAME: gpgsm has one key of these in its home, it takes the one that fits
	sed '1,/^\r$/d' "$T/out" | tr -d '\r' | openssl base64 -d -out "$T/enveloped.der"
	echo x | gpgsm --pinentry-mode loopback --passphrase-fd 0 --output - --decrypt "$T/enveloped.der" >"$T/content" 2>"$T/err" ||
		{ cat "$T/err"; return 1; }
	cmp "$T/entity" "$T/content"
}
ecdh=$(gpgsm --version | sed -n '1s/.* 2\.\([0-9]*\)\..*/\1/p')
for name in rsa p256 p384 bp256; do
	if [ $name != rsa ] && [ "${ecdh:-3}" -lt 3 ]; then
		skip "gpgsm opens mail to $name" "gpgsm before 2.3 has no ECDH"
		continue
	fi
	for profile in compatible aes128; do
		"$seal" -profiles "$T/profiles" -profile $profile -to "$T/$name.pem" "$T/entity" >"$T/out" 2>/dev/null
		ok "gpgsm opens mail to $name under $profile" opens
	done
done
"$seal" -to "$T/bp256.pem" -to "$T/rsa.pem" "$T/entity" >"$T/out" 2>/dev/null
ok "gpgsm opens mail to several" opens
done_testing
