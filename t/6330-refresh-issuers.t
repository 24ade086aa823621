#!/usr/bin/perl
# 6330-refresh-issuers.t - postern-refresh: missing intermediates by their addresses, only if they lead to an anchor; and directories
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/helper", $FindBin::Bin;
use PathCheck;
use PathPki;
use Refresh;
use Slapd ();
use MIME::Base64;
use Test::More;

plan skip_all => 'built without libcurl' unless -x program();

my @ca = ('basicConstraints = critical,CA:TRUE', 'keyUsage = critical,keyCertSign,cRLSign');
my @mail = ('keyUsage = critical,digitalSignature', 'extendedKeyUsage = emailProtection', 'subjectAltName = email:a@b.example');
my $http = web();
my $dir = pki_directory();
sub aia { "authorityInfoAccess = caIssuers;URI:$_[0]" }
sub der { my $pem = slurp($_[0]); return decode_base64($pem =~ m{-----\n(.*?)-----}s ? $1 : die) }
key('leaf');
my $root = certificate('root', extensions => [@ca]);
my $sub = certificate('sub', by => 'root', extensions => [@ca, aia("$http/root.cer")]);
my $low = certificate('low', by => 'sub', extensions => [@ca, aia("$http/sub.cer"), "crlDistributionPoints = URI:$http/sub.crl"]);
my $user = certificate('user', by => 'low', key => 'leaf', serial => '0x77',
	extensions => [@mail, aia("$http/low.cer"), "crlDistributionPoints = URI:$http/low.crl"]);
publish('sub.crl', crl('sub', by => 'sub'));
publish('low.crl', crl('low', by => 'low'));

