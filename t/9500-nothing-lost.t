#!/bin/sh
# nothing lost: messages through Postfix, postern and two instances, while all of it is killed, stopped, full and broken
#
# POSTERN_LOAD=N sends so many messages (2000), POSTERN_SEED=N kills others, POSTERN_STORM=1 tells what breaks when. What is done, and what explains a
# second copy, stands in t/load/storm.pl. Half of the mail is signed and encrypted on its way out, a quarter comes in sealed.
. "${0%/*}/lib.sh"
. "${0%/*}/faults.sh"
. "$SRC/t/mta/postfix.sh"
why=$(postfix_usable) || skip_all "$why"
postfix_usable
sanitized && skip_all "in the plain build only: it takes long"
command -v smtp-source >/dev/null || PATH=$PATH:/usr/sbin
[ -e /proc/$$/task/$$/children ] || skip_all "the kernel does not list children"
N=${POSTERN_LOAD:-2000}

S=$T/site
site_make "$S" || exit 1
letter "$S" "the text"
mkdir "$S/certs/public/@partner.example"
mv "$S/certs/public/bob.pem" "$S/certs/public/@partner.example/" # for all of the domain
postfix_external_hop=- postfix_scanner_hop=- postfix_internal_hop=-
# a small disk for the spool
small() { rm -rf "$S/spool"; mkdir "$S/spool" && mount -t tmpfs -o size=16M,mode=700 none "$S/spool" 2>/dev/null; }
storm=
end() {
	[ -z "$storm" ] || { kill "$storm" 2>/dev/null; wait "$storm"; } # it ends what it has started
	umount -l "$S/spool" 2>/dev/null
	cleanup
}
trap end EXIT
small || skip "the spool is full" "no mount allowed here"
postfix_make "$S" || exit 1

# The sinks have ports at the site's own address. What has to wait is tried again soon.
soon="minimal_backoff_time=1s maximal_backoff_time=2s queue_run_delay=1s"
postfix_set "$S" external "relayhost = [$postfix_address]:10024" &&
	postfix_set "$S" internal "relay_transport = smtp:[$postfix_address]:10023"
for name in carrier external internal; do postfix_set "$S" $name $soon; done
for name in external internal; do
	mkdir -p "$S/sink/$name"
	chown "$postfix_user" "$S/sink/$name"
done
# A second way into the carrier, whose clients are outside.
carrier=$S/mta/carrier
mta_fill "$SRC/etc/mta/postfix/carrier.main.cf" service=outside processes=20 | sed -n '/^outside_/p' >>"$carrier/main.cf"
mta_fill "$SRC/etc/mta/postfix/carrier.master.cf" service=outside "user=$postfix_user" "postern=$S/mta/programs/postern" "config=$S/postern.conf" |
	sed 's/\${client_address}/192.0.2.7/' >>"$carrier/master.cf"
printf '%s inet n - n - 40 smtpd -o content_filter=outside:outside\n' "$postfix_address:2526" >>"$carrier/master.cf"
cp "$SRC/t/helper/fake-module" "$S/mta/programs/"
chmod 644 "$S/in.eml"

perl "$SRC/t/load/storm.pl" "$S" "$N" ${POSTERN_SEED-} >"$T/result" 2>"$T/strange" &
storm=$!
wait $storm
code=$?
storm=
of() { sed -n "s/^$1 //p" "$T/result"; }
is "the storm came to its end" "$code $(of sent)" "0 $N"
[ "$code" = 0 ] || diag "$(cat "$T/result" "$T/strange"; tail -n 20 "$S/mta/carrier.log")"
diag "$(of seconds) s; killed: $(of killed-postern) postern ($(of killed-with-entry) with an entry in the journal, $(of killed-handing-over) while they" \
	"handed over), $(of killed-child) children, $(of killed-module) modules; twice: $(of twice) ($(of because))"
ok "attempts were cut off by the carrier's restart" test "$(of cut-off)" -ge 1
like "all that had to break broke" "$(of troubles)" '^([0-9]+) of \1$'
is "every message arrived at each of its recipients" "$(of arrived) $(of missing) $(of strange)" "$(of recipients) 0 0"
is "nothing is left in a queue" "$(of queued)" 0
is "nothing was returned" "$(of bounced) $(of reports)" "0 0"
is "every copy too many is explained" "$(of unexplained)" 0
is "who was handed over already was known to the next attempt" "$(of unnoticed)" 0
[ ! -s "$T/strange" ] || diag "$(head -n 40 "$T/strange")"
is "the journal is empty, and so is the spool" "$(find "$S/spool/journal" "$S/spool/tmp" "$S/spool/hold" -type f ! -name swept 2>/dev/null | wc -l)" 0

# ---- what arrived is what should
grep -L 'X-Rcpt-Args: <.*partner' "$S/sink/external/"* >"$T/list"
is "outside went what belongs there" "$(wc -l <"$T/list")" 0
grep -l '^XXXX' "$S/sink/external/"* >"$T/list"
is "nothing of it in clear" "$(wc -l <"$T/list")" 0
wrong=0 checked=0
for file in $(ls "$S/sink/external/"* | awk -v n="$(ls "$S/sink/external" | wc -l)" 'NR % int(n / 20 + 1) == 0'); do
	checked=$((checked + 1))
	sed '1,/^Received: .*smtp-sink/{/^X-/d}' "$file" >"$T/mail"
	openssl cms -decrypt -in "$T/mail" -recip "$S/bob.pem" -inkey "$S/bob.key" -out "$T/opened" 2>/dev/null &&
		openssl cms -verify -in "$T/opened" -CAfile "$S/ca.pem" -purpose any -out "$T/text" 2>/dev/null && grep -q XXXX "$T/text" || wrong=$((wrong + 1))
done
is "a sample of $checked can be decrypted, and the signature is good" "$wrong" 0
is "what came sealed was opened and found good" "$(grep -l '^X-Rcpt-Args: <.*-alice@' "$S/sink/internal/"* | xargs grep -L 'smime=pass' | wc -l)" 0
is "... to its text" "$(grep -l '^X-Rcpt-Args: <.*-alice@' "$S/sink/internal/"* | xargs grep -L '^the text' | wc -l)" 0
done_testing
