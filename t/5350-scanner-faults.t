#!/bin/sh
# by way of the scanner, when something fails: nothing is lost, nobody gets it twice, nobody who was told of a failure gets it late
. "${0%/*}/lib.sh"
. "$SRC/t/incoming.sh"
. "$SRC/t/trip.sh"
. "$SRC/t/sink.sh"
own rita rita@behoerde.example
conf "$T" 'deliver_inside = original'
sealed() { printf '%s\n' "$2" | entity | clear bob | seal alice rita | letter_of "$1"; }
opens() { openssl cms -decrypt -in "$T/got" -recip "$T/$1.pem" -inkey "$T/$1.key" 2>/dev/null | tr -d '\r'; }
to_scanner() { sink "$@"; conf "$T" "scanner = smtp:127.0.0.1:$port"; }
sent() { sed 's/^\.\././' "$T/$1/$2.msg"; } # NAME NUMBER: what the sink got
accepted() { sort "$T/$1/accepted" 2>/dev/null | tr -d '<>' | tr '\n' ' '; }

# ---- on the way there
sealed 1 'words 1' >"$T/m"
to_scanner away -mail '451 4.3.0 not now'
arrive alice@behoerde.example rita@behoerde.example <"$T/m"
is "the scanner is away: later, and the original is held already" "$code ${out%% *} $(holds)" "75 4.3.0 1"
to_scanner partly -rcpt 'rita=451 4.2.1 not now'
arrive alice@behoerde.example rita@behoerde.example <"$T/m"
is "it takes it for one of two: later" "$code ${out%% *} $(holds) $(accepted partly)" "75 4.2.1 1 alice@behoerde.example 1 "
sent partly 1 >"$T/c"
back alice@behoerde.example <"$T/c"
got alice
is "her copy comes back: she has it" "$code $(inside) $(opens alice | grep -c '^words 1')" "0 1 1"
to_scanner whole
arrive alice@behoerde.example rita@behoerde.example <"$T/m"
is "tried again: the copy goes for the other one only" "$code $(accepted whole)" "0 rita@behoerde.example 1 "
is "and nobody else is waited for" "$(cat "$T"/spool/hold/*.hold | grep -c '^recipient:') $(cat "$T"/spool/hold/*.hold | grep -c '^returned:')" "2 1"
sent whole 1 >"$T/d"
back rita@behoerde.example <"$T/d"; back alice@behoerde.example <"$T/d"; back rita@behoerde.example alice@behoerde.example <"$T/c"
is "each has it once, the hold is gone" "$code $(inside) $(holds)" "0 2 0"
sealed 2 'words 2' >"$T/m"
to_scanner choosy -rcpt 'rita=550 5.1.1 not her'
fresh; arrive alice@behoerde.example rita@behoerde.example <"$T/m"
is "the scanner refuses one of two: the sender is told" "$code $(grep -c '^Final-Recipient: rfc822; rita' "$(newest "$T/external")")" "0 1"
is "and she is not waited for" "$(grep -h '^returned:' "$T"/spool/hold/*.hold)" "returned: rita@behoerde.example"
sent choosy 1 >"$T/c"
back alice@behoerde.example <"$T/c"
is "when the other has it, the hold is gone" "$(inside) $(holds)" "1 0"
sealed 3 'words 3' >"$T/m"
to_scanner never -rcpt '.=550 5.1.1 nobody'
fresh; arrive alice@behoerde.example rita@behoerde.example <"$T/m"
is "the scanner refuses everybody: refused, and nothing is held" "$code ${out%% *} $(holds) $(delivered "$T/external")" "67 5.1.1 0 0"

# ---- who was told of a failure is dealt with
conf "$T" "internal = maildir:$T/internal" 'deliver_inside = decrypted'
sealed 4 'words 4' >"$T/m"
to_scanner mixed -rcpt 'rita=550 5.1.1 not her' -rcpt 'carol=451 4.2.1 not now'
fresh; arrive alice@behoerde.example rita@behoerde.example carol@behoerde.example <"$T/m"
is "accepted, refused, later" "$code $(accepted mixed) $(delivered "$T/external")" "75 alice@behoerde.example 1  1"
to_scanner better
arrive alice@behoerde.example rita@behoerde.example carol@behoerde.example <"$T/m"
is "tried again: only who was put off gets it, and nothing new is reported" "$code $(accepted better) $(delivered "$T/external")" \
	"0 carol@behoerde.example 1  1"
