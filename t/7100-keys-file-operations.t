#!/usr/bin/perl
# Every private operation, cross-checked with the openssl command
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use KeysFile;
use MIME::Base64;
use Test::More;

my $config = site('ops');
my $private = "$T/ops/certs/private";
my %kinds = (
	rsa => ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
	p256 => ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
	p384 => ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
	p521 => ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'],
	bp256 => ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:brainpoolP256r1'],
	bp384 => ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:brainpoolP384r1'],
	bp512 => ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:brainpoolP512r1'],
);
for my $k (sort keys %kinds) {
	certificate($k, address => "$k\@example.org", key => $kinds{$k});
	put("$private/$k.pem", slurp("$T/$k.crt") . slurp("$T/$k.key"), 0600);
	openssl('x509', '-in', "$T/$k.crt", '-pubkey', '-noout', '-out', "$T/$k.pub");
}
my $c = start($config);
like($c->{hello}, qr/^<hello [^>]*name="keys-file"/, 'says hello');
my %key = map { $_ => find_key($c, "$_\@example.org") } keys %kinds;

sub value { # text content of the one element in an answer
	my ($answer, $element) = @_;
	return $answer =~ m{<$element>([^<]*)</$element>} ? decode_base64($1) : undef;
}

sub verify {
	my ($what, $k, $digest, $signature, @options) = @_;
	return fail("$what: no signature") unless defined $signature;
	put("$T/sig", $signature);
	ok(eval { openssl('pkeyutl', '-verify', '-pubin', '-inkey', "$T/$k.pub", '-in', "$T/digest", '-sigfile', "$T/sig",
		'-pkeyopt', "digest:$digest", map { ('-pkeyopt', $_) } @options); 1 }, $what) or diag $@;
}

put("$T/data", "to be signed\n");
for my $digest (qw(sha1 sha224 sha256 sha384 sha512)) {
	openssl('dgst', "-$digest", '-binary', '-out', "$T/digest", "$T/data");
	my $value = b64(slurp("$T/digest"));
	my $sign = sub { value(ask($c, 'sign', $_[0] . " digest=\"$digest\"", $value), 'signature') };
	verify("PKCS#1 v1.5, $digest", 'rsa', $digest, $sign->("key=\"$key{rsa}\" mechanism=\"rsa-pkcs1\""), 'rsa_padding_mode:pkcs1');
	verify("PSS, $digest, salt 20", 'rsa', $digest, $sign->("key=\"$key{rsa}\" mechanism=\"rsa-pss\" salt-length=\"20\""),
		'rsa_padding_mode:pss', 'rsa_pss_saltlen:20', "rsa_mgf1_md:$digest");
	verify("PSS, $digest, salt 0, MGF1 with SHA-1", 'rsa', $digest,
		$sign->("key=\"$key{rsa}\" mechanism=\"rsa-pss\" salt-length=\"0\" mgf-digest=\"sha1\""),
		'rsa_padding_mode:pss', 'rsa_pss_saltlen:0', 'rsa_mgf1_md:sha1');
}
openssl('dgst', '-sha256', '-binary', '-out', "$T/digest", "$T/data");
my $value = b64(slurp("$T/digest"));
for my $k (grep { $_ ne 'rsa' } sort keys %kinds) {
	verify("ECDSA, $k", $k, 'sha256', value(ask($c, 'sign', "key=\"$key{$k}\" mechanism=\"ecdsa\" digest=\"sha256\"", $value), 'signature'));
}

# ---- unwrap ----
my $cek = pack 'H*', '00112233445566778899aabbccddeeff' x 2;
put("$T/cek", $cek);
sub wrap {
	openssl('pkeyutl', '-encrypt', '-pubin', '-inkey', "$T/rsa.pub", '-in', "$T/cek", '-out', "$T/wrapped", map { ('-pkeyopt', $_) } @_);
	return b64(slurp("$T/wrapped"));
}
is(value(ask($c, 'unwrap', "key=\"$key{rsa}\" mechanism=\"rsa-pkcs1\"", wrap('rsa_padding_mode:pkcs1')), 'secret'), $cek, 'unwraps v1.5');
is(value(ask($c, 'unwrap', "key=\"$key{rsa}\" mechanism=\"rsa-oaep\"", wrap('rsa_padding_mode:oaep')), 'secret'), $cek, 'unwraps OAEP, SHA-1');
for my $digest (qw(sha256 sha384 sha512)) {
	is(value(ask($c, 'unwrap', "key=\"$key{rsa}\" mechanism=\"rsa-oaep\" digest=\"$digest\"",
		wrap('rsa_padding_mode:oaep', "rsa_oaep_md:$digest")), 'secret'), $cek, "unwraps OAEP, $digest");
}
is(value(ask($c, 'unwrap', "key=\"$key{rsa}\" mechanism=\"rsa-oaep\" digest=\"sha256\" mgf-digest=\"sha1\" label=\"" . b64('here') . '"',
	wrap('rsa_padding_mode:oaep', 'rsa_oaep_md:sha256', 'rsa_mgf1_md:sha1', 'rsa_oaep_label:' . unpack 'H*', 'here')), 'secret'),
	$cek, 'unwraps OAEP with another MGF digest and a label');
