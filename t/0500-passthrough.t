#!/bin/sh
# a large message that passes untouched needs little memory (smime_engine = 0)
. "${0%/*}/lib.sh"
site_make "$T"
conf "$T" "smime_engine = 0"

# peak MEGABYTES: passes a message of that size; $peak: kilobytes of the process, or child of it, that had the most
peak() {
	{ printf 'From: alice@behoerde.example\nTo: bob@partner.example\nSubject: large\n\n'
	  perl -e 'print "x" x 75, "\n" for 1 .. $ARGV[0] * 2**20 / 76' "$1"; } >"$T/large"
	rm -rf "$T/external"
	peak=$(perl -I"$SRC/bench" -MCpu -e 'system(@ARGV) == 0 or die "failed: $?"; print Cpu::peak() // 0' "$BUILD/postern" \
		-c "$T/postern.conf" -client 10.0.0.1 -sender alice@behoerde.example -queue-id "L$1" -readmail bob@partner.example \
		<"$T/large")
}

peak 50
is "50 MB: one message went out" "$(ls "$T/external/new" | wc -l)" 1
sed '1,/^Delivered-To: /d' "$T"/external/new/* | cmp -s - "$T/large"
is "50 MB: its bytes are the ones that came" "$?" 0
if sanitized; then
	skip "50 MB: peak memory" "the address sanitizer needs more than the message"
elif [ "$peak" = 0 ]; then
	skip "50 MB: peak memory" "getrusage(2) is not known on this machine"
else
	ok "50 MB: peak memory is below 20 MB ($peak KB)" test "$peak" -lt 20480
	large=$peak
	peak 1
	ok "and does not grow with the message ($peak KB for 1 MB)" test "$((large - peak))" -lt 2048
fi
done_testing
