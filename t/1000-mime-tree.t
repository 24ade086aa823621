#!/bin/sh
# what mime-tree prints is what stands in the file: columns, offsets, decoded bodies, mbox line, kinds of line breaks
. "${0%/*}/lib.sh"
tree=$BUILD/t/helper/mime-tree
tab=$(printf '\t')

cat >"$T/lf" <<'END'
From a@b Mon Jan  1 00:00:00 2026
Content-Type: multipart/mixed; boundary="b c"

preamble
--b c
Content-Type: Text/HTML; charset="UTF-8"
Content-Transfer-Encoding: BASE64
Content-Disposition: attachment;
 filename*0*=utf-8''%C3%BC;
 filename*1=.html

PGI+
--b c
Content-Type: message/rfc822

Subject: inner

x
--b c--
epilogue
END
sed 's/$/\r/' "$T/lf" >"$T/crlf"

"$tree" "$T/lf" >"$T/out"
is "path, type, encoding, charset, file name" "$(cut -f1-5 "$T/out")" "-${tab}multipart/mixed${tab}7bit${tab}-${tab}-
1${tab}text/html${tab}base64${tab}utf-8${tab}$(printf '\303\274').html
2${tab}message/rfc822${tab}7bit${tab}-${tab}-
2.1${tab}text/plain${tab}7bit${tab}-${tab}-"
is "the root starts behind the mbox line and ends with the file" "$(sed -n 1p "$T/out" | cut -f6,8)" "34$tab$(wc -c <"$T/lf")"

# the bytes between two offsets of a line of the output
bytes() { # FILE LINE FROM-COLUMN TO-COLUMN
	from=$(sed -n "$2p" "$T/out" | cut -f"$3")
	to=$(sed -n "$2p" "$T/out" | cut -f"$4")
	tail -c +$((from + 1)) "$1" | head -c $((to - from))
}
is "header of part 1" "$(bytes "$T/lf" 2 6 7 | head -n 1)" 'Content-Type: Text/HTML; charset="UTF-8"'
is "body of part 1" "$(bytes "$T/lf" 2 7 8; echo .)" 'PGI+.'
is "message in part 2" "$(bytes "$T/lf" 4 6 8)" 'Subject: inner

x'
is "decoded body" "$("$tree" -d 1 "$T/lf")" '<b>'

cut -f1-5 "$T/out" >"$T/lf.columns"
"$tree" "$T/crlf" >"$T/out"
is "CRLF: the same parts" "$(cut -f1-5 "$T/out")" "$(cat "$T/lf.columns")"
is "CRLF: body of part 1" "$(bytes "$T/crlf" 2 7 8; echo .)" 'PGI+.'
is "CRLF: offsets" "$(sed -n 1p "$T/out" | cut -f6,8)" "35$tab$(wc -c <"$T/crlf")"

"$tree" -c "$T/lf" >"$T/canonical.lf"
"$tree" -c "$T/crlf" >"$T/canonical.crlf"
ok "the canonical form does not depend on the line breaks" cmp "$T/canonical.lf" "$T/canonical.crlf"
is "it has CRLF only" "$(tr -d '\r' <"$T/canonical.lf" | wc -l)" "$(grep -c "$(printf '\r')\$" "$T/canonical.lf")"
unlike "and nothing around the parts" "$(cat "$T/canonical.lf")" 'preamble|epilogue|^From'

printf 'Content-Type: application/x; name="a\tb\\\nc"\n\n\000\377' >"$T/odd"
is "no text from outside makes a column or line" "$("$tree" "$T/odd" | awk -F"$tab" '{ print NF }')" 8
not_ok "a missing file is an error" "$tree" "$T/none"
not_ok "a missing part is an error" "$tree" -d 7 "$T/lf"

: >"$T/empty"
is "an empty file is one empty text" "$("$tree" "$T/empty")" "-${tab}text/plain${tab}7bit${tab}-${tab}-${tab}0${tab}0${tab}0"
awk 'BEGIN { print "Content-Type: multipart/mixed; boundary=b\n"; for (i = 0; i < 9999; i++) print "--b\n\nx"; print "--b--" }' >"$T/many"
is "10000 parts" "$("$tree" "$T/many" | wc -l)" 10000
sed '$d' "$T/many" >"$T/more"; printf -- '--b\n\nx\n--b--\n' >>"$T/more"
not_ok "and no more" "$tree" "$T/more"
done_testing
