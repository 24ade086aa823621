# setup-postfix.sh - sourced by postern-setup: postern behind a Postfix; what its files become stands in setup-postfix-files.sh

# ---- reading a configuration ----

# A value, expanded: all of them are read once, for postconf(1) is asked often.
pc() {
	[ -f "$W/main.cf.values" ] || postconf -c "$config" -x >"$W/main.cf.values" 2>/dev/null
	sed -n "s/^$1 = *//p" "$W/main.cf.values"
}
pc_set() { postconf -c "$1" -n 2>/dev/null | sed -n "s/^$2 = *//p"; } # DIR NAME: as it is written, nothing if it is not

postfix_title() { printf 'Postfix %s in %s' "$(pc mail_version)" "$config"; }

postfix_running() { [ -f "$1/main.cf" ] && ! "$daemons/master" -c "$1" -t >/dev/null 2>&1; } # DIR

postfix_instance_dir() { printf '%s/postfix-postern%s-%s\n' "$(value sysconfdir)" "$suffix" "$1"; }
postfix_instance_queue() { printf '%s/postfix-postern%s-%s\n' "$(value spooldir)" "$suffix" "$1"; }
postfix_instance_data() { printf '%s/postfix-postern%s-%s\n' "$(value statedir)" "$suffix" "$1"; }

postfix_queue_text() { # carrier or INSTANCE: for postern.conf
	if [ "$1" = carrier ]; then printf 'postfix:%s\n' "$config"; else printf 'postfix:%s\n' "$(postfix_instance_dir "$1")"; fi
}

postfix_command() { printf 'command:/usr/sbin/sendmail -C %s -oi -f ${sender} -- ${recipients}\n' "$(postfix_instance_dir "$1")"; }

postfix_places() {
	heading="# $service: put here by postern-setup, and taken out by postern-setup -remove"
	set_value config /etc/postfix default
	config=$(value config)
	postfix_program || die 69 "Postfix is not installed here (no postconf in $PATH)"
	[ -f "$config/main.cf" ] && [ -f "$config/master.cf" ] || die 69 "$config holds no main.cf and master.cf; say where they are with -config"
	postconf -c "$config" -n >/dev/null 2>"$W/err" || die 69 "$(head -n 1 "$W/err")"
	daemons=$(pc daemon_directory)
}

postfix_look() {
	postfix_places
	if postfix_running "$config"; then running=running; else running="not running"; fi
	found "mail server" "Postfix $(pc mail_version) in $config, $running"
	postfix_look_instances
	postfix_look_filter
	for setting in relayhost transport_maps relay_domains; do
		[ -z "$(pc $setting)" ] || found "$setting" "$(pc $setting)"
	done
	postfix_derive
	carrier_at=$(carrier_listens)
	look_carrier_listens
	postfix_look_around
}

postfix_look_instances() {
	others=$(MAIL_CONFIG=$config postmulti -l 2>/dev/null | awk -v own="$config" '$NF != own { print $NF }' | tr '\n' ' ')
	found instances "${others:-none}"
	for instance in external scanner internal; do
		directory=$(postfix_instance_dir $instance)
		if [ -e "$directory" ] && ! noted "dir$tab$directory"; then
			clash "$directory is there already and was not made by postern-setup: move it away, or give a -tenant name"
		fi
	done
}

postfix_look_filter() {
	filter=$(pc content_filter)
	[ -z "$filter" ] || found content_filter "$filter"
	case $filter in
	'') [ -n "$tenant" ] || [ -z "$(other_states)" ] || clash "this mail server has tenants already: give a -tenant name" ;;
	"$service:$service") [ -z "$tenant" ] || clash "content_filter is $filter: with it this tenant would get all mail; take the line out" ;;
	postern-*:* | postern:*) clash "content_filter is $filter: all mail goes to one postern. For several tenants -remove it, then -apply each with a -tenant name" ;;
	smtp:* | lmtp:* | relay:* | *-*:* | *:*)
		have scanner || missing scanner "content_filter is $filter, and postern takes its place: is that the scanner? (host:port, or none)" ;;
	esac
	if postconf -c "$config" -M "$service/unix" 2>/dev/null | grep -q . && ! noted "did${tab}carrier${tab}$config"; then
		clash "master.cf has a service $service already: take it out, or give a -tenant name"
	fi
}

