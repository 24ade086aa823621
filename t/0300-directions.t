#!/bin/sh
# who sends to whom decides the way; smime_engine; a message for both sides is split
. "${0%/*}/lib.sh"
site_make "$T"
printf 'scanner_clients = 10.9.9.9\n' >>"$T/postern.conf"
printf 'From: alice@behoerde.example\nTo: x@behoerde.example\nSubject: t\nX-Postern-Result: forged\n\nhello\n' >"$T/m"
count() { echo "$(delivered "$T/internal") $(delivered "$T/external") $(delivered "$T/scanner")"; }
fresh() { for d in internal external scanner; do empty "$T/$d"; done; }
body() { sed '1,/^Delivered-To/d' "$1"; }

run "$T" 192.0.2.1 eve@evil.example x@behoerde.example <"$T/m"
is "outside to inside" "$code $(count)" "0 1 0 0"
unlike "and forged results are gone" "$(cat "$(newest "$T/internal")")" 'forged'
fresh; run "$T" 10.0.0.1 alice@behoerde.example x@behoerde.example <"$T/m"
is "inside to inside" "$code $(count)" "0 1 0 0"
ok "is byte for byte as it came" sh -c "sed '/^Return-Path:/d; /^Delivered-To:/d' '$(newest "$T/internal")' | cmp - '$T/m'"
fresh; run "$T" 10.0.0.1 alice@behoerde.example x@elsewhere.example <"$T/m"
is "inside to outside" "$code $(count)" "0 0 1 0"
unlike "our fields stay inside" "$(cat "$(newest "$T/external")")" 'X-Postern'
fresh; run "$T" 10.0.0.1 alice@behoerde.example x@elsewhere.example y@behoerde.example <"$T/m"
is "to both sides" "$code $(count)" "0 1 1 0"
is "each has its recipient" "$(grep -h '^Delivered-To' "$(newest "$T/internal")" "$(newest "$T/external")" | tr '\n' ' ')" \
	"Delivered-To: y@behoerde.example Delivered-To: x@elsewhere.example "
fresh; run "$T" 192.0.2.1 eve@evil.example x@behoerde.example y@elsewhere.example <"$T/m"
is "outside to both: the local one is served" "$code $(delivered "$T/internal")" "0 1"
fresh; run "$T" 10.9.9.9 alice@behoerde.example x@behoerde.example <"$T/m"
is "scanner to inside" "$code $(count)" "0 1 0 0"
unlike "a forged record does not survive the scanner" "$(cat "$(newest "$T/internal")")" 'forged'
fresh; run "$T" 10.9.9.9 alice@behoerde.example bob@partner.example <"$T/m"
is "scanner to outside is outgoing" "$code $(count)" "0 0 1 0"
like "and sealed" "$(cat "$(newest "$T/external")")" 'enveloped-data'

conf "$T" "scanner = maildir:$T/scanner"
fresh; run "$T" 192.0.2.1 eve@evil.example x@behoerde.example <"$T/m"
is "with a scanner, incoming goes there first" "$code $(count)" "0 0 0 1"
sed '/^Return-Path:/d; /^Delivered-To:/d' "$(newest "$T/scanner")" >"$T/scanned"
fresh; run "$T" 10.9.9.9 eve@evil.example x@behoerde.example <"$T/scanned"
like "our own record survives the scanner" "$(cat "$(newest "$T/internal")")" '^X-Postern-Result: v=1'
sed '/^X-Postern-Token/,/^ *mac=/d' "$T/scanned" >"$T/changed"
echo "changed" >>"$T/changed"
fresh; run "$T" 10.9.9.9 eve@evil.example x@behoerde.example <"$T/changed"
unlike "but not on a changed message without a token" "$(cat "$(newest "$T/internal")")" 'X-Postern-'
conf "$T" "scanner = none"

# smime_engine
conf "$T" "smime_engine = 0"
for leg in "192.0.2.1 eve@evil.example x@behoerde.example internal" "10.0.0.1 alice@behoerde.example bob@partner.example external"; do
	# shellcheck disable=SC2086
	set -- $leg
	fresh; run "$T" "$1" "$2" "$3" <"$T/m"
	ok "smime_engine 0, to $4: untouched" sh -c "sed '/^Return-Path:/d; /^Delivered-To:/d' '$(newest "$T/$4")' | cmp - '$T/m'"
done
fresh; run "$T" 192.0.2.1 eve@evil.example x@elsewhere.example <"$T/m"
is "smime_engine 0 does not make a relay" "$code" 77
conf "$T" "smime_engine = 1"
fresh; run "$T" 10.0.0.1 alice@behoerde.example bob@partner.example <"$T/m"
ok "smime_engine 1, outgoing: untouched" sh -c "sed '/^Return-Path:/d; /^Delivered-To:/d' '$(newest "$T/external")' | cmp - '$T/m'"
fresh; run "$T" 192.0.2.1 eve@evil.example x@behoerde.example <"$T/m"
like "smime_engine 1, incoming: looked at" "$(cat "$(newest "$T/internal")")" '^Authentication-Results: mx.behoerde.example;'

# domains
conf "$T" "local_domains = .behoerde.example" "smime_engine = 2"
run "$T" 192.0.2.1 eve@evil.example x@sub.behoerde.example <"$T/m"
is ".domain is its subdomains" "$code" 0
run "$T" 192.0.2.1 eve@evil.example x@behoerde.example <"$T/m"
is "and not itself" "$code" 77

done_testing
