# by-hand.sh - sourced behind lib.sh: the worked examples on machines of their own, set up by typing what the manual pages say
#
#   by_hand MTA "$@"      a whole test: each example with that mail server, one after the other, on a machine of its own (mta/machine.sh)
#
# What is typed are the literal blocks of postern-topologies(7), section BY HAND, and of postern-postfix(7) or postern-sendmail(7), with
# the real places and ports.  Only the neighbours listen at port 2526, because they are on the same machine; and the mail server has lines
# that any machine like that would need (test_lines).  The virus scanner, ClamAV, and all keys are shared by the examples.
. "$SRC/t/mta/postfix.sh"
. "$SRC/t/mta/clamav.sh"
. "$SRC/t/mta/topology.sh"
. "$SRC/t/mta/own-net.sh"
. "$SRC/t/mta/machine.sh"

examples="between mx gateway same-host tenants two-nodes"

by_hand() {
	mta=$1
	shift
	if [ $# -eq 0 ]; then by_hand_all; else by_hand_one "$@"; fi
}

by_hand_usable() {
	postfix_usable && machine_usable || return 1
	[ "$mta" = postfix ] || machine_sendmail_usable || return 1
	grep -q '^prefix = /usr/local$' "$BUILD/Makefile" && grep -q '^sysconfdir = /etc$' "$BUILD/Makefile" ||
		{ echo "built for other places than the pages name"; return 1; }
}

# What all examples need, then one after the other; $T of this one is $shared of theirs.
by_hand_all() {
	why=$(by_hand_usable) || skip_all "$why"
	why=$(clamav_missing); [ -z "$why" ] || skip_all "$why"
	postfix_usable
	make -s -C "$BUILD" install DESTDIR="$T/installed" >"$T/install" 2>&1 || give_up "make install: $(cat "$T/install")"
	mkdir "$T/keys" "$T/av"
	site_make "$T/keys" && site_certificate "$T/keys" dora dora@klinik.example && chmod 711 "$T" && clamav_start "$T/av" || give_up "keys and scanner"
	for example in ${POSTERN_EXAMPLES-$examples}; do
		POSTERN_SHARED=$T POSTERN_TESTS=$tests "$0" "$example"
		tests=$(cat "$T/tests") || exit 1
		rm "$T/tests"
	done
	done_testing
}

by_hand_one() {
	machine_enter "$@"
	example=$1 shared=$POSTERN_SHARED tests=$POSTERN_TESTS
	trap 'echo "$tests" >"$shared/tests"; umount -l "$T/own" 2>/dev/null; cleanup' EXIT
	postfix_usable 2>/dev/null
	cp "$shared"/keys/*.pem "$shared"/keys/*.key "$T/" && fresh_machine || { fail "$example: a fresh machine"; return 1; }
	neighbours || { fail "$example: neighbours"; return 1; }
	# two servers are set up in the same way, so the second one begins from the same copy
	[ "$example" != two-nodes ] || { mkdir "$T/own/second" && cp -a /etc "$T/own/second/etc" && cp -a /var "$T/own/second/var"; } || return 1
	blocks "$SRC/man/postern-topologies.7" ""
	blocks "$SRC/man/postern-$mta.7" own-
	first_server >"$T/typed/first"
	type_it "what the pages say is typed" "$T/typed/first" || return 1
	like "$example: postern -check finds no error" "$(cat "$T/typed/first.out")" '^0 errors'
	if [ "$example" = two-nodes ]; then
		second_server >"$T/typed/second"
		type_it "and on the second server, too" "$T/typed/second" unshare --mount || return 1
	fi
	exchange
}

# ---- the machine ----

fresh_machine() {
	hostname mx.behoerde.example
	for address in 192.0.2.10 192.0.2.11 192.0.2.25 10.1.0.7 10.2.0.4 10.3.0.7 203.0.113.5; do own_address "$address" || return 1; done
	sed -i 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf
	name_server <<-END || return 1
		partner.example      MX 10 mx.partner.example
		mx.partner.example   A 203.0.113.5
		behoerde.example     MX 10 mx.behoerde.example
		klinik.example       MX 10 mx.behoerde.example
		mx.behoerde.example  A 192.0.2.10
	END
	mount --bind "$shared/installed/usr/local" /usr/local && cp -R "$shared/installed/etc/postern" /etc/ || return 1
	PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	printf 'postmaster: root\n' >/etc/aliases
	mkdir "$T/own/template"
	cp -R /usr/local/share/postern/mta "$T/own/template/"
	"fresh_$mta"
	mount --bind "$T/own/template/mta" /usr/local/share/postern/mta
}

fresh_postfix() {
	(cd "$T/own" && mkdir -p real && mount --bind / real && tar cf - -C real/etc --exclude=main.cf --exclude=master.cf postfix) | tar xpf - -C /etc
	umount "$T/own/real"
	cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
	cat >/etc/postfix/main.cf <<-'END'
		compatibility_level = 3.6
		myhostname = mx.behoerde.example
		mydestination = $myhostname, localhost
		alias_maps = hash:/etc/aliases
		alias_database = hash:/etc/aliases
		inet_protocols = ipv4
		maillog_file = /var/log/mail.log
	END
	# where others need port 25, or another server does
	case $example in
	mx | two-nodes)
		echo 'inet_interfaces = 192.0.2.10, 127.0.0.1' >>/etc/postfix/main.cf
		echo '127.0.0.2:25 inet n - n - - smtpd' >>/etc/postfix/master.cf
		;;
	esac
	mkdir -p /var/spool/postfix/etc && cp /etc/resolv.conf /etc/hosts /etc/nsswitch.conf /etc/services /var/spool/postfix/etc/ &&
		install -d -o postfix /var/lib/postfix && newaliases && postfix start >"$T/start" 2>&1 ||
		{ diag "$(cat "$T/start")"; return 1; }
}

# A copy with its libraries takes the place of the installed one's name.
fresh_sendmail() {
	mkdir -p "$T/own/programs" /etc/mail && install -d -m 700 /var/spool/mqueue || return 1
	cp -R "$machine_sendmail_from/usr/libexec/sendmail/sendmail" "$machine_sendmail_from/usr/libexec/sendmail/makemap" \
		"$machine_sendmail_from/usr/lib" "$T/own/programs/" || return 1
	for program in sendmail makemap; do
		mv "$T/own/programs/$program" "$T/own/programs/$program.bin"
		printf '%s\n' '#!/bin/sh' "LD_LIBRARY_PATH='$T/own/programs/lib' exec '$T/own/programs/$program.bin' \"\$@\"" >"$T/own/programs/$program"
		chmod 755 "$T/own/programs/$program"
	done
	chmod -R go+rX "$T/own/programs"
	mount --bind "$T/own/programs/sendmail" /usr/sbin/sendmail
	PATH=$PATH:$T/own/programs
	test_lines >"$T/lines"
	for template in carrier.mc instance.m4; do
		awk -v lines="$T/lines" '/^MAILER/ && !done { while ((getline line <lines) > 0) print line; done = 1 } { print }' \
			"/usr/local/share/postern/mta/sendmail/$template" >"$T/own/template/mta/sendmail/$template" || return 1
		sed -i '/Name=MTA/d; /no_default_msa/d' "$T/lines"
	done
}

# no load limits, no files that the package would bring, the addresses of this server
test_lines() {
	cat <<-'END'
		define(`confREFUSE_LA', `1000')dnl
		define(`confQUEUE_LA', `1000')dnl
		define(`confTO_IDENT', `0')dnl
		define(`confMIN_QUEUE_AGE', `0')dnl
		undefine(`ALIAS_FILE')dnl
		FEATURE(`no_default_msa')dnl
		DAEMON_OPTIONS(`Name=MTA-1, Family=inet, Addr=127.0.0.2, Port=smtp')dnl
		DAEMON_OPTIONS(`Name=MTA, Family=inet, Addr=192.0.2.10, Port=smtp')dnl
	END
}

# ---- who stands around it ----

sink() { # NAME ADDRESS PORT
	mkdir -p "$T/sink/$1"
	perl "$SRC/t/helper/smtp-sink" -listen "$2:$3" "$T/sink/$1" 2>"$T/sink/$1/errors" &
	kill_at_end $!
	wait_for 120 test -s "$T/sink/$1/port"
}

neighbours() {
	outside=192.0.2.25 inside=10.1.0.7 scanner_to=
	case $example in
	mx) outside=203.0.113.5; sink external $outside 25 ;;
	*) sink external $outside 2526 ;;
	esac || return 1
	case $example in
	same-host) inside=10.2.0.4; sink internal $inside 2527 ;;
	*) sink internal $inside 2526 ;;
	esac || return 1
	case $example in
	between) inside=10.2.0.4 scanner_to=[10.1.0.7]:2526 ;;
	gateway | same-host) scanner_to=[192.0.2.10]:25 ;;
	two-nodes) scanner_to=[192.0.2.11]:25 ;;
	tenants) sink klinik 10.3.0.7 2526 || return 1 ;;
	esac
	[ -n "$scanner_to" ] || return 0
	mkdir -p "$T/av" && ln -s "$shared/av/milter.socket" "$T/av/milter.socket"
	install -d -m 755 /var/spool
	scanner_configure "$T/av" 10.2.0.4:2526 "$scanner_to" && scanner_postconf "$T/av" "inet_interfaces = 10.2.0.4" &&
		scanner_start "$T/av"
}

# ---- what is typed ----

blocks() { # PAGE PREFIX: its literal blocks, files "PREFIX SECTION-NUMBER" below $T/typed, without blanks
	mkdir -p "$T/typed"
	awk -v to="$T/typed/$2" '
		/^\.S[sh] / { section = substr($0, 5); gsub(/ /, "-", section); n = 0 }
		/^\.Bd -literal/ { file = to section "-" ++n; next }
		/^\.Ed/ { file = ""; next }
		file != "" { gsub(/\\e/, "\\"); gsub(/\\&/, ""); print >file }' "$1"
}

type_it() { # WHAT FILE [COMMAND...]: a test; whether it went well
	type_what=$1
	shift
	if typed "$@" >"$T/typed/said"; then pass "$example: $type_what"; else fail "$example: $type_what" "$(cat "$T/typed/said")"; return 1; fi
}

typed() { # FILE [COMMAND...]: in a shell that ends with the first command that fails
	typed_file=$1
	shift
	"$@" sh -ex "$typed_file" >"$typed_file.out" 2>&1 && return
	tail -n 15 "$typed_file.out"
	return 1
}

block() { # NAME [SED-EXPRESSION...]
	block=$T/typed/$1
	shift
	set -- "$@" -e ''
	[ -s "$block" ] || echo "echo no block $block; exit 1"
	sed "$@" "$block"
}

areas() { # SITE NAME...: the CA, the partner, own keys
	echo "cp $T/ca.pem $1/certs/ca/; cp $T/bob.pem $1/certs/public/"
	shift_site=$1
	shift
	for who; do echo "(umask 077; cat $T/$who.key $T/$who.pem >$shift_site/certs/private/$who.pem)"; done
	echo "chown -R postern:postern $shift_site/certs/*"
}

words() { # the values of this example
	case $example in
	mx) block The-values-1 -e 's/^\(to_external=\).*/\1/' -e 's/^\(to_.*\):25$/\1:2526/' ;;
	same-host) block The-values-1 -e 's/^\(to_internal=\).*/\1[10.2.0.4]:2527/' -e 's/^\(to_.*\):25$/\1:2526/' ;;
	*) block The-values-1 -e 's/^\(to_.*\):25$/\1:2526/' ;;
	esac
}

