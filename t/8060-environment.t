#!/bin/sh
# an odd environment changes nothing: the same line, the same mail, no file of OpenSSL's or of the user's is read
. "${0%/*}/lib.sh"
. "${0%/*}/faults.sh"
S=$T/site
faulty_site "$S"
letter "$S" "the text"
P="$BUILD/postern -c $S/postern.conf -queue-id T1"
printf 'openssl_conf = x\n[x]\nproviders = y\n[y]\nno = such\n' >"$T/openssl.cnf"
openssl rand 3000 >"$T/garbage"

# what is delivered, without what differs from run to run: time and name of the envelope's file
opened() { sed 's/t=[0-9]*//; s/mac=[^;]*//' "$(newest "$S/internal")" | grep -v '^X-Postern-Result\|^	\|^ '; }
send_in "$S"
is "(as usual)" "$code" 0
opened >"$T/usual"; clean "$S"
ok "(there is something to compare)" grep -q 'the text' "$T/usual"

# odd WHAT NAME=VALUE...
odd() {
	what=$1
	shift
	out=$(env "$@" $P -client 192.0.2.7 -sender bob@partner.example -readmail alice@behoerde.example <"$S/in.eml" 2>&1); code=$?
	is "$what: opened" "$code:$out" "0:"
	opened >"$T/odd"
	ok "$what: ... as usual" cmp "$T/usual" "$T/odd"
	out=$(env "$@" $P -client 10.0.0.5 -sender alice@behoerde.example -readmail bob@partner.example <"$S/out.eml" 2>&1); code=$?
	is "$what: sealed" "$code:$out" "0:"
	openssl cms -decrypt -in "$(newest "$S/external")" -recip "$S/bob.pem" -inkey "$S/bob.key" -out "$T/signed" 2>/dev/null
	ok "$what: ... and bob reads it" openssl cms -verify -in "$T/signed" -CAfile "$S/ca.pem" -purpose any -out "$T/plain"
	clean "$S"
}
odd "no environment at all" -i
odd "no HOME, no PATH" -u HOME -u PATH
odd "a HOME that is not there" HOME=/nonexistent
odd "an odd TZ" TZ=:/etc/passwd
odd "another TZ" TZ=Pacific/Kiritimati
odd "a long TZ" "TZ=$(printf '%05000d' 0)"
odd "an odd locale" LC_ALL=tr_TR.UTF-8 LANG=xx LANGUAGE=de
odd "a locale that is no name" LC_ALL=../../../etc/passwd LOCPATH="$T"
odd "OPENSSL_CONF is garbage" OPENSSL_CONF="$T/garbage"
odd "OPENSSL_CONF names providers that are not there" OPENSSL_CONF="$T/openssl.cnf"
odd "OPENSSL_CONF is a directory" OPENSSL_CONF=/
odd "OPENSSL_MODULES is elsewhere" OPENSSL_MODULES="$T"
odd "SSL_CERT_FILE is garbage" SSL_CERT_FILE="$T/garbage" SSL_CERT_DIR="$T"
odd "malloc fills and checks" MALLOC_PERTURB_=165 MALLOC_CHECK_=3 MALLOC_ARENA_MAX=1 GLIBC_TUNABLES=glibc.malloc.perturb=90
odd "libxml2's variables" XML_CATALOG_FILES="$T/garbage" XML_DEBUG_CATALOG=1 XMLLINT_INDENT=x
odd "iconv's and resolver's" GCONV_PATH="$T" RES_OPTIONS=garbage HOSTALIASES="$T/garbage" LOCALDOMAIN=x
odd "odd signals and a full table of variables" "X=$(printf '%020000d' 0)"

# a module sees none of it
cat >"$S/modules/spy" <<'X'
#!/bin/sh
env >"${0%/*}/seen"
exit 0
X
chmod 755 "$S/modules/spy"
conf "$S" "keys_modules = spy"
OPENSSL_CONF=$T/garbage LD_LIBRARY_PATH=$T SECRET=1 HOME=$T send_out "$S"
is "(a module that says nothing)" "$code" 75
ok "(it ran)" test -s "$S/modules/seen"
is "modules get PATH, LANG and TZ only" "$(sed 's/=.*//' "$S/modules/seen" | grep -vE '^(PWD|SHLVL|_|OLDPWD)$' | sort | tr '\n' ' ')" "LANG PATH TZ "
conf "$S" "keys_modules = keys-file"

# what a caller may leave behind: ignored and blocked signals, a working directory that is gone, umask 0
cat >"$T/caller" <<'X'
#!/usr/bin/perl
use POSIX;
$SIG{$_} = 'IGNORE' for qw(CHLD PIPE TERM HUP INT ALRM);
sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGCHLD, SIGTERM, SIGPIPE, SIGALRM));
my $gone = "$0.gone";
mkdir $gone; chdir $gone; rmdir $gone;
umask 0;
exec @ARGV;
X
out=$(perl "$T/caller" $P -client 192.0.2.7 -sender bob@partner.example -readmail alice@behoerde.example <"$S/in.eml" 2>&1)
is "in: an odd caller" "$?:$out" "0:"
out=$(perl "$T/caller" $P -client 10.0.0.5 -sender alice@behoerde.example -readmail bob@partner.example <"$S/out.eml" 2>&1)
is "out: an odd caller" "$?:$out" "0:"
is "nothing that others may read was made" "$(find "$S/spool" "$S/external" "$S/internal" -perm /077 | grep -v '/index' )" ""
none_left "no process is left" "$S"
done_testing
