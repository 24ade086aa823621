#!/bin/sh
# rules-file speaks the module protocol: decisions, refusals, and all that is wrong with a file
. "${0%/*}/lib.sh"
talk() { printf '%s\n' "$@" | "$SRC/t/helper/module-talk" -config "$T/postern.conf" "$BUILD/rules-file" 2>"$T/stderr" | tee -a "$T/answers"; }
decide() { talk "<decide id=\"1\" direction=\"outgoing\" sender=\"$1\" from=\"\" client=\"\" subject=\"\" signed=\"no\" encrypted=\"no\"><recipient address=\"$2\"/></decide>"; }

cat >"$T/postern.conf" <<END
hostname = gate.our.de
local_domains = our.de
external = maildir:$T/out
internal = maildir:$T/in
via_tls = maildir:$T/tls
END
cat >"$T/rules" <<'END'
# From                To                     Rules
.                     (to) .                 (do) FS=mail@our.de   # one for the house
.                     (to) @partner\.com$    (do) FE, PROFILE=bdew
^boss@our\.de$        (to) .                 (do) EIP, FS, STRIP, VIA=tls
.                     (to) @secret\.example$ (do) REJECT="no <mail> & \"such\"" BLOCK-SIGNED BLOCK-ENCRYPTED
END

is "no line but the first: its signature" "$(decide joe@our.de ann@x.com)" \
	"<result id=\"1\"><decision recipient=\"ann@x.com\" sign=\"FS\" sign-as=\"mail@our.de\" encrypt=\"NE\" strip=\"no\"><because source=\"$T/rules:2\">FS=mail@our.de</because></decision></result>"
is "every line that matches, in order, with its words" "$(decide boss@our.de ann@partner.com)" \
	"<result id=\"1\"><decision recipient=\"ann@partner.com\" sign=\"FS\" encrypt=\"FE\" profile=\"bdew\" strip=\"yes\" via=\"tls\"><because source=\"$T/rules:2\">FS=mail@our.de</because><because source=\"$T/rules:3\">FE, PROFILE=bdew</because><because source=\"$T/rules:4\">EIP, FS, STRIP, VIA=tls</because></decision></result>"
