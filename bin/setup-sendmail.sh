# setup-sendmail.sh - sourced by postern-setup: postern behind a Sendmail; what its files become stands in setup-sendmail-files.sh

sendmail_path() { option_or sendmail /usr/sbin/sendmail; }

sendmail_program() { # is it Sendmail, and not another mail server's command of that name?
	[ -x "$(sendmail_path)" ] && "$(sendmail_path)" -d0.1 -bt -C/dev/null </dev/null 2>/dev/null | grep '^Version '
}

sendmail_title() { printf '%s in %s' "$sendmail_version" "$config"; }
sendmail_instance_dir() { printf '%s/postern%s\n' "$config" "$suffix"; }
sendmail_instance_cf() { printf '%s/%s.cf\n' "$(sendmail_instance_dir)" "$1"; }
sendmail_instance_queue() { printf '%s/mqueue-postern%s-%s\n' "$(value spooldir)" "$suffix" "$1"; }
sendmail_instance_data() { printf '%s/sendmail-postern%s-%s\n' "$(value statedir)" "$suffix" "$1"; }
sendmail_queue_text() {
	if [ "$1" = carrier ]; then printf 'sendmail:%s/sendmail.cf\n' "$config"; else printf 'sendmail:%s\n' "$(sendmail_instance_cf "$1")"; fi
}
sendmail_command() { printf 'command:%s -C %s -oi -f ${sender} -- ${recipients}\n' "$(sendmail_path)" "$(sendmail_instance_cf "$1")"; }

# ---- what is there ----

sendmail_places() {
	set_value config /etc/mail default
	config=$(value config)
	for file in sendmail.cf sendmail.mc; do
		[ -f "$config/$file" ] || die 69 "$config holds no $file; say where it is with -config. (Without a sendmail.mc: by hand, postern-sendmail(7))"
	done
	sendmail_version=$(sendmail_program | awk '{ print "Sendmail", $2; exit }')
	[ -n "$sendmail_version" ] || die 69 "$(sendmail_path) is not Sendmail's program; name it with -sendmail"
	trusted_owner=$(cf_option TrustedUser)
	makemap=
	for candidate in "$(dirname "$(sendmail_path)")/makemap" /usr/sbin/makemap /usr/bin/makemap; do
		[ -n "$makemap" ] || [ ! -x "$candidate" ] || makemap=$candidate
	done
	[ -n "$makemap" ] || die 69 "makemap is not installed"
	command -v m4 >/dev/null || die 69 "m4 is not installed: Sendmail's configuration is made with it"
	carrier_at='[127.0.0.1]:25'
}

# An option of sendmail.cf.
cf_option() { sed -n "s/^O $1=//p" "${2:-$config/sendmail.cf}" | tail -n 1; }
mc_value() { sed -n "s/^define(\`$1' *, *\`\([^']*\)').*/\1/p" "$config/sendmail.mc" | tail -n 1; }

sendmail_alive() { # CF: does its daemon run?
	[ -f "$1" ] || return
	daemon=$(sed -n 1p "$(cf_option PidFile "$1")" 2>/dev/null)
	case $daemon in '' | *[!0-9]*) return 1 ;; esac
	kill -0 "$daemon" 2>/dev/null
}

sendmail_look() {
	sendmail_places
	if sendmail_alive "$config/sendmail.cf"; then running=running; else running="not running"; fi
	found "mail server" "$sendmail_version in $config, $running"
	sendmail_look_tenants
	if [ -e "$(sendmail_instance_dir)" ] && ! noted "dir$tab$(sendmail_instance_dir)"; then
		clash "$(sendmail_instance_dir) is there already and was not made by postern-setup: move it away"
	fi
	if [ -e "$config/$service.m4" ] && [ -z "$(original_of "$config/$service.m4")" ]; then
		clash "$config/$service.m4 is there already and was not made by postern-setup: move it away"
	fi
	compile "$config/sendmail.mc" "$W/present.cf"
	if ! same_configuration "$W/present.cf" "$config/sendmail.cf"; then
		clash "$config/sendmail.cf is not what $config/sendmail.mc makes: bring them together first (m4 sendmail.mc >sendmail.cf), or put postern in by hand, postern-sendmail(7)"
	fi
	sendmail_derive
	sendmail_look_around
}

sendmail_look_around() {
	{
		printf '$=R\n' | "$(sendmail_path)" -C "$config/sendmail.cf" -bt 2>/dev/null | sed 's/^>* *//'
		awk 'toupper($2) == "RELAY" { sub(/^[A-Za-z]*:/, "", $1); print $1 }' "$config/access" 2>/dev/null
	} >"$W/served"
	awk "$octets" "$W/served" >"$W/networks"
	refused_notices "$W/served" "$W/networks" relay-domains relay-domains
}

