# setup-test.sh - sourced by postern-setup: a message through every leg, and what to do about one that fails
#
# The administrator's address inside gets real messages. Outside nobody is written to unasked: without -probe-to the next hop
# there is only greeted. postern(8) itself is the client: with a configuration whose destinations are the next hops it
# prints what they answer.

leg_ok() { printf '  ok          %s\n' "$*"; }
leg_open() { printf '  not tested  %s\n' "$*"; }
leg_failed() { # WHAT WHY WHAT-TO-DO
	printf '  failed      %s\n              %s\n              -> %s\n' "$1" "$2" "$3"
	failed=$((failed + 1))
}

probe_message() { # WHAT TO
	printf 'From: <%s>\nTo: <%s>\nSubject: postern-setup test: %s\nMessage-ID: <%s.%s@%s>\n' "$(value admin)" "$2" "$1" "$token" "$legs" "$(value hostname)"
	printf 'Date: %s\nAuto-Submitted: auto-generated\n\nA test message of postern-setup: %s.\nNothing needs to be done.\n' \
		"$(date '+%a, %d %b %Y %H:%M:%S %z')" "$1"
}

probe_postern() { # CONFIGURATION CLIENT TO WHAT: runs postern on a message; its line in $answer
	legs=$((legs + 1))
	probe_message "$4" "$3" >"$W/probe/message"
	answer=$(as_user "$postern" -c "$1" -client "$2" -sender "$(value admin)" -queue-id "$token.$legs" -readmail "$3" 2>&1 <"$W/probe/message")
}

# Destinations are the next hops themselves; everything passes untouched.
probe_configuration() {
	chmod 711 "$W" && mkdir "$W/probe" && chmod 755 "$W/probe" || return
	{
		printf 'hostname = %s\nlocal_domains = %s\ninternal_clients = 127.0.0.1\nsmime_engine = 0\n' "$(value hostname)" "$(value domains)"
		printf 'spool = %s\nlog = syslog\nmac_key_file = %s/mac.key\ndeadline = 60s\n' "$spool" "$etc"
		printf 'internal = %s\n' "$(hop_destination internal)"
		if [ "$(value external)" = mx ]; then printf 'external = none\n'; else printf 'external = %s\n' "$(hop_destination external)"; fi
		[ "$(value scanner)" = none ] || printf 'scanner = %s\nscanner_clients = %s\n' "$(hop_destination scanner)" "$(value scanner-clients)"
	} >"$W/probe/postern.conf" && chmod 644 "$W/probe/postern.conf"
}

hop_destination() {
	host=$(bare_host "$(value "$1")")
	case $host in *:*) host="[$host]" ;; esac
	printf 'smtp:%s:%s\n' "$host" "$(hop_port "$(value "$1")")"
}

# ---- where it is now ----

still_in() { # QUEUE-DIRECTORY...: the file of the probe, if it is there
	find "$@" -type f -exec grep -laF -e "$token.$legs@" {} + 2>/dev/null | head -n 1
}

passed() { # carrier or INSTANCE: has the probe left its queue? at most half a minute
	tries=0
	while [ $tries -lt 300 ]; do
		file=$(still_in $("${mta}_queue_directories" "$1"))
		[ -n "$file" ] || return 0
		! "${mta}_is_deferred" "$file" || break
		tries=$((tries + 1))
		sleep 0.1
	done
	reason=$("${mta}_reason" "$1" "$file" | tr -s ' \n' '  ' | cut -c 1-300)
	return 1
}

# ---- the legs ----

leg_check() {
	if as_user "$postern" -c "$conf" -check >"$W/check" 2>&1; then
		leg_ok "postern: configuration, areas, modules, instances"
	else
		leg_failed "postern -check" "$(grep -v '^ok' "$W/check" | head -n 1)" "postern -c $conf -check, as $user"
	fi
}

leg_hop_inside() {
	if probe_postern "$W/probe/postern.conf" 127.0.0.1 "$(value admin)" "next hop inside"; then
		leg_ok "next hop inside, $(value internal), takes mail to $(value admin)"
	else
		leg_failed "next hop inside, $(value internal)" "$answer" "is it the right host (-internal), does it take mail from this machine, does $(value admin) exist (-admin)?"
	fi
}

hop_answers() { # external or scanner
	as_user "$postern" -c "$W/probe/postern.conf" -check 2>/dev/null | grep "destination $1:" >"$W/answer"
	answer=$(sed 's/^[a-z]*: destination [a-z]*: //' "$W/answer")
	grep -q '^ok' "$W/answer"
}

