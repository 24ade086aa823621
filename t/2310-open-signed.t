#!/usr/bin/perl
# Everything "openssl cms -sign" can write is verified, signer by signer.
use strict;
use warnings;
use Test::More;
use Cwd 'abs_path';
use File::Basename 'dirname';
require(abs_path(dirname(__FILE__)) . '/smime_open.pl');
our $dir;

my $lf = spew("$dir/lf", "Content-Type: text/plain; charset=utf-8\n\nGr\xc3\xbc\xc3\x9fe\n\nlast line\n");
my $crlf = spew("$dir/crlf", slurp($lf) =~ s/\n/\r\n/gr);
my %content = map { ($_ => sha256_hex(slurp($_))) } $lf, $crlf;

sub problem {
	my ($r, %want) = @_;
	my $layer = $r->{layers}[0];
	return "exit $r->{exit} $r->{error}" if $r->{exit} ne '0' || !$layer;
	return "layers: " . words($r) . " $layer->{why}" if words($r) ne 'verifies';
	return "kind $layer->{kind}" if $layer->{kind} ne $want{kind};
	for my $signer (@{$layer->{signer_list}}) {
		return "digest $signer->{digest}" if $want{digest} && $signer->{digest} ne $want{digest};
		return "no time" if ($want{attributes} // 1) && $signer->{time} < time - 3600;
		return "no capabilities" if ($want{attributes} // 1) && !$signer->{capabilities};
	}
	return "algorithm $layer->{signer_list}[0]{algorithm}" if $want{algorithm} &&
		$layer->{signer_list}[0]{algorithm} ne $want{algorithm};
	return "addresses $layer->{signer_list}[0]{addresses}" if $want{address} &&
		$layer->{signer_list}[0]{addresses} ne $want{address};
	return "content" if $want{content} && $r->{content}{sha256} ne $want{content};
	return "unwrapped=$r->{content}{unwrapped}" if $want{kind} ne 'clear-signed' && $r->{content}{unwrapped} ne 'yes' ||
		$want{kind} eq 'clear-signed' && $r->{content}{unwrapped} ne 'no';
	return '';
}

my %algorithm = (rsa => 'rsa-pkcs1', ec => 'ecdsa', ec384 => 'ecdsa', brainpool => 'ecdsa');
sub try_one {
	my ($key, $opaque, $binary, $noattr, $keyid, $input, $form) = @_;
	my $pem = make_key($key);
	my $out = "$dir/signed";
	my @options = ($opaque ? '-nodetach' : (), $binary ? '-binary' : (), $noattr ? '-noattr' : (), $keyid ? '-keyid' : ());
	openssl('cms', '-sign', '-signer', $pem, @options, '-in', $input, '-out', $out, '-outform', $form);
	my @how = $form eq 'SMIME' ? () : ('-cms', 'yes');
	push @how, '-detached', $input if $form ne 'SMIME' && !$opaque;
	my $r = open_message(@how, $out);
	my %want = (kind => $opaque ? 'opaque-signed' : 'clear-signed', attributes => !$noattr, digest => 'sha256',
		algorithm => $algorithm{$key}, address => "$key\@example.org");
	$want{content} = $content{$binary ? $input : $crlf} if $opaque;
	my $problem = problem($r, %want);
	return $problem && join(' ', "$key", @options, $input eq $lf ? 'LF' : 'CRLF', "$form:", $problem);
}

# Every combination, counted by key so that the output stays readable.
for my $key (qw(rsa ec brainpool)) {
	my @problems = ();
	for my $n (0 .. 63) {
		push @problems, grep { $_ } try_one($key, $n & 1, $n & 2, $n & 4, $n & 8, $n & 16 ? $lf : $crlf,
			$n & 32 ? 'DER' : 'SMIME');
	}
	is(join("\n", @problems), '', "$key: 64 combinations of form, attributes, identifier and line breaks");
}
for my $opaque (0, 1) {
	is(try_one('ec384', $opaque, 0, 0, 0, $lf, 'PEM'), '', "PEM, opaque $opaque");
}

# ---- digests, PSS, certificates elsewhere, several signers
my $rsa = make_key('rsa');
for my $digest (qw(md5 sha1 sha224 sha256 sha384 sha512 sha3-256)) {
	openssl('cms', '-sign', '-signer', $rsa, '-md', $digest, '-in', $lf, '-out', "$dir/out");
	is(problem(open_message("$dir/out"), kind => 'clear-signed', digest => $digest), '', "digest $digest is verified and named");
}
for my $salt (qw(20 32 -1 -2)) {
	openssl('cms', '-sign', '-signer', $rsa, '-keyopt', 'rsa_padding_mode:pss', '-keyopt', "rsa_pss_saltlen:$salt",
		'-in', $lf, '-out', "$dir/out");
	is(problem(open_message("$dir/out"), kind => 'clear-signed', algorithm => 'rsa-pss'), '', "RSA PSS, salt $salt");
}
openssl('cms', '-sign', '-signer', $rsa, '-nosmimecap', '-in', $lf, '-out', "$dir/out");
is(open_message("$dir/out")->{layers}[0]{signer_list}[0]{capabilities}, 0, 'no capabilities');
for my $keyid ([], ['-keyid']) {
	openssl('cms', '-sign', '-signer', $rsa, '-nocerts', @$keyid, '-in', $lf, '-out', "$dir/out");
	is(words(open_message("$dir/out")), 'no-certificate', "no certificate in the message @$keyid");
	is(problem(open_message('-pem', $rsa, "$dir/out"), kind => 'clear-signed'), '', "it is asked for @$keyid");
	is(open_message('-fail', 'certificate', "$dir/out")->{layers}[0]{status}, 'temporary', "it cannot be asked for now @$keyid");
}
openssl('cms', '-sign', map({ ('-signer', make_key($_)) } qw(rsa ec rsa2)), '-in', $lf, '-out', "$dir/out");
my $r = open_message("$dir/out");
is(words($r), 'verifies', 'three signers, all good');
is(join(' ', sort map { $_->{addresses} } @{$r->{layers}[0]{signer_list}}),
	'ec@example.org rsa2@example.org rsa@example.org', 'each named');

# The signer says which certificate is his: nobody gets his message with another one of the same key.
openssl('req', '-x509', '-key', $rsa, '-subj', '/CN=thief', '-addext', 'subjectAltName=email:thief@example.org', '-days', '9', '-out', "$dir/thief.pem");
for my $digest (qw(sha1 sha256 sha384)) {
	openssl('cms', '-sign', '-cades', '-md', $digest, '-nocerts', '-keyid', '-signer', $rsa, '-in', $lf, '-out', "$dir/out");
	$r = open_message('-pem', "$dir/thief.pem", "$dir/out");
	is(words($r), 'bad-signature', "a certificate for the same key, $digest");
	like($r->{layers}[0]{signer_list}[0]{why}, qr/another certificate/, 'and why');
	openssl('cms', '-sign', '-cades', '-md', $digest, '-keyid', '-signer', $rsa, '-certfile', "$dir/thief.pem", '-in', $lf, '-out', "$dir/out");
	is(problem(open_message("$dir/out"), kind => 'clear-signed', address => 'rsa@example.org'), '', 'both in the message: the one that is named');
}
openssl('cms', '-sign', '-nocerts', '-keyid', '-signer', $rsa, '-in', $lf, '-out', "$dir/out");
is(words(open_message('-pem', "$dir/thief.pem", "$dir/out")), 'verifies', 'where none is named, the key decides');

# One of the signers' certificates is not there: the others still count.
openssl('cms', '-sign', '-nocerts', map({ ('-signer', make_key($_)) } qw(rsa ec)), '-in', $lf, '-out', "$dir/out");
$r = open_message('-pem', make_key('ec'), "$dir/out");
is(join(' ', sort map { $_->{status} } @{$r->{layers}[0]{signer_list}}), 'good no-certificate', 'each signer by itself');

for my $n (64, 65) {
	openssl('cms', '-sign', '-nosmimecap', '-nocerts', ('-signer', make_key('ec')) x $n, '-in', $lf, '-out', "$dir/out");
	$r = open_message('-pem', make_key('ec'), "$dir/out");
	is(words($r), $n == 64 ? 'verifies' : 'malformed', "$n signers");
	is($r->{layers}[0]{status}, $n == 64 ? 'open' : 'refused', 'and what becomes of them');
}

# OpenSSL signs with Ed25519 in no CMS; such a signature is named, not called bad.
my $der = "$dir/ed.der";
make_key('ed25519');
openssl('cms', '-sign', '-signer', $rsa, '-nodetach', '-outform', 'DER', '-keyid', '-nocerts', '-in', $lf, '-out', $der);
my ($rsa_id, $ed_id) = map { pack 'H*', openssl('x509', '-in', $_, '-noout', '-ext', 'subjectKeyIdentifier') =~
	s/.*\n\s*//r =~ s/[:\s]//gr } $rsa, "$dir/ed25519.pem";
spew($der, slurp($der) =~ s/\Q$rsa_id\E/$ed_id/r);
is(words(open_message('-cms', 'yes', '-pem', "$dir/ed25519.pem", $der)), 'unsupported:Ed25519 signature', 'Ed25519 is named');

# ---- altered on the way
openssl('cms', '-sign', '-signer', $rsa, '-in', $lf, '-out', "$dir/out");
my $good = slurp("$dir/out");
for my $case (['the text', 'last line', 'lost line'], ['a header field of the part', 'charset=utf-8', 'charset=utf-7'],
	['a blank in the text', 'last line', 'last  line'], ['a line more', "last line\r?\n", "last line\n\n"]) {
	my ($what, $from, $to) = @$case;
	(my $bad = $good) =~ s/$from/$to/ or die $what;
	$r = open_message(spew("$dir/bad", $bad));
	is(words($r), 'bad-signature', "altered: $what");
}
is(words(open_message(spew("$dir/x", $good =~ s/\r?\n/\r\n/gr))), 'verifies', 'the whole message with CRLF');
is(words(open_message(spew("$dir/x", $good =~ s/\r\n/\n/gr))), 'verifies', 'the whole message with LF');
is(words(open_message(spew("$dir/x", $good =~ s/last line/last\rline/r))), 'bad-signature', 'a bare CR is no blank');
done_testing();
