#!/usr/bin/perl
# 6400-corpora-certificates.t - certificates of other people's test suites, with the results their manifests state
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/helper";
use PathCheck;
use Test::More;

my $set = corpora() . '/smime';
plan skip_all => "no corpora at $set" unless -d $set;

# Stated path-valid by a measurement that knows no purpose, or has lower floors than RFC 8550.
my $no_mail = 'the path is good, but the certificate is not for mail';
my $weak = 'below the floors of RFC 8550 and BSI TR-02102';
my %deviates = (
	'openssl/smime-certs/csrsa1.pem' => ['invalid wrong-purpose', $no_mail],
	'openssl/smime-certs/smroot.pem' => ['invalid wrong-key-usage', $no_mail],
	'openssl/smime-certs/smrsa1024.pem' => ['invalid weak-key', $weak],
	'openssl/smime-certs/smdh.pem' => ['invalid wrong-key-usage', 'a DH key whose key usage lacks keyAgreement'],
	(map { ("rfc9216/$_.cert.pem" => ['invalid wrong-key-usage', $no_mail]) } qw(ca-ed25519
		ca-ed25519.cross-signed-by-rsa ca-rsa ca-rsa.cross-signed-by-ed25519)),
	(map { ("rfc4134/$_.cer" => ['invalid weak-key', $weak]) } qw(AliceDSSSignByCarlNoInherit AliceRSASignByCarl
		BobRSASignByCarl DianeRSASignByCarl)),
	(map { ("rfc4134/$_.cer" => ['invalid weak-key', $weak]) } qw(CarlDSSSelf CarlRSASelf)),
);

sub answer_for {
	my ($dir, $row, $purpose) = @_;
	my $site = site();
	put($site, ca => "$set/$dir/$row->{key_cert}");
	my ($leaf, @others) = ders("$set/$dir/$row->{file}");
	return ask($site, certificate => $leaf, candidates => \@others, purpose => $purpose);
}

my %used;
for my $manifest (sort glob "$set/*/manifest.tsv") {
	my ($dir) = $manifest =~ m{([^/]+)/manifest.tsv$};
	open my $f, '<', $manifest or die;
	chomp(my @names = split /\t/, <$f>);
	while (<$f>) {
		chomp;
		my %row;
		@row{@names} = split /\t/;
		next if $row{kind} ne 'cert' || $row{expected} !~ /^(?:path-(?:in)?valid|unsupported:.*)$/;
		# good for one of the two purposes is good
		my ($a, $other) = map { answer_for($dir, \%row, $_) } qw(sign encrypt);
		$a = $other if $other->{verdict} eq 'valid' || $a->{reason} eq 'wrong-key-usage';
		my $name = "$dir/$row{file}";
		my $deviation = $deviates{$name};
		$used{$name}++;
		if ($deviation) {
			is("$a->{verdict} $a->{reason}", $deviation->[0], "$name: $deviation->[1]") or diag $a->{text};
		} elsif ($row{expected} eq 'path-valid') {
			is($a->{verdict}, 'valid', $name) or diag "$a->{reason}: $a->{text}";
		} else {
			isnt($a->{verdict}, 'valid', "$name: $a->{verdict} $a->{reason}") or diag $row{note};
		}
	}
}
is_deeply([grep { !$used{$_} } sort keys %deviates], [], 'every deviation is one');
cmp_ok(scalar keys %used, '>=', 50, 'enough rows were found');
done_testing;