# What often spoils signatures, leads past postern, or is refused before it comes to postern.
postfix_look_around() {
	for setting in relay_domains virtual_mailbox_domains virtual_alias_domains mydestination; do postfix_items $setting; done |
		sed 's/^?.*//; s/ .*//; s/^\.//' >"$W/served"
	postfix_items mynetworks | tr -d '[]' >"$W/networks"
	refused_notices "$W/served" "$W/networks" relay_domains mynetworks
	postconf -c "$config" -P 2>/dev/null | sed -n 's|^\(.*\)/inet/content_filter = *\(.*\)$|\1 \2|p' >"$W/ports"
	while read -r port_name text <&3; do
		notice "master.cf: what comes in at $port_name does not pass postern (-o content_filter=${text-}). If the scanner gives its mail back there, take that line out."
	done 3<"$W/ports"
	for setting in smtpd_milters non_smtpd_milters; do
		[ -z "$(pc $setting)" ] || notice "$setting = $(pc $setting): runs before postern; a milter that signs with DKIM belongs to the external instance, $(postfix_instance_dir external)"
	done
	for setting in body_checks mime_header_checks smtp_body_checks; do
		[ -z "$(pc $setting)" ] || notice "$setting = $(pc $setting): must not change mail, or signatures break"
	done
}

# ---- values from the present configuration ----

postfix_derive() {
	set_value hostname "$(pc myhostname)" "myhostname in $config/main.cf"
	have domains || postfix_derive_domains
	have internal-clients || postfix_derive_clients
	have external || postfix_derive_external
	if have domains && ! have internal; then postfix_derive_internal; fi
}

