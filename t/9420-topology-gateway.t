#!/bin/sh
# the worked example "gateway": decrypted to a real scanner, back, and inside; and everything a scanner may do to it
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
topology_make gateway "$T" || give_up "the site is made"
clamav_start "$av" && scanner_start "$av" "$(scanner_place plain)" "[$postfix_address]:2525" || give_up "the scanner starts"
topology_start "$T" || give_up "the site starts"
is "postern -check finds nothing to say" "$(topology_check "$T")" ""
alice=0 # how many have come to her
bob=0
from_outside() { postfix_send "$T" outside bob@partner.example alice@behoerde.example >"$T/reply"; }
to_alice() { # WHAT
	alice=$((alice + 1))
	mail_comes "$1" "$T" internal alice@behoerde.example $alice
}
to_bob() {
	bob=$((bob + 1))
	mail_comes "$1" "$T" external bob@partner.example $bob
}
result() { field "$1" Authentication-Results | sed 's/^mx.behoerde.example; *//; s/ .*//'; }
waiting() { awk '/^Mails/ { heading = $0 } /^  [0-9]+ mail/ { sub(/,.*/, ""); print heading ": " $1 " " $2 }'; }
holds() { find "$T/spool/hold" -name '*.hold' 2>/dev/null | wc -l | tr -d ' '; }

# ---- deliver_inside = decrypted ----
echo "come in" | secret bob alice clean | from_outside
to_alice "a clean sealed message comes inside"
like "opened" "$(body "$mail")" '^come in$'
is "with the result" "$(result "$mail")" smime=pass
like "by way of the scanner" "$(field "$mail" Received)" 'by scanner.behoerde.example'
like "which has added a field" "$(field "$mail" X-Virus-Scanned)" clamav-milter
unlike "that is no change" "$(field "$mail" X-Postern-Result)" 'modified='
is "without the token" "$(field "$mail" X-Postern-Token)" ""
echo "plain" | letter bob@partner.example alice@behoerde.example plain | from_outside
to_alice "a plain message, too"
like "as it came" "$(body "$mail")" '^plain$'
like "by way of the scanner, too" "$(field "$mail" Received)" 'by scanner.behoerde.example'

virus | secret bob alice infected >"$T/m"
from_outside <"$T/m"
to_bob "a virus that only shows when the message is open is found, and its sender hears of it"
like "that it was not accepted" "$(cat "$mail")" '^Status: 5\.7\.1'
unlike "in a report without anything of what was opened" "$(cat "$mail")" "$(virus)|X-Postern-Token|Subject: infected"
like "the scanner knows why" "$(scanner_saw "$av" infected)" "virus found: $VIRUS_NAME"

# ---- a scanner that puts aside ----
clamav_infected "$av" Quarantine || give_up "the milter starts again"
{ echo "in quarantine"; virus; } | secret bob alice aside | from_outside
ok "a scanner that puts infected mail aside has it in its quarantine" scanner_has_held "$av" 1
queues_are "no queue of ours has it" "carrier=0 external=0 scanner=0 internal=0 "
scanner_release "$av"
to_alice "what its administrator lets go continues where it stopped"
is "with the result" "$(result "$mail") $(body "$mail" | grep -c 'in quarantine')" "smime=pass 1"
clamav_infected "$av" Reject || give_up "the milter starts again"

# ---- a scanner that cannot be reached ----
scanner_stop "$av"
echo "patience" | secret bob alice later | from_outside
ok "while the scanner is down mail waits in the scanner instance" wait_queue "$T" scanner 1
queues_are "and nowhere else" "carrier=0 external=0 scanner=1 internal=0 "
is "mailq-all shows it there" "$("$BUILD/bin/mailq-all" -c "$T/postern.conf" 2>&1 | waiting)" "Mails from Postern to the virus scanner: 1 mail"
echo "not scanned" | letter alice@behoerde.example bob@partner.example past |
	postfix_send "$T" inside alice@behoerde.example bob@partner.example >"$T/reply"
to_bob "mail from inside goes on"
is "sealed" "$(opened "$mail" bob)" "not scanned"
scanner_start "$av" || give_up "the scanner starts again"
like "deliver-all makes it go on" "$("$BUILD/bin/deliver-all" -c "$T/postern.conf" 2>&1)" 'flushed; 1 mail before'
to_alice "when the scanner is up again the mail comes"
like "whole" "$(body "$mail")" '^patience$'

# ---- the original ----
conf "$T" "deliver_inside = original"
echo "keep it closed" | secret bob alice original | from_outside
to_alice "deliver_inside = original: the message comes inside"
is "still sealed to the recipient, her own key opens it" "$(opened "$mail" alice)" "keep it closed"
is "with the result of the opening" "$(result "$mail")" smime=pass
is "nothing is held any more" "$(holds)" 0
like "the scanner has seen it open" "$(scanner_saw "$av" original)" 'size='
{ echo "infected original"; virus; } | secret bob alice badoriginal | from_outside
to_bob "an infected original: the sender hears of it"
like "and the scanner knows why" "$(scanner_saw "$av" badoriginal)" "virus found: $VIRUS_NAME"
is "and it stays held, until hold_lifetime or a person decides" "$(holds)" 1

# ---- encrypted again ----
conf "$T" "deliver_inside = reencrypted"
echo "closed again" | secret bob alice again | from_outside
to_alice "deliver_inside = reencrypted: the message comes inside"
is "sealed with our certificate of the recipient" "$(opened "$mail" alice)" "closed again"
is "with the result" "$(result "$mail")" smime=pass

# ---- a scanner that changes mail ----
scanner_stop "$av"
scanner_footer "$av" "-- checked for viruses"
scanner_start "$av" || give_up "the scanner starts with a footer"
conf "$T" "deliver_inside = decrypted"
echo "with a footer" | secret bob alice footer | from_outside
to_alice "a scanner that adds a footer"
like "and its footer is there" "$(body "$mail")" '^-- checked for viruses$'
is "the result still tells what came" "$(result "$mail")" smime=pass
like "and that it was changed" "$(field "$mail" X-Postern-Result)" 'modified=scanner'
conf "$T" "deliver_inside = original"
echo "which one" | secret bob alice footer2 | from_outside
to_alice "and with deliver_inside = original"
like "the changed copy is sealed again: the original is not what was scanned" "$(decrypted "$mail" alice)" '^-- checked for viruses$'

# ---- out through the scanner ----
echo "go out" | letter alice@behoerde.example bob@partner.example out >"$T/m"
perl "$SRC/t/helper/smtp-send" -source 127.0.1.1 127.0.2.1 "$(scanner_port "$av")" alice@behoerde.example bob@partner.example <"$T/m" >"$T/reply"
to_bob "outgoing mail by way of the scanner"
like "is sealed, footer and all" "$(opened "$mail" bob)" '^-- checked for viruses$'
virus | letter alice@behoerde.example bob@partner.example outvirus >"$T/m"
like "and an infected one is stopped in front of us" "$(perl "$SRC/t/helper/smtp-send" -source 127.0.1.1 127.0.2.1 "$(scanner_port "$av")" \
	alice@behoerde.example bob@partner.example <"$T/m")" '^550 5\.7\.1 virus found'

ok "no queue holds anything" wait_for "${WAIT:-120}" quiet "$T"
is "no virus has come inside but the one that was let go" "$(grep -l "$(virus)" "$T"/sink/internal/*.msg | wc -l | tr -d ' ')" 1
done_testing
