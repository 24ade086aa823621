#!/usr/bin/perl
# Copying a file into an area is all an operator does
use strict;
use warnings;
use File::Copy;
use FindBin;
use lib $FindBin::Bin;
use KeysFile;
use MIME::Base64;
use Test::More;

my $config = site('areas');
my $certs = "$T/areas/certs";
my $c = start($config);

sub common_name { my ($n, $rest) = $_[0] =~ /\x55\x04\x03\x0c(.)(.*)/s or return '?'; return substr $rest, 0, ord $n }
sub who { # names in the subjects of what is found for an address, in order, "*" behind the domain's
	my ($conversation, $address) = @_;
	my $answer = ask($conversation, 'find-certificates', '', "<address>$address</address>");
	return '' if $answer =~ /<refused [^>]*code="not-found"/;
	return $answer unless $answer =~ /<result/;
	return join ' ', map { my ($match, $der) = @$_; common_name($der) . ($match eq 'domain' ? '*' : '') }
		map { [ /match="(\w+)"/, decode_base64((/>([^<]+)</)[0]) ] } $answer =~ m{(<certificate .*?</certificate>)}gs;
}

my $n = 0;
certificate($_, address => "$_\@partner.example") for qw(pem der seven cms twelve armour bare bundle1 bundle2 old gate dom fresh);
my %files = (
	'a certificate.pem' => "text before\n" . slurp("$T/pem.crt") . "text behind\n",
	'b.bin' => der_of("$T/der.crt"),
	'ohne endung' => join('', map { slurp("$T/$_.crt") } qw(bundle1 bundle2)),
	'base64.txt' => encode_base64(der_of("$T/bare.crt")),
);
put("$certs/public/$_", $files{$_}) for keys %files;
openssl('crl2pkcs7', '-nocrl', '-certfile', "$T/seven.crt", '-outform', 'DER', '-out', "$certs/public/seven.p7c");
openssl('crl2pkcs7', '-nocrl', '-certfile', "$T/cms.crt", '-out', "$certs/public/cms.p7b");
openssl('pkcs12', '-export', '-nokeys', '-in', "$T/twelve.crt", '-passout', 'pass:', '-out', "$certs/public/twelve.p12");
openssl('pkcs12', '-export', '-nokeys', '-in', "$T/armour.crt", '-passout', 'pass:', '-out', "$T/armour.p12");
put("$certs/public/armour", "-----BEGIN PKCS12-----\n" . encode_base64(slurp("$T/armour.p12")) . "-----END PKCS12-----\n");
is(who($c, "$_\@partner.example"), $_, "found: $_") for qw(pem der seven cms twelve armour bare bundle1 bundle2);
is(who($c, 'PEM@Partner.EXAMPLE'), 'pem', 'whatever the case');
is(who($c, 'nobody@partner.example'), '', 'nobody is found for nobody');

put("$certs/public/a certificate.pem", slurp("$T/fresh.crt"));
is(who($c, 'fresh@partner.example'), 'fresh', 'overwritten in place: the new one is found');
is(who($c, 'pem@partner.example'), '', '... and the old one is gone');
unlink "$certs/public/b.bin";
is(who($c, 'der@partner.example'), '', 'removed is removed');
move("$certs/public/base64.txt", "$certs/public/a certificate.pem");
is(who($c, 'bare@partner.example'), 'bare', 'renamed over another');
is(who($c, 'fresh@partner.example'), '', '... which is gone');

mkdir "$certs/public/\@partner.example";
put("$certs/public/\@partner.example/x", slurp("$T/gate.crt"));
certificate('san', address => '@third.example');
put("$certs/public/san", slurp("$T/san.crt"));
mkdir "$certs/public/folder";
put("$certs/public/folder/old", slurp("$T/old.crt"));
is(who($c, 'anybody@partner.example'), 'gate*', 'the domain\'s certificate by folder');
is(who($c, 'anybody@third.example'), 'san*', 'the domain\'s certificate by name');
is(who($c, 'anybody@sub.third.example'), '', '... not for subdomains');
is(who($c, 'bare@partner.example'), 'bare gate*', 'the address\'s own comes first');
is(who($c, 'old@partner.example'), 'old gate*', 'any other folder is just a folder');

