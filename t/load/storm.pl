#!/usr/bin/perl
# storm.pl - sends mail through a site while everything around it breaks, and accounts for each message; see t/9500-nothing-lost.t
#
# usage: storm.pl DIR MESSAGES [SEED]        DIR: made by postfix_make of t/mta/postfix.sh, with the extras of that test
# Prints "NAME VALUE" lines; what cannot be explained goes to standard error, a line each.
#
# Every message has recipients of its own: one, or two who get an output each. smtp-source sends them in batches of four kinds; a
# batch is only begun when not too many are under way. Meanwhile processes of postern are killed, as many as progress allows, and one
# after the other what is needed stops working, each time until some mail had to wait for it.
#
# Who is killed was stopped before, so that what it leaves is known: whether the journal has an entry for the recipient.
# A copy too many is explained only by
#   killed      an attempt that was handing over when it was killed, and left no entry: the documented window
#   lost reply  an attempt that had sent the message and heard no answer (the destination was stopped), RFC 1047
#   carrier     an attempt that ended well, but the carrier was stopped before it had removed the message
# and each of these explains one. An attempt killed with an entry explains none, and the next must say so in the log.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use IO::Socket::INET;
use POSIX ':sys_wait_h';
use Time::HiRes qw(time sleep);

my ($site, $total, $seed) = @ARGV;
srand($seed // 7);
my $mta = "$site/mta";
my $daemons = qx(/usr/sbin/postconf -dh daemon_directory) =~ s/\n//r;
my $batch_size = int(($total + 19) / 20);
my $patience = 600; # seconds without any progress: something is broken
my $user = getpwnam('daemon');
chomp(my $address = slurp("$mta/address"));

sub slurp { open my $f, '<', $_[0] or return ''; local $/; return <$f> // '' }
sub spew { my ($path, $text) = @_; open my $f, '>', $path or die "$path: $!\n"; print $f $text; close $f or die "$path: $!\n" }

# ---- processes of ours

my %pid; # name => process: sinks, instances, the source
sub start_process {
	my ($name, @command) = @_;
	$pid{$name} = fork // die "fork: $!\n";
	return if $pid{$name};
	open STDIN, '<', '/dev/null';
	open STDOUT, '>>', "$mta/$name.out";
	open STDERR, '>&', \*STDOUT;
	exec @command or exit 127;
}
sub end_process {
	my ($name) = @_;
	my $p = delete $pid{$name} or return;
	kill CONT => $p if kill TERM => $p;
	waitpid $p, 0;
}
my %ports = (carrier => [2525, 2526], external => [10025], internal => [10027]);
sub start_instance {
	my ($name) = @_;
	unlink "$mta/queue-$name/public/qmgr"; # there again: it runs
	start_process($name, "$daemons/master", '-c', "$mta/$name");
	wait_until("$name to start", sub { -S "$mta/queue-$name/public/qmgr" });
	for my $port (@{ $ports{$name} }) {
		wait_until("port $port of $name", sub { IO::Socket::INET->new(PeerAddr => $address, PeerPort => $port) });
	}
}
sub end_all { end_process($_) for reverse sort keys %pid }
$SIG{$_} = sub { end_all(); exit 1 } for qw(INT TERM HUP);
END { my $status = $?; end_all() if %pid; $? = $status }

sub wait_until {
	my ($what, $condition) = @_;
	my $end = time + $patience;
	until ($condition->()) { die "no end of waiting for $what\n" if time > $end; sleep 0.02 }
}

# the living of postern's account that have one of these names; modules may be the same program
sub running {
	my %names = map { ("$_\n" => 1) } @_;
	return grep {
		(stat "/proc/$_")[4] // -1 == $user and $names{ slurp("/proc/$_/comm") } and
			(readlink "/proc/$_/exe" // '') =~ m{^\Q$mta\E/programs/}
	} map { m{(\d+)$} } glob '/proc/[0-9]*';
}
sub state_and_parent { return slurp("/proc/$_[0]/stat") =~ /\) (\S) (\d+)/ ? ($1, $2) : ('gone', 0) }
sub stop_process { # true when it stands still
	my ($p) = @_;
	kill STOP => $p or return 0;
	while (1) {
		my ($state) = state_and_parent($p);
		return 1 if $state eq 'T';
		return 0 if $state =~ /gone|Z|X/;
		sleep 0.001;
	}
}

# ---- what is logged; each file is read once

my %log = map { $_ => { path => $_ eq 'postern' ? "$site/log" : "$mta/$_.log", at => 0, text => '', seen => {} } } qw(postern carrier external internal);
my (%removed, %queue_id, %handing, %accepted, %had, %lost_reply, %bounced, %unrecorded);
sub read_log {
	my ($name) = @_;
	my $l = $log{$name};
	open my $f, '<', $l->{path} or return;
	seek $f, $l->{at}, 0;
	while (defined(my $line = <$f>)) {
		last unless $line =~ /\n\z/;
		$l->{at} += length $line;
		if ($name eq 'postern') { postern_line($line) }
		else { postfix_line($name, $line) }
	}
}
sub postern_line {
	my ($process, $id, $text) = $_[0] =~ /postern\[(\d+)\] \w+: (\w+): (.*)/ or return;
	if ($text =~ /^from=<.*destination=/) { $handing{"$id/$process"} = 1 }
	elsif ($text =~ /^to=<(\S+)> \S+ accepted/) { $accepted{$1} = $id }
	elsif ($text =~ /^to=<(\S+)> had it in an earlier attempt/) { $had{$1} = 1 }
	elsif ($text =~ /could not be recorded/) { $unrecorded{$id}++ }
	elsif ($text =~ /^deferred: (\S+) (.*)/) {
		my $why = $2;
		$lost_reply{$id}++ if $handing{"$id/$process"} && $why =~ /^smtp:/ && $why !~ /refused/;
	}
	count_reason($text);
}
sub postfix_line {
	my ($name, $line) = @_;
	if ($name eq 'carrier' && $line =~ m{/qmgr\[\d+\]: (\w+): removed}) { $removed{$1} = 1 }
	my ($id, $to, $rest) = $line =~ m{(?:pipe|smtp|error|local)\[\d+\]: (\w+): to=<([^>]*)>,(.*)} or return;
	$queue_id{$to} = $id if $name eq 'carrier';
	my ($status) = $rest =~ / status=(\w+)/;
	$bounced{"$name: $to:$rest"} = 1 if $status eq 'bounced';
	count_reason($line) if $status eq 'deferred';
}
my %reasons; # pattern => number of lines since it was asked for
sub count_reason { for my $r (keys %reasons) { $reasons{$r}++ if $_[0] =~ $r } }
sub read_logs { read_log($_) for qw(postern carrier external internal) }

# ---- what arrived: recipient => { the next one's queue id => number at the sink }

my (%arrived, %read, $null_sender);
sub read_sinks {
	for my $name (qw(external internal)) {
		for my $file (glob "$site/sink/$name/*") {
			next if $read{$file};
			my $text = slurp($file);
			my ($sender) = $text =~ /^X-Mail-Args: <([^>]*)>/m or next;
			my ($to) = $text =~ /^X-Rcpt-Args: <([^>]*)>/m or next;
			my ($id) = $text =~ /^Received: .*\n(?:[ \t].*\n)*Received: (?:.*\n[ \t]+)*?.*\bid (\w+)/m or next;
			$read{$file} = $name;
			if ($sender eq '') { print STDERR "sender <>: $file\n"; $null_sender++ }
			$arrived{$to}{$id}++;
		}
	}
}

# ---- killing

my %killed = (postern => 0, child => 0, module => 0);
my (%kills_with, %kills_handing_over); # recipient => queue id, recipient => number
sub journal_entry { # of a process that stands still: is there one for its recipient?
	my ($p, $id, $to) = @_;
	for my $fd (glob "/proc/$p/fd/*") {
		next unless (readlink $fd // '') =~ m{^(\Q$site\E/spool/tmp/|/memfd:postern)}; # small messages stay in memory
		my $content = slurp($fd);
		return 1 if -e "$site/spool/journal/" . sha256_hex(join '', map { "$_\0" } $id . '-' . sha256_hex($content), 'mail', $to);
	}
	return 0;
}
sub message_of { # queue id, recipients
	my ($p) = @_;
	my @arguments = split /\0/, slurp("/proc/$p/cmdline");
	my ($id, @to);
	while (defined(my $word = shift @arguments)) {
		$id = shift @arguments if $word eq '-queue-id';
		@to = splice @arguments if $word eq '-readmail';
	}
	return ($id, @to);
}
# a message's process, which stands still: notes what it leaves
sub examine {
	my ($p) = @_;
	my ($id, @to) = message_of($p);
	read_log('postern');
	for my $to (@to) {
		if (journal_entry($p, $id, $to)) { $kills_with{$to} = $id }
		elsif ($handing{"$id/$p"}) { $kills_handing_over{$to}++ }
	}
	$killed{postern}++;
}
sub kill_one {
	my @all = running('postern');
	my %is = map { $_ => 1 } @all;
	my @parents = grep { !$is{ (state_and_parent($_))[1] } } @all;
	my $dice = rand;
	if ($dice < 0.6) {
		my $p = $parents[rand @parents] // return;
		return unless stop_process($p);
		examine($p);
		kill KILL => $p;
		return;
	}
	my ($what, @names) = $dice < 0.8 ? ('child', 'postern') : ('module', qw(rules-file keys-file check-path));
	my %names = map { ("$_\n" => 1) } @names;
	for my $parent (reverse @parents) { # who came last lives longest
		my @victims = grep { $names{ slurp("/proc/$_/comm") } } below($parent);
		next unless @victims && kill KILL => $victims[rand @victims];
		$killed{$what}++;
		return;
	}
}

# ---- what breaks, one after the other: begin, until so many messages waited for that reason, end

my %carrier_lost; # recipient => 1
sub below { return map { split ' ', slurp("/proc/$_/task/$_/children") } @_ }
sub pipes { return grep { slurp("/proc/$_/comm") eq "pipe\n" } below($pid{carrier}) }

# The carrier is stopped as by "postfix stop", in the middle of its deliveries. First all stand still, so that what each leaves is known.
sub attempts_standing {
	stop_process($pid{carrier});
	sleep 0.005 while grep { slurp("/proc/$_/comm") eq "master\n" } below($pid{carrier}); # neither are these what they will be
	my @pipes = pipes();
	stop_process($_) for @pipes;
	my @attempts;
	while (1) { # one that has just been forked is not postern yet
		@attempts = below(@pipes);
		last unless grep { (readlink "/proc/$_/exe" // '') =~ m{/pipe$} } @attempts;
		sleep 0.005;
	}
	return (\@pipes, [grep { stop_process($_) } @attempts]);
}
sub restart_carrier {
	my ($pipes, $attempts);
	while (1) {
		wait_until('an attempt', sub { running('postern') });
		($pipes, $attempts) = attempts_standing();
		last if @$attempts;
		kill CONT => $_ for @$pipes, $pid{carrier};
	}
	my @pipes = @$pipes;
	my @attempts = @$attempts;
	# Who has lost the one who waits for its exit status hands nothing more over and leaves its entries. The others had ended, or forgotten
	# theirs, but the carrier may try again what it has not removed, whatever it has logged.
	my %entry;
	for my $p (@attempts) { my ($id, @to) = message_of($p); for my $to (@to) { $entry{$to} = $kills_with{$to} = $id if journal_entry($p, $id, $to) } }
	read_logs();
	my @may = grep { !$entry{$_} && !$removed{ $accepted{$_} } } keys %accepted;
	end_process('carrier');
	kill CONT => $_ for @pipes;
	wait_until("pipe to end", sub { !grep { kill 0 => $_ } @pipes });
	kill CONT => $_ for @attempts;
	wait_until('attempts that nobody waits for', sub { !running('postern') });
	read_logs();
	$carrier_lost{$_} = 1 for grep { !$removed{ $accepted{$_} } } @may;
	start_instance('carrier');
	return scalar @attempts;
}

my %tmpfs = map { $_ => 1 } grep { $_ eq "$site/spool" } map { (split)[1] } split /\n/, slurp('/proc/mounts');
# another program in this one's place, from one moment to the next; the real one has .real behind its name, a module keeps its name
sub real { my ($program) = @_; return "$mta/programs/" . ($program eq 'postern' ? 'postern.real' : "real/$program") }
sub replace {
	my ($program, $make) = @_;
	my $path = "$mta/programs/$program";
	mkdir "$mta/programs/real", 0755;
	link $path, real($program) or die "$path: $!\n";
	$make->("$path.new");
	rename "$path.new", $path or die "$path: $!\n";
}
sub restore {
	my ($program) = @_;
	rename real($program), "$mta/programs/$program" or die "$program: $!\n";
}
sub break_module {
	my ($module, $operation, $fault) = @_;
	return [ "module $module ends while it is asked", qr/module $module: /, 5,
		sub {
			spew("$mta/programs/$module.behaviour", "proxy " . real($module) . "\nat $operation $fault\n");
			replace($module, sub { symlink 'fake-module', $_[0] or die "$_[0]: $!\n" });
		},
		sub { restore($module) } ];
}
my @troubles = (
	[ 'the external instance is stopped', qr/partner\.example>.*status=deferred/, 5,
		sub { end_process('external') }, sub { start_instance('external') } ],
	($tmpfs{"$site/spool"} ? [ 'the spool is full', qr/^deferred: .*spool|^exit 75: .*No space left on device/, 5,
		sub { open my $f, '>', "$site/spool/fill" or die "$!\n"; 1 while syswrite $f, "\0" x 4096; },
		sub { system('mount', '-o', 'remount,size=64M', "$site/spool") == 0 or die "mount: $?\n" } ] : ()),
	break_module('check-path', 'check-certificate', 'exit 3'),
	[ 'the internal instance is stopped', qr/behoerde\.example>.*status=deferred/, 5,
		sub { end_process('internal') }, sub { start_instance('internal') } ],
	break_module('rules-file', 'decide', 'kill'),
	[ 'hardly any processes are allowed', qr/Resource temporarily unavailable/, 5,
		sub { replace('postern', sub { spew($_[0], "#!/bin/sh\nexec prlimit --nproc=3 -- \"\$0.real\" \"\$@\"\n"); chmod 0755, $_[0] }) },
		sub { restore('postern') } ],
	break_module('keys-file', 'hello', 'truncated'),
	[ 'the carrier is restarted', qr/partner\.example>.*status=deferred/, 5, sub { end_process('external') },
		sub { start_instance('external'); print 'cut-off ', restart_carrier(), "\n" } ],
);
my $trouble;
my $troubles = @troubles;
my $done = 0;
# What is sent while a trouble lasts was kept for it: so there is mail that it meets.
sub may_send { return $total - 2 * $batch_size * @troubles }
sub troubles_go_on {
	my ($sent, $source_runs) = @_;
	return if $source_runs; # a source that meets no carrier gives up and does not say what it has sent
	if ($trouble) {
		my (undef, $reason, $number, undef, $end) = @$trouble;
		return if $reasons{$reason} < $number;
		$end->();
		%reasons = ();
		$done++;
		undef $trouble;
	} elsif (@troubles && $sent + $batch_size > may_send()) {
		$trouble = shift @troubles;
		print STDERR sprintf("# %.0f s: %s\n", time - $^T, $trouble->[0]) if $ENV{POSTERN_STORM};
		%reasons = ($trouble->[1] => 0);
		$trouble->[3]->();
	}
}

# ---- the storm

my %kinds = (
	out => ['2525', '-f', 'alice@behoerde.example', '-l', 2000, '-t', 'bob@partner.example'],
	sealed => ['2526', '-f', 'bob@partner.example', '-F', "$site/in.eml", '-t', 'alice@behoerde.example'],
	# too long to be kept in memory: these need the spool
	plain => ['2526', '-f', 'carol@elsewhere.example', '-l', 100000, '-t', 'anna@behoerde.example'],
);
$kinds{two} = ['2525', '-r', 2, @{ $kinds{out} }[1 .. 6]]; # who is in neither To nor Cc gets an output of his own
my @order = qw(out sealed two plain);
my (%expected, $sent);
my $batch = 0;
sub next_batch {
	my $kind = $order[$batch % @order];
	my ($port, @options) = @{ $kinds{$kind} };
	my $n = $total - $sent < $batch_size ? $total - $sent : $batch_size;
	my $name = sprintf '-%d-', ++$batch;
	$options[-1] = $name . $options[-1];
	$expected{ $_ . $options[-1] } = 1 for 1 .. ($kind eq 'two' ? 2 * $n : $n);
	start_process('source', 'smtp-source', '-4', '-N', '-s', 20, '-m', $n, @options, "$address:$port");
	$sent += $n;
}
sub source_runs {
	return 0 unless $pid{source};
	return 1 unless waitpid $pid{source}, WNOHANG;
	die "smtp-source: status $?: " . slurp("$mta/source.out") if $?;
	delete $pid{source};
	return 0;
}
sub kills { return $killed{postern} + $killed{child} + $killed{module} }
sub flush { for my $name (qw(carrier external internal)) { system("postqueue -c $mta/$name -f >/dev/null 2>&1") } }
sub queue_files { return `find $mta/queue-carrier $mta/queue-external $mta/queue-internal -type f -perm -u=x \\( -path '*/incoming/*' -o -path '*/active/*' -o -path '*/deferred/*' -o -path '*/maildrop/*' -o -path '*/hold/*' -o -path '*/corrupt/*' \\)` }

start_process("sink-$_->[0]", 'smtp-sink', '-4', '-u', 'daemon', '-d', "$site/sink/$_->[0]/m.", "$address:$_->[1]", 200)
	for ['external', 10024], ['internal', 10023];
start_instance($_) for qw(carrier external internal);

my $started = time;
$sent = 0;
my ($last_progress, $last_number, $last_flush, $last_look) = (time, 0, time, 0);
while (1) {
	my $runs = source_runs();
	read_logs();
	if (time > $last_look + 0.5) { read_sinks(); $last_look = time } # that costs most here
	my $number = keys %arrived;
	($last_number, $last_progress) = ($number, time) if $number != $last_number;
	troubles_go_on($sent, $runs);
	next_batch() if !$pid{source} && $sent < $total && ($trouble || !@troubles || $sent + $batch_size <= may_send()) && keys(%expected) - $number < 4 * $batch_size;
	kill_one() if kills() < 20 + $number / 8 && !$trouble;
	last if $sent >= $total && $number >= keys %expected && !@troubles && !$trouble && !queue_files();
	if ($sent >= $total && time > $last_flush + 2) { flush(); $last_flush = time }
	if (time > $last_progress + $patience) { print STDERR "no progress for $patience s\n"; last }
	sleep 0.04;
}
printf "seconds %.0f\n", time - $started;
wait_until('the last process', sub { !running('postern') });
read_logs();
end_all();
read_sinks();

# ---- the account

my ($twice, $unexplained, $unnoticed) = (0, 0, 0);
my %because = (killed => 0, 'lost reply' => 0, carrier => 0, unrecorded => 0);
for my $to (sort keys %arrived) {
	my $more = keys(%{ $arrived{$to} }) - 1;
	next if $more <= 0;
	$twice += $more;
	my $id = $queue_id{$to} // '';
	my %can = (killed => $kills_handing_over{$to} // 0, 'lost reply' => $lost_reply{$id} // 0,
		carrier => $carrier_lost{$to} // 0, unrecorded => $unrecorded{$id} // 0);
	for my $reason (sort keys %can) { while ($more && $can{$reason}) { $because{$reason}++; $can{$reason}--; $more-- } }
	next unless $more;
	$unexplained += $more;
	print STDERR "unexplained: $to $id as ", join(' ', sort keys %{ $arrived{$to} }), "; killed while handing over: ",
		$kills_handing_over{$to} // 0, $kills_with{$to} ? ', with an entry' : '', "\n";
}
for my $to (sort keys %kills_with) {
	next if $had{$to};
	$unnoticed++;
	print STDERR "killed with an entry, but no later attempt said so: $to $kills_with{$to}\n";
}
my @missing = grep { !$arrived{$_} } sort keys %expected;
my @strange = grep { !$expected{$_} } sort keys %arrived;
print STDERR "missing: $_ ", $queue_id{$_} // '', "\n" for @missing;
print STDERR "nobody sent to $_\n" for @strange;
print STDERR "bounced: $_\n" for sort keys %bounced;
print STDERR "left in a queue: $_" for queue_files();
printf "%s %s\n", @$_ for ['sent', $sent], ['recipients', scalar keys %expected], ['arrived', scalar keys %arrived], ['missing', scalar @missing], ['strange', scalar @strange],
	['bounced', scalar keys %bounced], ['reports', $null_sender // 0], ['queued', scalar(() = queue_files())], ['twice', $twice],
	['unexplained', $unexplained], ['unnoticed', $unnoticed], ['troubles', "$done of $troubles"], ['killed-postern', $killed{postern}],
	['killed-child', $killed{child}], ['killed-module', $killed{module}], ['killed-with-entry', scalar keys %kills_with],
	['killed-handing-over', scalar keys %kills_handing_over],
	['because', join ', ', map { "$because{$_} $_" } sort keys %because];
