#!/bin/sh
# what others decide about must not add up in memory: hidden recipients, who each get a message of their own; lines in a header
. "${0%/*}/lib.sh"
site_make "$T"
printf '. (to) . (do) FS, FE\n' >"$T/rules"
mkdir -p "$T/certs/public/@partner.example"
cp "$T/bob.pem" "$T/certs/public/@partner.example/"
{ printf 'From: alice@behoerde.example\nTo: undisclosed-recipients:;\nSubject: large\n\n'
  perl -e 'print "x" x 75, "\n" for 1 .. 3 * 2**20 / 76'; } >"$T/large"

# peak COUNT: seals for that many hidden recipients; $peak: kilobytes
peak() {
	empty "$T/external"
	# shellcheck disable=SC2046
	peak=$(perl -I"$SRC/bench" -MCpu -e 'system(@ARGV) == 0 or die "failed: $?"; print Cpu::peak() // 0' "$BUILD/postern" \
		-c "$T/postern.conf" -client 10.0.0.1 -sender alice@behoerde.example -queue-id "M$1" -readmail \
		$(seq -f 'r%g@partner.example' "$1") <"$T/large")
	is "$1 hidden recipients: a message each" "$(delivered "$T/external")" "$1"
}

peak 2
two=$peak
peak 14
{ printf 'From: bob@partner.example\nSubject: '; perl -e 'print "\ra:" x 80_000'; printf '\n\nbody\n'; } >"$T/lines"
lines=$(perl -I"$SRC/bench" -MCpu -e 'system(@ARGV) == 0 or die "failed: $?"; print Cpu::peak() // 0' "$BUILD/postern" \
	-c "$T/postern.conf" -client 192.0.2.1 -sender bob@partner.example -queue-id L -readmail alice@behoerde.example <"$T/lines")
is "a header of many CRs alone arrives" "$(delivered "$T/internal")" 1
if sanitized; then
	skip "peak memory" "the address sanitizer keeps what was freed"
elif [ "$peak" = 0 ]; then
	skip "peak memory" "getrusage(2) is not known on this machine"
else
	ok "... and needs little more memory than its size ($lines KB)" test "$lines" -lt 40000
	ok "14 need little more than 2 ($peak KB, $two KB)" test "$peak" -lt $((two + two / 2))
fi
done_testing
