#!/usr/bin/perl
# 6300-revocation.t - CRL files: what is revoked, and every way in which a CRL can be missing or unusable
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/helper";
use PathCheck;
use PathPki;
use MIME::Base64;
use Test::More;

my @ca = ('basicConstraints = critical,CA:TRUE', 'keyUsage = critical,keyCertSign,cRLSign');
my @mail = ('keyUsage = critical,digitalSignature', 'extendedKeyUsage = emailProtection', 'subjectAltName = email:a@b.example');

key('leaf');
key('other');
my $root = certificate('root', extensions => \@ca);
my $sub = certificate('sub', by => 'root', serial => '0x22', extensions => \@ca);
my $good = certificate('good', by => 'sub', key => 'leaf', serial => '0x1111', extensions => \@mail);
my $bad = certificate('bad', by => 'sub', key => 'leaf', serial => '0x2222', extensions => \@mail);
sub der { (ders($_[0]))[0] }

my $root_crl = crl('root', by => 'root');
my $sub_crl = crl('sub', by => 'sub', revoked => ['2222']);

# with(mode, crls...): a site
sub with {
	my ($mode, @crls) = @_;
	my $s = site(check_path_crl => $mode);
	put($s, ca => $root, $sub);
	put($s, crl => @crls);
	return $s;
}
sub judged {
	my ($what, $want, $site, $file, %q) = @_;
	my $a = ask($site, certificate => der($file), %q);
	is("$a->{verdict} $a->{reason}", $want, $what) or diag "$a->{text}\n$a->{raw}";
	return $a;
}

