# setup-postfix-files.sh - sourced by postern-setup: what main.cf and master.cf become, with postern and without it again
#
# main.cf and master.cf of the carrier are never edited in place: postconf(1) works on a copy, the difference is shown, and
# the result is written like any other file.  The instances are made of the templates and registered in the
# carrier's main.cf as "postmulti -e init" and "-e import" would.

# ---- templates ----

postfix_template() { # NAME.main.cf or NAME.master.cf, filled
	words "${1%%.*}"
	fill "$templates/postfix/$1"
}

statements() { sed '/^[[:blank:]]*#/d; /^[[:blank:]]*$/d'; }

one_line() { # logical lines of master.cf, each on one
	statements | awk '/^[ \t]/ { sub(/^[ \t]+/, " "); printf "%s", $0; next } { if (NR > 1) print ""; printf "%s", $0 } END { print "" }'
}

# ---- the carrier's two files ----

# What this carrier must not be given although the template has it.
carrier_statements() {
	postfix_template carrier.main.cf | statements | while read -r statement; do
		case $statement in
		'content_filter = '*) [ -z "$tenant" ] || continue ;;
		'message_size_limit = '*)
			size=$(pc message_size_limit)
			if [ "$size" -gt 0 ] && [ "$size" -le "${statement##* }" ]; then continue; fi
			;;
		esac
		printf '%s\n' "$statement"
	done
	if [ -n "$tenant" ]; then tenant_statements; fi
}

# One tenant among several: mail to its domains goes to its postern by transport_maps, and whatever its own clients send by FILTER,
# which knows no recipients.  content_filter could name one postern only.
tenant_statements() {
	for setting in transport_maps smtpd_client_restrictions; do
		present=$(pc_set "$config" $setting)
		piece=$(tenant_piece $setting)
		case $present in
		*"$piece"*) printf '%s = %s\n' $setting "$present" ;;
		*) printf '%s = %s\n' $setting "$piece${present:+, $present}" ;;
		esac
	done
}

tenant_piece() {
	case $1 in
	transport_maps) printf 'texthash:%s/transport\n' "$etc" ;;
	smtpd_client_restrictions) printf 'check_client_access cidr:%s/clients\n' "$etc" ;;
	esac
}

want_tenant() {
	{
		echo "# Mail to these domains is this tenant's; see transport(5)."
		for domain in $(value domains); do printf '%s %s:%s\n' "$domain" "$service" "$service"; done
	} >"$W/new/transport"
	{
		echo "# Whatever these clients send is this tenant's; see cidr_table(5). This machine itself belongs to all tenants."
		{ value internal-clients; [ "$(value scanner)" = none ] || value scanner-clients; } | tr ' ' '\n' | grep -v -e '^127\.0\.0\.' -e '^::1' |
			sed "s|\$| FILTER $service:$service|"
	} >"$W/new/clients"
	step file "$etc/transport" 644 root:root "$W/new/transport" pending:carrier
	step file "$etc/clients" 644 root:root "$W/new/clients" pending:carrier
}

registered() { # DIR: multi_instance_directories with our instances
	present=$(pc_set "$1" multi_instance_directories | tr -s ', \t' '   ')
	for instance in $(instances); do
		case " $present " in *" $(postfix_instance_dir "$instance") "*) ;; *) present="$present $(postfix_instance_dir "$instance")" ;; esac
	done
	list "$present"
}

# "name = value" of everything in a main.cf. postconf -n leaves out what master.cf does not use (yet, or any more).
main_values() { # FILE
	awk '
		function flush(n) {
			n = index(logical, "=")
			if (n) {
				name = substr(logical, 1, n - 1); text = substr(logical, n + 1)
				gsub(/^[ \t]+|[ \t]+$/, "", name); gsub(/^[ \t]+|[ \t]+$/, "", text)
				print name " =" (text == "" ? "" : " " text)
			}
			logical = ""
		}
		/^[ \t]*(#|$)/ { next }
		/^[ \t]/ { sub(/^[ \t]+/, " "); logical = logical $0; next }
		{ flush(); logical = $0 }
		END { flush() }' "$1"
}

# Statements whose name is in the file already are changed where they stand, the others come at the end, in their order.
put_statements() { # DIR <"name = value" lines
	main_values "$1/main.cf" >"$W/values"
	sed 's/[[:blank:]]*$//' >"$W/statements"
	awk -F ' =' 'FNR == NR { there[$1] = $0; next } ($1 in there) && there[$1] != $0' "$W/values" "$W/statements" >"$W/present"
	awk -F ' =' 'FNR == NR { there[$1] = 1; next } !($1 in there)' "$W/values" "$W/statements" >"$W/absent"
	postconf_lines -e "$1" "$W/present" || return
	[ -s "$W/absent" ] || return 0
	grep -Fqx "$heading" "$1/main.cf" || printf '%s\n' "$heading" >>"$1/main.cf"
	cat "$W/absent" >>"$1/main.cf"
}

main_registered() { # a directory with a main.cf
	{
		printf 'multi_instance_enable = yes\n'
		[ -n "$(pc_set "$1" multi_instance_wrapper)" ] || printf 'multi_instance_wrapper = ${command_directory}/postmulti -p --\n'
		printf 'multi_instance_directories = %s\n' "$(registered "$1")"
	} | put_statements "$1"
}

main_with_postern() { main_registered "$1" && carrier_statements | put_statements "$1"; }

master_with_postern() {
	entry=$(postfix_template carrier.master.cf | one_line) || return
	[ "$(postconf -c "$1" -M "$service/unix" 2>/dev/null | tr -s ' \n' '  ')" = "$(printf '%s\n' "$entry" | tr -s ' \n' '  ')" ] ||
		postconf -c "$1" -M "$service/unix=$entry"
}

copy_configuration() { # FROM-MAIN FROM-MASTER: a directory postconf can work on, in $copy
	copy=$(mktemp -d "$W/copy.XXXXXX") && cp "$1" "$copy/main.cf" && cp "$2" "$copy/master.cf"
}

# An edited file of ours that has all we need stays as the operator made it; else our lines go into what is his.
edited() { # main.cf|master.cf FUNCTION: the wanted content in $W/new/carrier.FILE.FUNCTION
	copy_configuration "$config/main.cf" "$config/master.cf" && "$2" "$copy" || return
	if ! cmp -s "$copy/$1" "$config/$1"; then
		copy_configuration "$config/main.cf" "$config/master.cf" || return
		if without_ours "$config/$1" "$W/base"; then cat "$W/base" >"$copy/$1"; fi
		"$2" "$copy" || return
	fi
	cp "$copy/$1" "$W/new/carrier.$1.$2"
}

postfix_carrier_switched() {
	if [ -n "$tenant" ]; then
		case $(pc_set "$config" transport_maps) in *"$(tenant_piece transport_maps)"*) ;; *) return 1 ;; esac
	else
		[ "$(pc_set "$config" content_filter)" = "$service:$service" ]
	fi
}

