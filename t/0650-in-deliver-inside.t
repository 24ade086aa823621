#!/bin/sh
# deliver_inside: decrypted, original, reencrypted to each recipient alone
. "${0%/*}/lib.sh"
. "$SRC/t/incoming.sh"
own rita rita@behoerde.example rsa
printf 'the words\nand more of them\n' | entity 'Content-Type: text/html; charset=utf-8' >"$T/e"
clear bob <"$T/e" | seal alice rita | letter bob@partner.example >"$T/m"
clear bob <"$T/e" | letter bob@partner.example >"$T/signed"
copies() { grep -L '^To: <postmaster' "$T/internal/new/"* 2>/dev/null | wc -l; }
copy_for() { grep -l "^Delivered-To: $1@behoerde.example" "$T/internal/new/"* | head -n 1; }
opens() { openssl cms -decrypt -in "$1" -recip "$T/$2.pem" -inkey "$T/$2.key" 2>/dev/null | tr -d '\r' >"$T/plain"; grep -q 'the words' "$T/plain"; }

for from in LF CRLF; do
	[ $from = LF ] || { crlf <"$T/m" >"$T/in" && mv "$T/in" "$T/m"; }
	conf "$T" 'deliver_inside = decrypted'
	incoming alice@behoerde.example rita@behoerde.example <"$T/m"
	is "decrypted, $from: one copy for both" "$code $out$(copies) $(result) $(value encrypted)" "0 1 pass yes"
	like "decrypted, $from: the words" "$(cat "$T/got")" '^the words'

	conf "$T" 'deliver_inside = original'
	incoming alice@behoerde.example rita@behoerde.example <"$T/m"
	is "original, $from: the result all the same" "$code $out$(copies) $(result) $(value encrypted)" "0 1 pass yes"
	content "$T/m" >"$T/want" && content >"$T/rest"
	ok "original, $from: byte for byte" cmp "$T/want" "$T/rest"
	ok "original, $from: alice opens it" opens "$T/got" alice
	ok "original, $from: the record is genuine" genuine

	conf "$T" 'deliver_inside = reencrypted'
	incoming alice@behoerde.example rita@behoerde.example <"$T/m"
	is "reencrypted, $from: a copy each" "$code $out$(copies) $(result) $(value encrypted)" "0 2 pass yes"
	for who in alice rita; do
		other=rita; [ $who = alice ] || other=alice
		sed '1{/^Return-Path:/d}' "$(copy_for $who)" | sed '/^Delivered-To:/d' >"$T/got"
		ok "reencrypted, $from: $who opens hers" opens "$T/got" $who
		ok "what is in it is still signed" grep -q 'multipart/signed' "$T/plain"
		not_ok "and nobody else does" opens "$T/got" $other
		is "it has one RecipientInfo" "$(openssl cms -cmsout -print -noout -in "$T/got" | grep -c 'd.ktri\|recipientEncryptedKeys:')" 1
		unlike "no words outside" "$(cat "$T/got")" 'the words'
		ok "the record is genuine" genuine
		is "the result" "$(result) $(field Subject)" "pass report"
	done
	openssl cms -decrypt -in "$(copy_for alice)" -recip "$T/alice.pem" -inkey "$T/alice.key" |
		openssl cms -verify -CAfile "$T/ca.pem" >"$T/verified" 2>/dev/null
	like "reencrypted, $from: the inner signature is good" "$(cat "$T/verified")" 'the words'

	cp "$T/m" "$T/kept" && cp "$T/signed" "$T/m"
	[ $from = LF ] || crlf <"$T/signed" >"$T/m"
	incoming <"$T/m"
	content "$T/m" >"$T/want" && content >"$T/rest"
	ok "reencrypted, $from: what came unencrypted is left so" cmp "$T/want" "$T/rest"
	is "and its result" "$(result) $(value encrypted)" "pass no"
	cp "$T/kept" "$T/m"
done

# somebody who cannot be encrypted to: never in clear
incoming nobody@behoerde.example <"$T/m"
like "reencrypted: no certificate of the recipient" "$code $out" '^75 4\.'
is "is not delivered in clear" "$(copies)" 0
# a body of bytes
after_header() { perl -0777 -pe 's/\A.*?\n\r?\n//s'; }
{ printf '\000\r\n\n\r\r\n\377'; head -c 3000 /dev/urandom; } >"$T/bytes"
{ printf 'Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n'; cat "$T/bytes"; } |
	openssl cms -encrypt -binary -aes-256-gcm "$T/alice.pem" | tr -d '\r' | letter bob@partner.example >"$T/m"
conf "$T" 'deliver_inside = decrypted'
incoming <"$T/m"
after_header <"$T/got" >"$T/rest"
ok "decrypted: a binary body arrives byte for byte" cmp "$T/bytes" "$T/rest"
conf "$T" 'deliver_inside = reencrypted'
incoming <"$T/m"
openssl cms -decrypt -in "$T/got" -recip "$T/alice.pem" -inkey "$T/alice.key" -binary -out "$T/plain" 2>/dev/null
after_header <"$T/plain" >"$T/rest"
ok "reencrypted: a binary body arrives byte for byte" cmp "$T/bytes" "$T/rest"

done_testing
