#!/bin/sh
# by way of the scanner, deliver_inside = reencrypted: what comes back is sealed again, for each of our own recipients alone
. "${0%/*}/lib.sh"
. "$SRC/t/incoming.sh"
. "$SRC/t/trip.sh"
own rita rita@behoerde.example rsa
conf "$T" 'deliver_inside = reencrypted'
sealed() { printf '%s\n' "$2" | entity | clear bob | seal alice rita | letter_of "$1"; }
opens() { openssl cms -decrypt -in "$T/got" -recip "$T/$1.pem" -inkey "$T/$1.key" 2>/dev/null | tr -d '\r'; }

sealed 1 'words 1' >"$T/m"
arrive alice@behoerde.example rita@behoerde.example <"$T/m"
copy >"$T/c"
is "one opened copy goes to the scanner, nothing is held" "$code $out$(copies) $(holds) $(grep -c '^words 1' "$T/c")" "0 1 0 1"
back rita@behoerde.example alice@BEHOERDE.example <"$T/c"
is "back: a message each" "$code $out$(inside)" "0 2"
for who in alice rita; do
	got $who
	other=rita; [ $who = alice ] || other=alice
	is "$who opens hers, and nobody else" "$(opens $who | grep -c '^words 1') $(opens $other | grep -c '^words 1')" "1 0"
	is "$who: the result" "$(result) $(value encrypted) $(value modified)" "pass yes "
	ok "$who: the record is genuine" genuine
	unlike "$who: no words outside, no token" "$(cat "$T/got")" 'words 1|X-Postern-Token'
done
ok "the signature inside is still good" sh -c "openssl cms -decrypt -in '$T/got' -recip '$T/rita.pem' -inkey '$T/rita.key' |
	openssl cms -verify -CAfile '$T/ca.pem' | grep -q '^words 1'"
back rita@behoerde.example alice@behoerde.example <"$T/c"
is "again: dropped" "$code $(inside)" "0 2"
{ cat "$T/c"; echo disclaimer; } >"$T/d"
back alice@behoerde.example <"$T/d"
is "also when it is changed" "$code $(inside)" "0 2"

fresh; sealed 2 'words 2' >"$T/m"; arrive alice@behoerde.example <"$T/m"
{ copy; echo disclaimer; } >"$T/d"
back alice@behoerde.example <"$T/d"; got alice
is "changed: sealed as it is now" "$code $(inside) $(opens alice | grep -c '^disclaimer')" "0 1 1"
is "and the result tells it" "$(result):$(value modified)" "pass:scanner"

# what must be feared to have come encrypted
fresh; sealed 3 'words 3' >"$T/m"; arrive alice@behoerde.example <"$T/m"; copy >"$T/c"
unpostern <"$T/c" >"$T/d"
back alice@behoerde.example <"$T/d"; got alice
is "without any field of ours, from outside: sealed" "$code $(inside) $(opens alice | grep -c '^words 3') $(result)" "0 1 1 -"
fresh; back carol@behoerde.example <"$T/d"; got carol
is "if there is a certificate" "$code $(inside) $(grep -c '^words 3' "$T/got")" "0 1 1"
fresh; back carol@behoerde.example <"$T/c"
is "known to have come encrypted, for somebody else without certificate: held" "$code $out$(inside) $(grep -l 'reason: scan-unsealable' "$T"/spool/hold/*.hold | wc -l)" "0 0 1"
like "the administrator is told" "$(notices)" 'cannot be encrypted again'
rm -f "$T"/spool/hold/*
sender=alice@behoerde.example
fresh; sed 's/^From: .*/From: alice@behoerde.example/' "$T/d" >"$T/e"; back rita@behoerde.example <"$T/e"; got rita
is "from inside through the scanner: as it came" "$code $(cmp "$T/e" "$T/got" && echo same)" "0 same"
sender=bob@partner.example

# as long as it waits here it is as secret as it came
fresh; arrive carol@behoerde.example <"$T/m"
like "no certificate of a recipient: later, before anything leaves" "$code $out $(copies)" '^75 4\..*carol@behoerde.example.* 0$'
fresh; printf 'plain\n' | letter_of plain '' >"$T/m"; arrive carol@behoerde.example <"$T/m"; copy >"$T/c"; back carol@behoerde.example <"$T/c"; got carol
is "what came in clear stays so" "$code $(inside) $(result) $(grep -c '^plain' "$T/got")" "0 1 none 1"
fresh; sealed 4 'words 4' >"$T/m"; arrive alice@behoerde.example <"$T/m"; copy >"$T/c"
mv "$T/certs/private/alice.pem" "$T/alice.both"
back alice@behoerde.example <"$T/c"
is "the certificate is gone when it comes back: held" "$code $out$(inside) $(holds)" "0 0 1"
like "finished" "$(cat "$T"/spool/hold/*.hold)" '^finished: yes'
cp "$T/alice.both" "$T/certs/private/alice.pem"

done_testing
