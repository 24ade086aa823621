# setup-want.sh - sourced by postern-setup: the steps that do not depend on the mail server, and the run as a whole

areas='public trusted untrusted private ca crl seen'

# ---- the account ----

account_done() { getent passwd "$1" >/dev/null; }

account_command() { # USER HOME: the words, one a line
	if command -v useradd >/dev/null; then
		printf '%s\n' useradd --system --user-group --home-dir "$2" --no-create-home --shell /usr/sbin/nologin "$1"
	else
		printf '%s\n' adduser -S -D -H -h "$2" -s /sbin/nologin "$1"
	fi
}

account_show() { printf 'account %s\n       $ %s\n' "$1" "$(account_command "$@" | tr '\n' ' ')"; }

account_do() {
	note account "$1" || return
	account_command "$@" >"$W/command"
	set --
	while read -r word; do set -- "$@" "$word"; done <"$W/command"
	"$@" || return
	point
	progress "account $user"
}

undo_account() { # USER: when no file and no tenant needs it
	id=$(id -u "$1" 2>/dev/null) || return 0
	if others_use_account "$1" && others_need account "$1"; then
		progress "account $1 stays, other tenants use it"
		return 0
	fi
	owned=$(find / /var /home /srv /opt /tmp -xdev -uid "$id" ! -path '/proc/*' -print 2>/dev/null | sort -u | head -n 3 | tr '\n' ' ')
	if [ -n "$owned" ]; then
		progress "account $1 stays, it owns $owned"
		return 0
	fi
	if command -v userdel >/dev/null; then userdel "$1"; else deluser "$1"; fi || return
	! getent group "$1" >/dev/null || groupdel "$1" 2>/dev/null || :
	progress "remove account $1"
	point
}

others_use_account() {
	other_states | while read -r other; do
		! grep -qx "user = $1" "$other/site" || echo yes
	done | grep -q yes
}

# ---- files of postern ----

# The sample with our values in it: the comments are half of its use.
fill_conf() { # reads "name = value" lines on standard input, prints the sample with them
	awk '
		FNR == NR { n = index($0, " = "); name = substr($0, 1, n - 1); want[name] = substr($0, n + 3); order[++count] = name; next }
		{
			line = $0
			sub(/^# /, "", line)
			n = index(line, " =")
			name = n ? substr(line, 1, n - 1) : ""
			if (name in want && !(name in done)) {
				print name " = " want[name]
				done[name] = 1
			} else if (name in want && $0 !~ /^#/) {
				next
			} else {
				print
			}
		}
		END { for (i = 1; i <= count; i++) if (!(order[i] in done)) print order[i] " = " want[order[i]] }' - "$samples/postern.conf"
}

conf_lines() {
	printf 'hostname = %s\n' "$(value hostname)"
	printf 'local_domains = %s\n' "$(value domains | sed 's/ /, /g')"
	printf 'internal_clients = %s\n' "$(value internal-clients)"
	[ "$(value scanner)" = none ] || printf 'scanner_clients = %s\n' "$(value scanner-clients)"
	printf 'admin = %s\n' "$(value admin)"
	printf 'smime_engine = %s\n' "$(value engine)"
	printf 'spool = %s\n' "$spool"
	printf 'verify_log = %s/postern/verify%s.log\n' "$(value logdir)" "$suffix"
	conf_destinations
}

conf_destinations() {
	for destination in external scanner internal; do
		printf '%s = %s\n' "$destination" "$(destination_text $destination)"
	done
	printf 'carrier_queue = %s\n' "$(queue_text carrier)"
	for destination in external scanner internal; do
		if wants_instance $destination; then text=$(queue_text $destination); else text=none; fi
		printf '%s_queue = %s\n' "$destination" "$text"
	done
}

wants_instance() { [ "$1" != scanner ] || [ "$(value scanner)" != none ]; }
instances() { if wants_instance scanner; then echo external scanner internal; else echo external internal; fi; }

instance_port() {
	case $1 in
	external) value port ;;
	scanner) echo $(($(value port) + 1)) ;;
	internal) echo $(($(value port) + 2)) ;;
	esac
}

