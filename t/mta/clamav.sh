# clamav.sh - the site's virus scanner, sourced behind lib.sh and mta/postfix.sh: ClamAV as a milter of a Postfix that relays, as sites have it
#
#   clamav_start DIR                clamd and clamav-milter below DIR with a signature of our own.  Nothing of the machine's ClamAV is
#                                   used, nothing is downloaded.
#   clamav_infected DIR ACTION      what the milter does with infected mail from now on: Reject (at first), Quarantine, Blackhole
#   scanner_start DIR ADDRESS NEXT  the relay: takes mail at the socket ADDRESS (address:port), has it scanned by DIR's ClamAV and
#                                   sends it on to NEXT ([address]:port) from its own address.  May be started again after
#                                   scanner_stop
#   scanner_stop DIR
#   scanner_place [plain]           an address for it: [address]:port, or without brackets
#   scanner_hop DIR, scanner_port DIR    [address]:port of a scanner that has been started, the port alone
#   scanner_postconf DIR LINE...    further lines of its main.cf, effective at its next start
#   scanner_footer DIR TEXT         from the next start on it adds a line to the text, as such products do
#   scanner_held DIR                the number of messages in its quarantine (Postfix's hold queue)
#   scanner_has_held DIR N          waits until it is N
#   scanner_release DIR             lets all of them go
#   virus                           a line with the test virus, on standard output
#
# DIR/log is the relay's log, DIR/clamd.log and DIR/milter.log are those of ClamAV.  Needs root, as Postfix does.
VIRUS_NAME=Postern.Test.Virus
virus() { echo "POSTERN-TEST-VIRUS-7F3A"; }

# Why it cannot be done here; nothing when it can.
clamav_missing() {
	[ "$(id -u)" = 0 ] || { echo "not root: Postfix cannot be started"; return; }
	for clamav_program in clamd clamav-milter postfix; do
		PATH=$PATH:/usr/sbin command -v $clamav_program >/dev/null || { echo "no $clamav_program"; return; }
	done
}

clamav_start() {
	clamav_dir=$1
	mkdir -p "$clamav_dir/db" "$clamav_dir/tmp"
	chmod 711 "$clamav_dir"
	printf '%s:0:*:%s\n' "$VIRUS_NAME" "$(virus | tr -d '\n' | od -An -v -tx1 | tr -d ' \n')" >"$clamav_dir/db/test.ndb"
	cat >"$clamav_dir/clamd.conf" <<-END
		DatabaseDirectory $clamav_dir/db
		LocalSocket $clamav_dir/clamd.socket
		LogFile $clamav_dir/clamd.log
		TemporaryDirectory $clamav_dir/tmp
		Foreground yes
		SelfCheck 0
		MaxThreads 2
	END
	# a copy: where AppArmor has a profile for the installed one, it reads only the machine's own places
	cp /usr/sbin/clamd "$clamav_dir/clamd" || return 1
	"$clamav_dir/clamd" -c "$clamav_dir/clamd.conf" >"$clamav_dir/clamd.out" 2>&1 &
	postfix_pids="$postfix_pids $!"
	wait_for "${WAIT:-120}" test -S "$clamav_dir/clamd.socket" && clamav_infected "$clamav_dir" Reject
}

# clamav_infected DIR ACTION: the milter, started or started again, with this OnInfected
clamav_infected() {
	[ ! -s "$1/milter.pid" ] || { kill "$(cat "$1/milter.pid")"; wait "$(cat "$1/milter.pid")"; rm -f "$1/milter.socket"; } 2>/dev/null
	cat >"$1/milter.conf" <<-END
		ClamdSocket unix:$1/clamd.socket
		MilterSocket unix:$1/milter.socket
		MilterSocketMode 666
		LogFile $1/milter.log
		LogInfected Basic
		TemporaryDirectory $1/tmp
		Foreground yes
		OnFail Defer
		AddHeader Replace
		OnInfected $2
		RejectMsg virus found: %v
	END
	/usr/sbin/clamav-milter -c "$1/milter.conf" >"$1/milter.out" 2>&1 &
	echo $! >"$1/milter.pid"
	postfix_pids="$postfix_pids $!"
	wait_for "${WAIT:-120}" test -S "$1/milter.socket"
}

