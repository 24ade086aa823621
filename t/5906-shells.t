#!/bin/sh
# the operator's tools say the same under every shell and every awk that is installed; mail servers are played
. "${0%/*}/lib.sh"
. "${0%/*}/queues.sh"
sanitized && skip_all "in the plain build only: nothing of this is in C"
PATH=$PATH:/usr/sbin:/sbin
command -v postconf >/dev/null || skip_all "Postfix is not installed"

# the tools with a PATH that begins with this test's awk, and a clock that stands still
mkdir -p "$T/share" "$T/awk" "$T/bin"
cp "$SRC"/bin/*.sh "$SRC"/bin/*.awk "$T/share/"
cp -R "$SRC/etc/mta" "$T/share/mta"
cp -R "$SRC/etc" "$T/share/examples"
for name in mailq-all deliver-all postern-setup; do
	sed -e "s|@postern@|$BUILD/postern|; s|@share@|$T/share|; s|@sysconfdir@|$T/etc|; s|@localstatedir@|$T/var|; s|@version@|1|" \
		-e "s|^PATH=|&$T/awk:|" "$SRC/bin/$name.in" >"$T/bin/$name"
done
sed -i "s|^	PATH=|&$T/awk:|" "$T/share/queues.sh"
sed -i 's/^\(	*now=\).*/\12000000000/' "$T/share/queues.sh" "$T/bin/deliver-all"

