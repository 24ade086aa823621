#!/usr/bin/perl
# How a layer may stand in a message: types, names, encodings, what is no layer, and what stays closed.
use strict;
use warnings;
use Test::More;
use Cwd 'abs_path';
use File::Basename 'dirname';
use MIME::Base64;
require(abs_path(dirname(__FILE__)) . '/smime_open.pl');
our $dir;

my $rsa = make_key('rsa');
my $entity = spew("$dir/entity", "Content-Type: text/plain\r\n\r\nhello\r\n");
my $sha = sha256_hex(slurp($entity));
openssl('cms', '-encrypt', '-aes-128-cbc', '-binary', '-in', $entity, '-out', "$dir/enc.der", '-outform', 'DER', $rsa);
openssl('cms', '-sign', '-nodetach', '-binary', '-signer', $rsa, '-in', $entity, '-out', "$dir/sig.der", '-outform', 'DER');
openssl('cms', '-sign', '-binary', '-signer', $rsa, '-in', $entity, '-out', "$dir/detached.der", '-outform', 'DER');
openssl('crl2pkcs7', '-nocrl', '-certfile', $rsa, '-outform', 'DER', '-out', "$dir/certs.der");
my ($enc, $sig, $detached, $certs) = map { slurp("$dir/$_.der") } qw(enc sig detached certs);
my $text = slurp($entity);

sub message { my ($type, $encoding, $body, @more) = @_;
	return spew("$dir/message", join('', "From: a\@example.org\nSubject: x\nMIME-Version: 1.0\nContent-Type: $type\n",
		$encoding ? "Content-Transfer-Encoding: $encoding\n" : '', @more, "\n", $body)) }
sub open_it { return open_message('-pem', $rsa, message(@_)) }
sub quoted { my ($s) = @_; $s =~ s/([^!-<>-~])/sprintf '=%02X', ord $1/ge; $s =~ s/(.{1,70}(?![0-9A-F]{1,2}))/$1=\n/g; return $s }

# ---- types and names
for my $type ('application/pkcs7-mime', 'application/x-pkcs7-mime', 'Application/PKCS7-MIME; smime-type=enveloped-data; name=smime.p7m',
	'application/pkcs7-mime; smime-type=something-new', 'application/octet-stream; name="smime.p7m"',
	'application/octet-stream; name=MAIL.P7M', 'application/pkcs7-signature', 'application/x-pkcs7-signature') {
	my $r = open_it($type, 'base64', encode_base64($enc));
	is(words($r), 'decrypts', "encrypted in $type");
	is($r->{content}{sha256}, $sha, 'and its content');
	is($r->{looks}{encrypted}, 'yes', 'it looks encrypted');
	is(words(open_it($type, 'base64', encode_base64($sig))), 'verifies', "signed in $type");
}
is(words(open_it('application/octet-stream', 'base64', encode_base64($enc), "Content-Disposition: attachment; filename=x.p7m\n")),
	'decrypts', 'the name in Content-Disposition');
for my $type ('application/octet-stream', 'application/octet-stream; name=smime.p7m.exe', 'text/plain', 'application/pdf; name=smime.p7m') {
	my $r = open_it($type, 'base64', encode_base64($enc));
	is(words($r), '', "no layer: $type");
	is("$r->{looks}{signed} $r->{looks}{encrypted} $r->{content}{unwrapped}", 'no no no', 'nor does it look like one');
}

# ---- transfer encodings
for my $encoding ('binary', '8bit', '7bit', '') {
	is(words(open_it('application/pkcs7-mime', $encoding, $enc)), 'decrypts', "raw DER, encoding '$encoding'");
	is(words(open_it('application/pkcs7-mime', $encoding, "$enc\r\n")), 'decrypts', "and a line break behind it");
	is(words(open_it('application/pkcs7-mime', $encoding, encode_base64($enc))), 'decrypts', "base64, encoding '$encoding'");
}
is(words(open_it('application/pkcs7-mime', 'quoted-printable', quoted($enc))), 'decrypts', 'quoted-printable');
is(words(open_it('application/pkcs7-mime', 'base64', $enc)), 'decrypts', 'raw DER that says base64');
is(words(open_it('application/pkcs7-mime', 'base64', encode_base64($enc, ''))), 'decrypts', 'base64 in one line');
is(words(open_it('application/pkcs7-mime', '7bit', "-----BEGIN CMS-----\n" . encode_base64($enc) . "-----END CMS-----\n")), 'decrypts',
	'PEM');
