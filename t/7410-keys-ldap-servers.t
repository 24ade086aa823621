#!/usr/bin/perl
# keys-ldap: TLS, binds, several directories and replicas, own keys; and servers that are dead, slow or lie
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use KeysFile;
use Slapd;
use MIME::Base64;
use Test::More;
use Time::HiRes qw(time sleep);

plan skip_all => 'keys-ldap is not built' unless -x "$BUILD/keys-ldap";
plan skip_all => slapd_missing() if slapd_missing();

# ---- two directories with own and partners' certificates, one of them with a certificate that has expired ----

tls_authority($_) for qw(ca other);
tls_certificate('server', 'ca', 'IP:127.0.0.1');
tls_certificate('elsewhere', 'ca', 'DNS:ldap.elsewhere.example');
tls_certificate('gateway', 'ca', undef);
put("$T/expired.cnf", "[ca]\ndefault_ca = c\n[c]\ndatabase = $T/index\nserial = $T/serial\nnew_certs_dir = $T\ndefault_md = sha256\n" .
	"policy = p\nx509_extensions = v3\n[p]\ncommonName = supplied\n[v3]\nsubjectAltName = IP:127.0.0.1\n" .
	"[req]\ndistinguished_name = dn\nprompt = no\n[dn]\nCN = expired\n");
put("$T/index", '');
put("$T/serial", "77\n");
openssl('req', '-new', '-config', "$T/expired.cnf", '-key', "$T/server.key", '-out', "$T/expired.csr");
openssl('ca', '-batch', '-config', "$T/expired.cnf", '-in', "$T/expired.csr", '-cert', "$T/ca.crt", '-keyfile', "$T/ca.key", '-notext',
	'-startdate', '20200101000000Z', '-enddate', '20210101000000Z', '-out', "$T/expired.crt");
put("$T/expired.key", slurp("$T/server.key"), 0600);
chmod 0600, "$T/gateway.key";
certificate($_, ca => 'ca', address => "$_\@partner.example") for qw(maria second);
certificate('office', ca => 'ca', address => 'office@example.org', ext => "basicConstraints=CA:FALSE\n" .
	"keyUsage=digitalSignature,keyEncipherment\nnsComment=" . 'long ' x 80 . "\n", key => ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']);
certificate($_, ca => 'ca', address => "$_\@example.org") for qw(spare sealed shown);
certificate('opener', ca => 'ca', address => 'spare@example.org', ext => "keyUsage=keyAgreement\n");
sub pkcs12 {
	my ($name, $password, @more) = @_;
	openssl('pkcs12', '-export', '-in', "$T/$name.crt", '-inkey', "$T/$name.key", '-passout', "pass:$password", '-out', "$T/$name.p12", @more);
	return slurp("$T/$name.p12");
}
my %der = map { $_ => der_of("$T/$_.crt") } qw(maria second office spare sealed shown);

sub person {
	my ($ou, $uid, $mail, @attributes) = @_;
	return entry("uid=$uid,ou=$ou,dc=example", objectClass => [qw(inetOrgPerson pkiUser)], uid => $uid, cn => $uid, sn => $uid,
		mail => $mail, @attributes);
}
my @top = (entry('dc=example', objectClass => [qw(organization dcObject)], dc => 'example', o => 'Example'),
	(map { entry("ou=$_,dc=example", objectClass => 'organizationalUnit', ou => $_) } qw(people own)),
	entry('cn=reader,dc=example', objectClass => [qw(organizationalRole simpleSecurityObject)], cn => 'reader', userPassword => 'pass word'));
my $me = "gidNumber=" . (split ' ', $))[0] . "+uidNumber=$>,cn=peercred,cn=external,cn=auth";
my $access = "access to attrs=userPassword by anonymous auth\n" .
	"access to dn.subtree=\"ou=own,dc=example\"\n  by dn.exact=\"cn=reader,dc=example\" read\n  by dn.exact=\"cn=gateway\" read\n" .
	"  by dn.exact=\"$me\" read\n  by * none\naccess to * by * read\n";
