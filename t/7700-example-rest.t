#!/bin/sh
# examples/keys-rest: a module in Python, asked by postern; the directory answers, is away, slow, lies, says too much
. "${0%/*}/lib.sh"
. "${0%/*}/helper/modules.sh"
command -v python3 >/dev/null || skip_all "python3 is missing"
command -v openssl >/dev/null || skip_all "openssl is missing"
CHECK=$BUILD/postern-module-check
# as the operator does: what is installed, copied into module_directory
make -s -C "$BUILD" install-dist_examplesSCRIPTS DESTDIR="$T/installed" >/dev/null || { diag "the examples cannot be installed"; exit 1; }
installed=$(find "$T/installed" -path '*/postern/examples/keys-rest')
is "it is installed, and a program" "$(stat -c %a "$installed")" 755
cp "$installed" "$T/modules/keys-rest"
mkdir -p "$T/dir" "$T/tls"

for n in ann bob; do
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$n" -addext "subjectAltName=email:$n@partner.example" \
		-keyout "$T/$n.key" -out "$T/$n.pem" 2>/dev/null
	openssl x509 -in "$T/$n.pem" -outform DER -out "$T/$n.der"
done
printf '{"certificates": ["%s", "%s"]}' "$(base64 -w0 "$T/ann.der")" "$(base64 -w0 "$T/bob.der")" >"$T/dir/two@partner.example.json"
cp "$T/ann.der" "$T/dir/ann@partner.example.der"
{ echo "some text"; cat "$T/bob.pem" "$T/ann.pem"; } >"$T/dir/bob@partner.example.pem"
cp "$T/ann.der" "$T/dir/a+b&d=e@partner.example.der"
echo 500 >"$T/dir/ill@partner.example.status"
echo 302 >"$T/dir/moved@partner.example.status"
echo '{"certificates": ["bm8gY2VydGlmaWNhdGU="]}' >"$T/dir/lie@partner.example.json"
echo '{"certificates": "' >"$T/dir/broken@partner.example.json"
: >"$T/dir/slow@partner.example.slow"
head -c 262145 /dev/zero >"$T/dir/big@partner.example.der"
{ cat "$T/ann.der"; printf x; } | base64 -w0 | sed 's/.*/{"certificates": ["&"]}/' >"$T/dir/behind@partner.example.json"
{ printf 0; head -c 262143 /dev/zero; } >"$T/dir/full@partner.example.der"

"$SRC/t/helper/rest-directory" "$T/dir" "$T/port" & kill_at_end $!
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=localhost" -addext "subjectAltName=IP:127.0.0.1" \
	-keyout "$T/tls/key" -out "$T/tls/pem" 2>/dev/null
"$SRC/t/helper/rest-directory" "$T/dir" "$T/tls-port" "$T/tls/pem" "$T/tls/key" & kill_at_end $!
i=0; while [ ! -s "$T/port" ] || [ ! -s "$T/tls-port" ]; do i=$((i + 1)); [ $i -lt 600 ] || break; sleep 0.1; done
port=$(cat "$T/port") tls_port=$(cat "$T/tls-port")

configured() { site keys=keys-rest; for s in "$@"; do setting "$s"; done; }
url="keys_rest_url = http://127.0.0.1:$port/x?mail=%s"
asked() { : >"$T/dir/log"; ask certificates "$@"; out=$(printf '%s\n' "$out" | cut -d' ' -f1-3); }

configured "$url"
asked ann@partner.example
is "DER" "$out" "ann@partner.example: /CN=ann area=public
1 certificates"
asked two@partner.example bob@partner.example nobody@partner.example "a+b&d=e@partner.example"
is "JSON, PEM, nobody, an address that is no part of a URL" "$out" "two@partner.example: /CN=ann area=public
two@partner.example: /CN=bob area=public
bob@partner.example: /CN=bob area=public
bob@partner.example: /CN=ann area=public
a+b&d=e@partner.example: /CN=ann area=public
5 certificates"
is "... by one connection" "$(grep -c connection "$T/dir/log")" 1
asked nobody@partner.example
is "nobody" "$out" "0 certificates"
for n in lie full behind; do
	configured "$url"
	asked "$n@partner.example"
	is "$n: passed over" "$out" "0 certificates"
	like "... and the log says so" "$log" 'keys-rest.* 1 of 1 certificates are none, passed over'