destination_text() { # INSTANCE
	if ! wants_instance "$1"; then
		echo none
	elif [ "$(value inject)" = smtp ]; then
		echo "smtp:127.0.0.1:$(instance_port "$1")"
	else
		"${mta}_command" "$1"
	fi
}

want_conf() {
	if conf_is_foreign; then
		want_foreign_conf
		return
	fi
	conf_lines | fill_conf >"$W/new/postern.conf" || return
	step file "$conf" 644 root:root "$W/new/postern.conf" absent
	if [ -f "$conf" ] && ! unchanged "$conf"; then
		notice "$conf was changed since it was written: it stays as it is"
	fi
}

# A configuration that is older than we are: only the names of the queues are added; destinations must be right.
want_foreign_conf() {
	cp "$conf" "$W/new/postern.conf"
	conf_destinations >"$W/destinations"
	while read -r destination equals text <&3; do
		present=$(conf_get "$destination" | tr -s ' ')
		[ "$present" != "$text" ] || continue
		case $destination in
		*_queue)
			if [ "${present:-none}" = none ]; then
				printf '%s = %s\n' "$destination" "$text" >>"$W/new/postern.conf"
			else
				notice "$conf has $destination = $present; postern-setup would make $text"
			fi
			;;
		*) clash "$conf has $destination = ${present:-(nothing)}, but the instance will be $text: change that line (or -inject, -port, -scanner)" ;;
		esac
	done 3<"$W/destinations"
	step file "$conf" - - "$W/new/postern.conf" ''
}

# The sample's own lines are for a site that has keys already: here they become comments, and one line that refuses nobody.
want_rules() {
	awk '
		/^# ---- 1/ && !done { print "# Put here by postern-setup: sign and encrypt whatever can be, refuse nothing."; print ". (to) . (do) SIP, EIP"; print ""; done = 1 }
		/^[^#]/ { print "#" $0; next }
		{ print }' "$samples/rules" >"$W/new/rules"
	step file "$etc/rules" 644 root:root "$W/new/rules" absent
}

want_key() {
	[ -e "$etc/mac.key" ] || head -c 32 /dev/urandom | base64 >"$W/new/mac.key"
	step file "$etc/mac.key" 600 "$user:$group" "$W/new/mac.key" absent,secret
}

want_postern() {
	step account "$user" "$(value spooldir)/postern"
	step dir "$(value sysconfdir)/postern" 755 root:root
	[ -z "$tenant" ] || step dir "$etc" 755 root:root
	step dir "$etc/certs" 755 root:root
	for area in $areas; do step dir "$etc/certs/$area" 700 "$user:$group"; done
	step dir "$spool" 700 "$user:$group"
	step dir "$(value logdir)/postern" 700 "$user:$group"
	want_key
	want_rules
	want_conf
}

# What postern left in directories that we made, and nobody needs any more.  Mail is never touched, nor what a person put there.
sweep() { # DIRECTORY
	case $1 in
	"$spool")
		for kept in tmp journal notices returned expiring refresh ocsp keys-ldap; do rm -rf "${1:?}/$kept"; done
		rm -rf "$1"/index*
		[ -n "$(find "$1/hold" -name '*.*' 2>/dev/null)" ] || rm -f "$1/hold/swept"
		for kept in hold quarantine; do rmdir "$1/$kept" 2>/dev/null; done
		;;
	"$(value logdir)/postern") [ -s "$1/verify$suffix.log" ] || rm -f "$1/verify$suffix.log" ;;
	esac
	:
}

# ---- is it all right? the last thing before mail comes ----

as_user() { # COMMAND...
	if is_root; then runuser -u "$user" -- "$@"; else "$@"; fi
}

