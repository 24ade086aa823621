# postfix.sh - sourced after lib.sh: a Postfix carrier and the three instances around a site, from etc/mta/postfix
#
#   postfix_usable                 why Postfix cannot be tested here (prints a reason and fails), for skip_all
#   postfix_command_usable         likewise for postfix_inject=command
#   postfix_site DIR               DIR made by site_make: configures and starts everything, below DIR/mta; sets $postfix_address
#     postfix_inject=smtp|command      how postern hands over (set before; default smtp)
#     postfix_external_hop, postfix_scanner_hop, postfix_internal_hop=[ADDRESS]:PORT
#                                      next hops; not set: a t/helper/smtp-sink each, recording in DIR/sink/NAME
#   postfix_make DIR, postfix_start DIR all    the same in two steps, to change something in between
#   postfix_send DIR inside|outside|scanner SENDER RECIPIENT... <message    by SMTP to the carrier; prints its answer
#     postfix_send_options=...         more options of t/helper/smtp-send
#   postfix_stop DIR INSTANCE, postfix_start DIR INSTANCE    carrier, external, scanner or internal
#   postfix_queue DIR INSTANCE     number of messages in its queue
#   postfix_flush DIR INSTANCE     tries everything now
#   postfix_set DIR INSTANCE "NAME = VALUE"...  changes main.cf (and reloads if it runs)
#   postfix_logged DIR INSTANCE    its log
#   postfix_record DIR             from now on every run of postern is a line of DIR/mta/runs: its arguments, in brackets
#   sink_message DIR NAME RECIPIENT [N]    the path of the (N-th) message that sink NAME has accepted for RECIPIENT
#   postfix_content FILE                   without CR, dot stuffing, and the Received fields on top
#   wait_for SECONDS COMMAND...    until the command succeeds; fails after that long
#   wait_mail DIR NAME N           until sink NAME has accepted N recipients, wait_queue DIR INSTANCE N likewise
#
# Every site has a loopback address of its own, made from the process number, so ports are always the same there: carrier 2525,
# external 10025, scanner 10026, internal 10027. Clients: 127.0.1.1 inside, 127.0.2.1 the scanner, 127.0.3.1 outside.
# The programs are copied, so that the account postern runs as reaches them wherever the build is.

postfix_user=daemon
postfix_sites=0
postfix_pids=
postfix_inject=${postfix_inject-smtp}

postfix_usable() {
	[ "$(id -u)" = 0 ] || { echo "needs root: Postfix changes users"; return 1; }
	[ -x /usr/sbin/postconf ] || { echo "Postfix is not installed"; return 1; }
	postfix_daemons=$(/usr/sbin/postconf -dh daemon_directory)
	id "$postfix_user" >/dev/null 2>&1 || { echo "no account $postfix_user"; return 1; }
}

# Other users than root may name only those configurations that /etc/postfix/main.cf knows: for injection by command: the
# carrier gets an /etc/postfix of its own.
postfix_command_usable() {
	unshare -m true 2>/dev/null || { echo "mount namespaces are not allowed here"; return 1; }
}

. "$SRC/t/mta/fill.sh"

# ---- configuration ----

postfix_directories() { # QUEUE DATA: what "postfix check" would make
	mkdir -p "$1" "$2" || return 1
	for queue in active bounce corrupt defer deferred flush hold incoming private saved trace; do
		install -d -o postfix -m 700 "$1/$queue"
	done
	install -d -o postfix -g postdrop -m 1730 "$1/maildrop"
	install -d -o postfix -g postdrop -m 2710 "$1/public"
	install -d -m 755 "$1/pid"
	chown postfix "$2"
	chmod 700 "$2"
}

# What only a test wants: its own log, no name server, one delivery for each connection of the sink.
postfix_test_lines() { # DIR INSTANCE
	cat <<-LINES
		maillog_file = $1/mta/$2.log
		maillog_file_prefixes = $T
		smtp_host_lookup = native
		smtp_dns_support_level = disabled
		smtp_connection_cache_on_demand = no
	LINES
}

# The mail server that is there already.
postfix_carrier() { # DIR
	carrier=$1/mta/carrier
	cat >"$carrier/main.cf" <<-LINES
		compatibility_level = 3.6
		myhostname = mx.behoerde.example
		queue_directory = $1/mta/queue-carrier
		data_directory = $1/mta/data-carrier
		inet_interfaces = loopback-only
		mynetworks = 127.0.0.1, [fd00::]/8, 127.0.1.0/24, 127.0.2.0/24, $postfix_address
		mydestination =
		alias_maps =
		alias_database =
		relay_domains = behoerde.example
		relay_transport = smtp:$postfix_internal
		relayhost = $postfix_external
		smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
		smtpd_peername_lookup = no
		smtpd_authorized_xclient_hosts = 127.0.3.0/24
	LINES
	sed -e '/^@listen@/d' "$SRC/etc/mta/postfix/external.master.cf" >"$carrier/master.cf"
	printf '%s inet n - n - - smtpd\n' "$postfix_address:2525" >>"$carrier/master.cf"
	set -- "$1" "postern=$1/mta/programs/postern" "config=$1/postern.conf" "user=$postfix_user" service=postern processes=20
	postfix_part "$@"
}

