#!/bin/sh
# by way of the scanner, deliver_inside = original: the original is held and goes inside when its copy is back, unchanged
. "${0%/*}/lib.sh"
. "$SRC/t/incoming.sh"
. "$SRC/t/trip.sh"
own rita rita@behoerde.example
conf "$T" 'deliver_inside = original'
sealed() { printf '%s\n' "$2" | entity | clear bob | seal alice rita | letter_of "$1"; }
opens() { openssl cms -decrypt -in "$T/got" -recip "$T/$1.pem" -inkey "$T/$1.key" 2>/dev/null | tr -d '\r'; }
hold_file() { find "$T/spool/hold" -name '*.hold' | head -n 1; }
hold_id() { basename "$(hold_file)" .hold; }
start() { # NUMBER RECIPIENT...: a message is at the scanner, its copy in $T/c
	fresh
	sealed "$1" "words $1" >"$T/m"
	shift
	arrive "$@" <"$T/m"
	copy >"$T/c"
}

# ---- there and back
start 1 alice@behoerde.example rita@behoerde.example
is "a copy goes to the scanner, the original is held" "$code $out$(copies) $(inside) $(holds)" "0 1 0 1"
like "the copy is opened" "$(cat "$T/c")" '^words 1'
ok "its token has the hold's name" grep -q "id=$(hold_id);" "$T/c"
like "the hold tells what it is" "$(tr '\n' '|' <"$(hold_file)")" \
	'^id: [0-9a-f]{24}\|held: [^|]*Z\|queue-id: T1\|sender: bob@partner.example\|client: 192.0.2.1\|message-id: <1@partner.example>\|reason: scan\|text: [^|]+\|content: [0-9a-f]{64}\|finished: yes\|eight-bit: yes\|recipient: alice@behoerde.example\|recipient: rita@behoerde.example\|$'
arrive alice@behoerde.example rita@behoerde.example <"$T/m"
is "tried again by the mail server: held once" "$(holds)" 1
fresh
back rita@BEHOERDE.example <"$T/c"
got rita
is "back for one: the original" "$code $out$(inside) $(opens rita | grep -c '^words 1')" "0 1 1"
is "with its result" "$(result) $(value encrypted) $(value modified)" "pass yes "
ok "which is genuine" genuine
content "$T/m" >"$T/want" && content >"$T/rest"
ok "byte for byte" cmp "$T/want" "$T/rest"
like "the hold knows" "$(cat "$(hold_file)")" '^returned: rita@behoerde.example'
back rita@behoerde.example <"$T/c"
is "again for the same: dropped" "$code $(inside) $(holds)" "0 1 1"
back rita@behoerde.example alice@behoerde.example <"$T/c"
got alice
is "for both: the other one gets it" "$code $(inside) $(opens alice | grep -c '^words 1')" "0 2 1"
is "and the hold is gone" "$(find "$T/spool/hold" -type f ! -name swept)" ""
back rita@behoerde.example alice@behoerde.example <"$T/c"
is "again: dropped" "$code $out$(inside)" "0 2"

# ---- without the token
start 2 alice@behoerde.example rita@behoerde.example
unpostern <"$T/c" >"$T/d"
back alice@behoerde.example <"$T/d"
got alice
is "the token was stripped: Message-ID, sender and recipient find the hold" "$code $out$(inside) $(opens alice | grep -c '^words 2')" "0 1 1"
ok "with its result" genuine
back alice@behoerde.example <"$T/d"
is "again: dropped" "$code $(inside)" "0 1"
back alice@behoerde.example <"$T/c"
is "again with the token: dropped" "$code $(inside)" "0 1"
back RITA@behoerde.example <"$T/d"
is "the other one" "$code $(inside) $(holds)" "0 2 0"
back rita@behoerde.example <"$T/d"
is "when the hold is gone, a copy without a token is still dropped" "$code $(inside)" "0 2"
start 3 alice@behoerde.example
unpostern <"$T/c" >"$T/d"
for way in "sender eve@evil.example alice" "recipient bob@partner.example rita"; do
	# shellcheck disable=SC2086
	set -- $way
	fresh
	sender=$2; back "$3@behoerde.example" <"$T/d"; sender=bob@partner.example
	got "$3"
	is "another $1: the hold is not found, and it is other mail" "$code $(inside) $(holds) $(result)" "0 1 1 -"
