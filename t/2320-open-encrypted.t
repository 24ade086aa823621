#!/usr/bin/perl
# Everything "openssl cms -encrypt" can write for certificates is decrypted.
use strict;
use warnings;
use Test::More;
use Cwd 'abs_path';
use File::Basename 'dirname';
require(abs_path(dirname(__FILE__)) . '/smime_open.pl');
our $dir;

my $entity = spew("$dir/entity", "Content-Type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n" . 'x' x 70 . "\r\n");
my $sha = sha256_hex(slurp($entity));
my %recipients = (
	rsa => [[], 'rsa-pkcs1'],
	oaep => [['-keyopt', 'rsa_padding_mode:oaep'], 'rsa-oaep'],
	'oaep-sha256' => [['-keyopt', 'rsa_padding_mode:oaep', '-keyopt', 'rsa_oaep_md:sha256'], 'rsa-oaep'],
	ec => [[], 'ecdh'],
	ec384 => [['-keyopt', 'ecdh_kdf_md:sha256'], 'ecdh'],
	brainpool => [['-keyopt', 'ecdh_kdf_md:sha512'], 'ecdh'],
);
my %ciphers = map { ($_ => $_) } qw(aes-128-cbc aes-192-cbc aes-256-cbc aes-128-gcm aes-192-gcm aes-256-gcm des-ede3-cbc
	camellia-128-cbc camellia-256-cbc);

sub encrypt {
	my ($out, $cipher, @arguments) = @_;
	openssl('cms', '-encrypt', "-$cipher", '-in', $entity, '-binary', '-out', $out, @arguments);
	return $out;
}

sub problem {
	my ($r, $cipher, $management) = @_;
	my $layer = $r->{layers}[0];
	return "exit $r->{exit} $r->{error}" if $r->{exit} ne '0' || !$layer;
	return words($r) . " $layer->{why}" if words($r) ne 'decrypts';
	return "kind $layer->{kind}" if $layer->{kind} ne ($cipher =~ /gcm/ ? 'authenveloped' : 'enveloped');
	return "cipher $layer->{cipher}" if $layer->{cipher} ne $cipher;
	return "key_management $layer->{key_management}" if $layer->{key_management} ne $management;
	return 'content' if $r->{content}{sha256} ne $sha;
	return 'flags' if $r->{content}{encrypted} ne 'yes' || $r->{content}{unwrapped} ne 'yes';
	return '';
}

for my $recipient (sort keys %recipients) {
	my ($options, $management) = @{$recipients{$recipient}};
	my $pem = make_key($recipient =~ /^oaep/ ? 'rsa' : $recipient);
	my @problems = ();
	for my $cipher (sort keys %ciphers) {
		for my $keyid ([], ['-keyid']) {
			my $form = $cipher =~ /256/ ? 'DER' : $cipher =~ /192/ ? 'PEM' : 'SMIME';
			encrypt("$dir/out", $cipher, '-recip', $pem, @$options, @$keyid, '-outform', $form);
			my $problem = problem(open_message($form eq 'SMIME' ? () : ('-cms', 'yes'), '-pem', $pem, "$dir/out"), $cipher,
				$management);
			push @problems, "$cipher @$keyid $form: $problem" if $problem;
		}
	}
	is(join("\n", @problems), '', "$recipient: every cipher, by issuer and by key identifier");
}
for my $wrap (qw(aes128-wrap aes192-wrap aes256-wrap des3-wrap)) {
	my $pem = make_key('ec');
	encrypt("$dir/out", 'aes-128-cbc', "-$wrap", '-recip', $pem);
	is(problem(open_message('-pem', $pem, "$dir/out"), 'aes-128-cbc', 'ecdh'), '', $wrap);
}
encrypt("$dir/out", 'aes-256-cbc', '-recip', make_key('rsa'), '-stream', '-outform', 'DER');
is(problem(open_message('-cms', 'yes', '-pem', make_key('rsa'), "$dir/out"), 'aes-256-cbc', 'rsa-pkcs1'), '', 'BER, as a stream');