sendmail_look_tenants() {
	if [ -z "$tenant" ]; then
		[ -z "$(other_states)" ] || clash "this mail server has tenants already: give a -tenant name"
		return
	fi
	! sendmail_routes . postern || clash "mailertable sends everything to one postern. For several tenants -remove it, then -apply each with a -tenant name"
	if [ -e "$config/tenants.m4" ] && [ -z "$(other_states)" ] && [ -z "$(original_of "$config/tenants.m4")" ]; then
		clash "$config/tenants.m4 is there already and was not made by postern-setup: move it away"
	fi
}

sendmail_routes() { # DOMAIN MAILER: does mailertable say so?
	[ -f "$config/mailertable" ] && awk -v domain="$1" -v route="$2:$2" '$1 == domain && $2 == route { f = 1 } END { exit !f }' "$config/mailertable"
}

compile() { # MC CF; without the lines that say who made it when
	m4 "$1" >"$W/m4.out" 2>"$W/m4.err" || die 69 "m4 $1: $(head -n 1 "$W/m4.err")"
	[ ! -s "$W/m4.err" ] || die 69 "m4 $1: $(head -n 1 "$W/m4.err")"
	grep -v '^##### ' "$W/m4.out" >"$2"
}

same_configuration() {
	grep -v -e '^#' -e '^[ 	]*$' "$1" >"$W/same.1"
	grep -v -e '^#' -e '^[ 	]*$' "$2" >"$W/same.2"
	cmp -s "$W/same.1" "$W/same.2"
}

# ---- values from the present configuration ----

# The table as it was before us, when it is ours now.
sendmail_table() {
	if [ -f "$config/mailertable" ]; then
		if without_ours "$config/mailertable" "$W/table"; then cat "$W/table"; else cat "$config/mailertable"; fi | sed '/^[[:blank:]]*#/d; /^[[:blank:]]*$/d'
	fi
}

table_hop() { # mailer:[host] as -internal takes it
	case $1 in
	smtp:?* | esmtp:?* | relay:?*) plain_hop "${1#*:}" ;;
	*) return 1 ;;
	esac
}

sendmail_derive() {
	if [ -n "$(mc_value confDOMAIN_NAME)" ]; then set_value hostname "$(mc_value confDOMAIN_NAME)" "confDOMAIN_NAME in $config/sendmail.mc"
	elif full=$(hostname -f 2>/dev/null) && good host "$full"; then set_value hostname "$full" "hostname -f"; fi
	sendmail_table >"$W/mailertable"
	while read -r domain route <&3; do
		! have domains || is_word "$domain" "$(value domains | tr ' ' ',')" || continue
		[ "$domain" != . ] && good domains "$domain" && hop=$(table_hop "$route") && printf '%s %s\n' "$domain" "$hop"
	done 3<"$W/mailertable" >"$W/routes"
	if [ -s "$W/routes" ]; then
		set_value domains "$(list "$(awk '{ print $1 }' "$W/routes")")" "$config/mailertable"
		set_value internal "$(awk 'NR == 1 { print $2 }' "$W/routes")" "$config/mailertable"
		[ "$(awk '{ print $2 }' "$W/routes" | sort -u | wc -l)" -eq 1 ] ||
			[ "$(origin internal)" = -internal ] || clash "the domains behind us have different next hops in mailertable: give -internal, a host that knows them all"
	fi
	if [ -n "$(mc_value SMART_HOST)" ]; then
		smart=$(mc_value SMART_HOST)
		case $smart in *:*) smart=${smart#*:} ;; esac
		hop=$(plain_hop "$smart") && set_value external "$hop" "SMART_HOST in $config/sendmail.mc"
	else
		set_value external mx "no SMART_HOST in $config/sendmail.mc"
	fi
	networks=$(sendmail_networks)
	set_value internal-clients "$(list "127.0.0.1 ::1 $networks")" "relay-domains and access in $config, and this machine"
	for domain in $(value domains); do
		! grep -qsix -e "${domain#.}" "$config/local-host-names" ||
			clash "$domain stands in $config/local-host-names: its mail would be delivered on this machine; move it to relay-domains"
	done
}

# 10.1 in relay-domains, or "Connect:10.1 RELAY" in access, is 10.1.0.0/16.
octets='/^[0-9]+(\.[0-9]+)*\.?$/ { sub(/\.$/, ""); n = split($0, part, "."); if (n > 4) next
	for (i = n + 1; i <= 4; i++) $0 = $0 ".0"; print $0 "/" n * 8 }'
