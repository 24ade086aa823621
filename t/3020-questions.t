#!/bin/sh
# the questions: what is asked for, what is understood, what is breakage
. "${0%/*}/lib.sh"
. "${0%/*}/helper/modules.sh"
command -v openssl >/dev/null || skip_all "openssl is missing"
for n in one two; do
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$n" -keyout "$T/key" -out "$T/$n.pem" 2>/dev/null
	openssl x509 -in "$T/$n.pem" -outform DER -out "$T/$n.der"
done
DER=$(base64 -w0 "$T/one.der")

# ---- decide
# wrong WHAT ATTRIBUTES ERE: a decision with these is breakage
decision() { fake r "answer decide <result id=\"@ID@\"><decision recipient=\"x@y\" $1</result>"; decide x@y; }
wrong() { decision "$2"; like "$1" "$status:$out" "^1:E_TEMP: module r: decide: $3"; }
site rules=r
decision 'sign="SIP" sign-as="m@example.org" encrypt="EIP" profile="bdew" strip="yes" block-signed="yes" block-encrypted="no" via="dmz" reject="no &amp; never"><because source="rules:1">x</because><because source="rules:4"/></decision>'
is "every word of a decision" "$out" "x@y: SIP as=m@example.org EIP profile=bdew strip=1 block=10 via=dmz reject=no & never because=rules:1, rules:4"
decision 'sign="NS" encrypt="NE"/>'
is "the least decision" "$out" "x@y: NS as= NE profile= strip=0 block=00 via= reject=(none) because="
wrong "an unknown signing word" 'sign="FS2" encrypt="NE"/>' '<decision sign="FS2">: unknown word$'
wrong "an unknown encryption word" 'sign="FS" encrypt="fe"/>' '<decision encrypt="fe">: unknown word$'
wrong "an empty word" 'sign="FS" encrypt=""/>' '<decision encrypt="">: unknown word$'
wrong "no signing word" 'encrypt="NE"/>' '<decision> lacks sign$'
wrong "no encryption word" 'sign="FS"/>' '<decision> lacks encrypt$'
wrong "strip is yes or no" 'sign="FS" encrypt="FE" strip="true"/>' '<decision strip="true">: unknown word$'
wrong "an unknown attribute in a decision" 'sign="FS" encrypt="NE" unless="x"/>' '<decision> has an unknown attribute unless$'
wrong "an unknown element in a decision" 'sign="FS" encrypt="NE"><unless/></decision>' '<decision> has an unknown element <unless>$'
wrong "sign-as is an address" 'sign="FS" sign-as="-x" encrypt="NE"/>' 'sign-as="-x": '
wrong "a recipient decided twice" 'sign="FS" encrypt="FE"/><decision recipient="x@y" sign="NS" encrypt="NE"/>' 'a decision for "x@y", who was not asked for or is decided already$'
wrong "another recipient" 'sign="FS" encrypt="FE"/><decision recipient="z@y" sign="NS" encrypt="NE"/>' 'a decision for "z@y", who was not asked for'
wrong "recipients are compared exactly" 'sign="FS" encrypt="FE"/><decision recipient="X@y" sign="NS" encrypt="NE"/>' 'a decision for "X@y"'
fake r 'at decide drop'; decide x@y z@y
like "a recipient left out" "$status:$out" '^1:E_TEMP: module r: decide: no decision for "z@y"$'
fake r 'answer decide <result id="@ID@"/>'; decide x@y
like "nobody decided" "$out" 'decide: no decision for "x@y"$'
fake r 'answer decide <result id="@ID@"><mood/><decision recipient="z@y" sign="FS" encrypt="FE"/><decision recipient="x@y" sign="NS" encrypt="EIP"/></result>'; decide x@y z@y
is "any order, and what decides nothing is ignored" "$(printf '%s\n' "$out" | cut -d' ' -f1,2,4)" "x@y: NS EIP
z@y: FS FE"

