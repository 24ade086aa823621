#!/bin/sh
# the worked example "two-nodes": what one node began the other one can end; when one is down the other does all
. "${0%/*}/lib.sh"
. "$SRC/t/mta/postfix.sh"
. "$SRC/t/mta/clamav.sh"
. "$SRC/t/mta/topology.sh"
. "$SRC/t/mta/own-net.sh"
sanitized && skip_all "in the plain build only: real mail servers, and nothing in postern that other tests do not reach"
why=$(postfix_usable) || skip_all "$why"
why=$(clamav_missing); [ -z "$why" ] || skip_all "$why"
postfix_usable
own_net

av=$T/av relay=$T/relay two=$T/two
mkdir -p "$two"
postfix_scanner_hop=$(scanner_place)
topology_make two-nodes "$T" || give_up "the first node is made"
one_address=$postfix_address
# the second has the same neighbours
postfix_external_hop=$postfix_external postfix_internal_hop=$postfix_internal
topology_make two-nodes "$two" || give_up "the second node is made"
two_address=$postfix_address
rm -rf "$two/certs" && cp -a "$T/certs" "$two/" && cp "$T/rules" "$two/"
head -c 32 /dev/urandom | base64 >"$T/mac.key" && chmod 600 "$T/mac.key" && cp "$T/mac.key" "$two/"
postfix_own "$T" && postfix_own "$two"
is "the configuration is the same on both" "$(topology_own_lines "$two")" "$(topology_own_lines "$T")"

# The outside and the scanner find both by equal MX records
name_server <<END
behoerde.example     MX 10 one.behoerde.example
behoerde.example     MX 10 two.behoerde.example
one.behoerde.example A $one_address
two.behoerde.example A $two_address
END
clamav_start "$av" && scanner_configure "$av" "$(scanner_place plain)" "[$two_address]:2525" && scanner_start "$av" || give_up "the scanner starts"
relay_place=127.0.3.1:2525
mkdir -p "$relay" && scanner_configure "$relay" "$relay_place" behoerde.example:2525 &&
	scanner_postconf "$relay" "smtpd_milters =" "smtp_dns_support_level = enabled" && scanner_start "$relay" || give_up "the external relay starts"
topology_start "$T" && as_machine node2 topology_start "$two" || give_up "both nodes start"
from_outside() { perl "$SRC/t/helper/smtp-send" 127.0.3.1 2525 bob@partner.example alice@behoerde.example >"$T/reply"; }
to_one() { postfix_address=$one_address; topology_send "$T" 127.0.3.1 bob@partner.example alice@behoerde.example >"$T/reply"; }
alice=0
to_alice() { # WHAT
	alice=$((alice + 1))
	mail_comes "$1" "$T" internal alice@behoerde.example $alice
}

# ---- begun by the first node, ended by the second: the scanner gives everything to that ----
echo "come in" | secret bob alice one | to_one
to_alice "opened by the first node, given back to the second"
like "it comes inside" "$(body "$mail")" '^come in$'
like "with the result of the first" "$(field "$mail" Authentication-Results)" '^mx.behoerde.example; smime=pass'
ok "the first began" grep -q 'destination=scanner' "$T/log"
ok "the second ended" grep -q 'destination=internal' "$two/log"
for node in "$T" "$two"; do conf "$node" "deliver_inside = reencrypted"; done
echo "closed again" | secret bob alice two | to_one
to_alice "likewise with deliver_inside = reencrypted"
is "sealed for the user" "$(opened "$mail" alice)" "closed again"

# ---- the original is with the node that holds it ----
for node in "$T" "$two"; do conf "$node" "deliver_inside = original"; done
echo "the original" | secret bob alice three | to_one
ok "with deliver_inside = original it waits in the second node" wait_queue "$two" carrier 1
waits_for_original() { postqueue -c "$two/mta/carrier" -j | grep -q 'the original of this message is held at mx.behoerde.example'; }
ok "which says where the original is" wait_for "${WAIT:-120}" waits_for_original
rm -rf "$two/spool/hold" && mv "$T/spool/hold" "$T/shared" && ln -s "$T/shared" "$T/spool/hold" && ln -s "$T/shared" "$two/spool/hold"
chmod 711 "$T"
postfix_flush "$two" carrier
to_alice "when both have one hold directory, it comes inside"
is "sealed as it came" "$(opened "$mail" alice)" "the original"
is "and nothing is held any more" "$(find "$T/shared" -name '*.hold')" ""

# ---- one node is down ----
for node in "$T" "$two"; do conf "$node" "deliver_inside = decrypted"; done
scanner_stop "$av"
echo "in the queue" | secret bob alice four | to_one
ok "the scanner is down, mail waits in the first node" wait_queue "$T" scanner 1
postfix_stop "$T" scanner
postfix_stop "$T" carrier
scanner_postconf "$av" "relayhost = behoerde.example:2525" "smtp_dns_support_level = enabled"
scanner_start "$av" || give_up "the scanner starts again"
for n in 5 6 7; do echo "number $n" | secret bob alice "n$n" | from_outside; done
alice=$((alice + 2))
to_alice "the first node is down: the second does everything, whatever the MX record says first"
is "none is lost" "$(cat "$T"/sink/internal/*.msg | tr -d '\r' | grep -c '^number [567]$')" 3
postfix_start "$T" carrier && postfix_start "$T" scanner || give_up "the first node starts again"
postfix_flush "$T" scanner
to_alice "what waited in the first node comes when it is up again"
like "whole" "$(body "$mail")" '^in the queue$'
ok "no queue of the first holds anything" wait_for "${WAIT:-120}" quiet "$T"
ok "nor of the second" wait_for "${WAIT:-120}" quiet "$two"
is "and everything came once" "$(accepted "$T" internal | grep -c alice@)" "$alice"
done_testing
