#!/bin/sh
# by way of the scanner, deliver_inside = decrypted: the token tells what came, whatever the scanner does with the message
. "${0%/*}/lib.sh"
. "$SRC/t/incoming.sh"
. "$SRC/t/trip.sh"
own rita rita@behoerde.example
sealed() { printf '%s\n' "$2" | entity | clear bob | seal alice rita | letter_of "$1"; }
reencoded() { # the same words in base64, as a mail server may do it
	perl -MMIME::Base64 -0777 -pe 's/\n\n(.*)\z/"\n\n" . encode_base64($1)/se; s/^Content-Transfer-Encoding:.*\n//mi;
		s/^(Content-Type: text\/plain)/Content-Transfer-Encoding: base64\n$1/mi'
}

# ---- there and back
sealed 1 'the words' >"$T/m"
arrive alice@behoerde.example rita@behoerde.example <"$T/m"
is "one copy goes to the scanner, nothing inside" "$code $out$(copies) $(inside)" "0 1 0"
copy >"$T/c"
is "it has one token" "$(header "$T/c" | grep -c '^X-Postern-Token: v=1; id=[0-9a-f]\{24\};')" 1
like "and is opened" "$(cat "$T/c")" '^the words'
unlike "the token names no recipient" "$(header "$T/c" | grep X-Postern-Token)" 'alice|rita'
back alice@behoerde.example rita@behoerde.example <"$T/c"
got alice
is "back: one message inside" "$code $out$(inside)" "0 1"
is "with its result" "$(result) $(value encrypted) $(value modified)" "pass yes "
ok "which is genuine" genuine
unlike "the token stays behind" "$(cat "$T/got")" 'X-Postern-Token'
back alice@behoerde.example rita@behoerde.example <"$T/c"
is "a copy that comes again is dropped" "$code $out$(inside)" "0 1"
{ echo 'Received: again'; cat "$T/c"; } >"$T/d"
back alice@behoerde.example <"$T/d"
is "also when it is not the same bytes" "$code $out$(inside)" "0 1"

# ---- recipients: split, merged, in other letters, some only
sealed 2 'split' >"$T/m"
fresh
arrive alice@behoerde.example rita@behoerde.example <"$T/m"
copy >"$T/c"
back rita@BEHOERDE.example <"$T/c"
back ALICE@behoerde.example <"$T/c"
back alice@behoerde.example rita@behoerde.example <"$T/c"
is "split, and with other letters: each once" "$code $out$(inside)" "0 2"
fresh
back alice@behoerde.example carol@behoerde.example <"$T/c"
got carol
is "somebody for whom the token does not speak gets mail without it" "$code $(inside)" "0 1"
is "whose record is genuine all the same" "$(result)" "pass"
unlike "and no token" "$(cat "$T/got")" 'X-Postern-Token'
back carol@behoerde.example <"$T/c"
is "and again, for nobody counts it" "$(inside)" 2

# ---- what a scanner does
sealed 3 'the text' >"$T/m"
for change in received:pass: re-encoded:pass: disclaimer:pass:scanner subject:pass:scanner; do
	want=${change#*:} change=${change%%:*}
	fresh
	sed "s/<3@/<$change@/" "$T/m" >"$T/n"
	arrive alice@behoerde.example <"$T/n"
	copy >"$T/c"
	case $change in
	received) { printf 'Received: by scanner\nX-Scan: clean\n'; cat "$T/c"; } ;;
	re-encoded) sed '/^Content-Type: multipart/,$d' "$T/c"; printf 'MIME-Version: 1.0\nContent-Type: text/plain\n\nx\n' ;;
	disclaimer) cat "$T/c"; printf '\n--\nchecked\n' ;;
	subject) sed 's/^Subject: .*/Subject: [SPAM] report/' "$T/c" ;;
	esac >"$T/d"
	[ $change != re-encoded ] || continue
	back alice@behoerde.example <"$T/d"
	got alice
	is "$change: the result" "$code $(result):$(value modified)" "0 $want"
	ok "$change: the record is genuine" genuine
