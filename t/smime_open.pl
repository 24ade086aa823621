# smime_open.pl - what the Perl tests of opening share: running commands, reading the helper's lines, keys
use strict;
use warnings;
use Cwd 'abs_path';
use Digest::SHA 'sha256_hex';
use File::Basename 'dirname';
use File::Temp 'tempdir';

our $src = abs_path(dirname(__FILE__) . '/..');
our $build = $ENV{POSTERN_BUILD} || "$src/build";
our $corpora = $ENV{POSTERN_CORPORA} || "$src/../shared/corpora";
our $dir = tempdir('postern-test.XXXXXX', TMPDIR => 1, CLEANUP => 1);
delete $ENV{OPENSSL_CONF};
$ENV{OPENSSL_CONF} = '/dev/null';

sub slurp { my ($file) = @_; open my $f, '<:raw', $file or die "$file: $!"; local $/; my $s = <$f>; return $s // '' }
sub spew { my ($file, $bytes) = @_; open my $f, '>:raw', $file or die "$file: $!"; print $f $bytes; close $f; return $file }

# A command without a shell; its standard output, undef if it fails.
sub output {
	my (@command) = @_;
	my $pid = open(my $from, '-|') // die "fork: $!";
	if (!$pid) { open STDERR, '>>', "$dir/stderr"; exec @command or exit 127 }
	binmode $from;
	local $/;
	my $out = <$from>;
	close $from;
	return $? == 0 ? $out // '' : undef;
}

sub openssl {
	my (@arguments) = @_;
	my $out = output('openssl', @arguments);
	die "openssl @arguments: " . slurp("$dir/stderr") if !defined $out;
	return $out;
}

# Opens a file with the helper; the hash has exit, looks, layers [{kind, status, ..., signer_list => [{}]}],
# content {sha256, ...}, leaves {path => hash}, error.
sub open_message {
	my (@arguments) = @_;
	my $pid = open(my $from, '-|') // die "fork: $!";
	if (!$pid) { open STDERR, '>>', "$dir/stderr"; exec "$build/t/helper/smime-open", @arguments or exit 127 }
	my %r = (layers => [], leaves => {}, error => '');
	while (my $line = <$from>) {
		chomp $line;
		my ($what, $rest) = split / /, $line, 2;
		my $why = $rest =~ s/ ?why=(.*)$// ? $1 : '';
		my %fields = (why => $why, map { /^([a-z0-9_]+)=(.*)$/ ? ($1 => $2) : () } split / /, $rest);
		if ($what eq 'layer') { push @{$r{layers}}, \%fields }
		elsif ($what eq 'signer') { push @{$r{layers}[-1]{signer_list}}, \%fields }
		elsif ($what eq 'leaf') { my @w = split / /, $rest; $r{leaves}{$w[0]} = { type => $w[1], hash => $w[2] } }
		elsif ($what eq 'error') { $r{error} = $rest }
		else { $r{$what} = \%fields }
	}
	close $from;
	$r{exit} = $? & 127 ? 'signal ' . ($? & 127) : $? >> 8;
	return \%r;
}

# One word a layer, as the manifests of the corpora write it.
sub layer_word {
	my ($layer) = @_;
	my $status = $layer->{status};
	return 'nested' if $layer->{kind} eq 'nested';
	return 'malformed' if $status eq 'malformed' || $status eq 'refused';
	if ($status eq 'unsupported') { (my $what = $layer->{why}) =~ s/^unsupported: //; return "unsupported:$what" }
	return $status if $status ne 'open';
	return 'decrypts' if $layer->{kind} =~ /enveloped$/;
	return 'certs-only' if $layer->{kind} eq 'certs-only';
	my @signers = @{$layer->{signer_list} || []};
	return 'no-signer' if !@signers;
	for my $signer (@signers) {
		return $signer->{why} =~ /^malformed/ ? 'malformed' : 'bad-signature' if $signer->{status} eq 'bad';
	}
	for my $signer (@signers) {
		(my $what = $signer->{why}) =~ s/^unsupported: //;
		return "unsupported:$what" if $signer->{status} eq 'unsupported';
		return 'no-certificate' if $signer->{status} eq 'no-certificate';
	}
	return 'verifies';
}

sub words { my ($r) = @_; return join ' ', $r->{error} ? "error:$r->{error}" : (), map { layer_word($_) } @{$r->{layers}} }

# Keys of our own, with certificates that name an address; each in one PEM file.
my %kinds = (
	rsa => ['-newkey', 'rsa:2048'],
	rsa2 => ['-newkey', 'rsa:2048'],
	ec => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
	ec384 => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
	brainpool => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:brainpoolP256r1'],
	ed25519 => ['-newkey', 'ed25519'],
);
sub make_key {
	my ($name) = @_;
	my $file = "$dir/$name.pem";
	return $file if -e $file;
	openssl('req', '-x509', '-config', '/dev/null', '-nodes', '-days', 30, '-subj', "/CN=$name", @{$kinds{$name}},
		'-addext', "subjectAltName=email:$name\@example.org", '-addext', 'subjectKeyIdentifier=hash',
		'-keyout', "$file.key", '-out', "$file.crt");
	spew($file, slurp("$file.key") . slurp("$file.crt"));
	return $file;
}

1;