# One run of a new site that knows the root and one user's certificate.
sub try {
	my ($what, $code, $files, $certificate, %options) = @_;
	my $s = refresh_site(%options);
	put($s, ca => $root);
	put($s, public => $certificate // $user);
	my $r = refresh($s);
	is($r->{code}, $code, "$what: exit $code") or diag $r->{err};
	is(scalar(@{[fetched($s, 'ca')]}), $files, "$what: $files in place");
	return ($s, $r);
}

# ---- the good way, two levels, in all formats ----
my $pkcs7 = "$dir/sub.p7c";
system("openssl crl2pkcs7 -nocrl -certfile $sub -certfile $root -outform DER -out $pkcs7") == 0 or die;
publish('low.cer', \der($low));
my %form = (DER => \der($sub), PEM => $sub, 'PKCS#7' => $pkcs7);
for my $name (sort keys %form) {
	publish('sub.cer', $form{$name});
	my ($s, $r) = try("two missing issuers, $name", 0, 2);
	is(ask($s, certificate => der($user))->{verdict}, 'valid', "two missing issuers, $name: now there is a path");
	is(join(' ', sort map { "$_->{kind} $_->{outcome}" } @{$r->{json}{sources}}), 'crl new crl new issuer new issuer new',
		"two missing issuers, $name: and the lists of both");
	is(refresh($s)->{code}, 0, "two missing issuers, $name: and nothing is missing any more");
}

# ---- what is not taken ----
certificate('other', subject => '/CN=low', extensions => [@ca]);
certificate('evil', extensions => [@ca]);
certificate('stray', by => 'evil', subject => '/CN=low', extensions => [@ca]);
certificate('not-ca', by => 'root', subject => '/CN=low', extensions => ['basicConstraints = critical,CA:FALSE']);
for (['a self-signed one', "$dir/other.pem", qr{self-signed certificate: only the operator}],
	['one of another name', $sub, qr{another name}], ['one that is no CA', "$dir/not-ca.pem", qr{must not issue}],
	['HTML', \'<html>', qr{not a certificate}], ['nothing', \'', qr{not a certificate}], ['a list', "$dir/low.crl", qr{nothing in it is}]) {
	publish('low.cer', $_->[1]);
	my ($s, $r) = try($_->[0], 1, 0);
	like(outcome_of($r, "$http/low.cer"), $_->[2], "$_->[0]: says so");
}
publish('low.cer', "$dir/stray.pem");
my ($s, $r) = try('one of another CA', 1, 0);
like($r->{err}, qr{/CN=low: leads to no anchor}, 'one of another CA: says so');
publish('low.cer', \('x' x (1 << 20)));
like(outcome_of((try('a file of 1 MB', 1, 0))[1], "$http/low.cer"), qr{not a certificate}, 'a file of 1 MB: read');
publish('low.cer', \('x' x ((1 << 20) + 1)));
like(outcome_of((try('one byte more', 1, 0))[1], "$http/low.cer"), qr{more than 1048576 bytes}, 'one byte more: not');

# ---- import of a chain with its anchor ----
$s = refresh_site(refresh_network => 'no');
put($s, ca => $root);
put($s, public => $user);
mkdir "$s/in";
system "cat $low $sub $root $dir/sub.crl $dir/low.crl > $s/in/all.pem";
$r = refresh($s, '-import', "$s/in");
is($r->{code}, 0, 'import: a whole chain and its lists in one file') or diag $r->{err};
is(scalar(@{[fetched($s, 'ca')]}) . ' ' . scalar(@{[fetched($s, 'crl')]}), '2 2', 'import: two intermediates, two lists');
system "cp $dir/evil.pem $s/in/evil.pem";
$r = refresh($s, '-import', "$s/in");
like($r->{err}, qr{evil\.pem: a self-signed certificate}, 'import: never an anchor');
is(scalar(@{[fetched($s, 'ca')]}), 2, 'import: still two');

# ---- directories ----
SKIP: {
	skip Slapd::slapd_missing(), 9 if Slapd::slapd_missing();
	skip 'built without LDAP', 9 if qx(ldd @{[program()]}) !~ /libldap/;
	my $ldap = Slapd::slapd('crls', suffix => 'o=ca', data => Slapd::ldif(
		Slapd::entry('o=ca', objectClass => ['organization', 'pkiCA'], o => 'ca', 'cACertificate;binary' => der($low),
			'certificateRevocationList;binary' => der("$dir/low.crl")),
		Slapd::entry('ou=empty,o=ca', objectClass => 'organizationalUnit', ou => 'empty')));
	my $base = $ldap->{uri};
	my $site = sub {
		my ($url, %options) = @_;
		my $t = refresh_site(%options);
		put($t, ca => $root, $sub, $low);
		put($t, public => certificate('l' . $url =~ tr/a-zA-Z0-9//cdr, by => 'low', key => 'leaf',
			extensions => [@mail, 'crlDistributionPoints = p'], sections => ['[p]', 'fullname = @u', '[u]', "URI = $url"]));
		return (refresh($t), $t);
	};
	publish('sub.crl', crl('sub2', by => 'sub'));
	for (['with its attribute', '/o=ca?certificateRevocationList;binary?base'], ['without ;binary', '/o=ca?certificateRevocationList'],
		['without an attribute', '/o=ca']) {
		my ($run, $t) = $site->("$base$_->[1]");
		is("$run->{code} " . outcome_of($run, "$base$_->[1]"), '0 new', "LDAP, $_->[0]") or diag $run->{err};
	}
	for (['no such entry', '/o=elsewhere?certificateRevocationList?base', qr{No such object}],
		['no such attribute', '/ou=empty,o=ca?certificateRevocationList?base', qr{no such entry or attribute}]) {
		my ($run) = $site->("$base$_->[1]");
		like(outcome_of($run, "$base$_->[1]"), $_->[2], "LDAP, $_->[0]");
	}
	my $url = "$base/o=ca?certificateRevocationList?base";
	my ($run) = $site->($url, refresh_allow => '');
	like(outcome_of($run, $url), qr{127\.0\.0\.1 is an internal address}, 'LDAP, internal addresses are not asked');
	kill 'STOP', $ldap->{pid};
	($run) = $site->($url, refresh_timeout => '300ms');
	like(outcome_of($run, $url), qr{no answer in 300 ms}, 'LDAP, silence');
	kill 'CONT', $ldap->{pid};
	Slapd::end_server($ldap->{pid});
	($run) = $site->($url);
	like(outcome_of($run, $url), qr{Connection refused}, 'LDAP, nobody there');
	# a server that is none
	my ($port) = $http =~ /(\d+)$/;
	$url = "ldap://127.0.0.1:$port/o=ca?certificateRevocationList?base";
	($run) = $site->($url, refresh_timeout => '5s');
	like(outcome_of($run, $url), qr{^failed: }, 'LDAP, a server of another kind');
}
done_testing;