carrier_start() {
	case $mta in
	sendmail) echo "cd /; /usr/sbin/sendmail -bd -q1m </dev/null" ;;
	esac
}

first_server() {
	block own-The-account-and-its-directories-1
	case $example-$mta in
	tenants-postfix) words | sed 's/^carrier=.*/carrier=[127.0.0.1]:10020/' ;;
	*) words ;;
	esac
	[ "$example" != tenants ] || block Several-tenants-1 -e 's/^\(to_.*\):25$/\1:2526/'
	areas /etc/postern alice
	[ "$example" != two-nodes ] || echo "cp -p /etc/postern/mac.key $T/own/mac.key"
	block Postern-1 -e "s|topologies/gateway|topologies/$example|"
	set_up
	[ "$example" != tenants ] || second_tenant
	carrier_start
}

set_up() {
	case $mta in
	postfix) block With-Postfix-1; block With-Postfix-2 ;;
	sendmail) block With-Sendmail-1; block With-Sendmail-2 ;;
	esac
}

second_tenant() {
	block own-The-account-and-its-directories-1 -e '/useradd/,/nologin/d' -e 's|/etc/postern|/etc/postern/klinik|g' \
		-e 's|/var/\([a-z]*\)/postern|/var/\1/postern-klinik|g'
	areas /etc/postern/klinik dora
	case $mta in
	postfix) block Several-tenants-2 ;;
	sendmail) block Several-tenants-2 -e 's/^carrier=.*/carrier=[127.0.0.2]:25/' ;;
	esac
	block Several-tenants-3
	block Postern-1 -e 1,2d
	case $mta in
	postfix) block With-Postfix-1; block Several-tenants-4 ;;
	sendmail) block With-Sendmail-1; block Several-tenants-5 ;;
	esac
	echo 'runuser -u postern -- postern -c $site/postern.conf -check'
}

