#!/bin/sh
# mailq-all and deliver-all with Sendmail: mail that waits in every queue, why, what is quarantined, and that it all leaves at last
. "${0%/*}/lib.sh"
. "${0%/*}/mta/sendmail.sh"
. "${0%/*}/queues.sh"
why=$(sendmail_usable) || skip_all "$why"
tool mailq-all deliver-all
D=$T/site
site_make "$D"
# nobody listens behind the instances, and the carrier's postern has no rules module
sendmail_external_hop='[127.0.0.1]:1' sendmail_scanner_hop='[127.0.0.1]:1' sendmail_internal_hop='[127.0.0.1]:1'
sendmail_make "$D" || { fail "configured"; done_testing; exit; }
for name in carrier external scanner internal; do conf "$D" "${name}_queue = sendmail:$D/mta/$name.cf"; done
conf "$D" "scanner = smtp:$sendmail_address:10026" "rules_modules = none-such"
sendmail_own "$D"
if sendmail_start "$D" all; then pass "four Sendmails"; else fail "four Sendmails"; done_testing; exit; fi
all() { mailq -c "$D/postern.conf" "$@"; }
deliver_all() { deliver -c "$D/postern.conf" -sendmail "$sendmail" "$@"; }
all
is "nothing waits: exit 0" "$code" 0

# ---- mail in every queue
letter() { message "From: alice@behoerde.example" "To: bob@partner.example" "Subject: t" <<-END
	hello
	END
}
letter | sendmail_send "$D" inside alice@behoerde.example bob@partner.example >/dev/null
for name in external scanner internal; do
	domain=behoerde.example # external sends to the others
	[ "$name" != external ] || domain=partner.example
	letter | "$sendmail" -C "$D/mta/$name.cf" -oi -f alice@behoerde.example -- "bob@$domain" "\"x y}] \"@$domain"
done
reasons() { grep -ahs "^M$2" "$D/mta/queue-$1"/qf* "$D/mta/queue-$1"/*/qf* | wc -l; }
deferred() { [ "$(reasons "$1" "$2")" = 1 ]; }
for name in external scanner internal; do ok "$name has deferred it" wait_for "${WAIT:-120}" deferred "$name" 'Deferred: Connection refused'; done
ok "the carrier has deferred it" wait_for "${WAIT:-120}" deferred carrier '.'

all -json
is "young mail: exit 0" "$code" 0
is "each queue: running, one mail" "$(printf '%s' "$out" | json 'join " ", map { "@{$_->{roles}}:$_->{state}:$_->{count}" } @{$d->{queues}}')" \
	"carrier:ok:1 external:ok:1 scanner:ok:1 internal:ok:1 hold:ok:0"
is "sender, recipients, a body" "$(printf '%s' "$out" | json 'my $m = $d->{queues}[3]{mails}[0]; join " | ", $m->{sender}, $m->{size} > 0, sort map { $_->{address} } @{$m->{recipients}}')" \
	'alice@behoerde.example | 1 | "x y}] "@behoerde.example | bob@behoerde.example'
like "an instance's reason is what the next hop said" "$(printf '%s' "$out" | json '$d->{queues}[1]{mails}[0]{recipients}[0]{reason}')" '^Deferred: Connection refused'
reason=$(printf '%s' "$out" | json '$d->{queues}[0]{mails}[0]{recipients}[0]{reason}')
is "which Sendmail's own list begins with" "$(sendmail_mailq "$D" carrier | grep -cF "($(printf '%s' "$reason" | cut -c 1-40)")" 1
like "the carrier's is how postern ended" "$reason" '^Deferred: postern mailer .* exited with EX_TEMPFAIL'
all -warn 0 -summary
tries=0
while [ "$code" != 1 ] && [ $((tries += 1)) -lt 1200 ]; do # it is a second old by now, or soon
	sleep 0.1
	all -warn 0 -summary
done
like "older than nothing: a warning" "$code $out" '^1 QUEUES WARNING - 4 mails, .* \| mails=4 '

# ---- flushed, but the reasons are still there
tried() { sed -n 's/^N//p' "$(find "$D/mta/queue-$1" -name 'qf*')"; }
for name in carrier external scanner internal; do eval "before_$name=$(tried $name)"; done
deliver_all -wait 5m -json
is "all is left: exit 1" "$code" 1
is "flushed, one in each" "$(printf '%s' "$out" | json 'join " ", map { "$_->{before}:$_->{count}:" . ($_->{flushed} ? "yes" : "no") } @{$d->{queues}}[0..3]')" \
	"1:1:yes 1:1:yes 1:1:yes 1:1:yes"
for name in carrier external scanner internal; do
	eval "ok \"$name has tried it again before the report\" test \"\$(tried $name)\" -gt \"\$before_$name\""
done

# ---- quarantined
held=$(basename "$(find "$D/mta/queue-scanner" -name 'qf*')")
held=${held#qf}
"$sendmail" -C "$D/mta/scanner.cf" -Qlooks-bad "-qI$held" >/dev/null 2>&1
all -json
is "Sendmail's quarantine" "$(printf '%s' "$out" | json 'my $q = $d->{queues}[2]; join " ", @{$q}{qw(count held)}, @{$q->{mails}[0]}{qw(queue id)}, $q->{mails}[0]{recipients}[0]{reason}')" \
	"0 1 quarantined $held quarantined: looks-bad"

# ---- the reasons are gone
for name in external internal; do
	sendmail_sink "$D" "$name"
	sendmail_stop "$D" "$name"
	eval "hop=\$sendmail_$name"
	port=10025
	[ "$name" = external ] || port=10027
	sendmail_instance "$D" "$name" "$port" "$hop"
	sendmail_start "$D" "$name"
done
conf "$D" "rules_modules = rules-file"
sendmail_own "$D"
deliver_all -wait 5m
# the carrier's mail may be with the external instance by the time that is counted
is "the carrier, the external and the internal instance are flushed" "$(printf '%s\n' "$out" | grep -cE '^  flushed; (1 mail|2 mails) before')" 3
# What the carrier handed over is sent by the external instance at once, not by the queue run.
tries=0
while [ "$code" = 1 ] && [ $((tries += 1)) -lt 100 ]; do deliver_all -wait 5m; done
is "all is delivered: exit 0" "$code" 0
is "through the carrier and the external instance" "$(accepted "$D" external | wc -l)" 3
is "and the internal one" "$(accepted "$D" internal | wc -l)" 2
like "what is on hold stays, and how to release it" "$out" "to release one: sendmail -C $D/mta/scanner.cf -qQ -Q -qIID"
like "nothing is left" "$out" '^nothing left; 1 on hold$'
all
is "nothing waits: exit 0" "$code" 0
"$sendmail" -C "$D/mta/scanner.cf" -qQ -Q "-qI$held" >/dev/null 2>&1
all -queue scanner -json
is "released as the report says" "$(printf '%s' "$out" | json '"$d->{queues}[0]{count} $d->{queues}[0]{held}"')" "1 0"

# ---- one does not run
sendmail_stop "$D" scanner
all
is "an instance that does not run: exit 2" "$code" 2
like "is named" "$out" '^critical: scanner .*: Sendmail is not running'
like "its mail is shown" "$out" "^  $held "
deliver_all -queue scanner -wait 5m
is "its queue is run all the same; one is left: exit 1" "$code" 1

done_testing