for my $mode (qw(if-present require)) {
	my $s = with($mode, $root_crl, $sub_crl);
	my $a = judged("$mode: not revoked", 'valid ', $s, $good);
	is(scalar(grep { m{^\Q$s\E/certs/crl/} } @{$a->{evidence}}), 2, "$mode: both lists are the evidence");
	like($a->{raw}, qr{<evidence source="[^"]*crl" time="\d{4}-\d\d-\d\dT[\d:]+Z" next="\d{4}-\d\d-\d\dT[\d:]+Z" kind="crl" number="01" serial="1111"/>}, "$mode: and their thisUpdate");
	unlike($a->{text}, qr{not checked|stale}, "$mode: no remark");
	$a = judged("$mode: revoked", 'invalid revoked', $s, $bad);
	like($a->{text}, qr{CN=bad \(serial 2222\) was revoked by its issuer, says \Q$s\E/certs/crl/}, "$mode: the text names it");
	judged("$mode: the CA is revoked", 'invalid revoked',
		with($mode, crl("rootr$mode", by => 'root', revoked => ['22']), $sub_crl), $good);
}
judged('ignore: revoked', 'valid ', with('ignore', $root_crl, $sub_crl), $bad);
like(ask(with('ignore'), certificate => der($good))->{text}, qr{not checked: check_path_crl = ignore}, 'ignore: said');

# missing
my $a = judged('if-present: none', 'valid ', with('if-present'), $good);
like($a->{text}, qr{revocation not checked: no CRL of CN=sub}, 'if-present: said in the text');
is_deeply([map { m{no CRL of (\S+)} } @{$a->{evidence}}], ['CN=root', 'CN=sub'], 'if-present: said in the evidence, for each');
judged('if-present: only the other one', 'invalid revoked', with('if-present', $sub_crl), $bad);
$a = judged('require: none', 'unknown crl-missing', with('require'), $good);
like($a->{text}, qr{there is no CRL of CN=sub for CN=good: copy it to .*/crl}, 'require: what to do');
judged('require: only the root\'s', 'unknown crl-missing', with('require', $root_crl), $good);
judged('require: only the sub\'s', 'unknown crl-missing', with('require', $sub_crl), $good);

# stale
my $old = crl('old', by => 'sub', revoked => ['2222'], from => -20, to => -10);
my $early = crl('early', by => 'sub', revoked => ['2222'], from => 5, to => 10);
for ([old => $old, 'out of date'], [early => $early, 'not valid yet']) {
	my ($name, $file, $says) = @$_;
	$a = judged("if-present: $name", 'valid ', with('if-present', $root_crl, $file), $good);
	like($a->{text}, qr{revocation checked with a stale CRL: .*-$name\.crl is $says}, "if-present, $name: said");
	judged("if-present: $name, revoked", 'invalid revoked', with('if-present', $root_crl, $file), $bad);
	$a = judged("require: $name", 'unknown crl-expired', with('require', $root_crl, $file), $good);
	like($a->{text}, qr{-$name\.crl is $says: replace it by the current one of CN=sub}, "require, $name: what to do");
}
judged('require: an old one beside the current one', 'valid ', with('require', $root_crl, $old, $sub_crl), $good);

# unusable: nobody knows, so never valid
my $forged = pki_directory() . '/forged.crl';
open my $f, '>:raw', $forged or die;
print $f flip(decode_base64(slurp($sub_crl) =~ m{-----\n(.*?)-----}s ? $1 : die), 3);
close $f or die;
my $critical = crl('critical', by => 'sub', extensions => ['1.2.3.4.5 = critical,ASN1:NULL']);
for my $mode (qw(if-present require)) {
	$a = judged("$mode: signed by another key", 'unknown crl-invalid', with($mode, $root_crl, $forged), $good);
	like($a->{text}, qr{-forged\.crl has a bad signature: replace it}, "$mode: says so");
	judged("$mode: unknown critical extension", 'unknown crl-invalid', with($mode, $root_crl, $critical), $good);
	my $junk = with($mode, $root_crl);
	open my $j, '>', "$junk/certs/crl/junk.crl" or die;
	print $j "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
	close $j or die;
	judged("$mode: a file that is no CRL", $mode eq 'require' ? 'unknown crl-missing' : 'valid ', $junk, $good);
}

# nobody knows: what is to be encrypted waits, and goes neither in clear nor back
my $partner = certificate('partner', by => 'sub', key => 'leaf', serial => '0x4444', extensions => ['keyUsage = critical,keyAgreement',
	@mail[1 .. 2]]);
judged('to encrypt: not revoked', 'valid ', with('require', $root_crl, $sub_crl), $partner, purpose => 'encrypt');
for (['crl-missing', $root_crl], ['crl-expired', $root_crl, $old], ['crl-invalid', $root_crl, $forged]) {
	my ($reason, @lists) = @$_;
	$a = ask(with('require', @lists), certificate => der($partner), purpose => 'encrypt', address => 'a@b.example');
	is("$a->{verdict} $a->{reason}", 'refused configuration', "to encrypt, $reason: temporary") or diag $a->{raw};
	like($a->{text}, qr{^$reason: }, "to encrypt, $reason: says so");
}

# any file name will do: one that is no UTF-8 is no reason to hold all mail of its issuer
$a = judged('a file name in Latin 1', 'valid ', do {
	my $latin = with('require', $root_crl);
	system 'cp', $sub_crl, "$latin/certs/crl/M\xfcller\x01.crl";
	$latin }, $good);
like($a->{raw}, qr{M\?ller\?\.crl}, 'and it is told as well as can be');

# a certificate with a freshest CRL: the complete list is clean, the delta is not
my @fresh = (@mail, 'freshestCRL = URI:http://crl.example/delta');
my $fresh = certificate('fresh', by => 'sub', key => 'leaf', serial => '0x3333', extensions => \@fresh);
my $delta = crl('delta', by => 'sub', number => 5, revoked => ['3333'], extensions => ['2.5.29.27 = critical,ASN1:INTEGER:1']);
judged('complete list only', 'valid ', with('require', $root_crl, $sub_crl), $fresh);
judged('with the delta', 'invalid revoked', with('require', $root_crl, $sub_crl, $delta), $fresh);

# a CA that signs its CRLs with a key of its own
certificate('signer', by => 'root', subject => '/CN=sub', extensions => ['keyUsage = critical,cRLSign']);
my $apart = crl('apart', by => 'signer', revoked => ['2222']);
my $s = with('require', $root_crl, $apart);
put($s, ca => pki_directory() . '/signer.pem');
judged('a CRL signed with another key of the CA', 'invalid revoked', $s, $bad);
judged('and not revoked', 'valid ', $s, $good);
judged('its certificate is not there', 'unknown crl-invalid', with('require', $root_crl, $apart), $good);

# a moment in the past is judged by what is known now
judged('at another time', 'invalid revoked', with('if-present', $root_crl, $sub_crl), $bad, time => at(0.02));
done_testing;