check_done() { carrier_switched; }
check_show() { printf 'check\n       $ runuser -u %s -- %s -c %s -check\n' "$user" "$postern" "$conf"; }
check_do() {
	if as_user "$postern" -c "$conf" -check >"$W/check" 2>&1; then
		progress "$postern -check: no errors"
		return 0
	fi
	grep -v '^ok' "$W/check" | sed 's/^/    /' >&2
	complain "postern -check found errors; the mail server was not touched yet, mail goes on as before"
	return 75
}

# ---- what each mail server does its own way ----

instance_name() { printf 'postern%s-%s\n' "$suffix" "$1"; }
instance_dir() { "${mta}_instance_dir" "$@"; }
instance_queue() { "${mta}_instance_queue" "$@"; }
instance_data() { "${mta}_instance_data" "$@"; }
queue_text() { "${mta}_queue_text" "$@"; }
instance_done() { "${mta}_instance_done" "$@"; }
instance_show() { "${mta}_instance_show" "$@"; }
instance_do() { "${mta}_instance_do" "$@"; }
carrier_done() { "${mta}_carrier_done" "$@"; }
carrier_show() { "${mta}_carrier_show" "$@"; }
carrier_do() { "${mta}_carrier_do" "$@"; }
carrier_switched() { "${mta}_carrier_switched"; }
undo_carrier() { "${mta}_undo_carrier" "$@"; }
undo_instance() { "${mta}_undo_instance" "$@"; }
undo_kind() { "${mta}_undo_kind" "$@"; }

begin_done() { noted "did$tab$1$tab$2"; }
begin_show() { printf 'from here on the mail server itself is changed; -remove puts it back first\n'; }
begin_do() { note did "$1" "$2"; }


quietly() { "$@" >"$W/output" 2>&1 9<&- || { sed 's/^/    /' "$W/output" >&2; return 75; }; }

drained() { # QUEUE-COMMAND... : tries it again and waits a little while for the queue to become empty
	tries=0
	"$@" >/dev/null 2>&1 9<&-
	while [ "$("${mta}_waiting_in" "$queue")" -gt 0 ] && [ $tries -lt 100 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
}


# ---- templates ----

words() { # carrier or INSTANCE: the words of its templates, in $W/words
	case $1 in
	external) next=$(value external); [ "$next" != mx ] || next= ;;
	scanner) next=$(value scanner) ;;
	internal) next=$(value internal) ;;
	*) next= ;;
	esac
	if [ -n "$next" ]; then next="[$(bare_host "$next")]:$(hop_port "$next")"; fi
	listen=
	if [ "$(value inject)" = smtp ] && [ "$1" != carrier ]; then listen=127.0.0.1:$(instance_port "$1"); fi
	cat >"$W/words" <<-END
	postern=$postern
	config=$conf
	user=$user
	service=$service
	instance=$(instance_name "$1")
	hostname=$(value hostname)
	local_domains=$(value domains | sed 's/ /, /g')
	next_hop=$next
	carrier=$carrier_at
	listen=$listen
	queue=$(instance_queue "$1")
	data=$(instance_data "$1")
	config_dir=$(instance_dir "$1")
	processes=$(value processes)
	END
}

fill() { # TEMPLATE, with $W/words
	awk -f "$share/fill.awk" "$W/words" "$1" || die 69 "template $1"
}

# ---- the run ----

look() {
	: >"$W/steps"
	for list_file in found clash notice missing; do : >"$W/$list_file"; done
	look_mta
	look_postern
	look_user
	look_conf
	look_tenant
	"${mta}_look"
	look_ports
	look_values
}

want() {
	if [ ! -s "$W/missing" ]; then
		want_postern
		"${mta}_want"
	fi
}

show_heading() {
	say "postern-setup: $("${mta}_title")${tenant:+, tenant $tenant}"
	say
	say "Found"
	cat "$W/found"
	say
	say "Values"
	show_values
	if [ -s "$W/notice" ]; then
		say
		say "Worth knowing"
		fold_list "$W/notice"
	fi
	say
}

fold_list() { fold -s -w 112 "$1" | sed 's/^/  /'; }

