#!/bin/sh
# The mailer line of an installation that called another program, with nothing changed but the path; and what the templates become
. "${0%/*}/lib.sh"
. "$SRC/t/mta/sendmail.sh"
why=$(sendmail_usable) || skip_all "$why"
site=$T/site
site_make "$site"
sendmail_mailer="Mpostern, P=$site/mta/programs/postern, F=sDFmMoqeu9, T=X-Unix/X-Unix/X-Unix,
	A=$site/mta/programs/postern -c $site/postern.conf -client \${client_addr} -readmail \$u"
sendmail_site "$site" || { fail "carrier and instances run"; done_testing; exit 1; }

letter() { tr -d '\r' <"$site/sink/$1/$2.msg"; }
senders() { tr -d '\r' <"$site/sink/$1/log" | sed -n 's/^MAIL From:\(.*>\).*/\1/p'; }
mail() { # SIDE SENDER RECIPIENT...
	side=$1 from=$2
	shift 2
	message "From: alice@behoerde.example" "To: all" "Subject: x" <<E | sendmail_send "$site" "$side" "$from" "$@" >/dev/null
the plain words
E
}
mail inside alice@behoerde.example bob@partner.example carol@other.example anna@behoerde.example
ok "outwards" wait_mail "$site" external 2
ok "and to the inside" wait_mail "$site" internal 1
is "the sender comes with the From line" "$(senders external | sort -u)" '<alice@behoerde.example>'
unlike "which is no part of the message" "$(letter internal 1)" '^From alice@'
is "all recipients, sealed and not" "$(accepted "$site" external | cut -d' ' -f1 | sort | tr '\n' ' ')$(accepted "$site" internal | cut -d' ' -f1)" \
	"bob@partner.example carol@other.example anna@behoerde.example"
openssl cms -encrypt -aes-256-cbc -in "$site/rules" -from bob@partner.example -to alice@behoerde.example -subject in "$site/alice.pem" |
	sendmail_send "$site" outside bob@partner.example alice@behoerde.example >/dev/null
ok "inwards" wait_mail "$site" internal 2
mail inside '' bob@partner.example
ok "without a sender" wait_mail "$site" external 3
is "it has none" "$(senders external | tail -n 1)" '<>'
printf '. (to) nobody@ (do) REJECT=no mail for nobody\n' >>"$site/rules"
mail inside alice@behoerde.example nobody@partner.example
ok "a refusal comes back" wait_mail "$site" internal 3
like "with our words" "$(letter internal 3)" '^5\.7\.1 .*no mail for nobody'
is "without a sender" "$(senders internal | tail -n 1)" '<>'

# ---- what the template has in addition, and why
sendmail_stop "$site" internal
mail outside carol@other.example alice@behoerde.example
ok "mail from outside waits" wait_for 120 grep -q '^MDeferred' "$site"/mta/queue-carrier/qf*
sendmail_flush "$site" carrier
is "at the second attempt the client is forgotten: it passes for our own" \
	"$(grep 'from=<carol@other.example>' "$site/log" | sed 's/.*client=\(.*\) destination.*/\1/' | tr '\n' ',')" "127.0.3.1,this machine,"
rm -f "$site"/mta/queue-carrier/*
sendmail_stop "$site" carrier
printf 'LOCAL_CONFIG\nC{persistentMacros}{client_addr}\n' >>"$site/mta/postern.m4"
sendmail_configure "$site" carrier
sendmail_start "$site" carrier
mail outside dora@other.example alice@behoerde.example
ok "with the class it waits, too" wait_for 120 grep -q '^MDeferred' "$site"/mta/queue-carrier/qf*
sendmail_flush "$site" carrier
is "and remains mail from outside" \
	"$(grep 'from=<dora@other.example>' "$site/log" | sed 's/.*client=\(.*\) destination.*/\1/' | tr '\n' ',')" "127.0.3.1,127.0.3.1,"

# ---- the templates with other values
# filled NAME WORD=VALUE...: external.mc and so on to a cf, in $T/NAME.cf
filled() {
	name=$1
	shift
	mta_fill "$SRC/etc/mta/sendmail/$name.mc" "instance=postern-$name" hostname=mx.behoerde.example user=$sendmail_user queue="$T/q" data="$T/d" \
		"config_dir=$SRC/etc/mta/sendmail" processes=7 'carrier=[127.0.0.1]:25' "$@" >"$T/$name.mc" && m4 "$T/$name.mc" 2>&1 >"$T/$name.cf"
}
route() { # NAME ADDRESS
	"$site/mta/programs/sendmail" -C "$T/$1.cf" -bv "$2" 2>&1 | sed -n 's/.*deliverable: mailer \([^,]*\), host \([^,]*\), .*/\1 \2/p'
}
mkdir -p "$T/q"
two='behoerde.example, .behoerde.example amt.example'
is "m4 has nothing to say" "$(filled external local_domains="$two" 'next_hop=[10.1.0.7]:2525' 'listen=127.0.0.1:10025')" ""
is "our domains and those below, others" "$(route external a@behoerde.example),$(route external a@x.y.behoerde.example),$(route external a@amt.example),$(
	route external a@x.amt.example),$(route external a@partner.example)" \
	"carrier [127.0.0.1],carrier [127.0.0.1],carrier [127.0.0.1],next [10.1.0.7],next [10.1.0.7]"
