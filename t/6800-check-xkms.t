#!/bin/sh
# check-xkms: a relay that answers valid, invalid, indeterminate, nonsense, nothing; signatures, client certificates, several relays
. "${0%/*}/lib.sh"
. "${0%/*}/helper/modules.sh"
for p in python3 openssl xmlsec1; do command -v $p >/dev/null || skip_all "$p is missing"; done
[ -x "$BUILD/check-xkms" ] || skip_all "check-xkms is not built"
ln -s "$BUILD/check-xkms" "$T/modules/check-xkms"
ln -s "$BUILD/check-path" "$T/modules/check-path"
mkdir -p "$T/relay" "$T/plain" "$T/certs/trusted" "$T/certs/untrusted" "$T/spool"

make() { # NAME SUBJECT SAN
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" -addext "subjectAltName=$3" \
		-keyout "$T/$1.key" -out "$T/$1.pem" 2>/dev/null
}
make ann /CN=ann email:ann@partner.example
make tls /CN=relay IP:127.0.0.1
make client /CN=gateway email:gate@example.org
make stranger /CN=stranger email:x@example.org
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=signer -keyout "$T/signer.key" -out "$T/signer.pem" 2>/dev/null
for d in relay plain; do cp "$T/signer.key" "$T/$d/"; echo rsa-sha256 >"$T/$d/method"; done
chmod 600 "$T"/*.key

"$SRC/t/helper/xkms-relay" "$T/relay" "$T/port" "$T/tls.pem" "$T/tls.key" "$T/client.pem" & kill_at_end $!
"$SRC/t/helper/xkms-relay" "$T/plain" "$T/plain-port" & kill_at_end $!
i=0; while [ ! -s "$T/port" ] || [ ! -s "$T/plain-port" ]; do i=$((i + 1)); [ $i -lt 600 ] || break; sleep 0.1; done
url=https://127.0.0.1:$(cat "$T/port")/xkms
plain=http://127.0.0.1:$(cat "$T/plain-port")/xkms

configured() {
	site "check=${modules-check-xkms}"
	for s in "check_xkms_relays = $url" "check_xkms_ca_file = $T/tls.pem" "check_xkms_certificate = $T/client.pem" \
		"check_xkms_key = $T/client.key" "areas = $T/certs" "spool = $T/spool" "verify_log = $T/verify.log"; do setting "$s"; done
	for s; do sed -i "/^${s%% *} *=/d" "$T/postern.conf"; setting "$s"; done
}
say() { echo "$*" >"$T/relay/say"; }
say_plain() { echo "$*" >"$T/plain/say"; }
asked() { ask check "${purpose-sign}" "${when-$(date +%s)}" "${address-ann@partner.example}" "$T/ann.pem"; out=$(printf '%s\n' "$out" | sed '/^E_/!s/^[^:]*: //; s/ text=.*//'); }

# ---- verdicts, one to one
configured
while read -r words expected; do
	say "$words"; asked
	is "$words" "$out" "$expected"
done <<'END'
Valid valid reason=
Invalid invalid reason=relay-says-invalid
Invalid:RevocationStatus invalid reason=revoked
Invalid:ValidityInterval invalid reason=expired
Invalid:IssuerTrust invalid reason=issuer-not-trusted
Invalid:Signature invalid reason=bad-signature
Indeterminate unknown reason=relay-does-not-know
Indeterminate:RevocationStatus unknown reason=revocation-unknown
Indeterminate:IssuerTrust unknown reason=no-path
nomatch unknown reason=no-match
END
say Valid no-certificate; asked
is "an answer that does not repeat the certificate" "$out" "valid reason="

# ---- what was asked
q() { cat "$T/relay/question"; }
like "SOAP 1.2" "$(q)" '^Content-Type: application/soap\+xml; charset=utf-8'
like "... the certificate" "$(q)" "<ds:X509Certificate>$(openssl x509 -in "$T/ann.pem" -outform DER | base64 -w0 | sed 's/+/[+]/g')</ds:X509Certificate>"
like "... whose" "$(q)" 'UseKeyWith Application="urn:ietf:rfc:2633" Identifier="ann@partner.example"'
like "... what for" "$(q)" '<KeyUsage>http://www.w3.org/2002/03/xkms#Signature</KeyUsage>'
unlike "... not when, it is now" "$(q)" TimeInstant
when=1800000000 purpose=encrypt; say Valid; asked; unset when purpose
like "another purpose" "$(q)" '#Encryption<'
like "another time" "$(q)" '<TimeInstant Time="2027-01-15T08:00:00Z"/>'
configured "check_xkms_soap = 1.1"; say Valid; asked
like "SOAP 1.1" "$out $(q)" '^valid.*|Content-Type: text/xml.*|schemas.xmlsoap.org'
ok "... is what it says" grep -q 'http://schemas.xmlsoap.org/soap/envelope/' "$T/relay/question"
configured; : >"$T/relay/connections"
ask -repeat 5 check sign "$(date +%s)" ann@partner.example "$T/ann.pem"
is "five questions, one connection" "$(wc -l <"$T/relay/connections" | tr -d ' ')" 1

