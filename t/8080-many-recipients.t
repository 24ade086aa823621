#!/bin/sh
# thousands of recipients: all dealt with, at a cost that grows with their number and not with its square
. "${0%/*}/lib.sh"
. "${0%/*}/faults.sh"
S=$T/site
faulty_site "$S"
letter "$S" "the text"
cat >"$T/many" <<'X'
use strict; use warnings;
# POSTERN SITE N DOMAIN OPTION...: prints the exit code, the seconds of CPU time outside the kernel, and what was said
my ($postern, $site, $n, $domain, @options) = @ARGV;
open STDIN, '<', "$site/out.eml" or die;
my $pid = open my $out, '-|';
if (!$pid) {
	open STDERR, '>&', \*STDOUT;
	exec $postern, '-c', "$site/postern.conf", qw(-client 10.0.0.5 -sender alice@behoerde.example -queue-id T1), @options, '-readmail',
		map { "somebody-with-a-name-$_\@$domain" } 1 .. $n or print "cannot start: $!\n";
	exit 126;
}
my $said = do { local $/; <$out> } // '';
close $out;
my $code = $? >> 8;
my $lines = () = $said =~ /somebody-with-a-name/g;
printf "%d\n%.3f\n%d\n%s\n", $code, (times)[2], $lines, $said =~ /^(.{0,200})/;
X
many() {
	perl "$T/many" "$BUILD/postern" "$S" "$@" >"$T/many.out" 2>"$T/many.err"
	{ read -r code; read -r cpu; read -r named; read -r out; } <"$T/many.out"
}
cat >"$S/rules" <<'X'
. (to) .                  (do) NS, NE
. (to) @partner\.example$ (do) FE
X

# ---- a thousand on each way
many 1000 behoerde.example
is "inside: served" "$code:$(delivered "$S/internal")" "0:1"
is "inside: each is named" "$(sed -n 's/^Delivered-To: //p' "$S/internal/new/"* | sort -u | wc -l)" 1000
many 1000 example.net
is "outside: served" "$code:$(delivered "$S/external")" "0:1"
is "outside: each is named" "$(sed -n 's/^Delivered-To: //p' "$S/external/new/"* | sort -u | wc -l)" 1000
is "the journal is empty" "$(spool_files "$S")" ""
many 1000 partner.example
is "none can be sealed for" "$code:$(echo "$out" | cut -c1-6)" "77:5.7.1 "
clean "$S"

# ---- the limit, and one above
conf "$S" "recipient_limit = 1000"
many 1000 behoerde.example -explain; is "recipient_limit" "$code" 0
many 1001 behoerde.example -explain; like "one more" "$code:$out" '69:.*5\.3\.4 1001 recipients, recipient_limit is 1000$'

# ---- as many as the kernel lets in
conf "$S" "recipient_limit = 1000000"
most=$(($(getconf ARG_MAX) / 52))
[ $most -le 60000 ] || most=60000
many $most behoerde.example -explain
is "$most recipients, all that the kernel takes" "$code" 0
ok "... each is in the plan" test "$named" -ge $most

# ---- ten times as many cost about ten times as much
conf "$S" "recipient_limit = 10000" "log = /dev/null"
milliseconds() { awk "BEGIN { print int($cpu * 1000) }"; }
grows() { # WHAT DOMAIN OPTION...
	what=$1
	shift
	few=999999
	for i in 1 2 3; do many 1000 "$@"; t=$(milliseconds); [ "$t" -ge $few ] || few=$t; done
	many 10000 "$@"
	t=$(milliseconds)
	# the square would be a hundred times
	ok "$what: 1000 take $few ms, 10000 $t ms" test "$t" -lt $((18 * (few + 15)))
}
grows "inside" behoerde.example -explain
grows "outside" example.net -explain
grows "refused" partner.example -explain
none_left "no process is left" "$S"
done_testing