# The same on a machine of its own; as it shares the network, it has other addresses.
second_server() {
	echo "mount --bind $T/own/second/etc /etc; mount --bind $T/own/second/var /var; mount --bind $T/resolv.conf /etc/resolv.conf; mount -t tmpfs tmpfs /run"
	case $mta in
	postfix) echo "sed -i 's/^inet_interfaces.*/inet_interfaces = 192.0.2.11/' /etc/postfix/main.cf; sed -i '/^127.0.0.2:25/d' /etc/postfix/master.cf; postfix start" ;;
	sendmail) echo "sed -i '/Name=MTA-1/d; s/Addr=192.0.2.10/Addr=192.0.2.11/' $T/own/template/mta/sendmail/carrier.mc" ;;
	esac
	block own-The-account-and-its-directories-1
	words | sed 's/127\.0\.0\.1:100/127.0.0.3:100/; s/^carrier=.*/carrier=[192.0.2.11]:25/'
	areas /etc/postern alice
	echo "cp -p $T/own/mac.key /etc/postern/mac.key"
	block Postern-1 -e "s|topologies/gateway|topologies/$example|"
	set_up
	carrier_start
}

# ---- mail ----

send() { # FROM-ADDRESS SENDER RECIPIENT...
	send_from=$1
	shift
	perl "$SRC/t/helper/smtp-send" -source "$send_from" "${server:-192.0.2.10}" 25 "$@" >"$T/reply" 2>&1 || diag "$(cat "$T/reply")"
}
queues() { mailq-all 2>&1; tail -n 5 "$T/typed/first.out"; tail -n 30 /var/log/mail.log 2>/dev/null; }

