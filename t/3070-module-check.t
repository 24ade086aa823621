#!/bin/sh
# postern-module-check: our modules and the example keep to the protocol; a module that does not is found out
. "${0%/*}/lib.sh"
. "${0%/*}/helper/modules.sh"
command -v openssl >/dev/null || skip_all "openssl is missing"
CHECK=$BUILD/postern-module-check

for d in public trusted untrusted private ca crl seen; do mkdir -p "$T/certs/$d"; done
certificate() { # certificate NAME KEY-OPTIONS USAGE
	openssl req -x509 $2 -nodes -subj "/CN=$1" -addext "subjectAltName=email:$1@example.org" -addext "keyUsage=$3" \
		-keyout "$T/$1.key" -out "$T/$1.pem" 2>/dev/null
}
certificate rsa "-newkey rsa:2048" digitalSignature,keyEncipherment
certificate ec "-newkey ec -pkeyopt ec_paramgen_curve:P-256" digitalSignature,keyAgreement
certificate partner "-newkey ec -pkeyopt ec_paramgen_curve:P-256" digitalSignature,keyAgreement
for n in rsa ec; do (umask 077; cat "$T/$n.key" "$T/$n.pem" >"$T/certs/private/$n.pem"); done
cp "$T/partner.pem" "$T/certs/public/"; cp "$T/partner.pem" "$T/certs/ca/"
printf '. (to) partner.example (do) FE,FS=rsa@example.org\n. (to) . (do) SIP\n' >"$T/rules"
mkdir -p "$T/spool"
conf_for() { # conf_for ROLE=MODULE LINE...
	site "$1"; shift
	for s in "areas = $T/certs" "rules_file = $T/rules" "spool = $T/spool" "verify_log = $T/verify.log" "$@"; do setting "$s"; done
	sed -i 's/^log_level.*/log_level = info/' "$T/postern.conf"
}
check() { out=$("$CHECK" -c "$T/postern.conf" "$@" 2>&1 </dev/null); status=$?; }
left() { printf '%s\n' "$out" | sed -n 's/^  not asked //p'; }

# ---- ours
conf_for rules=rules-file; check -strict -role rules "$BUILD/rules-file"
is "rules-file keeps to all of it" "$status: $(printf '%s\n' "$out" | tail -n 1)" "0: 31 ok, 0 failed, 0 to think about, 0 not asked"
conf_for check=check-path; check -strict -good "$T/partner.pem" -bad "$T/ec.pem" "$BUILD/check-path"
is "check-path keeps to all of it" "$status: $(printf '%s\n' "$out" | tail -n 1)" "0: 33 ok, 0 failed, 0 to think about, 0 not asked"
conf_for keys=keys-file; check -strict -address partner@example.org -own rsa@example.org "$BUILD/keys-file"
is "keys-file keeps to all of it" "$status: $(left)" "0: sign ecdsa: the signature fits the certificate
agree ecdh: both sides have the same secret"
check -only "own keys" -own ec@example.org "$BUILD/keys-file"
is "... with a key on a curve" "$status: $(left)" "0: sign rsa-pkcs1: the signature fits the certificate
sign rsa-pss: the signature fits the certificate
unwrap rsa-pkcs1: what was encrypted to the certificate comes back
unwrap rsa-oaep: what was encrypted to the certificate comes back
unwrap: junk is never a reason to try again later"
check -only "own keys" -own nobody@example.org "$BUILD/keys-file"
is "a key that is not there is a failure" "$status" 1
like "... and says of whom" "$out" 'no key signs for nobody@example.org'
check -only find-certificates -address nobody@example.org "$BUILD/keys-file"
like "so is a certificate" "$status $out" '^1 .*'
like "... " "$out" 'FAILED +a partner'
check -only check-certificate -role check -good "$T/ec.pem" -bad "$T/partner.pem" "$BUILD/check-path"
is "what is taken for good or bad is found out" "$(printf '%s\n' "$out" | sed -n 's/^  FAILED *//p')" "a good certificate is valid
a bad certificate is not valid"

# ---- found out: each fault, and the point that it fails
found_out() { # found_out WHAT CHAPTER BEHAVIOUR...: the module of role keys that behaves so fails in that chapter, and says what
	what=$1 chapter=$2; shift 2
	fake bad "$@"
	check -timeout 1 -role keys -only "$chapter" "$T/modules/bad"
	if [ $status = 1 ]; then pass "$chapter: $what"; else fail "$chapter: $what" "status $status
$out"; fi
}
conf_for keys=bad
openssl x509 -in "$T/partner.pem" -outform DER -out "$T/partner.der"
found_out "another version" start "protocol 2.0"
found_out "without operations" start "operations "
found_out "a hello that is none" start "hello <bye/>"
found_out "no hello" start "at hello silent"
found_out "does not end" end "at find-certificates stubborn" "at hello stubborn"
found_out "junk at the end" end "at hello twice"
found_out "answers with another id" requests "at find-certificates wrong-id"
found_out "answers twice" requests "at find-certificates twice"
found_out "does not answer" requests "at find-certificates silent"
found_out "answers half" requests "at find-certificates truncated"
found_out "no XML" requests "at find-certificates junk"
found_out "another code" requests "at find-certificates refuse permanent Not_Found x"
found_out "a certificate for everybody" find-certificates "DER $T/partner.der"
found_out "a word that is none" find-certificates \
	'answer find-certificates <result id="@ID@"><certificate for="nobody@check.invalid" area="cellar" source="x" match="address">AAAA</certificate></result>'
