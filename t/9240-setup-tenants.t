#!/bin/sh
# postern-setup: what stands in the way on a machine, and two tenants on one Postfix, removed in the order they came
. "${0%/*}/lib.sh"
. "${0%/*}/mta/machine.sh"
why=$(machine_usable) || skip_all "$why"
machine_enter "$@"
machine_install && machine_postfix || diag "the machine could not be made"
machine_sink out 127.0.0.2 2525
machine_sink in 127.0.0.3 2526
machine_sink klinik 127.0.0.4 2527

# ---- what stands in the way: said before anything is changed ----
plan_refused() { # WHAT STATUS TEXT OPTION...
	what=$1 status=$2 text=$3
	shift 3
	out=$(run_setup "$@" 2>&1 >/dev/null)
	is "$what: status" $? "$status"
	like "$what: said" "$out" "$text"
}
postconf -e 'content_filter = smtp-amavis:[127.0.0.1]:10024'
plan_refused "a filter that is there" 65 '-scanner +content_filter is smtp-amavis'
plan_refused "a scanner on this machine" 65 '-scanner-clients +the scanner is on this machine' -scanner 127.0.0.1:10024
postconf -X content_filter
mkdir /etc/postfix-postern-external
plan_refused "an instance that is not ours" 69 '/etc/postfix-postern-external is there already'
rmdir /etc/postfix-postern-external
postconf -M 'postern/unix=postern unix - n n - - pipe flags=F user=nobody argv=/bin/cat'
plan_refused "a service of that name" 69 'master.cf has a service postern already'
postconf -MX postern/unix
printf 'x.example smtp:[127.0.0.9]\n' | cat - /etc/postfix/transport >"$T/transport"
plan_refused "next hops that differ" 69 'different next hops' -domains "behoerde.example x.example" -config "$(mkdir "$T/own/config" && cp -a /etc/postfix/. "$T/own/config/" && cp "$T/transport" "$T/own/config/transport" && postmap "$T/own/config/transport" && sed -i "s|/etc/postfix/transport|$T/own/config/transport|" "$T/own/config/main.cf" && echo "$T/own/config")"
machine_sink busy 127.0.0.1 10026
plan_refused "a port that is taken" 69 'port 10026 is in use' -port 10025
like "else the next three that are free" "$(run_setup)" '-port +10035 +.the first three that are free'
out=$("$BUILD/bin/postern-setup" -statedir /var/lib -postern /nonexistent 2>&1 >/dev/null)
is "no postern: status" $? 69
like "no postern: said" "$out" '-postern /nonexistent: no such program'
postconf -e 'mynetworks = 127.0.0.1 "x;y"'
plan_refused "networks that are none" 65 '-internal-clients +whose mail may use our keys is not known'
postconf -e 'mynetworks = 127.0.0.1/32 [::ffff:127.0.0.1]/128 [::1]/128 10.1.0.0/16'
plan_refused "no configuration there" 69 'no main.cf' -mta postfix -config "$T/own/bin"
mkdir -p /etc/postern && cat >/etc/postern/postern.conf <<-END
	hostname = mx.behoerde.example
	local_domains = behoerde.example
	external = smtp:127.0.0.1:9925
	internal = smtp:127.0.0.1:9927
END
plan_refused "a postern.conf with other destinations" 69 'postern.conf has internal = smtp:127.0.0.1:9927' -port 10035
rm -r /etc/postern
machine_state "$T/before"
chmod o+w /etc/postfix
plan_refused "a directory that others can write" 69 '/etc/postfix can be written by others' -apply
chmod o-w /etc/postfix
machine_state "$T/refused"
ok "all that changed nothing" diff "$T/before" "$T/refused"

out=$(run_setup -domains "amt.example x.example .y.example" -internal 127.0.0.3:2526 -internal-clients "10.1.2.0/24 10.2.0.0/16 127.0.0.1")
like "domains that the mail server does not serve are told" "$out" 'relay_domains does not have x.example y.example: '
like "and networks" "$out" 'mynetworks does not have 10.2.0.0/16: '

