#!/bin/sh
# mailq-all and deliver-all with Postfix: mail that waits in every queue, why, what is on hold, and that it all leaves at last
. "${0%/*}/lib.sh"
. "${0%/*}/mta/postfix.sh"
. "${0%/*}/queues.sh"
why=$(postfix_usable) || skip_all "$why"
postfix_usable # in this shell
tool mailq-all deliver-all
D=$T/site
site_make "$D"
# nobody listens behind the instances, and the carrier's postern has no rules module
postfix_external_hop='[127.0.0.1]:1' postfix_scanner_hop='[127.0.0.1]:1' postfix_internal_hop='[127.0.0.1]:1'
postfix_make "$D" || { fail "configured"; done_testing; exit; }
for name in carrier external scanner internal; do conf "$D" "${name}_queue = postfix:$D/mta/$name"; done
conf "$D" "scanner = smtp:$postfix_address:10026" "rules_modules = none-such"
postfix_own "$D"
if postfix_start "$D" all; then pass "four instances of Postfix"; else fail "four instances of Postfix"; done_testing; exit; fi

all() { mailq -c "$D/postern.conf" "$@"; }
all
is "nothing waits: exit 0" "$code" 0

# ---- mail in every queue
letter() { message "From: alice@behoerde.example" "To: bob@partner.example" "Subject: t" <<-END
	hello
	END
}
letter | postfix_send "$D" inside alice@behoerde.example bob@partner.example >/dev/null
for name in external scanner internal; do
	domain=behoerde.example # external sends to the others
	[ "$name" != external ] || domain=partner.example
	letter | /usr/sbin/sendmail -C "$D/mta/$name" -oi -f '"a \"b\" {c}"@behoerde.example' -- "bob@$domain" "\"x\\\\y }] \"@$domain"
done
deferred() { [ "$(postqueue -c "$D/mta/$1" -j | grep -c "\"queue_name\": \"deferred\".*delay_reason.*$2")" = "$3" ]; }
for name in external scanner internal; do ok "$name has deferred it" wait_for "${WAIT:-120}" deferred "$name" 'Connection refused' 1; done
ok "the carrier has deferred it" wait_for "${WAIT:-120}" deferred carrier 'none-such' 1

all -json
is "young mail: exit 0" "$code" 0
is "each queue: running, one mail" "$(printf '%s' "$out" | json 'join " ", map { "@{$_->{roles}}:$_->{state}:$_->{count}" } @{$d->{queues}}')" \
	"carrier:ok:1 external:ok:1 scanner:ok:1 internal:ok:1 hold:ok:0"
is "sender and recipients as they are" "$(printf '%s' "$out" | json 'my $m = $d->{queues}[3]{mails}[0]; join " | ", $m->{sender}, sort map { $_->{address} } @{$m->{recipients}}')" \
	'"a \"b\" {c}"@behoerde.example | "x\\y }] "@behoerde.example | bob@behoerde.example'
like "the carrier's reason is what postern said" "$(printf '%s' "$out" | json '$d->{queues}[0]{mails}[0]{recipients}[0]{reason}')" '^module none-such: '
like "an instance's what the next hop said" "$(printf '%s' "$out" | json '$d->{queues}[1]{mails}[0]{recipients}[0]{reason}')" 'Connection refused'
ids=$(printf '%s' "$out" | json 'join " ", map { $_->{mails}[0]{id} } @{$d->{queues}}[0..3]')
all
for id in $ids; do like "$id is shown" "$out" "^  $id "; done
all -warn 0 -summary
# it is a second old by now, or soon
tries=0
while [ "$code" != 1 ] && [ $((tries += 1)) -lt 1200 ]; do
	sleep 0.1
	all -warn 0 -summary
done
like "older than nothing: a warning" "$code $out" '^1 QUEUES WARNING - 4 mails, .* \| mails=4 '

# ---- flushed, but the reasons are still there
attempts() { postfix_logged "$D" "$1" | grep -c 'status=deferred'; }
for name in carrier external scanner internal; do eval "before_$name=$(attempts $name)"; done
deliver -c "$D/postern.conf" -wait 5m -json
is "all is left: exit 1" "$code" 1
is "flushed, one in each" "$(printf '%s' "$out" | json 'join " ", map { "$_->{before}:$_->{count}:" . ($_->{flushed} ? "yes" : "no") } @{$d->{queues}}[0..3]')" \
	"1:1:yes 1:1:yes 1:1:yes 1:1:yes"
for name in carrier external scanner internal; do
	eval "ok \"$name has tried it again before the report\" test \$(attempts $name) -gt \$before_$name"
done

# ---- on hold
held=$(postqueue -c "$D/mta/scanner" -j | sed 's/.*"queue_id": "\([0-9A-Za-z]*\)".*/\1/')
postsuper -c "$D/mta/scanner" -h "$held" 2>/dev/null
all -json
is "Postfix's hold queue" "$(printf '%s' "$out" | json 'my $q = $d->{queues}[2]; "$q->{count} $q->{held} $q->{mails}[0]{queue} $q->{mails}[0]{id}"')" "0 1 hold $held"

# ---- the reasons are gone
for name in external internal; do
	postfix_stop "$D" "$name"
	postfix_sink "$D" "$name"
	eval "postfix_set \"$D\" $name \"relayhost = \$postfix_$name\" \"relay_transport = smtp:\$postfix_$name\""
	postfix_start "$D" "$name"
done
conf "$D" "rules_modules = rules-file"
postfix_own "$D"
deliver -c "$D/postern.conf" -wait 5m
is "all is delivered: exit 0" "$code" 0
is "through the carrier and the external instance" "$(accepted "$D" external | wc -l)" 3
is "and the internal one" "$(accepted "$D" internal | wc -l)" 2
like "what is on hold stays, and how to release it" "$out" "to release one: postsuper -c $D/mta/scanner -H ID"
like "nothing is left" "$out" '^nothing left; 1 on hold$'
all
is "nothing waits: exit 0" "$code" 0

# ---- one does not run
postfix_stop "$D" scanner
all
is "an instance that does not run: exit 2" "$code" 2
like "is named" "$out" '^critical: scanner .*: Postfix is not running'
like "its mail is shown" "$out" "^  $held .*\\(hold\\)"
deliver -c "$D/postern.conf" -queue scanner
is "and cannot be flushed: exit 2" "$code" 2
postsuper -c "$D/mta/scanner" -H "$held" 2>/dev/null
mailq -c "$D/postern.conf" -queue scanner -json
is "released" "$(printf '%s' "$out" | json '"$d->{queues}[0]{count} $d->{queues}[0]{held}"')" "1 0"

done_testing
