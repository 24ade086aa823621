#!/usr/bin/perl
# keys-ldap: certificates in a directory, as public S/MIME directories have them
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use KeysFile;
use Slapd;
use MIME::Base64;
use Test::More;

plan skip_all => 'keys-ldap is not built' unless -x "$BUILD/keys-ldap";
plan skip_all => slapd_missing() if slapd_missing();

# ---- what stands in the directory ----

tls_authority('ca');
my @names = qw(maria utf8 old new wrong whole star both signs broken bundle stranger idn);
certificate($_, ca => 'ca', address => "$_\@partner.example") for grep { !/^(utf8|old|new|wrong|whole|star|signs|bundle|stranger|idn)$/ } @names;
certificate('old', ca => 'ca', address => 'two@partner.example', days => 50);
certificate('new', ca => 'ca', address => 'two@partner.example');
certificate('signs', ca => 'ca', address => 'two@partner.example', ext => "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n");
certificate('idn', ca => 'ca', address => 'info@xn--bcher-kva.example');
certificate('whole', ca => 'ca', address => '@house.example');
certificate('stranger', ca => 'ca', address => 'mallory@evil.example');
certificate('utf8', ca => 'ca', ext => "subjectAltName=\@n\n[n]\notherName=1.3.6.1.5.5.7.8.9;FORMAT:UTF8,UTF8:m\xc3\xbcller\@partner.example\n[v4]\n");
certificate('star', ca => 'ca', address => 'st*ar@partner.example');
certificate('bundle', ca => 'ca', address => 'bundle@partner.example', key => ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']);
my %der = map { $_ => der_of("$T/$_.crt") } grep { -e "$T/$_.crt" } @names, 'ca';

put("$T/nothing", '');
openssl('cms', '-sign', '-binary', '-nodetach', '-in', "$T/nothing", '-signer', "$T/bundle.crt", '-inkey', "$T/bundle.key", '-certfile',
	"$T/ca.crt", '-outform', 'DER', '-out', "$T/bundle.p7", '-md', 'sha256');
openssl('crl2pkcs7', '-nocrl', '-certfile', "$T/maria.crt", '-outform', 'DER', '-out', "$T/bare.p7");
my $p7 = slurp("$T/bundle.p7");
my $forged = $p7;
substr $forged, -1, 1, chr(ord(substr $forged, -1, 1) ^ 1); # the signature's last byte

sub person {
	my ($uid, $mail, @attributes) = @_;
	return entry("uid=$uid,ou=people,dc=example", objectClass => [qw(inetOrgPerson pkiUser)], uid => $uid, cn => $uid, sn => $uid,
		mail => $mail, @attributes);
}

my $data = ldif(
	entry('dc=example', objectClass => [qw(organization dcObject)], dc => 'example', o => 'Example'),
	entry('ou=people,dc=example', objectClass => 'organizationalUnit', ou => 'people'),
	person('maria', 'maria@partner.example', 'userCertificate;binary' => $der{maria}),
	person('two', 'two@partner.example', 'userCertificate;binary' => [@der{qw(old signs new)}]),
	person('wrong', 'wrong@partner.example', 'userCertificate;binary' => $der{stranger}),
	person('half', 'both@partner.example', 'userCertificate;binary' => [@der{qw(stranger both)}]),
	person('whole', '@house.example', 'userCertificate;binary' => $der{whole}),
	person('star', 'st*ar@partner.example', 'userCertificate;binary' => $der{star}),
	person('bundle', 'bundle@partner.example', userSMIMECertificate => $p7),
	person('forged', 'forged@partner.example', mail => 'bundle@forged.example', userSMIMECertificate => $forged),
	person('rubbish', 'rubbish@partner.example', userSMIMECertificate => ["\x30\x82\xff", "\0\1\2", 'x' x 1000]),
	person('big', 'big@partner.example', userSMIMECertificate => ['y' x (300 * 1024), $p7]),
	person('later', 'maria@later.example', userSMIMECertificate => ["rubbish", slurp("$T/bare.p7")]),
	entry('uid=utf8,ou=people,dc=example', objectClass => [qw(inetOrgPerson pkiUser)], uid => 'utf8', cn => "m\xc3\xbcller\@partner.example", sn => 'utf8',
		'userCertificate;binary' => $der{utf8}),
	person('empty', 'empty@partner.example'),
	person('idn', 'info@xn--bcher-kva.example', 'userCertificate;binary' => $der{idn}),
	person('reach', 'reach@partner.example', 'userCertificate;binary' => $der{broken}),
	(map { person("crowd$_", "crowd$_\@partner.example", 'userCertificate;binary' => $der{stranger}, userSMIMECertificate => [map { "rubbish $_" } 1 .. $_]) } 511, 512),
	person('full', 'full@partner.example', userSMIMECertificate => ['z' x (256 * 1024), 'z' x (256 * 1024 + 1)]),
	(map { person("half$_", 'halves@partner.example', userSMIMECertificate => 'h' x 2048) } 1, 2),
	(map { person("half$_", 'more@partner.example', userSMIMECertificate => 'h' x $_) } 2048, 2049),
	(map { person("many$_", 'many@partner.example', 'userCertificate;binary' => $der{stranger}) } 1 .. 4),
);
my $slapd = slapd('main', data => $data);

my $sites = 0;
sub conversation {
	my (@lines) = @_;
	my $config = site('site' . $sites++);
	put($config, slurp($config) . "keys_modules = keys-ldap\n" . join '', map { "keys_ldap_$_\n" } (grep { my $n = (split)[0]; !grep { (split)[0] eq $n } @lines } "base = dc=example", "starttls = no"), @lines);
	return start($config, module => 'keys-ldap');
}

sub find { return ask($_[0], 'find-certificates', '', join '', map { "<address>$_</address>" } @_[1 .. $#_]) }

# names of the certificates in an answer, or how it was refused
sub found {
	my ($answer) = @_;
	my @found;
	while ($answer =~ m{<certificate ([^>]*)>([^<]*)</certificate>}g) {
		my ($attributes, $der) = ($1, decode_base64($2));
		my ($name) = grep { $der{$_} eq $der } sort keys %der;
		my ($match) = $attributes =~ /match="(\w+)"/;
		push @found, ($name // 'unknown') . ($match eq 'address' ? '' : ":$match");
	}
	return @found ? "@found" : refused($answer);
}

# ---- by address ----

my $c = conversation("uri = $slapd->{uri}");
like($c->{hello}, qr/^<hello [^>]*name="keys-ldap"/, 'says hello');
my $answer = find($c, 'maria@partner.example');
is(found($answer), 'maria', 'the certificate of an address');
like($answer, qr{for="maria\@partner.example" area="public" source="ldap://127.0.0.1:$slapd->{port}/uid=maria,ou=people,dc=example"},
	'from where, for people');
is(found(find($c, 'MARIA@Partner.Example')), 'maria', 'whatever the case');
is(join(' ', sort split / /, found(find($c, 'two@partner.example'))), 'new old', 'several, without the one that only signs');
is(found(find($c, 'nobody@partner.example')), 'not-found permanent', 'nobody has none');
is(found(find($c, 'empty@partner.example')), 'not-found permanent', 'an entry without certificates');
is(found(find($c, 'maria@partner.example', 'nobody@partner.example', 'both@partner.example')), 'maria both', 'several addresses at once');
is(found(find($c, 'both@partner.example')), 'both', 'of an entry with a foreign certificate too, the right one');
is(found(find($c, 'wrong@partner.example')), 'not-found permanent', 'a certificate of somebody else is not offered');
like(log_of($c), qr/uid=wrong,ou=people,dc=example: userCertificate: a certificate that does not name wrong\@partner.example, passed over/,
	'and the log says so');
is(found(find($c, 'st*ar@partner.example')), 'star', 'an asterisk is an asterisk');
is(found(find($c, 's*@partner.example')), 'not-found permanent', 'and not a wildcard');
is(found(find($c, 'x)(mail=maria@partner.example')), 'not-found permanent', 'nor do parentheses mean anything');
is(found(find($c, 'x\\2a@partner.example')), 'not-found permanent', 'nor does a backslash');
is(found(find($c, "m\xc3\xa4ria\@partner.example")), 'not-found permanent', 'UTF-8 goes through');
is(found(find($c, $_)), 'idn', "$_: a domain with A-labels or U-labels") for 'info@xn--bcher-kva.example', "info\@b\xc3\xbccher.example";
is(found(find($c, 'a' x 321)), 'bad-request permanent', 'an address of 321 bytes is none');
like(refused(ask($c, 'find-certificates', '', '')), qr/^bad-request/, 'no address');
is(refused(ask($c, 'store-certificate', 'area="seen"', b64($der{maria}))), 'unknown-operation permanent', 'nothing is stored');

# ---- other attributes ----

$answer = find($c, 'bundle@partner.example');
is(found($answer), 'bundle', 'userSMIMECertificate: the owner out of the bundle');
my ($capabilities) = $answer =~ /capabilities="([^"]+)"/;
ok($capabilities && index($p7, decode_base64($capabilities)) >= 0, 'with the capabilities that are signed in it');
is(found(find($c, 'maria@later.example')), 'not-found permanent', 'what names the address of another domain is not offered');
is(found(find($c, 'rubbish@partner.example')), 'not-found permanent', 'binary rubbish');
is(scalar(() = log_of($c) =~ /uid=rubbish.*no certificate, passed over/g), 3, 'gives a line for each value');
is(found(find($c, 'big@partner.example')), 'not-found permanent', '300 KB are no certificate');
like(log_of($c), qr/uid=big.*userSMIMECertificate: bigger than any certificate/, 'as the log says');
is(finish($c), 0, 'ends with its input');
is(scalar(() = slurp("$T/main/log") =~ /ACCEPT from/g), 2, 'one connection for all of it (and one of ours before it)');

my $tampered = conversation("uri = $slapd->{uri}", 'filter = (uid=forged)');
$answer = find($tampered, 'bundle@partner.example');
is(found($answer), 'bundle', 'a bundle whose signature is wrong still has the certificate');
unlike($answer, qr/capabilities/, 'but what it says about ciphers is not believed');
finish($tampered);

# ---- by the operator's filters ----

my $d = conversation("uri = $slapd->{uri}", 'filter = (|(mail=%s)(mail=@%d))');
is(found(find($d, 'anybody@house.example')), 'whole:domain', 'the certificate of the domain, where the filter asks for it');
is(found(find($d, 'maria@partner.example')), 'maria', 'and of an address');
finish($d);
$d = conversation("uri = $slapd->{uri}", 'filter = (|(mail=%s)(cn=%s))');
is(found(find($d, "m\xc3\xbcller\@partner.example")), 'utf8', 'an address that is not ASCII (RFC 9598), where the directory has such');
finish($d);
$d = conversation("uri = $slapd->{uri}", 'filter = (&(uid=%u)(mail=%%*)(mail=*))');
is(found(find($d, 'maria@partner.example')), 'not-found permanent', '%% is a percent sign');
finish($d);
$d = conversation("uri = $slapd->{uri}", 'filter = (uid=%u)', 'base = ou=people,dc=example', 'scope = one');
is(found(find($d, 'maria@partner.example')), 'maria', 'by the part before the @, one level deep');
finish($d);
$d = conversation("uri = $slapd->{uri}", 'scope = base');
is(found(find($d, 'maria@partner.example')), 'not-found permanent', 'the base alone');
finish($d);
$d = conversation("uri = $slapd->{uri}", 'attributes = userSMIMECertificate');
is(found(find($d, 'maria@partner.example')), 'not-found permanent', 'other attributes are not looked at');
finish($d);
$d = conversation("uri = $slapd->{uri}", 'attributes = ' . join ' ', (map { "x$_" } 1 .. 11), 'userCertificate');
is(found(find($d, 'maria@partner.example')), 'maria', 'but for all twelve that there may be');
finish($d);
$d = conversation('directories = ' . join(' ', map { "d$_" } 1 .. 16), "uri = $slapd->{uri}");
is(found(find($d, 'maria@partner.example')), 'maria', 'sixteen directories are allowed');
finish($d);
$d = conversation("uri = $slapd->{uri}", 'domains = .partner.example other.example');
is(found(find($d, 'maria@partner.example')), 'not-found permanent', 'nor other domains');
finish($d);
$d = conversation("uri = $slapd->{uri}", 'size_limit = 3');
is(found(find($d, 'many@partner.example')), 'configuration temporary', 'four entries where three are allowed, none of them right: nobody knows');
is(found(find($d, 'maria@partner.example')), 'maria', 'which does no harm to others');
finish($d);
$d = conversation("uri = $slapd->{uri}", 'size_limit = 4');
is(found(find($d, 'many@partner.example')), 'not-found permanent', 'four where four are allowed');
finish($d);
$d = conversation("uri = $slapd->{uri}", 'answer_limit = 4K');
isnt(found(find($d, 'big@partner.example')), 'not-found permanent', 'an entry bigger than answer_limit is not "not found"');
finish($d);

# ---- limits: at, and one above ----

$d = conversation("uri = $slapd->{uri}", 'answer_limit = 4K', 'attributes = userSMIMECertificate');
is(found(find($d, 'halves@partner.example')), 'not-found permanent', 'values of answer_limit, none of them right');
is(found(find($d, 'more@partner.example')), 'configuration temporary', 'one byte more: nobody knows');
like(log_of($d), qr/one answer has more than answer_limit or 512 values; the rest is passed over/, '  as the log says');
finish($d);
$d = conversation("uri = $slapd->{uri}", 'attributes = userCertificate;binary userSMIMECertificate');
is(found(find($d, 'crowd511@partner.example')), 'not-found permanent', '512 values of an answer are looked at');
is(scalar(() = log_of($d) =~ /uid=crowd511\S+ user\w+: /g), 10, '  of which ten are named in the log');
like(log_of($d), qr/: 502 more values passed over/, '  and the others counted');
is(found(find($d, 'crowd512@partner.example')), 'configuration temporary', 'of 513 the last one is not: nobody knows');
find($d, 'full@partner.example');
like(log_of($d), qr/uid=full,\S+: userSMIMECertificate: no certificate, passed over/, 'a value of 256 KB is read');
is(scalar(() = log_of($d) =~ /uid=full,\S+: userSMIMECertificate: bigger than any certificate/g), 1, '  a byte more is not');
my $searches = () = slurp("$T/main/log") =~ /SRCH base/g;
is(found(find($d, (map { "x$_\@partner.example" } 1 .. 100), 'maria@partner.example')), 'maria', 'more at once than slapd takes without an answer');
is((() = slurp("$T/main/log") =~ /SRCH base/g) - $searches, 101, '  each asked for once');
finish($d);
$d = conversation("uri = $slapd->{uri}", 'domains = other.example');
is(found(find($d, map { "x$_\@partner.example" } 1 .. 10000)), 'not-found permanent', '10000 addresses');
is(found(find($d, map { "x$_\@partner.example" } 1 .. 10001)), 'limit permanent', 'one more');
finish($d);

# ---- by identifier ----

$c = conversation("uri = $slapd->{uri}", 'key_id_filter = (uid=ski-%x)');
my $by = sub { sprintf '<by issuer="%s" serial="%s"/>', b64(issuer_of($_[0])), hex_serial($_[0]) };
is(found(ask($c, 'find-certificates', '', $by->($der{maria}))), 'maria:id', 'by issuer and serial number');
is(found(ask($c, 'find-certificates', '', $by->($der{both}))), 'both:id', 'only the one that is meant');
is(found(ask($c, 'find-certificates', '', $by->(der_of("$T/ca.crt")))), 'not-found permanent', 'one that is not there');
is(found(ask($c, 'find-certificates', '', '<by key-id="00ff"/>')), 'not-found permanent', 'by key identifier, as configured');
unlike(log_of($c), qr/passed over/, 'what else the entry has is nothing to complain about');
is(refused(ask($c, 'find-certificates', '', '<by/>')), 'bad-request permanent', 'by nothing');
finish($c);

# ---- who has none is remembered ----

$c = conversation("uri = $slapd->{uri}", 'absent_lifetime = 1h', 'filter = (uid=%u)');
is(found(find($c, 'reach@partner.example')), 'not-found permanent', 'somebody else\'s certificate');
my $before = () = slurp("$T/main/log") =~ /SRCH base/g;
is(found(find($c, 'reach@partner.example')), 'not-found permanent', 'once more');
is(found(find($c, 'REACH@partner.example')), 'not-found permanent', 'and once more');
is(scalar(() = slurp("$T/main/log") =~ /SRCH base/g), $before, 'without asking');
is(found(find($c, 'maria@partner.example')), 'maria', 'others are asked for');
finish($c);
my $last = "$T/site" . ($sites - 1);
is(sprintf('%o', (stat "$last/spool/keys-ldap/absent")[2] & 0777), '600', 'the table is ours alone');
my $again = start("$last/postern.conf", module => 'keys-ldap');
$before = () = slurp("$T/main/log") =~ /ACCEPT from/g;
is(found(find($again, 'reach@partner.example')), 'not-found permanent', 'the next message knows it');
is(scalar(() = slurp("$T/main/log") =~ /ACCEPT from/g), $before, 'without a connection');
finish($again);
put("$last/spool/keys-ldap/absent", 'rubbish');
$again = start("$last/postern.conf", module => 'keys-ldap');
is(found(find($again, 'maria@partner.example')), 'maria', 'a broken table is no obstacle');
finish($again);
is(-s "$last/spool/keys-ldap/absent", 65600, 'and is made anew');
$again = conversation("uri = $slapd->{uri}", 'absent_lifetime = 0', 'filter = (uid=%u)');
find($again, 'reach@partner.example');
$before = () = slurp("$T/main/log") =~ /SRCH base/g;
find($again, 'reach@partner.example');
isnt(scalar(() = slurp("$T/main/log") =~ /SRCH base/g), $before, 'absent_lifetime = 0: asked every time');
finish($again);

# ---- what is not configured well ----

my @bad = (
	[ 'uri is missing' ],
	[ 'uri: http://x is none of ldap:', 'uri = http://x' ],
	[ 'uri: ldap://x/dc=y is more than HOST and PORT', 'uri = ldap://x/dc=y' ],
	[ 'uri: ldapi:///run/x names no socket: each / of its path is written %2F', 'uri = ldapi:///run/x' ],
	[ 'keys_ldap_attributes: more than 12', "uri = $slapd->{uri}", 'attributes = ' . join ' ', 1 .. 13 ],
	[ 'keys_ldap_directories: more than 16', 'directories = ' . join(' ', map { "d$_" } 1 .. 17), map { "d${_}_uri = $slapd->{uri}" } 1 .. 17 ],
	[ 'would see the password go in clear', 'uri = ldap://ldap.example', 'bind_dn = cn=x', 'password_file = /x' ],
	[ 'keys_ldap_bind_dn and keys_ldap_password_file: only both', "uri = $slapd->{uri}", 'bind_dn = cn=x' ],
	[ 'keys_ldap_bind_dn and keys_ldap_sasl_external: only one', "uri = $slapd->{uri}", 'bind_dn = cn=x', 'password_file = /x', 'sasl_external = yes' ],
	[ 'keys_ldap_tls_certificate and keys_ldap_tls_key: only both', "uri = $slapd->{uri}", 'tls_key = /x' ],
	[ 'filter: .*only %% and % with', "uri = $slapd->{uri}", 'filter = (mail=%q)' ],
	[ 'unknown option &quot;keys_ldap_urii&quot;', "urii = $slapd->{uri}" ],
	[ 'keys_ldap_b_uri is missing', 'directories = a b', "a_uri = $slapd->{uri}" ],
	[ 'size_limit: 0 is out of range', 'size_limit = 0' ],
);
for my $b (@bad) {
	my ($why, @lines) = @$b;
	my $bad = conversation(@lines);
	my $got = find($bad, 'maria@partner.example');
	is(refused($got), 'configuration temporary', "not configured well: $why");
	like($got, qr/$why/, '  and it says so');
	finish($bad);
}
for my $b ([ 'base that is not there', qr/search below "dc=nowhere": No such object; base is not there, or not for us to see/, 'base = dc=nowhere' ],
	[ 'base that is none', qr/search below "nowhere": Invalid DN syntax \(invalid DN\); base is no DN/, 'base = nowhere' ],
	[ 'filter that is none', qr/Bad search filter; one of our filters is none/, 'filter = (mail=%s' ]) {
	my $bad = conversation("uri = $slapd->{uri}", @$b[2 .. $#$b]);
	is(refused(find($bad, 'maria@partner.example')), 'configuration temporary', "a $b->[0] is not \"not found\"");
	like(log_of($bad), $b->[1], '  and the log says which');
	finish($bad);
}
end_server($slapd->{pid});

# ---- the manual page ----

my ($table, $page) = (slurp("$SRC/modules/keys-ldap/options.c"), slurp("$SRC/man/keys-ldap.8"));
my %options = $table =~ /^\t\{ "(keys_ldap_\w+)", CONFIG_\w+,\s+(?:"((?:[^"\\]|\\.)*)"|NULL)/mg;
cmp_ok(scalar keys %options, '>', 20, 'the table of options is read');
for my $name (sort keys %options) {
	my $initial = ($options{$name} // '') =~ s/\\"/"/gr;
	like($page, qr/^\.It .*Cm (?:\w+ , )*$name\b/m, "keys-ldap(8) has $name");
	like($page, qr/\Q$initial\E/, '  and its default') if $initial ne '';
}
done_testing();