# postfix_part DIR WORD=VALUE...: the lines of the templates for the carrier
postfix_part() {
	part_dir=$1
	shift
	for file in main.cf master.cf; do
		mta_fill "$SRC/etc/mta/postfix/carrier.$file" "$@" >"$part_dir/mta/part" || return 1
		cat "$part_dir/mta/part" >>"$part_dir/mta/carrier/$file"
	done
}

postfix_instance() { # DIR NAME PORT NEXT-HOP
	for file in main.cf master.cf; do
		mta_fill "$SRC/etc/mta/postfix/$2.$file" "instance=postern-$2" hostname=mx.behoerde.example local_domains=behoerde.example \
			"next_hop=$4" "carrier=[$postfix_address]:2525" "listen=${3:+$postfix_address:$3}" "queue=$1/mta/queue-$2" \
			"data=$1/mta/data-$2" "config_dir=$1/mta/$2" processes=20 "user=$postfix_user" >"$1/mta/$2/$file" || return 1
	done
}

# ---- a whole site ----

# postfix_sink DIR NAME [OPTION...]: a t/helper/smtp-sink that records below DIR/sink/NAME; its [address]:port is in $postfix_NAME
postfix_sink() {
	sink_dir=$1/sink/$2 sink_name=$2
	shift 2
	mkdir -p "$sink_dir"
	perl "$SRC/t/helper/smtp-sink" "$@" "$sink_dir" >/dev/null 2>"$sink_dir/errors" &
	postfix_pids="$postfix_pids $!"
	kill_at_end $!
	wait_for 120 test -s "$sink_dir/port" || return 1
	eval "postfix_$sink_name=[127.0.0.1]:$(cat "$sink_dir/port")"
}

postfix_programs() { # DIR: postern and its modules where their user can run them
	install -d -m 755 "$1/mta/programs"
	cp "$BUILD/postern" "$1/mta/programs/" || return 1
	for program in rules-file keys-file check-path; do ln -f "$1/mta/programs/postern" "$1/mta/programs/$program" || return 1; done
	cp "$SRC/etc/profiles" "$1/mta/programs/"
	conf "$1" "module_directory = $1/mta/programs" "profiles_file = $1/mta/programs/profiles"
}

postfix_destination() { # DIR NAME PORT: a line for postern.conf
	case $postfix_inject in
	smtp) echo "$2 = smtp:$postfix_address:$3" ;;
	command) echo "$2 = command:/usr/sbin/sendmail -C $1/mta/$2 -oi -f \${sender} -- \${recipients}" ;;
	esac
}

postfix_make() {
	pid=$$
	postfix_address=127.$((64 * (postfix_sites % 2 + 1) + pid / 65536 % 64)).$((pid / 256 % 256)).$((pid % 256))
	postfix_sites=$((postfix_sites + 1))
	mkdir -p "$1/mta"
	printf '%s\n' "$postfix_address" >"$1/mta/address"
	chmod 711 "$T"
	port=10025
	for name in external scanner internal; do
		eval "postfix_$name=\${postfix_${name}_hop-}"
		eval "[ -n \"\$postfix_$name\" ]" || postfix_sink "$1" "$name" || return 1
		mkdir -p "$1/mta/$name"
		eval "hop=\$postfix_$name"
		listen=$port
		[ "$postfix_inject" = smtp ] || listen=
		postfix_instance "$1" "$name" "$listen" "$hop" || return 1
		postfix_directories "$1/mta/queue-$name" "$1/mta/data-$name"
		conf "$1" "$(postfix_destination "$1" "$name" "$port")"
		port=$((port + 1))
	done
	conf "$1" "scanner = none" "internal_clients = 127.0.0.1 127.0.1.0/24 10.0.0.0/8 ::1 fd00::/8" "scanner_clients = 127.0.2.0/24"
	mkdir -p "$1/mta/carrier"
	postfix_directories "$1/mta/queue-carrier" "$1/mta/data-carrier"
	postfix_carrier "$1" || return 1
	if [ "$postfix_inject" = command ]; then
		mkdir -p "$1/mta/etc"
		echo "multi_instance_directories = $1/mta/external $1/mta/scanner $1/mta/internal" >"$1/mta/etc/main.cf"
	fi
	for name in carrier external scanner internal; do postfix_test_lines "$1" "$name" >>"$1/mta/$name/main.cf"; done
	postfix_programs "$1" || return 1
	mkdir -p "$1/spool"
	chmod 755 "$1"
	postfix_own "$1"
}

# postfix_own DIR: what belongs to the account postern runs as, after a test has changed files as root
postfix_own() {
	chown -R "$postfix_user" "$1/certs" "$1/spool"
	for file in postern.conf rules log verify.log mac.key; do
		[ ! -e "$1/$file" ] || chown "$postfix_user" "$1/$file"
	done
	chown "$postfix_user" "$1"
}

postfix_site() { postfix_make "$1" && postfix_start "$1" all; }

