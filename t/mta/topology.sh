# topology.sh - sourced behind lib.sh, mta/postfix.sh and mta/clamav.sh: sites from the worked examples in etc/topologies, as they are
#
#   topology_make NAME DIR [WORD=VALUE...]   a site in DIR with the example's postern.conf, rules, and what differs in main.cf and master.cf
#                                        of the carrier and the instances; next hops are sinks below DIR/sink, unless
#                                        postfix_NAME_hop was set.  Nothing is started
#   topology_tenants DIR SECOND          the two sites of the example "tenants", each with next hops of its own
#   topology_start DIR                   the carrier, and those instances that the example has
#   topology_words DIR                   the words of the examples with their values here
#   topology_check DIR                   what postern -check complains of
#   topology_fill DIR FILE               a file of the examples with its words replaced, on standard output
#
#   secret NAME TO SUBJECT [FIELD...] <text    a message of the partner NAME@partner.example, signed, and encrypted to the certificate TO.pem
#   letter FROM TO SUBJECT <text         a plain one
#   mail_for DIR SINK ADDRESS            path of what a sink got for ADDRESS: the latest
#   mail_comes WHAT DIR SINK ADDRESS [N] a test: it gets so many (1); $mail is the latest's path, or /dev/null
#   opened FILE NAME                     decrypted by NAME.key, its signature verified by the site's CA: the text on standard output
#   decrypted FILE NAME                  decrypted by NAME.key
#   body FILE                            the text behind the header, with LF
#   field FILE NAME                      a header field, unfolded
#   quiet DIR                            whether all of them are empty
#   queues DIR                           "carrier=0 external=0 ..." of all instances the example has
#   queues_are WHAT QUEUES               a test: these of $T come to that
TOPOLOGIES=$SRC/etc/topologies

topology_words() {
	topology_address=$(cat "$1/mta/address")
	cat "$1/mta/words"
	printf '%s\n' "own_address=$topology_address" hostname=mx.behoerde.example local_domains=behoerde.example \
		external_relay=127.0.3.1 scanner_host=127.0.2.1 internal_relay=127.0.1.1 \
		"external_listen=$topology_address:10025" "scanner_listen=$topology_address:10026" \
		"internal_listen=$topology_address:10027"
}

topology_fill() { # DIR FILE: on standard output, with its words replaced
	topology_words "$1" >"$1/mta/filled"
	topology_file=$2 topology_list=$1/mta/filled
	set --
	while IFS= read -r topology_word; do set -- "$@" "$topology_word"; done <"$topology_list"
	mta_fill "$topology_file" "$@"
}

# What a test's site has elsewhere than /etc and /var.
topology_places() { # DIR
	cat <<-END
		spool = $1/spool
		log = $1/log
		verify_log = $1/verify.log
		module_directory = $1/mta/programs
		profiles_file = $1/mta/programs/profiles
	END
	for topology_name in carrier $(topology_instances "$1"); do
		case ${topology_mta:-postfix} in
		postfix) echo "${topology_name}_queue = postfix:$1/mta/$topology_name" ;;
		sendmail) echo "${topology_name}_queue = sendmail:$1/mta/$topology_name.cf" ;;
		esac
	done
}
topology_instances() { sed '/^#/d; s/ .*//' "$1/mta/instances"; }

topology_lines() { # DIR INSTANCE FILE: sets main.cf by the lines of FILE
	topology_dir=$1 topology_name=$2
	topology_fill "$1" "$3" >"$1/mta/lines" || return 1
	set --
	while IFS= read -r topology_line; do
		case $topology_line in \#* | '') ;; *) set -- "$@" "$topology_line" ;; esac
	done <"$topology_dir/mta/lines"
	postfix_set "$topology_dir" "$topology_name" "$@"
}

topology_conf() { # DIR FOLDER: its postern.conf, rules and instances
	cp "$2/instances" "$1/mta/" && cp "$2/rules" "$1/rules" && topology_fill "$1" "$2/postern.conf" >"$1/postern.conf" || return 1
	topology_places "$1" >"$1/mta/places"
	while IFS= read -r topology_line; do conf "$1" "$topology_line"; done <"$1/mta/places"
	postfix_own "$1"
}

topology_make() {
	topology=$1 topology_site=$2
	case $(grep '^external' "$TOPOLOGIES/$1/instances") in *mx) postfix_external_hop=none ;; esac
	shift 2
	site_make "$topology_site" && postfix_make "$topology_site" || return 1
	printf '%s\n' "to_external=$postfix_external" "to_scanner=$postfix_scanner" "to_internal=$postfix_internal" "$@" \
		>"$topology_site/mta/words"
	topology_conf "$topology_site" "$TOPOLOGIES/$topology" || return 1
	for topology_file in "$TOPOLOGIES/$topology"/postfix/*.main.cf; do
		topology_name=${topology_file##*/}
		topology_lines "$topology_site" "${topology_name%.main.cf}" "$topology_file" || return 1
	done
	# by MX means with a name server, and no line "relayhost" where the template would have one
	! grep -q '^external *mx' "$topology_site/mta/instances" || for topology_name in carrier external; do
		postfix_set "$topology_site" "$topology_name" "relayhost =" "smtp_host_lookup = dns" "smtp_dns_support_level = enabled" || return 1
	done
	postfix_own "$topology_site"
}

