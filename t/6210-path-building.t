#!/usr/bin/perl
# 6210-path-building.t - several ways to an anchor, policies, name constraints on internationalised addresses
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/helper";
use PathCheck;
use PathPki;
use Test::More;

my @ca = ('basicConstraints = critical,CA:TRUE', 'keyUsage = critical,keyCertSign,cRLSign');
my @mail = ('keyUsage = critical,digitalSignature', 'extendedKeyUsage = emailProtection');
sub der { (ders($_[0]))[0] }

key('leaf');

# ca(name of the file, issuer, common name, [more]): certificates of one common name share its key
sub ca {
	my ($file, $by, $cn, %o) = @_;
	key($cn);
	return certificate($file, $by ? (by => $by) : (), key => $cn, subject => "/CN=$cn", extensions => [@ca, @{delete $o{more} // []}], %o);
}
sub leaf { my ($name, $by, %o) = @_; return certificate($name, by => $by, key => 'leaf', extensions => [@mail, @{delete $o{more} // []}], %o) }

# says(what, verdict, leaf, [area ca], [candidates], {options})
sub says {
	my ($what, $want, $file, $areas, $candidates, %o) = @_;
	my $s = site(check_path_crl => 'ignore', %{$o{options} // {}});
	put($s, ca => @$areas);
	put($s, untrusted => @{$o{untrusted} // []});
	my $a = ask($s, certificate => der($file), candidates => [map { der($_) } @{$candidates // []}], %{$o{question} // {}});
	is("$a->{verdict} $a->{reason}", $want, $what) or diag $a->{text};
	return $a;
}

subtest 'a new key signed with the old one, without key identifiers' => sub {
	my $old = ca('roll-old', undef, 'Roll');
	key('Roll-new');
	my $new = certificate('roll-new', by => 'roll-old', key => 'Roll-new', subject => '/CN=Roll', extensions => [@ca]);
	my $ann = leaf('roll-leaf', 'roll-new');
	says('is no anchor', 'unknown no-path', $ann, [$new], []);
	says('is an issuer', 'valid ', $ann, [$old], [$new]);
	says('also from the area', 'valid ', $ann, [$old, $new], []);
	my $mid = ca('mid-old', 'roll-old', 'Mid');
	key('Mid-new');
	my $renewed = certificate('mid-new', by => 'mid-old', key => 'Mid-new', subject => '/CN=Mid', extensions => [@ca]);
	says('in the middle of a path', 'valid ', leaf('mid-leaf', 'mid-new'), [$old], [$renewed, $mid]);
	says('as the one that is asked about', 'valid ', certificate('mid-self', by => 'mid-new', key => 'leaf', subject => '/CN=Mid', extensions => [@mail]),
		[$old], [$renewed, $mid]);
	my $weak = certificate('mid-weak', by => 'mid-new', key => 'leaf', subject => '/CN=Mid', extensions => [@mail], hash => 'sha1');
	says('with a weak hash', 'invalid weak-hash', $weak, [$old], [$renewed, $mid]);
	my @given = (-anchor => $old, -untrusted => $renewed, -untrusted => $mid, pki_directory() . '/mid-leaf.pem');
	like(scalar qx(@{[build_directory() . '/postern-cert']} verify @given), qr{^verdict: valid$}m, 'given on a command line');
};

my $root1 = ca('root1', undef, 'Root1');
my $root2 = ca('root2', undef, 'Root2');

subtest 'several ways' => sub {
	my $one = ca('sub-1', 'root1', 'Sub');
	my $two = ca('sub-2', 'root2', 'Sub');
	my $alice = leaf('alice', 'sub-1');
	says('two roots, the first known', 'valid ', $alice, [$root1], [$one, $two]);
	says('two roots, the second known', 'valid ', $alice, [$root2], [$one, $two]);
	says('none known', 'unknown no-path', $alice, [], [$one, $two]);
	my $web = certificate('sub-web', by => 'root1', key => 'Sub', subject => '/CN=Sub', extensions => [@ca, 'extendedKeyUsage = serverAuth']);
	my $not = certificate('sub-not', by => 'root1', key => 'Sub', subject => '/CN=Sub', extensions => ['keyUsage = critical,keyCertSign']);
	my $weak = ca('sub-weak', 'root1', 'Sub', hash => 'sha1');
	my $named = ca('sub-named', 'root1', 'Sub', more => ['nameConstraints = critical,permitted;email:other.example']);
	my $short = ca('sub-short', 'root1', 'Sub', days => 1);
	my $bob = leaf('bob', 'sub-1', more => ['subjectAltName = email:bob@partner.example']);
	for ([purpose => $web, 'wrong-purpose'], [basic => $not, 'not-a-ca'], [hash => $weak, 'weak-hash'],
		[constraints => $named, 'name-constraints'], [time => $short, 'expired']) {
		my ($what, $bad, $reason) = @$_;
		my @at = (question => { time => at(5) });
		says("only the one with bad $what", "invalid $reason", $bob, [$root1], [$bad], @at);
		says("the one with bad $what first", 'valid ', $bob, [$root1, $root2], [$bad, $two], @at);
		says("and last", 'valid ', $bob, [$root1, $root2], [$two, $bad], @at);
	}
	says('all the bad ones, and a good one', 'valid ', $bob, [$root1, $root2], [$web, $not, $weak, $named, $short, $two], question => { time => at(5) });
	my $a = says('one is marked as untrusted', 'valid ', $bob, [$root1, $root2], [$one, $two], untrusted => [$one]);
	is_deeply($a->{path}, [map { der($_) } $bob, $two, $root2], 'the other way');
};

subtest 'a bridge' => sub {
	# each of three houses certifies the bridge and is certified by it
	my $bridge = ca('bridge', undef, 'Bridge');
	my (@houses, @cross);
	for my $h ('A' .. 'C') {
		push @houses, ca("house$h", undef, "House$h");
		push @cross, ca("house$h-by-bridge", 'bridge', "House$h"), ca("bridge-by-$h", "house$h", 'Bridge');
	}
	my $sub = ca('bridge-sub', 'houseC', 'SubC');
	my $user = leaf('carol', 'bridge-sub');
	my $a = says('from one house to another', 'valid ', $user, [$houses[0]], [$sub, @cross]);
	is(scalar @{$a->{path}}, 5, 'over the bridge');
	says('the order does not matter', 'valid ', $user, [$houses[0]], [reverse($sub, @cross)]);
	says('all in the area', 'valid ', $user, [$houses[0], $sub, @cross]);
	says('the bridge is marked as untrusted', 'invalid untrusted', $user, [$houses[0]], [$sub, @cross], untrusted => [$cross[1]]);
};

subtest 'a mesh' => sub {
	# every CA of six is certified by every other; one is certified by the anchor
	my @names = map { "Mesh$_" } 1 .. 6;
	ca("mesh-$_", undef, $_) for @names;
	my @mesh = map { my $to = $_; map { ca("$_-$to", "mesh-$_", $to) } grep { $_ ne $to } @names } @names;
	my $entry = ca('mesh-entry', 'root1', 'Mesh6');
	my $user = leaf('dave', 'mesh-Mesh1');
	alarm 120;
	says('the way in is found', 'valid ', $user, [$root1], [@mesh, $entry]);
	says('there is none', 'unknown no-path', $user, [$root1], [@mesh]);
	alarm 0;
};

subtest 'many of one name' => sub {
	my $s = site(check_path_crl => 'ignore');
	# copies with other key identifiers: their signatures are wrong, but nobody who looks for the right one sees them
	my $real = ca('many', 'root1', 'Many');
	my ($hex) = join('', qx(openssl x509 -in $real -noout -ext subjectKeyIdentifier)) =~ /((?:[0-9A-F]{2}:)+[0-9A-F]{2})/ or die;
	my $id = pack 'H*', $hex =~ tr/://dr;
	for my $n (1 .. 70) {
		open my $f, '>:raw', "$s/certs/ca/copy-$n.crt" or die;
		print $f der($real) =~ s/\Q$id\E/pack('n', $n) . substr $id, 2/er;
		close $f or die;
	}
	put($s, ca => $root1, $real);
	my $a = ask($s, certificate => der(leaf('of-many', 'many')));
	is($a->{verdict}, 'valid', 'the key identifier finds one of 71') or diag $a->{text};
};

subtest 'many of one name, without key identifiers' => sub {
	my $s = site(check_path_crl => 'ignore');
	key('Ed', '-algorithm', 'ED25519');
	my $real = ca('ed', 'root1', 'Ed');
	my $of = leaf('of-ed', 'ed', more => ['authorityKeyIdentifier = none']);
	my $key = substr qx(openssl x509 -in $real -noout -pubkey | openssl pkey -pubin -outform DER), -32;
	for my $n (1 .. 300) { # other keys, which the signature finds out; the right one may be the last
		open my $f, '>:raw', "$s/certs/ca/copy-$n.crt" or die;
		print $f der($real) =~ s/\Q$key\E/substr($key, 0, 30) . pack('n', $n)/er;
		close $f or die;
	}
	put($s, ca => $root1, $real);
	my $a = ask($s, certificate => der($of));
	is($a->{verdict}, 'valid', 'the signature finds one of 301') or diag $a->{text};
};

subtest 'key identifiers that are wrong' => sub {
	my $is = ca('mine', 'root1', 'Mine');
	my @wrong = ('authorityKeyIdentifier = DER:3016801400112233445566778899aabbccddeeff00112233');
	my $leaf = leaf('astray', 'mine', more => \@wrong);
	says('help nobody, and harm nobody', 'valid ', $leaf, [$root1, $is]);
	says('nor among candidates', 'valid ', $leaf, [$root1], [$is]);
	key('Mine2');
	my $other = certificate('mine2', by => 'root1', key => 'Mine2', subject => '/CN=Mine', extensions => \@ca);
	says('the issuer is another one of that name', 'unknown no-path', $leaf, [$root1, $other]);
};

subtest 'self-issued and path length' => sub {
	my $zero = ca('zero', 'root1', 'Zero', more => []);
	my $limited = certificate('limited', by => 'root1', key => 'Zero', subject => '/CN=Zero', extensions => ['basicConstraints = critical,CA:TRUE,pathlen:0', $ca[1]]);
	key('zero2');
	my $renewed = certificate('renewed', by => 'limited', key => 'zero2', subject => '/CN=Zero', extensions => \@ca);
	says('a self-issued CA does not count', 'valid ', leaf('erin', 'renewed'), [$root1, $limited], [$renewed]);
	key('below');
	my $below = certificate('below', by => 'renewed', key => 'below', subject => '/CN=Below', extensions => \@ca);
	says('another one does', 'invalid path-length', leaf('frank', 'below'), [$root1, $limited], [$renewed, $below]);
};

subtest policies => sub {
	my %o = (a => '1.2.3.1', b => '1.2.3.2', c => '1.2.3.3', any => '2.5.29.32.0');
	my $p = sub { 'certificatePolicies = ' . join ',', map { $o{$_} } @_ };
	my $n = 0;
	my $chain = sub {
		my ($of_ca, $of_leaf, @more) = @_;
		my $cn = 'Policy' . $n++;
		return (leaf("leaf-$cn", do { ca("ca-$cn", 'root1', $cn, more => [@$of_ca ? $p->(@$of_ca) : (), @more]); "ca-$cn" },
			more => [@$of_leaf ? $p->(@$of_leaf) : ()]), [$root1, pki_directory() . "/ca-$cn.pem"], []);
	};
	my %must = (check_path_require_policy => 'yes');
	says('none, none required', 'valid ', $chain->([], []));
	says('none, one required', 'invalid policy', $chain->([], []), options => \%must);
	says('the same', 'valid ', $chain->(['a'], ['a']), options => \%must);
	says('different', 'invalid policy', $chain->(['a'], ['b']), options => \%must);
	says('anyPolicy above', 'valid ', $chain->(['any'], ['b']), options => \%must);
	says('anyPolicy is inhibited', 'invalid policy', $chain->(['any'], ['b']), options => { %must, check_path_inhibit_any_policy => 'yes' });
	says('one of those wanted', 'valid ', $chain->(['a', 'b'], ['b']), options => { %must, check_path_policies => "$o{c} $o{b}" });
	says('none of those wanted', 'invalid policy', $chain->(['a', 'b'], ['b']), options => { %must, check_path_policies => $o{c} });
	my @map = ("policyMappings = critical,$o{a}:$o{b}");
	says('mapped', 'valid ', $chain->(['a'], ['b'], @map), options => { %must, check_path_policies => $o{a} });
	says('mapped, but that is inhibited', 'invalid policy', $chain->(['a'], ['b'], @map), options => { %must, check_path_inhibit_mapping => 'yes' });
	says('wanted is what was mapped to', 'invalid policy', $chain->(['a'], ['b'], @map), options => { %must, check_path_policies => $o{b} });
	my $a = says('no OID', 'refused configuration', $chain->([], []), options => { check_path_policies => 'mail' });
	like($a->{text}, qr{check_path_policies: "mail" is not an OID}, 'says so');
};

subtest 'what OpenSSL makes of policies is not asked' => sub {
	my @must = (options => { check_path_require_policy => 'yes' });
	my $chain = sub {
		my ($n, $of, @lines) = @_;
		my ($by, @cas) = 'root1';
		push @cas, ca("$of$_", $by, "\u$of$_", more => ref $lines[0] ? $lines[$_ - 1] : \@lines) and $by = "$of$_" for 1 .. $n;
		return sub { my ($leaf, @policies) = @_; return (leaf($leaf, $by, more => ["certificatePolicies = " . join ',', @policies]), [$root1], \@cas) };
	};
	my @ids = map { "1.2.3.$_" } 1 .. 4;
	my $all = join ',', @ids;
	my $boom = $chain->(6, 'boom', "certificatePolicies = $all", 'policyMappings = critical,' . join ',', map { my $from = $_; map { "$from:$_" } @ids } @ids);
	says('every policy mapped to every other one, six times', 'valid ', $boom->('booming', $ids[2]), @must);
	my $a = says('and one that none is mapped to', 'invalid policy', $boom->('silent', '1.2.3.5'), @must);
	like($a->{text}, qr{^CN=silent: a certificate policy is required, and with CN=silent none is left of}, 'the text says who lost it');
	my $without = $chain->(1, 'without', "policyMappings = critical,2.5.29.32.0:$ids[0]");
	says('anyPolicy mapped by a CA without policies', 'invalid policy', $without->('under-without', $ids[0]));
	my $inhibited = $chain->(2, 'inhibited', ["certificatePolicies = $all", 'inhibitAnyPolicy = critical,0'],
		['certificatePolicies = 2.5.29.32.0', "policyMappings = critical,$ids[0]:$ids[1]"]);
	says('a mapping of what an inhibited anyPolicy stood for', 'invalid policy', $inhibited->('under-inhibited', $ids[1]), @must);
	my $many = sub { my ($n, $by) = @_; return map { "1.2.$by.$_" } 1 .. $n };
	says('256 policies', 'valid ', leaf('p256', 'root1', more => ['certificatePolicies = ' . join ',', $many->(256, 9)]), [$root1], []);
	says('257 policies', 'invalid policy', leaf('p257', 'root1', more => ['certificatePolicies = ' . join ',', $many->(257, 9)]), [$root1], []);
	for ([256, 'valid '], [257, 'invalid policy']) {
		my $mapped = $chain->(1, "m$_->[0]-", "certificatePolicies = $ids[0]", 'policyMappings = critical,' . join ',', map { "$ids[0]:$_" } $many->($_->[0], 9));
		says("$_->[0] mappings", $_->[1], $mapped->("of-m$_->[0]", '1.2.9.256'), @must);
	}
	# anyPolicy hands on what the CAs above have
	my $heap = $chain->(4, 'heap', map { ["certificatePolicies = 2.5.29.32.0," . join ',', $many->(255, $_)] } 1 .. 4);
	says('1024 in all', 'valid ', $heap->('heap-1024', '2.5.29.32.0', $many->(3, 9)), @must);
	says('1025 in all', 'invalid policy', $heap->('heap-1025', '2.5.29.32.0', $many->(4, 9)), @must);
};

subtest 'names that are not plain' => sub {
	ca('nc-all', 'root1', 'NcAll', more => ['nameConstraints = critical,' . join ',', map { "excluded;$_" } 'email:evil.example',
		'email:boss@good.example', 'DNS:evil.example', 'URI:evil.example']);
	ca('nc-odd', 'root1', 'NcOdd', more => ['nameConstraints = critical,' . join ',', map { "permitted;$_" } 'email:@good.example', 'DNS:.good.example']);
	ca('nc-empty', 'root1', 'NcEmpty', more => ['nameConstraints = critical,DER:3006a10430028100']);
	my $n = 0;
	for (['email:a@good.example', 'valid'], ['email:\\"a b@c\\"@good.example', 'valid'], ['email:@good.example', 'cannot be judged'],
		['email:a@evil.example@good.example', 'cannot be judged'], ['email:a@evil.example.', 'cannot be judged'],
		['DNS:evil.example.', 'cannot be judged'], ['DNS:*.good.example', 'valid'], ['URI:http://good.example:80/x', 'valid'],
		['URI:http://u:p@evil.example/', 'cannot be judged'], ['URI:http://evil.example?x', 'cannot be judged'], ['URI:http://10.0.0.1/', 'cannot be judged'],
		['email:a@evil.example', 'is excluded by the name constraints of CN=NcAll'],
		['email:a@good.example', 'valid', 'odd'], ['email:a@evil.example', 'not among those permitted by the name constraints of CN=NcOdd', 'odd'],
		['DNS:a.good.example', 'cannot be judged', 'odd'], ['email:a@good.example', 'cannot be judged', 'empty'], ['DNS:a.example', 'valid', 'empty']) {
		my ($name, $why, $by) = ($_->[0], $_->[1], 'nc-' . ($_->[2] // 'all'));
		my ($kind, $value) = split /:/, $name, 2;
		my $a = says("$name under $by", $why eq 'valid' ? 'valid ' : 'invalid name-constraints',
			leaf('odd' . $n++, $by, more => ['subjectAltName = @n'], sections => ["[n]\n$kind = $value"]), [$root1, pki_directory() . "/$by.pem"]);
		like($a->{text}, qr{\Q$why}, "$name: why") if $why ne 'valid';
	}
};

subtest 'internationalised addresses' => sub {
	my $idn = "b\xc3\xbccher.example";
	my $ace = 'xn--bcher-kva.example';
	my $n = 0;
	my $of = sub {
		my ($by, $kind, $name) = @_;
		my $line = $kind eq 'utf8' ? "otherName = 1.3.6.1.5.5.7.8.9;FORMAT:UTF8,UTF8:$name" : "email = $name";
		return leaf('i' . $n++, $by, more => ['subjectAltName = @n'], sections => ["[n]\n$line"]);
	};
	my $is = sub {
		my ($what, $want, $by, $kind, $name, %q) = @_;
		says($what, $want, $of->($by, $kind, $name), [$root1, $by eq 'root1' ? () : pki_directory() . "/$by.pem"], [], question => \%q);
	};
	my $j = "j\xc3\xbcrgen";
	says('bytes of UTF-8 in an rfc822Name', 'invalid address-mismatch', $of->('root1', 'email', "$j\@a.example"), [$root1], [],
		question => { address => "$j\@a.example" });
	$is->("$_->[0] asked for, $_->[2] in the certificate", $_->[3], 'root1', $_->[1], "$_->[2]", address => $_->[0])
		for ["$j\@$idn", 'utf8', "$j\@$idn", 'valid '], ["$j\@$idn", 'utf8', "$j\@$ace", 'valid '], ["$j\@$ace", 'utf8', "$j\@$idn", 'valid '],
		["a\@$idn", 'email', "a\@$ace", 'valid '], ["a\@$ace", 'email', "a\@$ace", 'valid '],
		["$j\@xn--bcher-kvb.example", 'utf8', "$j\@$idn", 'invalid address-mismatch'],
		["a\@$idn", 'email', "\@$ace", 'valid '], ["a\@sub.$idn", 'email', "\@$ace", 'invalid address-mismatch'];
	ca('nc-host', 'root1', 'NcHost', more => ["nameConstraints = critical,permitted;email:$ace"]);
	ca('nc-domain', 'root1', 'NcDomain', more => ["nameConstraints = critical,permitted;email:.$ace"]);
	ca('nc-not', 'root1', 'NcNot', more => ["nameConstraints = critical,excluded;email:$ace"]);
	ca('nc-box', 'root1', 'NcBox', more => ["nameConstraints = critical,permitted;email:a\@$ace"]);
	ca('nc-dns', 'root1', 'NcDns', more => ["nameConstraints = critical,permitted;DNS:other.example"]);
	for my $host ($idn, $ace) {
		$is->("$host, permitted host", 'valid ', 'nc-host', 'utf8', "$j\@$host");
		$is->("$host, permitted domain", 'invalid name-constraints', 'nc-domain', 'utf8', "$j\@$host");
		$is->("below $host, permitted domain", 'valid ', 'nc-domain', 'utf8', "$j\@sub.$host");
		$is->("below $host, permitted host", 'invalid name-constraints', 'nc-host', 'utf8', "$j\@sub.$host");
		$is->("$host, excluded host", 'invalid name-constraints', 'nc-not', 'utf8', "$j\@$host");
		$is->("below $host, excluded host", 'valid ', 'nc-not', 'utf8', "$j\@sub.$host");
		$is->("$host, another mailbox", 'invalid name-constraints', 'nc-box', 'utf8', "$j\@$host");
		$is->("$host, that mailbox", 'valid ', 'nc-box', 'utf8', "a\@$host");
		$is->("$host, constraints on other names", 'valid ', 'nc-dns', 'utf8', "$j\@$host");
	}
	$is->('another host, permitted host', 'invalid name-constraints', 'nc-host', 'utf8', "$j\@other.example");
	$is->('another host, excluded host', 'valid ', 'nc-not', 'utf8', "$j\@other.example");
	$is->('a domain that cannot be read, permitted host', 'invalid name-constraints', 'nc-host', 'utf8', "$j\@xn--b-.example");
	$is->('a domain that cannot be read, excluded host', 'invalid name-constraints', 'nc-not', 'utf8', "$j\@xn--b-.example");
	$is->('no domain, excluded host', 'invalid name-constraints', 'nc-not', 'utf8', $j);
	my $mixed = leaf('mixed', 'nc-host', more => ['subjectAltName = @n'], sections => ["[n]\notherName = 1.3.6.1.5.5.7.8.9;FORMAT:UTF8,UTF8:$j\@$ace\nemail = a\@other.example"]);
	says('a good one beside a bad rfc822Name', 'invalid name-constraints', $mixed, [$root1, pki_directory() . '/nc-host.pem']);
};

subtest 'what RFC 5280 forbids' => sub {
	my $n = 0;
	my $is = sub { my ($what, $want, @o) = @_; says($what, $want, leaf('m' . $n++, 'root1', @o), [$root1]) };
	$is->('no subject, critical names', 'valid ', subject => '/', more => ['subjectAltName = critical,email:a@b.example']);
	$is->('no subject, names that are not critical', 'invalid malformed', subject => '/', more => ['subjectAltName = email:a@b.example']);
	$is->('no subject, no names', 'invalid malformed', subject => '/');
	$is->('a critical authority information access', 'invalid malformed', more => ['authorityInfoAccess = critical,OCSP;URI:http://o.example']);
	$is->('one that is not', 'valid ', more => ['authorityInfoAccess = OCSP;URI:http://o.example']);
	$is->('no names in the names', 'invalid malformed', more => ['subjectAltName = DER:3000']);
	my $second = leaf('second', 'root1', days => 1);
	my ($day, $s) = qx(openssl x509 -in $second -noout -enddate -dateopt iso_8601) =~ /=(\S+) (\S+)Z/ or die;
	says('the last second', 'valid ', $second, [$root1], [], question => { time => "${day}T${s}Z" });
	my $after = "${day}T${s}Z" =~ s/(\d\d)Z$/sprintf '%02dZ', $1 + 1/er;
	says('the one behind it', 'invalid expired', $second, [$root1], [], question => { time => $after });
};
done_testing;