# ---- several recipients of every kind, one of them ours
my @all = map { make_key($_) } qw(rsa rsa2 ec ec384 brainpool);
for my $cipher (qw(aes-256-cbc aes-256-gcm)) {
	encrypt("$dir/out", $cipher, map { ('-recip', $_) } @all);
	for my $pem (@all) {
		my $r = open_message('-pem', $pem, "$dir/out");
		is(words($r), 'decrypts', "$cipher: " . ($pem =~ s{.*/}{}r) . ' among five');
		is($r->{layers}[0]{recipients}, 5, 'counted');
	}
	is(words(open_message("$dir/out")), 'no-key', "$cipher: none of them is ours");
	is(words(open_message(map({ ('-pem', $_) } @all), "$dir/out")), 'decrypts', "$cipher: all of them are ours");
}
is(open_message('-fail', 'key', "$dir/out")->{layers}[0]{status}, 'temporary', 'the key cannot be asked for now');

# A recipient whose key does not fit is passed over for the next one.
encrypt("$dir/out", 'aes-128-gcm', '-recip', make_key('rsa'), '-recip', make_key('rsa2'), '-outform', 'DER');
my $der = slurp("$dir/out");
my $damaged = 0;
for my $at (reverse 0 .. length($der) - 258) {   # an encryptedKey of 256 bytes: 04 82 01 00
	next if substr($der, $at, 4) ne "\x04\x82\x01\x00";
	substr($der, $at + 100, 1) ^= "\x01";
	$damaged++;
	last;
}
is($damaged, 1, 'one encrypted key damaged');
spew("$dir/bad", $der);
my @both = map { ('-pem', make_key($_)) } qw(rsa rsa2);
is(words(open_message('-cms', 'yes', @both, "$dir/bad")), 'decrypts', 'the other one opens it');
my @one = grep { words(open_message('-cms', 'yes', '-pem', make_key($_), "$dir/bad")) eq 'malformed' } qw(rsa rsa2);
is(scalar @one, 1, 'the damaged one alone does not');
is(open_message('-cms', 'yes', '-fail', 'operation', '-pem', make_key($one[0]), "$dir/bad")->{layers}[0]{status}, 'temporary',
	'a key that could not be used is not a damaged message');

# Whether a key fits is not told by what becomes of the next recipient (RFC 3218): a good padding around a wrong content key is passed over as well.
encrypt("$dir/out", 'aes-128-cbc', '-recip', make_key('rsa'), '-recip', make_key('rsa2'), '-outform', 'DER');
$der = slurp("$dir/out");
my @places = grep { substr($der, $_, 4) eq "\x04\x82\x01\x00" } 0 .. length($der) - 258;
spew("$dir/key", 'k' x 16);
for my $i (0, 1) {
	for my $name (qw(rsa rsa2)) {
		my $wrapped = openssl('pkeyutl', '-encrypt', '-certin', '-inkey', make_key($name), '-in', "$dir/key");
		spew("$dir/bad", substr($der, 0, $places[$i] + 4) . $wrapped . substr($der, $places[$i] + 260));
		is(words(open_message('-cms', 'yes', @both, "$dir/bad")), 'decrypts', "the other one of two opens it: $i $name");
	}
}

# ---- RC2, read only, if OpenSSL's legacy provider is here
SKIP: {
	skip('no legacy provider', 2) if !defined output('openssl', 'cms', '-encrypt', '-provider', 'default', '-provider', 'legacy',
		'-rc2', '-in', $entity, '-binary', '-out', "$dir/out", make_key('rsa'));
	is(problem(open_message('-pem', make_key('rsa'), "$dir/out"), 'rc2-cbc', 'rsa-pkcs1'), '', 'RC2');
	openssl('cms', '-encrypt', '-provider', 'default', '-provider', 'legacy', '-des', '-in', $entity, '-binary', '-out', "$dir/out",
		make_key('rsa'));
	is(words(open_message('-pem', make_key('rsa'), "$dir/out")), 'unsupported:des-cbc', 'single DES stays closed');
}

# ---- recipients that no certificate names
encrypt("$dir/out", 'aes-128-cbc', '-secretkey', '000102030405060708090A0B0C0D0E0F', '-secretkeyid', 'C0FEE0');
is(words(open_message('-pem', make_key('rsa'), "$dir/out")), 'unsupported:key-encryption-key recipient', 'a key-encryption key');
encrypt("$dir/out", 'aes-128-cbc', '-pwri_password', 'secret');
is(words(open_message('-pem', make_key('rsa'), "$dir/out")), 'unsupported:password recipient', 'a password');
encrypt("$dir/out", 'aes-128-cbc', '-pwri_password', 'secret', '-recip', make_key('rsa'));
is(words(open_message('-pem', make_key('rsa'), "$dir/out")), 'decrypts', 'a password beside a certificate');
done_testing();