is "port and listener" "$(grep -A1 '^Mnext' "$T/external.cf" | tail -n 1 | tr -d '\t') $(grep DaemonPort "$T/external.cf")" \
	"A=TCP \$h 2525 O DaemonPortOptions=Name=postern, Family=inet, Addr=127.0.0.1, Port=10025"
is "the queue's processes" "$(grep MaxQueueChildren "$T/external.cf")" "O MaxQueueChildren=7"
filled external local_domains=behoerde.example next_hop= listen=
is "no next hop: by MX" "$(route external a@partner.example)" "next partner.example"
is "no listener: a socket" "$(grep DaemonPort "$T/external.cf")" "O DaemonPortOptions=Name=postern, Family=local, Addr=$T/d/socket"
filled internal local_domains="$two" 'next_hop=[fd00::7]:26' 'listen=[::1]:10027'
is "IPv6" "$(route internal a@behoerde.example),$(grep -A1 '^Mnext' "$T/internal.cf" | tail -n 1 | tr -d '\t'),$(grep DaemonPort "$T/internal.cf")" \
	"next [IPv6:fd00::7],A=TCP \$h 26,O DaemonPortOptions=Name=postern, Family=inet6, Addr=::1, Port=10027"
is "and the other way: the carrier" "$(route internal a@partner.example)" "carrier [127.0.0.1]"
filled scanner local_domains=behoerde.example 'next_hop=scanner.behoerde.example' 'listen=127.0.0.1:10026'
is "a name without a port" "$(route scanner a@behoerde.example),$(grep -A1 '^Mnext' "$T/scanner.cf" | tail -n 1 | tr -d '\t')" \
	"next scanner.behoerde.example,A=TCP \$h 25"

# ---- several tenants
site2=$T/tenants
mkdir -p "$site2/mta"
cp "$site/mta/carrier.mc" "$site/mta/postern.m4" "$site2/mta/"
sed -i "s|$site|$site2|g" "$site2/mta/carrier.mc"
for tenant in a b; do
	sed "s/^Mpostern/Mpostern-$tenant/; /^LOCAL_CONFIG/,\$d" "$site/mta/postern.m4" >"$site2/mta/postern-$tenant.m4"
	printf "include(\`%s')dnl\n" "$site2/mta/postern-$tenant.m4" >>"$site2/mta/carrier.mc"
	printf '%s.example\tpostern-%s:postern-%s\n' $tenant $tenant $tenant >>"$site2/mta/mailertable"
done
mta_fill "$SRC/etc/mta/sendmail/tenants.m4" "config_dir=$site2/mta" >"$site2/mta/tenants.m4"
printf "include(\`%s')dnl\n" "$site2/mta/tenants.m4" >>"$site2/mta/carrier.mc"
printf '.\tpostern:postern\n' >>"$site2/mta/mailertable"
printf '10.1.0.5\tpostern-a\n10.2.0.5\tpostern-b\n' >"$site2/mta/tenants"
mkdir -p "$site2/mta/programs" "$site2/mta/queue-carrier"
cp -R "$site/mta/programs/." "$site2/mta/programs"
ok "the carrier of several tenants" sendmail_configure "$site2" carrier
for map in mailertable tenants; do
	"$site/mta/programs/makemap" -C "$site2/mta/carrier.cf" hash "$site2/mta/$map" <"$site2/mta/$map" 2>/dev/null
done
from() { # CLIENT RECIPIENT: the mailer
	printf '.D{client_addr}%s\n/parse %s\n' "$1" "$2" | "$site/mta/programs/sendmail" -C "$site2/mta/carrier.cf" -bt 2>/dev/null |
		sed -n 's/^mailer \([^,]*\),.*user \(.*\)/\1 \2/p'
}
is "what comes in goes by its recipient, what goes out by its relay" "$(from 192.0.2.1 x@a.example),$(from 192.0.2.1 x@b.example),$(
	from 10.1.0.5 x@partner.example),$(from 10.2.0.5 x@partner.example),$(from 10.2.0.5 x@a.example),$(from 10.3.0.5 x@partner.example)" \
	"postern-a x@a.example,postern-b x@b.example,postern-a x@partner.example,postern-b x@partner.example,postern-b x@a.example,postern x@partner.example"
done_testing
