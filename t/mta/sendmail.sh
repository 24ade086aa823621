# sendmail.sh - sourced after lib.sh: a Sendmail carrier and the three instances around a site, from etc/mta/sendmail
#
#   sendmail_usable                why Sendmail cannot be tested here (prints a reason and fails), for skip_all
#   sendmail_site DIR              DIR made by site_make: configures and starts everything, below DIR/mta; sets $sendmail_address
#     sendmail_inject=smtp|command     how postern hands over (set before; default smtp)
#     sendmail_external_hop, sendmail_scanner_hop, sendmail_internal_hop=[ADDRESS]:PORT
#                                      next hops; not set: a t/helper/smtp-sink each, recording in DIR/sink/NAME
#     sendmail_mailer=LINES            the mailer in cf form instead of etc/mta/sendmail/mailer.m4
#   sendmail_make DIR, sendmail_start DIR all    the same in two steps, to change something in between
#   sendmail_send DIR inside|outside|scanner SENDER RECIPIENT... <message   by SMTP to the carrier; prints its answer
#     sendmail_send_options=...        more options of t/helper/smtp-send
#   sendmail_stop DIR INSTANCE, sendmail_start DIR INSTANCE    carrier, external, scanner or internal
#   sendmail_configure DIR INSTANCE  INSTANCE.mc to INSTANCE.cf, after a change
#   sendmail_map DIR               mailertable to its map, likewise
#   sendmail_queue DIR INSTANCE    number of messages in its queue; sendmail_mailq DIR INSTANCE what mailq(1) shows
#   sendmail_flush DIR INSTANCE    waits until nothing is being tried, tries everything, returns when all has been tried
#   sendmail_logged DIR INSTANCE   its log
#   wait_for SECONDS COMMAND...    until the command succeeds; fails after that long
#   wait_mail DIR NAME N           until sink NAME has accepted N recipients, wait_queue DIR INSTANCE N likewise
#
# Sendmail is a copy that t/mta/unpack-sendmail has made in $POSTERN_SENDMAIL (default: build/sendmail of the source).
# As root the carrier runs as root and everything else as the account $sendmail_user; as anybody else all of it is oneself.
# Every site has a loopback address of its own, made from the process number, so ports are always the same there: carrier 2525,
# external 10025, scanner 10026, internal 10027.  Clients: 127.0.1.1 inside, 127.0.2.1 the scanner, 127.0.3.1 outside.

sendmail_from=${POSTERN_SENDMAIL:-$SRC/build/sendmail}
sendmail_user=daemon
[ "$(id -u)" = 0 ] || sendmail_user=$(id -un)
sendmail_sites=0
sendmail_pids=
sendmail_inject=${sendmail_inject-smtp}

sendmail_usable() {
	[ -s "$sendmail_from/version" ] || { echo "no Sendmail in $sendmail_from: run t/mta/unpack-sendmail $sendmail_from"; return 1; }
	command -v m4 >/dev/null 2>&1 || { echo "no m4"; return 1; }
	[ -f /usr/share/sendmail/cf/m4/cf.m4 ] || { echo "no package sendmail-cf"; return 1; }
	id "$sendmail_user" >/dev/null 2>&1 || { echo "no account $sendmail_user"; return 1; }
}

. "$SRC/t/mta/fill.sh"

# ---- configuration ----

# The copy that this site runs: where its user reaches it, and with a log for each of its configurations.
sendmail_programs() { # DIR
	programs=$1/mta/programs
	mkdir -p "$programs"
	cp "$BUILD/postern" "$programs/" || return 1
	for program in rules-file keys-file check-path; do ln -f "$programs/postern" "$programs/$program" || return 1; done
	cp "$SRC/etc/profiles" "$programs/"
	conf "$1" "module_directory = $programs" "profiles_file = $programs/profiles"
	cp -R "$sendmail_from/usr/libexec/sendmail/sendmail" "$sendmail_from/usr/libexec/sendmail/makemap" "$sendmail_from/usr/lib" "$programs/"
	for program in sendmail makemap; do
		mv "$programs/$program" "$programs/$program.bin"
		cat >"$programs/$program" <<-END
			#!/bin/sh
			for name; do case \$name in *.cf) SENDMAIL_LOG=\${name%.cf}.log; export SENDMAIL_LOG ;; esac; done
			LD_LIBRARY_PATH='$programs/lib' LD_PRELOAD='$programs/lib/names.so' exec '$programs/$program.bin' "\$@"
		END
		chmod 755 "$programs/$program"
	done
	sendmail=$programs/sendmail
}

