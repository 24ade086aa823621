#!/bin/sh
# Sendmail carries mail to postern and away from it: both ways, several recipients, null senders; nothing on the way breaks a signature
. "${0%/*}/lib.sh"
. "$SRC/t/mta/sendmail.sh"
why=$(sendmail_usable) || skip_all "$why"
site=$T/site
site_make "$site" && sendmail_site "$site" || { fail "carrier and instances run"; done_testing; exit 1; }
pass "carrier and instances run"

letter() { # NAME RECIPIENT: the last message that sink NAME took for it, without dots and trace fields
	n=$(accepted "$site" "$1" | awk -v to="$2" '$1 == to { n = $2 } END { print n }')
	tr -d '\r' <"$site/sink/$1/$n.msg" | sed 's/^\.\././' | awk '!body && /^[ \t]/ && drop { next } { drop = 0 } !body && /^(Received|Return-Path):/ { drop = 1; next } /^$/ { body = 1 } { print }'
}
senders() { tr -d '\r' <"$site/sink/$1/log" | sed -n 's/^MAIL From:\(.*>\).*/\1/p'; } # of the envelopes that NAME saw
took() { accepted "$site" "$1" | sed 's/ [0-9]*$//' | sort | tr '\n' ' '; }

# ---- to the outside
message "Message-Id: <1@behoerde.example>" "Date: Mon, 5 Jan 2026 10:00:00 +0100" "From: \"Alice, of the house\" <alice@behoerde.example>" \
	"To: bob@partner.example,    \"Carol (x)\" <carol@other.example>" "Subject: out" <"$SRC/t/lib.sh" >"$T/m"
like "the carrier takes it" "$(sendmail_send "$site" inside alice@behoerde.example bob@partner.example carol@other.example <"$T/m")" '^250'
ok "it arrives outside, for both" wait_mail "$site" external 2
letter external bob@partner.example >"$T/sealed"
ok "it is for bob" openssl cms -decrypt -in "$T/sealed" -recip "$site/bob.pem" -inkey "$site/bob.key" -out "$T/signed"
ok "signed by alice" openssl cms -verify -in "$T/signed" -CAfile "$site/ca.pem" -signer "$T/signer.pem" -out "$T/content"
ok "and it is what she wrote" grep -q 'TAP on stdout, one temporary directory' "$T/content"
ok "nothing of it is readable on the way" sh -c "! grep -q 'TAP on stdout' '$T/sealed'"
letter external carol@other.example >"$T/signed"
ok "a clear signature arrives unbroken" openssl cms -verify -in "$T/signed" -CAfile "$site/ca.pem" -out "$T/content"
is "the sender of the envelope" "$(senders external | sort -u)" '<alice@behoerde.example>'

# ---- to the inside: sealed by somebody else
printf 'Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n\nthe partner'\''s words: \344\366\374\n' >"$T/part"
openssl cms -sign -in "$T/part" -signer "$site/bob.pem" -inkey "$site/bob.key" -nodetach -outform SMIME -out "$T/signed.p7" 2>/dev/null
openssl cms -encrypt -aes-256-cbc -in "$T/signed.p7" -from bob@partner.example -to alice@behoerde.example -subject in "$site/alice.pem" >"$T/m"
like "the carrier takes a sealed message from outside" "$(sendmail_send "$site" outside bob@partner.example alice@behoerde.example <"$T/m")" '^250'
ok "it arrives inside" wait_mail "$site" internal 1
letter internal alice@behoerde.example >"$T/opened"
ok "opened" grep -aq "the partner's words: $(printf '\344\366\374')" "$T/opened"
like "with the result" "$(cat "$T/opened")" '^Authentication-Results: mx.behoerde.example; smime=pass'
# (root does not trust a key that belongs to another user)
[ "$(id -u)" != 0 ] || chown 0 "$site/mac.key"
ok "that can be verified behind the internal instance" "$BUILD/postern" -c "$site/postern.conf" -verify-result <"$T/opened"
sendmail_own "$site"

# ---- a foreign clear signature over everything that mail servers like to change
long=$(printf '%03000d' 7)
{
	printf 'Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n\n'
	printf 'From the beginning\n.\n..dots\n>From\nblanks   \n\t\n\344\366\374 \377\n%s\n%s\nend\n\n\n' "$long" "$(printf '%0990d' 1)"
} >"$T/part"
openssl cms -sign -in "$T/part" -signer "$site/bob.pem" -inkey "$site/bob.key" -from bob@partner.example \
	-to alice@behoerde.example -subject clear -outform SMIME -out "$T/m" 2>/dev/null
