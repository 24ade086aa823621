#!/usr/bin/perl
# keys-pkcs11: every private operation on tokens of SoftHSM, cross-checked with the openssl command; with all that the token can
# itself, and with a token that can next to nothing
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Pkcs11;
use MIME::Base64;
use Test::More;

plan skip_all => Pkcs11::missing() if Pkcs11::missing();
my $config = site('ops');
my @rsa = ('-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048');
my %kinds = (rsa => \@rsa, map { $_->[0] => ['-algorithm', 'EC', '-pkeyopt', "ec_paramgen_curve:$_->[1]"] }
	[qw(p256 P-256)], [qw(p384 P-384)], [qw(p521 P-521)],
	map { ["bp$_", "brainpoolP${_}r1"] } 256, 384, 512);
tokens('One', 'Two');
my %id = (rsa => '01', p256 => '02', p384 => '03', p521 => '04', bp256 => '05', bp384 => '06', bp512 => '07');
for my $k (sort keys %kinds) {
	certificate($k, address => "$k\@example.org", key => $kinds{$k});
	on_token($k eq 'p384' ? 'Two' : 'One', $k, $id{$k});
	openssl('x509', '-in', "$T/$k.crt", '-pubkey', '-noout', '-out', "$T/$k.pub");
}
configure($config, tokens => { One => '1111', Two => '2222' });

my ($c, %key);
sub value { # text content of the one element in an answer
	my ($answer, $element) = @_;
	return $answer =~ m{<$element>([^<]*)</$element>} ? decode_base64($1) : undef;
}
sub verify {
	my ($what, $k, $digest, $answer, @options) = @_;
	my $signature = value($answer, 'signature') // return fail("$what: $answer");
	put("$T/sig", $signature);
	ok(eval { openssl('pkeyutl', '-verify', '-pubin', '-inkey', "$T/$k.pub", '-in', "$T/digest.$digest", '-sigfile', "$T/sig",
		'-pkeyopt', "digest:$digest", map { ('-pkeyopt', $_) } @options); 1 }, $what) or diag $@;
}
put("$T/data", "to be signed\n");
openssl('dgst', "-$_", '-binary', '-out', "$T/digest.$_", "$T/data") for qw(sha1 sha256 sha384 sha512);
sub digest { return b64(slurp("$T/digest.$_[0]")) }
my $cek = pack 'H*', '00112233445566778899aabbccddeeff' x 2;
put("$T/cek", $cek);
my %wrapped;
sub wrap {
	return $wrapped{"@_"} //= do {
		openssl('pkeyutl', '-encrypt', '-pubin', '-inkey', "$T/rsa.pub", '-in', "$T/cek", '-out', "$T/wrapped", map { ('-pkeyopt', $_) } @_);
		b64(slurp("$T/wrapped"));
	};
}
sub unwraps {
	my ($what, $attributes, @wrap) = @_;
	is(value(ask($c, 'unwrap', "key=\"$key{rsa}\" $attributes", wrap(@wrap)), 'secret'), $cek, $what);
}
openssl('genpkey', @{$kinds{$_}}, '-out', "$T/peer.$_"),
openssl('pkey', '-in', "$T/peer.$_", '-pubout', '-outform', 'DER', '-out', "$T/peer.$_.der"),
openssl('pkeyutl', '-derive', '-inkey', "$T/peer.$_", '-peerkey', "$T/$_.pub", '-out', "$T/shared.$_") for qw(p256 p384 p521 bp256 bp384 bp512);

