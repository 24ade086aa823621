#!/bin/sh
# the worked example "tenants": two organisations on one server, which are strangers to each other
. "${0%/*}/lib.sh"
. "$SRC/t/mta/postfix.sh"
. "$SRC/t/mta/topology.sh"
sanitized && skip_all "in the plain build only: real mail servers, and nothing in postern that other tests do not reach"
why=$(postfix_usable) || skip_all "$why"
postfix_usable

klinik=$T/klinik
mkdir -p "$klinik"
# the second tenant's relay knows its users
postfix_sink "$klinik" internal -rcpt '^gone@=550 5.1.1 no such user'
tenants_relay=$postfix_internal
topology_tenants "$T" "$klinik" || give_up "the sites are made"
# both trust one CA; each knows the other's people as it knows any partner's
site_certificate "$T" dora dora@klinik.example
rm -f "$klinik"/certs/*/*
cp "$T/ca.pem" "$klinik/certs/ca/"
cat "$T/dora.key" "$T/dora.pem" >"$klinik/certs/private/dora.pem"
cp "$T/bob.pem" "$T/alice.pem" "$klinik/certs/public/"
cp "$T/dora.pem" "$T/certs/public/"
chmod 600 "$klinik/certs/private/dora.pem"
postfix_own "$T" && postfix_own "$klinik"
topology_start "$T" && postfix_start "$klinik" external && postfix_start "$klinik" internal || give_up "both sites start"
is "postern -check finds nothing to say to the one" "$(topology_check "$T")" ""
is "nor to the other" "$(topology_check "$klinik")" ""

# ---- in: by the recipient's domain, also when one message is for both ----
echo "for alice" | secret bob alice one >"$T/m"
postfix_send "$T" outside bob@partner.example alice@behoerde.example <"$T/m" >"$T/reply"
mail_comes "a tenant's mail comes to its relay" "$T" internal alice@behoerde.example
like "opened with its key" "$(body "$mail")" '^for alice$'
like "with its name in the result" "$(field "$mail" Authentication-Results)" '^mx.behoerde.example; *smime=pass'
echo "for dora" | secret bob dora two >"$T/m"
postfix_send "$T" outside bob@partner.example dora@klinik.example <"$T/m" >"$T/reply"
mail_comes "the other tenant's mail to the other relay" "$klinik" internal dora@klinik.example
like "opened with its key" "$(body "$mail")" '^for dora$'
like "with the other name in the result" "$(field "$mail" Authentication-Results)" '^klinik.mx.behoerde.example; *smime=pass'
postfix_send "$T" outside bob@partner.example alice@behoerde.example dora@klinik.example <"$T/m" >"$T/reply"
mail_comes "one message for both comes to the one" "$T" internal alice@behoerde.example 2
like "where it stays closed" "$(field "$mail" Authentication-Results)" 'smime=permerror'
mail_comes "and to the other" "$klinik" internal dora@klinik.example 2
like "where it is opened" "$(body "$mail")" '^for dora$'

# ---- out: by the address of the relay it comes from ----
echo "from alice" | letter alice@behoerde.example bob@partner.example three |
	postfix_send "$T" inside alice@behoerde.example bob@partner.example >"$T/reply"
mail_comes "a tenant's mail leaves" "$T" external bob@partner.example
is "sealed with its key" "$(opened "$mail" bob)" "from alice"
like "by its instance" "$(field "$mail" Received)" 'by postern-external\.mx'
echo "from dora" | letter dora@klinik.example bob@partner.example four |
	topology_send "$T" 127.0.1.2 dora@klinik.example bob@partner.example >"$T/reply"
mail_comes "the other tenant's leaves by the other's instance" "$klinik" external bob@partner.example
is "sealed with the other's key" "$(opened "$mail" bob)" "from dora"

# ---- strangers to each other ----
echo "between us" | letter dora@klinik.example alice@behoerde.example five |
	topology_send "$T" 127.0.1.2 dora@klinik.example alice@behoerde.example >"$T/reply"
mail_comes "mail from one tenant to the other leaves the house" "$klinik" external alice@behoerde.example
is "sealed" "$(opened "$mail" alice)" "between us"
is "and does not get there by itself" "$(accepted "$T" internal | grep -c '^alice@')" 2
tr -d '\r' <"$mail" | postfix_send "$T" outside dora@klinik.example alice@behoerde.example >"$T/reply"
mail_comes "when the external relay brings it back, it comes in" "$T" internal alice@behoerde.example 3
like "verified as anybody's" "$(field "$mail" Authentication-Results)" 'smime=pass'
echo "not mine" | letter alice@behoerde.example bob@partner.example six |
	topology_send "$T" 127.0.1.2 alice@behoerde.example bob@partner.example >"$T/reply"
mail_comes "mail in the name of the other tenant comes back to whom it names" "$T" internal alice@behoerde.example 4
like "with the reason" "$(cat "$mail")" '^<bob@partner.example>: the sender alice@behoerde.example is in none of'
is "and goes nowhere else" "$(accepted "$klinik" external | grep -c '^bob@')" 1

# ---- what an instance gives back stays with its tenant ----
echo "nobody here" | secret bob dora seven | postfix_send "$T" outside bob@partner.example gone@klinik.example >"$T/reply"
mail_comes "a bounce of a tenant's instance leaves by that tenant" "$klinik" external bob@partner.example 2
like "in its name" "$(field "$mail" From)" 'postmaster@klinik\.mx\.behoerde\.example'
like "with the status" "$(cat "$mail")" '^Status: 5\.1\.1'
unlike "without the opened text" "$(cat "$mail")" 'nobody here'
ok "no queue holds anything" wait_for "${WAIT:-120}" quiet "$T"
ok "nor the other tenant's" wait_for "${WAIT:-120}" quiet "$klinik"

done_testing
