#!/bin/sh
# postern-setup: two tenants behind one Sendmail, told apart both ways, one with a scanner and -inject command; removed in either order
. "${0%/*}/lib.sh"
. "${0%/*}/mta/machine.sh"
why=$(machine_usable) || skip_all "$why"
why=$(machine_sendmail_usable) || skip_all "$why"
machine_enter "$@"
machine_install && machine_sendmail || diag "the machine could not be made"
printf '%s\n' 'klinik.example	esmtp:[127.0.0.4]' >>/etc/mail/mailertable
printf '%s\n' klinik.example 127.0.1 127.0.2 >>/etc/mail/relay-domains
/run/programs/makemap -C /etc/mail/sendmail.cf hash /etc/mail/mailertable </etc/mail/mailertable && kill -HUP "$(sed -n 1p /run/sendmail.pid)"
machine_sink out 127.0.0.2 25
machine_sink in 127.0.0.3 25
machine_sink klinik 127.0.0.4 25
machine_sink scanner 127.0.0.5 25 -forward 127.0.2.1,127.0.0.1:25
machine_state "$T/before"
run_sendmail_setup() { run_setup -mta sendmail -sendmail /run/programs/sendmail "$@"; }
idle() { [ "$(find /var/spool/mqueue* -type f | wc -l)" = 0 ]; }
back() { # WHAT
	machine_state "$T/after"
	ok "$1" diff "$T/before" "$T/after"
}

# ---- what stands in the way ----
refused() { # WHAT STATUS TEXT OPTION...
	what=$1 status=$2 text=$3
	shift 3
	out=$(run_sendmail_setup "$@" 2>&1 >/dev/null)
	is "$what: status" $? "$status"
	like "$what: said" "$out" "$text"
}
refused "a tenant without domains" 65 '-domains +which domains are those of tenant behoerde' -tenant behoerde
refused "a network that ends within a number" 69 '10[.]1[.]0[.]0/20: .* a network ends at a dot' -tenant behoerde -domains behoerde.example -internal-clients 10.1.0.0/20

# ---- two tenants ----
behoerde="-tenant behoerde -domains behoerde.example"
klinik="-tenant klinik -domains klinik.example"
run_sendmail_setup -apply $behoerde -internal-clients "127.0.0.1 127.0.1.0/24" >"$T/one" 2>&1
is "the first tenant: status" $? 0
like "its next hop is the domain's" "$(cat "$T/one")" '-internal +127.0.0.3 +./etc/mail/mailertable'
refused "the default tenant beside it" 69 'has tenants already'
refused "clients of another tenant" 69 '127.0.1 belongs to postern-behoerde already' $klinik -internal-clients 127.0.1.0/24
refused "domains of another tenant" 69 'behoerde.example belongs to postern-behoerde already' -tenant klinik -domains behoerde.example -internal-clients 127.0.2.9 -internal 127.0.0.4
run_sendmail_setup -apply $klinik -internal-clients "127.0.0.1 127.0.2.2 2001:db8::5 2001:db8:2::/48" -probe-to joe@partner.example \
	-scanner 127.0.0.5 -scanner-clients 127.0.2.1 -inject command >"$T/two" 2>&1
is "the second tenant: status" $? 0
for leg in 'next hop inside, 127.0.0.4, takes mail to postmaster@klinik.example' 'from outside to inside: postern, postern-klinik-scanner, the scanner' \
	'inside: the mail server, postern, postern-klinik-internal' 'from inside to outside: postern, postern-klinik-external'; do
	like "test: $leg" "$(cat "$T/two")" "^  ok +$leg"