# ---- many recipients: several frames, one answer each
mkdir -p "$T/rec"
for n in 200 201 450; do
	rm -f "$T"/rec/*; fake r "record $T/rec"
	decide $(seq -f 'r%g@y' $n)
	is "$n recipients, in order" "$(printf '%s\n' "$out" | cut -d: -f1)" "$(seq -f 'r%g@y' $n)"
	is "... in $(((n + 199) / 200)) questions" "$(cat "$T"/rec/*-to-* | grep -o '<decide ' | wc -l)" $(((n + 199) / 200))
done

# ---- a request at frame_limit and one byte above
setting 'frame_limit = 4K'; rm -f "$T"/rec/*; fake r "record $T/rec"
long() { ask decide outgoing a@example.org a@example.org 127.0.0.1 "$(printf "%0$1d" 7)" no no x@y; }
long 1; short=$(cat "$T"/rec/0003-to-* | wc -c)
long $((4096 - short + 1))
is "a request of frame_limit" "$status" 0
long $((4096 - short + 2))
like "one byte more" "$status:$out" '^1:E_LIMIT: module r: decide: the request has 4097 bytes, frame_limit is 4096$'
site rules=r

# ---- what a mail claims may be anything: it must not stop the question
rm -f "$T"/rec/*; fake r "record $T/rec"
ask decide outgoing a@example.org "$(printf 'f\001@x')" 127.0.0.1 "$(printf 'a\033b<&"\303\244')" yes no x@y
is "a subject with control characters is asked with" "$status" 0
like "... replaced" "$(cat "$T"/rec/0003-to-*)" 'subject="a\?b&lt;&amp;&quot;ä" signed="yes" encrypted="no"'
rm -f "$T"/rec/*; ask decide outgoing a@example.org a@b 127.0.0.1 "$(printf 'a\377b')" no no x@y
like "a subject that is no UTF-8" "$(cat "$T"/rec/0003-to-*)" 'subject="a\?b"'
rm -f "$T"/rec/*; ask decide outgoing a@example.org a@b 127.0.0.1 "$(printf 'a\357\277\277b')" no no x@y
like "a subject with a noncharacter" "$(cat "$T"/rec/0003-to-*)" 'subject="a\?\?\?b"'

# ---- check-rules
site 'rules=r s'
fake r 'answer check-rules <result id="@ID@"><problem severity="error" source="rules:3:7">no such word</problem><problem severity="warning" source="rules:4:1">unanchored</problem></result>'
fake s; ask check-rules
is "what is wrong with the rules; modules that cannot say are passed over" "$status:$out" "0:r: error: rules:3:7: no such word
r: warning: rules:4:1: unanchored"
fake r 'answer check-rules <result id="@ID@"><problem severity="fatal" source="x">y</problem></result>'; ask check-rules
like "an unknown severity" "$out" '^E_TEMP: module r: check-rules: <problem severity="fatal">: unknown word$'

# ---- find-certificates
site keys=k
found() { fake k "DER $T/one.der" "answer find-certificates <result id=\"@ID@\"><certificate $1</result>"; ask certificates a@b c@d; }
bad() { found "$2"; like "$1" "$status:$out" "^1:E_TEMP: module k: find-certificates: $3"; }
found 'for="A@B" area="public" source="f" match="domain" capabilities="MAA=">@DER@</certificate>'
is "a certificate, its capabilities, case of the address" "$out" "a@b: /CN=one area=public source=f domain=1 capabilities=2
1 certificates"
fake k; ask certificates a@b c@d
is "none is a success" "$status:$out" "0:0 certificates"
fake k 'answer find-certificates <result id="@ID@"/>'; ask certificates a@b
like "... but is said with not-found" "$status:$out" "^1:E_TEMP: module k: find-certificates: neither a <certificate> nor a refusal\$"
bad "for somebody else" 'for="e@f" area="public" source="f" match="address">@DER@</certificate>' 'a certificate for "e@f", which was not asked for$'
bad "an unknown area" 'for="a@b" area="secret" source="f" match="address">@DER@</certificate>' '<certificate area="secret">: unknown word$'
bad "an unknown way to match" 'for="a@b" area="public" source="f" match="id">@DER@</certificate>' '<certificate match="id">: unknown word$'
bad "an unknown attribute" 'for="a@b" area="public" source="f" match="address" only-if="x">@DER@</certificate>' '<certificate> has an unknown attribute only-if$'
bad "no certificate inside" 'for="a@b" area="public" source="f" match="address">AAAA</certificate>' '<certificate> is no certificate$'
bad "no base64" 'for="a@b" area="public" source="f" match="address">A*</certificate>' '<certificate> is not base64$'
bad "something behind it" "for=\"a@b\" area=\"public\" source=\"f\" match=\"address\">$(cat "$T/one.der" "$T/two.der" | base64 -w0)</certificate>" '<certificate>: something stands behind the certificate$'
bad "bad capabilities" 'for="a@b" area="public" source="f" match="address" capabilities="*">@DER@</certificate>' '<certificate capabilities=...> is not base64$'
fake k "DER $T/one.der" "record $T/rec"; rm -f "$T"/rec/*
ask certificates $(seq -f 'r%g@y' 51)
is "more addresses than one question holds" "$status:$(printf '%s\n' "$out" | tail -n 1):$(cat "$T"/rec/*-to-* | grep -o '<find-c' | wc -l)" "0:51 certificates:2"
rm -f "$T"/rec/*; ask certificate-by-id "$T/two.pem"
is "by issuer and serial number" "$status:$out" "0:: /CN=one area=public source=fake domain=0 capabilities=0
1 certificates"
serial=$(openssl x509 -in "$T/two.pem" -noout -serial | cut -d= -f2 | tr A-F a-f)
like "... in hex" "$(cat "$T"/rec/0003-to-*)" "^<find-certificates id=\"1\"><by issuer=\"[A-Za-z0-9+/=]+\" serial=\"(00)?$serial\"/></find-certificates>\$"

# an answer as long as a frame may be, and a byte more
questions() { cat "$T"/rec/*-to-* | grep -o '<find-[^ ]*' | wc -l; }
eight=$(seq -f 'r%g@y' 8)
fake k "DER $T/one.der" "record $T/rec"; rm -f "$T"/rec/*
ask certificates $eight; whole=$out
bytes=$(wc -c <"$(grep -l '<result' "$T"/rec/*-from-*)")
fake k "DER $T/one.der" "record $T/rec" "at find-certificates room $bytes"; rm -f "$T"/rec/*; ask certificates $eight
is "an answer that a frame holds" "$status:$(questions):$out" "0:1:$whole"
fake k "DER $T/one.der" "record $T/rec" "at find-certificates room $((bytes - 1))"; rm -f "$T"/rec/*; ask certificates $eight
is "... that it does not: both halves are asked for" "$status:$(questions):$out" "0:3:$whole"
fake k "DER $T/one.der" "record $T/rec" "at find-certificates room $((bytes / 4))"; rm -f "$T"/rec/*; ask certificates $eight
is "... down to one" "$status:$(questions)" "0:15"
fake k "DER $T/one.der" 'at find-certificates room 200'; ask certificates $eight
like "one that has no room alone is the operator's to mend" "$status:$out" '^1:E_CONFIG: module k: find-certificates: [0-9]+ bytes \(limit\)$'
site 'keys=k l'
fake k "DER $T/one.der" 'answer find-certificates <result id="@ID@"><certificate for="r1@y" area="public" source="f" match="address">@DER@</certificate></result>' \
	'answer find-certificates <refused id="@ID@" kind="permanent" code="not-found">none</refused>'
fake l "DER $T/two.der" "at find-certificates room $((bytes / 2))"; ask certificates $eight
is "... of a second module: nobody is served twice" "$status:$(printf '%s\n' "$out" | cut -d' ' -f1,2 | sort)" "0:8 certificates
r1@y: /CN=one
$(seq -f 'r%g@y: /CN=two' 2 8)"
site keys=k

# two modules: the second is asked for what the first has not
site 'keys=k l'
fake k "DER $T/one.der" "answer find-certificates <result id=\"@ID@\"><certificate for=\"a@b\" area=\"public\" source=\"f\" match=\"address\">@DER@</certificate></result>"
rm -f "$T"/rec/*; fake l "DER $T/two.der" "record $T/rec"
ask certificates a@b c@d
is "addresses one module cannot serve go to the next" "$(printf '%s\n' "$out" | cut -d' ' -f1,2)" "a@b: /CN=one
c@d: /CN=two
2 certificates"
like "... and only those" "$(cat "$T"/rec/0003-to-*)" '^<find-certificates id="1"><address>c@d</address></find-certificates>$'
fake l 'at find-certificates refuse temporary temporary later'; ask certificates a@b c@d
like "a failure of the second is not \"none\"" "$status:$out" '^1:E_TEMP: module l: find-certificates: later'
fake k 'at find-certificates refuse temporary temporary later'; fake l "DER $T/two.der"; ask certificates a@b
like "nor is one of the first passed over" "$status:$out" '^1:E_TEMP: module k: find-certificates: later'

# ---- find-keys
site keys=k
fake k "DER $T/one.der"; ask signing-keys a@b
is "a key to sign" "$out" "k k 1: /CN=one which=0 chain=1 source=fake"
fake k; ask signing-keys a@b
like "no key is E_NOTFOUND, and what each module said" "$out" '^E_NOTFOUND: find-keys: no keys module found any; module k: find-keys: [^;]* [(]not-found[)]$'
key() { fake k "DER $T/one.der" "answer find-keys <result id=\"@ID@\">$1</result>"; ask decrypting-keys "$T/one.pem" "$T/two.pem"; }
badkey() { key "$2"; like "$1" "$status:$out" "^1:E_TEMP: module k: find-keys: $3"; }
key '<key id="7" which="1" source="f"><certificate>@DER@</certificate></key>'
is "a key to decrypt: which recipient" "$out" "k 7: /CN=one which=1 chain=-1 source=f"
key ''
like "an empty result is not the word for none" "$out" '^E_TEMP: .*neither a <key> nor a refusal$'
badkey "a recipient that was not asked for" '<key id="7" which="2" source="f"><certificate>@DER@</certificate></key>' '<key which="2">, 2 recipients were asked for$'
badkey "which recipient must be said" '<key id="7" source="f"><certificate>@DER@</certificate></key>' '<key which="">'
badkey "a key without id" '<key which="0" source="f"><certificate>@DER@</certificate></key>' '<key> lacks id$'
badkey "a key without certificate" '<key id="7" which="0" source="f"/>' 'the answer lacks <certificate>$'
badkey "a key with two" '<key id="7" which="0"><certificate>@DER@</certificate><certificate>@DER@</certificate></key>' 'the answer has two <certificate>$'
badkey "a bad chain" '<key id="7" which="0"><certificate>@DER@</certificate><chain>AAAA</chain></key>' '<chain> is no certificate$'
badkey "an unknown attribute" '<key id="7" which="0" only-if="x"><certificate>@DER@</certificate></key>' '<key> has an unknown attribute only-if$'
# a message's many recipients: a few hundred a question, fewer where a frame has no room; the first key will do
keys() { rm -f "$T"/rec/*; ask decrypting-keys "$@"; }
of() { for i in $(seq "$1"); do echo "$T/one.pem"; done; }
some='<result id="@ID@"><key id="7" which="1" source="f"><certificate>@DER@</certificate></key></result>'
none='<refused id="@ID@" kind="permanent" code="not-found">none</refused>'
locked='<refused id="@ID@" kind="temporary" code="passphrase-needed">locked</refused>'
answers() { for a; do echo "answer find-keys $a"; done >"$T/lines"; fake k "DER $T/one.der" "record $T/rec" "$(cat "$T/lines")"; }
answers "$some"; keys $(of 500)
is "500 recipients are one question" "$(questions):$out" "1:k 7: /CN=one which=1 chain=-1 source=f"
answers "$none" "$some"; keys $(of 501) "$T/two.pem"
is "501 are two; the recipient's number counts from the first one on" "$(questions):$out" "2:k 7: /CN=one which=501 chain=-1 source=f"
answers "$locked" "$some"; keys $(of 501) "$T/two.pem"
is "a key that is locked does not hide one among the others" "$(questions):$out" "2:k 7: /CN=one which=501 chain=-1 source=f"
answers "$locked" "$none"; keys $(of 501)
like "... and is remembered where the others have none" "$(questions):$out" '^2:E_LOCKED: module k: find-keys: locked \(passphrase-needed\)$'
answers "$none" "$locked"; keys $(of 501)
like "... whichever it is" "$(questions):$out" '^2:E_LOCKED: '
long='<refused id="@ID@" kind="permanent" code="limit">too long</refused>'
answers "$long" "$some"; keys $(of 4)
is "no room for the answer: the first half" "$(questions):$out" "2:k 7: /CN=one which=1 chain=-1 source=f"
answers "$long" "$none" "$some"; keys $(of 4)
is "... then the second" "$(questions):$out" "3:k 7: /CN=one which=3 chain=-1 source=f"
answers "$long" "$locked" "$some"; keys $(of 4)
is "... also where the first is locked" "$(questions):$out" "3:k 7: /CN=one which=3 chain=-1 source=f"
answers "$long" "$none"; keys $(of 4)
like "... neither" "$(questions):$out" '^3:E_NOTFOUND: '
answers "$long"; keys $(of 4)
like "... down to one, which is the operator's to mend" "$(questions):$out" '^3:E_CONFIG: module k: find-keys: too long \(limit\)$'
setting 'frame_limit = 4K'; answers "$none"; keys $(of 60)
like "a question longer than a frame is halved as well" "$([ "$(questions)" -gt 1 ] && echo several):$out" '^several:E_NOTFOUND'
is "... and nobody is left out" "$(cat "$T"/rec/*-to-* | grep -o '<recipient ' | wc -l)" 60
site 'keys=k l'; fake k; fake l "DER $T/two.der"; ask signing-keys a@b
is "keys of the second module" "$out" "l k 1: /CN=two which=0 chain=1 source=fake"

# ---- keys at work
rm -f "$T"/rec/*; fake l "DER $T/two.der" "record $T/rec"; fake k
sent() { cat "$T"/rec/0003-to-*; }
ask use sign "l k 1" rsa-pss 00ff
is "a signature" "$out" "got $(printf signed | od -An -tx1 | tr -d ' \n')"
is "... asked of the module that has the key" "$(sent)" '<sign id="1" key="k 1" mechanism="rsa-pss" digest="sha256" mgf-digest="sha1" salt-length="32">AP8=</sign>'
rm -f "$T"/rec/*; ask use unwrap "l k 1" rsa-oaep 00ff
is "a content key" "$out:$(sent)" "got $(printf secret | od -An -tx1 | tr -d ' \n'):"'<unwrap id="1" key="k 1" mechanism="rsa-oaep" digest="sha256" mgf-digest="sha1" label="TA==">AP8=</unwrap>'
rm -f "$T"/rec/*; ask use unwrap "l k 1" rsa-pkcs1 00ff
is "... PKCS#1 has no digest" "$(sent)" '<unwrap id="1" key="k 1" mechanism="rsa-pkcs1">AP8=</unwrap>'
rm -f "$T"/rec/*; ask use agree "l k 1" ecdh 00ff
is "a shared secret" "$out:$(sent)" "got $(printf agreed | od -An -tx1 | tr -d ' \n'):"'<agree id="1" key="k 1" mechanism="ecdh">AP8=</agree>'
ask use sign "m k 1" rsa-pss 00; like "a key of a module that does not run" "$out" '^E_TEMP: module m: sign: it is not running$'
ask use sign "l" rsa-pss 00; like "no key" "$out" '^E_TEMP: sign: no key'
for a in '' '<signature/>' '<signature>*</signature>' '<signature>AA==</signature><signature>AA==</signature>' '<secret>AA==</secret>'; do
	fake l "answer sign <result id=\"@ID@\">$a</result>"; ask use sign "l k" rsa-pss 00
	like "no signature: $a" "$status:$out" '^1:E_TEMP: module l: sign: '
done
fake l 'at unwrap refuse permanent bad-request broken'; ask use unwrap "l k" rsa-oaep 00
like "what can never be unwrapped" "$out" '^E_PERM: module l: unwrap: broken \(bad-request\)$'

# ---- store-certificate
site keys=k; rm -f "$T"/rec/*; fake k "record $T/rec"; ask store seen a@b "$T/one.pem"
is "storing" "$status:$(sent)" "0:<store-certificate id=\"1\" area=\"seen\" address=\"a@b\">$DER</store-certificate>"
is "... an empty answer will do" "$out" "known area= with="
rm -f "$T"/rec/*; ask store public a@b "$T/one.pem" 1800000000 MAA=
is "... with what the signature said" "$(sent)" \
	"<store-certificate id=\"1\" area=\"public\" address=\"a@b\" signed=\"2027-01-15T08:00:00Z\" capabilities=\"MAA=\">$DER</store-certificate>"
stored() { fake k "answer store-certificate <result id=\"@ID@\">$1</result>"; ask store public a@b "$T/one.pem"; }
stored '<stored area="public" state="new"/>'; is "new" "$status:$out" "0:new area=public with="
stored '<stored area="seen" state="conflict" with="certs/public/x"/>'; is "in conflict" "$status:$out" "0:conflict area=seen with=certs/public/x"
stored '<stored area="seen" state="odd"/>'; like "an unknown state" "$status:$out" '^1:E_TEMP: module k: store-certificate: '
stored '<stored area="seen" state="new"/><stored area="seen" state="new"/>'; like "two" "$status:$out" '^1:E_TEMP: module k: store-certificate: the answer has two'
fake k 'at store-certificate refuse permanent not-found none'; ask store seen a@b "$T/one.pem"
like "a module that keeps nothing" "$status:$out" '^1:E_NOTFOUND'

# ---- check-certificate
site check=c
rm -f "$T"/rec/*; fake c "record $T/rec"; ask check sign 1800000000 a@b "$T/one.pem"
is "valid" "$out" "/CN=one: valid reason= text=fine"
is "... purpose, time, address" "$(sent)" "<check-certificate id=\"1\" purpose=\"sign\" time=\"2027-01-15T08:00:00Z\" address=\"a@b\"><certificate>$DER</certificate><candidate>$DER</candidate></check-certificate>"
verdict() { fake c "answer check-certificate <result id=\"@ID@\">$1</result>"; ask check sign 1800000000 a@b "$T/one.pem"; }
badverdict() { verdict "$2"; like "$1" "$status:$out" "^1:E_TEMP: module c: check-certificate: $3"; }
verdict '<verdict value="invalid" reason="expired"> long ago </verdict><path><certificate>AA==</certificate></path><evidence source="x" time="y"/>'
is "invalid, with reason" "$out" "/CN=one: invalid reason=expired text=long ago"
verdict '<verdict value="unknown" reason="no-path"/>'
is "unknown" "$out" "/CN=one: unknown reason=no-path text="
badverdict "no verdict" '' 'the answer lacks <verdict>$'
badverdict "two verdicts" '<verdict value="invalid" reason="x"/><verdict value="valid"/>' 'the answer has two <verdict>$'
badverdict "an unknown verdict" '<verdict value="good"/>' '<verdict value="good">: unknown word$'
badverdict "a verdict without a word" '<verdict/>' '<verdict> lacks value$'
badverdict "valid with a reason" '<verdict value="valid" reason="expired"/>' 'valid, with the reason "expired"$'
badverdict "invalid without one" '<verdict value="invalid"/>' 'invalid without a reason'
badverdict "a reason that is no word" '<verdict value="unknown" reason="No path"/>' 'unknown without a reason'
badverdict "an unknown attribute" '<verdict value="valid" until="x"/>' '<verdict> has an unknown attribute until$'
badverdict "an unknown element" '<verdict value="valid"><unless/></verdict>' '<verdict> has an unknown element <unless>$'
fake c 'answer check-certificate <refused id="@ID@" kind="permanent" code="not-found">x</refused>'
ask check sign 1800000000 a@b "$T/one.pem"
like "no module has a verdict" "$out" '^E_TEMP: check-certificate: no check module has a verdict$'

# several at once
site 'check=c d'
rm -f "$T"/rec/*
fake c "record $T/rec" 'answer check-certificate <result id="@ID@"><verdict value="valid">c</verdict></result>' \
	'answer check-certificate <refused id="@ID@" kind="permanent" code="not-found">x</refused>' \
	'answer check-certificate <result id="@ID@"><verdict value="invalid" reason="x">c</verdict></result>'
fake d 'answer check-certificate <result id="@ID@"><verdict value="unknown" reason="y">d</verdict></result>'
ask check sign 1800000000 a@b "$T/one.pem" "$T/two.pem" "$T/one.pem"
is "several at once, each its verdict; the second module is asked for the rest" "$out" "/CN=one: valid reason= text=c
/CN=two: unknown reason=y text=d
/CN=one: invalid reason=x text=c"
is "asked before the first was answered, ids in order" "$(cat "$T"/rec/*-to-* | grep -o '<check-certificate id="[0-9]*"' | tr -d '\n')" \
	'<check-certificate id="1"<check-certificate id="2"<check-certificate id="3"'
fake c 'answer check-certificate <refused id="@ID@" kind="permanent" code="x">no</refused>' \
	'answer check-certificate <result id="@ID@"><verdict value="valid"/></result>'
ask -repeat 2 check sign 1800000000 a@b "$T/one.pem" "$T/two.pem"
is "one refusal fails all, and the conversation stays in step" "$(printf '%s\n' "$out" | cut -d' ' -f1,2,3)" "E_PERM: module c:
/CN=one: valid reason=
/CN=two: valid reason="

# many: both pipes are full for a while, nobody may wait for the other
site check=c; fake c 'at check-certificate chatty 20000'
ask check sign 1800000000 a@b $(for i in $(seq 60); do echo "$T/one.pem"; done)
is "more questions and answers than the pipes hold" "$status:$(printf '%s\n' "$out" | grep -c ': valid')" "0:60"
done_testing
