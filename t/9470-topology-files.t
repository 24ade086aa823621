#!/bin/sh
# the worked examples are complete, and their words explained
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
done_testing
