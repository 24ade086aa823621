#!/bin/sh
# What Postfix makes of each way postern can end: "try again" stays in the queue and mailq shows why, a refusal comes back with
# our text and status, and whatever is neither waits, too: nothing is ever returned because something is broken.
. "${0%/*}/lib.sh"
. "$SRC/t/mta/postfix.sh"
why=$(postfix_usable) || skip_all "$why"
postfix_usable

S=$T/site
site_make "$S"
postfix_make "$S"
printf '%s\n' '. (to) . (do) NE,NS' '. (to) ^forbidden@ (do) REJECT=not to this one' '. (to) ^secret@ (do) FE,FS' '. (to) ^absent@ (do) REJECT=service unavailable' >"$S/rules"
conf "$S" "message_size_limit = 50000" "partial = no"
mv "$S/mta/programs/postern" "$S/mta/programs/postern.real"
chmod 777 "$S/mta"
# what goes wrong, by the recipient's name; a pid of its own for those who are killed
cat >"$S/mta/programs/trouble" <<'PROGRAM'
#!/bin/sh
name=${*##* }
name=${name%%@*}
case $name in
killed) kill -KILL $$ ;;
crashed) kill -SEGV $$ ;;
hanging) sleep 3600 ;;
hanging-talking) echo "5.7.1 not meant"; sleep 3600 ;;
missing-library) echo "postern: error while loading shared libraries: libxml2.so.2: cannot open shared object file"; exit 127 ;;
not-executable) exec /dev/null ;;
code-*) exit "${name#code-}" ;;
talking-*) echo "something else"; exit "${name#talking-}" ;;
esac
exec "${0%/*}/postern.real" "$@"
PROGRAM
chmod 755 "$S/mta/programs/trouble"
postfix_start "$S" all && pass "carrier and instances run" || fail "carrier and instances run"
link() { ln -sf "$1" "$S/mta/programs/postern"; }
link postern.real

send() { # RECIPIENT [FROM]
	reply=$(printf 'From: alice@behoerde.example\nTo: %s\nSubject: test\nMessage-ID: <%s>\n\ntext\n' "$1" "$1" |
		postfix_send "$S" inside "${2-alice@behoerde.example}" "$1")
	[ "${reply%% *}" = 250 ] || diag "$1: $reply"
}
logged() { grep -F "to=<$1>" "$S/mta/carrier.log" | grep -q "status="; }
status() { # RECIPIENT: the last word of Postfix on it: "deferred 4.3.0 (reason)"
	wait_for 120 logged "$1"
	grep -F "to=<$1>" "$S/mta/carrier.log" | sed -n 's/.*dsn=\([0-9.]*\), status=\([A-Za-z]*\)/\2 \1/p' | tail -n 1
}
report() { # SENDER: the bounce, in one line of text
	wait_for 120 grep -qsxF "RCPT TO:<$1>" "$S/sink/internal/log"
	wait_for 120 sh -c "grep -qsF '$1 ' '$S/sink/internal/accepted'"
	tr -d '\r' <"$(sink_message "$S" internal "$1")"
}

# ---- 75 ----
mv "$S/postern.conf" "$S/away.conf"
send noconf@partner.example
like "a configuration that is not there: the message waits" "$(status noconf@partner.example)" '^deferred 4\.3\.5 .*postern.conf'
like "mailq shows the reason" "$(postqueue -c "$S/mta/carrier" -p)" 'postern.conf.*No such file'
sed 's/^hostname/hostnmae/' "$S/away.conf" >"$S/postern.conf"
send badconf@partner.example
like "an error in it: the message waits" "$(status badconf@partner.example)" '^deferred 4\.3\.5 .*unknown option "hostnmae"'
like "mailq names file and line" "$(postqueue -c "$S/mta/carrier" -p)" 'postern.conf:1: unknown option'
mv "$S/away.conf" "$S/postern.conf"
mv "$S/mta/programs/rules-file" "$S/mta/programs/away"
send nomodule@partner.example
like "a module that is not there: the message waits" "$(status nomodule@partner.example)" '^deferred 4\.'
ln -s /bin/false "$S/mta/programs/rules-file"
send deadmodule@partner.example
like "a module that dies: the message waits" "$(status deadmodule@partner.example)" '^deferred 4\.'
rm "$S/mta/programs/rules-file"
mv "$S/mta/programs/away" "$S/mta/programs/rules-file"
chmod 500 "$S/spool"
chown root "$S/spool"
send nospool@partner.example
like "a spool that cannot be written: the message waits" "$(status nospool@partner.example)" '^deferred 4\.'
chown "$postfix_user" "$S/spool"
chmod 700 "$S/spool"
is "all of them wait in the carrier" "$(postfix_queue "$S" carrier)" 5
is "nothing has come out" "$(accepted "$S" external)" ""
postfix_flush "$S" carrier
ok "when it is mended, all arrive" wait_mail "$S" external 5
ok "and the queue is empty" wait_queue "$S" carrier 0
is "each once" "$(accepted "$S" external | cut -d' ' -f1 | sort)" "$(printf '%s@partner.example\n' badconf deadmodule noconf nomodule nospool)"

# what waits is put in again: it is still from outside
mv "$S/postern.conf" "$S/away.conf"
printf 'From: bob@partner.example\nSubject: again\n\nx\n' | postfix_send "$S" outside bob@partner.example again@behoerde.example >/dev/null
like "a message from outside waits" "$(status again@behoerde.example)" '^deferred'
mv "$S/away.conf" "$S/postern.conf"
postsuper -c "$S/mta/carrier" -r ALL >/dev/null 2>&1
postkick -c "$S/mta/carrier" public pickup W # or within a minute
ok "put in again by postsuper it arrives" wait_mail "$S" internal 1
like "and is still from outside" "$(grep 'client=127.0.3.1' "$S/log")" 'incoming'

