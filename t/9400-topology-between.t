#!/bin/sh
# the worked example "between": decrypted before the scanner behind us sees it, sealed after the scanner has seen it
. "${0%/*}/lib.sh"
. "$SRC/t/mta/postfix.sh"
. "$SRC/t/mta/clamav.sh"
. "$SRC/t/mta/topology.sh"
sanitized && skip_all "in the plain build only: real mail servers, and nothing in postern that other tests do not reach"
why=$(postfix_usable) || skip_all "$why"
why=$(clamav_missing); [ -z "$why" ] || skip_all "$why"
postfix_usable

# behind us is the scanner: it has its mail from our internal instance, and sends on to the internal relay
postfix_sink "$T" relay
av=$T/av
clamav_start "$av" && scanner_start "$av" "$(scanner_place plain)" "$postfix_relay" || give_up "the scanner starts"
postfix_internal_hop=$(scanner_hop "$av") postfix_scanner_hop=none
topology_make between "$T" "to_scanner=$postfix_internal_hop" && topology_start "$T" || give_up "the site starts"
is "postern -check finds nothing to say" "$(topology_check "$T")" ""

# ---- in ----
echo "come in" | secret bob alice one >"$T/m"
like "the external relay may bring mail" "$(postfix_send "$T" outside bob@partner.example alice@behoerde.example <"$T/m")" '^250'
mail_comes "sealed mail arrives at the internal relay" "$T" relay alice@behoerde.example
like "opened" "$(body "$mail")" '^come in$'
like "with the result" "$(field "$mail" Authentication-Results)" 'mx.behoerde.example; *smime=pass'
like "by way of the scanner" "$(field "$mail" Received)" 'by scanner.behoerde.example'

virus | secret bob alice two >"$T/m"
like "a sealed virus is nothing to a scanner" \
	"$(perl "$SRC/t/helper/smtp-send" 127.0.2.1 "$(scanner_port "$av")" bob@partner.example carol@behoerde.example <"$T/m")" '^250'
mail_comes "as it came it would arrive" "$T" relay carol@behoerde.example
like "through postern the carrier takes it" "$(postfix_send "$T" outside bob@partner.example alice@behoerde.example <"$T/m")" '^250'
mail_comes "and the sender hears of it" "$T" external bob@partner.example
like "that it was not accepted" "$(cat "$mail")" '^Status: 5\.7\.1'
unlike "in a report without anything of what was opened" "$(cat "$mail")" "$(virus)|Authentication-Results|Subject: two"
like "the scanner knows why" "$(scanner_saw "$av" two)" "virus found: $VIRUS_NAME"
is "it did not arrive inside" "$(grep -l "$(virus)" "$T"/sink/relay/*.msg)" ""

# ---- out: what is behind us are the scanner's clients, so everything comes from the scanner's address ----
echo "go out" | letter alice@behoerde.example bob@partner.example three >"$T/m"
like "mail from inside comes from the scanner" "$(postfix_send "$T" scanner alice@behoerde.example bob@partner.example <"$T/m")" '^250'
mail_comes "it arrives at the external relay" "$T" external bob@partner.example 2
is "sealed" "$(opened "$mail" bob)" "go out"
is "and not with anything to read" "$(grep -c 'go out' "$mail")" 0

echo "no key for him" | letter alice@behoerde.example joe@partner.example four >"$T/m"
like "mail that must be encrypted and cannot be" "$(postfix_send "$T" scanner alice@behoerde.example joe@partner.example <"$T/m")" '^250'
mail_comes "comes back to the sender" "$T" relay alice@behoerde.example 2
like "with the reason" "$(cat "$mail")" 'joe@partner\.example'
is "and nobody else gets it" "$(accepted "$T" external | grep -c joe@)" 0

# ---- who may not ----
like "the external relay may not send to the outside" \
	"$(letter eve@evil.example joe@partner.example five </dev/null | postfix_send "$T" outside eve@evil.example joe@partner.example)" '^554 5\.7\.1'
like "nobody else may connect" "$(letter a@evil.example alice@behoerde.example six </dev/null |
	perl "$SRC/t/helper/smtp-send" -source 127.0.9.9 "$postfix_address" 2525 a@evil.example alice@behoerde.example)" '^554 5\.7\.1'

# ---- the scanner is down ----
scanner_stop "$av"
echo "patience" | secret bob alice seven | postfix_send "$T" outside bob@partner.example alice@behoerde.example >"$T/reply"
ok "while the scanner is down mail waits in the internal instance" wait_queue "$T" internal 1
queues_are "and nowhere else" "carrier=0 external=0 internal=1 "
scanner_start "$av" || give_up "the scanner starts again"
postfix_flush "$T" internal
mail_comes "when it is up again the mail arrives" "$T" relay alice@behoerde.example 3
like "whole" "$(body "$mail")" '^patience$'
ok "and no queue holds anything" wait_for "${WAIT:-120}" quiet "$T"

done_testing
