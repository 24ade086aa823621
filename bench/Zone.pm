# Zone.pm - a signed zone "signed.example" with certificates, on a name server (nsd) at a free loopback port, ended with the program
package Zone;
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use Exporter 'import';
use IO::Socket::INET;
use KeysFile;
use Time::HiRes qw(sleep);

our @EXPORT = qw(zone zone_name);

my $nsd;
END { kill('TERM', $nsd), waitpid($nsd, 0) if $nsd }

# Where the certificate of LOCAL@signed.example stands (RFC 8162 section 3).
sub zone_name { return substr(sha256_hex($_[0]), 0, 56) . '._smimecert.signed.example' }

# The zone has a certificate (DER) for each local part; returns the server's port and the file of the trust anchor.
sub zone { # { local part => DER }
	my ($has) = @_;
	local $ENV{PATH} = "$ENV{PATH}:/usr/sbin";
	my $record = sub { return zone_name($_[0]) . '. IN TYPE53 \\# ' . (length($_[1]) + 3) . ' 030000' . unpack('H*', $_[1]) . "\n" };
	put("$T/signed.example", "\$ORIGIN signed.example.\n\$TTL 300\n\@ IN SOA ns hostmaster 1 3600 600 86400 300\n\@ IN NS ns\nns IN A 127.0.0.1\n"
		. join '', map { $record->($_, $has->{$_}) } sort keys %$has);
	chomp(my $key = `cd '$T' && ldns-keygen -a ECDSAP256SHA256 -k signed.example`);
	system("cd '$T' && ldns-signzone -e 20601231000000 -f signed signed.example $key") == 0 or die "ldns-signzone: $?\n";
	my $port = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')->sockport;
	put("$T/nsd.conf", "server:\n ip-address: 127.0.0.1\@$port\n username: \"\"\n zonesdir: \"$T\"\n database: \"\"\n zonelistfile: \"$T/list\"\n"
		. " xfrdfile: \"$T/xfrd\"\n xfrdir: \"$T\"\n pidfile: \"$T/pid\"\n logfile: \"$T/nsd.log\"\n server-count: 1\nremote-control:\n"
		. " control-enable: no\nzone:\n name: signed.example\n zonefile: signed\n");
	$nsd = fork // die;
	if (!$nsd) {
		open STDERR, '>', '/dev/null';
		exec 'nsd', '-d', '-c', "$T/nsd.conf" or POSIX::_exit(127);
	}
	sleep 0.1 until -e "$T/nsd.log" && slurp("$T/nsd.log") =~ /nsd started/ || waitpid($nsd, 1) > 0;
	return ($port, "$T/$key.key");
}

1;
