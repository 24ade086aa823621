#!/usr/bin/perl
# throughput.pl - the rounds of bench/throughput: sends, waits for the sink, counts CPU time; see there
#
# usage: throughput.pl SINK ADDRESS CARRIER SECOND ROUNDS MESSAGES SIZE SESSIONS "NAME:PORT ..." NAME...
# SINK: what smtp-sink -c writes; CARRIER, SECOND: process ids of the two master(8).
#
# CPU time is read from /proc: what the living processes of a Postfix have used, and what those used that they waited for.
# pipe(8)'s children are the filter; neither its processes nor the rest of Postfix end meanwhile (max_use, max_idle).
use strict;
use warnings;
use POSIX qw(:sys_wait_h sysconf _SC_CLK_TCK);
use Time::HiRes qw(time sleep);

my ($sink, $address, $carrier, $second, $rounds, $messages, $size, $sessions, $listeners, @names) = @ARGV;
my %port = map { split /:/ } split ' ', $listeners;
my $tick = sysconf(_SC_CLK_TCK);
my $patience = 600; # seconds without any message at the sink: something is broken

sub slurp { open my $f, '<', $_[0] or return ''; local $/; return <$f> // '' }

# number of messages the sink has taken
sub arrived {
	open my $f, '<', $sink or die "$sink: $!\n";
	seek $f, -s $f > 400 ? -400 : 0, 2;
	my @counts = do { local $/; <$f> } =~ /mesg=(\d+)/g;
	return $counts[-1] // 0;
}

# pid => [name, parent, own ticks, ticks of ended children]
sub processes {
	my %p;
	for my $file (glob '/proc/[0-9]*/stat') {
		my ($pid, $name, $rest) = slurp($file) =~ /^(\d+) \((.*)\) (.*)$/s or next;
		my @f = split ' ', $rest;
		$p{$pid} = [$name, $f[1], $f[11] + $f[12], $f[13] + $f[14]];
	}
	return \%p;
}

# seconds so far: carrier, filter, second; and the machine's: busy, all
sub cpu {
	my $p = processes();
	my %used = (carrier => 0, filter => 0, second => 0);
	for my $pid (keys %$p) {
		my ($name, $parent, $own, $ended) = @{ $p->{$pid} };
		my $at = $pid;
		$at = $p->{$at}[1] while $p->{$at} && $at != $carrier && $at != $second;
		next unless $p->{$at};
		my $part = $at == $carrier ? 'carrier' : 'second';
		my $below = $pid == $carrier || $pid == $second || $parent == $carrier || $parent == $second;
		$used{ $below ? $part : 'filter' } += $own / $tick;
		$used{ $name eq 'pipe' || !$below ? 'filter' : $part } += $ended / $tick;
	}
	my (undef, @all) = split ' ', slurp('/proc/stat') =~ /^(cpu .*)$/m ? $1 : '';
	my $sum = 0;
	$sum += $_ for @all[0 .. 7];
	@used{qw(idle waiting machine)} = ($all[3] / $tick, $all[4] / $tick, $sum / $tick);
	return \%used;
}

# how many filters run right now: children of pipe(8)
sub in_filter {
	my $p = processes();
	return scalar grep { my $parent = $p->{ $_->[1] }; $parent && $parent->[0] eq 'pipe' && $_->[0] ne 'pipe' } values %$p;
}


# one round of one set-up
sub measure {
	my ($name) = @_;
	my $before = cpu();
	my $first = arrived();
	my $start = time;
	my $source = fork // die "fork: $!\n";
	if (!$source) {
		exec 'smtp-source', '-4', '-s', $sessions, '-m', $messages, '-l', $size, '-f', 'alice@behoerde.example', '-t', 'bob@partner.example',
			'-S', "bench $name", "$address:$port{$name}" or die "smtp-source: $!\n";
	}
	my ($at, $n, $last, $filters, $looks) = ($start, 0, $start, 0, 0);
	while (1) {
		sleep 0.02;
		my $now = arrived() - $first;
		($n, $last) = ($now, time) if $now > $n;
		last if $n >= $messages;
		die "$name: $n of $messages arrived, none for $patience s\n" if time > $last + $patience;
		if ($looks * 0.5 < time - $start) { $filters += in_filter(); $looks++ }
	}
	waitpid $source, 0;
	die "$name: smtp-source: status $?\n" if $?;
	my $seconds = $last - $start;
	sleep 0.3; # the queues are tidied up
	my $after = cpu();
	my %r = map { $_ => 1000 * ($after->{$_} - $before->{$_}) / $messages } qw(carrier filter second);
	my $machine = $after->{machine} - $before->{machine};
	$r{rate} = $messages / $seconds;
	$r{busy} = 100 * (1 - ($after->{idle} + $after->{waiting} - $before->{idle} - $before->{waiting}) / $machine);
	$r{waiting} = 100 * ($after->{waiting} - $before->{waiting}) / $machine;
	$r{filters} = $looks ? $filters / $looks : 0;
	return \%r;
}

sub median { my @s = sort { $a <=> $b } @_; return @s % 2 ? $s[@s / 2] : ($s[@s / 2 - 1] + $s[@s / 2]) / 2 }

my %all;
for my $round (0 .. $rounds) {
	for my $name (@names) {
		die "$name: no such set-up\n" unless $port{$name};
		my $r = measure($name);
		push @{ $all{$name} }, $r if $round; # the first warms all up
		printf STDERR "\r%-40s", sprintf 'round %d of %d: %s %.1f', $round, $rounds, $name, $r->{rate} if -t STDERR;
	}
}

print STDERR "\r", ' ' x 40, "\r" if -t STDERR;
printf "%d rounds of %d messages of %d bytes from %d sessions\n\n", $rounds, $messages, $size, $sessions;
printf "%-12s %22s   %31s   %4s %4s   %s\n", '', 'messages a second', 'CPU ms a message', 'busy', 'disk', 'filters';
printf "%-12s %8s %13s   %7s %7s %7s %7s   %4s %4s   %s\n", '', 'median', 'range', 'carrier', 'filter', 'second', 'all', '%', '%', 'at a time';
my (%total, %of);
for my $name (@names) {
	for my $what (qw(rate carrier filter second busy waiting filters)) { $of{$what} = median(map { $_->{$what} } @{ $all{$name} }) }
	my @rates = sort { $a <=> $b } map { $_->{rate} } @{ $all{$name} };
	$total{$name} = $of{carrier} + $of{filter} + $of{second};
	printf "%-12s %8.1f %6.1f-%-6.1f   %7.1f %7.1f %7.1f %7.1f   %4.0f %4.0f   %.1f\n", $name, $of{rate}, $rates[0], $rates[-1],
		@of{qw(carrier filter second)}, $total{$name}, @of{qw(busy waiting filters)};
}

# the goals: at least so many times the throughput of the other; ratios are taken round by round
my @goals = (['command-ec', 'shell-ec', 2], ['command-rsa', 'shell-rsa', 2], ['smtp-ec', 'shell-ec', 2], ['smtp-rsa', 'shell-rsa', 2],
	['smtp-sign', 'null', 1]);
my $missed = 0;
print "\n";
for my $goal (@goals) {
	my ($ours, $theirs, $least) = @$goal;
	next unless $all{$ours} && $all{$theirs};
	my $ratio = median(map { $all{$ours}[$_]{rate} / $all{$theirs}[$_]{rate} } 0 .. $rounds - 1);
	$missed += $ratio < $least;
	printf "%-12s %5.2f times %-10s (goal: %.0f%s); CPU time %.2f of its\n", $ours, $ratio, $theirs, $least,
		$ratio < $least ? ', missed' : '', $total{$ours} / $total{$theirs};
}
exit($missed ? 1 : 0);