# ... in a line by which its author finds it
says() { # says WHAT CHAPTER ERE BEHAVIOUR...: the reason of the first failure
	what=$1 chapter=$2 reason=$3; shift 3
	fake bad "$@"
	check -timeout 1 -role keys -only "$chapter" "$T/modules/bad"
	like "$chapter: $what" "$(printf '%s\n' "$out" | sed -n '/^  FAILED/{n;p;q;}')" "$reason"
}
says "text in place of a frame" start 'no answer: it wrote "Content-Type: text/plain.n.nhello.n" where the length' "at find-certificates junk"
says "a frame without a document" start 'a frame of 6 bytes with no document in it, "<r id>": XML' 'answer find-certificates <r id>'
says "silence" start 'nothing came in time; output has to be flushed' "at find-certificates silent"
says "half a frame, and its end" start 'end of file inside a frame; what came of it begins "[0-9]+\\n<re' "at find-certificates truncated"
says "more than a frame may hold" start 'frame of [0-9]+ bytes, the limit is 1048576' "at find-certificates chatty 2000000"
says "another element" start 'answered with <reply>: an answer is a <result> or a <refused>' 'answer find-certificates <reply id="@ID@"/>'
says "a kind that is none" start 'refused with kind="never": the kind is temporary or permanent' "at find-certificates refuse never x x"
says "a code that is none" start 'refused with code="Not_Found": a code is' "at find-certificates refuse permanent Not_Found x"
says "a code of the other kind" start 'code="not-found" as temporary: not-found is always permanent' "at find-certificates refuse temporary not-found x"
says "another id" start 'the answer has id ".*", the request "1"' "at find-certificates wrong-id"
says "keeps what is no certificate" store-certificate 'it took it' 'answer store-certificate <result id="@ID@"/>'
says "takes any passphrase" unlock 'it took it' 'answer unlock <result id="@ID@"/>'
cat >"$T/modules/talker" <<'END'
#!/bin/sh
echo "starting up"
exec cat >/dev/null
END
chmod 755 "$T/modules/talker"
check -timeout 1 -role keys -only start "$T/modules/talker"
like "a line on standard output before the hello" "$out" 'no <hello>: it wrote "starting up.n" where the length of a frame is due'
cat >"$T/modules/long" <<'END'
#!/bin/sh
printf '99\n<hello protocol="1.0" role="keys" name="x" version="1" operations=""/>'
while read -r line; do :; done
END
chmod 755 "$T/modules/long"
check -timeout 1 -role keys -only start "$T/modules/long"
like "a length that is too big" "$out" 'no <hello>: 73 bytes came in time, which are less than a frame: "99.n<hello .*the length is that of the document, in bytes'
conf_for check=bad
fake bad 'at check-certificate refuse permanent bad-request x'
check -timeout 1 -role check -only check-certificate "$T/modules/bad"
like "a stranger's stapled answers are no reason to refuse" "$out" 'FAILED +what is stapled and cannot be read is passed over'
fake bad 'answer check-certificate <result id="@ID@"><verdict value="valid"/></result>'
check -role check -only check-certificate "$T/modules/bad"
is "everything is valid" "$status $(printf '%s\n' "$out" | grep -c FAILED)" "1 4"
conf_for rules=bad
fake bad 'at decide drop'
check -role rules -only decide "$T/modules/bad"
like "a decision is missing" "$status $out" '^1 '

# ---- its own manners
check "$T/modules/none"; is "no such module" "$status" 66
out=$("$CHECK" 2>&1); is "no module at all" "$?" 64
out=$("$CHECK" -role cook x 2>&1); is "no such role" "$?" 64
out=$("$CHECK" -nonsense x 2>&1); is "no such option" "$?" 64
out=$("$CHECK" -timeout 0 x 2>&1); is "no time" "$?" 64
out=$("$CHECK" -c "$T/none.conf" x 2>&1); is "no such configuration" "$?" 66
check -good "$T/rules" "$BUILD/check-path"; is "no certificate" "$status" 66
check -json -only start -role keys "$BUILD/keys-file"
if command -v python3 >/dev/null; then
	is "JSON" "$(printf '%s\n' "$out" | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["role"], r["failed"], len(r["points"]), r["points"][0]["result"])')" \
		"keys 0 8 ok"
else skip "JSON" "python3 is missing"; fi
out=$("$CHECK" -only start "$BUILD/keys-file" 2>&1)
is "without a configuration, the role guessed" "$? $(printf '%s\n' "$out" | tail -n 1)" "0 8 ok, 0 failed, 0 to think about, 0 not asked"

done_testing
