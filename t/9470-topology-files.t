#!/bin/sh
# the worked examples are complete, their words explained, and the manual's commands do what it says
. "${0%/*}/lib.sh"
. "$SRC/t/mta/topology.sh"
page=$SRC/man/postern-topologies.7
words() { grep -o '@[a-z_]*@' "$@" | sed 's/.*://' | sort -u; }

for folder in "$TOPOLOGIES"/*/; do
	folder=${folder%/} name=${folder##*/}
	for file in README postern.conf rules instances postfix/carrier.main.cf sendmail/carrier.mc; do
		ok "$name has $file" test -s "$folder/$file"
	done
	unexplained=
	for word in $(find "$folder" -type f ! -name README -exec grep -o '@[a-z_]*@' {} + | sed 's/.*://' | sort -u); do
		grep -qF "$word" "$TOPOLOGIES/README" || grep -qF "$word" "$folder/README" || unexplained="$unexplained $word"
	done
	is "$name: all words are explained" "$unexplained" ""
	ok "$name is in the manual" grep -q "^\\.Ss $name\$" "$page"
	ok "$name is in the list" grep -q "^  $name  " "$TOPOLOGIES/README"
	for conf in $(find "$folder" -name postern.conf); do
		# what stands in the client lists may stand in the carrier's networks, and the other way round
		lists=$(grep -h '^internal_clients\|^scanner_clients' $(find "$folder" -name postern.conf) | words)
		networks=$(grep '^mynetworks' "$folder/postfix/carrier.main.cf" | words)
		is "$name: postern and the carrier call the same addresses inside" "$networks" "$lists"
		is "$name: and so does Sendmail" "$(grep '^RELAY_DOMAIN' "$folder/sendmail/carrier.mc" | words)" "$lists"
		unlike "$name: the external relay is in no list" "$lists" 'external_relay|own_address'
	done
	find "$folder" -name instances | while read -r list; do
		for instance in $(sed '/^#/d; s/ .*//' "$list"); do
			grep -q "^$instance  *= smtp:@[a-z_]*listen@" "${list%/*}/postern.conf" && grep -q "^${instance}_queue" "${list%/*}/postern.conf" ||
				echo "$list: $instance"
		done
	done >"$T/instances"
	is "$name: the instances are the destinations, and have queues" "$(cat "$T/instances")" ""
done
is "the manual has no other" "$(sed -n 's/^\.It \([a-z-]*\) Ta .*/\1/p' "$page" | sort | tr '\n' ' ')" \
	"$(cd "$TOPOLOGIES" && ls -d ./*/ | sed 's|^./||; s|/$||' | sort | tr '\n' ' ')"

# ---- the commands of the manual's example "by hand" ----
if command -v /usr/sbin/postconf >/dev/null 2>&1; then
	mkdir -p "$T/etc/postern" "$T/etc/postfix"
	printf 'compatibility_level = 3.6\nmyhostname = x.behoerde.example\n' >"$T/etc/postfix/main.cf"
	: >"$T/etc/postfix/master.cf"
	awk '/^cd .*topologies\/gateway/, /^\.Ed/' "$page" | sed -e '/^\.Ed/d' -e 's/\\e/\\/g' -e "s|/usr/local/share/postern/topologies|$TOPOLOGIES|" \
		-e "s|/etc/postern/|$T/etc/postern/|g" -e "s|postconf -e|/usr/sbin/postconf -c $T/etc/postfix -e|" >"$T/commands"
	ok "the manual's commands run" sh -e "$T/commands"
	get() { "$BUILD/postern" -c "$T/etc/postern/postern.conf" -get "$1" 2>&1 | tr '\n' ' '; }
	is "they fill the client lists" "$(get internal_clients)$(get scanner_clients)" "127.0.0.1 ::1 10.1.0.7 10.2.0.4 "
	is "and the destinations" "$(get external)$(get scanner)$(get internal)" "smtp:127.0.0.1:10025 smtp:127.0.0.1:10026 smtp:127.0.0.1:10027 "
	postfix() { /usr/sbin/postconf -c "$T/etc/postfix" -h "$1" 2>&1; }
	is "and the carrier's main.cf" "$(postfix relayhost) $(postfix relay_transport) $(postfix relay_domains)" \
		"[192.0.2.25]:25 smtp:[10.1.0.7]:25 behoerde.example"
	like "with those who may connect" "$(postfix smtpd_client_restrictions)" 'inline:\{192\.0\.2\.25=OK\}, reject$'
	is "no word is left" "$(grep -h '^[^#]*@[a-z_]*@' "$T/etc/postern/postern.conf" "$T/etc/postfix/main.cf")" ""
else
	skip "the manual's commands" "Postfix is not installed"
fi
done_testing