topology_check() { runuser -u "$postfix_user" -- "$1/mta/programs/postern" -c "$1/postern.conf" -check 2>&1 | grep -v '^ok\|^0 errors, 0 warnings'; }

give_up() { # WHAT: a test that cannot go on
	fail "$1"
	done_testing
	exit 1
}

topology_start() {
	for topology_name in carrier $(topology_instances "$1"); do postfix_start "$1" "$topology_name" || return 1; done
}

# ---- mail ----

letter() {
	printf 'From: %s\nTo: %s\nSubject: %s\nDate: Mon, 3 Nov 2025 10:00:00 +0100\nMessage-ID: <%s@test.example>\n' "$1" "$2" "$3" "$(echo "$3" | tr ' ' .)"
	shift 3
	for topology_field; do printf '%s\n' "$topology_field"; done
	printf '\n'
	cat
}
secret() {
	secret_by=$1 secret_to=$2 secret_subject=$3
	shift 3
	{ printf 'Content-Type: text/plain; charset=us-ascii\n\n'; cat; } | sed 's/$/\r/' |
		openssl cms -sign -signer "$T/$secret_by.pem" -inkey "$T/$secret_by.key" |
		openssl cms -encrypt -aes-256-cbc -recip "$T/$secret_to.pem" | tr -d '\r' >"$T/sealed"
	letter "$secret_by@partner.example" "$secret_to@behoerde.example" "$secret_subject" "$@" </dev/null | sed '/^$/d'
	cat "$T/sealed"
}

mail_for() {
	accepted "$1" "$2" | sed -n "s/^$3 \([0-9]*\)$/\1/p" | tail -n 1 | sed "s|.*|$1/sink/$2/&.msg|"
}
has_mail_for() { [ "$(accepted "$1" "$2" | grep -c "^$3 ")" -ge "${4-1}" ]; }
mail_comes() {
	mail_what=$1
	shift
	if wait_for "${WAIT:-120}" has_mail_for "$@"; then pass "$mail_what"; else
		fail "$mail_what" "waited in vain for mail to $3 at $2; queues: $(queues "$1")" "$(tail -n 30 "$1/mta/carrier.log")" \
			"$(tail -n 10 "$1/log")"
	fi
	mail=$(mail_for "$@")
	mail=${mail:-/dev/null}
}
opened() {
	openssl cms -decrypt -in "$1" -recip "$T/$2.pem" -inkey "$T/$2.key" -out "$T/opened" &&
		openssl cms -verify -in "$T/opened" -CAfile "$T/ca.pem" 2>/dev/null | tr -d '\r' | sed '1,/^$/d'
}
decrypted() { openssl cms -decrypt -in "$1" -recip "$T/$2.pem" -inkey "$T/$2.key" 2>/dev/null | tr -d '\r'; }
body() { tr -d '\r' <"$1" | sed '1,/^$/d'; }
field() { tr -d '\r' <"$1" | sed '/^$/,$d' | sed -e ':a' -e '$!N;s/\n[ \t]/ /;ta' -e 'P;D' | sed -n "s/^$2: *//Ip"; }
queues() {
	for topology_name in carrier $(topology_instances "$1"); do
		printf '%s=%s ' "$topology_name" "$("${topology_mta:-postfix}_queue" "$1" "$topology_name")"
	done
}
queues_say() { [ "$(queues "$T")" = "$1" ]; }
queues_are() { # WHAT QUEUES: a test; a server removes a message a moment after the next one has it
	wait_for 120 queues_say "$2"
	is "$1" "$(queues "$T")" "$2"
}
quiet() { # DIR
	! queues "$1" | grep -q '=[1-9]'
}

# topology_send DIR ADDRESS SENDER RECIPIENT... <text: by SMTP to the carrier, from that address; prints the answer
topology_send() {
	send_dir=$1 send_source=$2
	shift 2
	perl "$SRC/t/helper/smtp-send" -source "$send_source" "$(cat "$send_dir/mta/address")" 2525 "$@"
}

# ---- the example "tenants" ----

# topology_instance DIR NAME WORD=VALUE...: an instance from the templates, with other words than postfix_make has for it
topology_instance() {
	instance_dir=$1 instance=$2
	shift 2
	for instance_file in main.cf master.cf; do
		mta_fill "$SRC/etc/mta/postfix/$instance.$instance_file" "queue=$instance_dir/mta/queue-$instance" \
			"data=$instance_dir/mta/data-$instance" "config_dir=$instance_dir/mta/$instance" processes=20 \
			"user=$postfix_user" "$@" >"$instance_dir/mta/$instance/$instance_file" || return 1
	done
	postfix_test_lines "$instance_dir" "$instance" >>"$instance_dir/mta/$instance/main.cf"
}

