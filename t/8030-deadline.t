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
# ends WHAT ERE DEADLINE COMMAND: 75 with that line, not before the deadline and long before the slow one would have been ready
ends() {
	what=$1 want=$2
	conf "$S" "deadline = $3ms"
	before=$(now); "$4" "$S"; took=$(($(now) - before))
	like "$what: deferred" "$code:$out" "^75:4\.[0-9]\.[0-9] $want"
	ok "$what: ($took ms) not before the deadline" test $took -ge $(($3 - 20))
	ok "$what: ... nor when the slow one would have been ready" test $took -lt $(($3 + 45000))
	none_left "$what: no process is left" "$S"
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

# ---- destinations
sink slow -hang rcpt
conf "$S" "external = smtp:127.0.0.1:$port"
ends "a server that hangs at RCPT" "smtp:127\.0\.0\.1:$port" 4000 send_out
sink late -slow 1500
conf "$S" "external = smtp:127.0.0.1:$port"
ends "a server that is slow at everything" "smtp:127\.0\.0\.1:$port" 4000 send_out
sink final -hang final
conf "$S" "external = smtp:127.0.0.1:$port"
ends "a server that hangs after the message" "smtp:127\.0\.0\.1:$port" 4000 send_out
is "none of them accepted" "$(cat "$T"/slow/accepted "$T"/late/accepted "$T"/final/accepted 2>/dev/null)" ""
cat >"$T/sleeper" <<'X'
#!/bin/sh
cat >/dev/null
exec sleep 121.0625
X
chmod 755 "$T/sleeper"
conf "$S" "external = command:$T/sleeper \${recipients}"
ends "a command that sleeps" "$T/sleeper" 4000 send_out
not_ok "... and is gone" pgrep -f "sleep 121[.]0625"
conf "$S" "external = maildir:$S/external"
then_once "slow destinations" "$S/external" send_out
done_testing
