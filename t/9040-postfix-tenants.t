#!/bin/sh
# Several tenants behind one Postfix: inwards the recipient's domain decides, outwards the client, or the sender where tenants
# share a relay. A message for two tenants is parted; one tenant's mail to the other goes out sealed and comes in opened.
. "${0%/*}/lib.sh"
. "$SRC/t/mta/postfix.sh"
why=$(postfix_usable) || skip_all "$why"
postfix_usable

# tenant a: behoerde.example, its users connect from 127.0.1.1; tenant b: amt.example, from 127.0.4.1; both may come from 127.0.5.1
A=$T/a B=$T/b
site_make "$A"
site_make "$B"
cp "$A/ca.pem" "$A/ca.key" "$B/"
cp "$A/ca.pem" "$B/certs/ca/"
site_certificate "$B" dora dora@amt.example
(umask 077 && cat "$B/dora.key" "$B/dora.pem" >"$B/certs/private/dora.pem")
cp "$B/dora.pem" "$A/certs/public/"
cp "$A/alice.pem" "$B/certs/public/"
for site in "$A" "$B"; do printf '%s\n' '. (to) . (do) NE,NS' '. (to) @(behoerde|amt)\.example$ (do) FE,FS' >"$site/rules"; done
postfix_make "$A"
entrance=$postfix_address
postfix_make "$B"
conf "$A" "internal_clients = 127.0.0.1 127.0.1.0/24 127.0.5.0/24"
conf "$B" "internal_clients = 127.0.0.1 127.0.4.0/24 127.0.5.0/24" "local_domains = amt.example" "hostname = mx.amt.example"
postfix_set "$B" external "relay_domains = amt.example" "relay_transport = smtp:[$entrance]:2525"
postfix_set "$B" internal "relay_domains = mx.amt.example, amt.example" "relayhost = [$entrance]:2525"
postfix_own "$A"
postfix_own "$B"

# The second service, and who belongs to whom, as in postern-postfix(7).
mta_fill "$SRC/etc/mta/postfix/carrier.master.cf" "postern=$B/mta/programs/postern" "config=$B/postern.conf" "user=$postfix_user" \
	service=postern-b >>"$A/mta/carrier/master.cf"
mta_fill "$SRC/etc/mta/postfix/carrier.main.cf" service=postern-b processes=20 | grep '^postern-b' >>"$A/mta/carrier/main.cf"
printf '%s\n' 'behoerde.example postern:postern' '.behoerde.example postern:postern' 'amt.example postern-b:postern-b' >"$A/mta/domains"
printf '%s\n' '127.0.1.0/24 FILTER postern:postern' '127.0.4.0/24 FILTER postern-b:postern-b' '127.0.5.0/24 by_sender' >"$A/mta/clients"
printf '%s\n' 'behoerde.example FILTER postern:postern' 'amt.example FILTER postern-b:postern-b' >"$A/mta/senders"
printf '%s\n' '@behoerde.example postern:postern' '@amt.example postern-b:postern-b' >"$A/mta/origins"
postfix_set "$A" carrier content_filter= "mynetworks = 127.0.0.1, $entrance, 127.0.1.0/24, 127.0.4.0/24, 127.0.5.0/24" \
	"relay_domains = behoerde.example, amt.example" "transport_maps = texthash:$A/mta/domains" \
	"smtpd_restriction_classes = by_sender" "by_sender = check_sender_access texthash:$A/mta/senders" \
	"smtpd_client_restrictions = check_client_access cidr:$A/mta/clients" \
	"sender_dependent_default_transport_maps = texthash:$A/mta/origins"
is "Postfix has nothing to say about the configuration" "$(postconf -c "$A/mta/carrier" -n 2>&1 >/dev/null)" ""
postfix_start "$A" all && for each in external internal; do postfix_start "$B" $each; done && pass "the servers run" || fail "the servers run"

send() { # SOURCE SENDER RECIPIENT...: $reply
	source=$1 from=$2
	shift 2
	reply=$(printf 'From: %s\nTo: %s\nSubject: test\n\ntext of %s\n' "$from" "$1" "$from" |
		perl "$SRC/t/helper/smtp-send" -source "$source" "$entrance" 2525 "$from" "$@")
	[ "${reply%% *}" = 250 ] || diag "$from: $reply"
}
quiet() { # nothing is on its way
	for each in carrier external internal; do wait_queue "$A" $each 0 || return 1; done
	for each in external internal; do wait_queue "$B" $each 0 || return 1; done
}
who() { accepted "$1" "$2" | cut -d' ' -f1 | sort | tr '\n' ' '; }
forget() {
	for each in "$A" "$B"; do for side in external internal; do : >"$each/sink/$side/accepted"; done; done
}

# ---- inwards ----
send 127.0.3.1 bob@partner.example alice@behoerde.example dora@amt.example x@behoerde.example
ok "a message from outside for two tenants" quiet
is "reaches the one's users" "$(who "$A" internal)" "alice@behoerde.example x@behoerde.example "
is "and the other's" "$(who "$B" internal)" "dora@amt.example "
like "with the one's result" "$(cat "$(sink_message "$A" internal alice@behoerde.example)")" '^Authentication-Results: mx.behoerde.example'
like "and the other's" "$(cat "$(sink_message "$B" internal dora@amt.example)")" '^Authentication-Results: mx.amt.example'
is "nothing goes out again" "$(who "$A" external)$(who "$B" external)" ""
forget

# ---- outwards ----
send 127.0.1.1 alice@behoerde.example c@behoerde.example dora@amt.example bob@partner.example
ok "a message of one tenant's user to a colleague, the other tenant, and the world" quiet
is "reaches the colleague" "$(who "$A" internal)" "c@behoerde.example "
is "does not go straight to the other tenant" "$(who "$B" internal)" ""
is "but leaves by the sender's own way" "$(who "$A" external)" "bob@partner.example dora@amt.example "
sealed=$(sink_message "$A" external dora@amt.example)
like "sealed" "$(cat "$sealed")" 'smime-type=enveloped-data'
postfix_content "$sealed" | perl "$SRC/t/helper/smtp-send" -source 127.0.3.1 "$entrance" 2525 alice@behoerde.example dora@amt.example >/dev/null
ok "and when it comes back from the world" quiet
is "reaches the other tenant" "$(who "$B" internal)" "dora@amt.example "
opened=$(tail -n 1 "$B/sink/internal/accepted")
like "opened" "$(cat "$B/sink/internal/${opened##* }.msg")" 'text of alice@behoerde.example'
forget
send 127.0.4.1 dora@amt.example bob@partner.example
ok "a message of the other tenant's user" quiet
is "leaves by the other tenant's way" "$(who "$A" external)/$(who "$B" external)" "/bob@partner.example "
forget

# ---- a relay that both share ----
send 127.0.5.1 alice@behoerde.example one@partner.example
send 127.0.5.1 dora@amt.example two@partner.example
ok "from a shared relay" quiet
is "the sender's domain decides" "$(who "$A" external)/$(who "$B" external)" "one@partner.example /two@partner.example "
forget
send 127.0.3.1 alice@behoerde.example dora@amt.example
ok "from outside" quiet
is "the sender's domain decides nothing" "$(who "$A" internal)/$(who "$B" internal)" "/dora@amt.example "
forget

# ---- this machine ----
printf 'From: dora@amt.example\nSubject: test\n\nx\n' | sendmail -C "$A/mta/carrier" -oi -f dora@amt.example -- three@partner.example
ok "mail written on the server" wait_mail "$B" external 1
is "goes the sender's way" "$(who "$A" external)/$(who "$B" external)" "/three@partner.example "
done_testing
