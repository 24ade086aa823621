#!/bin/sh
# postern-setup with a real Postfix on real paths: the plan changes nothing, apply, again, both ways, remove
. "${0%/*}/lib.sh"
. "${0%/*}/mta/machine.sh"
why=$(machine_usable) || skip_all "$why"
machine_enter "$@"
machine_install && machine_postfix || diag "the machine could not be made"
machine_sink out 127.0.0.2 2525
machine_sink in 127.0.0.3 2526
machine_state "$T/before"

# ---- the plan ----
out=$(run_setup 2>&1)
is "the plan: status" $? 0
for line in 'Postfix .* in /etc/postfix, running' 'account +postern does not exist' '-domains +behoerde.example amt.example +.relay_domains in' \
	'-external +127.0.0.2:2525 +.relayhost' '-internal +127.0.0.3:2526 +.transport_maps' '-internal-clients +127.0.0.1/32 ::1/128 10.1.0.0/16 +.mynetworks' \
	'\+content_filter = postern:postern' '\+postern +unix' 'useradd --system' 'postmulti -i postern-external -p start' 'postfix -c /etc/postfix reload' \
	'external_queue = postfix:/etc/postfix-postern-external' '--- /etc/postfix/main.cf' 'nothing is changed without -apply'; do
	like "the plan shows $line" "$out" "$line"
done
unlike "the plan keeps a lower limit of the mail server" "$out" '^ *\+message_size_limit'
machine_state "$T/planned"
ok "the plan changes nothing" cmp "$T/before" "$T/planned"

# ---- apply ----
run_setup -apply >"$T/apply" 2>&1
is "apply: status" $? 0
like "apply: says how it is taken back" "$(cat "$T/apply")" 'postern-setup -remove takes it back'
is "two instances run" "$(postmulti -l | awk '$2 == "postern" { print $1, $3, $4 }' | tr '\n' ' ')" \
	"postern-external y /etc/postfix-postern-external postern-internal y /etc/postfix-postern-internal "
like "postern's own check finds no error" "$(runuser -u postern -- "$T/own/bin/postern" -c /etc/postern/postern.conf -check)" '^ok: modules|^ok: rules'
machine_state "$T/applied"
out=$(run_setup -apply 2>&1)
is "apply again: status" $? 0
like "apply again: nothing to do" "$out" '^nothing to do$'
machine_state "$T/again"
ok "apply again changes nothing" cmp "$T/applied" "$T/again"
like "the plan: all is done" "$(run_setup)" 'nothing to do'

for leg in 'postern: configuration' 'next hop inside, 127.0.0.3:2526, takes mail to postmaster@behoerde.example' \
	'next hop outside, 127.0.0.2:2525, answers' 'from outside to inside: postern, postern-internal' \
	'inside: the mail server, postern, postern-internal' 'from inside to outside: postern would hand it to postern-external'; do
	like "test: $leg" "$(cat "$T/apply")" "^  ok +$leg"
done
is "three messages to the administrator" "$(grep -c '^postmaster@behoerde.example ' "$T/in/accepted")" 3
not_ok "none outside" test -e "$T/out/accepted"
out=$(run_setup -test -probe-to monitor@partner.example)
is "test with an address outside: status" $? 0
like "test: next hop" "$out" '^  ok +next hop outside, 127.0.0.2:2525, takes mail to monitor@partner.example'
like "test: all the way" "$out" '^  ok +from inside to outside: the mail server, postern, postern-external'
is "two messages outside" "$(grep -c '^monitor@partner.example ' "$T/out/accepted")" 2

# ---- mail ----
idle() { [ "$(find /var/spool/postfix*/incoming /var/spool/postfix*/active /var/spool/postfix*/deferred /var/spool/postfix*/maildrop -type f | wc -l)" = 0 ]; }
printf 'Subject: out\n\nout\n' | sendmail -f alice@behoerde.example bob@partner.example
ok "from inside to outside" wait_for 30 grep -q '^bob@partner.example ' "$T/out/accepted"
perl "$SRC/t/helper/smtp-send" -source 127.0.7.7 127.0.0.1 25 bob@partner.example alice@behoerde.example >"$T/reply" <<-END
	From: bob@partner.example
	Subject: in

	in
END
ok "from outside to inside" wait_for 30 grep -q '^alice@behoerde.example ' "$T/in/accepted"
like "it passed postern" "$(grep -l "^Subject: in.$" "$T"/in/*.msg | xargs cat)" 'Authentication-Results: mx.behoerde.example; smime=none'
ok "all queues are empty then" wait_for 120 idle

# ---- remove ----
run_setup -remove >"$T/remove" 2>&1
is "remove: status" $? 0
machine_state "$T/after"
ok "remove: everything is as before, byte by byte" diff "$T/before" "$T/after"
is "remove: the mail server runs alone" "$(ps ax | grep -c '[/]master -w')" 1
is "remove: no account left" "$(getent passwd postern)" ""
out=$(run_setup -remove)
is "remove again: status" $? 0
like "remove again: nothing there" "$out" 'nothing to remove'
done_testing
