# Cpu.pm - CPU time and memory of ended processes, for the figures
package Cpu;
use strict;
use warnings;
use POSIX ();

# getrusage(2) counts in microseconds, and children's children that were waited for; times(2) in hundredths of a second
my %call = (x86_64 => 98, aarch64 => 165);

sub usage {
	my $call = $call{(POSIX::uname())[4]};
	my $usage = "\0" x 256;

	return unpack 'q5', $usage if $call && syscall($call, -1, $usage) == 0;
	return;
}

# user and system time of all ended children so far
sub seconds {
	if (my @t = usage()) { return $t[0] + $t[2] + ($t[1] + $t[3]) / 1e6 }
	my (undef, undef, $user, $system) = times;
	return $user + $system;
}

# kilobytes: the most that one ended child, or one of its children, had in memory at a time; undef where that is not known
sub peak { return (usage())[4] }

1;
