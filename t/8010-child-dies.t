#!/bin/sh
# the working child dies, hangs or is killed, and so does postern: 75, nothing handed over, nothing left, a retry works
. "${0%/*}/lib.sh"
. "${0%/*}/faults.sh"
# a sanitized child shall die of its signal like any other
export ASAN_OPTIONS="${ASAN_OPTIONS-}:handle_segv=0:handle_abort=0:handle_sigbus=0"
S=$T/site
faulty_site "$S"
letter "$S" "the text"
mkdir "$T/pause"
arrive_once() { # WHAT WAY
	fault "$S" keys-file
	send_"$2" "$S"
	is "$1: the retry delivers" "$code:$(handed_over "$S")" "0:1"
	case $2 in
	in) ok "$1: ... the text" grep -q 'the text' "$(newest "$S/internal")" ;;
	out) openssl cms -decrypt -in "$(newest "$S/external")" -recip "$S/bob.pem" -inkey "$S/bob.key" -out "$T/plain" 2>/dev/null
		ok "$1: ... the text" grep -q 'the text' "$T/plain" ;;
	esac
	none_left "$1: no process is left" "$S"
	clean "$S"
}

# ---- the child is killed: at the first, the middle and the last question of each way
for moment in "out find-certificates" "out find-keys" "out sign" "in find-keys" "in agree"; do
	set -- $moment
	for signal in KILL SEGV ABRT BUS; do
		case "$2/$signal" in sign/*|agree/*|*/KILL) ;; *) continue ;; esac
		fault "$S" keys-file "at $2 pause $T/pause"
		start_"$1" "$S"
		paused "$T/pause" || fail "(waits in $2)"
		kill -$signal "$(child_of $pid)"
		wait $pid; code=$?
		rm -f "$T/pause/paused"
		is "$1, $signal at $2: deferred" "$code" 75
		like "$1, $signal at $2: one line says so" "$(cat "$S/said")" '^4\.3\.0 the working process died of signal [0-9]+; the message is kept$'
		is "$1, $signal at $2: (one line)" "$(wc -l <"$S/said")" 1
		like "$1, $signal at $2: the log too" "$(cat "$S/log")" "warning: T1: exit 75: 4\.3\.0 the working process died of signal"
		untouched "$1, $signal at $2: nothing handed over" "$S"
		none_left "$1, $signal at $2: no process is left" "$S"
	done
	arrive_once "$1 at $2" "$1"
done

# ---- it stops: the deadline ends it
paused_or_over() { [ -e "$T/pause/paused" ] || [ -s "$S/said" ]; }
fault "$S" keys-file "at sign pause $T/pause"
for limit in 1500ms 15s 150s; do # a busy machine needs more to come as far as that
	conf "$S" "deadline = $limit"
	: >"$S/said"
	start_out "$S"
	wait_until paused_or_over
	[ ! -e "$T/pause/paused" ] || break
	wait $pid
done
child=$(child_of $pid)
kill -STOP "$child"
wait $pid; code=$?
rm -f "$T/pause/paused"
is "a child that hangs: deferred" "$code" 75
like "... in words" "$(cat "$S/said")" '^4\.3\.0 the deadline is over before the message was worked through$'
not_ok "... and it is gone" test -d "/proc/$child"
untouched "... nothing handed over" "$S"
conf "$S" "deadline = 300s"
arrive_once "a child that hung" out

# ---- what it says is garbage: written into its end of the plan's pipe before it does
speaks() { # WHAT TEXT
	fault "$S" keys-file "at sign pause $T/pause"
	start_out "$S"
	paused "$T/pause"
	child=$(child_of $pid)
	record=$("$LOOK" fds "$child" | awk '$2 ~ /^pipe:/ { print $1; n++ } END { exit !n }' | while read -r fd; do
		pipe=$(readlink "/proc/$child/fd/$fd")
		# the end that only the parent reads: no module has it
		for other in "/proc/$pid"/fd/*; do
			[ "$(readlink "$other")" = "$pipe" ] || continue
			[ "$(sed -n 's/^flags:.*\(.\)$/\1/p' "/proc/$pid/fdinfo/${other##*/}")" = 0 ] &&
				[ "$(sed -n 's/^flags:.*\(.\)$/\1/p' "/proc/$child/fdinfo/$fd")" = 1 ] && echo "$fd"
		done
	done | head -n 1)
	printf "$2" >"/proc/$child/fd/$record"
	[ $# -lt 3 ] || kill -KILL "$child"
	touch "$T/pause/go"
	wait $pid; code=$?
	rm -f "$T/pause/go" "$T/pause/paused"
	is "$1: deferred" "$code" 75
	untouched "$1: nothing handed over" "$S"
	none_left "$1: no process is left" "$S"
}
whole='plan 1\nsender alice@behoerde.example\nmessage-id x\nheader 0 10\noutput mail external\nfrom alice@behoerde.example\nwhy x\nto bob@partner.example\nsegment message 0 20\nend\n'
speaks "junk before the plan" 'hello\n'
like "... in words" "$(cat "$S/said")" '^4\.3\.0 plan record, line 1: not understood$'
speaks "a plan before the plan" "$whole"
like "... in words" "$(cat "$S/said")" '^4\.3\.0 plan record is not whole$'
speaks "a plan, then death" "$whole" die
like "... in words" "$(cat "$S/said")" '^4\.3\.0 the working process died of signal 9'
arrive_once "after garbage" out

# ---- postern itself is killed: what it started goes with it
for moment in "out find-certificates" "out sign" "in agree"; do
	set -- $moment
	for signal in KILL TERM; do
		fault "$S" keys-file "at $2 pause $T/pause"
		start_"$1" "$S"
		paused "$T/pause" || fail "(waits in $2)"
		ok "$1, postern gets $signal at $2: (child and modules are there)" test "$(site_processes "$S" | wc -l)" -ge 4
		kill -$signal $pid
		wait $pid 2>/dev/null; code=$?
		is "$1, postern gets $signal at $2: (it is dead)" "$((code > 128))" 1
		none_left "$1, postern gets $signal at $2: child and modules end" "$S"
		untouched "$1, postern gets $signal at $2: nothing handed over, the spool is empty" "$S"
		rm -f "$T/pause/paused"
	done
	arrive_once "$1, killed at $2" "$1"
done
done_testing