# ---- the other way ----

postfix_undo_kind() {
	case $1 in
	"$config/main.cf") echo main ;;
	"$config/master.cf") echo master ;;
	esac
}

# Parameters that we set, and that nobody has changed since, get the value they had.
main_without() { # PRESENT WRITTEN ORIGINAL
	for version in present:$1 written:$2 original:$3; do
		mkdir -p "$W/undo-${version%%:*}"
		cat "${version#*:}" >"$W/undo-${version%%:*}/main.cf"
		main_values "$W/undo-${version%%:*}/main.cf" >"$W/undo-${version%%:*}/values"
	done
	awk -v present="$W/undo-present/values" -v written="$W/undo-written/values" -v original="$W/undo-original/values" -v sharing=$sharing -v service="$service" \
		-v transport="$(tenant_piece transport_maps)" -v clients="$(tenant_piece smtpd_client_restrictions)" '
		function read_values(file, into, line, n) {
			while ((getline line <file) > 0) { n = index(line, " ="); v = substr(line, n + 2); sub(/^ /, "", v); into[substr(line, 1, n - 1)] = v }
		}
		function without(list, ours, theirs, n, i, item, out) {
			n = split(ours, item, " "); for (i = 1; i <= n; i++) drop[item[i]] = 1
			n = split(theirs, item, " "); for (i = 1; i <= n; i++) delete drop[item[i]]
			n = split(list, item, " "); out = ""
			for (i = 1; i <= n; i++) if (!(item[i] in drop)) out = out (out == "" ? "" : " ") item[i]
			return out
		}
		function without_piece(list, piece, i) {
			i = index(list, piece)
			if (!i) return list
			list = substr(list, 1, i - 1) substr(list, i + length(piece))
			gsub(/^[, ]+|[, ]+$/, "", list)
			gsub(/, *,/, ",", list)
			return list
		}
		BEGIN {
			piece["transport_maps"] = transport; piece["smtpd_client_restrictions"] = clients
			read_values(present, p); read_values(written, w); read_values(original, o)
			name = "multi_instance_directories"
			left = without(p[name], w[name], o[name])
			for (name in w) {
				if ((name in o) && o[name] == w[name]) continue
				if (name == "multi_instance_directories") { if (left != "") print name " = " left; else print "-" name; continue }
				if (name ~ /^multi_instance_/ && left != "") continue
				# other tenants need the same
				if (sharing == "yes" && !(name in piece) && index(name, service "_") != 1) continue
				if (p[name] != w[name]) {
					if (!(name in piece) || !index(w[name], piece[name])) continue
					rest = without_piece(p[name], piece[name])
					if (rest != "") print name " = " rest; else print "-" name
					continue
				}
				if (name in o) print name " = " o[name]; else print "-" name
			}
		}' >"$W/undo-edits"
	sed -n 's/^-//p' "$W/undo-edits" >"$W/undo-delete"
	sed '/^-/d' "$W/undo-edits" >"$W/undo-set"
	postconf_lines -X "$W/undo-present" "$W/undo-delete" && postconf_lines -e "$W/undo-present" "$W/undo-set" &&
		grep -Fvx "$heading" "$W/undo-present/main.cf"
}

postconf_lines() { # -X|-e DIR FILE: one postconf with every line as an argument
	edit=$1 directory=$2 lines=$3
	[ -s "$lines" ] || return 0
	set --
	while read -r statement; do set -- "$@" "$statement"; done <"$lines"
	postconf -c "$directory" "$edit" "$@"
}

master_without() { # PRESENT WRITTEN ORIGINAL
	for version in present:$1 written:$2 original:$3; do
		mkdir -p "$W/undo-${version%%:*}"
		[ -f "$W/undo-${version%%:*}/main.cf" ] || cp "$config/main.cf" "$W/undo-${version%%:*}/main.cf"
		cat "${version#*:}" >"$W/undo-${version%%:*}/master.cf"
	done
	written_entry=$(postconf -c "$W/undo-written" -M "$service/unix" 2>/dev/null)
	original_entry=$(postconf -c "$W/undo-original" -M "$service/unix" 2>/dev/null)
	if [ -n "$written_entry" ] && [ -z "$original_entry" ] && [ "$(postconf -c "$W/undo-present" -M "$service/unix" 2>/dev/null)" = "$written_entry" ]; then
		postconf -c "$W/undo-present" -MX "$service/unix" || return
	fi
	cat "$W/undo-present/master.cf"
}