for my $junk ("\0", "\n\n\n\n\n", "x", "\r\nfooter\r\n") {
	is(words(open_it('application/pkcs7-mime', 'binary', $enc . $junk)), 'malformed', 'something behind the structure');
}
is(words(open_it('application/pkcs7-mime', 'base64', encode_base64(substr($enc, 0, $_)))), 'malformed', "cut off at $_")
	for 0, 1, 2, 30, length($enc) - 1;
is(words(open_it('application/pkcs7-mime', 'base64', 'this is no CMS structure')), 'malformed', 'not CMS');

# ---- SignedData without signers, signatures without content
my $r = open_it('application/pkcs7-mime; smime-type=certs-only; name=smime.p7c', 'base64', encode_base64($certs));
is("$r->{layers}[0]{kind} " . words($r), 'certs-only certs-only', 'certificates only are never good');
is($r->{layers}[0]{certificates}, 1, 'its certificate');
is($r->{content}{unwrapped}, 'no', 'nothing is unwrapped');
is($r->{looks}{signed}, 'no', 'it does not look signed');
is(words(open_it('application/pkcs7-mime', 'base64', encode_base64($detached))), 'malformed', 'a signature without content');

# ---- multipart/signed
sub signed { my ($type, @parts) = @_; return message("multipart/signed; $type; boundary=b", '',
	join('', map({ "--b\r\n$_\r\n" } @parts), "--b--\r\n")) }
my $p7s = "Content-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\n" .
	encode_base64($detached, "\r\n");
my $old = $p7s =~ s/pkcs7/x-pkcs7/r;
my $pgp = "Content-Type: application/pgp-signature\r\n\r\n-----BEGIN PGP SIGNATURE-----\r\n";
sub signed_words { return words(open_message(signed(@_))) }
for my $protocol ('protocol="application/pkcs7-signature"; micalg=sha-256', 'protocol="application/x-pkcs7-signature"', 'micalg=md5',
	'protocol="application/pkcs7-mime"', 'protocol="junk"') {
	is(signed_words($protocol, $text, $p7s), 'verifies', "multipart/signed; $protocol");
}
my $s = 'protocol="application/pkcs7-signature"';
is(signed_words($s, $text, $old), 'verifies', 'the legacy type of the signature');
is(signed_words($s, $text, $p7s =~ s/application\/pkcs7-signature/application\/octet-stream/r), 'verifies', 'an octet-stream smime.p7s');
is(signed_words($s, $text, $p7s, $text), 'malformed', 'three parts');
is(signed_words($s, $text), 'malformed', 'one part');
is(signed_words($s, $p7s, $text), 'malformed', 'the parts the other way round');
is(signed_words($s, $text, $p7s =~ s/\n\r\n.*/\n\r\n/sr . encode_base64($certs, "\r\n")), 'malformed', 'certificates as signature');
is(signed_words($s, $text, $p7s =~ s/\n\r\n.*/\n\r\n/sr . encode_base64($enc, "\r\n")), 'malformed', 'encrypted data as signature');
is(signed_words('protocol="application/pgp-signature"', $text, $pgp), '', 'OpenPGP is not ours');
is(signed_words('protocol=application/pkcs7-signature', $text, $p7s), 'verifies', 'a slash without quotes');
is(words(open_message(message("multipart/signed; $s; boundary=b; boundary=c", '', "--b\r\n$text\r\n--b\r\n$p7s\r\n--b--\r\n"))),
	'malformed', 'two boundaries: two readings');
is(words(open_message(message("multipart/signed; $s; boundary=b", '', "--b\r\n$text\r\n--b\r\n$p7s\r\n--b--\r\n",
	"Content-Type: text/html\n"))), 'malformed', 'two types: two readings');