comes() { # WHAT SINK ADDRESS: the next one for that address
	eval "count=\$((\${count_$2-0} + 1)) count_$2=\$count"
	mail_comes "$example: $1" "$T" "$2" "$3" "$(($(grep -c "^$3 " "$T/sink/$2/seen" 2>/dev/null) + 1))"
	grep "^$3 " "$T/sink/$2/accepted" 2>/dev/null >"$T/sink/$2/seen.new"
	grep -v "^$3 " "$T/sink/$2/seen" 2>/dev/null >>"$T/sink/$2/seen.new"
	mv "$T/sink/$2/seen.new" "$T/sink/$2/seen"
}

instance() { # stop|start NAME, as the pages say it
	case $mta-$1 in
	postfix-*) postmulti -i "postern-$2" -p "$1" >/dev/null 2>&1 ;;
	sendmail-stop)
		instance_pid=$(head -1 "/var/lib/sendmail-postern-$2/sendmail.pid")
		kill "$instance_pid" && wait_for 120 gone "$instance_pid"
		;;
	sendmail-start) runuser -u postern -- /usr/sbin/sendmail -C "/etc/mail/postern/$2.cf" -bd -q1m </dev/null >/dev/null 2>&1 ;;
	esac
}
gone() { ! kill -0 "$1" 2>/dev/null; }