my $office = pkcs12('office', 'central', '-certfile', "$T/ca.crt");
sub crowd { my ($ou, @who) = @_; return map { person($ou, "n$_", "n$_\@example.org", userPKCS12 => $office) } @who }
my $slapd = slapd('main', tls => 'server', ca => 'ca', access => $access, data => ldif(@top,
	person('people', 'maria', 'maria@partner.example', 'userCertificate;binary' => $der{maria}),
	person('own', 'office', 'office@example.org', 'userCertificate;binary' => $der{office}, userPKCS12 => $office),
	person('own', 'spare', 'spare@example.org', userPKCS12 => [pkcs12('spare', ''), pkcs12('opener', 'central'), pkcs12('opener', 'third')]),
	person('own', 'sealed', 'sealed@example.org', userPKCS12 => pkcs12('sealed', 'another')),
	person('own', 'shown', 'shown@example.org', 'userCertificate;binary' => $der{shown}, userPKCS12 => pkcs12('shown', 'third')),
	(map { entry("ou=$_,dc=example", objectClass => 'organizationalUnit', ou => $_) } qw(hundred more)),
	crowd('hundred', 1 .. 100), crowd('more', 1 .. 101),
));
my $second = slapd('second', tls => 'expired', ca => 'ca', data => ldif(@top,
	person('people', 'maria', 'maria@partner.example', 'userCertificate;binary' => $der{maria}),
	person('people', 'second', 'second@partner.example', 'userCertificate;binary' => $der{second}),
));
put("$T/password", "pass word\n", 0600);