sub everything {
	my ($how) = @_;
	%key = map { $_ => find_key($c, "$_\@example.org") } keys %kinds;
	for my $digest (qw(sha1 sha256 sha512)) {
		my $sign = sub { ask($c, 'sign', "key=\"$key{rsa}\" $_[0] digest=\"$digest\"", digest($digest)) };
		verify("$how: PKCS#1 v1.5, $digest", 'rsa', $digest, $sign->('mechanism="rsa-pkcs1"'), 'rsa_padding_mode:pkcs1');
		verify("$how: PSS, $digest, salt 20", 'rsa', $digest, $sign->('mechanism="rsa-pss" salt-length="20"'),
			'rsa_padding_mode:pss', 'rsa_pss_saltlen:20', "rsa_mgf1_md:$digest");
		verify("$how: PSS, $digest, salt 0, MGF1 with SHA-384", 'rsa', $digest,
			$sign->('mechanism="rsa-pss" salt-length="0" mgf-digest="sha384"'),
			'rsa_padding_mode:pss', 'rsa_pss_saltlen:0', 'rsa_mgf1_md:sha384');
	}
	for my $k (qw(p256 p384 p521 bp256 bp384 bp512)) {
		verify("$how: ECDSA, $k, $_", $k, $_, ask($c, 'sign', "key=\"$key{$k}\" mechanism=\"ecdsa\" digest=\"$_\"", digest($_)))
			for qw(sha256 sha512);
		is(value(ask($c, 'agree', "key=\"$key{$k}\" mechanism=\"ecdh\"", b64(slurp("$T/peer.$k.der"))), 'secret'),
			slurp("$T/shared.$k"), "$how: ECDH, $k");
	}
	unwraps("$how: v1.5", 'mechanism="rsa-pkcs1"', 'rsa_padding_mode:pkcs1');
	unwraps("$how: OAEP, SHA-1", 'mechanism="rsa-oaep"', 'rsa_padding_mode:oaep');
	unwraps("$how: OAEP, $_", "mechanism=\"rsa-oaep\" digest=\"$_\"", 'rsa_padding_mode:oaep', "rsa_oaep_md:$_") for qw(sha256 sha512);
	unwraps("$how: OAEP, other MGF digest, label", 'mechanism="rsa-oaep" digest="sha256" mgf-digest="sha1" label="' . b64('here') . '"',
		'rsa_padding_mode:oaep', 'rsa_oaep_md:sha256', 'rsa_mgf1_md:sha1', 'rsa_oaep_label:' . unpack 'H*', 'here');
	# ---- failures of unwrapping
	my $oaep = wrap('rsa_padding_mode:oaep');
	my $changed = decode_base64($oaep);
	substr($changed, 100, 1) ^= "\1";
	my @answers = map { ask($c, 'unwrap', "key=\"$key{rsa}\" mechanism=\"rsa-pkcs1\"", b64($_)) } decode_base64($oaep), 'short', "\xff" x 256,
		"\0" x 256, "\0" . decode_base64($oaep);
	is_deeply([ map { refused($_) } @answers ], [ ('unwrap-failed permanent') x 5 ], "$how: v1.5 refused");
	is(scalar(keys %{{ map { s/ id="\d+"//r => 1 } @answers }}), 1, "$how: every failure of v1.5 reads the same") or diag "@answers";
	@answers = (ask($c, 'unwrap', "key=\"$key{rsa}\" mechanism=\"rsa-oaep\" label=\"AAAA\"", $oaep),
		ask($c, 'unwrap', "key=\"$key{rsa}\" mechanism=\"rsa-oaep\" digest=\"sha256\"", $oaep),
		ask($c, 'unwrap', "key=\"$key{rsa}\" mechanism=\"rsa-oaep\"", b64($changed)),
		ask($c, 'unwrap', "key=\"$key{rsa}\" mechanism=\"rsa-oaep\"", wrap('rsa_padding_mode:pkcs1')));
	is_deeply([ map { refused($_) } @answers ], [ ('unwrap-failed permanent') x 4 ], "$how: OAEP refused");
	is(scalar(keys %{{ map { s/ id="\d+"//r => 1 } @answers }}), 1, "$how: every failure of OAEP reads the same") or diag "@answers";
}

# ---- the token does what it can
$c = start($config, module => 'keys-pkcs11');
like($c->{hello}, qr/^<hello [^>]*name="keys-pkcs11"/, 'says hello');
everything('token');
my $calls = shim_log();
like($calls, qr/^C_SignInit 0xd$/m, 'PSS was the token\'s');
like($calls, qr/^C_DecryptInit 0x9$/m, 'OAEP with SHA-1 was the token\'s');
like($calls, qr/^C_DecryptInit 0x3$/m, 'other OAEP was bare RSA on the token');
is(scalar(() = $calls =~ /^C_Login$/mg), 2, 'one login at each token');

# ---- what a warm session is not asked again: every call is a round trip to an HSM in the network
SKIP: {
	my ($spy) = grep { -e } glob '/usr/lib/*/pkcs11-spy.so /usr/lib/pkcs11-spy.so /usr/lib64/pkcs11-spy.so';
	skip 'no pkcs11-spy.so (opensc)', 2 unless $spy;
	my $spied = put("$T/ops/spied.conf", slurp($config) =~ s/PKCS11_SHIM_MODULE=\S+/PKCS11_SHIM_MODULE=$spy PKCS11SPY=$LIBRARY PKCS11SPY_OUTPUT=$T\/spy/r);
	my $warm = start($spied, module => 'keys-pkcs11');
	my @sign = ('sign', 'key="' . find_key($warm, 'p256@example.org') . '" mechanism="ecdsa" digest="sha256"', digest('sha256'));
	my $seen = sub { join ' ', slurp("$T/spy") =~ /^\d+: (C_\w+)/mg };
	ask($warm, @sign);
	my $before = $seen->();
	is(scalar(() = $before =~ /C_OpenSession/g), 2, 'a session for each token');
	verify('once more', 'p256', 'sha256', ask($warm, @sign));
	is(substr($seen->(), length $before), ' C_SignInit C_Sign', '... and for the next signature nothing but that');
	finish($warm);
}

# ---- what is refused
my @bad = (
	[ 'no-key permanent', 'sign', 'key="none" mechanism="ecdsa" digest="sha256"', digest('sha256'), 'an unknown key' ],
	[ 'bad-request permanent', 'sign', "key=\"$key{p256}\" mechanism=\"rsa-pkcs1\" digest=\"sha256\"", digest('sha256'), 'RSA with an EC key' ],
	[ 'bad-request permanent', 'sign', "key=\"$key{rsa}\" mechanism=\"ecdsa\" digest=\"sha256\"", digest('sha256'), 'ECDSA with an RSA key' ],
	[ 'bad-request permanent', 'sign', "key=\"$key{rsa}\" mechanism=\"rsa-pkcs1\" digest=\"sha512\"", digest('sha256'), 'a value of another length' ],
	[ 'bad-request permanent', 'unwrap', "key=\"$key{p256}\" mechanism=\"rsa-pkcs1\"", wrap('rsa_padding_mode:oaep'), 'unwrapping with an EC key' ],
	[ 'bad-request permanent', 'agree', "key=\"$key{rsa}\" mechanism=\"ecdh\"", b64(slurp("$T/peer.p256.der")), 'agreement with an RSA key' ],
	[ 'bad-request permanent', 'agree', "key=\"$key{p256}\" mechanism=\"ecdh\"", b64('x'), 'a broken peer key' ],
	[ 'bad-request permanent', 'agree', "key=\"$key{p256}\" mechanism=\"ecdh\"", b64(slurp("$T/peer.p384.der")), 'a peer on another curve' ],
	[ 'bad-request permanent', 'agree', "key=\"$key{p256}\" mechanism=\"ecdh\"", b64(slurp("$T/peer.p256.der") =~ s/.\z/\0/sr), 'a point beside the curve' ],
);
is(refused(ask($c, @$_[1 .. 3])), $_->[0], "refused: $_->[4]") for @bad;
is(finish($c), 0, 'ends with its input');

# ---- bare RSA and the wrapped point only: CKM_RSA_PKCS, _OAEP, _PSS hidden
configure($config, tokens => { One => '1111', Two => '2222' }, shim => { HIDE => '0x1:0x9:0xd', WRAPPED => 1 });
$c = start($config, module => 'keys-pkcs11');
everything('bare RSA');
unlike(shim_log(), qr/ 0x(1|9|d)$/m, 'no hidden mechanism was used');
finish($c);
configure($config, tokens => { One => '1111', Two => '2222' }, shim => { HIDE => '0x1:0x3:0x9:0xd' });
$c = start($config, module => 'keys-pkcs11');
is(refused(ask($c, 'sign', "key=\"" . find_key($c, 'rsa@example.org') . "\" mechanism=\"rsa-pkcs1\" digest=\"sha256\"", digest('sha256'))),
	'bad-request permanent', 'a token without any RSA says so');
finish($c);
my $narrow = start($config, module => 'keys-pkcs11', operations => 'find-keys unwrap agree');
is(refused(ask($narrow, 'sign', "key=\"" . find_key($narrow, 'p256@example.org') . "\" mechanism=\"ecdsa\" digest=\"sha256\"", digest('sha256'))),
	'narrowed permanent', 'a narrowed conversation does not sign');
finish($narrow);
done_testing();
