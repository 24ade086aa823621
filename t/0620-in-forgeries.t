#!/bin/sh
# whatever an outsider writes into a message, only our own result arrives: t/forgeries, as it is and inside protected parts
. "${0%/*}/lib.sh"
. "$SRC/t/incoming.sh"
corpus=$SRC/t/forgeries
person eve eve@evil.example
conf "$T" 'tag_signed = [signed]' 'tag_encrypted = [encrypted]' 'tag_invalid = [invalid]' 'notice_limit = 0'
sender=eve@evil.example
mkdir "$T/out"

# A signature of eve's own is valid, and her From is hers: no message fails for another reason.
eves="-signer $T/eve.pem -inkey $T/eve.key"
outer() { printf 'From: eve@evil.example\nTo: alice@behoerde.example\nSubject: outer\n'; cat; }
# shellcheck disable=SC2086
{
	as_plain() { cat "$1"; }
	as_clear() { openssl cms -sign $eves -in "$1" | outer; }
	as_opaque() { openssl cms -sign -nodetach -binary $eves -in "$1" | outer; }
	as_both() { openssl cms -sign $eves -in "$1" | openssl cms -encrypt -binary -aes-128-gcm "$T/alice.pem" | outer; }
}

for mode in plain: clear:[signed] opaque:[signed] both:[encrypted][signed]; do
	prefix=${mode#*:} mode=${mode%%:*}
	wrong=
	for file in "$corpus"/*.eml; do
		name=${file##*/}
		"as_$mode" "$file" >"$T/m"
		incoming <"$T/m"
		[ "$code" -eq 0 ] || wrong="$wrong
$name: $code $out"
		cp "$T/got" "$T/out/$mode-$name"
		genuine >"$T/record" 2>&1 || wrong="$wrong
$name: $(cat "$T/record")"
	done
	is "$mode: everything arrives, with a record that is ours" "$wrong" ""
	perl "$SRC/t/helper/forgeries" "$corpus/manifest.tsv" "$T/out" "$mode" "$prefix" >"$T/report"
	is "$mode: all in the manifest were looked at" "$(wc -l <"$T/report")" "$(ls "$corpus"/*.eml | wc -l)"
	is "$mode: nothing forged is left" "$(grep -v '^ok ' "$T/report")" ""
done
is "the check sees a forgery" "$(mkdir "$T/bad"; for f in "$corpus"/*.eml; do cp "$f" "$T/bad/plain-${f##*/}"; done
	perl "$SRC/t/helper/forgeries" "$corpus/manifest.tsv" "$T/bad" plain '' | grep -c '^ok ')" 0

# ---- records that were ours once
letter bob@partner.example <<-END >"$T/m"

	the genuine text
END
sender=bob@partner.example
incoming <"$T/m"
cp "$T/got" "$T/first"
ok "a genuine record" genuine
old=$(value mac)
sleep 1
incoming <"$T/first"
is "from outside again: one record, and it is new" "$(header | grep -ci '^x-postern-result:') $(value result) $(value mac | grep -cF "$old")" "1 none 0"
ok "and genuine" genuine
{ sed -n '/^X-Postern-Result/,/^ *mac=/p' "$T/first"; printf 'From: bob@partner.example\nSubject: x\n\nother text\n'; } >"$T/m"
incoming <"$T/m"
is "on another message it does not survive" "$(grep -c "${old%=*}" "$T/got")" 0

verify() { cp "$1" "$T/got"; genuine >"$T/said" 2>&1; verified=$?; }
verify "$T/first"
is "verify: as it was delivered" $verified 0
sed 's/$/\r/' "$T/first" >"$T/v" && verify "$T/v"
is "verify: with CRLF" $verified 0
sed 's/^From:.*/From: eve@evil.example/' "$T/first" >"$T/v" && verify "$T/v"
is "verify: with another From" $verified 77
{ echo 'From: eve@evil.example'; cat "$T/first"; } >"$T/v" && verify "$T/v"
is "verify: with a second From" $verified 77
sed 's/genuine text/genuine  text/' "$T/first" >"$T/v" && verify "$T/v"
is "verify: with a blank more in the body" $verified 77
{ cat "$T/first"; echo more; } >"$T/v" && verify "$T/v"
is "verify: with a line more" $verified 77
sed 's/result=none/result=pass/' "$T/first" >"$T/v" && verify "$T/v"
is "verify: with another word" $verified 77
sed 's/host=mx/host=my/' "$T/first" >"$T/v" && verify "$T/v"
is "verify: of another host" $verified 77
{ sed -n '/^X-Postern-Result/,/^ *mac=/p' "$T/first"; cat "$T/first"; } >"$T/v" && verify "$T/v"
is "verify: twice" $verified 77
sed '/^X-Postern-Result/,/^ *mac=/d' "$T/first" >"$T/v" && verify "$T/v"
is "verify: without one" $verified 69
mv "$T/mac.key" "$T/old.key"
verify "$T/first"
is "verify: with another key" $verified 77
incoming <"$T/first"
unlike "a record of another key does not survive" "$(cat "$T/got")" "${old%=*}"
cp "$T/first" "$T/got"
conf "$T" "mac_key_file = $T/old.key"
ok "and the old key still knows its own" genuine

done_testing
