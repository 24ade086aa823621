#!/bin/sh
# deliver-all: options, waiting, what is left, troubles, what is on hold; the mail servers are played
. "${0%/*}/lib.sh"
. "${0%/*}/queues.sh"
tool deliver-all
command -v postconf >/dev/null || PATH=$PATH:/usr/sbin
command -v postconf >/dev/null || skip_all "Postfix is not installed"

wrong() { # WHAT PATTERN OPTION...
	what=$1 pattern=$2
	shift 2
	deliver "$@"
	is "$what: exit 3" "$code" 3
	like "$what: says so" "$out" "^deliver-all: $pattern"
}
wrong "no configuration" 'no configuration'
wrong "unknown option" 'unknown option "-warn"' -warn 5m
wrong "a wait that is none" 'option -wait: "soon"' -wait soon
wrong "a queue that cannot be flushed" 'option -queue: "hold"' -queue hold
wrong "-sendmail in another place" 'option -sendmail: "sendmail" is not an absolute path' -sendmail sendmail
wrong "-sendmail that is not there" 'option -sendmail: /nonexistent' -sendmail /nonexistent
like "--help" "$("$T/bin/deliver-all" --help)" '^usage: deliver-all'

# on_flush NAME: standard input is what the played Postfix does when it is flushed
on_flush() {
	{ echo '#!/bin/sh' && cat; } >"$T/$1/on-flush"
	chmod 755 "$T/$1/on-flush"
	sed -i "s|^case.*|case \$3 in -f) echo flush >>$T/$1/flushed; $T/$1/on-flush ;; -j) cat $T/$1/out ;; esac|" "$T/$1/bin/postqueue"
}
queued() { # NAME ID...: mails in deferred
	queue=$1
	shift
	: >"$T/$queue/out"
	rm -rf "$T/$queue/queue/deferred"
	mkdir "$T/$queue/queue/deferred"
	for id; do
		mail "$id" deferred 1000 a@b "c@d=reason of $id" >>"$T/$queue/out"
		mkdir -p "$T/$queue/queue/deferred/${id%"${id#?}"}"
		echo x >"$T/$queue/queue/deferred/${id%"${id#?}"}/$id"
	done
}
for name in carrier external internal; do
	played "$name"
	echo ':' | on_flush "$name"
done
tenant "$T/etc/postern/postern.conf" "carrier_queue = postfix:$T/carrier" "external_queue = postfix:$T/external" \
	"internal_queue = postfix:$T/internal"

deliver
is "nothing waits: exit 0" "$code" 0
is "each was flushed, once" "$(cat "$T"/*/flushed | wc -l)" 3
is "and says so" "$(printf '%s\n' "$out" | grep -c '^  flushed; nothing waited')" 3
is "the last line" "$(printf '%s\n' "$out" | tail -n 1)" "nothing left"

# one is delivered, one is deferred again, and one new: each has been tried
queued external A1 B1
on_flush external <<-END
	rm "$T/external/queue/deferred/A/A1"
	sed -i /A1/d "$T/external/out"
	mv "$T/external/queue/deferred/B/B1" "$T/external/x" && mv "$T/external/x" "$T/external/queue/deferred/B/B1"
END
deliver -wait 120
is "one is left: exit 1" "$code" 1
like "which, and why" "$(printf '%s\n' "$out" | tr '\n' ' ')" '  B1 .*to c@d +reason of B1'
unlike "not the other" "$out" 'A1'
like "how many before" "$out" '^  flushed; 2 mails before'
is "the last line" "$(printf '%s\n' "$out" | tail -n 1)" "1 mail left"
deliver -wait 120 -json
is "-json" "$code $(printf '%s' "$out" | json 'my $q = $d->{queues}[1]; join " ", @{$d}{qw(command status exit)}, @{$q}{qw(before count flushed)}')" \
	"1 deliver-all left 1 1 1 1"

# one that is not tried: until the time is over
queued external A1
echo : | on_flush external
before=$(date +%s)
deliver -wait 2
is "not tried within two seconds: exit 1" "$code" 1
ok "it waited for them" test $(($(date +%s) - before)) -ge 2
# one that is being delivered for a while
queued external A1
on_flush external <<-END
	rm "$T/external/queue/deferred/A/A1"
	sed -i s/deferred/active/ "$T/external/out"
	(sleep 2; : >"$T/external/out") >/dev/null 2>&1 &
END
deliver -wait 120
is "delivered after a while: exit 0" "$code" 0
# what moves on from queue to queue is followed
queued carrier C1
on_flush carrier <<-END
	rm "$T/carrier/queue/deferred/C/C1"
	sed -i s/deferred/active/ "$T/carrier/out"
	(
		sleep 1
		mv "$T/carrier/out" "$T/internal/out"
		: >"$T/carrier/out"
		sleep 1
		: >"$T/internal/out"
	) >/dev/null 2>&1 &
END
deliver -wait 120
is "through two queues: exit 0" "$code" 0
echo : | on_flush carrier
echo : | on_flush external

# only some of them
rm -f "$T"/*/flushed
deliver -queue internal
is "-queue: only this one is flushed" "$(ls "$T"/*/flushed)" "$T/internal/flushed"
is "or shown" "$(printf '%s\n' "$out" | grep '^Mails')" "Mails from Postern to the inside (internal relay)"

# on hold
queued external
mail H1 hold 1000 a@b c@d=r >"$T/external/out"
mkdir -p "$T/etc/postern/spool/hold"
printf 'id: x\nsender: s@b\nreason: undecryptable\ntext: no key\nrecipient: a@b\n' >"$T/etc/postern/spool/hold/x.hold"
echo x >"$T/etc/postern/spool/hold/x.eml"
deliver
is "only mail on hold: exit 0" "$code" 0
is "is mentioned" "$(printf '%s\n' "$out" | tail -n 1)" "nothing left; 2 on hold"
like "and how to release it" "$out" "^  what is on hold is not touched; to release one: postsuper -c $T/external -H ID"

# troubles
queued external A1
sed -i 's|^exit.*|[ $3 != -f ] \|\| { echo "postqueue: fatal: Cannot flush mail queue - mail system is down" >\&2; exit 69; }|' "$T/external/bin/postqueue"
before=$(date +%s)
deliver -wait 120
is "it cannot be flushed: exit 2" "$code" 2
like "why" "$out" '^  not flushed: Cannot flush mail queue - mail system is down'
like "which" "$out" '^external \(default\): Cannot flush .*; 1 mail left'
like "what waits there" "$out" '^  A1 '
deliver -json
is "-json of it" "$(printf '%s' "$out" | json 'my $q = $d->{queues}[1]; "$d->{status} $d->{exit} $q->{problem} " . ($q->{flushed} ? "yes" : "no")')" \
	"failed 2 Cannot flush mail queue - mail system is down no"
mv "$T/external/main.cf" "$T/external/x"
deliver
is "no such instance: exit 2" "$code" 2
like "says so" "$out" "^  .*$T/external/main.cf cannot be read"
mv "$T/external/x" "$T/external/main.cf"

# Sendmail
mkdir "$T/mqueue"
printf 'V8\nT%s\nMDeferred: no\nS<a@b>\nRPFD:<c@d>\n.\n' "$(date +%s)" >"$T/mqueue/qf1A"
printf 'O QueueDirectory=%s\n' "$T/mqueue" >"$T/my.cf"
tenant "$T/s/postern.conf" "external_queue = sendmail:$T/my.cf"
play() {
	{ echo '#!/bin/sh' && echo "echo \"\$*\" >>$T/calls" && cat; } >"$T/sendmail"
	chmod 755 "$T/sendmail"
}
echo : | play
deliver -c "$T/s/postern.conf" -queue external -sendmail "$T/sendmail"
is "Sendmail, one is left: exit 1" "$code" 1
is "one queue run, in the foreground" "$(cat "$T/calls")" "-C $T/my.cf -OMinQueueAge=0 -qf"
like "why" "$out" '^      Deferred: no'
play <<-END
	sleep 1
	rm "$T/mqueue/qf1A"
END
deliver -c "$T/s/postern.conf" -queue external -sendmail "$T/sendmail" -wait 120
is "it is waited for: exit 0" "$code" 0
play <<-'END'
	echo "No local mailer defined" >&2
	exit 78
END
deliver -c "$T/s/postern.conf" -queue external -sendmail "$T/sendmail"
is "it fails: exit 2" "$code" 2
like "why" "$out" '^  not flushed: .*sendmail ended with status 78'
play <<-END
	tries=0
	while [ ! -e "$T/go" ] && [ \$((tries += 1)) -lt 1200 ]; do sleep 0.1; done
	: >"$T/went-on"
END
deliver -c "$T/s/postern.conf" -queue external -sendmail "$T/sendmail" -wait 1
ok "a run that takes longer is not waited for" test ! -e "$T/went-on"
: >"$T/go"
tries=0
while [ ! -e "$T/went-on" ] && [ $((tries += 1)) -lt 1200 ]; do sleep 0.1; done
ok "but goes on" test -e "$T/went-on"

done_testing