done
for n in ill moved broken big slow; do
	configured "$url" "keys_rest_timeout = 1"
	asked "$n@partner.example"
	like "$n: the message waits" "$out" '^E_TEMP'
	like "... and the log says why" "$log" 'keys-rest.*127\.0\.0\.1'
done

# ---- what the operator may have got wrong
configured; asked ann@partner.example
like "no URL: the message waits" "$out" '^E_TEMP'
like "... the log says what is missing" "$log" 'keys_rest_url is missing'
configured "keys_rest_url = http://127.0.0.1:1/%s"; asked ann@partner.example
like "nobody listens: the message waits" "$out" '^E_TEMP'
echo secret >"$T/token"; chmod 644 "$T/token"
configured "$url" "keys_rest_token_file = \${config_directory}/token"; asked ann@partner.example
like "a token that others may read" "$out" '^E_TEMP'
like "... the log says how it must be" "$log" 'mode 0600'
chmod 600 "$T/token"; asked ann@partner.example
like "the token is sent" "$(cat "$T/dir/log")" '^GET ann@partner.example Bearer secret$'
configured "keys_rest_url = https://127.0.0.1:$tls_port/x?mail=%s"; asked ann@partner.example
like "https from a stranger: the message waits" "$out" '^E_TEMP'
configured "keys_rest_url = https://127.0.0.1:$tls_port/x?mail=%s" "keys_rest_ca_file = $T/tls/pem"; asked ann@partner.example
is "https from whom the operator names" "$out" "ann@partner.example: /CN=ann area=public
1 certificates"

# ---- the protocol, point by point
configured "$url"
if out=$("$CHECK" -strict -c "$T/postern.conf" -address ann@partner.example keys-rest 2>&1); then pass "keeps to all of the protocol"
else fail "keeps to all of the protocol" "$out"; fi
like "... (it was asked for a certificate)" "$out" 'ok +a partner'

# ---- under postern: the whole way
site_make "$T/site" || { diag "no site"; exit 1; }
cp "$T/modules/keys-rest" "$T/site/keys-rest"
openssl x509 -in "$T/site/bob.pem" -outform DER -out "$T/dir/bob@partner.example.der"
rm -f "$T/dir/bob@partner.example.pem" "$T/site/certs/public"/*
printf '. (to) . (do) FE, NS\n' >"$T/site/rules"
conf "$T/site" "keys_modules = keys-file $T/site/keys-rest" "$url"
message "From: alice@behoerde.example" "To: bob@partner.example" "Subject: x" <<-END >"$T/m"
	hello
END
run "$T/site" 127.0.0.1 alice@behoerde.example bob@partner.example <"$T/m"
is "a partner who is only in the directory gets encrypted mail" "$code $(grep -c 'enveloped-data\|authEnveloped' "$(newest "$T/site/external")")" "0 1"
echo 503 >"$T/dir/bob@partner.example.status"; empty "$T/site/external"
run "$T/site" 127.0.0.1 alice@behoerde.example bob@partner.example <"$T/m"
is "the directory is away: the message waits, nothing goes out" "$code $(delivered "$T/site/external")" "75 0"
printf '. (to) . (do) EIP, NS\n' >"$T/site/rules"
run "$T/site" 127.0.0.1 alice@behoerde.example bob@partner.example <"$T/m"
is "... nor in clear where it is to be encrypted if possible" "$code $(delivered "$T/site/external")" "75 0"
done_testing
