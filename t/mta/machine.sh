# machine.sh - sourced after lib.sh: the rest of the test runs on "a machine of its own"
#
#   machine_usable           why that cannot be had here (prints a reason and fails), for skip_all
#   machine_enter "$@"       starts the test again in private mount, process and network namespaces, and only returns there
#   machine_install          postern and its modules where their users find them
#   run_setup OPTION...      the command under test
#   machine_postfix          a realistic gateway's /etc/postfix (behoerde.example and amt.example behind 127.0.0.3:2526,
#                            everything else to the relay 127.0.0.2:2525), started
#   machine_sendmail         the same gateway with Sendmail in /etc/mail, both next hops at port 25 (machine_sendmail_usable: why not)
#   machine_sink NAME ADDRESS PORT OPTION...   a t/helper/smtp-sink there, recording in $T/NAME
#   machine_state FILE       content, owners and modes of everything that an installation could change
#   wait_for SECONDS COMMAND...
#
# There /etc, /var and /run are the test's own (copies, or empty), 127.0.0.1 has all its ports free, and when the
# test ends, however it ends, the kernel ends every process in there. So real paths can be tested, and nothing of this
# machine is touched.

machine_usable() {
	[ "$(id -u)" = 0 ] || { echo "needs root: mounts and accounts"; return 1; }
	command -v unshare >/dev/null || { echo "needs unshare(1)"; return 1; }
	unshare --mount --pid --net --fork sh -c 'mount -t tmpfs tmpfs /mnt' 2>/dev/null || { echo "namespaces are not allowed here"; return 1; }
}

machine_enter() {
	if [ -n "${POSTERN_MACHINE-}" ]; then
		machine_prepare || { echo "Bail out! machine"; exit 1; }
		return
	fi
	rmdir "$T"
	# in front of a shell that cleans up, so that an interrupted test leaves nothing either
	POSTERN_MACHINE=1 exec unshare --mount --pid --net --uts --fork --kill-child --mount-proc "$0" "$@"
}

machine_prepare() {
	perl -MSocket -e 'socket(S, AF_INET, SOCK_DGRAM, 0) or die; my $lo = pack("a16 s x256", "lo", 0x41); ioctl(S, 0x8914, $lo) or die' || return 1
	trap 'umount -l "$T/own" 2>/dev/null; cleanup' EXIT
	mkdir -p "$T/own" && mount -t tmpfs tmpfs "$T/own" && chmod 711 "$T" && chmod 755 "$T/own" || return 1
	mkdir "$T/own/etc" "$T/own/var" "$T/own/local" || return 1
	(cd /etc && tar cf - --exclude=./postfix --exclude=./mail --exclude=./postern --exclude='./*postern*' .) | (cd "$T/own/etc" && tar xpf -)
	sed -i '/^postern/d' "$T/own/etc/passwd" "$T/own/etc/group" "$T/own/etc/shadow" "$T/own/etc/gshadow"
	mkdir -p "$T/own/var/spool" "$T/own/var/lib" "$T/own/var/log" "$T/own/var/mail" "$T/own/var/cache" "$T/own/etc/systemd/system"
	install -d -m 1777 "$T/own/var/tmp"
	for place in etc var; do mount --bind "$T/own/$place" "/$place" || return 1; done
	sed -i 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf
	printf '127.0.0.1 localhost mx.behoerde.example mx %s\n' "$(uname -n)" >/etc/hosts
	: >/etc/resolv.conf
	mount -t tmpfs tmpfs /run
}

