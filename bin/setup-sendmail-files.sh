# setup-sendmail-files.sh - sourced by postern-setup: what sendmail.mc, sendmail.cf and mailertable become
#
# The carrier's sendmail.mc gets a block in front of its mailers and a line at its end, and sendmail.cf is made of it
# again by m4(1), after a look whether it was made of it before. mailertable gets the line that sends everything through
# postern. The instances are configurations of their own below /etc/mail/postern.
#
# Several tenants share these files: each line in them is marked as one tenant's or as everybody's, and taken out by that,
# so that they go in any order.

# ---- the carrier's files ----

heading_mc() { printf 'dnl %s: put here by postern-setup, and taken out by postern-setup -remove\n' "$service"; }

# The starred lines of the template, as far as the operator has not decided himself.
carrier_block() {
	words carrier
	fill "$templates/sendmail/carrier.mc" >"$W/carrier.mc"
	awk '/^dnl \*/ { star = 1; next } /^dnl *$/ { star = 0 } star && !/^dnl/ && !/^include/ && !/mailertable/ { print }' "$W/carrier.mc" | while read -r statement; do
		name=$(printf '%s\n' "$statement" | sed "s/^[^\`]*\`\([^']*\)'.*/\1/")
		grep -q "^[a-zA-Z]*(\`$name'" "$1" || printf '%s\n' "$statement"
	done
	grep -q "^FEATURE(\`mailertable'" "$1" || printf "FEATURE(\`mailertable', \`hash -o %s/mailertable')dnl\n" "$config"
}

mc_with_postern() { # MC: the same with postern, on standard output
	if [ -n "$tenant" ]; then
		mc_with_tenant "$1"
		return
	fi
	if grep -Fqx -e "$(heading_mc)" "$1"; then
		cat "$1"
		return
	fi
	{ heading_mc; carrier_block "$1"; } >"$W/block"
	before_mailers "$1"
	printf "dnl\ninclude(\`%s/%s.m4')dnl\n" "$config" "$service"
}

before_mailers() { # MC: with $W/block where it belongs
	awk -v block="$W/block" '/^(MAILER_DEFINITIONS|MAILER\()/ && !done { while ((getline line <block) > 0) print line; done = 1 } { print }' "$1"
}

# A line of ours says behind its dnl whose it is.
mark_of() { printf 'put here by postern-setup for %s\n' "$1"; } # TENANT'S SERVICE or "all tenants"

mc_with_tenant() { # MC
	: >"$W/block"
	if ! grep -q "dnl $(mark_of 'all tenants')\$" "$1"; then
		carrier_block "$1" | sed "s/\$/ $(mark_of 'all tenants')/" >"$W/block"
	fi
	before_mailers "$1"
	[ ! -s "$W/block" ] || printf "include(\`%s/tenants.m4')dnl %s\n" "$config" "$(mark_of 'all tenants')"
	grep -q "dnl $(mark_of "$service")\$" "$1" || printf "include(\`%s/%s.m4')dnl %s\n" "$config" "$service" "$(mark_of "$service")"
}

mc_without() { # MC: without this tenant's lines; and without everybody's, when he was the last
	sed "/dnl $(mark_of "$service")\$/d" "$1" >"$W/mc"
	grep -q "dnl $(mark_of 'postern-.*')\$" "$W/mc" || sed -i "/dnl $(mark_of 'all tenants')\$/d" "$W/mc"
	cat "$W/mc"
}

cf_without() { # CF: made again of what sendmail.mc will be
	if ! grep -q "^M$service," "$1"; then
		cat "$1"
		return
	fi
	mc_without "$config/sendmail.mc" >"$W/without.mc"
	compile "$W/without.mc" "$W/without.cf"
	cat "$W/without.cf"
}

table_with_postern() { # TABLE
	if [ -n "$tenant" ]; then
		table_with_tenant "$1" "$W/domain-lines"
		return
	fi
	if [ -f "$1" ] && awk -v route="$service:$service" '$1 == "." && $2 == route { f = 1 } END { exit !f }' "$1"; then
		cat "$1"
		return
	fi
	printf '%s\n.\t%s:%s\n' "$(table_heading)" "$service" "$service"
	[ ! -f "$1" ] || sed '/^[[:blank:]]*#/!{ /./s/^/#/; }' "$1"
}

table_heading() { printf '# %s: put here by postern-setup, and taken out by postern-setup -remove\n' "$service"; }