# ---- what the relay does not decide
cp "$T/ann.pem" "$T/certs/untrusted/"; : >"$T/relay/count"; asked
is "untrusted beats all" "$out" "invalid reason=untrusted"
mv "$T/certs/untrusted/ann.pem" "$T/certs/trusted/"; say Invalid; asked
is "trusted is valid" "$out" "valid reason="
rm -f "$T/certs/trusted/ann.pem"; say Valid
address=bob@partner.example; asked; unset address
is "somebody else's" "$out" "invalid reason=address-mismatch"
is "... for none of these the relay is asked" "$(wc -l <"$T/relay/count" | tr -d ' ')" 0

# ---- nonsense and nothing
for words in junk empty big fault refused dtd two other-id "Valid other-certificate" "Valid other-id" "Valid two" "Valid dtd" http-500 "Nonsense" ""; do
	say "$words"; asked
	is "nonsense ($words): unknown" "$out" "unknown reason=relay-away"
done
purpose=encrypt; say junk; asked; unset purpose
like "... to encrypt, the message waits" "$out" '^E_TEMP'
configured "check_xkms_timeout = 300ms"; say nothing; asked
is "nothing: unknown" "$out" "unknown reason=relay-away"
configured "check_xkms_timeout = 300s" "module_timeout = 1s"
talked=$(echo "<check-certificate id=\"1\" purpose=\"sign\" time=\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\" address=\"ann@partner.example\"><certificate>$(
	openssl x509 -in "$T/ann.pem" -outform DER | base64 -w0)</certificate></check-certificate>" |
	timeout 60 "$SRC/t/helper/module-talk" -role check -deadline 600000 -config "$T/postern.conf" "$BUILD/check-xkms" 2>/dev/null)
like "... before postern gives the module up" "$talked" '<verdict value="unknown" reason="relay-away"'
configured "check_xkms_sign_when_away = defer"; say junk; asked
like "defer: the message waits" "$out" '^E_TEMP'
modules="check-xkms check-path"; configured "check_xkms_sign_when_away = next"; asked; unset modules
is "next: the next module decides" "$out" "unknown reason=no-path"
configured "check_xkms_relays = https://127.0.0.1:1/x $url"; say Valid; asked
is "the first is away, the second answers" "$out" "valid reason="
like "... with a warning" "$log" 'warning: .*https://127\.0\.0\.1:1/x: '

# ---- who speaks
configured "check_xkms_ca_file = $T/stranger.pem"; asked
is "a relay with a stranger's TLS certificate" "$out" "unknown reason=relay-away"
configured "check_xkms_certificate = $T/stranger.pem" "check_xkms_key = $T/stranger.key"; asked
is "the relay does not know us" "$out" "unknown reason=relay-away"
configured "check_xkms_signer = $T/signer.pem"; say Valid; asked
is "an answer must be signed and is not" "$out" "unknown reason=relay-away"
say Valid signed; asked
is "a signed answer" "$out" "valid reason="
say Invalid signed; asked
is "a signed no" "$out" "invalid reason=relay-says-invalid"
say Valid signed whole; asked
is "signed as a whole document" "$out" "valid reason="
say Invalid signed changed; asked
is "a signed no that became a yes" "$out" "unknown reason=relay-away"
say Invalid signed wrapped; asked
is "a signed no that is wrapped into a yes" "$out" "unknown reason=relay-away"
cp "$T/stranger.key" "$T/relay/signer.key"; echo ecdsa-sha256 >"$T/relay/method"; say Valid signed; asked
is "signed by a stranger" "$out" "unknown reason=relay-away"
configured "check_xkms_signer = $T/stranger.pem"; asked
is "... whom the operator names" "$out" "valid reason="
cp "$T/signer.key" "$T/relay/signer.key"; echo rsa-sha256 >"$T/relay/method"
configured "check_xkms_relays = $plain" "check_xkms_signer = $T/signer.pem"; say_plain Valid signed; asked
is "without TLS, signed" "$out" "valid reason="
purpose=encrypt
configured "check_xkms_relays = $plain"; asked
like "without TLS and signature: the operator has to mend it" "$out" '^E_TEMP'
configured "check_xkms_key ="; asked
like "a certificate without its key" "$out" '^E_TEMP'
chmod 644 "$T/client.key"; configured; asked; chmod 600 "$T/client.key"
like "a key that others may read" "$out" '^E_TEMP'
configured "check_xkms_signer = $T/none"; asked
like "a signer that is not there" "$out" '^E_TEMP'
unset purpose

# ---- the verify log and the protocol
configured; say Invalid:RevocationStatus; : >"$T/verify.log"; asked
like "the verify log" "$(cat "$T/verify.log")" 'address=ann@partner.example.*verdict=invalid.reason=revoked'
say Valid
if out=$("$BUILD/postern-module-check" -c "$T/postern.conf" -role check -good "$T/ann.pem" -only check-certificate check-xkms 2>&1); then fail "(a relay that calls everything valid is found out)" "$out"
else like "(a relay that calls everything valid is found out)" "$out" 'FAILED +a stranger'; fi
say Invalid
if out=$("$BUILD/postern-module-check" -strict -c "$T/postern.conf" -role check -bad "$T/ann.pem" check-xkms 2>&1); then pass "keeps to all of the protocol"
else fail "keeps to all of the protocol" "$out"; fi
done_testing
