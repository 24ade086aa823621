# setup-look.sh - sourced by postern-setup: what this machine is like, and the values that no option gave
#
# Everything that is found is a line of $W/found; what stands in the way goes to $W/clash, what an operator should know to
# $W/notice, what cannot be known to $W/missing (with the option that says it).  Nothing is changed.

found() { printf '  %-18s %s\n' "$1" "$2" >>"$W/found"; }
clash() { printf '%s\n' "$*" >>"$W/clash"; }
notice() { printf '%s\n' "$*" >>"$W/notice"; }
missing() { printf '  -%-18s %s\n' "$1" "$2" >>"$W/missing"; } # OPTION WHY

# what the next run needs, so that it says the same without options
site_values='mta tenant domains hostname internal-clients internal external scanner scanner-clients inject port user admin
engine processes config postern sendmail sysconfdir spooldir logdir unitdir'

look_places() {
	set_value statedir "${localstatedir%/}/lib" default
	tenant=$(value tenant)
	suffix=${tenant:+-$tenant}
	state_parent=$(value statedir)/postern
	S=$state_parent/setup$suffix
	look_before
	set_value sysconfdir "$sysconfdir" default
	set_value spooldir "${localstatedir%/}/spool" default
	set_value logdir "${localstatedir%/}/log" default
	set_value unitdir /etc/systemd/system default
	etc=$(value sysconfdir)/postern${tenant:+/$tenant}
	conf=$etc/postern.conf
	spool=$(value spooldir)/postern$suffix
	service=postern$suffix
}

look_before() { # what was applied before, line by line "name = value"
	[ -f "$S/site" ] || return 0
	while read -r before_name equals before_value <&3; do
		case $(kind_of "$before_name") in '' | path) [ "$before_name" != config ] && [ "$(kind_of "$before_name")" != path ] && continue ;; esac
		good "$(kind_of "$before_name")" "$before_value" || continue
		set_value "$before_name" "$before_value" "as applied before"
	done 3<"$S/site"
}

remember_site() {
	for before_name in $site_values; do
		! have "$before_name" || printf '%s = %s\n' "$before_name" "$(value "$before_name")"
	done >"$S/site.new" && mv "$S/site.new" "$S/site"
}

# ---- programs and accounts ----

look_postern() {
	for candidate in "$(value postern)" "$program" /usr/local/bin/postern /usr/bin/postern; do
		[ -n "$candidate" ] || continue
		[ -f "$candidate" ] && [ -x "$candidate" ] || { [ "$candidate" != "$(value postern)" ] || die 69 "-postern $candidate: no such program"; continue; }
		set_value postern "$candidate" "found"
		break
	done
	have postern || die 69 "there is no program $program; install it, or name it with -postern"
	postern=$(value postern)
	found postern "$("$postern" -version 2>/dev/null | head -n 1) in $postern"
}

look_user() {
	set_value user postern default
	user=$(value user)
	account=$(getent passwd "$user")
	if [ -n "$account" ]; then
		group=$(id -gn "$user")
		found account "$user, user id $(id -u "$user")"
	else
		group=$user
		found account "$user does not exist"
		is_root || clash "the account $user does not exist, and only root can make it: run as root, or give -user"
	fi
}

# ---- loopback ports ----

busy_ports() { # ports that somebody listens on, one a line
	cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '
		function number(hex, i, n) { for (i = 1; i <= length(hex); i++) n = n * 16 + index("0123456789ABCDEF", substr(hex, i, 1)) - 1; return n }
		$4 == "0A" { n = split($2, part, ":"); print number(part[n]) }' | sort -un
}

ports_of_others() { # the ports other tenants were given
	other_states | while read -r other; do
		awk '$1 == "port" { for (i = 0; i < 3; i++) print $3 + i }' "$other/site" 2>/dev/null
	done
}

look_ports() {
	set_value inject smtp default
	if [ "$(value inject)" = command ]; then return 0; fi
	busy_ports >"$W/busy"
	ports_of_others >>"$W/busy"
	if [ "$(origin port)" = "as applied before" ] || grep -qs "^port = $(value port)\$" "$S/site"; then return 0; fi
	if have port; then
		for n in 0 1 2; do
			! grep -qx "$(($(value port) + n))" "$W/busy" || clash "port $(($(value port) + n)) is in use: give another -port"
		done
		return 0
	fi
	port=10025
	while [ $port -lt 10625 ]; do
		grep -qx -e $port -e $((port + 1)) -e $((port + 2)) "$W/busy" || break
		port=$((port + 10))
	done
	if [ $port = 10025 ]; then set_value port $port default; else set_value port $port "the first three that are free"; fi
}

# ---- which mail server ----

postfix_program() { command -v postconf >/dev/null; }

look_mta() {
	if ! have mta; then
		candidates=
		if postfix_program && [ -f "$(option_or config /etc/postfix)/main.cf" ]; then candidates=postfix; fi
		if sendmail_program >/dev/null && [ -f "$(option_or config /etc/mail)/sendmail.cf" ]; then candidates="$candidates sendmail"; fi
		case $candidates in
		postfix) set_value mta postfix "main.cf is there" ;;
		' sendmail') set_value mta sendmail "sendmail.cf is there" ;;
		'') die 69 "neither Postfix (main.cf) nor Sendmail (sendmail.cf) is configured here; say where with -mta and -config" ;;
		*) die 69 "both Postfix and Sendmail are configured here: say which one it is with -mta" ;;
		esac
	fi
	mta=$(value mta)
}

option_or() { if have "$1"; then value "$1"; else printf '%s\n' "$2"; fi; }

# ---- a postern.conf that is there already ----

conf_is_foreign() { [ -f "$conf" ] && [ -z "$(original_of "$conf")" ]; }

