#!/usr/bin/perl
# 6100-bsi-paths.t - the certification path tests of the German BSI, with the results it states
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/helper";
use PathCheck;
use Test::More;

my $set = corpora() . '/path/bsi-cpt';
plan skip_all => "no corpora at $set" unless -f "$set/manifest.tsv";

# BSI says invalid; here the word is the third one, "unknown": nothing speaks against the certificate itself, but
# what would speak for it is missing or cannot be used.  It is never "valid".
my %unknown = (
	common_02 => 'no-path',     # no anchor at all
	common_04 => 'unsupported-algorithm',
	CRL_01 => 'crl-missing',    # no CRL
	CRL_04 => 'crl-invalid',    # its signature is wrong
	CRL_06 => 'crl-invalid',    # unknown critical extension
	CRL_08 => 'crl-expired',    # not valid yet
	CRL_09 => 'crl-expired',
	CRL_11 => 'crl-invalid',    # critical entry extension
	CRL_12 => 'crl-missing',    # its signer has no valid path
	CRL_13 => 'crl-missing',    # of another distribution point
	CRL_14 => 'crl-missing',    # no CRL at all: it cannot be parsed
	CRL_15 => 'crl-missing',
);

# The words for the others.
my %reason = (
	CRL_02 => 'revoked', CRL_03 => 'revoked', CRL_05 => 'revoked', CRL_07 => 'revoked',
	CRL_10 => 'malformed', # revoked too, but its negative serial number is found first
	CRL_16 => 'revoked', algo_strength_01 => 'weak-hash', algo_strength_02 => 'weak-hash',
	algo_strength_03 => 'bad-signature', common_03 => 'malformed', common_05 => 'malformed', common_06 => 'malformed',
	common_07 => 'not-yet-valid', common_08 => 'expired', common_09 => 'not-yet-valid', common_10 => 'expired',
	common_11 => 'malformed', common_12 => 'malformed', crypt_01 => 'bad-signature', crypt_02 => 'bad-signature',
	ext_01 => 'malformed', ext_02 => 'malformed', ext_04 => 'unknown-critical-extension', ext_05 => 'malformed',
	ext_06 => 'not-a-ca', ext_07 => 'not-a-ca', ext_08 => 'path-length', ext_10 => 'malformed', ext_11 => 'not-a-ca',
	ext_12 => 'policy', ext_13 => 'policy',
	ext_14 => 'wrong-key-usage', # the certificate is a CA's: it must not sign mail, whatever its policies
	ext_19 => 'path-length', # broken too: the anchor allows fewer CAs
	ext_15 => 'malformed', ext_16 => 'malformed',
	ext_17 => 'malformed', ext_18 => 'policy',
);

sub files { grep { $_ ne '-' } split /,/, $_[0] }

open my $manifest, '<', "$set/manifest.tsv" or die;
my @names = split /\t/, <$manifest> =~ s/\s+$//r;
my $rows = 0;
while (<$manifest>) {
	chomp;
	my %row;
	@row{@names} = split /\t/;
	(my $name = $row{file}) =~ s{/.*}{};
	$rows++;
	my $site = site(check_path_crl => $name =~ /^CRL_/ ? 'require' : 'ignore');
	put($site, ca => map { "$set/$_" } files($row{key_cert}));
	put($site, crl => map { "$set/$_" } files($row{crls}));
	(my $time = $row{attime}) =~ s/^(....)(..)(..)(..)(..)(..)Z$/$1-$2-$3T$4:$5:$6Z/ or die;
	my ($leaf) = ders("$set/$row{file}");
	my $a = ask($site, certificate => $leaf, time => $time, candidates => [map { ders("$set/$_") } files($row{untrusted})]);
	my $want = $row{expected} eq 'path-valid' ? 'valid ' : $unknown{$name} ? "unknown $unknown{$name}" :
		'invalid ' . ($reason{$name} // '?');
	is("$a->{verdict} $a->{reason}", $want, $name) or diag "$a->{text}\n$row{note}";
}
is($rows, 54, 'all paths of the set');
done_testing;
