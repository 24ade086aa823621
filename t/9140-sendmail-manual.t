#!/bin/sh
# What postern-sendmail(7) tells to type is typed, with other directories
. "${0%/*}/lib.sh"
. "$SRC/t/mta/sendmail.sh"
why=$(sendmail_usable) || skip_all "$why"
command -v mandoc >/dev/null 2>&1 || skip_all "no mandoc"
mandoc -Tascii "$SRC/man/postern-sendmail.7" | col -b | expand >"$T/page"
# between FIRST LAST: the lines of the page from one that matches FIRST up to one that matches LAST
between() { awk -v first="$1" -v last="$2" '!on && $0 ~ first { on = 1 } on { print } on && $0 ~ last { exit }' "$T/page"; }

# ---- the instances and the mailer
mkdir -p "$T/etc/mail/postern"
{
	between 'cd /usr/local/share/postern' '^ *done$'
	between 'sed -e .s.@service@' 'mailer.m4 >'
} | sed "s|/usr/local/share/postern/mta/sendmail|$SRC/etc/mta/sendmail|; s|/etc/mail|$T/etc/mail|g; s/@user@|postern|/@user@|$sendmail_user|/" >"$T/typed"
like "the commands are there" "$(tr '\n' ' ' <"$T/typed")" 'instance\.m4 .*for i in .*\$i\.mc .* mailer\.m4 '
ok "they work" sh -e "$T/typed"
is "what is left to the editor is what the page says" "$(cat "$T"/etc/mail/postern/*.mc "$T/etc/mail/postern.m4" | grep -o '@[a-z_]*@' | sort -u | tr '\n' ' ')" \
	"@listen@ @next_hop@ "
for name in external internal scanner; do
	sed -i 's/@next_hop@/[10.1.0.7]:25/; /@listen@/d' "$T/etc/mail/postern/$name.mc"
	is "m4 has nothing to say of $name" "$(cd "$T/etc/mail/postern" && m4 $name.mc 2>&1 >$name.cf)" ""
	is "and its configuration is whole" "$(grep -c '^Mnext\|^Mcarrier\|^O RunAsUser\|^O QueueDirectory=/var/spool/mqueue-postern-'$name "$T/etc/mail/postern/$name.cf")" 4
done

# ---- a message that waits, explained
site=$T/site
site_make "$site" && sendmail_make "$site" && sendmail_start "$site" carrier || { fail "the carrier runs"; done_testing; exit 1; }
sed 's/^O DirectSubmissionModifiers.*/O DirectSubmissionModifiers=c u/' "$site/mta/internal.cf" >"$site/mta/asking.cf"
asks() { "$sendmail" -d60.1 -C "$site/mta/$1.cf" -bv alice@behoerde.example 2>&1 | grep -c 'map_lookup(host,'; }
is "by command: no name server is asked for the domains" "$(asks internal) $(asks asking)" "0 1"
message "From: alice@behoerde.example" "To: bob@partner.example" "Subject: folded
	field" <<E | sendmail_send "$site" inside alice@behoerde.example bob@partner.example >/dev/null
hello
E
ok "a message waits, for the instances do not run" wait_for 120 grep -q '^MDeferred' "$site"/mta/queue-carrier/qf*
sendmail_stop "$site" carrier
id=$(basename "$(ls "$site"/mta/queue-carrier/qf*)")
between 'cd /var/spool/mqueue' '>/tmp/message' |
	sed "s|/var/spool/mqueue|$site/mta/queue-carrier|; s|6AM4QkpC004001|${id#qf}|g; s|/tmp/message|$T/message|" >"$T/typed"
ok "its files become the message" sh -e "$T/typed"
is "that it was" "$(sed '/^Received/,/^[^	]/ { /^[R	]/d; }; /^Date:/d; /^Message-Id:/d' "$T/message")" "From: alice@behoerde.example
To: bob@partner.example
Subject: folded
	field

hello"
[ "$(id -u)" != 0 ] || chown -R 0 "$site/spool" "$site/certs" "$site"/mac.key # (the page says runuser)
plan=$("$BUILD/postern" -c "$site/postern.conf" -explain -client 10.0.0.5 -sender alice@behoerde.example -readmail bob@partner.example \
	<"$T/message" 2>&1)
like "and postern explains it" "$plan" 'bob@partner\.example'
done_testing
