#!/usr/bin/perl
# The files of the area "private": formats, passphrases, permissions
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use KeysFile;
use MIME::Base64;
use Test::More;

my $config = site('private');
my $private = "$T/private/certs/private";
my $c = start($config);
my $digest = b64("\x01" x 32);

# "source file" of the first key for an address after a signature with it was checked; else what was refused
sub signs {
	my ($conversation, $address, $name) = @_;
	my $answer = ask($conversation, 'find-keys', "for=\"sign\" address=\"$address\"");
	my ($id, $source) = $answer =~ /<key id="([^"]+)" which="0" source="([^"]+)"/ or return refused($answer);
	my $rsa = -e "$T/$name.rsa";
	my $signed = ask($conversation, 'sign', "key=\"$id\" digest=\"sha256\" mechanism=\"" . ($rsa ? 'rsa-pkcs1' : 'ecdsa') . '"', $digest);
	my ($signature) = $signed =~ m{<signature>([^<]+)</signature>} or return refused($signed);
	put("$T/sig", decode_base64($signature));
	put("$T/digest", "\x01" x 32);
	return eval { openssl('pkeyutl', '-verify', '-certin', '-inkey', "$T/$name.crt", '-in', "$T/digest", '-sigfile', "$T/sig",
		'-pkeyopt', 'digest:sha256'); 1 } ? $source =~ s{.*/}{}r : "bad signature: $@";
}

my $rsa = ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'];
certificate('root', ext => "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n");
certificate('issuing', ca => 'root', ext => "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n");
for my $name (qw(plain trad enc legacy order two1 two2 p12 p12pass p12arm p12old p12ca exposed other p12other self noku enconly dom)) {
	certificate($name, address => $name eq 'dom' ? '@example.org' : "$name\@example.org", ca => $name eq 'self' ? undef : 'issuing',
		$name =~ /^(trad|legacy|p12old)$/ ? (key => $rsa) : (),
		$name eq 'self' ? (ext => "basicConstraints=CA:TRUE\n") : $name eq 'noku' ? (ext => "basicConstraints=CA:FALSE\n") :
		$name eq 'enconly' ? (ext => "basicConstraints=CA:FALSE\nkeyUsage=keyEncipherment,keyAgreement\n") : ());
	put("$T/$name.rsa", '') if $name =~ /^(trad|legacy|p12old)$/;
}
my %pem = map { my $n = $_; $n => { key => slurp("$T/$n.key"), crt => slurp("$T/$n.crt") } } map { s{.*/}{}r =~ s/\.key$//r } glob "$T/*.key";

is(signs($c, 'plain@example.org', 'plain'), 'not-found permanent', 'no key, not found');

# ---- formats without a passphrase
put("$private/plain", $pem{plain}{crt} . $pem{plain}{key}, 0600);
put("$private/order", "# notes\n" . $pem{order}{key} . $pem{issuing}{crt} . $pem{order}{crt}, 0400);
put("$private/two", join('', @{$pem{two1}}{qw(key crt)}, $pem{issuing}{crt}, $pem{two2}{crt}, $pem{two2}{key}), 0600);
openssl('rsa', '-in', "$T/trad.key", '-traditional', '-out', "$T/trad.trad");
put("$private/trad", slurp("$T/trad.trad") . $pem{trad}{crt}, 0600);
put("$private/self", $pem{self}{key} . $pem{self}{crt}, 0600);
put("$private/noku", $pem{noku}{key} . $pem{noku}{crt}, 0600);
put("$private/enconly", $pem{enconly}{key} . $pem{enconly}{crt}, 0600);
openssl('pkcs12', '-export', '-inkey', "$T/p12.key", '-in', "$T/p12.crt", '-passout', 'pass:', '-out', "$private/p12");
put("$T/ca-first", $pem{issuing}{crt} . $pem{root}{crt} . $pem{p12ca}{crt});
openssl('pkcs12', '-export', '-inkey', "$T/p12ca.key", '-in', "$T/ca-first", '-passout', 'pass:', '-out', "$private/p12ca");
chmod 0600, "$private/p12", "$private/p12ca";
is(signs($c, "$_->[0]\@example.org", $_->[0]), $_->[1], "$_->[0] signs") for [qw(plain plain)], [qw(order order)], [qw(two1 two)],
	[qw(two2 two)], [qw(trad trad)], [qw(self self)], [qw(noku noku)], [qw(p12 p12)], [qw(p12ca p12ca)];
is(signs($c, 'PLAIN@EXAMPLE.org', 'plain'), 'plain', 'whatever the case');
is(signs($c, 'enconly@example.org', 'enconly'), 'not-found permanent', 'a key for encryption does not sign');

# ---- the chain
my $answer = ask($c, 'find-keys', 'for="sign" address="two1@example.org"');
is(join(' ', map { decode_base64($_) eq der_of("$T/issuing.crt") ? 'issuing' : '?' } $answer =~ m{<chain>([^<]+)</chain>}g), 'issuing',
	'the intermediate certificate comes with the key');
put("$T/private/certs/ca/root", $pem{root}{crt});
put("$private/order", $pem{order}{key} . $pem{order}{crt}, 0600);
put("$private/two", join('', @{$pem{two1}}{qw(key crt)}, @{$pem{two2}}{qw(crt key)}), 0600);
unlink "$private/p12ca";
unlike(ask($c, 'find-keys', 'for="sign" address="two1@example.org"'), qr/<chain>/, 'the root does not');
put("$T/private/certs/ca/issuing", $pem{issuing}{crt});
like(ask($c, 'find-keys', 'for="sign" address="two1@example.org"'), qr/<chain>/, 'the area "ca" completes the chain');

# ---- the domain's key
put("$private/dom", $pem{dom}{crt} . $pem{dom}{key}, 0600);
is(signs($c, 'anybody@example.org', 'dom'), 'dom', 'the domain\'s key signs for who has none');
is(signs($c, 'plain@example.org', 'plain'), 'plain', 'who has one uses it');
unlink "$private/dom";

# ---- to decrypt: all that ever were
openssl('x509', '-in', "$T/plain.crt", '-signkey', "$T/plain.key", '-set_serial', 77, '-days', -1, '-out', "$T/expired.crt");
put("$private/expired", slurp("$T/expired.crt") . $pem{plain}{key}, 0600);
my @ids = map { my $der = der_of("$T/$_.crt"); '<recipient issuer="' . b64(issuer_of($der)) . '" serial="' . hex_serial($der) . '"/>' } qw(root enconly expired);
my ($ski) = `openssl x509 -in $T/noku.crt -noout -ext subjectKeyIdentifier` =~ /((?:[0-9A-F]{2}:){19}[0-9A-F]{2})/;
$answer = ask($c, 'find-keys', 'for="decrypt"', join '', @ids, '<recipient key-id="' . ($ski =~ tr/://dr) . '"/>');
is(join(' ', $answer =~ m{which="(\d+)" source="[^"]*/(\w+)"}g), '1 enconly 2 expired 3 noku', 'each recipient\'s key, also the expired');
is(refused(ask($c, 'find-keys', 'for="decrypt"', $ids[0])), 'not-found permanent', 'none of the recipients is ours');
is(refused(ask($c, 'find-keys', $_->[0], $_->[1])), 'bad-request permanent', "refused: $_->[0] $_->[1]") for ['for="decrypt"', ''],
	['for="sign"', ''], ['for="look"', ''], ['for="decrypt"', '<recipient/>'];
like(ask($c, 'find-keys', 'for="sign" address="plain@example.org"'), qr{/plain".*/expired"}s, 'a valid certificate comes before an expired one');
unlink "$private/expired";

# ---- encrypted: without the passphrase file
openssl('pkcs8', '-topk8', '-in', "$T/enc.key", '-v2', 'aes-256-cbc', '-passout', 'pass:open sesame', '-out', "$T/enc.pk8");
openssl('rsa', '-in', "$T/legacy.key", '-traditional', '-aes128', '-passout', 'pass:open sesame', '-out', "$T/legacy.enc");
openssl('pkcs8', '-topk8', '-in', "$T/other.key", '-passout', 'pass:another', '-out', "$T/other.pk8");
put("$private/enc", $pem{enc}{crt} . slurp("$T/enc.pk8"), 0600);
put("$private/legacy", slurp("$T/legacy.enc") . $pem{legacy}{crt}, 0600);
put("$private/other", slurp("$T/other.pk8") . $pem{other}{crt}, 0600);
is(signs($c, "$_\@example.org", $_), 'passphrase-needed temporary', "$_: the key is found, its use wants the passphrase") for qw(enc legacy other);
like(ask($c, 'sign', 'key="' . find_key($c, 'enc@example.org') . '" digest="sha256" mechanism="ecdsa"', $digest),
	qr{\Q$private\E/enc: the private key of enc\@example.org, valid until [0-9-]+ is encrypted, and there is no central passphrase}, 'the answer names the file');
my $passphrase = put("$T/private/passphrase", "open sesame\nsecond line\n", 0600);
is(signs($c, "$_\@example.org", $_), $_, "$_: signs with the central passphrase") for qw(enc legacy);
is(signs($c, 'other@example.org', 'other'), 'passphrase-needed temporary', 'a key with another passphrase');
chmod 0640, $passphrase;
my $late = start($config);
is(signs($late, 'enc@example.org', 'enc'), 'configuration temporary', 'a passphrase file that others may read is not used');
chmod 0600, $passphrase;
finish($late);

# ---- PKCS#12 with a passphrase
openssl('pkcs12', '-export', '-inkey', "$T/p12pass.key", '-in', "$T/p12pass.crt", '-passout', 'pass:open sesame', '-out', "$private/p12pass");
openssl('pkcs12', '-export', '-inkey', "$T/p12arm.key", '-in', "$T/p12arm.crt", '-passout', 'pass:open sesame', '-out', "$T/p12arm.p12");
put("$private/p12arm", "-----BEGIN PKCS12-----\n" . encode_base64(slurp("$T/p12arm.p12")) . "-----END PKCS12-----\n", 0600);
chmod 0600, "$private/p12pass";
is(signs($c, "$_\@example.org", $_), $_, "$_ signs") for qw(p12pass p12arm);
SKIP: {
	eval { openssl('pkcs12', '-export', '-legacy', '-certpbe', 'PBE-SHA1-RC2-40', '-inkey', "$T/p12old.key", '-in', "$T/p12old.crt",
		'-passout', 'pass:open sesame', '-out', "$private/p12old"); 1 } or skip 'no legacy provider', 1;
	chmod 0600, "$private/p12old";
	is(signs($c, 'p12old@example.org', 'p12old'), 'p12old', 'RC2-40, with the legacy provider');
}
openssl('pkcs12', '-export', '-inkey', "$T/p12other.key", '-in', "$T/p12other.crt", '-passout', 'pass:another', '-out', "$private/p12other");
chmod 0600, "$private/p12other";
is(signs($c, 'p12other@example.org', 'p12other'), 'passphrase-needed temporary', 'PKCS#12 with another passphrase');
like(ask($c, 'find-keys', 'for="sign" address="p12other@example.org"'), qr{\Q$private\E/p12other: a file with keys of whom nobody knows}, '... is named');
is(signs($c, 'plain@example.org', 'plain'), 'plain', '... and the others are unaffected');
is(scalar(() = log_of($c) =~ m{p12other: PKCS#12}g), 1, '... and the log names it once');
put($passphrase, "another\n", 0600);
my $next = start($config);
is(signs($next, 'p12other@example.org', 'p12other'), 'p12other', 'the passphrase file changed: tried again');
finish($next);
put($passphrase, "open sesame\n", 0600);
unlink "$private/p12other";

# ---- permissions
put("$private/exposed", $pem{exposed}{crt} . $pem{exposed}{key}, 0640);
is(signs($c, 'exposed@example.org', 'exposed'), 'configuration temporary', 'a key that others may read is not used');
like(log_of($c), qr{private/exposed: holds a private key and is not ours alone \(mode 0640}, '... and the log says why');
chmod 0600, "$private/exposed";
is(signs($c, 'exposed@example.org', 'exposed'), 'exposed', '... until that is mended');
chmod 0604, "$private/exposed";
is(signs($c, 'exposed@example.org', 'exposed'), 'configuration temporary', '... and not after it is broken again');

# ---- a key that is not the certificate's
put("$private/wrong", $pem{dom}{crt} . $pem{plain}{key}, 0600);
is(signs($c, 'somebody@example.org', 'dom'), 'no-key temporary', 'a file without the certificate\'s own key');
unlink "$private/wrong";

# ---- nothing secret in the index
my $index = slurp("$T/private/spool/index/private/data.mdb");
my $leaks = 0;
for my $n (keys %pem) {
	my $hex = `openssl pkey -in $T/$n.key -noout -text`;
	my ($secret) = $hex =~ /(?:priv|privateExponent):\s*((?:[0-9a-f]{2}:?\s*)+)/ or die "$n: $hex";
	$secret =~ s/[\s:]//g;
	$leaks++ if index($index, substr pack('H*', $secret =~ s/^00//r), 0, 16) >= 0;
	my ($line) = $pem{$n}{key} =~ /\n([A-Za-z0-9+\/]{40})/;
	$leaks++ if index($index, $line) >= 0;
}
is($leaks, 0, 'no private key is in the index');
is(index($index, 'open sesame'), -1, 'nor the passphrase');
finish($c);
unlike(log_of($c), qr/sesame/, 'nor is it in the log');
done_testing();