# a domain has two forms: each way to write it in certificates, folders and questions is the same
my ($u, $a) = ("b\xc3\xbccher.example", 'xn--bcher-kva.example');
certificate('alabel', address => "info\@$a");
certificate('ulabel', ext => "subjectAltName=\@n\n[n]\notherName=1.3.6.1.5.5.7.8.9;FORMAT:UTF8,UTF8:j\xc3\xbcrgen\@$u\n[v4]\n");
put("$certs/public/$_", slurp("$T/$_.crt")) for qw(alabel ulabel);
mkdir "$certs/public/\@$u";
put("$certs/public/\@$u/gate", slurp("$T/gate.crt"));
is(who($c, "$_->[0]\@$_->[2]"), "$_->[1] gate*", "$_->[0]\@$_->[2]") for ['info', 'alabel', $u], ['info', 'alabel', uc $a],
	["j\xc3\xbcrgen", 'ulabel', $u], ["j\xc3\xbcrgen", 'ulabel', $a];
is(who($c, "info\@bucher.example"), '', 'another domain');

my $other = start($config);
is(who($other, 'bundle2@partner.example'), 'bundle2 gate*', 'another process sees the same');
put("$certs/public/new", slurp("$T/der.crt"));
is(who($_, 'der@partner.example'), 'der gate*', 'a new file is seen by every process at once') for $c, $other;
finish($other);

# trusted before public, the same certificate once; newest first
certificate('dom2', address => 'dom@partner.example', key => undef, days => 5);
put("$certs/trusted/dom2", slurp("$T/dom2.crt"));
put("$certs/public/dom", slurp("$T/dom.crt"));
put("$certs/public/dom-again", slurp("$T/dom.crt") . slurp("$T/dom2.crt"));
is(who($c, 'dom@partner.example'), 'dom2 dom gate*', 'trusted before public, each certificate once');
like(ask($c, 'find-certificates', '', '<address>dom@partner.example</address>'),
	qr{for="dom\@partner.example" area="trusted" source="\Q$certs\E/trusted/dom2" match="address"}, 'an answer names area, file and match');

# many: the newest eight
for my $i (1 .. 9) {
	openssl('req', '-x509', '-new', '-config', "$T/dom.cnf", '-key', "$T/dom.key", '-set_serial', $i, '-days', 1,
		'-subj', "/CN=many$i", '-addext', 'subjectAltName=email:many@partner.example', '-out', "$T/many.$i");
	put("$certs/public/many.$i", slurp("$T/many.$i"));
	is(scalar(split ' ', who($c, 'many@partner.example')), ($i < 8 ? $i : 8) + ($i < 8), "$i certificates for one address") if $i >= 7;
}