# What only a test wants, in front of the mailers: files of its own, no load limits, a directory below /tmp.
sendmail_test_lines() { # DIR INSTANCE
	cat <<-LINES
		define(\`confDONT_BLAME_SENDMAIL', \`MapInUnsafeDirPath')dnl
		define(\`confHOSTS_FILE', \`/etc/hosts')dnl
		define(\`confSERVICE_SWITCH_FILE', \`$1/mta/switch')dnl
		define(\`confLOG_LEVEL', \`9')dnl
		define(\`confMIN_QUEUE_AGE', \`0')dnl
	LINES
	# (a carrier that is not root needs leave to start)
	[ "$2" != carrier ] || [ "$(id -u)" = 0 ] || printf "define(\`confTRUSTED_USER', \`%s')dnl\ndefine(\`confPRIVACY_FLAGS', \`')dnl\n" "$sendmail_user"
	[ "$2" != carrier ] || cat <<-LINES
		define(\`QUEUE_DIR', \`$1/mta/queue-carrier')dnl
		define(\`confPID_FILE', \`$1/mta/data-carrier/sendmail.pid')dnl
		define(\`STATUS_FILE', \`$1/mta/data-carrier/statistics')dnl
		define(\`HELP_FILE', \`/dev/null')dnl
		define(\`confCR_FILE', \`-o $1/mta/relay-domains')dnl
		undefine(\`ALIAS_FILE')dnl
		define(\`confTO_IDENT', \`0')dnl
		define(\`confQUEUE_LA', \`1000')dnl
		define(\`confREFUSE_LA', \`1000')dnl
		define(\`confDONT_PROBE_INTERFACES', \`true')dnl
		FEATURE(\`no_default_msa')dnl
		FEATURE(\`accept_unresolvable_domains')dnl
		DAEMON_OPTIONS(\`Name=MTA, Family=inet, Addr=$sendmail_address, Port=2525')dnl
		RELAY_DOMAIN(\`127.0.1 127.0.2 $sendmail_address')dnl
	LINES
}

# sendmail_template DIR FILE WORD=VALUE...: etc/mta/sendmail/FILE into DIR/mta, with the lines of the test
sendmail_template() {
	template_dir=$1 template=$2
	shift 2
	mta_fill "$SRC/etc/mta/sendmail/$template" "$@" >"$template_dir/mta/filled" || return 1
	case $template in
	carrier.mc)
		sendmail_test_lines "$template_dir" carrier >"$template_dir/mta/lines"
		awk -v lines="$template_dir/mta/lines" '
			/^MAILER/ && !done { while ((getline line <lines) > 0) print line; done = 1 } { print }' \
			"$template_dir/mta/filled" >"$template_dir/mta/$template" ;;
	*.mc)
		sendmail_test_lines "$template_dir" "${template%.mc}" >"$template_dir/mta/lines"
		awk -v lines="$template_dir/mta/lines" '
			/^include.*instance/ { while ((getline line <lines) > 0) print line } { print }' \
			"$template_dir/mta/filled" >"$template_dir/mta/$template" ;;
	*) mv "$template_dir/mta/filled" "$template_dir/mta/$template" ;;
	esac
}

sendmail_configure() { # DIR INSTANCE
	m4 "$1/mta/$2.mc" >"$1/mta/$2.cf" 2>"$1/mta/m4.errors" && [ ! -s "$1/mta/m4.errors" ] || { diag "$(cat "$1/mta/m4.errors")"; return 1; }
}

sendmail_map() { # DIR: mailertable, after a change (a directory below /tmp is worth a warning, not an error)
	"$1/mta/programs/makemap" -C "$1/mta/carrier.cf" hash "$1/mta/mailertable" <"$1/mta/mailertable" 2>"$1/mta/makemap.errors" ||
		{ diag "$(cat "$1/mta/makemap.errors")"; return 1; }
}

sendmail_carrier() { # DIR
	carrier_dir=$1
	for file in carrier.mc mailer.m4 mailer.cf mailertable; do
		sendmail_template "$carrier_dir" $file "postern=$carrier_dir/mta/programs/postern" "config=$carrier_dir/postern.conf" \
			"user=$sendmail_user" service=postern processes=20 "config_dir=$carrier_dir/mta" hostname=mx.behoerde.example \
			local_domains=behoerde.example || return 1
	done
	mv "$carrier_dir/mta/mailer.m4" "$carrier_dir/mta/postern.m4"
	[ -z "${sendmail_mailer-}" ] || printf 'MAILER_DEFINITIONS\n%s\n' "$sendmail_mailer" >"$carrier_dir/mta/postern.m4"
	sendmail_configure "$carrier_dir" carrier && sendmail_map "$carrier_dir"
}

sendmail_instance() { # DIR NAME PORT NEXT-HOP
	sendmail_template "$1" "$2.mc" "instance=postern-$2" hostname=mx.behoerde.example local_domains=behoerde.example \
		"next_hop=$4" "carrier=[$sendmail_address]:2525" "listen=${3:+$sendmail_address:$3}" "queue=$1/mta/queue-$2" \
		"data=$1/mta/data-$2" "config_dir=$1/mta" processes=20 "user=$sendmail_user" && sendmail_configure "$1" "$2"
}

# ---- a whole site ----

sendmail_sink() { # DIR NAME: its own next hop
	mkdir -p "$1/sink/$2"
	perl "$SRC/t/helper/smtp-sink" "$1/sink/$2" >/dev/null 2>"$1/sink/$2/errors" &
	sendmail_pids="$sendmail_pids $!"
	kill_at_end $!
	wait_for 120 test -s "$1/sink/$2/port" || return 1
	eval "sendmail_$2=[127.0.0.1]:\$(cat '$1/sink/$2/port')"
}

sendmail_destination() { # DIR NAME PORT: a line for postern.conf
	case $sendmail_inject in
	smtp) echo "$2 = smtp:$sendmail_address:$3" ;;
	command) echo "$2 = command:$1/mta/programs/sendmail -C $1/mta/$2.cf -oi -f \${sender} -- \${recipients}" ;;
	esac
}

sendmail_directory() { mkdir -p "$1" && chown "$2" "$1" && chmod 700 "$1"; }

sendmail_make() {
	pid=$$
	sendmail_address=127.$((64 * (sendmail_sites % 2 + 1) + pid / 65536 % 64)).$((pid / 256 % 256)).$((pid % 256))
	sendmail_sites=$((sendmail_sites + 1))
	mkdir -p "$1/mta"
	printf '%s\n' "$sendmail_address" >"$1/mta/address"
	printf 'hosts files\n' >"$1/mta/switch"
	[ "$(id -u)" != 0 ] || chmod 711 "$T"
	sendmail_programs "$1" || return 1
	cp "$SRC/etc/mta/sendmail/instance.m4" "$1/mta/"
	port=10025
	for name in external scanner internal; do
		eval "sendmail_$name=\${sendmail_${name}_hop-}"
		eval "[ -n \"\$sendmail_$name\" ]" || sendmail_sink "$1" "$name" || return 1
		eval "hop=\$sendmail_$name"
		listen=$port
		[ "$sendmail_inject" = smtp ] || listen=
		sendmail_directory "$1/mta/queue-$name" "$sendmail_user" && sendmail_directory "$1/mta/data-$name" "$sendmail_user" &&
			sendmail_instance "$1" "$name" "$listen" "$hop" || return 1
		conf "$1" "$(sendmail_destination "$1" "$name" "$port")"
		port=$((port + 1))
	done
	conf "$1" "scanner = none" "internal_clients = 127.0.0.1 127.0.1.0/24 $sendmail_address 10.0.0.0/8 ::1" "scanner_clients = 127.0.2.0/24"
	sendmail_directory "$1/mta/queue-carrier" "$(id -un)" && sendmail_directory "$1/mta/data-carrier" "$(id -un)" &&
		sendmail_carrier "$1" || return 1
	for name in carrier external scanner internal; do
		: >"$1/mta/$name.log"
		chmod 666 "$1/mta/$name.log"
	done
	mkdir -p "$1/spool"
	sendmail_own "$1"
}

# sendmail_own DIR: what belongs to the account postern runs as, after a test has changed files as root
sendmail_own() {
	[ "$(id -u)" = 0 ] || return 0
	chown -R "$sendmail_user" "$1/certs" "$1/spool"
	for file in postern.conf rules log verify.log mac.key; do
		[ ! -e "$1/$file" ] || chown "$sendmail_user" "$1/$file"
	done
	chown "$sendmail_user" "$1"
	chmod 755 "$1"
}

sendmail_site() { sendmail_make "$1" && sendmail_start "$1" all; }

# ---- start and stop ----

sendmail_pid() { sed -n 1p "$1/mta/data-$2/sendmail.pid" 2>/dev/null; }
sendmail_runs() { runs_pid=$(sendmail_pid "$1" "$2") && [ -n "$runs_pid" ] && kill -0 "$runs_pid" 2>/dev/null; }
sendmail_stopped() { ! sendmail_runs "$1" "$2"; }

sendmail_start() {
	if [ "$2" = all ]; then
		for name in carrier external scanner internal; do sendmail_start "$1" $name || return 1; done
		return 0
	fi
	rm -f "$1/mta/data-$2/sendmail.pid"
	# the instances as their user, as instance.service does; the carrier as a mail server is started
	if [ "$(id -u)" = 0 ] && [ "$2" != carrier ]; then
		setpriv --reuid "$sendmail_user" --regid "$(id -g "$sendmail_user")" --init-groups \
			"$1/mta/programs/sendmail" -C "$1/mta/$2.cf" -bd >"$1/mta/$2.out" 2>&1 </dev/null
	else
		"$1/mta/programs/sendmail" -C "$1/mta/$2.cf" -bd >"$1/mta/$2.out" 2>&1 </dev/null
	fi && wait_for 120 sendmail_runs "$1" "$2" || { diag "$(cat "$1/mta/$2.out" "$1/mta/$2.log")"; return 1; }
	sendmail_pids="$sendmail_pids $(sendmail_pid "$1" "$2")"
	kill_at_end "$(sendmail_pid "$1" "$2")"
}

sendmail_stop() {
	stop_pid=$(sendmail_pid "$1" "$2")
	kill "$stop_pid" 2>/dev/null
	wait_for 120 sendmail_stopped "$1" "$2"
}

# Also what they have started: deliveries go on when their daemon has gone.
# Also those that were started where no variable comes back from.
sendmail_end() {
	for file in "$T"/mta/data-*/sendmail.pid "$T"/*/mta/data-*/sendmail.pid; do
		pid=$(sed -n 1p "$file" 2>/dev/null) && grep -q sendmail "/proc/$pid/cmdline" 2>/dev/null && sendmail_pids="$sendmail_pids $pid"
	done
	for pid in $sendmail_pids; do kill "$pid" 2>/dev/null; done
	for pid in $sendmail_pids; do wait_for 20 sh -c "! kill -0 $pid 2>/dev/null"; done
}
trap 'sendmail_end; cleanup' EXIT

# ---- mail ----

sendmail_send() {
	send_dir=$1
	case $2 in
	inside) source=127.0.1.1 ;;
	scanner) source=127.0.2.1 ;;
	outside) source=127.0.3.1 ;;
	*) diag "sendmail_send: $2?"; return 1 ;;
	esac
	shift 2
	# shellcheck disable=SC2086
	perl "$SRC/t/helper/smtp-send" -source $source ${sendmail_send_options-} "$(cat "$send_dir/mta/address")" 2525 "$@"
}

sendmail_queue() { find "$1/mta/queue-$2" -name '[qhQ]f*' 2>/dev/null | wc -l; }
sendmail_mailq() { "$1/mta/programs/sendmail" -C "$1/mta/$2.cf" -bp; }
# An attempt that is still under way would be passed over by the run of the queue.
sendmail_idle() {
	for idle_file in "$1/mta/queue-$2"/[qt]f*; do
		[ ! -e "$idle_file" ] || flock -n -s "$idle_file" true || return 1
	done
}
sendmail_flush() { wait_for 120 sendmail_idle "$1" "$2" && "$1/mta/programs/sendmail" -C "$1/mta/$2.cf" -qf </dev/null >/dev/null 2>&1; }
sendmail_logged() { cat "$1/mta/$2.log" 2>/dev/null; }

accepted() { cat "$1/sink/$2/accepted" 2>/dev/null; }
has_accepted() { [ "$(accepted "$1" "$2" | wc -l)" -ge "$3" ]; }
wait_mail() {
	wait_for 120 has_accepted "$1" "$2" "$3" && return 0
	diag "waiting for $3 at $2, there are $(accepted "$1" "$2" | wc -l)" "$(tail -n 12 "$1/mta/carrier.log")"
	return 1
}
has_queued() { [ "$(sendmail_queue "$1" "$2")" = "$3" ]; }
wait_queue() {
	wait_for 120 has_queued "$1" "$2" "$3" && return 0
	diag "waiting for $3 in the queue of $2, there are $(sendmail_queue "$1" "$2")" "$(tail -n 12 "$1/mta/$2.log")"
	return 1
}