# A list of main.cf, one item a line: tables are read where that is possible.
postfix_items() { # NAME
	pc "$1" | tr -s ', \t' '\n\n\n' | while read -r item; do
		case $item in
		'' | '!'*) ;;
		hash:* | btree:* | lmdb:* | cdb:* | texthash:* | inline:* | dbm:* | sdbm:*) postmap -c "$config" -s "$item" 2>/dev/null | awk '{ print $1 }' ;;
		*:/* | proxy:* | *:{*) printf '? %s\n' "$item" ;;
		/*) awk '!/^[ \t]*(#|$)/ { print $1 }' "$item" 2>/dev/null ;;
		*) printf '%s\n' "$item" ;;
		esac
	done
}

postfix_derive_domains() {
	for setting in relay_domains virtual_mailbox_domains mydestination; do
		postfix_items $setting | awk -v host="$(value hostname)" -v setting=$setting '
			/^\?/ { next }
			{ d = tolower($1) }
			d == "localhost" || d ~ /^localhost\./ || d !~ /\./ || (setting == "mydestination" && d == tolower(host)) { next }
			d ~ /^\.?[a-z0-9][a-z0-9.-]*$/ { print d, setting }'
	done | awk '!seen[$1]++' >"$W/domains"
	if [ -s "$W/domains" ]; then
		set_value domains "$(list "$(awk '{ print $1 }' "$W/domains")")" "$(awk '!s[$2]++ { print $2 }' "$W/domains" | tr '\n' ' ')in $config/main.cf"
	fi
	for setting in relay_domains virtual_mailbox_domains mydestination; do
		postfix_items $setting | sed -n 's/^? //p' | while read -r item; do
			notice "$setting names $item, whose domains cannot be listed: give -domains"
		done
	done
}

postfix_derive_clients() {
	postfix_items mynetworks | sed -n '/^?/!p' | tr -d '[]' | grep -v '^::ffff:' >"$W/networks"
	networks=$(list "$(cat "$W/networks")")
	if [ -n "$networks" ] && good networks "$networks"; then
		set_value internal-clients "$networks" "mynetworks in $config/main.cf"
	fi
}

# A transport "smtp:[host]:port" as HOST[:PORT]; false for any other.
hop_of() { # TRANSPORT:NEXTHOP
	case $1 in
	smtp:?* | relay:?* | smtps:?*) hop=${1#*:} ;;
	*) return 1 ;;
	esac
	plain_hop "$hop"
}

plain_hop() { # [host]:port as -internal takes it
	hop=$1
	case $hop in
	\[*:*\]*) ;; # IPv6 keeps its brackets
	\[*) hop=${hop#\[} hop=$(printf '%s\n' "$hop" | sed 's/\]//') ;;
	esac
	case $hop in *:smtp) hop=${hop%:smtp} ;; esac
	good hop "$hop" && printf '%s\n' "$hop"
}

postfix_derive_external() {
	relayhost=$(pc relayhost)
	everything=$(postfix_route '*')
	if [ -n "$everything" ] && hop_of "$everything" >"$W/hop"; then
		set_value external "$(cat "$W/hop")" "transport_maps in $config/main.cf"
	elif [ -n "$relayhost" ]; then
		case $relayhost in
		\[*) plain_hop "$relayhost" >"$W/hop" && set_value external "$(cat "$W/hop")" "relayhost in $config/main.cf" ;;
		*) missing external "relayhost is $relayhost: postern-setup takes no domain whose MX is asked; give the host" ;;
		esac
	elif [ "$(pc default_transport)" = smtp ]; then
		set_value external mx "no relayhost in $config/main.cf"
	fi
}

postfix_route() { # DOMAIN: what transport_maps says
	pc transport_maps | tr -s ', \t' '\n\n\n' | while read -r table; do
		case $table in *:*) postmap -c "$config" -q "$1" "$table" 2>/dev/null ;; esac
	done | head -n 1
}

# One next hop for all domains; where they differ the internal instance gets a transport map of its own.
postfix_derive_internal() {
	default_hop=$(pc relay_transport)
	for domain in $(value domains); do
		route=$(postfix_route "$domain")
		if [ -z "$route" ]; then route=$default_hop; fi
		hop_of "$route" >"$W/hop" || continue
		printf '%s %s\n' "$domain" "$(cat "$W/hop")"
	done >"$W/routes"
	first_hop=$(awk 'NR == 1 { print $2 }' "$W/routes")
	[ -n "$first_hop" ] || return 0
	set_value internal "$first_hop" "transport_maps or relay_transport in $config/main.cf"
	awk -v first="$first_hop" '$2 != first { d++ } END { exit !d }' "$W/routes" &&
		clash "the domains behind us have different next hops ($(tr '\n' ' ' <"$W/routes")): give -internal, a host that knows them all"
	:
}

# Where the carrier takes mail from this machine.
carrier_listens() {
	carrier_address=127.0.0.1
	case " $(pc inet_interfaces) " in
	*' all '* | *' loopback-only '* | *' 127.0.0.1 '* | *' localhost '*) ;;
	*) carrier_address=$(pc inet_interfaces | tr -s ', ' '\n\n' | head -n 1) ;;
	esac
	carrier_port=$(postconf -c "$config" -M 2>/dev/null | awk '$2 == "inet" && ($8 == "smtpd" || $8 == "postscreen") { print $1; exit }')
	case $carrier_port in
	*:*) carrier_address=${carrier_port%:*} carrier_port=${carrier_port##*:} ;;
	esac
	case $carrier_port in '' | smtp) carrier_port=25 ;; esac
	carrier_address=${carrier_address#\[}
	# To port 25 of an address that it takes for its own an instance does not connect ("loops back to myself"). It knows 127.0.0.1 only.
	if [ "$carrier_address:$carrier_port" = 127.0.0.1:25 ]; then carrier_address=127.0.0.2; fi
	printf '[%s]:%s\n' "${carrier_address%\]}" "$carrier_port"
}

# Where not every address is listened to, 127.0.0.2 needs a line of its own.
look_carrier_listens() {
	[ "$carrier_at" = '[127.0.0.2]:25' ] && [ "$(pc inet_interfaces)" != all ] || return 0
	postconf -c "$config" -M 2>/dev/null | awk '$1 == "127.0.0.2:25" || $1 == "127.0.0.2:smtp" { there = 1 } END { exit !there }' ||
		notice "what the instances return (bounces) comes to 127.0.0.2, port 25: add to master.cf the line \"127.0.0.2:25 inet n - n - - smtpd\""
}

# ---- steps ----

# What the carrier needs on its way out, the instances need: TLS, authentication, addresses to send from, its log.
postfix_taken_over() {
	postconf -c "$config" -nx 2>/dev/null | grep -E '^(smtp_tls_|smtp_sasl_|smtp_bind_address|tls_|inet_protocols|maillog_file|syslog_facility|compatibility_level)' >"$W/taken"
	[ -s "$W/taken" ] || return 0
	printf '\n# ---- as in %s/main.cf ----\n' "$config"
	cat "$W/taken"
}

want_instance() { # NAME
	directory=$(postfix_instance_dir "$1")
	postfix_template "$1.main.cf" >"$W/new/$1.main.cf" || return
	postfix_taken_over >"$W/new/taken"
	awk 'FNR == NR { n = index($0, " ="); if (n && !/^#/) over[substr($0, 1, n - 1)] = 1; next }
		{ n = index($0, " ="); if (n && !/^#/ && (substr($0, 1, n - 1) in over)) next; print }' "$W/new/taken" "$W/new/$1.main.cf" >"$W/new/$1.cf"
	cat "$W/new/taken" >>"$W/new/$1.cf"
	postfix_template "$1.master.cf" >"$W/new/$1.master.cf" || return
	step dir "$directory" 755 root:root
	step file "$directory/main.cf" 644 root:root "$W/new/$1.cf" "pending:$1"
	step file "$directory/master.cf" 644 root:root "$W/new/$1.master.cf" "pending:$1"
	step dir "$(postfix_instance_queue "$1")" 755 root:root
	step dir "$(postfix_instance_data "$1")" 700 "$(pc mail_owner):$(pc mail_owner)"
}

postfix_want() {
	for instance in $(instances); do want_instance "$instance"; done
	edited main.cf main_with_postern || die 69 "main.cf cannot be worked on"
	edited master.cf master_with_postern || die 69 "master.cf cannot be worked on"
	first=
	if ! cmp -s "$W/new/carrier.main.cf.main_with_postern" "$config/main.cf"; then
		edited main.cf main_registered
		first=$W/new/carrier.main.cf.main_registered
		step file "$config/main.cf" - - "$W/new/carrier.main.cf.main_registered" pending:carrier
	fi
	for instance in $(instances); do step instance "$instance"; done
	[ -z "$tenant" ] || want_tenant
	step check
	step begin carrier "$config"
	step file "$config/master.cf" - - "$W/new/carrier.master.cf.master_with_postern" pending:carrier
	step file "$config/main.cf" - - "$W/new/carrier.main.cf.main_with_postern" pending:carrier "$first"
	step carrier "$config"
}

# ---- starting, reloading, stopping ----

with_systemd() { [ -d /run/systemd/system ] && [ -e /lib/systemd/system/postfix@.service ] && [ "$config" = /etc/postfix ]; }

postfix_instance_done() { postfix_running "$(postfix_instance_dir "$1")" && [ ! -e "$S/pending-$1" ]; }
postfix_instance_show() {
	printf 'start %s\n' "$(instance_name "$1")"
	if with_systemd; then
		printf '       $ systemctl daemon-reload\n       $ systemctl restart postfix@%s.service\n' "$(instance_name "$1")"
	else
		printf '       $ postmulti -i %s -p start\n' "$(instance_name "$1")"
	fi
}
postfix_instance_do() {
	note did instance "$1" || return
	if with_systemd; then
		quietly systemctl daemon-reload && quietly systemctl restart "postfix@$(instance_name "$1").service" || return
	else
		! postfix_running "$(postfix_instance_dir "$1")" || postfix_stop "$1" || return
		MAIL_CONFIG=$config quietly postmulti -i "$(instance_name "$1")" -p start || return
	fi
	rm -f "$S/pending-$1"
	point
	progress "started $(instance_name "$1")"
}

postfix_stop() {
	if with_systemd; then systemctl stop "postfix@$(instance_name "$1").service" >/dev/null 2>&1 9<&- || :; fi
	! postfix_running "$(postfix_instance_dir "$1")" || quietly postfix -c "$(postfix_instance_dir "$1")" stop || return
	tries=0
	while postfix_running "$(postfix_instance_dir "$1")"; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || { complain "$(instance_name "$1") does not stop"; return 75; }
		sleep 0.1
	done
}

postfix_carrier_done() { [ ! -e "$S/pending-carrier" ] && postfix_carrier_switched; }
postfix_carrier_show() { printf 'the mail server reads its configuration\n       $ postfix -c %s reload\n' "$config"; }
postfix_carrier_do() {
	if postfix_running "$config"; then
		postfix_reload || return
		progress "reloaded Postfix: all mail goes through postern now"
	else
		progress "Postfix is not running; when it is started, all mail goes through postern"
	fi
	rm -f "$S/pending-carrier"
	point
}

postfix_reload() { MAIL_CONFIG=$config quietly postmulti -i "$(postfix_primary)" -p reload; }
postfix_primary() { # the carrier's name for postmulti
	primary=$(pc multi_instance_name)
	printf '%s\n' "${primary:--}"
}

postfix_undo_carrier() {
	! postfix_running "$1" || postfix_reload || return
	progress "Postfix works without postern again"
}

postfix_waiting_in() { # QUEUE: messages
	find "$1/maildrop" "$1/incoming" "$1/active" "$1/deferred" "$1/hold" -type f 2>/dev/null | wc -l
}

postfix_undo_instance() { # mail that is still in its queue is delivered first
	queue=$(postfix_instance_queue "$1")
	[ "$(postfix_waiting_in "$queue")" -eq 0 ] || drained postqueue -c "$(postfix_instance_dir "$1")" -f
	waiting=$(postfix_waiting_in "$queue")
	if [ "$waiting" -gt 0 ]; then
		complain "$waiting messages wait in the queue of $(instance_name "$1"), which goes on delivering them; -remove again when" \
			"deliver-all shows none (or take them out with postsuper -c $(postfix_instance_dir "$1") -d)"
		return 75
	fi
	postfix_stop "$1" || return
	progress "stopped $(instance_name "$1")"
	if noted "dir$tab$queue"; then
		for subdirectory in active bounce corrupt defer deferred flush hold incoming maildrop pid private public saved trace; do
			rm -rf "${queue:?}/$subdirectory"
		done
	fi
	rm -f "$(postfix_instance_data "$1")"/*
	rm -f "$S/pending-$1"
	! with_systemd || quietly systemctl daemon-reload
}

postfix_look_remove() {
	postfix_places
	if postfix_running "$config"; then running=running; fi
}

# Mail that waits for postern must not go out unsealed because postern is gone.
postfix_remove_is_possible() {
	queue=$(pc queue_directory)
	waiting=$(find "$queue/incoming" "$queue/active" "$queue/deferred" -type f -exec grep -laF -e "$service:$service" {} + 2>/dev/null | wc -l)
	[ "$waiting" -eq 0 ] || die 69 "$waiting messages in the mail server's queue wait for postern, and would go on without it, unsealed:" \
		"deliver them first (deliver-all), or hold them (postsuper -h)"
}

# ---- for the test ----

postfix_runs() { postfix_running "$config"; }

postfix_submit() { sendmail -C "$config" -oi -f "$1" -- "$2"; } # FROM TO

postfix_queue_directories() {
	if [ "$1" = carrier ]; then queue=$(pc queue_directory); else queue=$(postfix_instance_queue "$1"); fi
	printf '%s\n' "$queue/maildrop" "$queue/incoming" "$queue/active" "$queue/deferred" "$queue/hold"
}

postfix_is_deferred() { case $1 in */deferred/* | */hold/*) ;; *) return 1 ;; esac; }

postfix_reason() { # WHO FILE
	if [ "$1" = carrier ]; then where=$config; else where=$(postfix_instance_dir "$1"); fi
	postqueue -c "$where" -p 2>/dev/null | awk -v id="${2##*/}" 'index($1, id) == 1 { f = 1; next } f && /^[ \t]*\(/ { print; exit } f && /^[A-Za-z0-9]/ { exit }'
}
