#!/bin/sh
# the worked example "same-host": scanned mail and the users' own come from one address
. "${0%/*}/lib.sh"
. "$SRC/t/mta/postfix.sh"
. "$SRC/t/mta/clamav.sh"
. "$SRC/t/mta/topology.sh"
sanitized && skip_all "in the plain build only: real mail servers, and nothing in postern that other tests do not reach"
why=$(postfix_usable) || skip_all "$why"
why=$(clamav_missing); [ -z "$why" ] || skip_all "$why"
postfix_usable

av=$T/av
postfix_scanner_hop=$(scanner_place)
topology_make same-host "$T" || give_up "the site is made"
clamav_start "$av" && scanner_start "$av" "$(scanner_place plain)" "[$postfix_address]:2525" || give_up "the scanner starts"
topology_start "$T" || give_up "the site starts"
is "postern -check finds nothing to say" "$(topology_check "$T")" ""

echo "come in" | secret bob alice one | postfix_send "$T" outside bob@partner.example alice@behoerde.example >"$T/reply"
mail_comes "a sealed message comes inside" "$T" internal alice@behoerde.example
like "opened" "$(body "$mail")" '^come in$'
like "with the result" "$(field "$mail" Authentication-Results)" 'smime=pass'
like "by way of the scanner" "$(field "$mail" Received)" 'by scanner.behoerde.example'

# ---- the users' own mail, from the same address ----
echo "go out" | letter alice@behoerde.example bob@partner.example two | postfix_send "$T" scanner alice@behoerde.example bob@partner.example >"$T/reply"
mail_comes "a user's mail leaves" "$T" external bob@partner.example
is "sealed" "$(opened "$mail" bob)" "go out"
for inside in decrypted original reencrypted; do
	conf "$T" "deliver_inside = $inside"
	echo "to my neighbour" | letter alice@behoerde.example house@behoerde.example "three.$inside" |
		postfix_send "$T" scanner alice@behoerde.example mail@behoerde.example >"$T/reply"
	mail_comes "mail from user to user, with deliver_inside = $inside" "$T" internal mail@behoerde.example
	is "comes as it came" "$(body "$mail")" "to my neighbour"
	unlike "without the scanner: it has been there" "$(field "$mail" Received)" 'by scanner.behoerde.example'
	rm "$T/sink/internal/accepted" # so that the next one is waited for
done
echo "to both" | letter alice@behoerde.example "bob@partner.example, mail@behoerde.example" four |
	postfix_send "$T" scanner alice@behoerde.example bob@partner.example mail@behoerde.example >"$T/reply"
mail_comes "one message to both sides leaves" "$T" external bob@partner.example 2
is "sealed" "$(opened "$mail" bob)" "to both"
mail_comes "and stays" "$T" internal mail@behoerde.example
is "as it came" "$(body "$mail")" "to both"

# ---- each part of a round trip finds its way with both coming from there ----
echo "closed" | secret bob alice five | postfix_send "$T" outside bob@partner.example alice@behoerde.example >"$T/reply"
mail_comes "a sealed message, with deliver_inside = reencrypted," "$T" internal alice@behoerde.example
is "is sealed for the user" "$(opened "$mail" alice)" "closed"
virus | secret bob alice six | postfix_send "$T" outside bob@partner.example alice@behoerde.example >"$T/reply"
mail_comes "a virus: the sender hears of it" "$T" external bob@partner.example 3
like "the scanner knows why" "$(scanner_saw "$av" six)" "virus found: $VIRUS_NAME"
like "an outsider is not taken for one of the house" \
	"$(letter eve@evil.example joe@partner.example seven </dev/null | postfix_send "$T" outside eve@evil.example joe@partner.example)" '^554 5\.7\.1'
ok "no queue holds anything" wait_for "${WAIT:-120}" quiet "$T"
done_testing
