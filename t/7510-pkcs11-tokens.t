#!/usr/bin/perl
# keys-pkcs11: which key is found where, PINs, and tokens that go and come back
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Pkcs11;
use MIME::Base64;
use Test::More;

plan skip_all => Pkcs11::missing() if Pkcs11::missing();
my $config = site('tok');
my $certs = "$T/tok/certs";
my $digest = b64("\x01" x 32);
tokens('One', 'Two');
my %both = (tokens => { One => '1111', Two => '2222' });

sub begin { return start($config, module => 'keys-pkcs11', @_) }
sub once { my $c = begin(); my $answer = ask($c, @_); finish($c); return $answer }
sub sign { my ($c, $id) = @_; return ask($c, 'sign', "key=\"$id\" mechanism=\"ecdsa\" digest=\"sha256\"", $digest) }
sub good { # whether the answer has a signature by this key
	my ($answer, $name) = @_;
	my ($signature) = $answer =~ m{<signature>([^<]+)</signature>} or return $answer;
	put("$T/sig", decode_base64($signature));
	put("$T/digest", "\x01" x 32);
	return eval { openssl('pkeyutl', '-verify', '-certin', '-inkey', "$T/$name.crt", '-in', "$T/digest", '-sigfile', "$T/sig"); 1 } ? 'good' : $@;
}
sub signs { # one whole conversation: find the key for NAME@example.org, sign
	my ($name) = @_;
	my $c = begin();
	my $answer = ask($c, 'find-keys', "for=\"sign\" address=\"$name\@example.org\"");
	$answer = good(sign($c, $1), $name) if $answer =~ /<key id="([^"]+)"/;
	finish($c);
	return refused($answer) || $answer;
}
sub names { # of the certificates in an answer
	my ($answer, @known) = @_;
	my %name = map { b64(der_of("$T/$_.crt")) => $_ } @known;
	return join ' ', map { $name{$_} // '?' } $answer =~ m{<certificate[^>]*>([^<]+)</certificate>}g;
}
sub text { return $_[0] =~ />([^<]*)<\/refused>/ ? $1 =~ s/&quot;/"/gr : '' }

# ---- which key is found
certificate('root', ext => "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n");
certificate('issuing', ca => 'root', ext => "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n");
certificate('tok', address => 'tok@example.org', ca => 'issuing');
certificate('inarea', address => 'inarea@example.org');
certificate('inpublic', address => 'inpublic@example.org');
certificate('lone', address => 'lone@example.org');
certificate('idn', address => 'idn@xn--bcher-kva.example');
certificate('cross', address => 'cross@example.org');
certificate('file', address => 'file@example.org');
certificate('dom', address => '@example.org', days => 200);
certificate('enc', address => 'tok@example.org', ext => "basicConstraints=CA:FALSE\nkeyUsage=keyAgreement\n");
certificate('gone', address => 'gone@example.org');
on_token('One', 'tok', '11');
on_token('One', 'enc', '12');
on_token('Two', 'inarea', '13', certificate => 0);
on_token('Two', 'inpublic', '14', certificate => 0);
on_token('Two', 'lone', '15', public => 0);
put("$certs/private/inarea.pem", slurp("$T/inarea.crt"));
put("$certs/public/inpublic.pem", slurp("$T/inpublic.crt"));
put("$certs/private/file.pem", slurp("$T/file.crt") . slurp("$T/file.key"), 0600);
put("$certs/private/gone.pem", slurp("$T/gone.crt"));
configure($config, %both);
is(signs($_), 'good', "$_ signs") for qw(tok inarea inpublic lone);
is(signs('gone'), 'not-found permanent', 'a certificate whose key is on no token');
is(signs('file'), 'not-found permanent', 'a file with a key of its own is for keys-file');
is(signs('nobody'), 'not-found permanent', 'an address without certificate');
on_token('Two', 'dom', '16');
is(names(once('find-keys', 'for="sign" address="tok@example.org"'), qw(tok dom enc)), 'tok dom', 'the own one before the domain\'s, one for encryption not at all');
put("$certs/private/idn.pem", slurp("$T/idn.crt"));
on_token('Two', 'idn', '1a', certificate => 0);
is(names(once('find-keys', "for=\"sign\" address=\"idn\@$_\""), 'idn'), 'idn', "$_: A-labels or U-labels") for 'xn--bcher-kva.example', "b\xc3\xbccher.example";
my $c = begin();
like(ask($c, 'find-keys', 'for="sign" address="tok@example.org"'), qr/source="pkcs11:token=One;id=%11"/, 'the source is a URI');
unlike(ask($c, 'find-keys', 'for="sign" address="tok@example.org"'), qr/<chain>/, 'no chain yet');
put("$certs/ca/issuing.pem", slurp("$T/issuing.crt") . slurp("$T/root.crt"));
like(ask($c, 'find-keys', 'for="sign" address="tok@example.org"'), qr{^[^~]*?<chain>\Q@{[b64(der_of("$T/issuing.crt"))]}\E</chain></key>}, 'the chain comes from the area');
finish($c);
certificate('newer', address => 'inarea@example.org', days => 300);
put("$T/newer.key", slurp("$T/newer.key"));
on_token('One', 'newer', '17');
is(names(once('find-keys', 'for="sign" address="inarea@example.org"'), qw(newer inarea dom)) =~ /^(newer inarea|inarea newer) dom$/ ? 1 : 0, 1, 'several keys of an address, on several tokens');
# ---- to decrypt
my @by = map { my $der = der_of("$T/$_.crt"); '<recipient issuer="' . b64(issuer_of($der)) . '" serial="' . hex_serial($der) . '"/>' } qw(file lone tok);
my ($ski) = do { my $h = `openssl x509 -in $T/inarea.crt -noout -ext subjectKeyIdentifier`; $h =~ /((?:[0-9A-F]{2}:)+[0-9A-F]{2})/ };
my $answer = once('find-keys', 'for="decrypt"', "@by<recipient key-id=\"" . lc($ski =~ s/://gr) . '"/><recipient key-id="00ff"/>');
is(join(' ', $answer =~ /which="(\d+)"/g), '1 2 3', 'recipients by issuer and serial number, and by key identifier');
is(names($answer, qw(lone tok inarea)), 'lone tok inarea', '... each with its certificate');
is(refused(once('find-keys', 'for="decrypt"', $by[0])), 'not-found permanent', 'none of ours');
is(refused(once('find-keys', 'for="decrypt"')), 'bad-request permanent', 'no recipient');
is(refused(once('find-keys', 'for="lunch"')), 'bad-request permanent', 'another purpose');
# ---- certificates
is(names(once('find-certificates', '', '<address>tok@example.org</address>'), qw(tok enc dom)) =~ /^(tok enc|enc tok) dom$/ ? 1 : 0, 1, 'certificates of our own people');
is(refused(once('find-certificates', '', '<address>info@partner.example</address>')), 'not-found permanent', 'others are not looked for');
is(names(once('find-certificates', '', $by[2] =~ s/recipient/by/r), 'tok'), 'tok', 'by identifier');
is(shim_log() =~ /C_Login$/ ? 1 : 0, 1, '(logins are seen)');
unlink "$T/shim.log";
once('find-certificates', '', '<address>tok@example.org</address>');
once('find-keys', 'for="sign" address="someone@partner.example"');
is(shim_log(), '', 'nothing private wanted, no login');

# ---- all of them
$c = begin(operations => 'list-keys');
$answer = ask($c, 'list-keys', '');
my %own = map { my ($source, $use, $der) = @$_; b64(decode_base64($der)) => [$source, $use] } map { [ m{source="([^"]*)" use="([^"]*)">([^<]*)} ] } $answer =~ m{<own [^>]*>[^<]*}g;
my %use = map { $_ => ($own{b64(der_of("$T/$_.crt"))} || [0, 'none'])->[1] } qw(tok enc inarea newer lone dom file gone issuing);
is(join(' ', map { "$_:$use{$_}" } sort keys %use), 'dom:sign enc:decrypt file:none gone:none inarea:sign issuing:none lone:sign newer:sign tok:sign', 'list-keys');
my ($more) = $answer =~ /<more from="(\d+)"/;
unlike(ask($c, 'list-keys', "from=\"$more\""), qr/<own|<more/, '... ends');
like(ask($c, 'list-keys', 'from="1"'), qr/<own/, '... begins anywhere');
is(refused(ask($c, 'list-keys', 'from="x"')), 'bad-request permanent', '... but not there');
finish($c);
mkdir "$certs/private/decrypt-only";
rename "$certs/private/inarea.pem", "$certs/private/decrypt-only/inarea.pem";
is(names(once('find-keys', 'for="sign" address="inarea@example.org"'), qw(newer inarea dom)), 'newer dom', 'what is kept to decrypt only does not sign');
like(once('find-keys', 'for="sign" address="inarea@example.org"'), qr{<passed-over source="[^"]*decrypt-only/inarea\.pem" reason="decrypt-only">}, '... which is said');
is(names(once('find-keys', 'for="decrypt"', '<recipient key-id="' . lc($ski =~ s/://gr) . '"/>'), 'inarea'), 'inarea', '... but decrypts');
rename "$certs/private/decrypt-only/inarea.pem", "$certs/private/inarea.pem";
put("$certs/private/decrypt-only/tok.pem", slurp("$T/tok.crt"));
is(names(once('find-keys', 'for="sign" address="tok@example.org"'), qw(tok dom)), 'dom', '... also where the certificate is on the token as well');
is(names(once('find-keys', 'for="decrypt"', $by[2]), 'tok'), 'tok', '... and decrypts');
$c = begin(operations => 'list-keys');
like(ask($c, 'list-keys', ''), qr{use="decrypt">\Q@{[b64(der_of("$T/tok.crt"))]}\E}, '... as list-keys says');
finish($c);
is(names(once('find-certificates', '', '<address>tok@example.org</address>'), qw(tok enc dom)), 'enc dom', '... and nobody encrypts with it');
unlink "$certs/private/decrypt-only/tok.pem";

# ---- URIs
configure($config, uris => ["pkcs11:token=One;id=%12?pin-source=$T/pin.One"]);
is(signs('tok'), 'not-found permanent', 'a URI with an id allows that key only');
configure($config, uris => ["pkcs11:token=One;object=tok?pin-source=file://$T/pin.One"]);
is(signs('tok'), 'good', '... or the one with this name');
for (['token=%4Fne', 'characters written as numbers'], ['token=One;type=cert', 'a URI as p11tool shows it for a certificate'],
		['token=One;id=%11;type=private', '... and for a private key']) {
	configure($config, uris => ["pkcs11:$_->[0]?pin-source=file:$T/pin.One"]);
	is(signs('tok'), 'good', "$_->[1]: $_->[0]");
}
configure($config, uris => ["pkcs11:token=One?pin-source=$T/pin.One&x-colour=red"]);
is(signs('tok'), 'good', 'what a query says to others is passed over');
configure($config, uris => ['pkcs11:token=Two'], lines => "keys_pkcs11_pin_file = $T/pin.Two\n");
is(signs('lone'), 'good', 'the common PIN file');
is(names(once('find-keys', 'for="sign" address="tok@example.org"'), 'tok', 'dom'), 'dom', 'a token that is not named is not used');
for (['pkcs12:x', 'no PKCS#11 URI'], ['token=One', 'no PKCS#11 URI'], ['pkcs11:token=O%2ne', 'pkcs11:token=O%2ne: no PKCS#11 URI'],
		['pkcs11:token=One;slot-id=first', 'no PKCS#11 URI'], ['pkcs11:token=One;library-version=new', 'no PKCS#11 URI'],
		['pkcs11:token=the one', 'one: no PKCS#11 URI'], ['pkcs11:token=One;type=banana', 'type='], ['pkcs11:token=One?module-name=softhsm', 'module-path, not module-name'],
		['pkcs11:token=One;colour=red', 'an attribute'], ["pkcs11:token=One?pin-value=1111", 'read by others'], ['pkcs11:token=One?pin-source=|/bin/pin', 'absolute path']) {
	configure($config, uris => [$_->[0]]);
	$answer = once('find-keys', 'for="sign" address="tok@example.org"');
	is(refused($answer), 'configuration temporary', "$_->[0]: refused");
	like(text($answer), qr/keys_pkcs11_tokens: .*\Q$_->[1]\E/, '... with the reason');
}
for ('pkcs11:token=One;colour=red?pin-value=1111', 'pkcs11:token=One?module-name=x&pin-value=1111', 'pkcs11:token=One;pin-value=1111', 'pkcs11;pin-value=1111') {
	configure($config, uris => [$_]);
	$c = begin();
	unlike(ask($c, 'find-keys', 'for="sign" address="tok@example.org"') . slurp($c->{log}), qr/1111/, "$_: the PIN is not repeated");
	finish($c);
}
my %of = token_values('One');
is(join(' ', sort keys %of), 'library-description library-manufacturer library-version manufacturer model serial slot-description slot-id slot-manufacturer',
	'(all attributes are known)');
my $all = join ';', 'token=One', map { my $v = $of{$_}; "$_=" . $v =~ s/([^A-Za-z0-9.-])/sprintf '%%%02X', ord $1/ger } sort keys %of;
my $query = "?pin-source=$T/pin.One&module-path=$BUILD/t/helper/pkcs11-shim.so";
configure($config, uris => ["pkcs11:$all$query"]);
is(signs('tok'), 'good', "a URI with all that RFC 7512 has: $all");
for my $attribute (sort keys %of) {
	configure($config, uris => ['pkcs11:' . $all =~ s/;$attribute=[^;]*/;$attribute=77/r . $query]);
	is(signs('tok'), 'temporary temporary', "... but with another $attribute there is no such token");
}
configure($config, uris => ["pkcs11:token=one$query"]);
$answer = once('find-keys', 'for="sign" address="tok@example.org"');
like(text($answer), qr/no token that fits pkcs11:token=one \(there are: .*token "One"/, 'a name written in another way: the right ones are told');
unlike(text($answer), qr/pin\.One/, '... and no PIN file');
configure($config, lines => "keys_pkcs11_pin_file = $T/pin.One\n");
is(refused($answer = once('find-keys', 'for="sign" address="tok@example.org"')), 'configuration temporary', 'one PIN for all tokens: not tried');
like(text($answer), qr/several tokens want a PIN/, '... with the reason');
is(shim_log(), '', '... really not');
for my $uri ('pkcs11:', "pkcs11:manufacturer=$of{manufacturer}" =~ s/ /%20/gr, 'pkcs11:id=%11') {
	configure($config, uris => ["$uri?pin-source=$T/pin.One"]);
	is(signs('tok'), 'configuration temporary', "nor where $uri says it of all");
	is(shim_log(), '', '... really not');
}
configure($config, %both);
put($config, slurp($config) =~ s/^keys_pkcs11_module = .*/keys_pkcs11_module = $T\/none.so/mr);
is(refused($answer = once('find-keys', 'for="sign" address="tok@example.org"')), 'configuration temporary', 'a library that is not there');
like(text($answer), qr/none\.so/, '... is named');
configure($config, %both);
put($config, slurp($config) =~ s/SOFTHSM2_CONF=/SOFTHSM2-CONF=/r);
is(refused(once('find-keys', 'for="sign" address="tok@example.org"')), 'configuration temporary', 'a variable that is none');
configure($config, %both, shim => { TALK => 1 });
$c = begin();
is(good(sign($c, find_key($c, 'tok@example.org')), 'tok'), 'good', 'a library that prints does not spoil the conversation');
finish($c);
like(log_of($c), qr/^shim: welcome$/m, '... its line is in the log');
configure($config, uris => [map { "pkcs11:token=One;id=%$_?pin-source=$T/pin.One" } 11, 17]);
is(signs($_), 'good', "two URIs of one token: $_") for qw(tok);
like(names(once('find-keys', 'for="sign" address="inarea@example.org"'), qw(newer inarea dom)), qr/^newer$/, '... and the other');
configure($config, %both, lines => "keys_pkcs11_token_certificates = no\n");
is(signs('tok'), 'not-found permanent', 'certificates on tokens can be left out');
is(signs('inarea'), 'good', '... and those in areas serve');

# ---- PINs
my @one = (uris => ["pkcs11:token=One?pin-source=file:$T/pin"]);
put("$T/pin", "9999\n", 0600);
configure($config, @one);
is(refused($answer = once('find-keys', 'for="sign" address="tok@example.org"')), 'configuration temporary', 'a wrong PIN');
like(text($answer), qr/token "One".*refused the PIN in \Q$T\E\/pin/, '... with token and file');
unlike($answer . slurp("$T/tok/spool/pkcs11/" . (grep { !/lock/ } map { s{.*/}{}r } glob "$T/tok/spool/pkcs11/*")[0]), qr/9999/, '... but not the PIN');
is(signs('tok'), 'configuration temporary', 'the next message is refused') for 1 .. 3;
is(scalar(() = shim_log() =~ /^C_Login$/mg), 1, '... and the PIN was tried once');
put("$T/pin", "1111\n", 0600);
is(signs('tok'), 'good', 'the file mended, it works');
is(scalar(() = shim_log() =~ /^C_Login$/mg), 2, '... at the first attempt');
is(signs('tok'), 'good', '... and the next time');
my @stamp = (stat "$T/pin")[8, 9];
softhsm('--init-token', '--token', 'Two', '--label', 'Two', '--pin', '3333', '--so-pin', '12345678'); # empties Two and changes its PIN
on_token_pin('Two', '3333');
on_token('Two', 'lone', '15', public => 0);
configure($config, tokens => { Two => '2222' });
is(signs('lone'), 'configuration temporary', 'the PIN was changed on the token');
is(signs('lone'), 'configuration temporary', '... not tried again');
is(scalar(() = shim_log() =~ /^C_Login$/mg), 1, '... indeed');
put("$T/pin.Two", "3333\n", 0600);
is(signs('lone'), 'good', '... until the file says so, too');
{ # a program says it: what is refused stays refused until the program is another one
	put("$T/say", "#!/bin/sh\necho 9999\n", 0700);
	configure($config, uris => ['pkcs11:token=One'], lines => "keys_pkcs11_pin_file = program:$T/say one\n");
	is(signs('tok'), 'configuration temporary', 'a program says a wrong PIN') for 1 .. 2;
	is(scalar(() = shim_log() =~ /^C_Login$/mg), 1, '... which is tried once');
	put("$T/say", "#!/bin/sh\necho 1111 # the right one\n", 0700);
	is(signs('tok'), 'good', '... and another one when the program has changed');
}
{ # two at once
	put("$T/pin", "8888\n", 0600);
	configure($config, @one);
	my @c = map { begin() } 1 .. 3;
	for (@c) { my $f = "<find-keys id=\"1\" for=\"sign\" address=\"tok\@example.org\"/>"; print {$_->{to}} length($f) . "\n$f"; $_->{to}->flush }
	is(join(' ', map { refused(KeysFile::receive($_)) } @c), join(' ', ('configuration temporary') x 3), 'three processes at once with a wrong PIN');
	finish($_) for @c;
	is(scalar(() = shim_log() =~ /^C_Login$/mg), 1, '... one of them tried it');
}
put("$T/pin", "1111\n", 0600);
is(signs('tok'), 'good', 'good again');
{ # killed over a PIN that nobody knows yet: PKCS11_SHIM_FAIL cannot kill, so the marker is what such a process leaves
	put("$T/pin", "1111 \n", 0600); # another stamp
	put("$T/pin", "1111\n", 0600);
	my ($marker) = grep { !/lock/ && slurp($_) =~ /"One"/ } glob "$T/tok/spool/pkcs11/*";
	is(signs('tok'), 'good', 'proved');
	put($marker, slurp($marker) =~ s/^good/trying/r);
	is(signs('tok'), 'configuration temporary', 'an attempt that did not end counts as a wrong one');
	utime 1e9, 1e9, "$T/pin";
	is(signs('tok'), 'good', '... until the file is touched');
}
{ # two files for one token: what is known of the one would be forgotten over the other
	put("$T/pin.other", "9999\n", 0600);
	configure($config, uris => ["pkcs11:token=One;id=%12?pin-source=$T/pin.other", "pkcs11:token=One;id=%11?pin-source=$T/pin"]);
	is(refused($answer = once('find-keys', 'for="sign" address="tok@example.org"')), 'configuration temporary', 'two PIN files for one token');
	like(text($answer), qr/different PIN files \(\Q$T\E\/pin\S*, \Q$T\E\/pin\S*\)/, '... are named');
	is(shim_log(), '', '... and nothing is tried');
}
{ # a PIN that was good and has become wrong, and a process that is killed while it hears so
	put("$T/pin", "1111\n", 0600);
	configure($config, @one);
	is(signs('tok'), 'good', 'a good PIN');
	shim_fail('C_Login', 'die');
	$c = begin();
	is(eval { ask($c, 'find-keys', 'for="sign" address="tok@example.org"'); 1 }, undef, '(killed)');
	eval { finish($c) };
	is(signs('tok'), 'good', '... over it once: it is still good');
	Pkcs11::set_pin('One', '1111', '4444');
	shim_fail('C_Login', 'die');
	$c = begin();
	is(eval { ask($c, 'find-keys', 'for="sign" address="tok@example.org"'); 1 }, undef, '(changed on the token, and killed)');
	eval { finish($c) };
	is(scalar(() = shim_log() =~ /^C_Login$/mg), 4, '(four logins)');
	is(signs('tok'), 'configuration temporary', '... then it is not tried again') for 1 .. 2;
	Pkcs11::set_pin('One', '4444', '1111'); # which the token takes for a good login
	is(signs('tok'), 'configuration temporary', '... whatever the token says later');
	is(scalar(() = shim_log() =~ /^C_Login$/mg), 4, '... indeed');
	put("$T/pin", "1111\n", 0600);
	is(signs('tok'), 'good', '... until the file changes');
}
configure($config, @one);
shim_fail('C_Login', 0x30); # device error
is(signs('tok'), 'good', 'a login that fails for another reason is no wrong PIN: looked again');
for (['exposed' => sub { chmod 0640, "$T/pin" }, qr/0600|others/], ['missing' => sub { unlink "$T/pin" }, qr/\Q$T\E\/pin/], ['empty' => sub { put("$T/pin", "", 0600) }, qr/first line is empty/]) {
	configure($config, @one);
	$_->[1]->();
	is(refused($answer = once('find-keys', 'for="sign" address="tok@example.org"')), 'configuration temporary', "$_->[0] PIN file refused");
	like(text($answer), $_->[2], '... with the reason');
	is(shim_log(), '', '... and nothing tried');
	put("$T/pin", "1111\n", 0600);
}
for ([0x40000, 'locked'], [0x20000, 'would lock it'], [0x80000, 'must be changed']) {
	configure($config, @one, shim => { FLAGS => $_->[0] });
	is(refused($answer = once('find-keys', 'for="sign" address="tok@example.org"')), 'configuration temporary', "a token that says: $_->[1]");
	like(text($answer), qr/\Q$_->[1]\E/, '... is not logged in to');
	is(shim_log(), '', '... indeed');
}
# ---- a key that wants its PIN each time
certificate('again', address => 'again@example.org');
on_token('One', 'again', '18', more => ['--always-auth']);
configure($config, @one);
$c = begin();
my $id = find_key($c, 'again@example.org');
is(good(sign($c, $id), 'again'), 'good', "a key that wants its PIN each time, use $_") for 1, 2;
is(scalar(() = shim_log() =~ /^C_Login again$/mg), 2, '... got it');
finish($c);

# ---- a PIN that is in no file, but in a person's head
{
	my $resumed = sub { # what comes of a PIN that is given for one conversation
		my ($pin, $name) = @_;
		my $r = begin(operations => 'find-keys sign unlock');
		my $taken = refused(ask($r, 'unlock', '', '<passphrase>' . b64($pin) . '</passphrase>'));
		$answer = ask($r, 'find-keys', "for=\"sign\" address=\"$name\@example.org\"");
		my $got = $taken || ($answer =~ /<key id="([^"]+)"/ ? good(sign($r, $1), $name) : refused($answer));
		finish($r);
		return $got;
	};
	my $logins = sub { scalar(() = shim_log() =~ /^C_Login$/mg) };
	my ($token) = grep { slurp($_) =~ /"One"/ } grep { !/lock/ } glob "$T/tok/spool/pkcs11/*";
	configure($config, uris => ['pkcs11:token=One']);
	is(refused($answer = once('find-keys', 'for="sign" address="tok@example.org"')), 'passphrase-needed temporary', 'a PIN that is in no file is asked for');
	like(text($answer), qr/private key of tok\@example\.org.*token "One".*nobody has given/, '... with key, owner and token');
	is($logins->(), 0, '... and nothing is tried');
	is($resumed->('9999', 'tok'), 'passphrase-needed temporary', 'a wrong one');
	like(text($answer), qr/token "One".*it refused the PIN that was given/, '... is refused by the token');
	is($resumed->('9999', 'tok'), 'passphrase-needed temporary', 'the same once more');
	like(text($answer), qr/before, which is not tried again/, '... is known');
	is($logins->(), 1, '... and was tried once');
	is($resumed->('1111', 'tok'), 'good', 'the right one');
	is($resumed->('1111', 'again'), 'good', 'also for a key that wants it each time');
	is($resumed->('9999', 'tok'), 'passphrase-needed temporary', 'the wrong one is still known');
	is($logins->(), 3, '... and not tried');
	unlike(slurp("$token.given"), qr/9999|1111|trying/, 'neither is written down');
	is((stat "$token.given")[2] & 0777, 0600, '... in a file of ours alone');
	is(signs('tok'), 'passphrase-needed temporary', 'the next message knows none');
	put("$token.given", slurp("$token.given") . "trying\n", 0600);
	is($resumed->('1111', 'tok'), 'configuration temporary', 'an attempt that did not end is the operator\'s to look at');
	like(text($answer), qr/remove \Q$token\E\.given/, '... who is told how to go on');
	put("$token.given", 'rubbish', 0600);
	is($resumed->('1111', 'tok'), 'configuration temporary', '... as with a broken file');
	unlink "$token.given";
	is($resumed->('', 'tok'), 'bad-request permanent', 'an empty PIN');
	is($logins->(), 3, '... and nothing was tried');
	configure($config, uris => ['pkcs11:token=One', 'pkcs11:token=Two']);
	is($resumed->('1111', 'tok'), 'configuration temporary', 'two tokens that want it: nobody knows whose it is');
	configure($config, uris => ['pkcs11:token=One', "pkcs11:token=Two?pin-source=$T/pin.Two"]);
	is($resumed->('1111', 'tok'), 'good', '... but where the other one has a file');
	configure($config, uris => [map { "pkcs11:token=One;id=%$_" } 11, 17]);
	is($resumed->('1111', 'tok'), 'good', '... or is the same one');
	configure($config, uris => ['pkcs11:token=One'], shim => { FLAGS => 0x20000 });
	is($resumed->('1111', 'tok'), 'configuration temporary', 'a token that one more wrong PIN would lock');
	is(shim_log(), '', '... is not logged in to');
	configure($config, uris => ['pkcs11:token=One'], shim => { FLAGS => 0x100 });
	is($resumed->('1111', 'tok'), 'configuration temporary', 'nor is one with a PIN pad');
}

# ---- a CKA_ID that lies
on_token_files('Two', 'cross', 'lone', '19'); # the certificate of one, the key of another, the same id
configure($config, tokens => { Two => '3333' });
$c = begin();
is(refused($answer = sign($c, find_key($c, 'cross@example.org'))), 'configuration temporary', 'a key that is not the certificate\'s signs nothing');
like(text($answer), qr/is not that certificate's/, '... with the reason');
finish($c);

# ---- a key that may not do what is wanted
certificate('imported', address => 'imported@example.org');
softhsm('--import', "$T/imported.key", '--token', 'One', '--label', 'imported', '--id', '1b', '--pin', '1111');
put("$certs/private/imported.pem", slurp("$T/imported.crt"));
configure($config, @one);
$c = begin();
openssl('pkey', '-in', "$T/tok.key", '-pubout', '-outform', 'DER', '-out', "$T/peer.der");
$answer = ask($c, 'agree', 'key="' . find_key($c, 'imported@example.org') . '" mechanism="ecdh"', b64(slurp("$T/peer.der")));
is(refused($answer), 'configuration temporary', 'a key that must not derive');
like(text($answer), qr/token "One".*private key of imported\@example\.org, valid until .*CKA_DERIVE is not set/, '... with owner and attribute');
finish($c);

# ---- the manual page knows all options
my $page = slurp("$SRC/man/keys-pkcs11.8");
like($page, qr/^\.It Cm $_$/m, "keys-pkcs11(8) describes $_") for slurp("$SRC/modules/keys-pkcs11/main.c") =~ /\{ "(keys_pkcs11_\w+)"/g;

# ---- away and back
configure($config, @one);
$c = begin();
$id = find_key($c, 'tok@example.org');
for my $lost (0x32, 0xe0, 0xb3, 0x101) { # device removed, token not present, session handle invalid, not logged in
	shim_fail('C_Sign', $lost);
	is(good(sign($c, $id), 'tok'), 'good', sprintf 'one new attempt after 0x%x', $lost);
}
shim_fail('C_FindObjectsInit', 0x32);
is(names(ask($c, 'find-keys', 'for="sign" address="tok@example.org"'), 'tok', 'dom'), 'tok', '... and when looking for keys');
put("$T/shim.fail", "C_Sign 0x30\n");
is(refused(sign($c, $id)), 'temporary temporary', 'a device error is temporary');
is(good(sign($c, $id), 'tok'), 'good', '... and over');
rename "$T/tokens", "$T/away" or die;
mkdir "$T/tokens", 0700;
shim_fail('C_Sign', 0x32);
is(refused($answer = sign($c, $id)), 'temporary temporary', 'the token is away');
like(text($answer), qr/no token that fits pkcs11:token=One/, '... and named');
is(refused(ask($c, 'find-keys', 'for="sign" address="tok@example.org"')), 'temporary temporary', '... also when looked for');
is(refused(ask($c, 'find-certificates', '', '<address>tok@example.org</address>')), 'temporary temporary', '... and for certificates');
is(signs('tok'), 'temporary temporary', '... also in the next message');
is(refused(once('find-certificates', '', '<address>info@partner.example</address>')), 'not-found permanent', 'partners are not looked for there');
configure($config, lines => "keys_pkcs11_pin_file = $T/pin\n");
is(signs('tok'), 'temporary temporary', 'no token at all is temporary, too');
configure($config, @one);
rmdir "$T/tokens";
rename "$T/away", "$T/tokens" or die;
is(good(sign($c, $id), 'tok'), 'good', 'put back, the same conversation goes on');
is(finish($c), 0, '... and ends well');
is(signs('tok'), 'good', '... as does the next message');
configure($config, uris => ["pkcs11:token=None", "pkcs11:token=One?pin-source=$T/pin"]);
is(signs('tok'), 'good', 'what another token has does not wait for the missing one');
is(signs('nobody'), 'temporary temporary', 'what nobody has may be on the missing one');
done_testing();