$r = open_message(signed($s, $text, $p7s));
is("$r->{content}{unwrapped} $r->{content}{encrypted} $r->{looks}{signed} $r->{looks}{encrypted}", 'no no yes no',
	'clear-signed stays as it is');
is($r->{content}{sha256}, sha256_hex(slurp("$dir/message")), 'byte for byte');
is(signed_words($s, $text, $p7s =~ s/\n\r\n.*/\n\r\n/sr . encode_base64($sig, "\r\n")), 'verifies',
	'content inside a detached signature does not matter');
is(signed_words($s, $text =~ s/hello/hallo/r, $p7s =~ s/\n\r\n.*/\n\r\n/sr . encode_base64($sig, "\r\n")), 'bad-signature',
	'nor does it stand in for the part');

# The second part is not signed: nobody may take it for content.
for my $type ('text/html', 'text/plain; name=smime.p7s', 'image/png', 'message/rfc822', 'multipart/mixed; boundary=c', 'application/octet-stream',
	'application/pkcs7-signature; name=invoice.html', 'application/pkcs7-signature; name=smime.p7s; name=invoice.html',
	"application/pkcs7-signature; name=invoice.html; name*=utf-8''smime.p7s", "application/pkcs7-signature\r\nContent-Type: text/html",
	"application/pkcs7-signature\rContent-Type: text/html\r\r", "application/pkcs7-signature\r\n text/html", "application/pkcs7-signature (text/html)",
	"application/pkcs7-signature\r\nContent-Disposition: attachment; filename=invoice.html") {
	is(signed_words($s, $text, $p7s =~ s/application\/pkcs7-signature; name=smime.p7s/$type/r), 'malformed', "a signature in " . $type =~ s/[\r\n]+ */ | /gr);
}
is(signed_words($s, $text, $p7s =~ s/; name=smime.p7s/; name="=?us-ascii?q?smime.p7s?="/r), 'verifies', 'its name as an encoded word');
is(signed_words($s, $text, $p7s =~ s/; name=smime.p7s//r), 'verifies', 'no name');

# Some products sign the header with CRLF and the body as it stands, and send both with LF.
spew("$dir/halves", "Content-Type: text/plain\r\n\r\none\ntwo\n");
openssl('cms', '-sign', '-binary', '-signer', $rsa, '-in', "$dir/halves", '-out', "$dir/halves.der", '-outform', 'DER');
my $half = $p7s =~ s/\n\r\n.*/\n\r\n/sr . encode_base64(slurp("$dir/halves.der"), "\r\n");
my $all_lf = slurp("$dir/halves") =~ s/\r//gr;
is(signed_words($s, $all_lf, $half), 'verifies', 'a canonical header before a raw body');
is(signed_words($s, $all_lf =~ s/\n$//r, $half), 'bad-signature', 'but not a line break less');

# ---- only a message that is a layer is opened
my $part = "Content-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n" . encode_base64($enc, "\r\n");
my $clear = "Content-Type: multipart/signed; $s; boundary=i\r\n\r\n--i\r\n$text\r\n--i\r\n$p7s\r\n--i--\r\n";
sub mixed { my ($type, @parts) = @_; return open_message('-pem', $rsa, message("$type; boundary=b", '',
	join('', map({ "--b\r\n$_\r\n" } @parts), "--b--\r\n"))) }
for my $type (qw(multipart/mixed multipart/alternative multipart/related)) {
	$r = mixed($type, $text, $part, $text);
	is("$r->{layers}[0]{kind} $r->{layers}[0]{status}", 'nested not-tried', "$type: a part stays closed");
	is($r->{content}{sha256}, sha256_hex(slurp("$dir/message")), 'and the message as it is');
	is("$r->{looks}{signed} $r->{looks}{encrypted}", 'no no', 'and does not look like a layer');
}
is(words(mixed('multipart/mixed', $part)), 'nested', 'even if it is the only part');
is(words(mixed('multipart/mixed', $clear, $text)), 'nested', 'a list footer behind a signed message: one finding');
is(words(mixed('multipart/mixed', $part, $part, $clear)), 'nested nested nested', 'each by itself');
is(words(mixed('multipart/mixed', "Content-Type: message/rfc822\r\n\r\nSubject: y\r\n$part")), 'nested', 'inside a forwarded message');
is(words(open_it('message/rfc822', '', "Subject: y\r\n$part")), 'nested', 'inside a message that is only another message');
is(scalar @{mixed('multipart/mixed', ($part) x 30)->{layers}}, 20, 'no more than 20 findings');

# ---- layers in layers
sub wrap { my ($how, $in) = @_; my $out = "$dir/w" . ++our $n; my @how = $how eq 'clear' ? ('-sign', '-signer', $rsa) :
	$how eq 'opaque' ? ('-sign', '-nodetach', '-signer', $rsa) : ('-encrypt', "-aes-128-$how");
	openssl('cms', @how, '-in', $in, '-out', $out, $how =~ /cbc|gcm/ ? $rsa : ()); return $out }
my %word = (clear => 'verifies', opaque => 'verifies', cbc => 'decrypts', gcm => 'decrypts');
my @problems = ();
my $trees = 0;
sub descend { my ($file, $want, $kinds, @left) = @_;
	my $how = shift @left or return;
	for my $kind (@$how) {
		my $out = wrap($kind, $file);
		my $wanted = join ' ', $word{$kind}, $want || ();
		$r = open_message('-pem', $rsa, $out);
		my $leaf = (grep { $_->{type} eq 'text/plain' } values %{$r->{leaves}})[0];
		$trees++;
		push @problems, "$kind $kinds: " . words($r) if words($r) ne $wanted || !$leaf || $r->{exit} ne '0';
		descend($out, $wanted, "$kind $kinds", @left);
	} }
descend($entity, '', '', [qw(clear opaque cbc gcm)], [qw(clear opaque cbc)], [qw(clear opaque gcm)], [qw(clear cbc)]);
is(join("\n", @problems), '', "$trees nestings of up to four layers");

my $deep = $entity;
$deep = wrap('opaque', $deep) for 1 .. 8;
is(words(open_message('-pem', $rsa, $deep)), join(' ', ('verifies') x 8), 'eight layers');
is(open_message($deep)->{content}{sha256}, $sha, 'down to the content');
$r = open_message(wrap('opaque', $deep));
like("$r->{exit} $r->{error}", qr/^1 limit more than 8 S\/MIME layers/, 'nine layers are refused');
like(open_message('-layers', 1, wrap('clear', wrap('opaque', $entity)))->{error}, qr/^limit/, 'two where one is allowed');
is(open_message('-layers', 2, "$dir/w$main::n")->{error}, '', 'two where two are allowed');

# ---- sizes
my $size = length $text;
for my $file (wrap('cbc', $entity), wrap('gcm', $entity), wrap('opaque', $entity)) {
	my $bytes = open_message('-pem', $rsa, $file)->{content}{bytes};
	is(open_message('-pem', $rsa, '-size', $bytes, $file)->{error}, '', "$bytes bytes are allowed");
	like(open_message('-pem', $rsa, '-size', $bytes - 1, $file)->{error}, qr/^limit/, 'one less is not');
}

# ---- bare CMS inside, header protection, text without header
openssl('cms', '-encrypt', '-aes-128-cbc', '-binary', '-in', "$dir/sig.der", '-out', "$dir/out", $rsa);
is(words(open_message('-pem', $rsa, "$dir/out")), 'decrypts verifies', 'CMS without MIME header inside');
sub encrypted { my ($bytes, $cipher) = @_; spew("$dir/in", $bytes);
	openssl('cms', '-encrypt', '-' . ($cipher || 'aes-128-cbc'), '-binary', '-in', "$dir/in", '-out', "$dir/out", $rsa);
	return open_message('-pem', $rsa, "$dir/out") }
for my $parameter ('; hp=cipher', '; hp=clear', '; protected-headers="v1"') {
	is(encrypted("Content-Type: text/plain$parameter\nSubject: s\n\nx\n")->{content}{header_protected}, 'yes', "protected$parameter");
}
is(encrypted("Content-Type: text/plain; protected-headers=v2\n\nx\n")->{content}{header_protected}, 'no', 'not protected');
for my $plain ("hello\n", "hello", "\nhello\n", "two\nlines", "Gr\xc3\xbc\xc3\x9fe\n", "Note: this is text\nand more\n") {
	for my $cipher (qw(aes-128-cbc aes-128-gcm)) {
		$r = encrypted($plain, $cipher);
		is(words($r), 'decrypts', 'text without a header');
		is($r->{leaves}{'-'}{hash}, substr(sha256_hex($plain =~ s/^\n//r), 0, 8), 'all of it');
	}
}

# ---- decrypted CBC must be one well-formed entity (GCM has a tag instead)
my @ill = (["noise in the header", "Content-Type: text/plain; x=\"\xf3\x91\x02\"\n\nhello\n"],
	["noise in the text", "Content-Type: text/plain\n\nhello \xf3\x91\x02\n"], ["NUL", "Content-Type: text/plain\n\nhe\0llo\n"],
	["NUL without header", "he\0llo"], ["noise without header", "\x8f\x11\xfehello"],
	["a header that breaks off", "Content-Type: text/plain\nnoise\n\nhello\n"],
	["two types", "Content-Type: text/plain\nContent-Type: text/html\n\nhello\n"],
	["no type", "Bontent-Type: text/plain\n\nhello\n"], ["no type, but encoding", "X-A: b\nContent-Transfer-Encoding: 7bit\n\nhello\n"],
	["an unknown type", "Content-Type: tdxt/plain\n\nhello\n"], ["an unknown first field", "Bx: y\nContent-Type: text/plain\n\nhello\n"],
	["another MIME version", "MIME-Version: 9.0\nContent-Type: text/plain\n\nhello\n"],
	["a multipart without parts", "Content-Type: multipart/mixed; boundary=b\n\nhello\n"],
	["noise before the parts", "Content-Type: multipart/mixed; boundary=b\n\n\x91\xf3\n--b\n\nx\n--b--\n"],
	["noise behind the parts", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n\x91\xf3\n"],
	["noise in a part's header", "Content-Type: multipart/mixed; boundary=b\n\n--b\nX-A: \x91\xf3\n\nx\n--b--\n"],
	["noise in base64", "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\nQUJD\x91\xf3QUJD\n"],
	["an unknown encoding", "Content-Type: image/png\nContent-Transfer-Encoding: x-uue\n\nQUJD\n"],
	["no colon behind the type", "Content-Type; text/plain\n\nhello\n"], ["a line before the type", "junk\nContent-Type: text/plain\n\nx\n"],
	["CMS with something behind it", "${sig}x"]);
for my $case (@ill) {
	$r = encrypted($case->[1]);
	is(words($r), 'malformed', "CBC: $case->[0]");
	is($r->{content}{unwrapped}, 'no', 'nothing of it is shown');
}
is(words(encrypted($ill[1][1], 'aes-128-gcm')), 'decrypts', 'GCM: it is what was sent');
for my $case (["8-bit in its charset", "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n\nGr\xfc\xdfe\n"],
	["binary", "Content-Type: image/png\nContent-Transfer-Encoding: binary\n\n\x89PNG\0\x91\xf3"],
	["a whole message", "Received: by x\nFrom: a\@example.org\nSubject: s\nMIME-Version: 1.0\nContent-Type: text/plain\n\nhello\n"],
	["a message of before MIME", "From: a\@example.org\nSubject: s\n\nhello\n"],
	["mixed line breaks", "Content-Type: text/plain\r\n\nhello\r\nhello\n"], ["an empty text", "Content-Type: text/plain\n\n"],
	["a header alone", "Content-Type: text/plain\n"]) {
	is(words(encrypted($case->[1])), 'decrypts', "CBC: $case->[0]");
}
done_testing();
