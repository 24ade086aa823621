#!/bin/sh
# mailq-all reading files: a Sendmail's queue directories, what postern holds; damaged, missing, of other users
. "${0%/*}/lib.sh"
. "${0%/*}/queues.sh"
tool mailq-all
day=86400 now=$(date +%s)
ago() { echo $((now - $1)); }

# ---- Sendmail: where its queues are
qf() { # FILE AGE [LINE...]
	file=$1 since=$(ago "$2")
	shift 2
	{
		printf 'V8\nT%s\nK0\nN0\nP1\n' "$since"
		for line; do printf '%s\n' "$line"; done
		printf 'H??Subject: RPFD:<header@forged>\n.\n'
	} >"$file"
}
Q=$T/mqueue
mkdir -p "$Q"
cf() { printf '%s\n' "$@" >"$T/external.cf"; }
tenant "$T/site/postern.conf" "external_queue = sendmail:$T/external.cf"
mailq_sendmail() { mailq -c "$T/site/postern.conf" -queue external "$@"; }

cf "Cwlocalhost" "O QueueDirectory=$Q" "Mlocal, P=/bin/false, Q=x"
mailq_sendmail
is "an empty queue: exit 0" "$code" 0
like "named" "$out" "^  $T/site/postern.conf: sendmail $T/external.cf\$"
qf "$Q/qf1A" "$day" 'MDeferred: Connection refused by [127.0.0.1]' 'S<alice@behoerde.example>' 'rRFC822; x@y' 'RPFD:<bob@partner.example>' \
	'RPFD:carol@partner.example'
printf '%2000s' x >"$Q/df1A"
qf "$Q/qf1B" 0 'S<>' 'RPF:<"a b"@x>'
mailq_sendmail
is "a day old: exit 1" "$code" 1
is "a mail" "$(printf '%s\n' "$out" | sed -n '3,5p')" "  1A                1d    2.0 KB  alice@behoerde.example
    to bob@partner.example, carol@partner.example
      Deferred: Connection refused by [127.0.0.1]"
like "the null sender, no body yet" "$out" '^  1B .* 0 B  <>$'
like "a quoted address" "$out" '^    to "a b"@x$'
unlike "a header line is no recipient" "$out" 'forged'

mv "$Q/qf1A" "$Q/hf1A"
sed -i 's/^S/qinfected: Eicar\nS/' "$Q/hf1A"
qf "$Q/Qf1C" "$day" 'S<s@b>' 'RPFD:<x@y>'
: >"$Q/qf1D" # being made
: >"$Q/qf1E"
touch -d '2 minutes ago' "$Q/qf1E"
: >"$Q/tf1F"
: >"$Q/xf1A"
: >"$Q/qf-strange"
ln -s "$Q/hf1A" "$Q/qf1G"
mailq_sendmail -json
is "what is quarantined or lost is held, what is odd is not there" \
	"$(printf '%s' "$out" | json 'join " ", map { "$_->{id}:$_->{queue}:$_->{held}" } sort { $a->{id} cmp $b->{id} } @{$d->{queues}[0]{mails}}')" \
	"1A:quarantined:1 1B:queued:0 1C:lost:1 1D:queued:0 1E:queued:0"
is "why" "$(printf '%s' "$out" | json 'my %m = map { $_->{id} => $_->{recipients} } @{$d->{queues}[0]{mails}};
	join "; ", map { $m{$_}[0]{reason} || "-" } qw(1A 1C 1D 1E)')" \
	"quarantined: infected: Eicar; given up by Sendmail, neither delivered nor returned; -; the queue file is damaged: $Q/qf1E"
