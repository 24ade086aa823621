#!/bin/sh
# Postfix carries mail to postern and brings away what comes of it: both ways, several recipients, bounces.
. "${0%/*}/lib.sh"
. "$SRC/t/mta/postfix.sh"
why=$(postfix_usable) || skip_all "$why"
postfix_usable

site=$T/site
site_make "$site"
postfix_site "$site" && pass "carrier and instances run" || fail "carrier and instances run"

reply=$(message "From: alice@behoerde.example" "To: bob@partner.example" "Subject: out" <<E | postfix_send "$site" inside alice@behoerde.example bob@partner.example
hello bob
E
)
like "the carrier takes a message from inside" "$reply" '^250'
ok "it arrives outside" wait_mail "$site" external 1
ok "sealed" grep -q 'application/pkcs7-mime' "$site/sink/external/1.msg"
done_testing
