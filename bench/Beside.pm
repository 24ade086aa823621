# Beside.pm - a warm module beside the bare calls of its library: what the module adds, and what the boundary between processes adds
#
# Four ways to the same answers, in turn, in rounds; medians:
#   nothing  a process that answers frames of the same length and does nothing: waking it, and the pipes
#   loop     the bare calls, one after the other, by a process that nobody disturbs
#   asked    the bare calls, by a process that is asked for each (or for so many at once) as the module is, with frames of the same length
#   module   the module
# CPU is that of the process that answers, in microseconds for each item; what it takes to start is not in it.  Time is what goes by from
# one answer to the next, the server's included; the pipes' with it.
#
# A client is what an operator would do the same with (ldapsearch, psql): its start, which is a run with one item, is not counted either.
package Beside;
use strict;
use warnings;
use Cpu;
use KeysFile;
use Time::HiRes;

our $rounds = 7;
my $header = 0;

sub frame { return length($_[0]) . "\n" . $_[0] }

sub asker { # file, frames not counted, command... -> CPU, wall, bytes, refusals
	my @command = @_;
	open my $p, '-|', "$BUILD/bench/asker", @command or die;
	my $line = <$p> // '';
	close $p;
	return $line =~ /^(\d+) (\d+) (\d+) (\d+)$/ ? ($1, $2, $3, $4) : die "asker @command failed\n";
}

sub median { my @s = sort { $a <=> $b } @_; return $s[@s / 2] }

sub hello {
	return "<hello protocol=\"1.0\" role=\"keys\" postern=\"0\" config=\"$_[0]\" queue-id=\"Q\" log-level=\"error\" deadline=\"3600000\" " .
		'operations="find-certificates find-keys sign unwrap agree"/>';
}

# %o: config, warm => [documents that are not counted], ask => sub { (id, items...) -> document }, bare_ask, where the bare calls want another
# text, items => [...], of which the first is not counted, at_once => N (default 1), module => [command], bare => [command].
# client => sub { (items...) -> command that asks for them }, client_name: optional.
# Prints a line, and one for the client; returns (module/loop, module/asked).
sub compare {
	my ($name, %o) = @_;
	my $at_once = $o{at_once} || 1;
	my $requests = int((@{$o{items}} - 1) / $at_once);
	my $n = $requests * $at_once;
	my @warm = (hello($o{config}), @{$o{warm} || []});
	my $file = sub { # name, ask, items of one request
		my ($name, $ask, $many) = @_;
		my ($first, @items) = @{$o{items}};
		my @documents = map { $ask->($_, splice @items, 0, $many) } 1 .. $n / $many;
		return put("$T/$name", join '', map { frame($_) } @warm, $ask->(0, $first), @documents);
	};
	my $bare_ask = $o{bare_ask} || $o{ask};
	my @ways = (
		[module => $file->('module', $o{ask}, $at_once), @{$o{module}}],
		[asked => $file->('asked', $bare_ask, $at_once), @{$o{bare}}],
		[loop => $file->('loop', $bare_ask, $n), @{$o{bare}}],
		[nothing => "$T/module", '-nothing'],
	);
	my (%cpu, %rate, $bytes);
	for my $round (1 .. $rounds) {
		for my $way (@ways) {
			my ($word, $file, @command) = @$way;
			push @command, $bytes if $word eq 'nothing';
			my ($cpu, $wall, $length, $refused) = asker($file, @warm + 1, @command);
			die "$name: $refused refused\n" if $refused;
			$bytes = int($length / $requests) if $word eq 'module';
			push @{$cpu{$word}}, $cpu / $n;
			push @{$rate{$word}}, $n / $wall * 1e6;
		}
	}
	my $times = sub { # more is dearer: of CPU, and of time
		my ($of, $one, $other) = @_;
		return median(map { $of->{$one}[$_] / $of->{$other}[$_] } 0 .. $rounds - 1);
	};
	my ($a, $b) = map { $times->(\%cpu, 'module', $_) } qw(loop asked);
	my @cpu = map { median(@{$cpu{$_}}) } qw(nothing loop asked module);
	my @rate = map { median(@{$rate{$_}}) } qw(loop asked module);
	printf "%-33s %33s %22s %26s\n%-33s %8s %8s %7s %7s %7s %7s %7s %8s %8s %8s\n", '', 'CPU us each', 'module beside', 'each second',
		'', qw(nothing loop asked module loop asked time loop asked module) if !$header++;
	printf "%-33s %8.1f %8.1f %7.1f %7.1f %7.2f %7.2f %7.2f %8.0f %8.0f %8.0f\n", $name, @cpu, $a, $b, $times->(\%rate, 'asked', 'module'), @rate;
	client(\%o, $cpu[3], $rate[2]) if $o{client};
	return ($a, $b);
}

sub run { # input, command... -> CPU, time
	my ($input, @command) = @_;
	my ($cpu, $time) = (Cpu::seconds(), Time::HiRes::time());
	my $pid = fork // die;
	if (!$pid) {
		open STDIN, '<', $input or die;
		open STDOUT, '>', "$T/output" or die;
		open STDERR, '>', "$T/errors" or die;
		exec @command or die;
	}
	waitpid $pid, 0;
	die "@command failed: $?\n" . slurp("$T/errors") if $?;
	return (Cpu::seconds() - $cpu, Time::HiRes::time() - $time);
}

sub client { # what compare was given, the module's CPU and look-ups a second
	my ($o, $cpu, $rate) = @_;
	my ($first, @items) = @{$o->{items}};
	my (@cpu, @rate);
	for (1 .. $rounds) {
		my ($start, $begun) = run('/dev/null', $o->{client}->($first));
		my ($all, $took) = run('/dev/null', $o->{client}->($first, @items));
		push @cpu, ($all - $start) / @items * 1e6;
		push @rate, @items / ($took - $begun);
	}
	my ($mine, $a_second) = (median(@cpu), median(@rate));
	printf "%-33s %8s %8s %7.1f %7s %7s %7.2f %7.2f %8s %8.0f\n", "  $o->{client_name}", '', '', $mine, '', '', $cpu / $mine, $a_second / $rate, '', $a_second;
}

# The request for certificates of these addresses.
sub find_certificates { my ($id, @addresses) = @_; return "<find-certificates id=\"$id\">" . join('', map { "<address>$_</address>" } @addresses) . '</find-certificates>' }

1;
