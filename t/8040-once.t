#!/bin/sh
# each recipient once: several destinations of which some fail for now, and postern killed at any moment
. "${0%/*}/lib.sh"
. "${0%/*}/faults.sh"
. "${0%/*}/sink.sh"
S=$T/site
faulty_site "$S"
letter "$S" "the text"

# ---- three destinations for one message: what was handed over stays so, the rest follows
cat >"$S/rules" <<'X'
.        (to) .                (do) NS, NE
.        (to) @two\.example$   (do) VIA=two
.        (to) @three\.example$ (do) VIA=three
X
three() {
	run "$S" 10.0.0.5 alice@behoerde.example a@one.example b@one.example c@two.example d@two.example e@three.example colleague@behoerde.example \
		<"$S/out.eml"
}
# who got it, each with the number of copies
copies() {
	{
		cat "$T"/*/accepted 2>/dev/null | cut -d' ' -f1
		sed -n 's/^Delivered-To: //p' "$S"/external/new/* "$S"/internal/new/* "$S"/three/new/* 2>/dev/null
	} | sort | uniq -c | awk '{ printf "%s%s*%s", (NR > 1 ? " " : ""), $2, $1 }'
}
sink two -rcpt '^c@=451 4.2.1 not now'
conf "$S" "via_two = smtp:127.0.0.1:$port" "via_three = maildir:$S/three"
: >"$S/three" # a file where a directory should be
three
like "two of three destinations fail for now" "$code:$out" '^75:4\.2\.'
is "... the others have it" "$(copies)" "a@one.example*1 b@one.example*1 colleague@behoerde.example*1 d@two.example*1"
rm "$S/three"
three
is "a retry serves one of them" "$code" 75
is "... and nobody twice" "$(copies)" "a@one.example*1 b@one.example*1 colleague@behoerde.example*1 d@two.example*1 e@three.example*1"
sink later
conf "$S" "via_two = smtp:127.0.0.1:$port"
three
is "the last one" "$code:$out" "0:"
is "each once in the end" "$(copies)" "a@one.example*1 b@one.example*1 c@two.example*1 colleague@behoerde.example*1 d@two.example*1 e@three.example*1"
like "the log says who had it already" "$(cat "$S/log")" 'to=<d@two\.example> had it in an earlier attempt'
is "the journal is empty then" "$(spool_files "$S")" ""
three
is "a new message with the same name and text is a new one" "$code:$(copies | tr ' ' '\n' | grep -c '\*2')" "0:6"
rm -rf "$T/two" "$T/later" "$S/three"; clean "$S"

# ---- killed at any moment, 150 messages, retried until each ends with 0
# A duplicate may only come of a kill between the next one's acceptance and the journal's fsync: then the dead process
# has left no journal entry for a copy that is there.  So every kill counts the copies without one.  How often a kill
# meets that moment is a matter of the machine; that it costs no more than the one output then under way is not.  Or it came
# when all was done and the journal forgotten, before the mail server could know: then everybody has been served.
sink late -slow 1
conf "$S" "via_two = smtp:127.0.0.1:$port" "via_three = maildir:$S/three"
perl - "$BUILD/postern" "$S" "$T/late" "$port" 150 <<'X' >"$T/result"
use strict; use warnings; use Time::HiRes qw(time sleep);
use POSIX ':sys_wait_h';
use IO::Socket::INET;
my ($postern, $site, $sink, $port, $messages) = @ARGV;
srand 7;
my @to = qw(a@one.example b@one.example c@two.example d@two.example e@three.example);
my ($killed, $window, $most, $runs, $lost, $bad) = (0, 0, 0, 0, 0, 0);
my (%copies, %allowed);
sub journal { opendir my $d, "$site/spool/journal" or return 0; return scalar grep { /^[0-9a-f]{64}$/ } readdir $d }
# copies there are: by message and recipient
sub count {
	my $n = shift;
	my %c;
	for my $f (glob("$site/external/new/* $site/three/new/*")) {
		open my $h, '<', $f or next; my $text = do { local $/; <$h> };
		next unless $text =~ /^Message-ID: <$n\@/m;
		$c{$1}++ while $text =~ /^Delivered-To: (\S+)/mg;
	}
	my %number;
	for my $f (glob("$sink/*.msg")) { open my $h, '<', $f or next; local $/; $number{$1} = 1 if <$h> =~ /^Message-ID: <$n\@/m && $f =~ /(\d+)\.msg/ }
	if (open my $a, '<', "$sink/accepted") { while (<$a>) { my ($to, $k) = split; $c{$to}++ if $number{$k} } }
	return \%c;
}
# the sink serves one after the other: when it greets us, what it accepted of the dead is written
sub settle { my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or die; <$s> }
sub sum { my $t = 0; $t += $_ for values %{$_[0]}; $t }
my $usual = 0.02;
for my $n (1 .. $messages) {
	open my $m, '>', "$site/mail" or die; print $m "From: alice\@behoerde.example\nMessage-ID: <$n\@x>\nSubject: $n\n\n$n\n"; close $m;
	# handed over without an entry: exactly as many may come twice
	my $open = 0;
	for my $try (1 .. 200) {
		my $started = time;
		my $pid = fork;
		if (!$pid) {
			open STDIN, '<', "$site/mail"; open STDOUT, '>', '/dev/null';
			exec $postern, '-c', "$site/postern.conf", qw(-client 10.0.0.5 -sender alice@behoerde.example -queue-id), "Q$n", '-readmail', @to;
		}
		$runs++;
		if ($try < 4 && $n % 3) { sleep rand 1.2 * $usual; kill KILL => $pid }
		waitpid $pid, 0;
		$usual = 0.9 * $usual + 0.1 * (time - $started) if !($? & 127);
		if ($? & 127) {
			$killed++;
			settle();
			my $without = sum(count($n)) - $open - journal();
			if ($without > 0) { $window += $without; $open += $without }
			my $there = count($n);
			$most = $without if $without > $most && grep { !$there->{$_} } @to;
			next;
		}
		last if $? == 0;
		$bad++;
	}
	my $c = count($n);
	$lost += grep { !$c->{$_} } @to;
	my $twice = sum($c) - @to;
	$copies{twice} += $twice > 0 ? $twice : 0;
	$copies{unexplained} += $twice > $open ? $twice - $open : 0;
	unlink glob("$site/external/new/* $site/three/new/* $sink/*.msg");
	truncate "$sink/accepted", 0;
}
print "killed $killed\nruns $runs\nwindow $window\nmost $most\nlost $lost\nbad $bad\ntwice $copies{twice}\nunexplained $copies{unexplained}\n";
X
of() { sed -n "s/^$1 //p" "$T/result"; }
ok "(postern was killed $(of killed) times in $(of runs) runs)" test "$(of killed)" -ge 100
is "nobody was left out" "$(of lost)" 0
is "no run ended otherwise than by 0 or a kill" "$(of bad)" 0
is "every copy too many ($(of twice)) comes of a kill between acceptance and journal (there were $(of window))" "$(of unexplained)" 0
ok "... which never leaves open more than one output, of two recipients here (it was $(of most)), while somebody waits" test "$(of most)" -le 2
is "the journal is empty in the end" "$(find "$S/spool/journal" -type f ! -name swept | wc -l)" 0
is "and so is the spool" "$(find "$S/spool/tmp" -type f | wc -l)" 0
none_left "no process is left" "$S"
done_testing