done
sed 's/^Message-ID:.*/Message-ID: <other@x>/' "$T/d" >"$T/e"
{ cat "$T/e"; printf 'disclaimer\n'; } >"$T/f"
fresh; back alice@behoerde.example <"$T/f"
is "another Message-ID and other content: likewise" "$code $(inside) $(holds)" "0 1 1"
fresh; run "$T" 192.0.2.1 bob@partner.example alice@behoerde.example <"$T/d"
is "from outside: it is incoming mail" "$code $(inside) $(copies) $(holds)" "0 0 1 1"
fresh; run "$T" 10.0.0.1 bob@partner.example alice@behoerde.example <"$T/d"
is "from inside: as it came, the hold stays" "$code $(inside) $(holds)" "0 1 1"
fresh; back alice@behoerde.example <"$T/c"
got alice
is "and then the genuine one" "$code $(inside) $(holds) $(opens alice | grep -c '^words 3')" "0 1 0 1"

start 33 alice@behoerde.example rita@behoerde.example
unpostern <"$T/c" | sed 's/^Message-ID:.*/Message-ID: <other@x>/' >"$T/e"
back alice@behoerde.example <"$T/e"
got alice
is "another Message-ID and no token: sender, recipient and content find the hold" "$code $out$(inside) $(opens alice | grep -c '^words 33')" "0 1 1"
back alice@behoerde.example <"$T/e"
is "again: dropped" "$code $(inside) $(holds)" "0 1 1"
back alice@behoerde.example rita@behoerde.example <"$T/c"
is "and the genuine one for both: the other one gets it" "$code $(inside) $(holds)" "0 2 0"
is "and nothing is left of it" "$(find "$T/spool/hold" ! -type d ! -name swept)" ""

# ---- changed by the scanner: the original must not go inside
start 4 alice@behoerde.example rita@behoerde.example
{ cat "$T/c"; printf 'disclaimer\n'; } >"$T/d"
back alice@behoerde.example rita@behoerde.example <"$T/d"
got rita
is "changed: the changed copy, to each alone" "$code $out$(inside) $(opens rita | grep -c '^disclaimer')" "0 2 1"
unlike "encrypted, as it came" "$(cat "$T/got")" 'words 4|disclaimer'
is "the result tells who changed it" "$(result):$(value modified) $(value encrypted)" "pass:scanner yes"
ok "and is genuine" genuine
is "the hold is gone" "$(holds)" 0
back alice@behoerde.example <"$T/c"
is "and a late unchanged copy does not bring it" "$(inside)" 2
unpostern <"$T/c" >"$T/d"; back alice@behoerde.example <"$T/d"
is "not even without its token" "$(inside)" 2
start 5 alice@behoerde.example
{ unpostern <"$T/c"; printf 'disclaimer\n'; } >"$T/d"
back alice@behoerde.example <"$T/d"
is "changed and without the token: held" "$code $out$(inside) $(holds)" "0 0 2"
like "and the administrator is told" "$(notices)" 'Message from the scanner is held'
rm -f "$T"/spool/hold/*.hold "$T"/spool/hold/*.eml
start 6 alice@behoerde.example carol@behoerde.example
{ cat "$T/c"; printf 'disclaimer\n'; } >"$T/d"
back alice@behoerde.example carol@behoerde.example <"$T/d"
got alice
is "no certificate for one of them: the other gets it" "$code $out$(inside) $(opens alice | grep -c '^disclaimer')" "0 1 1"
is "and it is held for him, not sent in clear" "$(grep -l 'reason: scan-unsealable' "$T"/spool/hold/*.hold | xargs grep -c '^recipient: carol')" 1
like "the administrator is told" "$(notices)" 'cannot be encrypted again'
back alice@behoerde.example carol@behoerde.example <"$T/d"
is "again: dropped" "$code $(inside) $(ls "$T"/spool/hold/*.hold | wc -l)" "0 1 1"
rm -f "$T"/spool/hold/*

# ---- mail that was not opened needs no hold
fresh
printf 'plain\n' | letter_of plain '' >"$T/m"
arrive alice@behoerde.example <"$T/m"
copy >"$T/c"
is "plain: no hold" "$code $(copies) $(holds)" "0 1 0"
back alice@behoerde.example <"$T/c"; back alice@behoerde.example <"$T/c"
got alice
is "plain: the copy, once" "$code $(inside) $(result)" "0 1 none"
printf 'clear\n' | entity | clear bob | letter_of clear >"$T/m"
fresh; arrive alice@behoerde.example <"$T/m"; copy >"$T/c"; back alice@behoerde.example <"$T/c"; got alice
is "clear-signed: no hold, and the signature stays" "$code $(holds) $(result) $(grep -c multipart/signed "$T/got")" "0 0 pass 1"
printf 'opaque\n' | entity | clear bob -nodetach | letter_of opaque >"$T/m"
fresh; arrive alice@behoerde.example <"$T/m"; copy >"$T/c"
is "opaquely signed: held" "$(holds) $(grep -c '^opaque' "$T/c")" "1 1"
back alice@behoerde.example <"$T/c"; got alice
is "and delivered as it came" "$code $(holds) $(result) $(grep -c 'application/.*pkcs7-mime' "$T/got")" "0 0 pass 1"

# ---- trouble
start 7 alice@behoerde.example
for n in 1 2 3 4 5 6; do back alice@behoerde.example <"$T/c" & done
wait
is "six copies at the same time: one is delivered" "$(inside) $(holds)" "1 0"
start 8 alice@behoerde.example
conf "$T" "internal = smtp:127.0.0.1:1"
back alice@behoerde.example <"$T/c"
is "the destination is away: later, and still held" "$code $(holds)" "75 1"
conf "$T" "internal = maildir:$T/internal"
conf "$T" "hostname = other.behoerde.example"
mv "$T/spool" "$T/elsewhere"
back alice@behoerde.example <"$T/c"
like "at another node: later, naming the node" "$code $out" "^75 4\.4\.4 .*mx.behoerde.example \\("
back alice@behoerde.example <"$T/c"
is "and the administrator is told, once" "$code $(notices | grep -c 'waits at the wrong node')" "75 1"
rm -rf "$T/spool"; mv "$T/elsewhere" "$T/spool"
conf "$T" "hostname = mx.behoerde.example"
# ---- two nodes that share what is held and what came back
rm -f "$T"/spool/hold/*
start 12 alice@behoerde.example rita@behoerde.example
mkdir "$T/b" "$T/nfs"
mv "$T/spool/hold" "$T/spool/returned" "$T/nfs/"
for node in spool b; do ln -s "$T/nfs/hold" "$T/nfs/returned" "$T/$node/"; done
sed "s|^spool = .*|spool = $T/b|; s|^hostname = .*|hostname = b.behoerde.example|" "$T/postern.conf" >"$T/b.conf"
at_b() { out=$("$BUILD/postern" -c "$T/b.conf" -client $SCANNER -sender "$sender" -readmail "$@" 2>&1); code=$?; }
at_b alice@behoerde.example <"$T/c"
got alice
is "shared: the other node delivers the original" "$code $out$(inside) $(opens alice | grep -c '^words 12')" "0 1 1"
back alice@behoerde.example <"$T/c"
is "a copy that comes back at the first one, too, is dropped" "$code $out$(inside)" "0 1"
unpostern <"$T/c" | sed 's/^Message-ID:.*/Message-ID: <other@x>/' >"$T/d"
at_b rita@behoerde.example <"$T/d"
is "without its token, under another Message-ID: the original" "$code $out$(inside) $(holds)" "0 2 0"
back rita@behoerde.example <"$T/d"
is "and again at the first one: dropped" "$code $out$(inside)" "0 2"
for node in 1 2 3 4 5 6; do
	start 13$node alice@behoerde.example rita@behoerde.example
	at_b alice@behoerde.example <"$T/c" & back rita@behoerde.example <"$T/c"; wait