# (first the files, which cost little to look at)
queued() { # NAME|all: number of messages in its queue
	case $mta-$1 in
	postfix-all) set -- /var/spool/postfix* ;;
	postfix-carrier) set -- /var/spool/postfix ;;
	postfix-*) set -- "/var/spool/postfix-postern-$1" ;;
	sendmail-all) set -- /var/spool/mqueue* ;;
	sendmail-carrier) set -- /var/spool/mqueue ;;
	sendmail-*) set -- "/var/spool/mqueue-postern-$1" ;;
	esac
	find "$@" -type f \( -path '*/active/*' -o -path '*/deferred/*' -o -path '*/incoming/*' -o -path '*/maildrop/*' -o -name '[qhQ]f*' \) | wc -l
}
has_queued() { [ "$(queued "$1")" = "$2" ]; }
waits_in() { has_queued "$1" 1 && mailq-all -queue "$1" 2>&1 | grep '^  1 mail, '; }
all_is_well() { has_queued all 0 && mailq-all -summary 2>&1 | grep '^QUEUES OK - 0 mails'; }

# What each example must do; with Postfix they have long tests of their own (t/94*).
exchange() {
	long=yes
	case $mta-$example in postfix-gateway) ;; postfix-*) long=no ;; esac
	[ $long = no ] || exchange_untouched
	# opened and sealed
	{ echo site=/etc/postern; block And-then-1; } >"$T/typed/on"
	typed "$T/typed/on" || fail "$example: smime_engine = 2"
	echo "come in" | secret bob alice one | send $outside bob@partner.example alice@behoerde.example
	comes "with smime_engine = 2 mail comes in" internal alice@behoerde.example
	like "$example: opened" "$(body "$mail")" '^come in$'
	like "$example: with the result" "$(field "$mail" Authentication-Results)" '^mx.behoerde.example; smime=pass'
	[ -z "$scanner_to" ] || like "$example: by way of the scanner" "$(field "$mail" Received)" 'by scanner.behoerde.example'
	echo "go out" | letter alice@behoerde.example bob@partner.example one | send $inside alice@behoerde.example bob@partner.example
	comes "and goes out" external bob@partner.example
	is "$example: sealed" "$(opened "$mail" bob)" "go out"
	[ $long = no ] || exchange_refused
	[ -z "$scanner_to" ] || {
		virus | secret bob alice three | send $outside bob@partner.example alice@behoerde.example
		comes "the scanner finds what was encrypted, the sender hears of it" external bob@partner.example
		like "$example: that it was not accepted" "$(cat "$mail")" '^Status: 5\.7\.1'
		unlike "$example: without anything of what was opened" "$(cat "$mail")" "$(virus)|Subject: three"
	}

	[ $long = no ] || [ "$example" = two-nodes ] || exchange_rest
	[ "$example" != gateway ] || exchange_scanner
	[ "$example" != tenants ] || exchange_tenants
	[ "$example" != two-nodes ] || exchange_nodes
	ok "$example: mailq-all finds no mail, and each server at work" wait_for 120 all_is_well
}

exchange_untouched() {
	echo "come in" | secret bob alice zero | send $outside bob@partner.example alice@behoerde.example
	comes "with smime_engine = 0 mail comes in" internal alice@behoerde.example
	is "$example: as it came" "$(opened "$mail" alice)" "come in"
	echo "go out" | letter alice@behoerde.example bob@partner.example zero | send $inside alice@behoerde.example bob@partner.example
	comes "and goes out" external bob@partner.example
	is "$example: as it was" "$(body "$mail")" "go out"
}