# topology_tenants DIR SECOND: both sites, with next hops of their own, and one carrier, that of DIR
topology_tenants() {
	tenants=$TOPOLOGIES/tenants
	site_make "$1" && postfix_make "$1" || return 1
	tenants_address=$postfix_address tenants_external=$postfix_external tenants_internal=$postfix_internal
	postfix_internal_hop=${tenants_relay-}
	site_make "$2" && postfix_make "$2" || return 1
	printf '%s\n' "to_external=$tenants_external" "to_internal=$tenants_internal" "to_klinik=$postfix_internal" klinik_relay=127.0.1.2 \
		"klinik_external_listen=$postfix_address:10025" "klinik_internal_listen=$postfix_address:10027" \
		"behoerde_return=$tenants_address:10020" "klinik_return=$tenants_address:10030" >"$1/mta/words"
	cp "$1/mta/words" "$2/mta/words"
	topology_conf "$1" "$tenants" && topology_conf "$2" "$tenants/klinik" || return 1
	for topology_name in external internal; do
		eval "topology_hop=\$tenants_$topology_name"
		topology_instance "$1" $topology_name "instance=postern-$topology_name" hostname=mx.behoerde.example local_domains=behoerde.example \
			"next_hop=$topology_hop" "carrier=[$tenants_address]:10020" \
			"listen=$(topology_words "$1" | sed -n "s/^${topology_name}_listen=//p")" || return 1
		eval "topology_hop=\$postfix_$topology_name"
		topology_instance "$2" $topology_name "instance=postern-klinik-$topology_name" hostname=mx.behoerde.example \
			local_domains=klinik.example "next_hop=$topology_hop" "carrier=[$tenants_address]:10030" \
			"listen=$(topology_words "$2" | sed -n "s/^klinik_${topology_name}_listen=//p")" || return 1
	done
	postfix_part "$1" "postern=$2/mta/programs/postern" "config=$2/postern.conf" "user=$postfix_user" service=postern-klinik \
		processes=20 || return 1
	sed -i '/^content_filter/d' "$1/mta/carrier/main.cf"
	topology_lines "$1" carrier "$tenants/postfix/carrier.main.cf" || return 1
	topology_fill "$1" "$tenants/postfix/carrier.master.cf" >>"$1/mta/carrier/master.cf" || return 1
	postfix_address=$tenants_address
}

# ---- the example "two-nodes" ----

topology_own_lines() { grep -v "$1\|^external \|^scanner \|^internal " "$1/postern.conf"; } # DIR: what is not of this test's places

# as_machine NAME COMMAND...: Postfix that is started by the command believes to be on a machine of that name
as_machine() {
	mkdir -p "$T/machine-$1"
	cat >"$T/machine-$1/master" <<-END
		#!/bin/sh
		exec unshare -u sh -c 'hostname $1; exec $postfix_daemons/master "\$@"' master "\$@"
	END
	chmod 755 "$T/machine-$1/master"
	machine_daemons=$postfix_daemons postfix_daemons=$T/machine-$1
	shift
	"$@"
	machine_status=$?
	postfix_daemons=$machine_daemons
	return $machine_status
}

# ---- with Sendmail: behind mta/sendmail.sh, too ----

# topology_make_sendmail NAME DIR: as topology_make, with the lines for Sendmail
topology_make_sendmail() {
	topology=$1 topology_site=$2 topology_mta=sendmail
	site_make "$2" && sendmail_make "$2" || return 1
	printf '%s\n' "to_external=$sendmail_external" "to_scanner=$sendmail_scanner" "to_internal=$sendmail_internal" >"$2/mta/words"
	topology_conf "$2" "$TOPOLOGIES/$1" || return 1
	for topology_file in "$TOPOLOGIES/$topology"/sendmail/*.mc; do
		topology_name=${topology_file##*/}
		topology_fill "$topology_site" "$topology_file" >"$topology_site/mta/lines" || return 1
		# the example's networks, not those that the starter has
		awk -v lines="$topology_site/mta/lines" -v starter="RELAY_DOMAIN(\`127.0.1 " '
			index($0, starter) { next }
			/^MAILER/ && !done { while ((getline line <lines) > 0) print line; done = 1 } { print }' \
			"$topology_site/mta/$topology_name" >"$topology_site/mta/changed" &&
			mv "$topology_site/mta/changed" "$topology_site/mta/$topology_name" &&
			sendmail_configure "$topology_site" "${topology_name%.mc}" || return 1
	done
	sendmail_own "$topology_site"
}
