#!/bin/sh
# rules-file -check and -test, for the person who writes the rules
. "${0%/*}/lib.sh"
rules=$BUILD/rules-file
cd "$T" || exit 1
check() { printf "$1" >r; "$rules" -check r; }
warning() { # what, file, expected line
	like "$1" "$(check "$2")" "^$3"
}
quiet() { is "$1" "$(check "$2" | sed '$d')" ""; }

printf '. (to) . (do) FE\n. (to) . FE\n(to)\n' >bad
is "all errors, with their place" "$("$rules" -check bad)" 'bad:2:10: error: expected (do) after the recipient'\''s pattern, got "FE"
bad:3:1: error: expected a pattern for the sender, got "(to)"
bad: 1 rule, 2 errors, 0 warnings'
not_ok "exit code with errors" "$rules" -check bad
printf '. (to) partner-1.com (do) FE\n' >r
is "a warning shows what else matches, and what to write" "$("$rules" --check r)" \
	'r:1:8: warning: pattern "partner-1.com" also matches "partner-1.com.evil.example" and "partner-1xcom" and "evilpartner-1.com"; write "@partner-1\.com$"
r: 1 rule, 0 errors, 1 warning'
ok "exit code with warnings only" "$rules" -check r
not_ok "a missing file" "$rules" -check missing
like "is named" "$("$rules" -check missing)" '^missing: error: no such file'

warning "unescaped dot" '. (to) @partner.com$ (do) FE\n' 'r:1:8: warning: pattern "@partner.com\$" also matches "@partnerxcom"; write "@partner\\.com\$"'
warning "no end" '. (to) @partner\\.com (do) FE\n' 'r:1:8: warning: .*"@partner.com.evil.example"; write "@partner\\.com\$"'
warning "no start" '. (to) partner\\.com$ (do) FE\n' 'r:1:8: warning: .*"evilpartner.com"; write "@partner\\.com\$"'
warning "a person" 'joe@our.de (to) . (do) FE\n' 'r:1:1: warning: .*"joe@our.de.evil.example" and "joe@ourxde" and "eviljoe@our.de"; write "\^joe@our\\.de\$"'
warning "a word" 'joe (to) . (do) FE\n' 'r:1:1: warning: .*"joe@evil.example" and "eviljoe"; write "\^joe@"'
warning "alternatives without an end" '. (to) @(a|b)\\.com (do) FE\n' 'r:1:8: warning: .*has no \$ at its end'
warning "alternatives without a start" '. (to) (a|b)\\.com$ (do) FE\n' 'r:1:8: warning: .*begins with neither \^ nor @'
warning "a dot in a pattern with alternatives" '. (to) @(a|b)x.com$ (do) FE\n' 'r:1:8: warning: .*a dot that matches any character'
warning "an alternative without an end" '. (to) @a\\.de|@b\\.de$ (do) FE\n' 'r:1:8: warning: pattern "@a\\.de" has no \$ at its end'
warning "the other alternative" '. (to) @a\\.de$|@b\\.de (do) FE\n' 'r:1:16: warning: pattern "@b\\.de" has no \$ at its end'
quiet "sets and groups keep their | and dots" '. (to) @([a.b]|(x|y)[|]z\\|)\\.de$ (do) FE\n'
warning "everything" '. (to) .* (do) FE\n' 'r:1:8: warning: pattern "\.\*" matches every address; write \.'
quiet "anchored patterns" '^joe@our\\.de$ (to) @partner\\.com$ (do) FE\n^joe@ (to) [@.]partner\\.com$ (do) FE\n^(a|b)@our\\.de$ (to) \\.com$ (do) FE\n^$ (to) .*@x\\.de$ (do) NS\n'

warning "replaced by a later line" '@x\\.de$ (to) . (do) FS\n. (to) . (do) NS\n' 'r:1:1: warning: this line can never have an effect: line 2 overrides it'
warning "the same line again" '. (to) @x\\.de$ (do) FE\n. (to) @y\\.de$ (do) FE\n. (to) @x\\.de$ (do) FE\n' 'r:1:1: warning: this line can never have an effect: line 3'
warning "encryption that a later line makes stronger" '. (to) @x\\.de$ (do) EIP\n. (to) . (do) FE\n' 'r:1:1: warning: this line can never .* line 2'
warning "a flag that is set anyway" '. (to) . (do) STRIP\n@x\\.de$ (to) . (do) STRIP\n' 'r:2:1: warning: this line can never .* line 1'
quiet "not replaced: other recipients" '. (to) @x\\.de$ (do) FS\n. (to) @y\\.de$ (do) NS\n'
quiet "not replaced: one word remains" '. (to) @x\\.de$ (do) FS VIA=a\n. (to) . (do) NS\n'
quiet "not replaced: the later line is narrower" '. (to) . (do) FS\n. (to) @x\\.de$ (do) NS\n'
warning "NE! takes back FE" '. (to) @x\\.de$ (do) FE\n^a@our\\.de$ (to) . (do) NE!\n' 'r:2:1: warning: NE! takes back the FE of line 1: this mail is sent unencrypted'
warning "NE that does nothing" '. (to) . (do) EIP\n. (to) @x\\.de$ (do) NE, FS\n' 'r:2:1: warning: NE does not weaken the EIP of line 1.*write NE!'
quiet "NE before anything else" '. (to) . (do) NE, NS\n. (to) @x\\.de$ (do) FE\n'

awk 'BEGIN { for (i = 0; i < 20001; i++) print ". (to) partner-" i ".com (do) FE" }' >many
is "no more warnings than memory holds" "$("$rules" -check many | sed -n '1p;$p')" "many: warning: too many warnings; only the first are shown
many: 20001 rules, 0 errors, 20001 warnings"
sed 1d many >enough
is "and all of them up to there" "$("$rules" -check enough | sed -n '1p;$p' | cut -c1-40)" 'enough:1:8: warning: pattern "partner-1.
enough: 20000 rules, 0 errors, 20000 war'

printf '# c\n. (to) . (do) SIP=m@our.de\n. (to) @x\\.de$ (do) FE, REJECT=no\n' >r
is "-test prints the decision and the lines" "$("$rules" -test r '' a@X.de)" 'sign = SIP
sign-as = m@our.de
encrypt = FE
reject = no
because r:2: SIP=m@our.de
because r:3: FE, REJECT=no'
printf '@a$ (to) . (do) FE\n' >r
is "-test where no line matches" "$("$rules" -test r b@b a@X.de)" 'sign = NS
encrypt = NE
no line matches'
like "-test of a bad file" "$("$rules" -test bad '' a@b)" '^bad:2:10: expected \(do\)'
not_ok "fails" "$rules" -test bad '' a@b
like "-test of a bad address" "$("$rules" -test r "$(printf 'a\377')" a@b)" '^sender: address is not UTF-8'

for wrong in '-check' '-check a b' '-test a b' '-test a b c d' '-nonsense' 'r'; do
	"$rules" $wrong >out 2>&1 </dev/null
	is "usage: $wrong" $? 64
done
like "-help" "$("$rules" -help)" 'rules-file -test FILE SENDER RECIPIENT'
like "-version" "$("$rules" -version)" '^rules-file [0-9]+\.[0-9]+'
done_testing
