#!/bin/sh
# The instances: by smtp: and by command:, stopped and started, with a next hop that will not; nothing lost, nothing twice,
# and their bounces go to the right side without what had been encrypted.
. "${0%/*}/lib.sh"
. "$SRC/t/mta/postfix.sh"
why=$(postfix_usable) || skip_all "$why"
postfix_usable

site() { # DIR INJECT
	site_make "$1"
	printf '%s\n' '. (to) . (do) NE,NS' '@behoerde\.example$ (to) ^bob@ (do) FE,FS' >"$1/rules"
	postfix_sink "$1" external -rcpt '^refused@=550 5.1.1 no such user outside' -greeting '421 4.3.2 not now' -times 1
	postfix_sink "$1" internal -rcpt '^refused@=550 5.1.1 no such user inside'
	postfix_external_hop=$postfix_external postfix_internal_hop=$postfix_internal
	postfix_inject=$2
	postfix_make "$1" && postfix_start "$1" all
}
outward() { # DIR RECIPIENT...
	out_site=$1
	shift
	reply=$(printf 'From: alice@behoerde.example\nTo: %s\nSubject: out\nMessage-ID: <%s>@test.example>\n\nthe text\n' "$1" "$(($(accepted "$out_site" external | wc -l) + $#))" |
		postfix_send "$out_site" inside alice@behoerde.example "$@")
	[ "${reply%% *}" = 250 ] || diag "$*: $reply"
}
inward() { # DIR RECIPIENT: sealed for alice, whoever gets it
	reply=$(printf 'Content-Type: text/plain\r\n\r\nfor your eyes only\r\n' |
		openssl cms -encrypt -aes-256-cbc -recip "$1/alice.pem" | tr -d '\r' | {
			printf 'From: bob@partner.example\nTo: %s\nSubject: in\nMessage-ID: <%s>\n' "$2" "$2"
			cat
		} | postfix_send "$1" outside bob@partner.example "$2")
	[ "${reply%% *}" = 250 ] || diag "$2: $reply"
}
flush_until() { # DIR INSTANCE: until its queue is empty
	wait_for 120 sh -c "postqueue -c '$1/mta/$2' -f; sleep 0.5; [ \"\$(postqueue -c '$1/mta/$2' -j | grep -c queue_id)\" = 0 ]"
}
often() { accepted "$1" "$2" | cut -d' ' -f1 | grep -c -xF "$3"; } # how often has it got it?
has() { [ -n "$(sink_message "$1" "$2" "$3")" ]; }

ways() { # DIR INJECT: all of it, each way
	# ---- the next hop will not, at first ----
	outward "$1" first@plain.example
	ok "$2: when the relay will not, the message waits in the instance" wait_queue "$1" external 1
	ok "not in the carrier" wait_queue "$1" carrier 0
	postfix_stop "$1" external
	postfix_start "$1" external
	is "a new start of the instance does not lose it" "$(postfix_queue "$1" external)" 1
	ok "it goes out" flush_until "$1" external
	is "once" "$(often "$1" external first@plain.example)" 1

	# ---- the instance is down ----
	postfix_stop "$1" external
	outward "$1" bob@partner.example carol@behoerde.example second@plain.example
	ok "whoever is on the other side is served" wait_mail "$1" internal 1
	case $2 in
	smtp)
		ok "what should go out waits in the carrier" wait_queue "$1" carrier 1
		wait_for 120 grep -q 'to=<second@.*deferred' "$1/mta/carrier.log"
		like "with the reason" "$(postqueue -c "$1/mta/carrier" -p)" 'onnection refused'
		postfix_flush "$1" carrier
		wait_for 120 awk '/to=<second@.*deferred/ { n++ } END { exit n < 2 }' "$1/mta/carrier.log"
		is "a retry does not serve the other side again" "$(often "$1" internal carol@behoerde.example)" 1
		;;
	command)
		ok "what should go out waits in the directory maildrop of the instance" wait_for 120 sh -c "[ \$(find '$1/mta/queue-external/maildrop' -type f | wc -l) = 2 ]"
		ok "nothing waits in the carrier" wait_queue "$1" carrier 0
		like "mailq of the instance shows it" "$(postqueue -c "$1/mta/external" -p 2>&1)" 'second@plain.example'
		;;
	esac
	postfix_start "$1" external
	flush_until "$1" carrier
	ok "when it is back, everybody gets it" wait_mail "$1" external 3
	is "each once" "$(for who in bob@partner.example second@plain.example; do often "$1" external $who; done | tr '\n' ' ')$(often "$1" internal carol@behoerde.example)" "1 1 1"

	# ---- bounces ----
	outward "$1" refused@plain.example
	ok "what the relay refuses comes back to the user" wait_for 120 has "$1" internal alice@behoerde.example
	bounce=$(sink_message "$1" internal alice@behoerde.example)
	like "by way of the carrier" "$(cat "$bounce")" '^Received: from mx.behoerde.example .*|by mx.behoerde.example'
	like "with the relay's words" "$(cat "$bounce")" 'no such user outside'
	inward "$1" refused@behoerde.example
	ok "what the user side refuses comes back to the partner" wait_for 120 has "$1" external bob@partner.example
	wait_for 120 sh -c "[ \$(awk '\$1 == \"bob@partner.example\"' '$1/sink/external/accepted' | wc -l) = 2 ]"
	bounce=$(sink_message "$1" external bob@partner.example 2)
	tr -d '\r' <"$bounce" | openssl cms -decrypt -recip "$1/bob.pem" -inkey "$1/bob.key" >"$T/bounce" 2>/dev/null || tr -d '\r' <"$bounce" >"$T/bounce"
	like "with the user side's status" "$(cat "$T/bounce")" '5\.1\.1'
	like "for the recipient" "$(cat "$T/bounce")" 'refused@behoerde.example'
	unlike "and without what had been encrypted" "$(cat "$T/bounce")" 'for your eyes only'
	unlike "in no form" "$(base64 -d "$T/bounce" 2>/dev/null | tr -d '\0')" 'for your eyes only'
	inward "$1" alice@behoerde.example
	ok "while it reaches whom it is for" wait_for 120 has "$1" internal alice@behoerde.example
	for each in carrier external scanner internal; do
		flush_until "$1" $each
		is "nothing is left: $each" "$(postfix_queue "$1" $each)" 0
	done
}

site "$T/smtp" smtp && pass "instances by smtp: run" || fail "instances by smtp: run"
for each in carrier external scanner internal; do
	is "Postfix has nothing to say about the configuration: $each" "$(postconf -c "$T/smtp/mta/$each" -n 2>&1 >/dev/null; postconf -c "$T/smtp/mta/$each" -M 2>&1 >/dev/null)" ""
done
for each in scanner internal; do
	is "no bounce carries decrypted text: $each" "$(postconf -c "$T/smtp/mta/$each" -h bounce_size_limit)" 1
done
ways "$T/smtp" smtp

if why=$(postfix_command_usable); then
	site "$T/command" command && pass "instances by command: run" || fail "instances by command: run"
	is "they listen nowhere" "$(for each in external scanner internal; do postconf -c "$T/command/mta/$each" -M | awk '$2 == "inet"'; done)" ""
	ways "$T/command" command
	cat >"$T/stranger" <<-END
		From: eve@evil.example

		x
	END
	not_ok "only the account of postern, and root, may hand in" runuser -u nobody -- /usr/sbin/sendmail -C "$T/command/mta/external" \
		-oi -f eve@evil.example -- x@plain.example
else
	skip "injection by command:" "$why"
fi
done_testing