my $sites = 0;
sub conversation {
	my (@lines) = @_;
	my $config = site('site' . $sites++);
	my %set = map { ((split)[0] => 1) } @lines;
	put("$T/site" . ($sites - 1) . '/passphrase', "central\n", 0600);
	put($config, slurp($config) . "keys_modules = keys-ldap\n" . join '', map { "keys_ldap_$_\n" }
		(grep { !$set{(split)[0]} } 'base = dc=example', "tls_ca_file = $T/ca.crt", 'connect_timeout = 20s', 'search_timeout = 20s'), @lines);
	return start($config, module => 'keys-ldap', operations => 'find-certificates find-keys sign unwrap agree unlock list-keys');
}
sub find { return ask($_[0], 'find-certificates', '', join '', map { "<address>$_</address>" } @_[1 .. $#_]) }
sub names {
	my ($answer, $element) = @_;
	my @found = map { my $der = decode_base64($_); (grep { $der{$_} eq $der } sort keys %der)[0] // 'unknown' }
		$answer =~ m{<certificate(?: [^>]*)?>([^<]*)</certificate>}g;
	return @found ? "@found" : refused($answer);
}
sub once { # one question in a conversation of its own: what was found, and the log
	my ($address, @lines) = @_;
	my $c = conversation(@lines);
	my $names = names(find($c, $address));
	finish($c);
	return ($names, log_of($c));
}
sub connections { return scalar(() = slurp("$T/$_[0]/log") =~ /ACCEPT from/g) }

# ---- TLS ----

my $ldaps = "ldaps://127.0.0.1:$slapd->{ldaps}";
my ($got, $log) = once('maria@partner.example', "uri = $slapd->{uri}");
is($got, 'maria', 'StartTLS');
like(slurp("$T/main/log"), qr/STARTTLS/, 'is what happens unless said otherwise');
is((once('maria@partner.example', "uri = $ldaps"))[0], 'maria', 'ldaps');
is((once('maria@partner.example', "uri = $slapd->{ldapi}"))[0], 'maria', 'ldapi, without TLS');
for my $uri ($slapd->{uri}, $ldaps) {
	my ($scheme) = $uri =~ /^(\w+)/;
	($got, $log) = once('maria@partner.example', "uri = $uri", "tls_ca_file = $T/other.crt");
	is($got, 'temporary temporary', "$scheme: a server of another CA is not asked");
	like($log, qr{$uri: \w+: (Connect error|Can't contact LDAP server).*; TLS fails: is its certificate .* of a CA in $T/other.crt\?}i,
		'  and it says what to look at');
	is((once('maria@partner.example', "uri = $uri", "tls_ca_file = $T/other.crt", 'tls_check = no'))[0], 'maria',
		"$scheme: unless its certificate is not to be checked");
}
is((once('maria@partner.example', "uri = $second->{uri}"))[0], 'temporary temporary', 'StartTLS: one that has expired');
is((once('maria@partner.example', "uri = ldaps://127.0.0.1:$second->{ldaps}"))[0], 'temporary temporary', 'ldaps: one that has expired');
is((once('maria@partner.example', "uri = ldaps://localhost:$slapd->{ldaps}"))[0], 'temporary temporary', 'ldaps: one for another name');
is((once('maria@partner.example', "uri = ldap://localhost:$slapd->{port}"))[0], 'temporary temporary', 'StartTLS: one for another name');
my $plain = listener('plain', sub { my ($s) = @_; sysread($s, my $q, 4096); syswrite $s, "\x30\x0c\x02\x01" . substr($q, 4, 1) . "\x78\x07\x0a\x01\x02\x04\0\x04\0" });
($got, $log) = once('maria@partner.example', "uri = $plain->{uri}");
is($got, 'temporary temporary', 'one without StartTLS');
like($log, qr{StartTLS: Protocol error; it offers no StartTLS: ldaps://, or starttls = no}, '  and it says what to do');
is((once('maria@partner.example', "uri = $second->{uri}", 'starttls = no'))[0], 'maria', 'without TLS, where the operator says so');

# ---- binds ----

my @own = ('base = ou=own,dc=example', 'filter = (mail=%s)', 'private = yes');
is((once('office@example.org', "uri = $slapd->{uri}", @own))[0], 'configuration temporary', 'anonymous: what may not be seen is not "not found"');
is((once('office@example.org', "uri = $slapd->{uri}", @own, 'bind_dn = cn=reader,dc=example', "password_file = $T/password"))[0],
	'office', 'simple bind, the password from a file');
is((once('office@example.org', "uri = $ldaps", @own, 'sasl_external = yes', "tls_certificate = $T/gateway.crt", "tls_key = $T/gateway.key"))[0],
	'office', 'SASL EXTERNAL by a TLS client certificate');
is((once('office@example.org', "uri = $slapd->{ldapi}", @own, 'sasl_external = yes'))[0], 'office', 'SASL EXTERNAL by ldapi');
($got, $log) = once('office@example.org', "uri = $ldaps", @own, 'sasl_external = yes');
is($got, 'configuration temporary', 'SASL EXTERNAL without a certificate');
like($log, qr/SASL EXTERNAL: .*; it has seen no certificate of ours; see tls_certificate/, '  and it says so');
chmod 0640, "$T/gateway.key";
is((once('office@example.org', "uri = $ldaps", 'sasl_external = yes', "tls_certificate = $T/gateway.crt", "tls_key = $T/gateway.key"))[0],
	'configuration temporary', 'a TLS key that others may read');
chmod 0600, "$T/gateway.key";
put("$T/exposed", "pass word\n", 0644);
is((once('office@example.org', "uri = $slapd->{uri}", 'bind_dn = cn=reader,dc=example', "password_file = $T/exposed"))[0],
	'configuration temporary', 'a password that others may read');
put("$T/empty", "\n", 0600);
is((once('office@example.org', "uri = $slapd->{uri}", 'bind_dn = cn=reader,dc=example', "password_file = $T/empty"))[0],
	'configuration temporary', 'an empty password would be nobody\'s');
put("$T/wrong", "guess\n", 0600);
my $before = connections('main');
my $c = conversation("uri = $slapd->{uri} $ldaps", @own, 'bind_dn = cn=reader,dc=example', "password_file = $T/wrong");
is(refused(find($c, 'office@example.org')), 'configuration temporary', 'a wrong password');
is(refused(find($c, 'spare@example.org')), 'configuration temporary', 'stays wrong');
like(log_of($c), qr{error: ldap://\S+: bind as cn=reader,dc=example: Invalid credentials; bind_dn or the password in password_file}, 'and the log says so');
finish($c);
is(connections('main') - $before, 1, 'it is tried once only, at no other replica');

# ---- own keys ----

sub key_of {
	my ($c, $attributes, $text) = @_;
	my $answer = ask($c, 'find-keys', $attributes, $text);
	my ($id, $which, $source) = $answer =~ /<key id="([^"]+)" which="(\d+)" source="([^"]+)"/ or return (refused($answer), '', '', '');
	return ($id, $which, $source, names($answer));
}
sub recipient { return sprintf '<recipient issuer="%s" serial="%s"/>', b64(issuer_of($_[0])), hex_serial($_[0]) }
sub ski { my ($name) = @_; return '<recipient key-id="' . unpack('H*', key_id("$T/$name.crt")) . '"/>' }
sub key_id {
	my ($file) = @_;
	my $text = `openssl x509 -in $file -noout -ext subjectKeyIdentifier`;
	return pack 'H*', join '', map { tr/://dr } $text =~ /^\s+([0-9A-F:]{59})$/m;
}

my @private = ("uri = $slapd->{uri}", @own, 'bind_dn = cn=reader,dc=example', "password_file = $T/password");
$c = conversation(@private);
my ($id, $which, $source, $name) = key_of($c, 'for="sign" address="office@example.org"');
is($name, 'office', 'a key to sign, out of userPKCS12');
like($source, qr{/uid=office,ou=own,dc=example$}, 'from where');
put("$T/digest", "\x01" x 32);
my $signed = ask($c, 'sign', "key=\"$id\" digest=\"sha256\" mechanism=\"rsa-pkcs1\"", b64("\x01" x 32));
put("$T/sig", decode_base64($signed =~ m{<signature>([^<]+)} ? $1 : ''));
ok(eval { openssl('pkeyutl', '-verify', '-certin', '-inkey', "$T/office.crt", '-in', "$T/digest", '-sigfile', "$T/sig", '-pkeyopt',
	'digest:sha256'); 1 }, 'signs') or diag $@;
is((key_of($c, 'for="sign" address="spare@example.org"'))[3], 'spare', 'an empty passphrase');
is(join(' ', sort(ask($c, 'find-keys', 'for="sign" address="spare@example.org"') =~ m{<passed-over source="[^"]*/uid=spare,[^"]*" reason="([^"]*)">}g)), 'locked usage',
	'what does not sign is named, and why');
is((key_of($c, 'for="sign" address="sealed@example.org"'))[0], 'passphrase-needed temporary', 'a passphrase of its own');
is((key_of($c, 'for="sign" address="nobody@example.org"'))[0], 'not-found permanent', 'nobody\'s');
($id, $which, $source, $name) = key_of($c, 'for="decrypt"', recipient($der{maria}) . recipient($der{office}));
is("$name $which", 'office 1', 'the key of the second of two recipients, by issuer and serial number');
my @strangers = map { sprintf '<recipient issuer="%s" serial="%04x"/>', b64(issuer_of($der{maria})), 0x1000 + $_ } 1 .. 250;
is((key_of($c, 'for="decrypt"', join '', @strangers, recipient($der{office})))[1], 250, 'of the last of 251');
sub searches { return scalar(() = slurp("$T/main/log") =~ /SRCH base/g) }
sub many { # how many searches a message to so many strangers makes
	my ($c, $n, @with) = @_;
	my $from = searches();
	key_of($c, 'for="decrypt"', join '', map({ sprintf '<recipient issuer="%s" serial="%06x"/>', b64(issuer_of($der{maria})), 0x100000 + $_ } 1 .. $n), @with);
	return searches() - $from;
}
# the last is ours, so that the entries that may hold a key are not asked for
is(many($c, 49, recipient($der{office})), 1, '50 recipients are one search');
is(many($c, 50, recipient($der{office})), 2, '51 are two');
is(many($c, 9999, recipient($der{office})), 200, '10000 are two hundred');
is(refused(ask($c, 'find-keys', 'for="decrypt"', join '', map({ sprintf '<recipient issuer="%s" serial="%06x"/>', b64(issuer_of($der{maria})), 0x100000 + $_ } 1 .. 10001))),
	'limit permanent', '10001 are too many');
# names of 3000 letters make filters of 3.1 KB, of which eleven pass the 32 KB after which no more is added
my $long = sub { my ($tag, $content) = @_; return pack('CCn', $tag, 0x82, length $content) . $content };
my $long_name = b64($long->(0x30, $long->(0x31, $long->(0x30, "\x06\x03\x55\x04\x03" . $long->(0x0c, 'n' x 3000)))));
my @long = map { sprintf '<recipient issuer="%s" serial="%02x"/>', $long_name, $_ } 1 .. 22;
is(many($c, 0, @long[0 .. 20], recipient($der{office})), 2, '22 recipients with long names are two searches');
is(many($c, 0, @long, recipient($der{office})), 3, '23 are three');
# names as nobody has them: empty; an unknown type; a NUL; quotation marks, braces and backslashes
my @odd = map { sprintf '<recipient issuer="%s" serial="ff"/>', b64(pack 'H*', $_) } '3000', '300d310b300906032a03041302' . '6162',
	'300d310b300906035504030c02' . '0061', '3010310e300c06035504030c05' . '22227d5c22';
is((key_of($c, 'for="decrypt"', join '', @odd, recipient($der{office})))[1], 4, 'odd names do no harm to others');
like(refused(ask($c, 'find-certificates', '', $_ =~ s/recipient/by/r)), qr/^(not-found|bad-request) permanent$/, 'nor are they a reason to wait') for @odd;
put("$T/cek", 'k' x 16);
openssl('pkeyutl', '-encrypt', '-certin', '-inkey', "$T/office.crt", '-in', "$T/cek", '-out', "$T/wrapped", '-pkeyopt', 'rsa_padding_mode:oaep');
like(ask($c, 'unwrap', "key=\"$id\" mechanism=\"rsa-oaep\"", b64(slurp("$T/wrapped"))), qr{<secret>@{[b64('k' x 16)]}</secret>}, 'opens');
is((key_of($c, 'for="decrypt"', ski('spare')))[3], 'spare', 'by key identifier, though no userCertificate shows it');
($id) = key_of($c, 'for="decrypt"', recipient($der{spare}));
openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', "$T/peer.key");
openssl('pkey', '-in', "$T/peer.key", '-pubout', '-outform', 'DER', '-out', "$T/peer.der");
openssl('pkeyutl', '-derive', '-inkey', "$T/spare.key", '-peerkey', "$T/peer.der", '-peerform', 'DER', '-out', "$T/shared");
like(ask($c, 'agree', "key=\"$id\" mechanism=\"ecdh\"", b64(slurp("$T/peer.der"))), qr{<secret>\Q@{[b64(slurp("$T/shared"))]}\E</secret>}, 'agrees');
is((key_of($c, 'for="decrypt"', recipient($der{maria})))[0], 'passphrase-needed temporary', 'the one that is wanted may be in what cannot be opened');
is((key_of($c, 'for="decrypt"', recipient($der{sealed})))[0], 'passphrase-needed temporary', 'as it is');
is(refused(ask($c, 'sign', 'key="k9" digest="sha256" mechanism="ecdsa"', b64("\x01" x 32))), 'no-key permanent', 'an unknown key');
finish($c);
$c = conversation(@private, 'own_filter = (uid=shown)');
is((key_of($c, 'for="decrypt"', recipient($der{maria})))[0], 'not-found permanent', 'but not in one that shows another certificate');
is((key_of($c, 'for="decrypt"', recipient($der{shown})))[0], 'passphrase-needed temporary', 'whose own key it is');
finish($c);
$c = conversation(@private);
is(refused(ask($c, 'unlock', '', '<passphrase>' . b64('wrong') . '</passphrase>')), '', 'a passphrase is given');
like(ask($c, 'find-keys', 'for="sign" address="sealed@example.org"'), qr/passphrase-needed.*the one that was given does not open it/, 'the wrong one');
is(refused(ask($c, 'unlock', '', '<passphrase>' . b64('another') . '</passphrase>')), '', 'another one');
($id, $which, $source, $name) = key_of($c, 'for="sign" address="sealed@example.org"');
is($name, 'sealed', 'opens it');
like(ask($c, 'sign', "key=\"$id\" digest=\"sha256\" mechanism=\"ecdsa\"", b64("\x01" x 32)), qr/<signature>/, 'and it signs');
is((key_of($c, 'for="sign" address="office@example.org"'))[3], 'office', 'the central one is not forgotten');
is(refused(ask($c, 'unlock', '', '')), 'bad-request permanent', 'no passphrase');
finish($c);

sub listed {
	my ($answer) = @_;
	my @names = map { my $der = decode_base64($_); grep { $der{$_} eq $der } sort keys %der } $answer =~ m{<own [^>]*>([^<]*)</own>}g;
	return join ' ', @names, map { "more:$_" } $answer =~ /<more from="(\d+)"/;
}
$c = conversation(@private);
my $list = ask($c, 'list-keys', '');
is(listed($list), 'office spare', 'own keys are listed, but for those nobody can open');
like($list, qr{<own source="[^"]*/uid=office,ou=own,dc=example" use="sign">}, 'by their certificates');
is(listed(ask($c, 'list-keys', 'from="1"')), 'spare', 'from the second on');
is(listed(ask($c, 'list-keys', 'from="3"')), '', 'behind the last');
is(refused(ask($c, 'list-keys', 'from="x"')), 'bad-request permanent', 'from nowhere');
finish($c);
my $small = site('small');
put("$T/small/passphrase", "central\n", 0600);
put($small, slurp($small) . "frame_limit = 4096\nkeys_modules = keys-ldap\n" . join '', map { "keys_ldap_$_\n" } @private, "tls_ca_file = $T/ca.crt");
$c = start($small, module => 'keys-ldap', operations => 'list-keys unlock');
ask($c, 'unlock', '', '<passphrase>' . b64('another') . '</passphrase>');
is(listed(ask($c, 'list-keys', '')), 'office sealed more:2', 'more than an answer holds');
is(listed(ask($c, 'list-keys', 'from="2"')), 'spare', 'stands in the next one');
finish($c);
sub sizes { my ($answer) = @_; return scalar(() = $answer =~ /<own /g) . join '', map { " more:$_" } $answer =~ /<more from="(\d+)"/ }
for my $case ([ 'hundred', '100', 'size_limit = 100' ], [ 'more', '100 more:100', 'size_limit = 101' ]) {
	my ($ou, $want, $limit) = @$case;
	$c = conversation("uri = $slapd->{uri}", 'private = yes', "base = ou=$ou,dc=example", $limit);
	is(sizes(ask($c, 'list-keys', '')), $want, "$ou: a hundred are listed at once");
	is(sizes(ask($c, 'list-keys', 'from="100"')), 1, '  then the last one') if $ou eq 'more';
	finish($c);
}
$c = conversation("uri = $slapd->{uri}", 'private = yes', 'base = ou=more,dc=example');
like(ask($c, 'list-keys', ''), qr/code="configuration">.*not all own keys can be listed; see .*size_limit/, 'more than size_limit is not a list of some');
finish($c);
$c = conversation(grep { !/^private/ } @private);
is((key_of($c, 'for="sign" address="office@example.org"'))[0], 'not-found permanent', 'keys are taken only from where they are said to be');
finish($c);

# ---- several directories ----

my @two = ('directories = a b', "a_uri = $slapd->{uri}", "b_uri = $second->{uri}", 'b_starttls = no');
for my $mode (qw(order parallel)) {
	my @lines = (@two, "mode = $mode");
	is((once('second@partner.example', @lines))[0], 'second', "$mode: what the first has not the second may have");
	$before = connections('second');
	$c = conversation(@lines);
	my $answer = find($c, 'maria@partner.example');
	is(names($answer), 'maria', "$mode: what both have");
	like($answer, qr/source="ldap:\/\/127.0.0.1:$slapd->{port}/, '  comes from the first');
	is(names(find($c, 'nobody@partner.example', 'second@partner.example', 'maria@partner.example')),
		'second maria' eq names(find($c, 'second@partner.example', 'maria@partner.example')) ? 'second maria' : 'maria second', "$mode: each from where it is");
	finish($c);
	is(connections('second') - $before, 1, '  with one connection');
	my @dead = ('directories = a b', 'a_uri = ldap://127.0.0.1:' . free_port(), "b_uri = $second->{uri}", 'starttls = no', "mode = $mode");
	is((once('second@partner.example', @dead))[0], 'second', "$mode: one that is dead does no harm to who is found elsewhere");
	is((once('nobody@partner.example', @dead))[0], 'temporary temporary', "$mode: who is not found may be in the dead one");
	is((once('nobody@partner.example', @dead, 'a_when_away = skip'))[0], 'not-found permanent', "$mode: skip: that is taken for not found");
}
is((once('second@partner.example', @two, 'b_domains = other.example'))[0], 'not-found permanent', 'a directory for other domains is not asked');

# ---- referrals: a part of the directory is on another server ----

my $branch = slapd('branch', tls => 'server', ca => 'ca', data => ldif($top[0], map {
	entry("ou=$_->[0],dc=example", objectClass => 'organizationalUnit', ou => $_->[0]),
	entry("ou=there,ou=$_->[0],dc=example", objectClass => [qw(referral extensibleObject)], ou => 'there', ref => "$_->[1]/ou=people,dc=example") }
	[ 'far', $slapd->{uri} ], [ 'gone', 'ldap://127.0.0.1:' . free_port() ]));
my @far = ("uri = $branch->{uri}", 'base = ou=far,dc=example');
for my $case ([ 'no', 'configuration temporary', 'configuration temporary' ], [ 'yes', 'maria', 'not-found permanent' ],
	[ 'ignore', 'not-found permanent', 'not-found permanent' ]) {
	my ($word, $there, $nobody) = @$case;
	($got, $log) = once('maria@partner.example', @far, "referrals = $word");
	is($got, $there, "referrals = $word: who is on the other server");
	is((once('nobody@partner.example', @far, "referrals = $word"))[0], $nobody, '  and who is nowhere');
	like($log, qr{part of the directory is at $slapd->{uri}/\S+, which is not asked}, '  as the log says') if $word eq 'no';
}
$c = conversation(@far);
find($c, map { "nobody$_\@partner.example" } 1 .. 3);
is(scalar(() = log_of($c) =~ /part of the directory is at/g), 1, 'said once, whoever is asked for');
finish($c);
($got, $log) = once('nobody@partner.example', "uri = $branch->{uri}", 'base = ou=gone,dc=example', 'referrals = yes');
is($got, 'configuration temporary', 'the other server is dead: nobody knows');
like($log, qr{part of the directory is at ldap://\S+, which cannot be asked}, '  as the log says');
is((once('nobody@partner.example', $far[0], 'base = ou=there,ou=far,dc=example'))[0], 'configuration temporary', 'the base itself is on another server');
sub started { return scalar(() = slurp("$T/main/log") =~ /op=0 STARTTLS/g) }
for my $case ([ 'yes', 1 ], [ 'no', 0 ]) {
	my $before = started();
	is((once('maria@partner.example', @far, 'referrals = yes', "starttls = $case->[0]"))[0], 'maria', "starttls = $case->[0]");
	is(started() - $before, $case->[1], '  is for the other server, too');
}
end_server($branch->{pid});

# ---- dead, slow, lying ----

my $dead = 'ldap://127.0.0.1:' . free_port();
($got, $log) = once('maria@partner.example', "uri = $dead");
is($got, 'temporary temporary', 'nobody listens');
like($log, qr{error: $dead: connect: Can't contact LDAP server; its name is not known, nobody listens there, or}, 'and the log says so');
is((once('maria@partner.example', "uri = $dead", 'when_away = skip'))[0], 'not-found permanent', 'skipped');
is((once('maria@partner.example', "uri = $dead $slapd->{uri}"))[0], 'maria', 'the second of two replicas');
is((once('maria@partner.example', "uri = $ldaps $dead"))[0], 'maria', 'the first of two');
$c = conversation("uri = $dead", 'when_away = skip');
find($c, 'maria@partner.example');
find($c, 'second@partner.example');
finish($c);

my $new = slapd('new', tls => 'server', ca => 'ca');
($got, $log) = once('maria@partner.example', "uri = $new->{uri} $slapd->{uri}");
is($got, 'maria', 'a replica that is still empty, then one that is not');
like($log, qr{warning: $new->{uri}: search below "dc=example": No such object}, '  as the log says');
is((once('nobody@partner.example', "uri = $new->{uri} $slapd->{uri}"))[0], 'not-found permanent', '  which knows who is nowhere');
is((once('maria@partner.example', "uri = $new->{uri} $dead"))[0], 'temporary temporary', 'an empty one and a dead one: wait');
is((once('maria@partner.example', "uri = $new->{uri}", 'when_away = skip'))[0], 'configuration temporary', 'an empty one alone is not the directory that is meant');
end_server($new->{pid});

my $silent = listener('silent', sub { sleep 60 });
my $quick = 'connect_timeout = 300ms';
for my $scheme (qw(ldap ldaps)) {
	my $t = time;
	is((once('maria@partner.example', "uri = $scheme://127.0.0.1:$silent->{port} $slapd->{uri}", $quick))[0], 'maria',
		"$scheme: one that never says anything, then a replica");
	cmp_ok(time - $t, '<', 55, '  before it would');
}
$before = $silent->{connections}->();
$c = conversation("uri = $silent->{uri}", $quick);
like(find($c, 'maria@partner.example'), qr/kind="temporary" code="temporary">.*; nothing within connect_timeout/, 'one that never says anything');
is(refused(find($c, 'second@partner.example')), 'temporary temporary', 'is not asked again');
finish($c);
is($silent->{connections}->() - $before, 1, 'by the same message');
$c = conversation("uri = $silent->{uri}", 'starttls = no', 'search_timeout = 300ms');
like(find($c, 'maria@partner.example'), qr/no answer in time/, 'one that takes the question and says nothing');
finish($c);
my $slow = listener('slow', sub { my ($s) = @_; for (1 .. 100) { syswrite $s, "\x30" if $_ == 1; syswrite $s, "\x84" if $_ == 2; sleep 0.3 } });
$c = conversation("uri = $slow->{uri}", 'starttls = no', 'search_timeout = 500ms');
like(find($c, 'maria@partner.example'), qr/no answer in time/, 'one that says a byte now and then');
finish($c);

my %lies = (
	'no BER' => sub { "HTTP/1.0 400 Bad Request\r\n\r\n" },
	'a length of four gigabytes' => sub { "\x30\x84\xff\xff\xff\xff\x02\x01" . chr($_[0]) },
	'a message cut short' => sub { "\x30\x30\x02\x01" . chr($_[0]) . "\x64" },
	'an answer to another question' => sub { "\x30\x0c\x02\x01\x63\x65\x07\x0a\x01\x00\x04\x00\x04\x00" },
	'an entry that is none' => sub { "\x30\x09\x02\x01" . chr($_[0]) . "\x64\x04\x30\x7f\x01\x02" . "\x30\x0c\x02\x01" . chr($_[0]) . "\x65\x07\x0a\x01\x00\x04\x00\x04\x00" },
	'a result of an unknown kind' => sub { "\x30\x0c\x02\x01" . chr($_[0]) . "\x65\x07\x0a\x01\x7b\x04\x00\x04\x00" },
	'the end of the connection' => sub { '' },
);
for my $lie (sort keys %lies) {
	my $liar = listener($lie =~ tr/ /-/r, sub {
		my ($s) = @_;
		sysread($s, my $question, 4096) or return;
		syswrite $s, $lies{$lie}->(ord substr $question, 4, 1);
	});
	my $c = conversation("uri = $liar->{uri} $slapd->{ldapi}", 'starttls = no', 'search_timeout = 2s');
	my $answer = find($c, 'maria@partner.example');
	$lie eq 'an entry that is none' ? like(names($answer), qr/^(maria|not-found permanent|temporary temporary)$/, "a server that says $lie") :
		is(names($answer), 'maria', "a server that says $lie: the next replica is asked");
	is(finish($c), 0, '  without harm');
	end_server($liar->{pid});
}

# ---- a server that goes away and comes back between two questions ----

$c = conversation("uri = $second->{uri}", 'starttls = no');
is(names(find($c, 'second@partner.example')), 'second', 'before');
end_server($second->{pid});
is(refused(find($c, 'second@partner.example')), 'temporary temporary', 'gone in the middle of a message');
finish($c);
Slapd::run_slapd($second, '-f', "$T/second/slapd.conf");
$c = conversation("uri = $second->{uri}", 'starttls = no');
is(names(find($c, 'second@partner.example')), 'second', 'back again');
end_server($second->{pid});
Slapd::run_slapd($second, '-f', "$T/second/slapd.conf");
is(names(find($c, 'second@partner.example')), 'second', 'started anew between two questions');
finish($c);
done_testing();