# ---- two tenants ----
values=$(postconf -n)
cp /etc/postfix/master.cf "$T/master.cf"
run_setup -apply -tenant behoerde -domains behoerde.example -internal-clients "127.0.0.1 127.0.1.0/24" -internal 127.0.0.3:2526 >"$T/one" 2>&1
is "the first tenant: status" $? 0
plan_refused "the default tenant beside it" 69 'has tenants already'
run_setup -apply -tenant klinik -domains klinik.example -internal-clients "127.0.0.1 127.0.2.0/24" -internal 127.0.0.4:2527 >"$T/two" 2>&1
is "the second tenant: status" $? 0
is "four instances" "$(postmulti -l | awk '$2 == "postern" { print $1 }' | sort | tr '\n' ' ')" \
	"postern-behoerde-external postern-behoerde-internal postern-klinik-external postern-klinik-internal "
like "apply again: nothing to do" "$(run_setup -apply -tenant behoerde)" '^nothing to do$'
like "for both" "$(run_setup -apply -tenant klinik)" '^nothing to do$'
postconf -e 'relay_domains = behoerde.example, amt.example, klinik.example' 'mynetworks = 127.0.0.1 127.0.1.0/24 127.0.2.0/24'
postfix reload 2>/dev/null
send() { printf 'From: %s\nSubject: %s\n\ntext\n' "$2" "$4" | perl "$SRC/t/helper/smtp-send" -source "$1" 127.0.0.1 25 "$2" "$3" >"$T/reply" 2>&1; }
send 127.0.7.7 bob@partner.example alice@behoerde.example in-one
send 127.0.7.7 bob@partner.example doc@klinik.example in-two
send 127.0.2.1 doc@klinik.example joe@partner.example out-two
ok "mail for the first" wait_for 120 grep -q '^alice@behoerde.example ' "$T/in/accepted"
ok "mail for the second, to its own next hop" wait_for 120 grep -q '^doc@klinik.example ' "$T/klinik/accepted"
ok "mail from the second" wait_for 120 grep -q '^joe@partner.example ' "$T/out/accepted"
like "by its own instance" "$(grep 'to=<joe@partner.example>' /var/log/mail.log)" 'postern-klinik-external/smtp'
idle() { [ "$(find /var/spool/postfix*/incoming /var/spool/postfix*/active /var/spool/postfix*/deferred /var/spool/postfix*/maildrop -type f | wc -l)" = 0 ]; }
ok "the queues are empty" wait_for 120 idle
postconf -e 'relay_domains = behoerde.example, amt.example'
postconf -e 'mynetworks = 127.0.0.1/32 [::ffff:127.0.0.1]/128 [::1]/128 10.1.0.0/16'

run_setup -remove -tenant behoerde >"$T/one" 2>&1
is "the first goes: status" $? 0
like "the second has all it needs" "$(run_setup -tenant klinik)" 'nothing to do'
is "its instances run" "$(postmulti -l | awk '$2 == "postern" { print $1 }' | sort | tr '\n' ' ')" "postern-klinik-external postern-klinik-internal "
run_setup -remove -tenant klinik >"$T/two" 2>&1
is "the second goes: status" $? 0
is "main.cf says what it said" "$(postconf -n)" "$values"
ok "master.cf is as before, byte by byte" cmp "$T/master.cf" /etc/postfix/master.cf
is "nothing of either in main.cf" "$(grep -c -e postern -e multi_instance /etc/postfix/main.cf)" 0
is "nor in master.cf" "$(grep -c postern /etc/postfix/master.cf)" 0
not_ok "no account, no directories" sh -c 'getent passwd postern || ls -d /etc/postern /var/lib/postern /var/spool/postern-* /etc/postfix-postern*'
done_testing