done
is "apply again: nothing to do" "$(run_setup -apply -tenant behoerde | tail -n 1)" 'nothing to do'
is "for both" "$(run_setup -apply -tenant klinik | tail -n 1)" 'nothing to do'
send() { printf 'From: %s\nSubject: %s\n\ntext\n' "$2" "$4" | perl "$SRC/t/helper/smtp-send" -source "$1" 127.0.0.1 25 "$2" "$3" >"$T/reply" 2>&1; }
send 127.0.7.7 bob@partner.example alice@behoerde.example in-one
send 127.0.7.7 bob@partner.example doc@klinik.example in-two
send 127.0.1.5 alice@behoerde.example ann@partner.example out-one
send 127.0.2.2 doc@klinik.example jim@partner.example out-two
ok "mail for the first" wait_for 120 grep -q '^alice@behoerde.example ' "$T/in/accepted"
ok "mail for the second, to its own next hop" wait_for 120 grep -q '^doc@klinik.example ' "$T/klinik/accepted"
is "by way of the scanner" "$(grep -ci '^RCPT TO:<doc@klinik.example>' "$T/scanner/log")" 1
is "the second's daemons listen nowhere" "$(head -qn 1 /var/lib/sendmail-postern-klinik-*/sendmail.pid | xargs ps -o pid= -p | wc -l) $(ss -Hltn 'sport >= :10035' | wc -l)" "3 0"
ok "mail from the first" wait_for 120 grep -q '^ann@partner.example ' "$T/out/accepted"
like "by its own instance" "$(grep -l '^Subject: out-one' "$T"/out/*.msg | xargs cat)" 'by postern-behoerde-external'
ok "mail from the second" wait_for 120 grep -q '^jim@partner.example ' "$T/out/accepted"
like "by its own instance" "$(grep -l '^Subject: out-two' "$T"/out/*.msg | xargs cat)" 'by postern-klinik-external'
whose() { printf '.D{client_addr}%s\n/try x y\nPosternTenant %s\n' "$1" "$1" | /run/programs/sendmail -C /etc/mail/sendmail.cf -bt 2>/dev/null | sed -n 's/ //g; s/^>*PosternTenant *returns: *//p' | tail -n 1; }
is "addresses of version 6, single and by network" "$(whose IPv6:2001:db8:0:0:0:0:0:5) $(whose IPv6:2001:db8:2:1:0:0:0:9) $(whose IPv6:2001:db8:3:0:0:0:0:5) $(whose 10.127.0.1)" \
	"postern-klinik postern-klinik ? ?"
ok "the queues are empty" wait_for 120 idle

# ---- the first goes first ----
run_setup -remove -tenant behoerde >"$T/one" 2>&1
is "the first goes: status" $? 0
is "the second has all it needs" "$(run_setup -apply -tenant klinik | tail -n 1)" 'nothing to do'
send 127.0.7.7 bob@partner.example alice@behoerde.example past
ok "mail for the first goes where it went before" wait_for 120 sh -c "grep -l '^Subject: past' '$T'/in/*.msg"
unlike "past postern" "$(grep -l '^Subject: past' "$T"/in/*.msg | xargs cat)" 'postern'
send 127.0.2.2 doc@klinik.example kim@partner.example on
ok "that of the second goes on" wait_for 120 sh -c "grep -l '^Subject: on' '$T'/out/*.msg"
like "by its instance" "$(grep -l '^Subject: on' "$T"/out/*.msg | xargs cat)" 'by postern-klinik-external'
ok "the queues are empty" wait_for 120 idle
run_setup -remove -tenant klinik >"$T/two" 2>&1
is "the second goes: status" $? 0
back "everything is as before, byte by byte"

# ---- the other way round, with an operator's line in between ----
run_sendmail_setup -apply $behoerde -internal-clients 127.0.1.0/24 >"$T/one" 2>&1
is "the first tenant again" $? 0
run_sendmail_setup -apply $klinik -internal-clients 127.0.2.0/24 >"$T/two" 2>&1
is "the second, too" $? 0
ok "the queues are empty" wait_for 120 idle
cp -p /etc/mail/mailertable "$T/mailertable"
printf '# mine\n' >>/etc/mail/mailertable
run_setup -remove -tenant klinik >"$T/two" 2>&1
is "the second goes first: status" $? 0
is "mailertable has the operator's line, and the first tenant's" "$(grep -c -e '^# mine' -e '^behoerde.example	postern-behoerde' -e '^klinik.example	esmtp:.127.0.0.4' /etc/mail/mailertable)" 3
sed -i '/^# mine/d' /etc/mail/mailertable
rm -f /etc/mail/*.kept-by-postern-setup
run_setup -remove -tenant behoerde >"$T/one" 2>&1
is "the first goes" $? 0
back "everything is as before, byte by byte"
done_testing