# by identifier
my $der = der_of("$T/bundle1.crt");
like(ask($c, 'find-certificates', '', '<by issuer="' . b64(issuer_of($der)) . '" serial="' . hex_serial($der) . '"/>'),
	qr{area="public" source="[^"]*/ohne endung" match="id">\Q@{[b64($der)]}\E<}, 'by issuer and serial');
my ($ski) = `openssl x509 -in $T/seven.crt -noout -ext subjectKeyIdentifier` =~ /((?:[0-9A-F]{2}:){19}[0-9A-F]{2})/;
$ski =~ tr/://d;
for my $id ($ski, lc $ski) {
	like(ask($c, 'find-certificates', '', "<by key-id=\"$id\"/>"), qr{seven.p7c" match="id"}, 'by key identifier');
}
unlike(ask($c, 'find-certificates', '', '<by key-id="00"/>'), qr{<certificate}, 'an unknown identifier');
is(refused(ask($c, 'find-certificates', '', $_)), 'bad-request permanent', "refused: $_") for '', '<by/>', '<by key-id="0g"/>',
	'<by key-id="000"/>', '<by issuer="AAAA" serial="01"/>', '<address/>', '<address>a@b</address><by key-id="00"/>',
	'<address>' . 'x' x 321 . '</address>';

# broken files: named once, the others unaffected
put("$certs/public/half", substr(slurp("$T/pem.crt"), 0, 300));
put("$certs/public/empty", '');
put("$certs/public/half.der", substr(der_of("$T/pem.crt"), 0, 200));
put("$certs/public/.hidden", slurp("$T/pem.crt"));
symlink "$T/nowhere", "$certs/public/dangling";
is(who($c, 'pem@partner.example'), 'gate*', 'half a certificate is none, a hidden file is none');
is(who($c, 'bare@partner.example'), 'bare gate*', '... and the others are there');
my $third = start($config);
is(who($third, 'pem@partner.example'), 'gate*', 'the next process knows them');
finish($third);
for my $name (qw(half half.der empty)) {
	my @lines = (log_of($c) . log_of($third)) =~ m{public/\Q$name\E: }g;
	is(scalar @lines, 1, "the log names $name once");
}
unlike(log_of($c) . log_of($third), qr/hidden|dangling/, 'and says nothing of the others');
put("$certs/public/half", slurp("$T/pem.crt"));
is(who($c, 'pem@partner.example'), 'pem gate*', 'copied whole, it is found');
symlink "$T/old.crt", "$certs/public/link";
is(who($c, 'old@partner.example'), 'old gate*', 'a link is followed');

# a key among the partners' certificates
put("$certs/public/with-key", slurp("$T/cms.crt") . slurp("$T/cms.key"));
is(who($c, 'cms@partner.example'), 'cms gate*', 'a certificate beside a key is found');
like(log_of($c), qr{with-key: holds a private key, which has no business}, '... and the log warns');

# the index
my $body = join '', map { slurp($_) } glob "$T/areas/spool/index/*/data.mdb";
ok(length $body, 'there is an index');
is(sprintf('%04o', (stat)[2] & 07777), (-d $_ ? '0700' : '0600'), "mode of $_") for glob "$T/areas/spool/index/* $T/areas/spool/index/*/*";
unlink glob "$T/areas/spool/index/*/*";
my $fourth = start($config);
is(who($fourth, 'bare@partner.example'), 'bare gate*', 'an index that was deleted is built again');
finish($fourth);

# store-certificate
$der = b64(der_of("$T/pem.crt"));
certificate('mailed', address => 'mailed@partner.example');
$der = b64(der_of("$T/mailed.crt"));
like(ask($c, 'store-certificate', 'area="seen" address="mailed@partner.example"', $der), qr/<result/, 'a certificate is stored') for 1 .. 2;
my @seen = glob "$certs/seen/*";
is(scalar @seen, 1, '... once');
is(der_of($seen[0]), decode_base64($der), '... as it came');
my $fingerprint = `openssl x509 -in $seen[0] -noout -fingerprint -sha256`;
$fingerprint =~ s/.*=|:|\n//g;
is($seen[0], "$certs/seen/" . lc($fingerprint) . '.pem', '... under its fingerprint');
is(who($c, 'mailed@partner.example'), 'gate*', '... and not used to encrypt');
ask($c, 'store-certificate', 'area="public"', $der);
is(who($c, 'mailed@partner.example'), 'mailed gate*', '... until it is published');
is(refused(ask($c, 'store-certificate', "area=\"$_\"", $der)), 'bad-request permanent', "nothing is stored in $_") for qw(private ca trusted untrusted crl x);
is(refused(ask($c, 'store-certificate', 'area="seen"', $_)), 'bad-request permanent', 'rubbish is not stored') for '', b64('x'), $der . 'AAAA';

# what the signer can read goes with the address, up to a size
sub with { ask($c, 'store-certificate', qq(area="seen" address="$_[0]" signed="$_[1]" capabilities="$_[2]"), $der) }
sub known { ask($c, 'find-certificates', '', "<address>$_[0]</address>") =~ /capabilities="([^"]*)"/ ? $1 : '-' }
like(with('MAILED@partner.example', '2026-01-01T00:00:00Z', 'MAA='), qr/<stored area="public" state="known"/, 'known already');
is(known('mailed@partner.example'), 'MAA=', '... but what it can read is new');
with('mailed@partner.example', '2025-12-31T23:59:59Z', 'MAE=');
is(known('mailed@partner.example'), 'MAA=', 'a second older: no news');
with('mailed@partner.example', '2026-01-01T00:00:01Z', 'MAE=');
is(known('mailed@partner.example'), 'MAE=', 'a second newer');
is(known('gate@partner.example'), '-', 'nobody said anything for another one');
my $most = b64('x' x 8192);
with('mailed@partner.example', '', $most);
is(known('mailed@partner.example'), $most, 'as much as 8 KB');
is(refused(with('mailed@partner.example', '', $_)), 'bad-request permanent', 'not a byte more, nor none, nor rubbish') for b64('x' x 8193), '', '*';
is(refused(with('a' x 400 . '@partner.example', '', 'MAA=')), 'bad-request permanent', 'an address that is none');

# an area that cannot be read, whoever one is, is not an empty one
rename "$certs/public", "$certs/away" or die;
symlink 'public', "$certs/public" or die;
my $fifth = start($config);
is(refused(ask($fifth, 'find-certificates', '', '<address>a@b</address>')), 'configuration temporary', 'an unreadable area is no empty one');
unlink "$certs/public" or die;
rename "$certs/away", "$certs/public" or die;
finish($fifth);
is(finish($c), 0, 'ends with its input');
done_testing();
