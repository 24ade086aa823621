#!/usr/bin/perl
# 6600-cert-verify.t - postern-cert verify: the checker's verdict for files that anybody names, with and without a site
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/helper";
use Digest::SHA 'sha256_hex';
use JSON::PP;
use MIME::Base64;
use PathCheck;
use PathPki;
use Test::More;

my $tool = build_directory() . '/postern-cert';
my $dir = pki_directory();

# verify(arguments): (exit, output, the lines as a hash of name => last value)
sub verify {
	my @a = map { my $x = $_; $x =~ s/'/'\\''/g; "'$x'" } @_;
	my $out = qx($tool verify @a 2>&1);
	my %line = $out =~ /^(\w+): (.*)$/mg;
	return ($? >> 8, $out, \%line);
}
# judged(what, exit, reason, arguments)
sub judged {
	my ($what, $exit, $reason, @arguments) = @_;
	my ($code, $out, $line) = verify(@arguments);
	is("$code " . ($line->{reason} // ''), "$exit $reason", $what) or diag $out;
	return ($out, $line);
}
sub file {
	my ($name, $bytes) = @_;
	open my $f, '>:raw', "$dir/$name" or die;
	print $f $bytes;
	close $f or die;
	return "$dir/$name";
}

my @ca = ('basicConstraints = critical,CA:TRUE', 'keyUsage = critical,keyCertSign,cRLSign');
my @mail = ('keyUsage = critical,digitalSignature', 'extendedKeyUsage = emailProtection');
my $san = 'subjectAltName = email:Alice@partner.example';
key('leaf');
my $root = certificate('root', subject => '/O=Test/CN=Root', extensions => \@ca);
my $sub = certificate('sub', by => 'root', subject => '/O=Test/CN=Sub', extensions => \@ca, days => 20);
my $alice = certificate('alice', by => 'sub', key => 'leaf', extensions => [@mail, $san], serial => '0x4711', days => 10);
my ($root_der, $sub_der, $alice_der) = map { (ders($_))[0] } $root, $sub, $alice;
my @files = (-anchor => $root, -untrusted => $sub);

subtest 'the answer' => sub {
	my ($out, $line) = judged('valid', 0, '', @files, $alice);
	is($line->{verdict}, 'valid', 'the verdict');
	like($line->{text}, qr{^path of 3 certificates to CN=Root,O=Test; revocation not checked}, 'the text is the module\'s');
	is($line->{serial}, '4711', 'the serial number');
	is(scalar(() = $out =~ /^path: [123] CN=/mg), 3, 'the path');
	like($out, qr{^path: 3 CN=Root,O=Test \(serial \w+, until \d{4}-}m, 'with the anchor last');
	like($out, qr{^revocation: revocation not checked: no CRL of CN=Sub,O=Test}m, 'what was not checked');
	my ($code, $json) = verify('-json', @files, $alice);
	my $j = decode_json($json);
	is_deeply([$code, @$j{qw(verdict reason purpose address)}, scalar @{$j->{path}}], [0, 'valid', '', 'sign', '', 3], 'as JSON');
	is_deeply($j->{path}[0]{addresses}, ['alice@partner.example'], 'JSON: its addresses');
	like($j->{revocation}[0]{source}, qr{not checked}, 'JSON: revocation');
};

subtest 'what strangers write into certificates' => sub {
	my $host = certificate('host', by => 'sub', key => 'leaf', subject => '/CN=' . 'X' x 20, extensions => [@mail, 'subjectAltName = email:' . 'a' x 8 . '@b.example']);
	my $n = 0;
	for (["\e]0;t\a\"\\\n\r\t", 'controls'], ["\xff\xfe\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80", 'no UTF-8'], ["\xc2\x9b31m\xe2\x80\xae\xef\xbf\xbe", 'orders of terminals'],
		["a\0b", 'a NUL']) {
		my ($bytes, $what) = @$_;
		my $der = (ders($host))[0] =~ s/X{20}/substr $bytes . 'X' x 20, 0, 20/er =~ s/a{8}/substr $bytes . 'a' x 8, 0, 8/er;
		my $file = file("hostile" . $n++, $der);
		rename $file, "$file$bytes.der" and $file .= "$bytes.der" if $bytes !~ /\0/;
		for my $command ('verify', 'show') {
			open my $out, '-|', $tool, '-json', $command, $command eq 'verify' ? @files : (), $file or die;
			my $text = do { local $/; <$out> };
			ok(eval { decode_json($text) }, "$command -json: $what") or diag $@;
			unlike($text =~ s/\n\z//r, qr{[\x00-\x1f\x7f]|\xc2[\x80-\x9f]}, "$command: nothing for the terminal");
		}
	}
};

subtest 'forms of files' => sub {
	my $chain = file('chain.pem', slurp($alice) . slurp($sub));
	judged('issuers behind the certificate', 0, '', -anchor => $root, $chain);
	judged('DER everywhere', 0, '', -anchor => file('root.der', $root_der), -untrusted => file('sub.der', $sub_der),
		file('alice.der', $alice_der));
	judged('DER one behind the other', 0, '', -anchor => $root, file('both.der', $alice_der . $sub_der));
	judged('anchor and intermediate in one file of anchors', 0, '', -anchor => file('cas.pem', slurp($root) . slurp($sub)), $alice);
	system("openssl crl2pkcs7 -nocrl -certfile $alice -certfile $sub -out $dir/x.p7b") == 0 or die;
	judged('PKCS#7', 0, '', -anchor => $root, "$dir/x.p7b");
	judged('base64 without lines around', 0, '', @files, file('bare', encode_base64($alice_der)));
	judged('text around', 0, '', @files, file('text.pem', "Bag Attributes\n" . slurp($alice) . "the end\n"));
	my $out = qx($tool verify -anchor $root -untrusted $sub - < $alice);
	is($? >> 8, 0, 'from standard input');
	judged('options behind the certificate, with two dashes', 0, '', $alice, '--anchor', $root, '--untrusted', $sub);
	# more intermediates than a message may bring
	my $bundle = join '', map { slurp(certificate("i$_", by => 'root', key => 'leaf', subject => "/CN=i$_", extensions => \@ca)) } 1 .. 3;
	judged('a bundle of 300 intermediates', 0, '', -anchor => $root, -untrusted => file('bundle', $bundle x 100 . slurp($sub)), $alice);
};

subtest 'broken files' => sub {
	my ($out) = judged('a broken certificate is judged', 1, 'malformed', @files, file('cut.der', substr($alice_der, 0, 300)));
	judged('something behind it', 1, 'malformed', @files, file('more.der', "$alice_der garbage"));
	judged('PEM that is no base64', 1, 'malformed', @files, file('b.pem', "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"));
	judged('the second one of a file is not taken for the first', 1, 'malformed', @files,
		file('b2.pem', "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n" . slurp($alice)));
	($out) = judged('a broken intermediate is named and passed over', 2, 'no-path', -anchor => $root,
		-untrusted => file('cut.pem', "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"), $alice);
	like($out, qr{^warning: .*/cut\.pem: }m, 'with its name');
	judged('no certificate at all', 65, '', @files, file('junk', "hello\n"));
	judged('an empty file', 65, '', @files, file('empty', ''));
	judged('junk as an anchor', 65, '', -anchor => "$dir/junk", $alice);
	judged('no such file', 66, '', @files, "$dir/none");
	judged('a folder', 66, '', @files, $dir);
	judged('no such anchor', 66, '', -anchor => "$dir/none", $alice);
	judged('a key', 65, '', @files, "$dir/leaf.key");
};

subtest 'usage' => sub {
	for (['nothing'], ['two certificates', $alice, $alice], ['an unknown option', '-foo', $alice], ['a bad purpose', -purpose => 'tls', $alice],
		['a bad time', -at => 'noon', $alice], ['a bad date', -at => '2026-02-30T00:00:00Z', $alice], ['a bad address', -address => 'alice', $alice],
		['a bad policy', -policy => 'any', $alice], ['an option without its argument', $alice, '-at'], ['twice', -at => 1, -at => 2, $alice],
		['an option of another command', '-replace', $alice]) {
		my ($what, @arguments) = @$_;
		judged($what, 64, '', @arguments);
	}
	judged('a bad setting', 78, '', @files, -set => 'check_path_crl=never', $alice);
	my $out = qx($tool nonsense 2>&1);
	is($? >> 8, 64, 'an unknown command');
	$out = qx($tool verify -c /nonexistent/postern.conf $alice 2>&1);
	is($? >> 8, 78, 'a configuration that is not there');
};

subtest 'time' => sub {
	judged('past the end', 1, 'expired', @files, -at => at(11), $alice);
	judged('seconds since the epoch', 1, 'expired', @files, -at => time + 11 * 86400, $alice);
	judged('before the beginning', 1, 'not-yet-valid', @files, -at => 86400, $alice);
	judged('before the epoch', 1, 'not-yet-valid', @files, -at => -1, $alice);
	judged('within', 0, '', @files, -at => at(9), $alice);
};

subtest 'purpose and address' => sub {
	judged('encrypt', 1, 'wrong-key-usage', @files, -purpose => 'encrypt', $alice);
	judged('sign', 0, '', @files, -purpose => 'sign', $alice);
	judged('its address', 0, '', @files, -address => 'alice@partner.example', $alice);
	judged('another', 1, 'address-mismatch', @files, -address => 'bob@partner.example', $alice);
	my $web = certificate('web', by => 'root', key => 'leaf', extensions => ['extendedKeyUsage = serverAuth', 'keyUsage = critical,keyAgreement']);
	judged('not for mail', 1, 'wrong-purpose', -anchor => $root, $web);
	judged('any purpose', 0, '', -anchor => $root, -purpose => 'any', $web);
	my $webca = certificate('webca', by => 'root', extensions => [@ca, 'extendedKeyUsage = serverAuth']);
	my $below = certificate('below', by => 'webca', key => 'leaf', extensions => [@mail]);
	judged('a CA that is not for mail', 1, 'wrong-purpose', -anchor => $root, -untrusted => $webca, $below);
	judged('any purpose of it', 0, '', -anchor => $root, -untrusted => $webca, -purpose => 'any', $below);
	judged('but a CA it must be', 1, 'not-a-ca', -anchor => $root, -untrusted => "$dir/alice.pem", -untrusted => $sub, -purpose => 'any',
		certificate('child', by => 'alice', key => 'leaf', extensions => []));
};

subtest anchors => sub {
	judged('the intermediate as the anchor', 0, '', -anchor => $sub, $alice);
	my ($out) = judged('with its own issuer at hand', 0, '', -anchor => $sub, -untrusted => $root, $alice);
	unlike($out, qr{^path: 3}m, 'the path ends at the anchor');
	judged('the certificate itself', 0, '', -anchor => $alice, $alice);
	judged('another one', 2, 'no-path', -anchor => certificate('stranger', extensions => \@ca), -untrusted => $sub, $alice);
	judged('a self-signed certificate among the untrusted is none', 2, 'no-path', -untrusted => $root, -untrusted => $sub, $alice);
	judged('an anchor that is over', 1, 'expired', -anchor => $sub, -at => at(21),
		certificate('long', by => 'sub', key => 'leaf', extensions => \@mail));
	($out) = judged('a namesake of the anchor', 2, 'no-path', -anchor => certificate('root2', subject => '/O=Test/CN=Root', extensions => \@ca), -untrusted => $sub, $alice);
	like($out, qr{^text: .*what has its name there has not signed CN=Sub,O=Test$}m, 'is named as such');
};

subtest revocation => sub {
	my $root_crl = crl('root', by => 'root');
	my $sub_crl = crl('sub', by => 'sub');
	my $revoked = crl('rev', by => 'sub', revoked => ['4711']);
	my ($out) = judged('all lists', 0, '', @files, -crl => $root_crl, -crl => $sub_crl, $alice);
	like($out, qr{^revocation: \Q$sub_crl\E of \d{4}-\d\d-\d\dT}m, 'each source with its time');
	like($out, qr{^revocation: \Q$root_crl\E of }m, 'the root\'s too');
	judged('revoked', 1, 'revoked', @files, -crl => $root_crl, -crl => $revoked, $alice);
	judged('lists in one file', 1, 'revoked', @files, -crl => file('all.crl', slurp($root_crl) . slurp($revoked)), $alice);
	judged('lists and certificates in one file', 1, 'revoked', -anchor => $root,
		-untrusted => file('mix.pem', slurp($sub) . slurp($root_crl) . slurp($revoked)), $alice);
	judged('who gives lists wants them complete', 2, 'crl-missing', @files, -crl => $root_crl, $alice);
	judged('unless told otherwise', 0, '', @files, -crl => $root_crl, -set => 'check_path_crl=if-present', $alice);
	judged('without lists they may be required', 2, 'crl-missing', @files, -set => 'check_path_crl = require', $alice);
	judged('below an anchor that is not self-signed its issuer\'s lists do not matter', 0, '', -anchor => $sub, -crl => $sub_crl,
		-crl => crl('rootrev', by => 'root', revoked => ['65']), $alice);
	judged('an anchor that is not self-signed: revoked below it', 1, 'revoked', -anchor => $sub, -crl => $revoked, $alice);
	judged('that its CA is revoked is more than that it has no list', 1, 'revoked', @files, -crl => "$dir/rootrev.crl", $alice);
	my $for_cas = crl('caonly', by => 'sub', extensions => ['issuingDistributionPoint = critical,DER:30038201ff']);
	($out) = judged('a list for others', 2, 'crl-missing', @files, -crl => $root_crl, -crl => $for_cas, $alice);
	like($out, qr{^text: there is no CRL of CN=Sub,O=Test for CN=alice in the files given; \Q$for_cas\E is for other certificates}m, 'is named');
	my $bad = file('bad.crl', "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n");
	($out) = judged('a broken list is named and passed over', 2, 'crl-missing', @files, -crl => $bad, -crl => $root_crl, $alice);
	like($out, qr{^warning: \Q$bad\E: }m, 'with its name');
	judged('a response that is not there', 66, '', @files, -ocsp => "$dir/none", $alice);
	judged('a response that is none', 2, 'crl-missing', @files, -ocsp => "$dir/junk", $alice);
	judged('junk for a list', 65, '', @files, -crl => "$dir/junk", $alice);
};

subtest policies => sub {
	my ($one, $two) = ('1.2.3.4.1', '1.2.3.4.2');
	my $ca = certificate('polca', by => 'root', extensions => [@ca, "certificatePolicies = $one"]);
	my $with = certificate('with', by => 'polca', key => 'leaf', extensions => [@mail, "certificatePolicies = $one"]);
	my $without = certificate('without', by => 'polca', key => 'leaf', extensions => \@mail);
	my @p = (-anchor => $root, -untrusted => $ca);
	judged('a policy is not asked for', 0, '', @p, $without);
	judged('one must be there', 1, 'policy', @p, '-explicit-policy', $without);
	judged('and is', 0, '', @p, '-explicit-policy', $with);
	judged('the accepted one', 0, '', @p, '-explicit-policy', -policy => $one, $with);
	judged('one of two', 0, '', @p, '-explicit-policy', -policy => $two, -policy => $one, $with);
	judged('another one', 1, 'policy', @p, '-explicit-policy', -policy => $two, $with);
	judged('another one, not required', 0, '', @p, -policy => $two, $with);
	my $any = certificate('anyca', by => 'root', extensions => [@ca, 'certificatePolicies = 2.5.29.32.0']);
	my $below = certificate('anyleaf', by => 'anyca', key => 'leaf', extensions => [@mail, "certificatePolicies = $one"]);
	judged('anyPolicy', 0, '', -anchor => $root, -untrusted => $any, '-explicit-policy', -policy => $one, $below);
	judged('anyPolicy inhibited', 1, 'policy', -anchor => $root, -untrusted => $any, '-explicit-policy', '-inhibit-any', $below);
	my $map = certificate('mapca', by => 'root', extensions => [@ca, "certificatePolicies = $one", "policyMappings = $one:$two"]);
	my $mapped = certificate('mapped', by => 'mapca', key => 'leaf', extensions => [@mail, "certificatePolicies = $two"]);
	judged('mapped', 0, '', -anchor => $root, -untrusted => $map, '-explicit-policy', -policy => $one, $mapped);
	judged('mapping inhibited', 1, 'policy', -anchor => $root, -untrusted => $map, '-explicit-policy', '-inhibit-mapping', -policy => $one, $mapped);
};

subtest 'with a site' => sub {
	my $site = site();
	put($site, ca => $root, $sub);
	my @c = (-c => "$site/postern.conf");
	judged('its areas', 0, '', @c, $alice);
	judged('with an anchor no other one counts', 2, 'no-path', @c, -anchor => "$dir/stranger.pem", $alice);
	judged('its intermediates do', 0, '', @c, -anchor => $root, $alice);
	judged('so do files given', 0, '', -c => do { my $s = site(); put($s, ca => $root); "$s/postern.conf" }, -untrusted => $sub, $alice);
	put($site, untrusted => $sub);
	judged('its untrusted beats what is given', 1, 'untrusted', @c, -anchor => $root, -untrusted => $sub, $alice);
	my $s = site(check_path_crl => 'require');
	put($s, ca => $root, $sub);
	judged('its options', 2, 'crl-missing', -c => "$s/postern.conf", $alice);
	judged('-set has no place beside it', 64, '', -c => "$s/postern.conf", -set => 'check_path_crl=ignore', $alice);
	is(-e "$s/verify.log", undef, 'the verify log is the mail\'s');
};

subtest 'by address or fingerprint' => sub {
	my $s = site();
	my @c = (-c => "$s/postern.conf");
	my $all = certificate('all', by => 'sub', key => 'leaf', extensions => [@mail, 'subjectAltName = email:alice@partner.example,email:al@partner.example']);
	put($s, ca => $root, $sub);
	put($s, $_ => $alice) for qw(seen public);
	my ($out, $line) = judged('an address', 0, '', @c, 'ALICE@partner.example');
	like($line->{file}, qr{^\Q$s\E/certs/public/}, 'where it is');
	judged('another address is asked for', 1, 'address-mismatch', @c, -address => 'bob@partner.example', 'alice@partner.example');
	is(decode_json((verify('-json', @c, 'alice@partner.example'))[1])->{address}, 'alice@partner.example', 'as JSON');
	($out) = judged('nobody', 66, '', @c, 'nobody@partner.example');
	like($out, qr{nobody\@partner\.example: there is no certificate of it in \Q$s\E/certs}, 'says where it looked');
	put($s, seen => $all);
	($out) = judged('several', 64, '', @c, 'alice@partner.example');
	is(scalar(() = $out =~ m{^postern-cert: \Q$s\E/certs/(?:seen|public)/}mg), 3, 'are named');
	judged('one of them by another address', 0, '', @c, 'al@partner.example');
	my $hash = sha256_hex($alice_der);
	judged('no such fingerprint', 66, '', @c, $hash);
	file('copy', slurp($alice));
	rename "$dir/copy", "$s/certs/seen/$hash.pem" or die;
	judged('a fingerprint', 0, '', @c, $hash);
	($out) = judged('without a site', 66, '', -anchor => $root, 'alice@partner.example');
	like($out, qr{without a site \(-c\) there are no addresses}, 'says so');
	judged('a file of that name', 0, '', @files, do { chdir $dir or die; file('alice@partner.example', slurp($alice)); 'alice@partner.example' });
};

subtest 'nothing given, and no site' => sub {
	plan skip_all => 'this machine has a site' if qx($tool list 2>&1) !~ /there is no /;
	my ($out) = judged('without a site', 2, 'no-path', $alice);
	like($out, qr{^text: the issuer's certificate CN=Sub,O=Test is not in the files given$}m, 'nothing of the machine is named');
	judged('its own issuers are looked at', 2, 'no-path', "$dir/chain.pem");
	judged('what needs no path is said', 1, 'expired', -at => at(11), $alice);
};

subtest 'anybody' => sub {
	plan skip_all => 'only root can be somebody else' if $> != 0;
	chmod 0755, $dir or die;
	my $out = qx(cd / && setpriv --reuid=65534 --regid=65534 --clear-groups $tool verify -anchor $root -untrusted $sub $alice 2>&1);
	plan skip_all => "nobody cannot come here: $out" if $out =~ /Permission denied/;
	like($out, qr{^verdict: valid$}m, 'without a site, a home or rights') or diag $out;
	unlike($out, qr{warning}, 'and without a warning');
};

my $set = corpora() . '/path/bsi-cpt';
subtest 'the BSI\'s paths' => sub {
	plan skip_all => "no corpora at $set" unless -f "$set/manifest.tsv";
	open my $manifest, '<', "$set/manifest.tsv" or die;
	chomp(my @names = split /\t/, <$manifest>);
	while (<$manifest>) {
		chomp;
		my %row;
		@row{@names} = split /\t/;
		my $some = sub { my ($option, $list) = @_; map { ($option, "$set/$_") } grep { $_ ne '-' } split /,/, $list };
		(my $time = $row{attime}) =~ s/^(....)(..)(..)(..)(..)(..)Z$/$1-$2-$3T$4:$5:$6Z/ or die;
		my @crl = $row{file} =~ /^CRL_/ ? ($some->(-crl => $row{crls}), '-set', 'check_path_crl=require') : ();
		my ($code, $out) = verify(-at => $time, $some->(-anchor => $row{key_cert}), $some->(-untrusted => $row{untrusted}), @crl, "$set/$row{file}");
		$code = 1 if $code == 2;
		is($code, $row{expected} eq 'path-valid' ? 0 : 1, $row{file}) or diag $out;
	}
};
done_testing;
