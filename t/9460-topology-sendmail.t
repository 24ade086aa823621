#!/bin/sh
# the worked example "gateway" with Sendmail as carrier and as the instances, and the same scanner
. "${0%/*}/lib.sh"
. "$SRC/t/mta/postfix.sh"
. "$SRC/t/mta/sendmail.sh"
. "$SRC/t/mta/clamav.sh"
. "$SRC/t/mta/topology.sh"
sanitized && skip_all "in the plain build only: real mail servers, and nothing in postern that other tests do not reach"
why=$(sendmail_usable) || skip_all "$why"
why=$(clamav_missing); [ -z "$why" ] || skip_all "$why"
why=$(postfix_usable) || skip_all "$why" # the scanner's
postfix_usable
trap 'sendmail_end; postfix_end; cleanup' EXIT

av=$T/av
sendmail_scanner_hop=$(scanner_place)
topology_make_sendmail gateway "$T" || give_up "the site is made"
clamav_start "$av" && scanner_start "$av" "$(scanner_place plain)" "[$sendmail_address]:2525" || give_up "the scanner starts"
sendmail_start "$T" all || give_up "the site starts"
is "postern -check finds nothing to say" "$(topology_check "$T")" ""
from_outside() { sendmail_send "$T" outside bob@partner.example alice@behoerde.example >"$T/reply"; }

echo "come in" | secret bob alice one | from_outside
mail_comes "a clean sealed message comes inside" "$T" internal alice@behoerde.example
like "opened" "$(body "$mail")" '^come in$'
like "with the result" "$(field "$mail" Authentication-Results)" 'mx.behoerde.example; *smime=pass'
like "by way of the scanner" "$(field "$mail" Received)" 'by scanner.behoerde.example'
virus | secret bob alice two | from_outside
mail_comes "a virus that only shows when the message is open is found, and its sender hears of it" "$T" external bob@partner.example
like "that it was not accepted" "$(cat "$mail")" '^Status: 5\.7\.1'
unlike "without the virus" "$(cat "$mail")" "$(virus)"
like "the scanner knows why" "$(scanner_saw "$av" two)" "virus found: $VIRUS_NAME"

echo "go out" | letter alice@behoerde.example bob@partner.example three | sendmail_send "$T" inside alice@behoerde.example bob@partner.example >"$T/reply"
mail_comes "mail from inside leaves" "$T" external bob@partner.example 2
is "sealed" "$(opened "$mail" bob)" "go out"
echo "go out scanned" | letter alice@behoerde.example bob@partner.example four |
	perl "$SRC/t/helper/smtp-send" -source 127.0.1.1 127.0.2.1 "$(scanner_port "$av")" alice@behoerde.example bob@partner.example >"$T/reply"
mail_comes "also by way of the scanner" "$T" external bob@partner.example 3
is "sealed" "$(opened "$mail" bob)" "go out scanned"
like "nobody else may send to the outside" \
	"$(letter eve@evil.example joe@partner.example five </dev/null | sendmail_send "$T" outside eve@evil.example joe@partner.example)" '^550 5\.7\.1'

scanner_stop "$av"
for inside in original reencrypted; do
	rm "$T/sink/internal/accepted" # it had mail for her
	conf "$T" "deliver_inside = $inside"
	echo "patience" | secret bob alice $inside | from_outside
	ok "while the scanner is down mail waits in the scanner instance, deliver_inside = $inside" wait_queue "$T" scanner 1
	scanner_start "$av" || give_up "the scanner starts again"
	sendmail_flush "$T" scanner
	mail_comes "when it is up again the mail comes" "$T" internal alice@behoerde.example
	is "sealed for the user" "$(opened "$mail" alice)" "patience"
	scanner_stop "$av"
done
ok "no queue holds anything" wait_for "${WAIT:-120}" quiet "$T"
done_testing