stop_where_impossible() {
	if [ -s "$W/missing" ]; then
		{
			complain "these cannot be known from the present configuration; give them:"
			cat "$W/missing"
		} >&2
		exit 65
	fi
	if [ -s "$W/clash" ]; then
		{
			complain "something is in the way:"
			fold_list "$W/clash"
		} >&2
		exit 69
	fi
}

plan() {
	if [ -f "$S/running" ]; then
		say "The last run ($(cat "$S/running")) did not come to its end: -apply goes on, -remove takes back."
		say
	fi
	show_heading
	stop_where_impossible
	each_step count_step
	if [ $number = 0 ]; then
		say "All of this is done already: nothing to do."
		return 0
	fi
	say "What would be done ($number steps; nothing is changed without -apply)"
	number=0
	each_step show_step
	say
	say "Do it with: postern-setup -apply (and the same options)"
}

places_are_safe() {
	while IFS=$tab read -r kind path rest <&3; do
		case $kind in dir | file) safe_place "$path" ;; esac
	done 3<"$W/steps"
	safe_place "$S"
}

lock() { # one at a time, of all tenants; the descriptor is closed in everything we start
	exec 9<"$(value statedir)" || exit 75
	flock -n 9 || die 75 "another postern-setup is at work"
}

apply() {
	show_heading
	stop_where_impossible
	each_step count_step
	if [ $number = 0 ] && [ ! -f "$S/running" ]; then
		say "nothing to do"
	else
		[ "$number" -eq 0 ] || places_are_safe
		manifest_open || die 75 "$S cannot be made"
		echo apply >"$S/running"
		remember_site || exit 75
		say "Steps"
		number=0
		if ! each_step do_step; then
			die 75 "stopped at this step; mend what it says, then -apply goes on and -remove takes back"
		fi
		rm -f "$S/running"
		say
		say "Done. postern-setup -remove takes it back; the originals are kept in $S."
		[ "$(value engine)" = 2 ] || say "smime_engine is $(value engine): change it in $conf when the routing is right."
		say
		test_legs
	fi
}

remove() {
	if [ ! -d "$S" ]; then
		say "nothing to remove: postern-setup has not been here${tenant:+ for tenant $tenant} ($S does not exist)"
		return 0
	fi
	manifest_open || exit 75
	if [ ! -f "$S/site" ]; then # stopped before the first step
		forget
		say "Done: nothing had been changed yet."
		return 0
	fi
	safe_place "$S/manifest"
	mta=$(value mta)
	"${mta}_look_remove"
	"${mta}_remove_is_possible"
	echo remove >"$S/running"
	say "Taking back"
	if ! each_undo; then
		die 75 "not finished: mend what it says, then -remove goes on"
	fi
	sweep "$(value logdir)/postern" # which may be another tenant's
	forget
	say "Done: everything is as it was before."
}

# The state goes last, by one rename: while it is there, -remove goes on.
forget() {
	parent_is_ours=no
	! noted "dir$tab$state_parent" || parent_is_ours=yes
	if [ $parent_is_ours = yes ] && [ -n "$(other_states)" ]; then
		others_need dir "$state_parent"
		parent_is_ours=no
	fi
	rm -rf "$S"
	[ $parent_is_ours = no ] || rmdir "$state_parent" 2>/dev/null || :
}

test_what_is_there() {
	is_root || die 69 "-test must be done by root"
	[ -d "$S" ] || die 69 "postern-setup has not been here yet; -apply first"
	stop_where_impossible
	test_legs
}

run_setup() {
	look_places
	case $mode in
	apply | remove) is_root || [ -w "$(value statedir)" ] || die 69 "-$mode must be done by root"
		[ -d "$(value statedir)" ] || die 69 "$(value statedir) does not exist"
		lock ;;
	esac
	if have interrupt; then interrupt=$(value interrupt); fi
	if [ "$mode" = remove ]; then
		remove
		return
	fi
	look
	want
	case $mode in
	plan) plan ;;
	apply) apply ;;
	test) test_what_is_there ;;
	esac
}
