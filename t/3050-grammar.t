#!/bin/sh
# man/postern-modules.7 and etc/postern-modules.rng: what they say is what is said
. "${0%/*}/lib.sh"
. "${0%/*}/helper/modules.sh"
command -v xmllint >/dev/null || skip_all "xmllint is missing"
command -v openssl >/dev/null || skip_all "openssl is missing"
GRAMMAR=$SRC/etc/postern-modules.rng
PAGE=$SRC/man/postern-modules.7
valid() { xmllint --nonet --noout --relaxng "$GRAMMAR" "$@"; }

if command -v mandoc >/dev/null; then ok "the page is clean mdoc" mandoc -Tlint -Wwarning "$PAGE"
else skip "the page is clean mdoc" "mandoc is missing"; fi

# ---- examples: block WHAT prints the literal text behind the mark .\" test: WHAT
block() {
	awk -v mark=".\\\\\" test: $1" '$0 == mark { on = 1; next } on && /^\.Ed/ { exit } on && !/^\.Bd/' "$PAGE" | sed 's/\\e/\\/g; s/\\&//g'
}
block 'module rules' >"$T/modules/partner"; block 'module check' >"$T/modules/list"
chmod 755 "$T/modules/partner" "$T/modules/list"
block 'bytes to' >"$T/to"; block 'bytes from' >"$T/want"
ok "(the examples were found)" test -s "$T/modules/partner" -a -s "$T/modules/list" -a -s "$T/to" -a -s "$T/want"
(cd / && "$T/modules/partner" <"$T/to" >"$T/from")
is "the module in Perl answers the bytes of the page with the bytes of the page" "$(cat "$T/from")" "$(cat "$T/want")"
ok "... to the last line feed" cmp "$T/from" "$T/want"
ok "a module in a dozen lines" test "$(grep -vc '^#' "$T/modules/partner")" -le 15

split() { perl -e 'local $/; $_ = <STDIN>; my $i = 0; while (s/^(\d+)\n//) { open my $f, ">", sprintf("%s-%d.xml", $ARGV[0], $i++); print $f substr($_, 0, $1, "") } exit length' "$1"; }
ok "the bytes to the module are whole frames" sh -c "$(printf 'perl -e %s <"$1"' "'local \$/; \$_ = <STDIN>; while (s/^(\\d+)\\n//) { substr(\$_, 0, \$1, \"\") } exit !!length'")" - "$T/to"
split "$T/example-to" <"$T/to"; split "$T/example-from" <"$T/want"
ok "the documents of the page are valid" valid "$T"/example-*.xml

# ---- the same modules under postern
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=a -keyout "$T/key" -out "$T/a.pem" 2>/dev/null
openssl x509 -in "$T/a.pem" -outform DER -out "$T/a.der"
site rules=partner
decide "info@partner.example" "o&o@example.net" "x@PARTNER.EXAMPLE"
is "the module in Perl, asked by postern" "$(printf '%s\n' "$out" | cut -d' ' -f1,2,4)" "info@partner.example: FS FE
o&o@example.net: NS NE
x@PARTNER.EXAMPLE: FS FE"
is "... ends cleanly" "$(printf '%s\n' "$log" | grep -c 'error\|warning')" 0
site check=list
ask -repeat 2 check sign 1800000000 a@b "$T/a.pem"
is "the module in shell: not listed" "$(printf '%s\n' "$out" | sort -u)" "/CN=a: unknown reason=not-listed text="
sha256sum <"$T/a.der" >"$T/postern.conf.good"
ask -repeat 2 check sign 1800000000 a@b "$T/a.pem"
is "... listed" "$(printf '%s\n' "$out" | sort -u)" "/CN=a: valid reason= text=listed"
is "... ends cleanly" "$(printf '%s\n' "$log" | grep -c 'error\|warning')" 0

# ---- every document that is exchanged: recorded by the fake module
mkdir -p "$T/rec"
fake f "record $T/rec" "DER $T/a.der"; fake g "record $T/rec"
site rules=f keys=f check=f
decide x@y "o'c&\"o@y"
ask check-rules
ask certificates a@b c@d
ask certificate-by-id "$T/a.pem"
ask signing-keys a@b
ask decrypting-keys "$T/a.pem" "$T/a.pem"
for q in 'sign k rsa-pkcs1' 'sign k rsa-pss' 'sign k ecdsa' 'unwrap k rsa-pkcs1' 'unwrap k rsa-oaep' 'agree k ecdh'; do
	set -- $q; ask use "$1" "f $2" "$3" 00ff
done
ask store seen a@b "$T/a.pem"
ask check encrypt 1800000000 "" "$T/a.pem" "$T/a.pem"
site rules=g keys=g check=g
ask signing-keys a@b
count=$(ls "$T/rec" | wc -l)
ok "(documents were recorded: $count)" test "$count" -gt 60
ok "every document of postern and the fake module is valid" valid "$T"/rec/*.xml
for o in hello decide check-rules find-certificates find-keys sign unwrap agree store-certificate check-certificate result refused; do
	ok "(there was a <$o>)" grep -lq "^<$o " "$T"/rec/*.xml
done

# ---- and those of the modules in C
rm -f "$T"/rec/*
fake skeleton "record $T/rec" "proxy $BUILD/t/helper/skeleton-module"
site rules=skeleton; decide x@y
is "a recorded conversation" "$status" 0
setting 'skeleton_mode = start-config'; decide x@y
ok "every document of a module in C is valid" valid "$T"/rec/*from*.xml
ok "(a refusal among them)" grep -lq '^<refused' "$T"/rec/*.xml

# ---- the grammar refuses
n=0
while IFS= read -r doc; do
	n=$((n + 1)); printf '%s' "$doc" >"$T/bad.xml"
	not_ok "not in the grammar: $doc" valid "$T/bad.xml"
done <<'END'
<hello protocol="2.0" role="rules" name="x" version="1" operations="decide"/>
<hello protocol="1.0" role="cook" name="x" version="1" operations="decide"/>
<hello protocol="1.0" role="rules" name="x" version="1" operations="decide  sign"/>
<decide id="1" direction="outgoing" sender="" from="" client="" subject="" signed="no" encrypted="no"/>
<result><signature>AA==</signature></result>
<result id="1"><signature></signature></result>
<result id="1"><signature>A*</signature></result>
<result id="1"><decision recipient="x@y" sign="FS2" encrypt="NE"/></result>
<result id="1"><decision recipient="x@y" sign="FS"/></result>
<result id="1"><decision recipient="x@y" sign="FS" encrypt="NE" mood="x"/></result>
<result id="1"><verdict value="valid" reason="expired"/></result>
<result id="1"><verdict value="invalid"/></result>
<result id="1"><verdict value="fine"/></result>
<result id="1"><key id="" which="0"><certificate>AA==</certificate></key></result>
<result id="1"><key id="1" which="0"/></result>
<result id="1"><certificate area="secret" source="" for="a@b" match="address">AA==</certificate></result>
<result id="1"><certificate area="public" source="" match="address">AA==</certificate></result>
<refused id="1" kind="later" code="x">y</refused>
<refused id="1" kind="temporary">y</refused>
<find-keys id="1" for="sign"/>
<find-keys id="1" for="decrypt"/>
<find-certificates id="1"/>
<sign id="1" key="k" mechanism="rsa-pss" digest="sha256">AA==</sign>
<agree id="1" key="k" mechanism="rsa-pkcs1">AA==</agree>
<dance id="1"/>
END
done_testing