# ---- refusals ----
send forbidden@partner.example from77@behoerde.example
like "77: refused" "$(status forbidden@partner.example)" '^bounced 5\.7\.1'
report from77@behoerde.example >"$T/report"
like "the sender gets our words" "$(cat "$T/report")" 'not to this one'
like "and our status" "$(cat "$T/report")" '^Status: 5\.7\.1$'
like "for the recipient" "$(cat "$T/report")" '^Final-Recipient: rfc822; forbidden@partner.example'
like "from nobody" "$(cat "$S/sink/internal/log")" '^MAIL FROM:<>'
send absent@partner.example from-words@behoerde.example
like "words that Postfix might have used make no difference" "$(status absent@partner.example)" '^bounced 5\.7\.1 .service unavailable'
report from-words@behoerde.example >/dev/null
send secret@partner.example from-fe@behoerde.example
like "no certificate, and it must be encrypted: refused" "$(status secret@partner.example)" '^bounced 5\.7\.'
like "with the reason" "$(report from-fe@behoerde.example)" 'certificate'
send '"$(id)"@partner.example' from67@behoerde.example
like "67: refused" "$(status '"$(id)"@partner.example')" '^bounced 5\.1\.'
like "with its status" "$(report from67@behoerde.example)" '^Status: 5\.1\.[0-9]$'
reply=$(perl -e 'print "From: alice\@behoerde.example\nSubject: big\n\n", "x" x 70, "\n" for 1 .. 1000' |
	postfix_send "$S" inside from69@behoerde.example big@partner.example)
like "69: refused" "$(status big@partner.example)" '^bounced 5\.3\.4'
like "with the reason" "$(report from69@behoerde.example)" 'message_size_limit'
postfix_set "$S" carrier "soft_bounce = yes"
postfix_stop "$S" carrier
postfix_start "$S" carrier
send forbidden@soft.example from-soft@behoerde.example
like "with soft_bounce a refusal waits, too" "$(status forbidden@soft.example)" '^SOFTBOUNCE 4\.7\.1'
like "mailq shows our words" "$(postqueue -c "$S/mta/carrier" -p)" 'not to this one'
# the way that postern-postfix(7) shows: out of the queue, and asked why
id=$(postqueue -c "$S/mta/carrier" -j | sed -n 's/.*"queue_id": "\([^"]*\)".*/\1/p')
like "postcat shows who the client was" "$(postcat -c "$S/mta/carrier" -eq "$id" | grep -E 'client_address|sender|recipient')" 'client_address=127\.0\.1\.1'
like "what is in the queue can be explained" "$(postcat -c "$S/mta/carrier" -bhq "$id" | runuser -u "$postfix_user" -- "$S/mta/programs/postern.real" \
	-c "$S/postern.conf" -explain -client 127.0.1.1 -sender from-soft@behoerde.example -readmail forbidden@soft.example 2>&1)" 'not to this one'
postsuper -c "$S/mta/carrier" -d ALL >/dev/null 2>&1
postfix_set "$S" carrier "soft_bounce = no" "postern_time_limit = 1s"
postfix_stop "$S" carrier
is "nothing else came back" "$(accepted "$S" internal | wc -l | tr -d ' ')" 6

# ---- what nobody meant ----
link trouble
postfix_start "$S" carrier
codes="$(for code in 1 2 64 65 66 67 68 69 70 72 73 74 76 77 78 127 255; do echo code-$code; done) talking-1 talking-69 talking-77"
troubles="killed crashed hanging hanging-talking missing-library not-executable $codes"
for name in $troubles; do send "$name@trouble.example"; done
is "every accident waits" "$(for name in $troubles; do
	case $(status "$name@trouble.example") in deferred*) ;; *) echo "$name: $(status "$name@trouble.example")" ;; esac
done)" ""
like "a signal is named" "$(status killed@trouble.example)" '^deferred 4\.3\.0 .*signal 9'
like "the time limit is named" "$(status hanging@trouble.example)" '^deferred 4\.3\.0 .*time limit exceeded'
like "what the loader said is shown" "$(status missing-library@trouble.example)" '^deferred 4\.3\.0 .*error while loading shared libraries'
rm "$S/mta/programs/postern"
send gone@trouble.example
like "a program that is not there: the message waits" "$(status gone@trouble.example)" '^deferred 4\.3\.0 .*No such file'
: >"$S/mta/programs/postern"
send notours@trouble.example
like "one that may not be started: the message waits" "$(status notours@trouble.example)" '^deferred 4\.3\.0 .*Permission denied'
rm "$S/mta/programs/postern"
is "none came back" "$(accepted "$S" internal | wc -l | tr -d ' ')" 6

link postern.real
set -- $troubles
postfix_flush "$S" carrier
ok "when it is mended, all arrive" wait_mail "$S" external $((5 + $# + 2))
ok "and the queue is empty" wait_queue "$S" carrier 0
is "each once" "$(accepted "$S" external | cut -d' ' -f1 | sort | uniq -d)" ""

# ---- why the template has a filter for this ----
link trouble
postfix_set "$S" carrier "postern_status_filter ="
postfix_stop "$S" carrier
postfix_start "$S" carrier
send missing-library@without.example from-without@behoerde.example
like "without the filter Postfix returns mail when the program cannot be loaded" "$(status missing-library@without.example)" '^bounced 5\.3\.0'
send hanging@without.example from-without@behoerde.example
like "and when it takes too long" "$(status hanging@without.example)" '^bounced 5\.3\.0'
done_testing
