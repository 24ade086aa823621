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
# ---- killed at any moment: nobody is lost; twice only if it hit the time between acceptance and journal
# (without an entry in the journal for a copy that is there, counted when the server has done with the dead)
sink kills -slow 5
mkdir "$T/killed"
accepted() { cat "$T/kills/accepted" 2>/dev/null | wc -l; }
entries() { find "$T/killed/journal" -type f ! -name swept 2>/dev/null | wc -l; }
settle() { perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]") or die; <$s>' "$port"; }
open=0
for delay in 0.01 0.02 0.03 0.04 0.05 0.06 0.07 0.08; do
	"$deliver" -j "$T/killed" -i kills "smtp:127.0.0.1:$port" "$T/mail" $recipients >/dev/null 2>&1 &
	sleep $delay
	kill -9 $! 2>/dev/null
	wait $! 2>/dev/null
	settle
	without=$(($(accepted) - $(entries)))
	[ "$without" -le "$open" ] || open=$without
done
said -j "$T/killed" -i kills "smtp:127.0.0.1:$port" "$T/mail" $recipients >"$T/out"
is "all of them are dealt with in the end" "$(grep -cE ' (accepted|journalled) ' "$T/out")" 8
is "each was served" "$(cut -d' ' -f1 "$T/kills/accepted" | sort -u | tr '\n' ' ')" "$recipients "
ok "a copy too many ($(($(accepted) - 8))) comes of a kill before the entry (there were $open)" test $(($(accepted) - 8)) -le "$open"
done_testing