exchange_refused() {
	echo "no key for him" | letter alice@behoerde.example joe@partner.example two | send $inside alice@behoerde.example joe@partner.example
	comes "mail that must be encrypted and cannot be comes back" internal alice@behoerde.example
	like "$example: with our reason" "$(cat "$mail")" 'joe@partner\.example'
	like "$example: and our status" "$(cat "$mail")" '^Status: 5\.[0-9]\.[0-9]'
}

exchange_rest() {
	instance stop internal
	echo "patience" | secret bob alice four | send $outside bob@partner.example alice@behoerde.example
	ok "$example: while the internal instance rests mail waits in the carrier" wait_for 120 waits_in carrier
	like "$example: mailq-all says so" "$(mailq-all -queue carrier 2>&1)" '^Mails to and from Postern, not yet processed$'
	instance start internal
	deliver-all >"$T/deliver" 2>&1
	comes "it comes when that works again and deliver-all has been called" internal alice@behoerde.example
	like "$example: whole" "$(body "$mail")" '^patience$'
}

exchange_scanner() {
	for deliver_inside in original reencrypted; do
		sed -i "s/^deliver_inside .*/deliver_inside = $deliver_inside/" /etc/postern/postern.conf
		[ $deliver_inside = original ] && scanner_stop "$T/av"
		echo "closed inside" | secret bob alice $deliver_inside | send $outside bob@partner.example alice@behoerde.example
		[ $deliver_inside = reencrypted ] || {
			ok "$example: while the scanner is down mail waits in the scanner instance" wait_for 120 waits_in scanner
			scanner_start "$T/av"
			deliver-all >"$T/deliver" 2>&1
		}
		comes "with deliver_inside = $deliver_inside mail comes in" internal alice@behoerde.example
		is "$example: sealed for the user" "$(opened "$mail" alice)" "closed inside"
	done
}

exchange_tenants() {
	sed -i 's/^smime_engine = 0/smime_engine = 2/' /etc/postern/klinik/postern.conf
	echo "for dora" | secret bob dora five | send $outside bob@partner.example dora@klinik.example
	comes "the second tenant's mail comes to his relay" klinik dora@klinik.example
	like "$example: opened with his key" "$(body "$mail")" '^for dora$'
	echo "from dora" | letter dora@klinik.example bob@partner.example six | send 10.3.0.7 dora@klinik.example bob@partner.example
	comes "and leaves" external bob@partner.example
	is "$example: sealed" "$(opened "$mail" bob)" "from dora"
	like "$example: by his instance" "$(field "$mail" Received)" 'by postern-klinik-external'
	mailq-all >"$T/mailq" 2>&1
	for whose in default:postern klinik:postern-klinik; do
		for name in external internal; do
			like "$example: mailq-all has ${whose%:*}'s $name" "$(grep -A 5 '^Mails from Postern' "$T/mailq")" \
				"^  ${whose%:*}: $mta /etc/(postfix-|mail/)${whose#*:}[-/]$name(\\.cf)?\$"
		done
	done
}

exchange_nodes() {
	# the scanner gives all back to the second: the first one's way inside has not been needed
	instance stop internal
	sed -i 's/^smime_engine = 0/smime_engine = 2/' "$T/own/second/etc/postern/postern.conf"
	echo "two servers" | secret bob alice seven | send $outside bob@partner.example alice@behoerde.example
	comes "what the first server opened comes in by the second" internal alice@behoerde.example
	like "$example: whole" "$(body "$mail")" '^two servers$'
	like "$example: with the result of the first" "$(field "$mail" Authentication-Results)" '^mx.behoerde.example; smime=pass'
	server=192.0.2.11
	echo "by the second" | letter alice@behoerde.example bob@partner.example eight | send $inside alice@behoerde.example bob@partner.example
	comes "the second alone takes mail out" external bob@partner.example
	is "$example: sealed" "$(opened "$mail" bob)" "by the second"
	instance start internal
}
