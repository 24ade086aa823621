#!/bin/sh
# the deadline: whatever is slow, postern ends with 75 when it is over, and a retry delivers once
. "${0%/*}/lib.sh"
. "${0%/*}/faults.sh"
. "${0%/*}/sink.sh"
S=$T/site
faulty_site "$S"
letter "$S" "the text"
conf "$S" "module_timeout = 60s"
now() { perl -MTime::HiRes=time -e 'printf "%d\n", 1000 * time'; }
# ended WHAT ERE DEADLINE MILLISECONDS: 75 with that line, not before the deadline and long before the slow one would have been ready
ended() {
	like "$1: deferred" "$code:$out" "^75:4\.[0-9]\.[0-9] $2"
	ok "$1: ($4 ms) not before the deadline" test "$4" -ge $(($3 - 20))
	ok "$1: ... nor when the slow one would have been ready" test "$4" -lt $(($3 + 45000))
}
ends() { # WHAT ERE DEADLINE COMMAND
	conf "$S" "deadline = $3ms"
	before=$(now); "$4" "$S"; took=$(($(now) - before))
	ended "$1" "$2" "$3" $took
	none_left "$1: no process is left" "$S"
}
then_once() { # WHAT MAILDIR
	conf "$S" "deadline = 300s"
	for module in rules-file keys-file check-path; do fault "$S" $module; done
	"$3" "$S"
	is "$1: the retry delivers, once in all" "$code:$(delivered "$2")" "0:1"
	clean "$S"
}

# ---- standard input
mkfifo "$T/fifo"
drip() { # a byte now and then, for ever
	perl -e '$| = 1; print "Subject: x\n"; for (1 .. 1200) { print "x"; select undef, undef, undef, 0.1 }' >"$T/fifo" 2>/dev/null &
	dripper=$!
	run "$1" 10.0.0.5 alice@behoerde.example bob@partner.example <"$T/fifo"
	kill $dripper 2>/dev/null; wait $dripper 2>/dev/null
}
still() { # nothing at all, and no end
	sleep 120 >"$T/fifo" & dripper=$!
	run "$1" 192.0.2.7 bob@partner.example alice@behoerde.example <"$T/fifo"
	kill $dripper 2>/dev/null; wait $dripper 2>/dev/null
}
ends "input that drips" 'message did not arrive before the deadline$' 700 drip
ends "input that stands still" 'message did not arrive before the deadline$' 700 still
untouched "nothing handed over" "$S"
then_once "slow input" "$S/external" send_out

# ---- modules: the message's deadline goes before module_timeout
for at in "out rules-file decide" "out keys-file sign" "out check-path check-certificate" "in keys-file agree" "in check-path check-certificate"; do
	set -- $at
	fault "$S" "$2" "at $3 slow 120"
	ends "$1, slow $2 in $3" "(module $2: $3: no answer before the message's deadline\$|the deadline is over before)" 1500 "send_$1"
	untouched "$1, slow $2: nothing handed over" "$S"
	case $1 in in) to=$S/internal ;; *) to=$S/external ;; esac
	then_once "$1, slow $2" "$to" "send_$1"
done

# ---- destinations: all at once, since each waits for the deadline; the last one with the site's own spool
begin() { # NAME DESTINATION [SPOOL]
	{
		grep -Ev '^(external|spool|deadline) *=' "$S/postern.conf"
		printf '%s\n' "external = $2" "spool = ${3-$S/spool.$1}" "deadline = 6s"
	} >"$S/$1.conf"
	mkdir -p "$T/$1" "${3-$S/spool.$1}"
	now >"$T/$1/began"
	(
		"$BUILD/postern" -c "$S/$1.conf" -client 10.0.0.5 -sender alice@behoerde.example -queue-id T1 -readmail bob@partner.example \
			<"$S/out.eml" >"$T/$1/said" 2>&1
		echo $? >"$T/$1/code"
		now >"$T/$1/ended"
	) &
	begun="$begun $!"
}
outcome() { # NAME WHAT ERE
	code=$(cat "$T/$1/code") out=$(cat "$T/$1/said")
	ended "$2" "$3" 6000 $(($(cat "$T/$1/ended") - $(cat "$T/$1/began")))
}
cat >"$T/sleeper" <<'X'
#!/bin/sh
cat >/dev/null
exec sleep 121.0625
X
chmod 755 "$T/sleeper"
sink slow -hang rcpt; slow=$port
sink late -slow 1500; late=$port
sink final -hang final; final=$port
begun=
begin slow "smtp:127.0.0.1:$slow"
begin late "smtp:127.0.0.1:$late"
begin final "smtp:127.0.0.1:$final"
begin sleeps "command:$T/sleeper \${recipients}" "$S/spool"
wait $begun
outcome slow "a server that hangs at RCPT" "smtp:127\.0\.0\.1:$slow"
outcome late "a server that is slow at everything" "smtp:127\.0\.0\.1:$late"
outcome final "a server that hangs after the message" "smtp:127\.0\.0\.1:$final"
outcome sleeps "a command that sleeps" "$T/sleeper"
is "none of them accepted" "$(cat "$T"/slow/accepted "$T"/late/accepted "$T"/final/accepted 2>/dev/null)" ""
none_left "no process is left" "$S"
not_ok "... and the command is gone" pgrep -f "sleep 121[.]0625"
conf "$S" "external = maildir:$S/external"
then_once "slow destinations" "$S/external" send_out
done_testing