# ---- start and stop ----

postfix_launch() { # DIR INSTANCE
	if [ "$2" = carrier ] && [ -d "$1/mta/etc" ]; then
		unshare -m sh -c 'mount --bind "$1" /etc/postfix && exec "$2" -c "$3"' sh "$1/mta/etc" "$postfix_daemons/master" "$1/mta/carrier" \
			>"$1/mta/$2.out" 2>&1 </dev/null &
	else
		"$postfix_daemons/master" -c "$1/mta/$2" >"$1/mta/$2.out" 2>&1 </dev/null &
	fi
	echo $! >"$1/mta/$2.pid"
	postfix_pids="$postfix_pids $!"
	kill_at_end $!
}

# It says so when all its sockets are there.
postfix_runs() { # DIR INSTANCE
	wait_for ${POSTFIX_PATIENCE:-120} grep -qs "master\[$(cat "$1/mta/$2.pid")\]: daemon started" "$1/mta/$2.log" && return 0
	diag "$2 does not start" "$(cat "$1/mta/$2.out")" "$(tail -n 20 "$1/mta/$2.log")"
	return 1
}

postfix_start() {
	if [ "$2" != all ]; then
		postfix_launch "$1" "$2"
		postfix_runs "$1" "$2"
		return
	fi
	for each in carrier external scanner internal; do postfix_launch "$1" $each; done
	for each in carrier external scanner internal; do postfix_runs "$1" $each || return 1; done
}

postfix_stop() {
	kill "$(cat "$1/mta/$2.pid")" 2>/dev/null
	wait "$(cat "$1/mta/$2.pid")" 2>/dev/null
	rm -f "$1/mta/$2.pid" "$1/mta/queue-$2/public/qmgr"
}

postfix_end() { # all of them are gone before their directory goes
	for pid in $postfix_pids; do kill "$pid" 2>/dev/null; done
	for pid in $postfix_pids; do wait "$pid" 2>/dev/null; done
}
trap 'postfix_end; cleanup' EXIT

postfix_set() {
	set_dir=$1/mta/$2
	shift 2
	/usr/sbin/postconf -c "$set_dir" "$@" || return 1
	[ ! -e "$set_dir.pid" ] || kill -HUP "$(cat "$set_dir.pid")"
}

# ---- mail ----

postfix_send() {
	send_dir=$1
	case $2 in
	inside) source=127.0.1.1 ;;
	scanner) source=127.0.2.1 ;;
	outside) source=127.0.3.1 ;;
	*) diag "postfix_send: $2?"; return 1 ;;
	esac
	shift 2
	# shellcheck disable=SC2086
	perl "$SRC/t/helper/smtp-send" -source $source ${postfix_send_options-} "$(cat "$send_dir/mta/address")" 2525 "$@"
}

postfix_queue() { postqueue -c "$1/mta/$2" -j | grep -c '"queue_id"'; }
postfix_flush() { postqueue -c "$1/mta/$2" -f; }
postfix_logged() { cat "$1/mta/$2.log" 2>/dev/null; }

accepted() { cat "$1/sink/$2/accepted" 2>/dev/null; }
has_accepted() { [ "$(accepted "$1" "$2" | wc -l)" -ge "$3" ]; }
wait_mail() {
	wait_for ${POSTFIX_PATIENCE:-120} has_accepted "$1" "$2" "$3" && return 0
	diag "waiting for $3 at $2, there are $(accepted "$1" "$2" | wc -l)" "$(tail -n 30 "$1/mta/carrier.log")"
	return 1
}

sink_message() {
	number=$(accepted "$1" "$2" | awk -v to="$3" -v n="${4-1}" 'BEGIN { to = tolower(to) } tolower($1) == to && ++k == n { print $NF }')
	[ -z "$number" ] || printf '%s\n' "$1/sink/$2/$number.msg"
}
postfix_content() {
	tr -d '\r' <"$1" | sed 's/^\.\././' | awk '
		!past && /^[Rr]eceived:/ { skip = 1; next }
		!past && skip && /^[ \t]/ { next }
		{ past = 1; print }'
}

postfix_record() {
	cp "$1/mta/programs/postern" "$1/mta/programs/postern.real"
	install -m 666 /dev/null "$1/mta/runs"
	cat >"$1/mta/programs/new" <<-PROGRAM
		#!/bin/sh
		line=
		for argument; do line="\$line[\$argument]"; done
		printf '%s\n' "\$line" >>"$1/mta/runs"
		exec "$1/mta/programs/postern.real" "\$@"
	PROGRAM
	chmod 755 "$1/mta/programs/new"
	mv "$1/mta/programs/new" "$1/mta/programs/postern"
}

has_queued() { [ "$(postfix_queue "$1" "$2")" = "$3" ]; }
wait_queue() {
	wait_for ${POSTFIX_PATIENCE:-120} has_queued "$1" "$2" "$3" && return 0
	diag "waiting for $3 in the queue of $2, there are $(postfix_queue "$1" "$2")" "$(tail -n 30 "$1/mta/$2.log")"
	return 1
}
