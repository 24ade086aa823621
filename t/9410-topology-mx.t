#!/bin/sh
# the worked example "mx": the server that the MX record names, which delivers to the Internet itself, by MX records
. "${0%/*}/lib.sh"
. "$SRC/t/mta/postfix.sh"
. "$SRC/t/mta/topology.sh"
. "$SRC/t/mta/own-net.sh"
sanitized && skip_all "in the plain build only: real mail servers, and nothing in postern that other tests do not reach"
why=$(postfix_usable) || skip_all "$why"
postfix_usable
own_net

name_server <<'END'
partner.example      MX 10 mx1.partner.example
partner.example      MX 20 mx2.partner.example
mx1.partner.example  A 127.0.3.4
mx2.partner.example  A 127.0.3.5
third.example        A 127.0.3.6
END
own_address 192.0.2.10
# mx1.partner.example is down; third.example has no MX record, its address counts
postfix_sink "$T" partner -listen 127.0.3.5:25
postfix_sink "$T" third -listen 127.0.3.6:25
postfix_scanner_hop=none postfix_external_hop=none
topology_make mx "$T" to_external= && topology_start "$T" || give_up "the site starts"
is "postern -check finds nothing to say" "$(topology_check "$T")" ""

# ---- in, from anywhere ----
echo "come in" | secret bob alice one >"$T/m"
like "anybody may bring mail" "$(postfix_send "$T" outside bob@partner.example alice@behoerde.example <"$T/m")" '^250'
mail_comes "sealed mail arrives inside" "$T" internal alice@behoerde.example
like "opened" "$(body "$mail")" '^come in$'
like "with the result" "$(field "$mail" Authentication-Results)" 'mx.behoerde.example; *smime=pass'
like "a sender whose domain does not exist is turned away at the door" \
	"$(postfix_send "$T" outside eve@nowhere.example alice@behoerde.example <"$T/m")" '^450 4\.1\.8'
like "and whoever wants to send to others" "$(postfix_send "$T" outside bob@partner.example joe@third.example <"$T/m")" '^554 5\.7\.1'

# ---- out, to two domains in one message ----
echo "go out" | letter alice@behoerde.example "bob@partner.example, tom@third.example" two >"$T/m"
like "mail from inside" "$(postfix_send "$T" inside alice@behoerde.example bob@partner.example tom@third.example <"$T/m")" '^250'
mail_comes "arrives at the partner's second MX, as the first is down" "$T" partner bob@partner.example
is "sealed" "$(opened "$mail" bob)" "go out"
mail_comes "and at the other domain's address" "$T" third tom@third.example
like "signed and in clear: no certificate is known" "$(body "$mail")" '^go out$'
ok "with a good signature" openssl cms -verify -in "$mail" -CAfile "$T/ca.pem" -out "$T/content"
ok "we call ourselves by our name" grep -q '^EHLO mx.behoerde.example$' "$T/sink/third/log"

# ---- a domain that does not exist ----
letter alice@behoerde.example joe@nowhere.example three </dev/null | postfix_send "$T" inside alice@behoerde.example joe@nowhere.example \
	>"$T/reply"
mail_comes "mail to a domain that does not exist comes back inside" "$T" internal alice@behoerde.example 2
like "with the reason" "$(cat "$mail")" 'Host or domain name not found'

# ---- our own public address is not "inside": what comes from there has been in the Internet ----
like "mail to others from our own public address is turned away" \
	"$(perl "$SRC/t/helper/smtp-send" -source 192.0.2.10 "$postfix_address" 2525 bob@partner.example joe@third.example <"$T/m")" '^554 5\.7\.1'

# ---- a partner is down ----
echo "partner2.example MX 10 mx1.partner.example" >>"$T/zone"
echo "patience" | letter alice@behoerde.example ann@partner2.example four |
	postfix_send "$T" inside alice@behoerde.example ann@partner2.example >"$T/reply"
ok "mail to a partner that is down waits in the external instance" wait_queue "$T" external 1
queues_are "and nowhere else" "carrier=0 external=1 internal=0 "
echo "late" | letter alice@behoerde.example tom@third.example five |
	postfix_send "$T" inside alice@behoerde.example tom@third.example >"$T/reply"
mail_comes "mail to others does not wait for it" "$T" third tom@third.example 2
postfix_sink "$T" first -listen 127.0.3.4:25
postfix_flush "$T" external
mail_comes "and it arrives when the partner is up again" "$T" first ann@partner2.example
ok "no queue holds anything" wait_for "${WAIT:-120}" quiet "$T"

done_testing