done
is "at both at the same time: no record loses a word of either" "$(holds)" 0
rm "$T/spool/hold" "$T/spool/returned"; mv "$T/nfs/hold" "$T/nfs/returned" "$T/spool/"
start 14 alice@behoerde.example
mv "$(hold_file)" "$T/lost"
back alice@behoerde.example <"$T/c"
is "the hold is lost: the copy is held, nothing in clear" "$code $out$(inside) $(grep -c 'reason: scan-lost' "$(hold_file)")" "0 0 1"
rm -f "$T"/spool/hold/*
mv "$T/spool/hold" "$T/away"; : >"$T/spool/hold" # no directory
start 9 alice@behoerde.example
is "what cannot be held is not handed to the scanner" "$code $(copies)" "75 0"
rm "$T/spool/hold"; mv "$T/away" "$T/spool/hold"
start 10 alice@behoerde.example
conf "$T" 'deliver_inside = decrypted'
back alice@behoerde.example <"$T/c"; got alice
is "the configuration has changed meanwhile: the token counts" "$code $(inside) $(opens alice | grep -c '^words 10')" "0 1 1"
conf "$T" 'deliver_inside = original'
start 11 alice@behoerde.example
like "-explain tells of the hold" "$("$BUILD/postern" -c "$T/postern.conf" -explain -client $SCANNER -sender $sender \
	-readmail alice@behoerde.example <"$T/c" 2>&1)" 'the original that is held'
like "-explain of incoming tells it, too" "$("$BUILD/postern" -c "$T/postern.conf" -explain -client 192.0.2.1 -sender $sender \
	-readmail alice@behoerde.example <"$T/m" 2>&1)" '^hold: waits for its opened copy'
is "and does nothing" "$(inside) $(holds)" "0 1"

done_testing