# ---- two tenants: a Postfix and a Sendmail, mail of all kinds
for name in carrier external internal; do played $name; done
one() { # QUEUE ID AGE REASON
	printf '{"queue_name": "%s", "queue_id": "%s", "arrival_time": %s, "message_size": 70000, "forced_expire": false, "sender": "a@b", ' "$1" "$2" $((2000000000 - $3))
	printf '"recipients": [{"address": "\\"a b\\"@x", "delay_reason": "%s"}, {"address": "\303\244@y"}, {"address": "z", "delay_reason": ""}]}\n' "$4"
}
{ one deferred A 90000 'say \"no\" \\\\ \u00e4 \ud83d\ude00 \u001b[2J'; one hold B 5 x; echo nonsense; } >"$T/carrier/out"
one active C 10 '' >"$T/external/out"
echo 'postqueue: warning: something' >"$T/internal/said"
mkdir -p "$T/mqueue" "$T/etc/postern/spool/hold"
printf 'V8\nT1999999000\nK0\nMDeferred: \033[2J\303\n$_x\nS<a b@c>\nrRFC822; x\nRPFD:<d\\e@f>\n.\n' >"$T/mqueue/qf1A"
printf 'text' >"$T/mqueue/df1A"
echo damaged >"$T/mqueue/qf1B"
printf 'O QueueDirectory=%s\nO PidFile=%s/none\n' "$T/mqueue" "$T" >"$T/sendmail.cf"
printf 'id: h\nheld: 2033-05-18T03:16:40Z\nsender: s@b\nreason: scan\ntext: why \\\\ not\nrecipient: r@b\nrecipient: q@b\nreturned: q@b\n' >"$T/etc/postern/spool/hold/h.hold"
echo text >"$T/etc/postern/spool/hold/h.eml"
touch -d @1999999000 "$T"/mqueue/* "$T"/etc/postern/spool/hold/*
tenant "$T/etc/postern/postern.conf" "carrier_queue = postfix:$T/carrier" "external_queue = postfix:$T/external" "internal_queue = postfix:$T/internal"
tenant "$T/etc/postern/amt/postern.conf" "external_queue = sendmail:$T/sendmail.cf" "internal_queue = sendmail:$T/sendmail.cf"
printf '#!/bin/sh\n[ "$1" != -d0.1 ] || echo Version 8.17.1\n' >"$T/sendmail"
printf '#!/bin/sh\ncat >"$4"\n' >"$T/makemap" # -C CF hash FILE
chmod 755 "$T/sendmail" "$T/makemap"

# ---- the two mail servers for postern-setup
mkdir -p "$T/postfix" "$T/mail"
printf '%s\n' 'compatibility_level = 3.6' 'myhostname = mx.behoerde.example' 'relay_domains = behoerde.example,' '  .amt.example' \
	'transport_maps = inline:{ {behoerde.example = smtp:[10.1.0.7]:2526} }' 'relayhost = [192.0.2.25]' 'mynetworks = 127.0.0.1/32, 10.1.0.0/16' 'inet_interfaces = loopback-only' \
	>"$T/postfix/main.cf"
printf 'smtp inet n - y - - smtpd\n  -o content_filter=old:1\nsmtp unix - - n - - smtp\n' >"$T/postfix/master.cf"
cf=/usr/share/sendmail/cf/m4/cf.m4
printf '%s\n' "include(\`$cf')dnl" "OSTYPE(\`linux')dnl" "define(\`SMART_HOST', \`esmtp:[192.0.2.25]')dnl" "FEATURE(\`mailertable')dnl" \
	"MAILER(\`local')dnl" "MAILER(\`smtp')dnl" >"$T/mail/sendmail.mc"
[ ! -f $cf ] || m4 "$T/mail/sendmail.mc" >"$T/mail/sendmail.cf"
printf '%s\n' '# ours' 'behoerde.example	esmtp:[10.1.0.7]' '.amt.example	esmtp:[10.1.0.7]' >"$T/mail/mailertable"
printf '%s\n' behoerde.example 10.1 'IPv6:2001:db8' >"$T/mail/relay-domains"
chmod 711 "$T"

# ---- everything, under one shell and one awk: what it says, and how it ends
user=daemon
[ "$(id -u)" = 0 ] || user=$(id -un)
places="-user $user -sysconfdir $T/etc2 -spooldir $T/var -statedir $T/var -logdir $T/var -unitdir $T/units"
postfix="postern-setup -mta postfix -config $T/postfix $places"
sendmail="postern-setup -mta sendmail -config $T/mail -sendmail $T/sendmail -hostname mx.behoerde.example $places"
cat >"$T/commands" <<END
mailq-all -v -older 6s
mailq-all -json
mailq-all -summary -warn 30h
deliver-all -wait 0 -sendmail $T/sendmail
postern-setup -port
$postfix -port 10525 -scanner 10.1.0.8 -internal 10.1.0.7:2526
END
statuses="2 2 2 2 64 0"
[ ! -f $cf ] || {
	echo "$sendmail -tenant y -domains y.example -internal 10.2.0.7 -internal-clients 10.2.0.0/16,2001:db8:2::/48 -inject command"
	statuses="$statuses 0"
} >>"$T/commands"
all_of_it() { # SHELL
	while read -r program options <&3; do
		echo "--- $program $options"
		# shellcheck disable=SC2086 # words
		{ $1 "$T/bin/$program" $options 2>&1 3<&-; echo "status $?"; } | sed 's|/tmp/postern-setup\.[A-Za-z0-9]*|W|g'
	done 3<"$T/commands"
}
use_awk() { # WORD...
	printf '#!/bin/sh\nexec %s "$@"\n' "$*" >"$T/awk/awk"
	chmod 755 "$T/awk/awk"
}

use_awk "$(PATH=/usr/bin:/bin command -v awk)"
all_of_it sh >"$T/reference"
like "the commands do their work" "$(tr '\n' ' ' <"$T/reference")" 'Mails to and from Postern.*"queues":.*-port wants.*What would be done'
like "what an instance returns goes to an address of the carrier that it does not take for its own" "$(cat "$T/reference")" \
	'relayhost = \[127\.0\.0\.2\]:25'
like "which may need a line of its own" "$(tr -s '\n ' '  ' <"$T/reference")" 'master\.cf the line .?127\.0\.0\.2:25 inet n - n - - smtpd'
is "each ends as it should" "$(sed -n 's/^status //p' "$T/reference" | tr '\n' ' ')" "$statuses "

printf '%s\n' 'sh|original-awk' 'busybox sh|busybox awk' >"$T/rows"
! command -v gawk >/dev/null || echo 'sh|gawk' >>"$T/rows" # (not among the tests' packages, as it would become the machine's awk)
while IFS='|' read -r shell awk; do
	for program in ${shell%% *} ${awk%% *}; do
		command -v "$program" >/dev/null || { skip "$shell and $awk" "no $program here"; continue 2; }
	done
	use_awk "$(command -v "${awk%% *}")" ${awk#"${awk%% *}"}
	all_of_it "$shell" >"$T/out"
	ok "$shell and $awk say the same" diff "$T/reference" "$T/out"
done <"$T/rows"
done_testing