sendmail_networks() {
	{
		cat "$config/relay-domains" 2>/dev/null
		awk 'toupper($2) == "RELAY" { sub(/^[Cc]onnect:/, "", $1); print $1 }' "$config/access" 2>/dev/null
	} | awk "$octets" | grep -v '^127\.'
}

# ---- steps ----

want_sendmail_instance() { # NAME
	words "$1"
	fill "$templates/sendmail/$1.mc" >"$W/new/$1.mc"
	sed "s|include(\`$(sendmail_instance_dir)/instance.m4')|include(\`$templates/sendmail/instance.m4')|" "$W/new/$1.mc" >"$W/new/plan.mc"
	compile "$W/new/plan.mc" "$W/new/$1.cf"
	step file "$(sendmail_instance_dir)/$1.mc" 644 root:root "$W/new/$1.mc"
	step file "$(sendmail_instance_cf "$1")" 644 root:root "$W/new/$1.cf" "pending:$1,made"
	step dir "$(instance_queue "$1")" 700 "$user:$group"
	step dir "$(instance_data "$1")" 700 "$user:$group"
}

sendmail_want() {
	step dir "$(sendmail_instance_dir)" 755 root:root
	step file "$(sendmail_instance_dir)/instance.m4" 644 root:root "$templates/sendmail/instance.m4"
	for instance in $(instances); do want_sendmail_instance "$instance"; done
	if sendmail_with_systemd; then
		words external
		fill "$templates/sendmail/instance.service" | sed "s|^ExecStart=[^ ]*|ExecStart=$(sendmail_path)|" >"$W/new/unit"
		step file "$(value unitdir)/$service-mail@.service" 644 root:root "$W/new/unit"
	fi
	for instance in $(instances); do step instance "$instance"; done
	step check
	step begin carrier "$config"
	want_sendmail_carrier
	step carrier "$config"
}

want_sendmail_carrier() {
	words carrier
	fill "$templates/sendmail/mailer.m4" >"$W/new/mailer.m4"
	if [ -n "$tenant" ]; then
		want_tenant_tables
		sed "s|^config_dir=.*|config_dir=$config|" "$W/words" >"$W/words.new" && mv "$W/words.new" "$W/words"
		fill "$templates/sendmail/tenants.m4" >"$W/new/tenants.m4"
	fi
	sendmail_edited "$config/sendmail.mc" mc_with_postern "$W/new/sendmail.mc"
	sed "s|^include(\`$config/$service.m4')|include(\`$W/new/mailer.m4')|" "$W/new/sendmail.mc" >"$W/new/plan.mc"
	[ -z "$tenant" ] || sed -i "s|^include(\`$config/tenants.m4')|include(\`$W/new/tenants.m4')|" "$W/new/plan.mc"
	compile "$W/new/plan.mc" "$W/new/sendmail.cf"
	if same_configuration "$W/new/sendmail.cf" "$config/sendmail.cf"; then cp "$config/sendmail.cf" "$W/new/sendmail.cf"; fi
	step file "$config/$service.m4" 644 root:root "$W/new/mailer.m4" pending:carrier
	[ -z "$tenant" ] || step file "$config/tenants.m4" 644 root:root "$W/new/tenants.m4" pending:carrier
	[ -z "$tenant" ] || want_table tenants clients_with_tenant
	want_table mailertable table_with_postern
	step file "$config/sendmail.mc" - - "$W/new/sendmail.mc" pending:carrier
	step file "$config/sendmail.cf" - - "$W/new/sendmail.cf" pending:carrier,made
}

want_table() { # NAME FUNCTION: the text, and the map made of it
	sendmail_edited "$config/$1" "$2" "$W/new/$1"
	make_map "$W/new/$1" "$W/new/$1.db" || die 69 "makemap failed for $1"
	table_mode=-
	[ -f "$config/$1" ] || table_mode=644
	step file "$config/$1" $table_mode root:root "$W/new/$1" "pending:carrier,pending:map-$1"
	table_mode=-
	[ -f "$config/$1.db" ] || table_mode=644
	step file "$config/$1.db" $table_mode root:root "$W/new/$1.db" map
}

# ---- starting and stopping ----

sendmail_with_systemd() { [ -d /run/systemd/system ] && command -v systemctl >/dev/null; }

sendmail_instance_done() { sendmail_alive "$(sendmail_instance_cf "$1")" && [ ! -e "$S/pending-$1" ]; }

