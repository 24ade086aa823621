#!/usr/bin/perl
# 6210-path-building.t - several ways to an anchor, and bounds; what needs no areas stands in t/paths
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

subtest policies => sub {
	my $a = says('no OID', 'refused configuration', leaf('policied', 'root1'), [$root1], [], options => { check_path_policies => 'mail' });
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

subtest 'many names' => sub {
	my $list = sub { my ($kind, $n) = @_; return "[n]\n" . join "\n", map { "$kind.$_ = n$_.example" } 1 .. $n };
	certificate('nc-many', by => 'root1', subject => '/CN=NcMany', extensions => [@ca, 'nameConstraints = critical,@n'],
		sections => [$list->('permitted;DNS', 1024)]);
	for ([1023, 'valid '], [1024, 'invalid name-constraints']) { # and the subject
		my $a = says("$_->[0] names and 1024 constraints", $_->[1], leaf("many$_->[0]", 'nc-many', more => ['subjectAltName = @n'],
			sections => [$list->('DNS', $_->[0])]), [$root1, pki_directory() . '/nc-many.pem']);
		like($a->{text}, qr{too many names}, 'why') if $_->[0] == 1024;
	}
};

done_testing;
