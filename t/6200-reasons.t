#!/usr/bin/perl
# 6200-reasons.t - every reason of a verdict, each limit at it and past it, with certificates made for it
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/helper";
use MIME::Base64;
use PathCheck;
use PathPki;
use Test::More;

my @ca = ('basicConstraints = critical,CA:TRUE', 'keyUsage = critical,keyCertSign,cRLSign');
my @mail = ('keyUsage = critical,digitalSignature', 'extendedKeyUsage = emailProtection');
my $san = 'subjectAltName = email:Alice@partner.example';

key('leaf');
key('other');
my $root = certificate('root', subject => '/O=Test/CN=Root', extensions => \@ca);
my $sub = certificate('sub', by => 'root', subject => '/O=Test/CN=Sub', extensions => \@ca);

# leaf(name, ...): a certificate for mail, unless told otherwise
sub leaf {
	my ($name, %o) = @_;
	return certificate($name, by => 'sub', key => 'leaf', extensions => [@mail, $san], %o);
}
sub der { (ders($_[0]))[0] }

my $plain = site();
put($plain, ca => $root, $sub);

# judged(what, "verdict reason", {question}, site): asks and compares; returns the answer
sub judged {
	my ($what, $want, $question, $site) = @_;
	my $a = ask($site // $plain, %$question);
	is("$a->{verdict} $a->{reason}", $want, $what) or diag "$a->{text}\n$a->{raw}";
	return $a;
}
sub q_of { my $file = shift; return { certificate => der($file), @_ } }

my $alice = leaf('alice');
subtest valid => sub {
	my $a = judged('a good certificate', 'valid ', q_of($alice, address => 'alice@PARTNER.example'));
	is_deeply($a->{path}, [map { der($_) } $alice, $sub, $root], 'its path, the anchor last');
	like($a->{text}, qr{^path of 3 certificates to CN=Root,O=Test}, 'text for people');
	like("@{$a->{evidence}}", qr{revocation not checked: no CRL of CN=Sub,O=Test}, 'evidence says what was not checked');
	my $bare = site();
	put($bare, ca => $root);
	judged('with the intermediate as a candidate', 'valid ', q_of($alice, candidates => [der($sub)]), $bare);
	judged('candidates that are rubbish', 'valid ', q_of($alice, candidates => ['', 'rubbish', der($sub)]), $bare);
	judged('the last candidate that counts', 'valid ', q_of($alice, candidates => [('x') x 99, der($sub)]), $bare);
	judged('one candidate too many', 'unknown no-path', q_of($alice, candidates => [('x') x 100, der($sub)]), $bare);
};

subtest 'no-path' => sub {
	my $bare = site();
	put($bare, ca => $root);
	my $a = judged('the intermediate is nowhere', 'unknown no-path', q_of($alice), $bare);
	like($a->{text}, qr{CN=Sub,O=Test is not in \Q$bare\E/certs/ca: copy it there}, 'the text names it and the folder');
	my $stranger = certificate('stranger', extensions => [@mail, $san]);
	$a = judged('a stranger who signed for himself', 'unknown no-path', q_of($stranger));
	like($a->{text}, qr{self-signed and not in .*/ca: copy it there, or to .*/trusted}, 'what to do');
	judged('a self-signed root among the candidates is no anchor', 'unknown no-path',
		q_of($alice, candidates => [der($sub), der($root)]), site());
	my $own = site();
	put($own, ca => $stranger);
	judged('a self-signed certificate in ca is its own anchor', 'valid ', q_of($stranger), $own);
};

subtest untrusted => sub {
	my $s = site();
	put($s, ca => $root, $sub);
	put($s, untrusted => $alice);
	judged('the certificate', 'invalid untrusted', q_of($alice), $s);
	put($s, trusted => $alice);
	judged('untrusted beats trusted', 'invalid untrusted', q_of($alice), $s);
	my $by_ca = site();
	put($by_ca, ca => $root, $sub);
	put($by_ca, untrusted => $sub);
	my $a = judged('a CA of the path', 'invalid untrusted', q_of($alice), $by_ca);
	like($a->{text}, qr{CN=Sub,O=Test is marked as untrusted by the operator}, 'which one');
	judged('the same CA as a candidate', 'invalid untrusted', q_of($alice, candidates => [der($sub)]), $by_ca);
	my $by_root = site();
	put($by_root, ca => $root, $sub);
	put($by_root, untrusted => $root);
	judged('the anchor', 'invalid untrusted', q_of($alice), $by_root);
};

subtest trusted => sub {
	my $s = site();
	put($s, trusted => $alice);
	my $a = judged('no path, expired, another address', 'valid ', q_of($alice, time => at(4000), address => 'x@y.example'), $s);
	like($a->{text}, qr{^trusted by the operator \(.*/trusted/}, 'says so');
	judged('another certificate of the same key', 'unknown no-path', q_of(leaf('alice2')), $s);
	judged('trusted is no anchor', 'unknown no-path', q_of($alice), do { my $t = site(); put($t, trusted => $sub, $root); $t });
};

subtest validity => sub {
	my $short = leaf('short', days => 10);
	judged('within', 'valid ', q_of($short, time => at(9)));
	my $a = judged('after', 'invalid expired', q_of($short, time => at(11)));
	like($a->{text}, qr{expired at \d{4}-\d\d-\d\d}, 'says when');
	judged('before', 'invalid not-yet-valid', q_of($short, time => at(-1)));
	my $ca = certificate('shortca', by => 'root', days => 10, extensions => \@ca);
	my $s = site();
	put($s, ca => $root, $ca);
	$a = judged('the CA is over', 'invalid expired', q_of(leaf('below', by => 'shortca'), time => at(11)), $s);
	like($a->{text}, qr{the issuing certificate CN=shortca}, 'says which');
	certificate('shortroot', days => 10, extensions => \@ca);
	put($s, ca => pki_directory() . '/shortroot.pem');
	judged('the anchor is over', 'invalid expired', q_of(leaf('under', by => 'shortroot'), time => at(11)), $s);
};

subtest purpose => sub {
	my $n = 0;
	my $with = sub { my $eku = shift; leaf('eku' . $n++, extensions => [$mail[0], $eku ? "extendedKeyUsage = $eku" : (), $san], @_) };
	judged('serverAuth', 'invalid wrong-purpose', q_of($with->('serverAuth')));
	judged('serverAuth and emailProtection', 'valid ', q_of($with->('serverAuth,emailProtection')));
	judged('anyExtendedKeyUsage', 'valid ', q_of($with->('anyExtendedKeyUsage')));
	judged('no extended key usage', 'valid ', q_of($with->('')));
	certificate('webca', by => 'root', extensions => [@ca, 'extendedKeyUsage = serverAuth']);
	certificate('mailca', by => 'root', extensions => [@ca, 'extendedKeyUsage = emailProtection']);
	my $s = site();
	put($s, ca => $root, map { pki_directory() . "/$_.pem" } qw(webca mailca));
	judged('a CA for servers only', 'invalid wrong-purpose', q_of($with->('emailProtection', by => 'webca')), $s);
	judged('a CA for mail', 'valid ', q_of($with->('emailProtection', by => 'mailca')), $s);
};

subtest 'key usage' => sub {
	key('rsa', qw(-algorithm RSA -pkeyopt rsa_keygen_bits:2048));
	key('pss', qw(-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048));
	key('ed', qw(-algorithm ED25519));
	my $n = 0;
	my @cases = (
		[qw(leaf sign digitalSignature 1)], [qw(leaf sign nonRepudiation 1)], [qw(leaf sign keyAgreement 0)],
		['leaf', 'sign', '', 1], ['leaf', 'encrypt', '', 1], [qw(leaf encrypt keyAgreement 1)],
		[qw(leaf encrypt keyEncipherment 0)], [qw(leaf encrypt digitalSignature 0)],
		['leaf', 'encrypt', 'keyAgreement,decipherOnly', 1], ['leaf', 'encrypt', 'keyAgreement,encipherOnly', 0],
		[qw(rsa sign digitalSignature 1)], [qw(rsa encrypt keyEncipherment 1)], [qw(rsa encrypt keyAgreement 0)],
		[qw(rsa encrypt dataEncipherment 0)], [qw(rsa sign keyEncipherment 0)], ['rsa', 'encrypt', '', 1],
		[qw(pss sign digitalSignature 1)], ['pss', 'encrypt', '', 0], [qw(ed sign digitalSignature 1)],
		['ed', 'encrypt', '', 0],
	);
	for (@cases) {
		my ($key, $purpose, $usage, $good) = @$_;
		my $file = leaf('ku' . $n++, key => $key, extensions => [$usage ? "keyUsage = critical,$usage" : (), $mail[1], $san]);
		judged("$key, $purpose, " . ($usage || 'no key usage'), $good ? 'valid ' : 'invalid wrong-key-usage',
			q_of($file, purpose => $purpose));
	}
};

subtest address => sub {
	judged('exactly', 'valid ', q_of($alice, address => 'Alice@partner.example'));
	judged('another case', 'valid ', q_of($alice, address => 'ALICE@Partner.Example'));
	judged('empty: not compared', 'valid ', q_of($alice, address => ''));
	judged('another person', 'invalid address-mismatch', q_of($alice, address => 'bob@partner.example'));
	judged('a blank behind it', 'invalid address-mismatch', q_of($alice, address => 'alice@partner.example '));
	judged('a subdomain', 'invalid address-mismatch', q_of($alice, address => 'alice@a.partner.example'));
	judged('the beginning of it', 'invalid address-mismatch', q_of($alice, address => 'alice@partner.exampl'));
	my $legacy = leaf('legacy', subject => '/CN=Old/emailAddress=old@partner.example', extensions => [@mail]);
	judged('emailAddress in the subject', 'valid ', q_of($legacy, address => 'OLD@partner.example'));
	judged('but only that', 'invalid address-mismatch', q_of($legacy, address => 'alice@partner.example'));
	my $cn = leaf('cn', subject => '/CN=cn@partner.example', extensions => [@mail]);
	judged('a common name is no address', 'invalid address-mismatch', q_of($cn, address => 'cn@partner.example'));
	my $house = leaf('house', extensions => [@mail, 'subjectAltName = email:@partner.example']);
	judged('a domain\'s certificate', 'valid ', q_of($house, address => 'anyone@Partner.example'));
	judged('serves no subdomain', 'invalid address-mismatch', q_of($house, address => 'anyone@a.partner.example'));
	judged('nor another domain', 'invalid address-mismatch', q_of($house, address => 'anyone@otherpartner.example'));
	my $utf8 = leaf('utf8', extensions => [@mail, 'subjectAltName = @names'],
		sections => ['[names]', "otherName = 1.3.6.1.5.5.7.8.9;FORMAT:UTF8,UTF8:j\xc3\xbcrgen\@partner.example"]);
	judged('SmtpUTF8Mailbox', 'valid ', q_of($utf8, address => "j\xc3\xbcrgen\@partner.example"));
	judged('other UTF-8 case', 'invalid address-mismatch', q_of($utf8, address => "J\xc3\x9cRGEN\@partner.example"));
	# eve@evil.example NUL @partner.example
	my $nul = "alice\@partner.example\0.evil.example";
	my $san_der = unpack 'H*', "\x81" . chr(length $nul) . $nul;
	my $trick = leaf('nul', extensions => [@mail, 'subjectAltName = DER:30' . sprintf('%02x', length($san_der) / 2) . $san_der]);
	judged('a NUL inside', 'invalid address-mismatch', q_of($trick, address => 'alice@partner.example'));
};

subtest 'weak-key' => sub {
	for ([rsa => rsa_bits => 2048, 2049], [leaf => ec_bits => 256, 257]) {
		my ($key, $option, $at, $above) = @$_;
		my $file = leaf("size$key", key => $key);
		for ([$at, 'valid '], [$above, 'invalid weak-key']) {
			my $s = site("check_path_$option" => $_->[0]);
			put($s, ca => $root, $sub);
			judged("$option $_->[0]", $_->[1], q_of($file), $s);
		}
	}
	key('p224', qw(-algorithm EC -pkeyopt ec_paramgen_curve:P-224));
	judged('P-224 by default', 'invalid weak-key', q_of(leaf('p224leaf', key => 'p224')));
	certificate('weakca', by => 'root', key => 'p224', extensions => \@ca);
	certificate('weakroot', key => 'p224', extensions => \@ca);
	my $s = site();
	put($s, ca => $root, map { pki_directory() . "/$_.pem" } qw(weakca weakroot));
	judged('a CA\'s', 'invalid weak-key', q_of(leaf('belowweak', by => 'weakca')), $s);
	judged('an anchor\'s', 'invalid weak-key', q_of(leaf('underweak', by => 'weakroot')), $s);
	key('sm2', qw(-algorithm EC -pkeyopt ec_paramgen_curve:SM2));
	key('explicit', qw(-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit));
	judged('a curve without a name', 'invalid malformed', q_of(leaf('explicitleaf', key => 'explicit')));
};

subtest floors => sub {
	key('rsa3', qw(-algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3));
	my %with = map { my $s = site(check_path_floor => $_); put($s, ca => $root, $sub); ($_ => $s) } qw(bsi-tr-02102 cabf-smime-br cabf-smime-br-legacy);
	judged('RSA 2048, BSI', 'invalid weak-key', q_of(leaf('f1', key => 'rsa')), $with{'bsi-tr-02102'});
	judged('P-256, BSI', 'valid ', q_of($alice), $with{'bsi-tr-02102'});
	judged('SHA-224, BSI', 'invalid weak-hash', q_of(leaf('f2', hash => 'sha224')), $with{'bsi-tr-02102'});
	judged('exponent 3', 'valid ', q_of(leaf('f3', key => 'rsa3')));
	judged('exponent 1', 'invalid weak-key', { certificate => der(leaf('f1', key => 'rsa3')) =~ s/\x02\x01\x03/\x02\x01\x01/r });
	my $low = pki_directory() . '/floors';
	open my $f, '>', $low or die;
	print $f "[house]\nlike = bsi-tr-02102\nrsa_bits = 2048\n[few]\nkeys = rsa\n[nist]\ncurves = P-384\n";
	close $f or die;
	my $of = sub { my $s = site(check_path_floor => $_[0], check_path_floors => $low, @_[1 .. $#_]); put($s, ca => $root, $sub); $s };
	judged('exponent 3, BSI', 'invalid weak-key', q_of(leaf('f4', key => 'rsa3')), $of->('house'));
	judged('exponent 65537', 'valid ', q_of(leaf('f5', key => 'rsa')), $of->('house'));
	judged('an option replaces the floor', 'invalid weak-key', q_of(leaf('f6', key => 'rsa')), $of->('house', check_path_rsa_bits => 2049));
	judged('a kind that is not listed', 'invalid weak-key', q_of($alice), $of->('few'));
	judged('a curve that is not listed', 'invalid weak-key', q_of($alice), $of->('nist'));
	my %long = map { $_ => leaf("days$_", days => $_) } 824, 825, 1184, 1185;
	# openssl's "-days n" begins and ends with the same second, which is one too many
	judged("$_->[1]: $_->[0] days", $_->[2], q_of($long{$_->[0]}), $with{$_->[1]}) for [824, 'cabf-smime-br', 'valid '],
		[825, 'cabf-smime-br', 'invalid validity-too-long'], [1184, 'cabf-smime-br-legacy', 'valid '], [1185, 'cabf-smime-br-legacy', 'invalid validity-too-long'];
	my @type = (days => 825, extensions => ['nsCertType = emailCA', 'extendedKeyUsage = emailProtection']);
	judged('a Netscape type does not make a CA', 'invalid validity-too-long', q_of(leaf('days-type', @type)), $with{'cabf-smime-br'});
	judged("no such floor", 'refused configuration', q_of($alice), site(check_path_floor => 'cellar'));
};

subtest 'weak-hash' => sub {
	judged('SHA-1', 'invalid weak-hash', q_of(leaf('sha1', hash => 'sha1')));
	judged("$_", 'valid ', q_of(leaf($_, hash => $_))) for qw(sha224 sha384 sha512);
	certificate('rsaca', by => 'root', key => 'rsa', extensions => \@ca);
	put($plain, ca => pki_directory() . '/rsaca.pem');
	judged('RSA with SHA3-256', 'valid ', q_of(leaf('sha3', by => 'rsaca', hash => 'sha3-256')));
	judged('ECDSA with SHA3-256, unknown to OpenSSL 3.0', 'unknown unsupported-algorithm', q_of(leaf('ecsha3', hash => 'sha3-256')))
		if `openssl version` =~ / 3\.0\./;
	certificate('sha1ca', by => 'root', hash => 'sha1', extensions => \@ca);
	certificate('sha1root', hash => 'sha1', extensions => \@ca);
	my $s = site();
	put($s, ca => $root, map { pki_directory() . "/$_.pem" } qw(sha1ca sha1root));
	judged('a CA\'s', 'invalid weak-hash', q_of(leaf('belowsha1', by => 'sha1ca')), $s);
	judged('an anchor\'s own signature does not count', 'valid ', q_of(leaf('undersha1', by => 'sha1root')), $s);
	my $strict = site(check_path_hashes => 'sha512 sha3-*');
	put($strict, ca => $root, $sub);
	judged('what the operator does not list', 'invalid weak-hash', q_of($alice), $strict);
};

subtest extensions => sub {
	judged('unknown critical', 'invalid unknown-critical-extension',
		q_of(leaf('critical', extensions => [@mail, $san, '1.2.3.4.5 = critical,ASN1:NULL'])));
	judged('unknown, not critical', 'valid ', q_of(leaf('noncritical', extensions => [@mail, $san, '1.2.3.4.5 = ASN1:NULL'])));
	judged('name constraints in an end entity', 'invalid malformed',
		q_of(leaf('ncleaf', extensions => [@mail, $san, 'nameConstraints = critical,permitted;email:.example'])));
	my $n = 0;
	for (['keyCertSign without a CA', 'key usage keyCertSign', 'keyUsage = critical,digitalSignature,keyCertSign'],
		['something behind the value', 'X509v3 Key Usage cannot be read', 'keyUsage = critical,DER:0302078000'],
		['no policies in the policies', 'says nothing', 'certificatePolicies = DER:3000'],
		['a count below 0', 'X509v3 Inhibit Any Policy cannot be read', 'inhibitAnyPolicy = critical,DER:0201ff'],
		['constraints that are none', 'Policy Constraints cannot be read', 'policyConstraints = critical,DER:0400']) {
		my ($what, $why, $line) = @$_;
		my $a = judged($what, 'invalid malformed', q_of(leaf('ext' . $n++, extensions => [$mail[1], $san, $line])));
		like($a->{text}, qr{CN=ext\d is malformed: .*\Q$why}, "$what: the text says it");
	}
	my $a = ask($plain, certificate => der(pki_directory() . '/critical.pem'));
	like($a->{text}, qr{critical extension 1\.2\.3\.4\.5 }, 'the text names what is not understood');
};

subtest issuers => sub {
	certificate('noca', by => 'root', extensions => [@mail]);
	certificate('nosign', by => 'root', extensions => [$ca[0], 'keyUsage = critical,digitalSignature,cRLSign']);
	certificate('zero', by => 'root', extensions => ['basicConstraints = critical,CA:TRUE,pathlen:0', $ca[1]]);
	certificate('below0', by => 'zero', extensions => \@ca);
	my $s = site();
	put($s, ca => $root, map { pki_directory() . "/$_.pem" } qw(noca nosign zero below0));
	judged('an end entity that issued', 'invalid not-a-ca', q_of(leaf('l1', by => 'noca')), $s);
	judged('a CA without keyCertSign', 'invalid not-a-ca', q_of(leaf('l2', by => 'nosign')), $s);
	judged('path length 0, none below', 'valid ', q_of(leaf('l3', by => 'zero')), $s);
	judged('path length 0, one below', 'invalid path-length', q_of(leaf('l4', by => 'below0')), $s);
	my $previous = 'root';
	my $long = site();
	put($long, ca => $root);
	for (1 .. 23) {
		put($long, ca => certificate("level$_", by => $previous, extensions => \@ca));
		$previous = "level$_";
	}
	judged('24 certificates', 'valid ', q_of(leaf('deep22', by => 'level22')), $long);
	judged('25 certificates', 'invalid path-length', q_of(leaf('deep23', by => 'level23')), $long);
};

subtest 'anchors that issue' => sub {
	my $below = sub {
		my ($what, $want, $name, @extensions) = @_;
		my $s = site();
		put($s, ca => certificate($name, extensions => \@extensions));
		return judged($what, $want, q_of(leaf("under-$name", by => $name)), $s);
	};
	$below->('no basic constraints', 'invalid not-a-ca', 'bare-anchor', $ca[1]);
	$below->('no CA', 'invalid not-a-ca', 'no-anchor', 'basicConstraints = critical,CA:FALSE');
	$below->('key usage without keyCertSign', 'invalid not-a-ca', 'ku-anchor', $ca[0], 'keyUsage = critical,cRLSign');
	$below->('for web servers', 'invalid wrong-purpose', 'web-anchor', @ca, 'extendedKeyUsage = serverAuth');
	$below->('for mail', 'valid ', 'mail-anchor', @ca, 'extendedKeyUsage = emailProtection');
	my ($file, $key) = (certificate('old-anchor'), pki_directory() . '/old-anchor.key');
	my $under = leaf('under-old-anchor', by => 'old-anchor', extensions => [@mail, $san, 'authorityKeyIdentifier = none']);
	qx(openssl req -new -key $key -subj /CN=old-anchor | openssl x509 -req -signkey $key -days 9 -out $file 2>/dev/null);
	my $s = site();
	put($s, ca => $file);
	judged('of version 1, which says nothing', 'valid ', q_of($under), $s);
};

subtest 'name constraints' => sub {
	certificate('nc', by => 'root', extensions => [@ca, 'nameConstraints = critical,permitted;email:partner.example,permitted;email:.sub.example']);
	certificate('ncx', by => 'root', extensions => [@ca, 'nameConstraints = critical,excluded;email:evil.example']);
	certificate('nclax', by => 'root', extensions => [@ca, 'nameConstraints = permitted;email:partner.example']);
	my $s = site();
	put($s, ca => $root, map { pki_directory() . "/$_.pem" } qw(nc ncx nclax));
	judged('permitted', 'valid ', q_of(leaf('nc1', by => 'nc')), $s);
	my $n = 2;
	my $is = sub {
		my ($what, $want, $by, $address, $legacy) = @_;
		judged($what, $want, q_of(leaf('nc' . $n++, by => $by, $legacy ? (subject => "/CN=x/emailAddress=$address", extensions => [@mail])
			: (extensions => [@mail, "subjectAltName = email:$address"]))), $s);
	};
	$is->('not permitted', 'invalid name-constraints', 'nc', 'alice@other.example');
	$is->('not permitted, emailAddress in the subject', 'invalid name-constraints', 'nc', 'alice@other.example', 1);
	$is->('permitted, emailAddress in the subject', 'valid ', 'nc', 'alice@partner.example', 1);
	$is->('a subdomain of a host constraint', 'invalid name-constraints', 'nc', 'alice@a.partner.example');
	$is->('a subdomain of a domain constraint', 'valid ', 'nc', 'alice@a.sub.example');
	$is->('excluded', 'invalid name-constraints', 'ncx', 'alice@evil.example');
	$is->('not excluded', 'valid ', 'ncx', 'alice@good.example');
	$is->('constraints that are not critical', 'invalid malformed', 'nclax', 'alice@partner.example');
};

subtest policy => sub {
	certificate('strictca', by => 'root', extensions => [@ca, 'policyConstraints = critical,requireExplicitPolicy:0',
		'certificatePolicies = 1.2.3.4']);
	my $s = site();
	put($s, ca => $root, pki_directory() . '/strictca.pem');
	judged('required, not there', 'invalid policy', q_of(leaf('p1', by => 'strictca')), $s);
	judged('required, another', 'invalid policy', q_of(leaf('p2', by => 'strictca',
		extensions => [@mail, $san, 'certificatePolicies = 1.2.3.5'])), $s);
	judged('required, there', 'valid ', q_of(leaf('p3', by => 'strictca',
		extensions => [@mail, $san, 'certificatePolicies = 1.2.3.4'])), $s);
};

subtest signatures => sub {
	judged('a bit of the signature', 'invalid bad-signature', { certificate => flip(der($alice), 3) });
	certificate('sub2', by => 'root', key => 'other', subject => '/O=Test/CN=Sub', extensions => \@ca);
	my $no_id = 'authorityKeyIdentifier = none';
	my $fake = certificate('fake', key => 'leaf', subject => '/O=Test/CN=Root', extensions => \@ca);
	my $vague = leaf('vague', extensions => [@mail, $san, $no_id]);
	my $s = site();
	put($s, ca => $root, pki_directory() . '/sub2.pem', $sub);
	judged('two CAs of one name, the key identifier tells', 'valid ', q_of($alice), $s);
	judged('two CAs of one name, the signature tells', 'valid ', q_of($vague), $s);
	my $bare = site();
	put($bare, ca => $root);
	my @forged = map { der(certificate("forged$_", by => 'fake', key => 'leaf', subject => '/O=Test/CN=Sub',
		extensions => [@ca, $no_id])) } 1 .. 20;
	judged('forged namesakes among the candidates', 'valid ', q_of($vague, candidates => [@forged, der($fake), der($sub)]), $bare);
	judged('only forged ones', 'invalid bad-signature', q_of($vague, candidates => [@forged, der($fake)]), $bare);
	judged('one forged one', 'invalid bad-signature', q_of($vague, candidates => [$forged[0]]), $bare);
	my $again = certificate('crossed', by => 'sub', key => 'root', subject => '/O=Test/CN=Root', extensions => \@ca);
	judged('certificates that issue each other', 'unknown no-path',
		q_of($alice, candidates => [der($sub), der($again)]), site());
};

subtest 'a web of candidates' => sub {
	my @no_id = (@ca, 'authorityKeyIdentifier = none');
	certificate('web0', key => 'leaf', subject => '/CN=Web0', extensions => \@no_id);
	certificate('web1', by => 'web0', key => 'leaf', subject => '/CN=Web1', extensions => \@no_id);
	my @web = map { my $to = $_ % 2; certificate("web$_", by => 'web' . (1 - $to), key => 'leaf', subject => "/CN=Web$to", extensions => \@no_id) } 2 .. 41;
	my $prey = leaf('prey', by => 'web1', extensions => [@mail, $san, 'authorityKeyIdentifier = none']);
	alarm 300; # it would take centuries
	judged('that all issue each other', 'unknown no-path', q_of($prey, candidates => [map { der($_) } @web]));
	alarm 0;
};

subtest malformed => sub {
	judged('rubbish', 'invalid malformed', { certificate => 'rubbish' });
	judged('nothing', 'invalid malformed', { certificate => '' });
	judged('half of one', 'invalid malformed', { certificate => substr(der($alice), 0, 200) });
	judged('a byte behind it', 'invalid malformed', { certificate => der($alice) . "\0" });
	my ($length, $content) = unpack 'x2na*', der($alice);
	judged('a length longer than it needs to be', 'invalid malformed', { certificate => "\x30\x83\0" . pack('na*', $length, $content) });
	judged('a length that is not said', 'invalid malformed', { certificate => "\x30\x80$content\0\0" });
	judged('negative serial number', 'invalid malformed', q_of(leaf('negative', serial => '-5')));
	judged('serial number 0', 'valid ', q_of(leaf('zeroserial', serial => '0')));
	judged('20 octets', 'valid ', q_of(leaf('serial20', serial => '0x7f' . 'ab' x 19)));
	judged('20 octets with the first bit set: 21 in DER', 'invalid malformed', q_of(leaf('serial20h', serial => '0x80' . 'ab' x 19)));
	judged('21 octets', 'invalid malformed', q_of(leaf('serial21', serial => '0x01' . 'ab' x 20)));
	judged('a name of 64 characters', 'valid ', q_of(leaf('cn64', subject => '/CN=' . "\xc3\xbc" x 64)));
};

subtest unsupported => sub {
	judged('a key of another kind', 'unknown unsupported-algorithm', q_of(leaf('sm2leaf', key => 'sm2')));
	my $element = sub { my ($tag, $bytes) = @_; pack 'CCna*', $tag, 0x82, length $bytes, $bytes };
	for ([16384, 'valid '], [16392, 'unknown unsupported-algorithm']) {
		my ($bits, $want) = @$_;
		my ($dir, $info) = (pki_directory(), pack('H*', '300d06092a864886f70d0101010500'));
		my $rsa = $element->(0x30, $element->(0x02, "\0" . "\xff" x ($bits / 8)) . pack('H*', '0203010001'));
		open my $f, '>', "$dir/rsa$bits.pub" or die;
		print $f "-----BEGIN PUBLIC KEY-----\n", encode_base64($element->(0x30, $info . $element->(0x03, "\0$rsa"))), "-----END PUBLIC KEY-----\n";
		close $f or die;
		qx(openssl x509 -new -force_pubkey $dir/rsa$bits.pub -subj /CN=rsa$bits -CA $sub -CAkey $dir/sub.key -days 9 -out $dir/rsa$bits.pem);
		judged("RSA of $bits bits", $want, q_of("$dir/rsa$bits.pem"));
	}
};

done_testing;