# mailertable, or the map of the tenants' clients: this tenant's lines in front; what others said of the same key rests.
table_with_tenant() { # TABLE LINES
	[ -f "$1" ] || set -- /dev/null "$2"
	awk -v heading="$(table_heading)" -v service="$service" '
		FILENAME == ARGV[1] { line[++lines] = $0; ours[$1] = $0; next }
		{ text[++n] = $0; if ($0 == heading) there = 1; if (($1 in ours) && ours[$1] == $0 && !seen[$1]++) present++ }
		END {
			if (there && present == lines) { for (i = 1; i <= n; i++) print text[i]; exit }
			print heading
			for (i = 1; i <= lines; i++) print line[i]
			for (i = 1; i <= n; i++) {
				split(text[i], word)
				print (text[i] !~ /^[ \t]*#/ && (word[1] in ours) ? "#" service "# " : "") text[i]
			}
		}' "$2" "$1"
}

table_without() { # TABLE
	awk -v heading="$(table_heading)" -v service="$service" '
		$0 == heading || (!/^[ \t]*#/ && ($2 == service ":" service || $2 == service)) { next }
		index($0, "#" service "# ") == 1 { $0 = substr($0, length(service) + 4) }
		{ print }' "$1"
}

map_without() { # MAP OUTPUT: made again of what its text will be
	table_without "${1%.db}" >"$W/unmapped" && make_map "$W/unmapped" "$2"
}

make_map() { # TEXT OUTPUT
	rm -f "$W/made.db"
	"$makemap" -C "$config/sendmail.cf" hash "$W/made.db" <"$1" >"$W/makemap" 2>&1 9<&- && cp "$W/made.db" "$2" && return
	cat "$W/makemap" >&2 # (that /tmp can be written by all is no error)
	return 1
}

# Keys of the map: 10.1 for 10.1.0.0/16, IPv6:2001:db8 for 2001:db8::/32.  This machine itself belongs to all tenants.
tenant_keys() {
	{ value internal-clients; [ "$(value scanner)" = none ] || value scanner-clients; } | tr -s ', ' '\n\n' | awk '
		function expand(address, half, left, right, n, m, i, text) {
			split(address "::", half, "::")
			n = split(half[1], left, ":"); m = address ~ /::/ ? split(half[2], right, ":") : 0
			for (i = 1; i <= 8; i++) group[i] = i <= n ? left[i] : i > 8 - m ? right[i - 8 + m] : "0"
		}
		$0 == "" || /^127\.0\.0\./ || $0 == "::1" || $0 == "::1/128" { next }
		{
			bits = /\// ? substr($0, index($0, "/") + 1) + 0 : /:/ ? 128 : 32
			address = tolower($0); sub(/\/.*/, "", address)
			step = /:/ ? 16 : 8
			if (bits == 0 || bits % step || address ~ /:.*\./) { print "?", $0; next }
			if (/:/) { expand(address); key = "IPv6"; by = ":" } else { split(address, group, "."); key = ""; by = "" }
			for (i = 1; i <= bits / step; i++) { if (by == ":") sub(/^0+/, "", group[i]); key = key by (group[i] == "" ? "0" : group[i]); if (by == "") by = "." }
			print key
		}' | awk '!seen[$0]++'
}

want_tenant_tables() {
	for domain in $(value domains); do printf '%s\t%s:%s\n' "$domain" "$service" "$service"; done >"$W/domain-lines"
	tenant_keys >"$W/keys"
	while read -r key text <&3; do
		[ "$key" != '?' ] || clash "$text: with several tenants on one Sendmail a network ends at a dot (/8, /16, /24) or, of IPv6, at a colon (/32, /48, /64): give -internal-clients or -scanner-clients in such pieces"
	done 3<"$W/keys"
	sed "/^?/d; s/\$/	$service/" "$W/keys" >"$W/client-lines"
	for table in mailertable:domain tenants:client; do
		[ -f "$config/${table%:*}" ] || continue
		awk -v service="$service" 'FILENAME == ARGV[1] { ours[$1] = 1; next } !/^[ \t]*#/ && ($1 in ours) && $2 ~ /^postern-/ && $2 != service && $2 != service ":" service { print $1, $2 }' \
			"$W/${table#*:}-lines" "$config/${table%:*}" >"$W/taken"
		while read -r key text <&3; do clash "$key belongs to ${text%%:*} already ($config/${table%:*})"; done 3<"$W/taken"
	done
}

clients_with_tenant() { table_with_tenant "$1" "$W/client-lines"; }

# The wanted content of a file that the operator may have changed since: his file if it has all we need, else ours in what is his.
sendmail_edited() { # PATH FUNCTION OUTPUT
	"$2" "$1" >"$3"
	if [ ! -f "$1" ] || cmp -s "$1" "$3"; then return 0; fi
	if without_ours "$1" "$W/base"; then "$2" "$W/base" >"$3"; fi
}

sendmail_carrier_switched() {
	grep -q "^M$service," "$config/sendmail.cf" || return
	if [ -z "$tenant" ]; then
		sendmail_routes . "$service"
		return
	fi
	for domain in $(value domains); do sendmail_routes "$domain" "$service" || return; done
}

sendmail_undo_kind() {
	[ -n "$tenant" ] || { echo text; return; }
	case $1 in
	"$config/sendmail.mc") echo mc ;;
	"$config/sendmail.cf") echo cf ;;
	"$config/mailertable" | "$config/tenants") echo table ;;
	"$config/mailertable.db" | "$config/tenants.db") echo map ;;
	"$config/tenants.m4") echo shared ;;
	*) echo text ;;
	esac
}
