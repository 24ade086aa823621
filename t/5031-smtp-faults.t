#!/bin/sh
# smtp: destinations: servers that break
. "${0%/*}/lib.sh"
. "${0%/*}/sink.sh"
printf 'Subject: x\n\nbody\n' >"$T/mail"
temporary() { # name, pattern, options of deliver ...: both recipients temporary
	what=$1; pattern=$2; shift 2
	got=$(said "$@" "smtp:127.0.0.1:$port" "$T/mail" a@x b@x)
	like "$what" "$(echo "$got" | tr '\n' ' ')" "^a@x temporary 4\\.$pattern b@x temporary 4\\.$pattern $"
}

# ---- connections that end
for stage in greeting ehlo mail rcpt rcpt2 data body final; do
	sink "drop-$stage" -drop $stage
	temporary "dropped at $stage" "4\\.2 smtp:.*(closed by the peer|reset by peer|Broken pipe)"
	is "nobody took it" "$(cat "$T/drop-$stage/accepted" 2>/dev/null)" ""
done
for stage in greeting ehlo mail rcpt data; do
	sink "after-$stage" -drop-after $stage -no PIPELINING
	temporary "dropped after $stage" "4\\.2 smtp:.*(closed by the peer|reset by peer|Broken pipe)"
done
sink after-final -drop-after final
is "dropped after the final reply: accepted" "$(said "smtp:127.0.0.1:$port" "$T/mail" a@x b@x | cut -d' ' -f1,2)" "a@x accepted
b@x accepted"
sink some -drop rcpt2 -no PIPELINING -rcpt '^a=550 5.1.1 no'
is "a refusal that was said stays" "$(said "smtp:127.0.0.1:$port" "$T/mail" a@x b@x | cut -d' ' -f1-3)" "a@x refused 5.1.1
b@x temporary 4.4.2"
sink closing -rcpt '^b=421 4.3.2 going down'
temporary "421" "3\\.2 smtp:.*421 4\\.3\\.2 going down"

# ---- no service
sink busy -greeting '554 5.3.2 no service'
temporary "a greeting that refuses" "3\\.2 smtp:.*554 5\\.3\\.2 no service"
like "the probe says so" "$(said -p "smtp:127.0.0.1:$port")" '^smtp:127.0.0.1:[0-9]*: 554 5\.3\.2 no service'
sink rude -ehlo '550 5.7.1 not you'
temporary "EHLO and HELO refused" "3\\.2 smtp:.*550 5\\.7\\.1 not you"
kill $sink_pid; wait $sink_pid 2>/dev/null
temporary "a dead port" "4\\.1 smtp:.*Connection refused"
like "the probe says so" "$(said -p "smtp:127.0.0.1:$port")" 'Connection refused'
port=25
is "a name that does not exist" "$(said "smtp:no.such.host.invalid:25" "$T/mail" a@x | cut -d' ' -f1-3)" "a@x temporary 4.4.3"

# ---- words that are none
for stage in greeting ehlo mail rcpt data final; do
	sink "garbage-$stage" -garbage $stage
	temporary "garbage at $stage" "5\\.0 smtp:[^ ]* the peer said what is no reply: \"\? what\?\""
done
for stage in greeting ehlo mail rcpt2 data; do
	sink "early-$stage" -early $stage -no PIPELINING
	temporary "a reply too many at $stage is not taken for the next" "5\\.0 smtp:.*out of turn"
	is "nobody took it" "$(cat "$T/early-$stage/accepted" 2>/dev/null)" ""
done
sink long -long final
is "over-long lines are cut, the reply counts" "$(said "smtp:127.0.0.1:$port" "$T/mail" a@x | cut -d' ' -f1-4)" "a@x accepted 2.6.0 250"
sink lines -lines final,200
is "a reply of 200 lines" "$(said "smtp:127.0.0.1:$port" "$T/mail" a@x | cut -d' ' -f1-3)" "a@x accepted 2.6.0"
sink line-more -lines final,201
temporary "one line more" "5\\.0 smtp:.*too many lines"
sink endless -endless ehlo
temporary "a line without end" "5\\.0 smtp:.*no end"

# ---- time
for stage in greeting mail data final; do
	sink "hang-$stage" -hang $stage
	temporary "silence at $stage ends at the deadline" "4\\.2 smtp:.*no answer in time" -t 300
done
sink drip -drip ehlo
temporary "bytes that drip" "(4\\.2|5\\.0) smtp:.*(no answer in time|no end)" -t 300
sink slow -slow 20
is "slow but in time" "$(said "smtp:127.0.0.1:$port" "$T/mail" a@x | cut -d' ' -f2)" accepted
if [ -r /proc/net/tcp ]; then
	# a server that never accepts, its queue full: connections get no answer
	perl -MIO::Socket::INET -e '$l = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1); 
		@c = map { IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $l->sockport, Timeout => 0.2) } 1 .. 4;
		print $l->sockport, "\n"; close STDOUT; sleep 600' >"$T/deaf" 2>/dev/null &
	kill_at_end $!
	tries=0
	until [ -s "$T/deaf" ] || [ $((tries += 1)) -gt 600 ]; do sleep 0.1; done
	port=$(cat "$T/deaf")
	temporary "no connection in time" "4\\.[12] smtp:.*in time" -t 300
fi
head -c 30000000 /dev/zero | tr '\0' 'a' | fold -w 72 >"$T/mail"
sink stop -hang body
temporary "a server that stops reading" "4\\.2 smtp:.*in time" -t 500
sink early-body -early body
temporary "an acceptance in the middle of the message is none" "5\\.0 smtp:.*out of turn"

# ---- our side
: >"$T/mail"
is "bad destinations" "$(for d in smtp: smtp:host smtp:host: smtp:host:0 smtp:host:65536 smtp:host:smtp smtp::25 smtp:::1:25 'smtp:[]:25' 'smtp:a b:25'; do
	said "$d" "$T/mail" a@x | cut -d: -f1; done | sort | uniq -c | tr -s ' ')" " 10 bad destination"
is "good ones" "$(for d in 'smtp:[::1]:65535' 'SMTP:127.0.0.1:1'; do said -t 500 "$d" "$T/mail" a@x | cut -d' ' -f1,2; done | sort -u)" "a@x temporary"
done_testing