sendmail_instance_show() {
	printf 'start %s\n' "$(instance_name "$1")"
	if sendmail_with_systemd; then
		printf '       $ systemctl daemon-reload\n       $ systemctl enable --now %s-mail@%s.service\n' "$service" "$1"
	else
		printf '       $ runuser -u %s -- %s -C %s -bd -q1m\n' "$user" "$(sendmail_path)" "$(sendmail_instance_cf "$1")"
		printf '       (there is no systemd: put this command where it is run when the machine starts)\n'
	fi
}

sendmail_instance_do() {
	note did instance "$1" || return
	sendmail_stop "$1" || return
	if sendmail_with_systemd; then
		quietly systemctl daemon-reload && quietly systemctl enable --now "$service-mail@$1.service" || return
	else
		quietly as_user "$(sendmail_path)" -C "$(sendmail_instance_cf "$1")" -bd -q1m || return
		tries=0
		until sendmail_alive "$(sendmail_instance_cf "$1")"; do
			tries=$((tries + 1))
			[ $tries -lt 600 ] || { complain "$(instance_name "$1") does not start"; return 75; }
			sleep 0.1
		done
	fi
	rm -f "$S/pending-$1"
	point
	progress "started $(instance_name "$1")"
}

sendmail_stop() { # INSTANCE
	if sendmail_with_systemd; then systemctl disable --now "$service-mail@$1.service" >/dev/null 2>&1 9<&- || :; fi
	sendmail_alive "$(sendmail_instance_cf "$1")" || return 0
	kill "$daemon"
	tries=0
	while kill -0 "$daemon" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || { complain "$(instance_name "$1") does not stop"; return 75; }
		sleep 0.1
	done
}

sendmail_reload() {
	if sendmail_with_systemd && systemctl is-active -q sendmail.service; then
		quietly systemctl reload sendmail.service
	else
		kill -HUP "$daemon"
	fi
}

sendmail_carrier_done() { [ ! -e "$S/pending-carrier" ] && sendmail_carrier_switched; }
sendmail_carrier_show() { printf 'the mail server reads its configuration\n       $ kill -HUP (its process), or systemctl reload sendmail\n'; }
sendmail_carrier_do() {
	if sendmail_alive "$config/sendmail.cf"; then
		sendmail_reload || return
		progress "reloaded Sendmail: all mail goes through postern now"
	else
		progress "Sendmail is not running; when it is started, all mail goes through postern"
	fi
	rm -f "$S/pending-carrier"
	point
}

sendmail_undo_carrier() {
	if sendmail_alive "$config/sendmail.cf"; then sendmail_reload || return; fi
	progress "Sendmail works without postern again"
}

sendmail_waiting_in() { find "$1" -name '[qhQ]f*' -type f 2>/dev/null | wc -l; }

sendmail_undo_instance() {
	queue=$(instance_queue "$1")
	[ "$(sendmail_waiting_in "$queue")" -eq 0 ] || drained as_user "$(sendmail_path)" -C "$(sendmail_instance_cf "$1")" -q
	waiting=$(sendmail_waiting_in "$queue")
	if [ "$waiting" -gt 0 ]; then
		complain "$waiting messages wait in the queue of $(instance_name "$1"), which goes on delivering them; -remove again when" \
			"deliver-all shows none"
		return 75
	fi
	sendmail_stop "$1" || return
	progress "stopped $(instance_name "$1")"
	for leftover in "$queue" "$(instance_data "$1")"; do
		noted "dir$tab$leftover" && rm -f "${leftover:?}"/*
	done
	rm -f "$S/pending-$1" "$S"/pending-map-*
}

sendmail_look_remove() { sendmail_places; }

# Sendmail decides the way at every attempt: what waits for postern now would go on without it.
sendmail_remove_is_possible() {
	waiting=$(sendmail_waiting_in "$(cf_option QueueDirectory)")
	[ "$waiting" -eq 0 ] || die 69 "$waiting messages wait in the mail server's queue, and would go on without postern, unsealed:" \
		"deliver them first (deliver-all), or put them into quarantine (sendmail -Q)"
}

# ---- for the test ----

sendmail_runs() { sendmail_alive "$config/sendmail.cf"; }
sendmail_submit() { "$(sendmail_path)" -C "$config/sendmail.cf" -oi -f "$1" -- "$2"; }
sendmail_queue_directories() {
	if [ "$1" = carrier ]; then cf_option QueueDirectory; else instance_queue "$1"; fi
}
sendmail_is_deferred() { grep -q '^M.' "$1" 2>/dev/null; }
sendmail_reason() { sed -n 's/^M//p' "$2" | head -n 1; }