conf_get() { "$postern" -c "$conf" -get "$1" 2>/dev/null | head -n 1; }

look_conf() {
	[ -f "$conf" ] || { found configuration "$conf does not exist"; return 0; }
	if ! conf_is_foreign; then found configuration "$conf, made by postern-setup"; return 0; fi
	found configuration "$conf is there: it stays, and what it says counts"
	"$postern" -c "$conf" -get hostname >/dev/null 2>"$W/err" || die 69 "$conf cannot be read: $(head -n 1 "$W/err")"
	set_from_conf hostname hostname
	set_from_conf domains local_domains
	set_from_conf internal-clients internal_clients
	set_from_conf scanner-clients scanner_clients
	set_from_conf admin admin
	if [ "$(conf_get scanner)" = none ]; then set_value scanner none "$conf"; fi
	case $(conf_get external) in
	smtp:127.0.0.1:*) set_value inject smtp "$conf"; set_value port "$(conf_get external | sed 's/.*://')" "$conf" ;;
	command:*) set_value inject command "$conf" ;;
	esac
}

set_from_conf() { # OPTION NAME
	text=$(conf_get "$2")
	[ -n "$text" ] && good "$(kind_of "$1")" "$text" && set_value "$1" "$(list "$text")" "$2 in $conf"
}

# The mail server knows all domains and networks, but not which are one tenant's.
look_tenant() {
	[ -n "$tenant" ] || return 0
	have domains || missing domains "which domains are those of tenant $tenant?"
	have internal-clients || missing internal-clients "whose mail may use the keys of tenant $tenant?"
}

# ---- what every mail server needs to know ----

look_values() {
	have hostname || missing hostname "our name is not known"
	have domains || missing domains "the domains behind us are not known"
	have internal-clients || missing internal-clients "whose mail may use our keys is not known"
	have internal || missing internal "the next hop for mail to the users is not known"
	have external || missing external "the next hop to the outside is not known"
	set_value scanner none default
	if [ "$(value scanner)" != none ] && ! have scanner-clients; then
		case $(value scanner) in
		127.* | localhost*) missing scanner-clients "the scanner is on this machine: what address does its mail come back from?" ;;
		*) scanner_host=$(bare_host "$(value scanner)")
			if good networks "$scanner_host"; then set_value scanner-clients "$scanner_host" "-scanner"
			else missing scanner-clients "the address that the scanner's mail comes back from"; fi ;;
		esac
	fi
	set_value engine 2 default
	set_value processes 20 default
	if have domains; then set_value admin "postmaster@$(first_domain)" "the first domain"; fi
	check_values
}

# What a configuration said must be as good as what an option says.
check_values() {
	for option in $site_values; do
		have "$option" || continue
		good "$(kind_of "$option")" "$(value "$option")" ||
			clash "$(origin "$option") gives $(plain "$(value "$option")"): give -$option, $(wanted "$(kind_of "$option")")"
	done
}

# ---- whom the mail server serves: that is not changed, so an operator must hear what it would refuse ----

outside_of() { # FILE <networks: those (of version 4, or the same text) that are in none of FILE's
	awk '
		function number(address, part) { split(address, part, "."); return ((part[1] * 256 + part[2]) * 256 + part[3]) * 256 + part[4] }
		function bits(text) { return text ~ /\// ? substr(text, index(text, "/") + 1) + 0 : 32 }
		function width(free, size) { for (size = 1; free > 0; free--) size *= 2; return size } # (busybox awk may have no powers)
		function base(text) { sub(/\/.*/, "", text); return number(text) }
		FILENAME != "-" { list[++n] = $1; next }
		{
			for (i = 1; i <= n; i++) {
				if (list[i] == $1) next
				size = width(32 - bits(list[i]))
				if ($1 !~ /:/ && list[i] !~ /:/ && bits(list[i]) <= bits($1) && int(base(list[i]) / size) == int(base($1) / size)) next
			}
			print
		}' "$1" -
}

refused_notices() { # DOMAINS-FILE NETWORKS-FILE WHERE-DOMAINS WHERE-NETWORKS: what is served now, and what it is called there
	if have domains; then
		value domains | tr ' ' '\n' | sed 's/^\.//' | sort -u | grep -Fvxi -f "$1" >"$W/refused"
		[ ! -s "$W/refused" ] || notice "$3 does not have $(list "$(cat "$W/refused")"): the mail server will refuse mail from outside to there"
	fi
	if have internal-clients; then
		value internal-clients | tr -s ', ' '\n\n' | grep -v -e '^127\.' -e '^::1' -e : | outside_of "$2" >"$W/refused"
		[ ! -s "$W/refused" ] || notice "$4 does not have $(list "$(cat "$W/refused")"): the mail server will refuse what they send outside"
	fi
}

first_domain() { value domains | tr ' ' '\n' | sed 's/^\.//' | head -n 1; }

bare_host() { # HOST[:PORT] without brackets and port
	case $1 in
	\[*) hop_host=${1#\[}; printf '%s\n' "${hop_host%%\]*}" ;;
	*:*) printf '%s\n' "${1%:*}" ;;
	*) printf '%s\n' "$1" ;;
	esac
}

hop_port() { # HOST[:PORT]: its port
	case $1 in
	*]) echo 25 ;;
	*:*) printf '%s\n' "${1##*:}" ;;
	*) echo 25 ;;
	esac
}

show_values() {
	for option in domains hostname internal-clients internal external scanner scanner-clients inject port user admin engine processes; do
		have "$option" || continue
		[ "$option" != port ] || [ "$(value inject)" = smtp ] || continue
		printf '  -%-17s %-36s (%s)\n' "$option" "$(value "$option")" "$(origin "$option")"
	done
}