is "held mail is no warning" "$code" 0
rm -f "$Q"/*

# with directories for each kind of file, several by a pattern, in groups
mkdir -p "$Q/q1/qf" "$Q/q1/df" "$Q/q 2" "$Q/other" "$Q/slow"
qf "$Q/q1/qf/qf2A" 0 'S<a@b>' 'RPFD:<c@d>'
printf 12345 >"$Q/q1/df/df2A"
qf "$Q/q 2/qf2B" 0 'S<a@b>' 'RPFD:<c@d>'
qf "$Q/other/qf2C" 0 'S<a@b>' 'RPFD:<c@d>'
qf "$Q/slow/qf2D" 0 'S<a@b>' 'RPFD:<c@d>'
ids() { mailq_sendmail -json; printf '%s' "$out" | json 'join " ", sort map { "$_->{id}:$_->{size}" } @{$d->{queues}[0]{mails}}'; }
cf "O QueueDirectory=$Q/q*"
is "a pattern, and directories of their own for each kind" "$(ids)" "2A:5 2B:0"
cf "O QueueDirectory=$Q/q*" "Qslow, P=slow, F=f, I=1m" "Qnormal, F=f, Path=$Q/other"
is "queue groups" "$(ids)" "2A:5 2B:0 2C:0 2D:0"
cf "OQ$Q/other"
is "the old form" "$(ids)" "2C:0"
cf "O QueueDirectory=$Q/none"
mailq_sendmail
is "a directory that is not there: exit 2" "$code" 2
like "is named" "$out" "^  the queue directory $Q/none does not exist"
rm "$T/external.cf"
mailq_sendmail
is "no configuration: exit 2" "$code" 2
like "is named" "$out" "$T/external.cf: .*"

# whether it runs
cf "O QueueDirectory=$Q/other" "O PidFile=$T/sendmail.pid"
mailq_sendmail
is "no process number: exit 2" "$code" 2
like "says so" "$out" "^  Sendmail is not running \\(no process of $T/sendmail.pid\\)"
cp "$(command -v sleep)" "$T/sendmail"
"$T/sendmail" 600 &
kill_at_end $!
printf '%s\n/usr/sbin/sendmail -bd\n' $! >"$T/sendmail.pid"
mailq_sendmail
is "the process is there: exit 0" "$code" 0
echo $$ >"$T/sendmail.pid"
mailq_sendmail
is "a number that is somebody else's now: exit 2" "$code" 2
for nonsense in '' '../1' '-1' '1 2'; do
	echo "$nonsense" >"$T/sendmail.pid"
	mailq_sendmail
	is "\"$nonsense\" is no process: exit 2" "$code" 2
done

# ---- what postern holds
tenant "$T/etc/postern/postern.conf" "internal = maildir:$T/inside"
S=$T/etc/postern/spool
mailq_holds() { mailq -queue hold -queue quarantine "$@"; }
hold() { # ID AGE REASON TEXT
	mkdir -p "$S/hold"
	printf 'id: %s\nheld: %s\nqueue-id: Q\nsender: s@b\nclient: ::1\nmessage-id: <1@b>\nreason: %s\ntext: %s\nrecipient: r@b\nrecipient: q@b\n' \
		"$1" "$(date -u -d "@$(ago "$2")" +%Y-%m-%dT%H:%M:%SZ)" "$3" "$4" >"$S/hold/$1.hold"
	echo message >"$S/hold/$1.eml"
}
mailq_holds -json
is "no directory is nothing held" "$(printf '%s' "$out" | json '"$d->{queues}[0]{state} $d->{queues}[0]{held}"')" "ok 0"
hold 0123456789abcdef01234567 $((2 * day)) undecryptable 'no key for it'
hold fedcba9876543210fedcba98 $((day)) scan 'the copy is at the scanner'
mailq_holds
is "two held messages" "$(printf '%s\n' "$out" | sed -n '1,9p')" "Mails held by Postern
  default: $S/hold
  0123456789abcdef01234567      2d       8 B  s@b (undecryptable)
    to r@b, q@b
      no key for it
  fedcba9876543210fedcba98      1d       8 B  s@b (scan)
    to r@b, q@b
      the copy is at the scanner
  2 mails, 16 B; the oldest of these since 2d"
is "exit 0 if only that is asked for" "$code" 0
mailq_holds -held 1d
is "or 1 with -held" "$code" 1
mailq
is "but 3 where no mail server can be looked at" "$code" 3
mailq_status() { # the worst of all; the carrier is empty
	mailq "$@"
	echo "$code"
}
mkdir -p "$T/carrier"
cf "O QueueDirectory=$Q/other"
rm -f "$Q/other"/*
echo "carrier_queue = sendmail:$T/external.cf" >>"$T/etc/postern/postern.conf"
is "holds are no warning" "$(mailq_status)" 0
is "but where -held asks for it" "$(mailq_status -held 1d)" 1
is "the time of the record counts, not that of the file" "$(mailq_status -held 3d)" 0

is "leap years: seconds of dates" "$(for when in 1970-01-01T00:00:01Z 2000-02-29T12:00:00Z 2024-02-29T23:59:59Z 2100-03-01T00:00:00Z 2026-12-31T01:02:03Z; do
	printf 'id: x\nheld: %s\nreason: r\nrecipient: a\n' "$when" >"$T/one.hold"
	printf '1\t1\t%s/one.hold\n1\t1\t%s/one.eml\n' "$T" "$T" | awk -f "$SRC/bin/queues.awk" -f "$SRC/bin/queues-holds.awk" | cut -f 2
done)" "$(for when in 1970-01-01T00:00:01Z 2000-02-29T12:00:00Z 2024-02-29T23:59:59Z 2100-03-01T00:00:00Z 2026-12-31T01:02:03Z; do date -u -d "$when" +%s; done)"

echo 'returned: r@b' >>"$S/hold/fedcba9876543210fedcba98.hold"
mailq_holds
is "who has it already does not wait" "$(printf '%s\n' "$out" | grep -A 1 '^  fedc' | tail -n 1)" "    to q@b"
rm "$S/hold/fedcba9876543210fedcba98.eml"
mailq
is "a record without its message: exit 2" "$code" 2
like "says so" "$out" '^      its message is missing; the copy is at the scanner'
like "and counts" "$out" '^critical: hold \(default\): 1 record without a message'
rm "$S/hold/fedcba9876543210fedcba98.hold"
echo junk >"$S/hold/aaaa.eml"
head -c 100 /dev/zero >"$S/hold/aaaa.hold"
echo young >"$S/hold/bbbb.eml"
echo old >"$S/hold/cccc.eml"
touch -d '2 minutes ago' "$S/hold/cccc.eml"
echo temporary >"$S/hold/dddd.eml.XYZ123"
mailq
is "a damaged record: exit 2" "$code" 2
like "which one" "$out" "^      its record is damaged: $S/hold/aaaa.hold"
unlike "a message that is just being held" "$out" bbbb
like "one that lost its record" "$out" '^      it has no record \(cccc.hold\)'
unlike "a temporary file" "$out" dddd
for damage in 's/^reason: .*//' 's/^recipient: .*//' '$d; s/^held.*/held: yesterday/'; do
	rm "$S/hold"/*
	hold eeee "$day" scan text
	sed -i "$damage" "$S/hold/eeee.hold"
	mailq
	case $damage in
	*held*)
		is "no time: the file's; the rest is there" "$code" 0
		like "shown" "$out" '^  eeee +[0-9]+s .* \(scan\)'
		;;
	*) is "damage by $damage: exit 2" "$code" 2 ;;
	esac
done
rm -r "$S/hold"

mkdir "$S/quarantine"
printf 12345 >"$S/quarantine/infected mail.eml"
printf 123 >"$S/quarantine/$(printf 'odd\033[2J').bin"
mailq -json
is "quarantine: any file" "$(printf '%s' "$out" | json 'my ($q) = grep { $_->{roles}[0] eq "quarantine" } @{$d->{queues}};
	join " ", $q->{held}, sort map { "$_->{id}:$_->{size}" } @{$q->{mails}}')" "1 infected mail:5"

# ---- files of another user: never with root's rights
if [ "$(id -u)" -eq 0 ] && id nobody >/dev/null 2>&1; then
	chmod 711 "$T"
	hold ffff 0 scan text
	printf 'sender: secret\nreason: secret\nrecipient: secret\n' >"$T/secret"
	chmod 600 "$T/secret"
	ln "$T/secret" "$S/hold/aaaa.hold" # what protected_hardlinks forbids to others
	echo x >"$S/hold/aaaa.eml"
	chown -h nobody "$S" "$S/hold" "$S"/hold/ffff.*
	mailq
	like "the owner's are shown" "$out" '^  ffff .* s@b \(scan\)'
	unlike "root's are not" "$out" secret
	like "but it is said that there is one" "$out" "^      its record is damaged: $S/hold/aaaa.hold"
	is "exit 2" "$code" 2
	mkdir -m 700 "$T/home"
	here=$PWD
	cd "$T/home" || exit 1
	mailq
	cd "$here" || exit 1
	like "also from a directory that is closed to him, as root's home is" "$out" '^  ffff .* s@b \(scan\)'
	unlike "without a word about it" "$out" "Permission denied"
	mv "$S/hold" "$S/x"
	mkdir -m 700 "$T/roots"
	printf 'sender: secret\nreason: secret\nrecipient: secret\n' >"$T/roots/secret.hold"
	echo x >"$T/roots/secret.eml"
	ln -s "$T/roots" "$S/hold" # and a link to a directory of root's
	mailq -queue hold
	unlike "nor a directory of root's behind a link" "$out" '^  secret'
	like "that is an error" "$out" "$S/hold.*Permission denied"
	rm "$S/hold"
	mv "$S/x" "$S/hold"
	# two directories of a Sendmail that belong to different users
	mkdir -p "$Q/g1" "$Q/g2"
	qf "$Q/g1/qf3A" 0 'S<a@b>' 'RPFD:<c@d>'
	qf "$Q/g2/qf3B" 0 'S<a@b>' 'RPFD:<c@d>'
	chown -R nobody "$Q/g1"
	chmod 600 "$Q/g1/qf3A" "$Q/g2/qf3B"
	ln -s "$T/secret" "$Q/g1/qf3C"
	cf "O QueueDirectory=$Q/g*"
	is "a Sendmail's directories of two users" "$(ids)" "3A:0 3B:0"
	ln "$T/secret" "$Q/g1/qf3D"
	mailq_sendmail
	is "one that its owner may not read: exit 2" "$code" 2
	unlike "is not read" "$out" secret
	like "but named" "$out" "^  1 queue file cannot be read, the first is $Q/g1/qf3D"
	if command -v runuser >/dev/null; then
		chmod 700 "$S"
		chmod 755 "$T/etc" "$T/etc/postern" "$T/bin"
		out=$(runuser -u daemon -- "$T/bin/mailq-all" -queue hold 2>&1)
		if ! runuser -u daemon -- test -x "$BUILD/postern"; then
			skip "as a user who may not read" "the build is not readable for others"
		else
			like "who may not read is told so" "$out" "^  $S: permission denied"
		fi
	fi
else
	skip "files of another user" "not root"
fi

done_testing