# Where the module directory is was decided by configure: there, hidden below an empty mount.
machine_install() {
	modules=$(printf 'hostname = x\nlocal_domains = x\n' >"$T/get.conf" && "$BUILD/postern" -c "$T/get.conf" -get module_directory)
	place=$modules
	until [ -d "$place" ]; do place=${place%/*}; done
	[ -n "$place" ] || place=/usr/local
	[ "$place" != /usr ] || place=/usr/libexec
	mount -t tmpfs tmpfs "$place" && chmod 755 "$place" && mkdir -p "$modules" || return 1
	for program in rules-file keys-file check-path; do cp "$BUILD/$program" "$modules/" || return 1; done
	mkdir "$T/own/bin" && cp "$BUILD/postern" "$T/own/bin/" || return 1
}

run_setup() { "$BUILD/bin/postern-setup" -postern "$T/own/bin/postern" -sysconfdir /etc -spooldir /var/spool -statedir /var/lib -logdir /var/log "$@"; }

# ---- a gateway that is there already ----

machine_main() {
	cat <<-'END'
	# See /usr/share/postfix/main.cf.dist for a commented, more complete version

	smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
	biff = no
	append_dot_mydomain = no
	readme_directory = no
	compatibility_level = 3.6

	smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated
	    defer_unauth_destination
	myhostname = mx.behoerde.example
	myorigin = behoerde.example
	alias_maps = hash:/etc/aliases
	alias_database = hash:/etc/aliases
	mydestination = $myhostname, localhost.localdomain, localhost
	# our users are behind the mailbox server
	relay_domains = behoerde.example,
	        amt.example
	transport_maps = hash:/etc/postfix/transport
	relayhost = [127.0.0.2]:2525
	mynetworks = 127.0.0.1/32 [::ffff:127.0.0.1]/128 [::1]/128
	    10.1.0.0/16
	mailbox_size_limit = 0
	recipient_delimiter = +
	inet_interfaces = all
	inet_protocols = ipv4

	smtp_tls_security_level = may
	smtp_host_lookup = native
	smtp_dns_support_level = disabled
	maillog_file = /var/log/mail.log
	END
}

machine_postfix() {
	(cd "$T/own" && mkdir -p real && mount --bind / real && tar cf - -C real/etc --exclude=main.cf --exclude=master.cf postfix) | tar xpf - -C /etc
	umount "$T/own/real"
	machine_main >/etc/postfix/main.cf
	cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
	printf '%s\n' 'behoerde.example smtp:[127.0.0.3]:2526' 'amt.example      smtp:[127.0.0.3]:2526' >/etc/postfix/transport
	printf 'postmaster: root\n' >/etc/aliases
	mkdir /var/spool/postfix && install -d -o postfix /var/lib/postfix
	postmap /etc/postfix/transport && newaliases && postfix start >"$T/start" 2>&1 || diag "$(cat "$T/start")"
}

# ---- the same with Sendmail ----

machine_sendmail_from=${POSTERN_SENDMAIL:-$SRC/build/sendmail}

machine_sendmail_usable() {
	[ -s "$machine_sendmail_from/version" ] || { echo "no Sendmail in $machine_sendmail_from: run t/mta/unpack-sendmail $machine_sendmail_from"; return 1; }
	[ -f /usr/share/sendmail/cf/m4/cf.m4 ] && command -v m4 >/dev/null || { echo "no package sendmail-cf, or no m4"; return 1; }
}

machine_mc() {
	cat <<-'END'
	divert(-1)dnl
	# our gateway
	divert(0)dnl
	define(`_USE_ETC_MAIL_')dnl
	include(`/usr/share/sendmail/cf/m4/cf.m4')dnl
	VERSIONID(`our gateway')dnl
	OSTYPE(`linux')dnl
	define(`confDOMAIN_NAME', `mx.behoerde.example')dnl
	define(`SMART_HOST', `esmtp:[127.0.0.2]')dnl
	define(`confPID_FILE', `/run/sendmail.pid')dnl
	define(`confTRUSTED_USER', `daemon')dnl
	define(`confSERVICE_SWITCH_FILE', `/etc/mail/service.switch')dnl
	define(`STATUS_FILE', `/var/lib/sendmail.statistics')dnl
	define(`confTO_IDENT', `0')dnl
	define(`confDONT_PROBE_INTERFACES', `true')dnl
	define(`confREFUSE_LA', `1000')dnl
	define(`confQUEUE_LA', `1000')dnl
	define(`confMAX_MESSAGE_SIZE', `20000000')dnl
	undefine(`ALIAS_FILE')dnl
	undefine(`HELP_FILE')dnl
	FEATURE(`no_default_msa')dnl
	FEATURE(`accept_unresolvable_domains')dnl
	FEATURE(`use_cw_file')dnl
	FEATURE(`mailertable')dnl
	DAEMON_OPTIONS(`Family=inet, Name=MTA, Port=smtp, Addr=127.0.0.1')dnl
	MAILER(`local')dnl
	MAILER(`smtp')dnl
	END
}

machine_sendmail() {
	mkdir -p /etc/mail "/run/programs" && install -d -m 700 /var/spool/mqueue || return 1
	# the copy runs from here, with its libraries
	cp -R "$machine_sendmail_from/usr/libexec/sendmail/sendmail" "$machine_sendmail_from/usr/libexec/sendmail/makemap" \
		"$machine_sendmail_from/usr/lib" "/run/programs/" || return 1
	for program in sendmail makemap; do
		mv "/run/programs/$program" "/run/programs/$program.bin"
		printf '%s\n' '#!/bin/sh' "LD_LIBRARY_PATH='/run/programs/lib' LD_PRELOAD='/run/programs/lib/names.so' exec '/run/programs/$program.bin' \"\$@\"" \
			>"/run/programs/$program"
		chmod 755 "/run/programs/$program"
	done
	chmod -R go+rX "/run/programs"
	printf 'hosts files\n' >/etc/mail/service.switch
	printf 'localhost\n' >/etc/mail/local-host-names
	printf '%s\n' behoerde.example amt.example 10.1 >/etc/mail/relay-domains
	printf '%s\n' '# to the mailbox server' 'behoerde.example	esmtp:[127.0.0.3]' 'amt.example	esmtp:[127.0.0.3]' >/etc/mail/mailertable
	chown daemon:mail /etc/mail && chmod 2755 /etc/mail || return 1 # as Debian has it: smmta, smmsp
	machine_mc >/etc/mail/sendmail.mc
	m4 /etc/mail/sendmail.mc >/etc/mail/sendmail.cf && : >/var/lib/sendmail.statistics || return 1
	"/run/programs/makemap" -C /etc/mail/sendmail.cf hash /etc/mail/mailertable </etc/mail/mailertable || return 1
	"/run/programs/sendmail" -bd -q1m >"$T/start" 2>&1 || { diag "$(cat "$T/start")"; return 1; }
	wait_for 120 test -s /run/sendmail.pid
}

machine_sink() {
	mkdir -p "$T/$1"
	sink_name=$1 sink_address=$2 sink_port=$3
	shift 3
	perl "$SRC/t/helper/smtp-sink" "$@" -listen "$sink_address:$sink_port" "$T/$sink_name" 2>"$T/$sink_name/errors" &
	kill_at_end $!
	wait_for 120 test -s "$T/$sink_name/port"
}

# ---- looking ----

# Not what changes by itself: queues and logs of the mail server that is there, backups of account tools, our own files.
machine_state() {
	(cd / && find etc var -path var/spool/postfix -prune -o -path var/log/mail.log -prune -o -path var/lib/postfix -prune -o \
		-path var/tmp -prune -o -path 'var/lib/sendmail.statistics' -prune -o -path 'etc/*-' -prune -o -name .pwd.lock -prune -o -path etc/mtab -prune -o -print | sort >"$T/names" &&
		xargs stat -c '%A %U:%G %N' <"$T/names" && xargs sha256sum <"$T/names" 2>/dev/null) >"$1"
}

. "$SRC/t/mta/fill.sh"
