#!/bin/sh
# Postfix carries mail to postern, both ways: several recipients in one process, null sender, clients, odd addresses,
# and the arguments of installations that are there already.
. "${0%/*}/lib.sh"
. "$SRC/t/mta/postfix.sh"
why=$(postfix_usable) || skip_all "$why"
postfix_usable

S=$T/site
site_make "$S"
printf '%s\n' '@behoerde\.example$ (to) @partner\.example$ (do) FE,FS' '. (to) @plain\.example$ (do) NE,NS' >"$S/rules"
postfix_make "$S" && postfix_record "$S" && postfix_start "$S" all && pass "carrier and instances run" || fail "carrier and instances run"

letter() { # FROM TO SUBJECT < text
	message "From: $1" "To: $2" "Subject: $3" "Message-ID: <$3@test.example>" "Date: Mon, 3 Nov 2025 10:00:00 +0100" "MIME-Version: 1.0" \
		"Content-Type: text/plain; charset=us-ascii"
}
runs() { grep -F -- "$1" "$S/mta/runs"; }
opened() { # FILE NAME: what NAME reads
	tr -d '\r' <"$1" | openssl cms -decrypt -recip "$S/$2.pem" -inkey "$S/$2.key" 2>&1 | openssl cms -verify -CAfile "$S/ca.pem" 2>/dev/null
}

# ---- out ----
reply=$(echo "hello bob" | letter alice@behoerde.example bob@partner.example out | postfix_send "$S" inside alice@behoerde.example bob@partner.example)
like "a message from inside" "$reply" '^250'
ok "arrives outside" wait_mail "$S" external 1
sealed=$(sink_message "$S" external bob@partner.example)
like "sealed" "$(cat "$sealed")" 'application/pkcs7-mime; *smime-type=enveloped-data'
like "for bob to open, with alice's signature" "$(opened "$sealed" bob)" '^hello bob'
like "the sender stays" "$(cat "$S/sink/external/log")" '^MAIL FROM:<alice@behoerde.example>'
like "the name for the world is the site's" "$(cat "$S/sink/external/log")" '^EHLO mx.behoerde.example$'

# ---- in ----
reply=$(printf 'Content-Type: text/plain\r\n\r\nhello alice\r\n' | openssl cms -sign -signer "$S/bob.pem" -inkey "$S/bob.key" |
	openssl cms -encrypt -aes-256-cbc -recip "$S/alice.pem" | tr -d '\r' | {
		printf 'From: bob@partner.example\nTo: alice@behoerde.example\nSubject: in\nMessage-ID: <in@test.example>\n'
		cat
	} | postfix_send "$S" outside bob@partner.example alice@behoerde.example)
like "a sealed message from outside" "$reply" '^250'
ok "arrives inside" wait_mail "$S" internal 1
opened=$(sink_message "$S" internal alice@behoerde.example)
like "opened" "$(cat "$opened")" 'hello alice'
like "with the result" "$(cat "$opened")" 'Authentication-Results: mx.behoerde.example;'
like "which is good" "$(cat "$opened")" 'smime=pass'
postfix_content "$opened" >"$T/opened"
ok "and genuine after its way" runuser -u "$postfix_user" -- "$S/mta/programs/postern.real" -c "$S/postern.conf" -verify-result <"$T/opened"

# ---- several recipients ----
many=$(awk 'BEGIN { for (i = 1; i <= 120; i++) printf " u%d@d%d.plain.example", i, i % 7 }')
printf '%s\n' '. (to) plain\.example$ (do) NE,NS' >>"$S/rules"
# shellcheck disable=SC2086
reply=$(echo x | letter alice@behoerde.example list@plain.example many | postfix_send "$S" inside alice@behoerde.example $many)
like "120 recipients in seven domains" "$reply" '^250'
ok "all get it" wait_mail "$S" external 121
is "from one process" "$(runs '[u1@d1.plain.example]' | tr ']' '\n' | grep -c '@d[0-9].plain')" 120
is "each once" "$(accepted "$S" external | grep -c 'plain.example')" "$(accepted "$S" external | grep 'plain.example' | cut -d' ' -f1 | sort -u | wc -l)"

# ---- who sends ----
reply=$(printf '\n' | letter '"Mail Delivery System" <MAILER-DAEMON@partner.example>' alice@behoerde.example bounce |
	postfix_send "$S" outside "" alice@behoerde.example)
like "a message without a sender" "$reply" '^250'
ok "arrives" wait_mail "$S" internal 2
like "postern gets an empty argument" "$(runs '[alice@behoerde.example]' | tail -n 1)" '\[-sender\]\[\]\[-queue-id\]'
like "it stays without a sender" "$(cat "$S/sink/internal/log")" '^MAIL FROM:<>'