leg_hop_outside() {
	if have probe-to && [ "$(value external)" != mx ]; then
		if probe_postern "$W/probe/postern.conf" 127.0.0.1 "$(value probe-to)" "next hop outside"; then
			leg_ok "next hop outside, $(value external), takes mail to $(value probe-to)"
		else
			leg_failed "next hop outside, $(value external)" "$answer" "is it the right host (-external), does it take mail from this machine?"
		fi
	elif [ "$(value external)" = mx ]; then
		leg_open "next hop outside: the MX of each recipient; -probe-to ADDRESS sends a message there"
	elif hop_answers external; then
		leg_ok "next hop outside, $(value external), answers (-probe-to ADDRESS would send a message there)"
	else
		leg_failed "next hop outside, $(value external)" "$answer" "is it the right host (-external), is a firewall between?"
	fi
}

leg_hop_scanner() {
	[ "$(value scanner)" != none ] || return 0
	if hop_answers scanner; then
		leg_ok "the scanner, $(value scanner), answers"
	else
		leg_failed "the scanner, $(value scanner)" "$answer" "is it the right host (-scanner), does it run? mail from outside waits in the scanner instance until then"
	fi
}

leg_from_outside() {
	first=internal
	[ "$(value scanner)" = none ] || first=scanner
	what="from outside to inside: postern, $(instance_name $first)"
	[ $first = internal ] || what="$what, the scanner ($(value scanner))"
	if ! probe_postern "$conf" 192.0.2.1 "$(value admin)" "from outside to inside"; then
		leg_failed "$what" "$answer" "postern -c $conf -explain -client 192.0.2.1 -sender $(value admin) -readmail $(value admin) says why"
	elif passed $first; then
		leg_ok "$what"
	else
		leg_failed "$what" "$reason" "the message waits in the queue of $(instance_name $first), and goes on by itself when that is mended (deliver-all)"
	fi
}

leg_carrier() { # TO INSTANCE WHAT
	what="$3: the mail server, postern, $(instance_name "$2")"
	if ! "${mta}_runs"; then
		leg_open "$what: the mail server is not running; start it, then postern-setup -test"
		return
	fi
	legs=$((legs + 1))
	probe_message "$3" "$1" >"$W/probe/message"
	if ! answer=$("${mta}_submit" "$(value admin)" "$1" 2>&1 <"$W/probe/message" 9<&-); then
		leg_failed "$what" "$answer" "the mail server does not take mail from this machine"
	elif ! passed carrier; then
		leg_failed "$what" "$reason" "the message waits in the mail server's queue; its reason is postern's"
	elif ! passed "$2"; then
		leg_failed "$what" "$reason" "the message waits in the queue of $(instance_name "$2"), and goes on by itself when that is mended (deliver-all)"
	else
		leg_ok "$what"
	fi
}

leg_to_outside() {
	if have probe-to && [ -z "$tenant" ]; then
		leg_carrier "$(value probe-to)" external "from inside to outside"
		return
	elif have probe-to; then # this machine's own mail is no tenant's
		leg_of_tenant
		return
	fi
	legs=$((legs + 1))
	probe_message "from inside to outside" "postern-setup@example.com" >"$W/probe/message"
	answer=$(as_user "$postern" -c "$conf" -explain -client "$(inside_client)" -sender "$(value admin)" -readmail postern-setup@example.com 2>&1 <"$W/probe/message")
	case $answer in
	*'to external'*) leg_ok "from inside to outside: postern would hand it to $(instance_name external) (-probe-to ADDRESS sends one)" ;;
	*) leg_failed "from inside to outside" "$(printf '%s\n' "$answer" | tail -n 1)" "postern -c $conf -explain says why; -internal-clients and -domains say who is inside" ;;
	esac
}

leg_of_tenant() {
	what="from inside to outside: postern, $(instance_name external)"
	if ! probe_postern "$conf" "$(inside_client)" "$(value probe-to)" "from inside to outside"; then
		leg_failed "$what" "$answer" "postern -c $conf -explain -client $(inside_client) says why"
	elif passed external; then
		leg_ok "$what"
	else
		leg_failed "$what" "$reason" "the message waits in the queue of $(instance_name external), and goes on by itself when that is mended (deliver-all)"
	fi
}

inside_client() { value internal-clients | tr ' ' '\n' | sed 's|/.*||' | head -n 1; }

test_legs() {
	failed=0 legs=0
	token=postern-setup.$(head -c 9 /dev/urandom | od -An -tx1 | tr -d ' \n')
	say "Test (messages go to $(value admin)$(! have probe-to || printf ' and %s' "$(value probe-to)"))"
	probe_configuration || die 75 "the test cannot be made"
	leg_check
	leg_hop_inside
	leg_hop_outside
	leg_hop_scanner
	leg_from_outside
	leg_carrier "$(value admin)" internal "inside"
	leg_to_outside
	if [ $failed -gt 0 ]; then
		say
		say "$failed legs failed; nothing is lost: mail waits. Mend them, then: postern-setup -test"
		exit 76
	fi
}