# A Postfix that only relays, with a milter.  postlogd, not syslog; no service that a relay does not need.
scanner_configure() {
	mkdir -p "$1/etc" && postfix_directories "$1/queue" "$1/data" postdrop || return 1
	cat >"$1/etc/main.cf" <<-END
		compatibility_level = 3.6
		queue_directory = $1/queue
		data_directory = $1/data
		maillog_file = $1/log
		maillog_file_prefixes = $1
		myhostname = scanner.behoerde.example
		mydestination =
		mynetworks = 0.0.0.0/0
		inet_protocols = ipv4
		relayhost = $3
		smtp_bind_address = ${2%:*}
		default_transport = smtp
		relay_transport = smtp
		smtp_dns_support_level = disabled
		minimal_backoff_time = 1s
		maximal_backoff_time = 1s
		queue_run_delay = 1s
		smtpd_milters = unix:$1/milter.socket
		milter_default_action = tempfail
		alias_maps =
		alias_database =
	END
	cat >"$1/etc/master.cf" <<-END
		$2 inet n - n - - smtpd
		pickup unix n - n 60 1 pickup
		cleanup unix n - n - 0 cleanup
		qmgr unix n - n 300 1 qmgr
		rewrite unix - - n - - trivial-rewrite
		bounce unix - - n - 0 bounce
		defer unix - - n - 0 bounce
		trace unix - - n - 0 bounce
		verify unix - - n - 1 verify
		flush unix n - n 1000? 0 flush
		proxymap unix - - n - - proxymap
		smtp unix - - n - - smtp
		showq unix n - n - - showq
		error unix - - n - - error
		retry unix - - n - - error
		discard unix - - n - - discard
		anvil unix - - n - 1 anvil
		scache unix - - n - 1 scache
		postlog unix-dgram n - n - 1 postlogd
	END
}

scanner_answers() { postqueue -c "$1/etc" -j >/dev/null 2>&1 && [ -S "$1/queue/public/qmgr" ]; }
scanner_start() {
	chmod 711 "$T"
	[ -f "$1/etc/main.cf" ] || scanner_configure "$@" || return 1
	"$postfix_daemons/master" -c "$1/etc" >/dev/null 2>&1 </dev/null &
	echo $! >"$1/pid"
	postfix_pids="$postfix_pids $!"
	wait_for "${WAIT:-120}" scanner_answers "$1" || { diag "$(tail -n 20 "$1/log")"; return 1; }
}
scanner_port() { postconf -c "$1/etc" -M | sed -n 's/^[0-9.]*:\([0-9]*\) *inet.*/\1/p' | head -n 1; }
# The same place in every function of a test: an address of the scanner's own, a port made from the process number.
scanner_place() {
	case ${1-} in plain) echo "127.0.2.1:$((20000 + 2 * ($$ % 5000)))" ;; *) echo "[127.0.2.1]:$((20000 + 2 * ($$ % 5000)))" ;; esac
}
scanner_hop() { postconf -c "$1/etc" -M | sed -n 's/^\([0-9.]*\):\([0-9]*\) *inet.*/[\1]:\2/p' | head -n 1; }
scanner_stop() {
	kill "$(cat "$1/pid")" 2>/dev/null
	wait "$(cat "$1/pid")" 2>/dev/null
	rm -f "$1/queue/public/qmgr"
}
scanner_postconf() {
	scanner_dir=$1
	shift
	postconf -c "$scanner_dir/etc" -e "$@"
}
scanner_release() { postsuper -c "$1/etc" -H ALL >/dev/null 2>&1 && postqueue -c "$1/etc" -f; }
scanner_has() { [ "$(scanner_held "$1")" = "$2" ]; }
scanner_has_held() { wait_for "${WAIT:-120}" scanner_has "$@"; }
scanner_saw() { # DIR SUBJECT: the lines of its log about that message
	scanner_ids=$(sed -n "s/.* \([0-9A-F]*\): message-id=<$2@.*/ \1: /p" "$1/log")
	printf '%s\n' "${scanner_ids:-none}" | grep -F -f - "$1/log"
}
scanner_held() { find "$1/queue/hold" -type f | wc -l | tr -d ' '; }

# An advanced content filter: the smtpd hands to a program, which hands back to a second smtpd, one port above.
scanner_footer() {
	footer_address=$(postconf -c "$1/etc" -M | sed -n 's/^\([^ ]*\) *inet.*/\1/p')
	footer_back=${footer_address%:*}:$((${footer_address##*:} + 1))
	cat >"$1/footer" <<-END
		#!/usr/bin/perl
		use Net::SMTP;
		my \$from = shift;
		my \$smtp = Net::SMTP->new('$footer_back') or exit 75;
		\$smtp->mail(\$from) && \$smtp->to(@ARGV) && \$smtp->data(<STDIN>, "$2\\n") or exit 75;
	END
	chmod 755 "$1/footer"
	postconf -c "$1/etc" -M "footer/unix=footer unix - n n - 2 pipe flags=q user=nobody null_sender= argv=$1/footer \${sender} \${recipient}" \
		"$footer_back/inet=$footer_back inet n - n - - smtpd -o smtpd_milters="
	postconf -c "$1/etc" -P "$footer_address/inet/content_filter=footer:dummy"
}