client() { # ADDRESS-OF-XCLIENT WANT-ADDRESS: a message from outside, and the line of its run
	reply=$(echo x | letter bob@partner.example alice@behoerde.example client | postfix_send_options="-xclient ADDR=$1" \
		postfix_send "$S" outside bob@partner.example "$2")
	wait_for 120 runs "[$2]" >/dev/null
	runs "[$2]"
}
like "an IPv6 client" "$(client IPV6:2001:db8::17 v6@behoerde.example)" '\[-client\]\[IPv6:2001:db8::17\]'
like "an IPv4 client" "$(client 192.0.2.99 v4@behoerde.example)" '\[-client\]\[192.0.2.99\]'
like "an unknown client" "$(client '[UNAVAILABLE]' no@behoerde.example)" '\[-client\]\[unknown\]'
ok "they arrive" wait_mail "$S" internal 5
like "and came from outside" "$(grep 'to=<no@\|client=unknown' "$S/log")" 'incoming'
echo x | letter alice@behoerde.example x@plain.example here | sendmail -C "$S/mta/carrier" -oi -f alice@behoerde.example -- here@plain.example
wait_for 120 runs '[here@plain.example]' >/dev/null
like "mail of this machine, too, goes through postern, without a client" "$(runs '[here@plain.example]')" '\[-client\]\[\]'
ok "and arrives" wait_mail "$S" external 122
reply=$(echo x | letter alice@behoerde.example x@plain.example six |
	postfix_send_options="-xclient ADDR=IPV6:fd00::5" postfix_send "$S" outside alice@behoerde.example six@plain.example)
ok "mail from inside by IPv6 goes out" wait_mail "$S" external 123
reply=$(echo x | letter eve@evil.example x@plain.example relay | postfix_send "$S" outside eve@evil.example eve@elsewhere.example)
like "nobody relays through the carrier" "$reply" '^554 5.7.1'

# ---- addresses ----
sent=123
while read -r to; do
	reply=$(echo x | letter alice@behoerde.example list@plain.example odd | postfix_send "$S" inside '"a lice"@behoerde.example' "$to")
	ok "to $to" wait_mail "$S" external $((sent += 1))
	ok "as it is" grep -qxF "RCPT TO:<$to>" "$S/sink/external/log"
done <<'LIST'
"a b"@plain.example
o'brien+x=y@plain.example
a%b@plain.example
a!b@plain.example
LIST
ok "from an odd sender" grep -qF 'MAIL FROM:<"a lice"@behoerde.example>' "$S/sink/external/log"
reply=$(echo x | letter alice@behoerde.example list@plain.example dangerous |
	postfix_send "$S" inside dora@behoerde.example '"$(id) `id`; | & *"@plain.example')
ok "what postern takes for dangerous comes back" wait_mail "$S" internal 6
like "with the reason" "$(cat "$(sink_message "$S" internal dora@behoerde.example)")" 'dangerous character'
reply=$(echo x | letter alice@behoerde.example list@plain.example utf8 |
	postfix_send_options="-mail SMTPUTF8" postfix_send "$S" inside alice@behoerde.example 'grün@plain.example')
like "an address of other letters" "$reply" '^250'
wait_for 120 grep -q 'SMTPUTF8' "$S/sink/external/log"
ok "arrives with SMTPUTF8" grep -qF 'RCPT TO:<grün@plain.example>' "$S/sink/external/log"
ok "nothing waits in the carrier" wait_queue "$S" carrier 0

# ---- an installation that is there already: other arguments, flags=F and R ----
old=$S/mta/old.log old_forms=0
for form in "F -c $S/postern.conf -client \${client_address} -readmail \${recipient}" \
	"R -c $S/postern.conf -client \${client_address} -readmail \${recipient}" \
	"FR --c $S/postern.conf --client \${client_address} --sender \${sender} --readmail \${recipient}"; do
	flags=${form%% *} arguments=${form#* }
	postconf -c "$S/mta/carrier" -MX postern/unix
	postconf -c "$S/mta/carrier" -Me "postern/unix=postern unix - n n - - pipe flags=$flags user=$postfix_user argv=$S/mta/programs/postern $arguments"
	postfix_stop "$S" carrier
	postfix_start "$S" carrier
	for sender in alice@behoerde.example ""; do
		n=$(accepted "$S" external | wc -l)
		: >"$S/sink/external/log"
		reply=$(echo "old form" | letter alice@behoerde.example y@plain.example old | postfix_send "$S" inside "$sender" y@plain.example)
		ok "flags=$flags: from <$sender> it arrives" wait_mail "$S" external $((n + 1))
		ok "with that sender" grep -qF "MAIL FROM:<$sender>" "$S/sink/external/log"
		postfix_content "$(sink_message "$S" external y@plain.example $((old_forms += 1)))" >"$old"
		unlike "without the mbox line" "$(cat "$old")" '^From [^:]*$'
	done
done
done_testing