sendmail_send "$site" outside bob@partner.example alice@behoerde.example <"$T/m" >/dev/null
ok "a clear signature arrives inside" wait_mail "$site" internal 2
letter internal alice@behoerde.example >"$T/clear"
like "postern found it good" "$(cat "$T/clear")" '^Authentication-Results: mx.behoerde.example; smime=pass'
sed 's/$/\r/' "$T/clear" >"$T/clear.crlf"
ok "and it is good behind the internal instance" openssl cms -verify -in "$T/clear.crlf" -CAfile "$site/ca.pem" -out "$T/content"

# ---- no sender
message "From: MAILER-DAEMON@partner.example" "To: alice@behoerde.example" "Subject: bounce" <<E >"$T/m"
not delivered
E
sendmail_send "$site" outside '' alice@behoerde.example <"$T/m" >/dev/null
ok "a bounce from outside arrives inside" wait_mail "$site" internal 3
is "without a sender" "$(senders internal | tail -n 1)" '<>'
message "From: alice@behoerde.example" "To: bob@partner.example" "Subject: automatic" <<E >"$T/m"
I am away
E
sendmail_send "$site" inside '' bob@partner.example <"$T/m" >/dev/null
ok "an automatic answer from inside arrives outside" wait_mail "$site" external 3
is "without a sender" "$(senders external | tail -n 1)" '<>'

# ---- addresses
rules=$site/rules
cp "$rules" "$T/rules"
printf '. (to) . (do) NS, NE\n' >"$rules"
message "From: alice@behoerde.example" "Subject: odd addresses" <<E >"$T/m"
x
E
sendmail_send "$site" inside '"al ice"@behoerde.example' '"b ob"@partner.example' 'Mixed.Case@Partner.example' 'a%b@partner.example' \
	"o'neil@partner.example" <"$T/m" >/dev/null
ok "quoted, mixed, with % and '" wait_mail "$site" external 7
is "as they were" "$(took external)" '"b ob"@partner.example Mixed.Case@Partner.example a%b@partner.example bob@partner.example bob@partner.example carol@other.example '"o'neil@partner.example "
is "the sender, too" "$(senders external | tail -n 1)" '<"al ice"@behoerde.example>'
is "all in one process" "$(grep -c 'from=<"al ice"@behoerde.example>' "$site/log")" 1
like "-x@partner.example is an address, and postern refuses it" \
	"$(sendmail_send "$site" inside alice@behoerde.example -x@partner.example <"$T/m")" '^250'
ok "which the sender hears" wait_mail "$site" internal 4
is "a bounce, without a sender" "$(senders internal | tail -n 1)" '<>'
like "with the reason" "$(letter internal alice@behoerde.example)" '^5\.1\.3 .*-x@partner.example'
cp "$T/rules" "$rules"

# ---- without S/MIME everything passes as it came
conf "$site" 'smime_engine = 0'
{
	printf 'Message-Id: <7@partner.example>\nDate: Mon, 5 Jan 2026 10:00:00 +0100\nFrom: bob@partner.example\nTo: alice@behoerde.example\n'
	printf 'Subject: =?utf-8?q?K=C3=B6nig?=\nX-Odd:   three   blanks\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n'
	printf 'Content-Transfer-Encoding: quoted-printable\n\nK=C3=B6nig=20=\n\nFrom here\n.\n'
} >"$T/m"
sendmail_send "$site" outside bob@partner.example alice@behoerde.example <"$T/m" >/dev/null
ok "smime_engine = 0, inwards" wait_mail "$site" internal 5
letter internal alice@behoerde.example >"$T/passed"
is "nothing has changed" "$(cat "$T/passed")" "$(cat "$T/m")"
sendmail_send "$site" inside alice@behoerde.example bob@partner.example <"$T/m" >/dev/null
ok "and outwards" wait_mail "$site" external 8
letter external bob@partner.example >"$T/passed"
is "nothing has changed, either" "$(cat "$T/passed")" "$(cat "$T/m")"

# ---- who relays
like "outside to outside is refused at the door" "$(sendmail_send "$site" outside x@a.example y@b.example <"$T/m")" '^550 5\.7\.1'
for name in carrier external scanner internal; do ok "nothing is left in the queue of $name" wait_queue "$site" $name 0; done
done_testing