done
fresh
printf 'plain words of a report\n' | letter_of plain MIME-Version:\ 1.0 'Content-Type: text/plain; charset=us-ascii' '' >"$T/m"
arrive alice@behoerde.example <"$T/m"
copy | reencoded >"$T/d"
back alice@behoerde.example <"$T/d"
got alice
is "re-encoded: not changed" "$code $(result):$(value modified)" "0 none:"
like "re-encoded: as the scanner gave it" "$(cat "$T/got")" '^Content-Transfer-Encoding: base64'
ok "re-encoded: a new record, which is genuine" genuine
fresh
printf 'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\ntext\r\n--b\r\nContent-Type: application/zip; name=v.zip\r\n\r\nvirus\r\n--b--\r\n' >"$T/e"
clear bob -nodetach <"$T/e" | seal alice | letter_of virus >"$T/m"
arrive alice@behoerde.example <"$T/m"
copy | perl -0777 -pe 's/Content-Type: application\/zip.*?virus/Content-Type: text\/plain\n\nremoved/s' >"$T/d"
back alice@behoerde.example <"$T/d"
got alice
is "a part is removed" "$code $(result):$(value modified) $(grep -c ^virus "$T/got")" "0 pass:scanner 0"
like "and the field for everyone tells it" "$(field Authentication-Results)" 'smime=pass .*changed by the scanner'

# ---- tokens that are not believed: mail without a token, never refused
refused() { # WHAT: $T/d comes back
	fresh
	back alice@behoerde.example <"$T/d"
	got alice
	is "$1: mail without a token" "$code $out$(inside) $(field X-Postern-Token)" "0 1 "
	is "$1: and again, since nobody counts it" "$(back alice@behoerde.example <"$T/d"; inside)" 2
}
sealed 4 'tokens' >"$T/m"
fresh
arrive alice@behoerde.example <"$T/m"
copy >"$T/c"
untoken <"$T/c" >"$T/d"; refused "none"
is "none: the record speaks for itself" "$(result)" pass
unpostern <"$T/c" >"$T/d"; refused "no field of ours at all"
is "no field of ours at all: no result" "$(result)" "-"
sed '/^X-Postern-Token/s/v=1/v=2/' "$T/c" >"$T/d"; refused "another version"
{ printf 'X-Postern-Token: v=1; mac=AAAA\n'; cat "$T/c"; } >"$T/d"; refused "a second one"
sed '/^X-Postern-Token/s/v=1;/v=1; result=pass;/' "$T/c" >"$T/d"; refused "something added"
sed 's/^From: .*/From: eve@evil.example/' "$T/c" >"$T/d"; refused "another From"
is "another From: no result" "$(result)" "-"
sed 's/^Message-ID: .*/Message-ID: <new@x>/' "$T/c" >"$T/d"; refused "another Message-ID"
is "another Message-ID: no result" "$(result)" "-"
printf 'From: bob@partner.example\nX-Postern-Token:\n\nx\n' >"$T/d"; refused "an empty one"
{ sed -n '/^X-Postern-Token/,/^ *mac=/p' "$T/c" | sed 's/X-Postern-Token/X-Postern-Result/'; printf 'From: bob@partner.example\n\nx\n'; } >"$T/d"
refused "a token as a record"
is "a token as a record: no result" "$(result)" "-"
{ sed -n '/^X-Postern-Result/,/^ *mac=/p' "$T/c" | sed 's/X-Postern-Result/X-Postern-Token/'; untoken <"$T/c" | unpostern; } >"$T/d"
refused "a record as a token"
is "a record as a token: no result" "$(result)" "-"
cp "$T/c" "$T/d"
sender=eve@evil.example; refused "another sender"; sender=bob@partner.example
mv "$T/mac.key" "$T/ours.key"; refused "of another tenant"; mv "$T/ours.key" "$T/mac.key"
is "of another tenant: no result" "$(result)" "-"
conf "$T" 'hold_lifetime = 1s'; sleep 3; refused "too old"; conf "$T" 'hold_lifetime = 5d'
fresh
back alice@behoerde.example <"$T/c"
back alice@behoerde.example <"$T/c"
is "while the genuine one still counts, once" "$(inside)" 1

