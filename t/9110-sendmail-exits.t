#!/bin/sh
# What Sendmail makes of the ways in which postern, or any mailer, can end; and of the mailer line that is in use elsewhere
. "${0%/*}/lib.sh"
. "$SRC/t/mta/sendmail.sh"
why=$(sendmail_usable) || skip_all "$why"
site=$T/site
site_make "$site" && sendmail_make "$site" || { fail "carrier and instances are made"; done_testing; exit 1; }

# A mailer that ends as the recipient says: 69@codes.example, or by a signal, kill9@codes.example
cat >"$site/mta/programs/agent" <<'END'
#!/bin/sh
for to; do :; done
cat >/dev/null
how=${to%%@*}
echo "4.7.9 or 5.7.9: the reason of $how"
case $how in kill*) kill -"${how#kill}" $$ ;; esac
exit "$how"
END
chmod 755 "$site/mta/programs/agent"
printf 'no program\n' >"$site/mta/programs/noexec"
ours=$(sed -n '/^Mpostern/,$p' "$site/mta/mailer.cf")
like "mailer.cf and mailer.m4 say the same" "$(tr -s '\n' <"$site/mta/carrier.cf" | tr '\n' ' ')" \
	"$(sed '/^#/d' "$site/mta/mailer.cf" | sed -n '/^SPosternFrom/,/^R.*EnvFrom/p' | tr '\n' ' ' | sed 's/[][$*.\\]/\\&/g')"
like "and the mailer" "$(cat "$site/mta/carrier.cf" | tr '\n' ' ')" "$(printf '%s\n' "$ours" | tr '\n' ' ' | sed 's/[][$*.\\{}|]/\\&/g')"
is "and the class" "$(grep -c '^C{persistentMacros}{client_addr}$' "$site/mta/carrier.cf" "$site/mta/mailer.cf" | sed 's/.*://' | tr '\n' ' ')" "1 1 "

# another NAME PROGRAM [FLAGS]: our mailer line with another name, program and flags
another() { printf '%s\n' "$ours" | sed "s|^Mpostern|M$1|; s|P=[^,]*|P=$2|; s|F=[^,]*|F=${3-mSlnuh8DFM}|"; }
{
	another agent "$site/mta/programs/agent"
	another missing "$site/mta/programs/missing"
	another noexec "$site/mta/programs/noexec"
	another gone "$site/mta/programs/missing" sDFmMoqeu9
} >>"$site/mta/postern.m4"
for name in agent missing noexec gone; do printf '%s.example\t%s:%s\n' "$name" "$name" "$name"; done >>"$site/mta/mailertable"
# So that the answer to a message comes when it has been tried.
sed -i "/^MAILER(\`local')/i define(\`confDELIVERY_MODE', \`interactive')dnl" "$site/mta/carrier.mc"
sendmail_configure "$site" carrier && sendmail_map "$site"
ok "carrier and instances run" sendmail_start "$site" all

mail() { # RECIPIENT [CLIENT-SIDE [SENDER]]
	message "From: ${3-alice@behoerde.example}" "To: $1" "Subject: to $1" <<E | sendmail_send "$site" "${2-inside}" "${3-alice@behoerde.example}" "$1" >/dev/null
hello
E
}
returned() { cat "$site"/sink/internal/*.msg 2>/dev/null | tr -d '\r'; } # what came back to alice
status_of() { returned | sed -n "/^Final-Recipient: .*; *$1\$/,/^Diagnostic-Code/p" | sed -n 's/^Status: //p; s/^Diagnostic-Code: //p' | tr '\n' ' ' | sed 's/ $//'; }
waits() { grep -l "^RP*F*D*:<$1>\$" "$site"/mta/queue-carrier/qf* 2>/dev/null | wc -l; }
forget() { rm -f "$site"/mta/queue-carrier/*; }

# ---- temporary
for how in 75 71 74 kill9 kill11 kill15 kill6; do
	mail "$how@agent.example"
	is "$how: waits" "$(waits "$how@agent.example")" 1
done
for name in missing noexec; do
	mail "x@$name.example"
	is "a program that is $name: waits" "$(waits "x@$name.example")" 1
done
queue=$(sendmail_mailq "$site" carrier)
like "mailq says what happened" "$queue" '\(Deferred: agent mailer '
like "by a signal" "$queue" 'mailer agent died with signal 9'
like "no program" "$queue" 'Operating system error'
is "nobody has heard of it" "$(returned | wc -l)" 0
forget

# ---- for good
n=0
while read -r code status; do
	mail "$code@agent.example"
	n=$((n + 1))
	ok "$code comes back" wait_mail "$site" internal $n
	is "with status and code" "$(status_of "$code@agent.example")" "$status X-Unix; $code"
done <<-END
	67 5.1.1
	69 5.5.0
	77 5.3.0
	65 5.5.2
	1 5.0.0
	127 5.0.0
END
like "with the mailer's words" "$(returned)" '^4\.7\.9 or 5\.7\.9: the reason of 69$'
mail x@gone.example
n=$((n + 1))
ok "without the flag l a program that is missing returns the mail" wait_mail "$site" internal $n
is "which is why the template has it" "$(status_of x@gone.example)" "5.5.0 X-Unix; 69"
ok "nothing waits" wait_queue "$site" carrier 0

# ---- postern itself
conf "$site" "module_directory = $site/nowhere"
mail bob@partner.example
mail alice@behoerde.example outside bob@partner.example
ok "75: both wait" wait_queue "$site" carrier 2
id=$(basename "$(grep -l '<bob@partner.example>$' "$site"/mta/queue-carrier/qf* | head -n 1)")
like "the reason is in postern's log, under the queue id" "$(grep " ${id#qf}: " "$site/log")" nowhere
sendmail_flush "$site" carrier
is "tried again, nothing came back" "$(sendmail_queue "$site" carrier) $(accepted "$site" internal | wc -l)" "2 $n"
conf "$site" "module_directory = $site/mta/programs"
sendmail_flush "$site" carrier
ok "repaired: it leaves" wait_mail "$site" external 1
ok "sealed" grep -q 'application/pkcs7-mime' "$site/sink/external/1.msg"
n=$((n + 1))
ok "the other arrives" wait_mail "$site" internal $n
like "still as mail from outside" "$(grep 'destination=internal' "$site/log" | tail -n 1)" 'from=<bob@partner.example> client=127\.0\.3\.1 .* incoming'
printf '. (to) nobody@ (do) REJECT=no mail for nobody\n' >>"$site/rules"
mail nobody@partner.example
n=$((n + 1))
ok "77 comes back" wait_mail "$site" internal $n
is "with Sendmail's status" "$(status_of nobody@partner.example)" "5.3.0 X-Unix; 77"
like "and our words" "$(returned)" '^5\.7\.1 .*no mail for nobody'
conf "$site" "message_size_limit = 4000"
sendmail_send_options='-mail RET=HDRS' # a bounce with the whole message would be too long, too
message "From: alice@behoerde.example" "To: carol@other.example" <"$SRC/t/mta/sendmail.sh" |
	sendmail_send "$site" inside alice@behoerde.example carol@other.example >/dev/null
n=$((n + 1))
ok "69 comes back" wait_mail "$site" internal $n
is "with Sendmail's status" "$(status_of carol@other.example)" "5.5.0 X-Unix; 69"
like "and our words" "$(returned)" '^5\.3\.4 '
ok "nothing waits" wait_queue "$site" carrier 0
done_testing
