# PathPki.pm - makes certificates and CRLs with openssl, for the tests of check-path
package PathPki;
use strict;
use warnings;
use Exporter 'import';
use File::Temp 'tempdir';
use POSIX 'strftime';

our @EXPORT = qw(pki_directory key certificate crl flip at);

my $dir = tempdir('postern-pki.XXXXXX', TMPDIR => 1, CLEANUP => 1);
sub pki_directory { $dir }

sub run {
	my $out = qx(@_ 2>&1);
	die "failed: @_\n$out" if $?;
}

# key(name, genpkey arguments...): a private key; made once.
sub key {
	my ($name, @how) = @_;
	@how = qw(-algorithm EC -pkeyopt ec_paramgen_curve:P-256) unless @how;
	run('openssl', 'genpkey', @how, '-out', "$dir/$name.key") unless -e "$dir/$name.key";
	return "$dir/$name.key";
}

my %of; # name => {key, subject, file}
my $serial = 100;

# certificate(name, by => issuer's name, subject, key => key's name, days, hash, serial, extensions => [...]):
# returns the file.  Without `by' it is self-signed.
sub certificate {
	my ($name, %o) = @_;
	my $by = $o{by} ? $of{$o{by}} : undef;
	my $key = $o{key} ? "$dir/$o{key}.key" : key($name);
	my @extensions = @{$o{extensions} // []};
	open my $c, '>', "$dir/$name.cnf" or die;
	print $c "[req]\ndistinguished_name = dn\nstring_mask = utf8only\nutf8 = yes\n[dn]\n[ext]\n",
		map { "$_\n" } 'subjectKeyIdentifier = hash', @extensions, @{$o{sections} // []};
	close $c or die;
	my $subject = $o{subject} // "/CN=$name";
	my @issuer = $by ? ('-CA', $by->{file}, '-CAkey', $by->{key}) : ();
	run('openssl', 'req', '-new', '-x509', '-utf8', '-config', "$dir/$name.cnf", '-extensions', 'ext', '-key', $key,
		'-subj', "'$subject'", '-days', $o{days} // 3000, '-' . ($o{hash} // 'sha256'), '-set_serial',
		$o{serial} // $serial++, @issuer, '-out', "$dir/$name.pem");
	$of{$name} = { key => $key, file => "$dir/$name.pem" };
	return "$dir/$name.pem";
}

sub stamp { strftime('%y%m%d%H%M%SZ', gmtime($_[0])) }

# crl(name, by => issuer's name, revoked => [serial hex...], from, to (days from now), extensions): returns the file.
sub crl {
	my ($name, %o) = @_;
	my ($by, $now) = ($of{$o{by}}, time);
	open my $db, '>', "$dir/$name.db" or die;
	print $db join("\t", 'R', stamp($now + 86400 * 3000), stamp($now - 3600), $_, 'unknown', "/CN=$_") . "\n"
		for @{$o{revoked} // []};
	close $db or die;
	open my $attr, '>', "$dir/$name.db.attr" or die;
	print $attr "unique_subject = no\n";
	close $attr or die;
	open my $n, '>', "$dir/$name.number" or die;
	printf $n "%02X\n", $o{number} // 1;
	close $n or die;
	open my $c, '>', "$dir/$name.cnf" or die;
	print $c "[ca]\ndefault_ca = d\n[d]\ndatabase = $dir/$name.db\ncrlnumber = $dir/$name.number\n",
		"default_md = sha256\ncrl_extensions = e\n[e]\nauthorityKeyIdentifier = keyid\n",
		map { "$_\n" } @{$o{extensions} // []};
	close $c or die;
	run('openssl', 'ca', '-config', "$dir/$name.cnf", '-gencrl', '-cert', $by->{file}, '-keyfile', $by->{key},
		'-crl_lastupdate', stamp($now + 86400 * ($o{from} // -1)), '-crl_nextupdate', stamp($now + 86400 * ($o{to} // 10)),
		'-out', "$dir/$name.crl");
	return "$dir/$name.crl";
}

# The bytes with one bit of the byte at this offset from the end changed.
sub flip {
	my ($bytes, $from_end) = @_;
	substr($bytes, -$from_end, 1) ^= "\x01";
	return $bytes;
}

# at(days): the time in so many days as the protocol writes it.
sub at { strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + 86400 * $_[0])) }

1;
