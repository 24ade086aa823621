#!/bin/sh
# postern-setup with a scanner and -inject command: stopped by SIGKILL at many points, in both directions; a message through every
# leg; and what an operator changed in between
. "${0%/*}/lib.sh"
. "${0%/*}/mta/machine.sh"
why=$(machine_usable) || skip_all "$why"
machine_enter "$@"
machine_install && machine_postfix || diag "the machine could not be made"
machine_sink out 127.0.0.2 2525
machine_sink in 127.0.0.3 2526
machine_sink scanner 127.0.0.5 2527 -forward 127.0.0.5,127.0.0.1:25
machine_state "$T/before"
wanted="-scanner 127.0.0.5:2527 -scanner-clients 127.0.0.5 -inject command"

# ---- stopped while it applies: at the first line written down, in files, at instances, in the middle of the carrier's files ----
for point in 2 41 11 1 2 3; do
	run_setup -apply $wanted -interrupt $point >"$T/out.$point" 2>&1
	is "apply, stopped at point $point from there: killed" $? 137
	not_ok "no file is half written under its name" sh -c 'find /etc/postern /etc/postfix* -name "*.cf" -size 0 | grep .'
done
like "the plan says that a run did not come to its end" "$(run_setup)" 'last run .apply. did not come to its end'
run_setup -apply -probe-to monitor@partner.example >"$T/apply" 2>&1
is "apply goes on to the end, with what was wanted first" $? 0
for leg in 'the scanner, 127.0.0.5:2527, answers' 'from outside to inside: postern, postern-scanner, the scanner .127.0.0.5:2527.' \
	'inside: the mail server, postern, postern-internal' 'from inside to outside: the mail server, postern, postern-external'; do
	like "and mail passes: $leg" "$(cat "$T/apply")" "^  ok +$leg"
done
is "three instances, none of which listens" "$(postmulti -g postern -l | wc -l) $(ss -Hltn 'sport >= :10000' | wc -l)" "3 0"
ok "what the scanner gave back came inside" wait_for 120 sh -c "grep -l 'Subject: postern-setup test: from outside to inside' '$T'/in/*.msg"
like "as opened by postern" "$(grep -l 'Subject: postern-setup test: from outside to inside' "$T"/in/*.msg | xargs cat)" '^X-Postern-Result:'
like "apply again: nothing to do" "$(run_setup -apply)" '^nothing to do$'

# ---- stopped while it takes back ----
idle() { [ "$(find /var/spool/postfix*/incoming /var/spool/postfix*/active /var/spool/postfix*/deferred /var/spool/postfix*/maildrop -type f | wc -l)" = 0 ]; }
ok "the queues are empty" wait_for 120 idle
for point in 1 4; do
	run_setup -remove -interrupt $point >"$T/out.$point" 2>&1
	is "remove, stopped at point $point from there: killed" $? 137
done
run_setup -remove >"$T/remove" 2>&1
is "remove goes on to the end" $? 0
machine_state "$T/after"
ok "everything is as before, byte by byte" diff "$T/before" "$T/after"

# ---- an operator's changes ----
run_setup -apply >"$T/apply" 2>&1
is "apply once more" $? 0
printf '# mine\nmail_name = Our Mail\n' >>/etc/postfix/main.cf
sed -i 's/^mailbox_size_limit = 0/mailbox_size_limit = 51200000/' /etc/postfix/main.cf
printf '# my rule\n' >>/etc/postern/rules
printf '# my line\n' >>/etc/postern/postern.conf
: >/etc/postern/certs/ca/our-ca.pem
like "apply again: nothing to do" "$(run_setup -apply)" '^nothing to do$'
ok "the queues are empty" wait_for 120 idle

# mail that waits for postern would go on unsealed
chmod 000 "$T/own/bin/postern"
printf 'Subject: out\n\nout\n' | sendmail -f alice@behoerde.example bob@partner.example
has_deferred() { [ -n "$(find /var/spool/postfix/deferred -type f)" ]; }
ok "without the program mail waits" wait_for 120 has_deferred
machine_state "$T/waiting"
out=$(run_setup -remove 2>&1)
is "remove: not while mail waits for postern" $? 69
like "it says how many" "$out" '1 messages in the mail server.s queue wait for postern'
chmod 755 "$T/own/bin/postern"
postqueue -f
ok "the queues are empty" wait_for 120 idle

run_setup -remove >"$T/remove" 2>&1
is "remove: status" $? 0
is "main.cf: ours is out" "$(grep -c -e postern -e multi_instance -e content_filter /etc/postfix/main.cf)" 0
is "main.cf: the operator's lines stay" "$(postconf -h mail_name mailbox_size_limit | tr '\n' ' ')" "Our Mail 51200000 "
ok "main.cf: how it was is kept beside" grep -q '^content_filter = postern:postern' /etc/postfix/main.cf.kept-by-postern-setup
ok "rules: the operator's are kept beside" grep -q '^# my rule' /etc/postern/rules.kept-by-postern-setup
ok "postern.conf likewise" grep -q '^# my line' /etc/postern/postern.conf.kept-by-postern-setup
ok "his certificate stays" test -f /etc/postern/certs/ca/our-ca.pem
like "each is told" "$(cat "$T/remove")" 'rules was changed since it was written: kept as'
like "with the directory" "$(cat "$T/remove")" 'directory /etc/postern/certs/ca stays, these are not ours: our-ca.pem'
# what the killed ones could not tidy up
for left in /tmp/postern-setup.*; do
	if grep -qsF "$T/" "$left/value/postern"; then rm -rf "$left"; fi
done
done_testing