sealed 5 'words 5' >"$T/m"
to_scanner worse -rcpt 'rita=550 5.1.1 not her' -rcpt 'carol=451 4.2.1 not now'
fresh; arrive rita@behoerde.example carol@behoerde.example <"$T/m"
to_scanner worst -rcpt '.=550 5.1.1 nobody'
arrive rita@behoerde.example carol@behoerde.example <"$T/m"
is "the last one is refused later: each is reported once, and by us" "$code $(cat "$T"/external/new/* | grep '^Final-Recipient' | sort | tr '\n' ' ')" \
	"0 Final-Recipient: rfc822; carol@behoerde.example Final-Recipient: rfc822; rita@behoerde.example "

# ---- on the way back
conf "$T" "scanner = maildir:$T/scanner" 'deliver_inside = original'
fresh; sealed 6 'words 6' >"$T/m"; arrive alice@behoerde.example rita@behoerde.example <"$T/m"; copy >"$T/c"
sink inside1 -rcpt 'rita=451 4.2.1 not now'; conf "$T" "internal = smtp:127.0.0.1:$port"
back alice@behoerde.example rita@behoerde.example <"$T/c"
is "inside takes it for one of two: later" "$code $(accepted inside1) $(grep -h '^returned:' "$T"/spool/hold/*.hold)" \
	"75 alice@behoerde.example 1  returned: alice@behoerde.example"
sink inside2; conf "$T" "internal = smtp:127.0.0.1:$port"
back alice@behoerde.example rita@behoerde.example <"$T/c"
is "tried again: the other one" "$code $(accepted inside2) $(holds)" "0 rita@behoerde.example 1  0"
conf "$T" "internal = maildir:$T/internal"

# ---- killed on the way back, again and again
for mode in original decrypted reencrypted; do
	conf "$T" "deliver_inside = $mode"
	fresh; sealed "kill-$mode" 'words' >"$T/m"; arrive alice@behoerde.example rita@behoerde.example <"$T/m"; copy >"$T/c"
	for wait in 0.00 0.01 0.02 0.03 0.04 0.06 0.08 0.12; do
		"$BUILD/postern" -c "$T/postern.conf" -client $SCANNER -sender "$sender" -queue-id T1 -readmail alice@behoerde.example \
			rita@behoerde.example <"$T/c" >/dev/null 2>&1 &
		pid=$!
		sleep $wait
		kill -9 $pid 2>/dev/null
		wait $pid 2>/dev/null
	done
	back alice@behoerde.example rita@behoerde.example <"$T/c"
	is "$mode: killed eight times, everybody has it and nothing is left" \
		"$code $(cat "$T/internal/new/"* | grep -o '^Delivered-To: [a-z]*' | sort -u | wc -l) $(holds)" "0 2 0"
done

# ---- ended between the mark and the hold: as if nobody had been taken from it
conf "$T" 'deliver_inside = original'
fresh; sealed between 'words' >"$T/m"; arrive alice@behoerde.example rita@behoerde.example <"$T/m"; copy >"$T/c"
cp -r "$T/spool/hold" "$T/hold.before"
back alice@behoerde.example rita@behoerde.example <"$T/c"
rm -rf "$T/spool/hold"; mv "$T/hold.before" "$T/spool/hold"
back alice@behoerde.example rita@behoerde.example <"$T/c"
is "the next copy brings nothing and clears the hold" "$code $(inside) $(holds)" "0 1 0"

# ---- a scanner may make it longer
conf "$T" 'deliver_inside = decrypted' 'message_size_limit = 20K'
for above in 0 1; do
	fresh; sealed "long$above" 'words' >"$T/m"; arrive alice@behoerde.example <"$T/m"; copy >"$T/c"
	have=$(wc -c <"$T/c") want=$((2 * 20480 + 32768 + above))
	{ cat "$T/c"; head -c $((want - have)) /dev/zero | tr '\0' x; } >"$T/d"
	back alice@behoerde.example <"$T/d"
	is "at twice the limit and the room for our fields, and $above more" "$code ${out%% *} $(inside)" \
		"$([ $above = 0 ] && echo '0  1' || echo '69 5.3.4 0')"
done
conf "$T" 'message_size_limit = 100M'

# ---- a node of ours with another name and the same key
conf "$T" 'deliver_inside = decrypted'
fresh; sealed node 'words' >"$T/m"; arrive alice@behoerde.example <"$T/m"; copy >"$T/c"
conf "$T" 'hostname = my.behoerde.example' "spool = $T/spool2"
back alice@behoerde.example <"$T/c"; got alice
is "another node: the result is told anew, in its name" "$code $(inside) $(value host) $(value result) $(grep -c 'mx.behoerde.example' "$T/got")" \
	"0 1 my.behoerde.example pass 0"
conf "$T" 'hostname = mx.behoerde.example' "spool = $T/spool"

done_testing
