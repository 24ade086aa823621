#!/bin/sh
# The instances of Sendmail: injection by command, mail that waits, instances that stop and start, bounces; and each recipient once
. "${0%/*}/lib.sh"
. "$SRC/t/mta/sendmail.sh"
why=$(sendmail_usable) || skip_all "$why"

# hop SITE NAME OPTION...: a next hop that is not always willing
hop() {
	hop_site=$1 hop_name=$2
	shift 2
	mkdir -p "$hop_site/sink/$hop_name"
	perl "$SRC/t/helper/smtp-sink" "$@" "$hop_site/sink/$hop_name" >/dev/null 2>&1 &
	kill_at_end $!
	wait_for 120 test -s "$hop_site/sink/$hop_name/port"
	eval "sendmail_${hop_name}_hop=[127.0.0.1]:\$(cat '$hop_site/sink/$hop_name/port')"
}
mail() { # SITE SIDE SENDER RECIPIENT...
	mail_site=$1 mail_side=$2 mail_from=$3
	shift 3
	message "From: $mail_from" "To: all" "Subject: from $mail_from" <<E | sendmail_send "$mail_site" "$mail_side" "$mail_from" "$@" >/dev/null
the plain words
E
}
taken() { accepted "$1" "$2" | cut -d' ' -f1 | sort | uniq -c | tr -s ' \n' ' '; }
body_of() { tr -d '\r' <"$1/sink/$2/$3.msg"; }

# ---- by command, to hops that refuse twice before they take anything, and never take some
site=$T/command
site_make "$site"
printf '. (to) @other (do) NE, NS\n' >>"$site/rules"
hop "$site" external -mail '451 4.3.2 not now' -times 2 -rcpt '^gone@=550 5.1.1 no such user'
hop "$site" internal -rcpt '^gone@=550 5.1.1 no such user'
sendmail_inject=command
sendmail_site "$site" || { fail "carrier and instances run"; done_testing; exit 1; }
mail "$site" inside alice@behoerde.example bob@partner.example
ok "postern is rid of it" wait_queue "$site" carrier 0
ok "it waits in the instance" wait_queue "$site" external 1
ok "tried once" wait_for 120 grep -q '^MDeferred' "$site"/mta/queue-external/qf*
like "mailq says why" "$(sendmail_mailq "$site" external)" '\(Deferred: 451 4\.3\.2 not now\)'
sendmail_flush "$site" external
is "and again" "$(sendmail_queue "$site" external) $(taken "$site" external)" "1 "
is "whoever runs the queue, it belongs to the account of postern" "$(stat -c %U:%a "$site"/mta/queue-external/* | sort -u)" "$sendmail_user:600"
sendmail_stop "$site" external
mail "$site" inside alice@behoerde.example carol@other.example
ok "with the daemon stopped it can still be handed over" wait_queue "$site" carrier 0
ok "and is sent by the process that took it" wait_mail "$site" external 1
sendmail_start "$site" external
sendmail_flush "$site" external
ok "the first one is sent, too" wait_mail "$site" external 2
ok "nothing waits" wait_queue "$site" external 0
is "each once" "$(taken "$site" external)" " 1 bob@partner.example 1 carol@other.example "
like "sealed" "$(body_of "$site" external 2)" 'application/pkcs7-mime'
unlike "no warning of Sendmail in the header" "$(cat "$site"/sink/external/*.msg)" '^X-Authentication-Warning'
is "the sender is the sender" "$(tr -d '\r' <"$site/sink/external/log" | sed -n 's/^MAIL From:\(.*>\).*/\1/p' | sort -u)" '<alice@behoerde.example>'

# ---- what an instance cannot deliver
mail "$site" inside alice@behoerde.example gone@other.example
ok "a refusal outside comes back inside" wait_mail "$site" internal 1
bounce=$(body_of "$site" internal 1)
like "to the sender, with what was said" "$bounce" '550 5\.1\.1 no such user'
unlike "without what was written" "$bounce" 'the plain words'
is "without a sender" "$(tr -d '\r' <"$site/sink/internal/log" | sed -n 's/^MAIL From:\(<.*>\).*/\1/p' | tail -n 1)" '<>'
mail "$site" outside carol@other.example gone@behoerde.example
ok "a refusal inside goes out" wait_mail "$site" external 3
bounce=$(body_of "$site" external 3)
like "with what was said" "$bounce" '550 5\.1\.1 no such user'
unlike "without what was written" "$bounce" 'the plain words'
for name in carrier external internal; do ok "nothing waits in $name" wait_queue "$site" $name 0; done

# ---- by smtp: one of two destinations is down
site=$T/smtp
sendmail_inject=smtp sendmail_external_hop= sendmail_internal_hop=
site_make "$site" && sendmail_site "$site" || { fail "the second site runs"; done_testing; exit 1; }
sendmail_stop "$site" internal
mail "$site" inside alice@behoerde.example bob@partner.example anna@behoerde.example carol@other.example
ok "outside gets its mail" wait_mail "$site" external 2
ok "the carrier keeps the message" wait_queue "$site" carrier 1
ok "until all is done" wait_for 120 grep -q '^MDeferred' "$site"/mta/queue-carrier/qf*
sendmail_flush "$site" carrier
is "tried again: outside gets nothing twice" "$(taken "$site" external)" " 1 bob@partner.example 1 carol@other.example "
sendmail_start "$site" internal
sendmail_flush "$site" carrier
ok "the other side is back and gets it" wait_mail "$site" internal 1
ok "done" wait_queue "$site" carrier 0
is "each recipient once" "$(taken "$site" external)$(taken "$site" internal)" " 1 bob@partner.example 1 carol@other.example  1 anna@behoerde.example "
is "nothing is left in the journal" "$(find "$site/spool/journal" -type f ! -name swept | wc -l)" 0
done_testing