like "a text is escaped" "$(decide '' a@secret.example)" 'block-signed="yes" block-encrypted="yes" reject="no &lt;mail&gt; &amp; &quot;such&quot;"'
is "several recipients, several requests: answers in order" \
	"$(talk '<decide id="a" sender=""><recipient address="1@partner.com"/><recipient address="2@x"/></decide>' \
	        '<decide id="b" sender=""><recipient address="3@x"/></decide>' | grep -o 'id="[ab]"\|recipient="[^"]*"\|encrypt="[A-Z]*"' | tr '\n' ' ')" \
	'id="a" recipient="1@partner.com" encrypt="FE" recipient="2@x" encrypt="NE" id="b" recipient="3@x" encrypt="NE" '
printf '%s\n' '@partner (to) . (do) FE' >"$T/rules"
is "no line: no signature, no encryption, no because" "$(decide a@our.de b@x)" \
	'<result id="1"><decision recipient="b@x" sign="NS" encrypt="NE" strip="no"/></result>'

like "no recipient" "$(talk '<decide id="1" sender=""/>')" '<refused id="1" kind="permanent" code="bad-request">decide: no recipient'
like "no sender" "$(talk '<decide id="1"><recipient address="a@b"/></decide>')" 'kind="permanent" code="bad-request">decide: no sender'
like "an empty recipient" "$(decide a@b '')" 'kind="permanent" code="bad-request">recipient: the address is empty'
like "an over-long recipient" "$(decide a@b "$(printf '%330s' | tr ' ' x)@b")" 'kind="permanent" code="bad-request">recipient: address of more than 320 bytes'
like "what no rules module can do" "$(talk '<sign id="1" key="k"/>')" 'kind="permanent" code="unknown-operation"'
like "what the conversation is not narrowed to" \
	"$(echo '<decide id="1" sender=""><recipient address="a@b"/></decide>' | "$SRC/t/helper/module-talk" -operations check-rules -config "$T/postern.conf" "$BUILD/rules-file" 2>&1)" 'code="narrowed"'

printf '# c\n. (to) . (do) FE\n. (to) . (do) FEE\n. (to) ( (do) FS\n' >"$T/rules"
like "one bad line: nothing is decided" "$(decide a@our.de b@x)" \
	"^<refused id=\"1\" kind=\"temporary\" code=\"configuration\">$T/rules:3:15: unknown word &quot;FEE&quot;; did you mean FE\?</refused>"
is "check-rules names all errors" "$(talk '<check-rules id="9"/>' | grep -o 'severity="[a-z]*" source="[^"]*"' | sed "s,$T,," | tr '\n' ' ')" \
	'severity="error" source="/rules:3:15" severity="error" source="/rules:4:9" '
printf '. (to) partner.com (do) FE\n. (to) . (do) VIA=tsl\n. (to) . (do) VIA=TLS\n' >"$T/rules"
out=$(talk '<check-rules id="9"/>')
like "check-rules warns" "$out" "<problem severity=\"warning\" source=\"$T/rules:1:8\">pattern &quot;partner.com&quot; also matches"
like "check-rules knows the destinations" "$out" "<problem severity=\"error\" source=\"$T/rules:2:1\">VIA=tsl: $T/postern.conf names no destination via_tsl"
is "and of those only the missing one" "$(echo "$out" | grep -o 'severity="error"' | wc -l)" 1
printf '. (to) @partner\\.com$ (do) FE\n' >"$T/rules"
is "check-rules of a good file" "$(talk '<check-rules id="9"/>')" '<result id="9"/>'
awk 'BEGIN { for (i = 0; i < 20000; i++) print ". (to) partner-" i ".example (do) FE"; print ". (to) . (do) X" }' >"$T/rules"
out=$(talk '<check-rules id="9"/>')
is "check-rules stays within a frame" "$(echo "$out" | grep -o '<problem' | wc -l)" 501
like "says what is missing" "$out" "severity=\"warning\" source=\"$T/rules\">19501 more problems; rules-file -check shows them</problem></result>\$"
like "and hides no error" "$out" "^<result id=\"9\"><problem severity=\"error\" source=\"$T/rules:20001:15\">unknown word"
cp "$T/postern.conf" "$T/small.conf"
echo 'frame_limit = 4K' >>"$T/small.conf"
out=$(echo '<check-rules id="9"/>' | "$SRC/t/helper/module-talk" -config "$T/small.conf" "$BUILD/rules-file" 2>&1)
like "also within a small one" "$out" '^<result id="9">.*19[0-9]{3} more problems; .*</result>$'

awk 'BEGIN { for (i = 0; i < 12000; i++) print ". (to) . (do) FE" }' >"$T/rules"
out=$(decide a@our.de b@x)
like "a decision with more reasons than a frame holds" "$out" '^<result id="1"><decision recipient="b@x" sign="NS" encrypt="FE" .*<because source="[^"]*">more lines; [^<]*</because></decision></result>$'
ok "is less than a frame" test "${#out}" -lt 1000000

printf '. (to) ^(a+)+$ (do) FE\n' >"$T/rules"
like "a pattern that never ends is a temporary refusal with its place" "$(decide a@our.de "$(printf '%60s' | tr ' ' a)@x.de")" \
	"kind=\"temporary\" code=\"configuration\">$T/rules:1:8: the pattern takes too long on this address"
like "and other addresses are decided" "$(decide a@our.de b@x.de)" 'decision recipient="b@x.de"'

rm "$T/rules"
like "no file" "$(decide a@our.de b@x)" "kind=\"temporary\" code=\"configuration\">$T/rules: no such file"
like "check-rules says so" "$(talk '<check-rules id="9"/>')" "severity=\"error\" source=\"$T/rules\">no such file"
mkdir "$T/rules"
like "a directory" "$(decide a@our.de b@x)" 'kind="temporary" code="temporary"'
like "check-rules cannot tell" "$(talk '<check-rules id="9"/>')" 'refused id="9" kind="temporary"'
rmdir "$T/rules"
printf 'rules_file = \n' >>"$T/postern.conf"
printf 'nonsense = 1\n' >>"$T/postern.conf"
like "a bad postern.conf" "$(decide a@our.de b@x)" 'kind="temporary" code="configuration".*postern.conf'

# every answer above is of the grammar
if command -v xmllint >/dev/null; then
	mkdir "$T/documents"
	awk -v dir="$T/documents" '{ file = dir "/" NR ".xml"; print > file; close(file) }' "$T/answers"
	ok "all answers are valid" xmllint --noout --relaxng "$SRC/etc/postern-modules.rng" "$T"/documents/*.xml
else
	skip "all answers are valid" "xmllint is missing"
fi
done_testing
