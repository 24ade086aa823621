#!/bin/sh
# manual pages: clean for mandoc, with EXAMPLES and SECURITY, installed, and naming only pages that exist; -help everywhere
. "${0%/*}/lib.sh"
pages=$(cd "$SRC/man" && ls ./*.[1-9] | sed 's|^\./||')

for page in $pages; do
	file=$SRC/man/$page
	if command -v mandoc >/dev/null 2>&1; then
		is "$page: mandoc has nothing to say" "$(mandoc -Tlint -Wwarning "$file" 2>&1)" ""
		title=$(mandoc -Tutf8 "$file" 2>/dev/null | head -n 1)
		like "$page: the title is the file's name" "$title" "^$(echo "${page%.*}" | tr a-z A-Z)\\(${page##*.}\\)"
	else
		skip "$page: mandoc has nothing to say" "mandoc is not installed"
	fi
	for section in EXAMPLES SECURITY; do
		ok "$page has $section" grep -q "^\\.Sh $section" "$file"
	done
	ok "$page is installed" grep -rq "man/$page" "$SRC/man/local.mk" "$SRC/src" "$SRC/modules" "$SRC/tools" "$SRC/examples" --include=local.mk
	for other in $(sed -n 's/^\.Xr \([^ ]*\) \([1-9]\).*/\1.\2/p' "$file" | sort -u); do
		case "$other" in postern* | keys-* | check-* | rules-*) ok "$page names $other, which exists" test -f "$SRC/man/$other" ;; esac
	done
done
for program in postern postern-cert postern-module-check rules-file keys-file keys-socket check-path bin/mailq-all bin/deliver-all \
	bin/postern-setup $(cd "$BUILD" && ls -d keys-ldap keys-pkcs11 keys-smimea keys-sql check-xkms postern-refresh ocsp-fetch 2>/dev/null); do
	name=${program##*/}
	help=$("$BUILD/$program" -help </dev/null 2>&1)
	is "$name -help: exit 0" "$?" 0
	like "$name -help names it" "$help" "$name"
	like "$name -version" "$("$BUILD/$program" -version </dev/null 2>&1)" "^$name [0-9]+\\."
done

done_testing