my $wrapped = wrap('rsa_padding_mode:oaep');
is(refused(ask($c, 'unwrap', "key=\"$key{rsa}\" mechanism=\"rsa-pkcs1\"", $wrapped)), 'unwrap-failed permanent', 'wrong padding: unwrap-failed');
is(refused(ask($c, 'unwrap', "key=\"$key{rsa}\" mechanism=\"rsa-oaep\" label=\"AAAA\"", $wrapped)), 'unwrap-failed permanent', 'wrong label: unwrap-failed');
my @texts = map { ask($c, 'unwrap', "key=\"$key{rsa}\" mechanism=\"rsa-pkcs1\"", b64($_)) =~ />([^<]*)</ ? $1 : '' }
	decode_base64($wrapped), 'short', "\xff" x 256;
is_deeply([ @texts[1, 2] ], [ @texts[0, 0] ], 'every failure of v1.5 reads the same');

# ---- agree ----
for my $k (grep { $_ ne 'rsa' } sort keys %kinds) {
	openssl('genpkey', @{$kinds{$k}}, '-out', "$T/peer.key");
	openssl('pkey', '-in', "$T/peer.key", '-pubout', '-outform', 'DER', '-out', "$T/peer.der");
	openssl('pkeyutl', '-derive', '-inkey', "$T/peer.key", '-peerkey', "$T/$k.pub", '-out', "$T/shared");
	is(value(ask($c, 'agree', "key=\"$key{$k}\" mechanism=\"ecdh\"", b64(slurp("$T/peer.der"))), 'secret'), slurp("$T/shared"), "ECDH, $k");
}
is(refused(ask($c, 'agree', "key=\"$key{p256}\" mechanism=\"ecdh\"", b64(slurp("$T/peer.der")))), 'agree-failed permanent', 'a peer on another curve');
my $off = slurp("$T/peer.der");
substr($off, -1, 1) = chr(ord(substr $off, -1, 1) ^ 1);
like(refused(ask($c, 'agree', "key=\"$key{p521}\" mechanism=\"ecdh\"", b64($off))), qr/^(bad-request|agree-failed) permanent/, 'a point beside the curve');

# ---- what is refused ----
my @bad = (
	[ 'no-key permanent', 'sign', 'key="none" mechanism="ecdsa" digest="sha256"', $value, 'an unknown key' ],
	[ 'bad-request permanent', 'sign', "key=\"$key{p256}\" mechanism=\"rsa-pkcs1\" digest=\"sha256\"", $value, 'RSA with an EC key' ],
	[ 'bad-request permanent', 'sign', "key=\"$key{rsa}\" mechanism=\"ecdsa\" digest=\"sha256\"", $value, 'ECDSA with an RSA key' ],
	[ 'bad-request permanent', 'sign', "key=\"$key{rsa}\" mechanism=\"rsa-pkcs1\" digest=\"sha512\"", $value, 'a value of another length' ],
	[ 'bad-request permanent', 'sign', "key=\"$key{rsa}\" mechanism=\"rsa-pkcs1\" digest=\"rot13\"", $value, 'an unknown digest' ],
	[ 'bad-request permanent', 'sign', "key=\"$key{rsa}\" mechanism=\"rsa-pkcs1\"", $value, 'no digest' ],
	[ 'bad-request permanent', 'sign', "key=\"$key{rsa}\" mechanism=\"rsa-pss\" digest=\"sha256\" salt-length=\"1025\"", $value, 'a salt of 1025 bytes' ],
	[ 'bad-request permanent', 'sign', "key=\"$key{rsa}\" mechanism=\"rsa-oaep\" digest=\"sha256\"", $value, 'signing with OAEP' ],
	[ 'bad-request permanent', 'sign', "key=\"$key{rsa}\" mechanism=\"rsa-pkcs1\" digest=\"sha256\"", '', 'no value' ],
	[ 'bad-request permanent', 'sign', "key=\"$key{rsa}\" mechanism=\"rsa-pkcs1\" digest=\"sha256\"", '!!', 'no base64' ],
	[ 'bad-request permanent', 'unwrap', "key=\"$key{p256}\" mechanism=\"rsa-pkcs1\"", $wrapped, 'unwrapping with an EC key' ],
	[ 'bad-request permanent', 'unwrap', "key=\"$key{rsa}\" mechanism=\"raw\"", $wrapped, 'unwrapping without padding' ],
	[ 'bad-request permanent', 'agree', "key=\"$key{rsa}\" mechanism=\"ecdh\"", b64(slurp("$T/peer.der")), 'agreement with an RSA key' ],
	[ 'bad-request permanent', 'agree', "key=\"$key{p256}\" mechanism=\"ecdh\"", b64('x'), 'a broken peer key' ],
);
is(refused(ask($c, @$_[1 .. 3])), $_->[0], "refused: $_->[4]") for @bad;
is(finish($c), 0, 'ends with its input');

my $narrow = start($config, operations => 'find-keys unwrap agree');
my $id = find_key($narrow, 'rsa@example.org');
is(refused(ask($narrow, 'sign', "key=\"$id\" mechanism=\"rsa-pkcs1\" digest=\"sha256\"", $value)), 'narrowed permanent', 'a narrowed conversation does not sign');
finish($narrow);
done_testing();