# ---- from elsewhere a token counts for nothing and goes no further
fresh
arrive alice@behoerde.example <"$T/c"
is "from outside: it goes to the scanner with a token of its own" "$code $(copies) $(copy | grep -c '^X-Postern-Token:')" "0 1 1"
unlike "not with the old one" "$(copy | header /dev/stdin)" "$(header "$T/c" | sed -n 's/^X-Postern-Token:.*; id=\([0-9a-f]\{24\}\);.*/\1/p')"
sender=alice@behoerde.example
sed 's/^From: .*/From: alice@behoerde.example/' "$T/c" >"$T/d"
fresh; run "$T" 10.0.0.1 $sender rita@behoerde.example <"$T/d"; got rita
is "from inside to inside: stripped" "$code $(inside) $(grep -c X-Postern-Token "$T/got")" "0 1 0"
is "all else as it came" "$(untoken <"$T/d" | cmp - "$T/got" && echo same)" same
fresh; run "$T" 10.0.0.1 $sender bob@partner.example <"$T/d"
is "from inside to outside: stripped" "$code $(delivered "$T/external") $(grep -c X-Postern "$(newest "$T/external")")" "0 1 0"
fresh; run "$T" $SCANNER $sender bob@partner.example x@elsewhere.example rita@behoerde.example <"$T/d"
is "outgoing through the scanner, to both sides" "$code $(delivered "$T/external") $(inside)" "0 2 1"
is "without tokens and records" "$(cat "$T/external/new/"* "$T/internal/new/"* | grep -c 'X-Postern')" 0
is "and sealed for bob" "$(grep -l enveloped-data "$T/external/new/"* | xargs grep -c '^Delivered-To: bob@partner.example')" 1
conf "$T" 'smime_engine = 1'
fresh; run "$T" $SCANNER $sender bob@partner.example <"$T/d"
is "smime_engine 1, to outside: stripped" "$code $(delivered "$T/external") $(grep -c X-Postern-Token "$(newest "$T/external")")" "0 1 0"
conf "$T" 'smime_engine = 0'
fresh; run "$T" $SCANNER $sender rita@behoerde.example <"$T/d"; got rita
is "smime_engine 0: untouched" "$code $(cmp "$T/d" "$T/got" && echo same)" "0 same"
sender=bob@partner.example
fresh; arrive alice@behoerde.example <"$T/m"
is "smime_engine 0 to the scanner: untouched" "$code $(copy | cmp - "$T/m" && echo same)" "0 same"
conf "$T" 'smime_engine = 2'

# ---- scanner and internal relay are one host
conf "$T" "internal_clients = 10.0.0.0/8"
sealed 5 'one host' >"$T/m"
fresh
arrive alice@behoerde.example <"$T/m"
copy >"$T/c"
back alice@behoerde.example <"$T/c"; back alice@behoerde.example <"$T/c"; got alice
is "one host: what has a token returns, once" "$code $(inside) $(result)" "0 1 pass"
printf 'From: alice@behoerde.example\n\nhello\n' >"$T/d"
sender=alice@behoerde.example
fresh; back rita@behoerde.example <"$T/d"; got rita
is "one host: other mail to inside as it came" "$code $(cmp "$T/d" "$T/got" && echo same)" "0 same"
fresh; back bob@partner.example <"$T/d"
is "one host: other mail to outside is sealed" "$code $(grep -c enveloped-data "$(newest "$T/external")")" "0 1"
sender=bob@partner.example

# ---- many recipients: a copy for each fifty
many() { i=0; while [ $((i += 1)) -le "$1" ]; do printf 'r%d@behoerde.example ' $i; done; }
printf 'to many\n' | letter_of many '' >"$T/m"
for n in 50 51; do
	fresh
	sed "s/<many@/<many$n@/" "$T/m" >"$T/n"
	# shellcheck disable=SC2046
	arrive $(many $n) <"$T/n"
	is "$n recipients: so many copies" "$code $(copies)" "0 $(((n + 49) / 50))"
	for k in $(seq 1 "$(copies)"); do
		copy "$k" >"$T/c"
		# shellcheck disable=SC2046
		back $(many $n) <"$T/c"
	done
	is "$n recipients: everybody got it" "$(cat "$T/internal/new/"* | grep '^Delivered-To' | sort -u | wc -l)" $n
done

# ---- nobody gets it twice, nobody loses it
sealed 6 'trouble' >"$T/m"
fresh
arrive alice@behoerde.example <"$T/m"
copy >"$T/c"
conf "$T" "internal = smtp:127.0.0.1:1"
back alice@behoerde.example <"$T/c"
is "the destination is away: later" "$code ${out%% *}" "75 4.4.1"
conf "$T" "internal = maildir:$T/internal"
for n in 1 2 3 4 5 6; do back alice@behoerde.example <"$T/c" & done
wait
is "six copies at the same time: one is delivered" "$(inside)" 1
like "-explain tells what came" "$("$BUILD/postern" -c "$T/postern.conf" -explain -client $SCANNER -sender $sender \
	-readmail alice@behoerde.example <"$T/c" 2>&1)" '^note: token [0-9a-f]{24} of mx.behoerde.example .* inside decrypted'

done_testing
