#!/bin/sh
# each recipient exactly once: servers that fail at random, retried with the journal until all is done
. "${0%/*}/lib.sh"
. "${0%/*}/sink.sh"
printf 'Subject: x\n\nbody\n' >"$T/mail"
mkdir "$T/spool"
recipients="a@x b@x c@x d@x e@x f@x g@x h@x"

for protocol in smtp lmtp; do
	[ $protocol = lmtp ] && lmtp=-lmtp || lmtp=
	for seed in 1 2 3 4; do
		sink "$protocol$seed" $lmtp -random $seed,12
		tries=0
		while [ $((tries += 1)) -le 200 ]; do
			said -j "$T/spool" -i "$protocol$seed" "$protocol:127.0.0.1:$port" "$T/mail" $recipients >"$T/out" && break
		done
		kill $sink_pid
		ok "$protocol $seed: done ($tries tries)" test $tries -le 200
		unlike "$protocol $seed: no recipient was refused for trouble" "$(cat "$T/out")" refused
		is "$protocol $seed: each recipient once" "$(cut -d' ' -f1 "$T/$protocol$seed/accepted" | sort | tr '\n' ' ')" "$recipients "
	done
done
done_testing
