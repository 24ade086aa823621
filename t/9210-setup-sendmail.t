#!/bin/sh
# postern-setup with a real Sendmail on real paths: the plan changes nothing, apply, again, both ways, remove
. "${0%/*}/lib.sh"
. "${0%/*}/mta/machine.sh"
why=$(machine_usable) || skip_all "$why"
why=$(machine_sendmail_usable) || skip_all "$why"
machine_enter "$@"
machine_install && machine_sendmail || diag "the machine could not be made"
machine_sink out 127.0.0.2 25
machine_sink in 127.0.0.3 25
machine_state "$T/before"
run_sendmail_setup() { run_setup -sendmail "/run/programs/sendmail" "$@"; }

out=$(run_sendmail_setup -mta sendmail 2>&1)
is "the plan: status" $? 0
for line in 'Sendmail 8[.].* in /etc/mail, running' '-domains +behoerde.example amt.example +./etc/mail/mailertable' \
	'-external +127.0.0.2 +.SMART_HOST' '-internal +127.0.0.3 ' '-internal-clients +127.0.0.1 ::1 10.1.0.0/16' \
	'external_queue = sendmail:/etc/mail/postern/external.cf' '\+Mpostern,' '\+\.	postern:postern' 'runuser -u postern -- .*sendmail -C /etc/mail/postern/external.cf -bd'; do
	like "the plan shows $line" "$(printf '%s\n' "$out" | grep -E -e "$line" || printf '%s\n' "$out" | head -n 40)" "$line"
done
machine_state "$T/planned"
ok "the plan changes nothing" diff "$T/before" "$T/planned"

run_sendmail_setup -mta sendmail -apply >"$T/apply" 2>&1
is "apply: status" $? 0
for leg in 'postern: configuration' 'next hop inside, 127.0.0.3, takes mail to postmaster@behoerde.example' \
	'from outside to inside: postern, postern-internal' 'inside: the mail server, postern, postern-internal'; do
	like "test: $leg" "$(grep -e failed -A2 -e ' ok ' -e '^postern-setup' "$T/apply")" "^  ok +$leg"
done
machine_state "$T/applied"
out=$(run_setup -apply 2>&1)
is "apply again: status" $? 0
like "apply again: nothing to do" "$(printf '%s\n' "$out" | tail -n 3)" '^nothing to do$'
machine_state "$T/again"
ok "apply again changes nothing" diff "$T/applied" "$T/again"

idle() { [ "$(find /var/spool/mqueue* -type f | wc -l)" = 0 ]; }
perl "$SRC/t/helper/smtp-send" -source 127.0.0.1 127.0.0.1 25 alice@behoerde.example bob@partner.example >"$T/reply" <<-END
	From: alice@behoerde.example
	Subject: out

	out
END
ok "from inside to outside" wait_for 120 grep -q '^bob@partner.example ' "$T/out/accepted"
perl "$SRC/t/helper/smtp-send" -source 127.0.7.7 127.0.0.1 25 bob@partner.example alice@behoerde.example >"$T/reply" <<-END
	From: bob@partner.example
	Subject: in

	in
END
ok "from outside to inside" wait_for 120 grep -q '^alice@behoerde.example ' "$T/in/accepted"
like "it passed postern" "$(grep -l '^Subject: in.$' "$T"/in/*.msg | xargs cat)" 'Authentication-Results: mx.behoerde.example; smime=none'
ok "all queues are empty then" wait_for 120 idle

run_setup -remove >"$T/remove" 2>&1
is "remove: status" $? 0
machine_state "$T/after"
ok "remove: everything is as before, byte by byte" diff "$T/before" "$T/after"
is "remove: the mail server runs alone" "$(pgrep -fc 'sendmail.*(accepting|-bd)')" 1
done_testing
