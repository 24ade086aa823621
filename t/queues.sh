# queues.sh - sourced after lib.sh: mailq-all and deliver-all with tenants below $T, mail servers that are only played
#
#   tool NAME...                 $T/bin/NAME: the tool of the build, its tenants in $T/etc/postern
#   tenant FILE [LINE...]        a configuration with an own spool beside it
#   played NAME                  "postfix:$T/NAME": a Postfix instance whose postqueue prints $T/NAME/out, and $T/NAME/said on standard error,
#                                and ends with the status in $T/NAME/code; each -f adds a line to $T/NAME/flushed
#   mail ID PLACE AGE SENDER RECIPIENT=REASON...     a line of postqueue -j, of a mail AGE seconds old
#   json EXPRESSION <document    what a Perl expression says of it, $d; fails if the document is not valid

tool() {
	mkdir -p "$T/bin"
	for name; do
		sed -e "s|@postern@|$BUILD/postern|; s|@share@|$SRC/bin|; s|@sysconfdir@|$T/etc|; s|@version@|1|" "$SRC/bin/$name.in" >"$T/bin/$name"
		chmod 755 "$T/bin/$name"
	done
}

tenant() {
	mkdir -p "${1%/*}/spool"
	{
		printf 'hostname = mx.behoerde.example\nlocal_domains = behoerde.example\n'
		printf 'external = smtp:127.0.0.1:1\ninternal = smtp:127.0.0.1:1\nspool = ${config_directory}/spool\n'
	} >"$1"
	tenant_file=$1
	shift
	for line; do
		sed -i "/^${line%% *} *=/d" "$tenant_file"
		printf '%s\n' "$line" >>"$tenant_file"
	done
}

played() {
	mkdir -p "$T/$1/bin" "$T/$1/queue/deferred"
	: >"$T/$1/out"
	: >"$T/$1/said"
	echo 0 >"$T/$1/code"
	printf 'compatibility_level = 3.6\ncommand_directory = %s\nqueue_directory = %s\n' "$T/$1/bin" "$T/$1/queue" >"$T/$1/main.cf"
	cat >"$T/$1/bin/postqueue" <<-END
		#!/bin/sh
		[ "\$1 \$2" = "-c $T/$1" ] || exit 9
		case \$3 in -f) echo flush >>$T/$1/flushed ;; -j) cat $T/$1/out ;; esac
		cat $T/$1/said >&2
		exit "\$(cat $T/$1/code)"
	END
	chmod 755 "$T/$1/bin/postqueue"
}

mail() {
	mail_id=$1 mail_place=$2 mail_since=$(($(date +%s) - $3)) mail_sender=$4 people=
	shift 4
	for one; do
		people="$people${people:+, }{\"address\": \"${one%%=*}\", \"delay_reason\": \"${one#*=}\"}"
	done
	printf '{"queue_name": "%s", "queue_id": "%s", "arrival_time": %s, "message_size": 1000, "forced_expire": false, "sender": "%s", "recipients": [%s]}\n' \
		"$mail_place" "$mail_id" "$mail_since" "$mail_sender" "$people"
}

json() {
	perl -MJSON::PP -e 'local $/; my $d = JSON::PP->new->utf8->decode(<STDIN>); binmode STDOUT, ":utf8";
		my $v = eval $ARGV[0]; die $@ if $@; print $v, "\n"' "$1"
}

# mailq OPTION...: sets $out and $code;  deliver likewise
mailq() { out=$("$T/bin/mailq-all" "$@" 2>&1); code=$?; }
deliver() { out=$("$T/bin/deliver-all" "$@" 2>&1); code=$?; }
