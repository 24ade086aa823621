#!/usr/bin/perl
# 6310-crl-matrix.t - revocation after RFC 5280 section 6.3: scopes, reasons, delta and indirect lists, signers, policies by issuer
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/helper";
use CrlPki;
use File::Copy;
use MIME::Base64;
use PathCheck;
use PathPki;
use Test::More;

my @ca = ('basicConstraints = critical,CA:TRUE', 'keyUsage = critical,keyCertSign,cRLSign');
my @mail = ('keyUsage = critical,digitalSignature', 'extendedKeyUsage = emailProtection');

key('leaf');
my $root = certificate('root', extensions => \@ca);
my $sub = certificate('sub', by => 'root', serial => '0x22', extensions => \@ca);
my $n = 0x100;

# leaf(name, point lines...): a certificate of sub with this distribution point
my %serial;
sub leaf {
	my ($name, @lines) = @_;
	$serial{$name} = sprintf '%x', $n++;
	my $sections = join "\n", '[point]', grep { !/^\[/ } @lines;
	my @others = grep { /^\[/ } @lines;
	return certificate($name, by => 'sub', key => 'leaf', serial => "0x$serial{$name}",
		extensions => [@mail, @lines ? 'crlDistributionPoints = point' : ()], sections => [$sections, @others]);
}
sub der_of { (ders($_[0]))[0] }
my $root_list = list('root', by => 'root');

# says(what, verdict, certificate, [CRLs], {questions and options})
sub says {
	my ($what, $want, $file, $lists, %o) = @_;
	my $s = site(check_path_crl => 'require', %{$o{options} // {}});
	put($s, ca => $root, $sub, @{$o{ca} // []});
	put($s, crl => @{$o{root} // [$root_list]}, @$lists);
	my $a = ask($s, certificate => der_of($file), candidates => [map { der_of($_) } @{$o{candidates} // []}],
		stapled => $o{stapled});
	is("$a->{verdict} $a->{reason}", $want, $what) or diag "$a->{text}\n@{$a->{evidence}}";
	return $a;
}
my ($good, $gone, $missing, $bad) = ('valid ', 'invalid revoked', 'unknown crl-missing', 'unknown crl-invalid');

my $plain = leaf('plain');
my $u = 'http://crl.example';
my $one = leaf('one', "fullname = URI:$u/1");
my $both = leaf('both', "fullname = URI:$u/0,URI:$u/1");
my $near = leaf('near', 'relativename = near', "[near]\nCN = part");
my $foreign = leaf('foreign', 'CRLissuer = dirName:agent', "[agent]\nCN = agent");
my $foreign_point = leaf('foreign2', "fullname = URI:$u/1\nCRLissuer = dirName:agent", "[agent]\nCN = agent");
my $some = leaf('some', "fullname = URI:$u/1\nreasons = keyCompromise,CACompromise");

subtest 'scope' => sub {
	my @r = (revoked => ['fff']);
	says('everything', $good, $plain, [list('all', by => 'sub', @r)]);
	says('everything, for a certificate with a point', $good, $one, [list('all2', by => 'sub', @r)]);
	says('its point', $good, $one, [list('p1', by => 'sub', point => point(name => uri("$u/1")))]);
	says('one of two names', $good, $both, [list('p1b', by => 'sub', point => point(name => uri("$u/1")))]);
	says('another point', $missing, $one, [list('p2', by => 'sub', point => point(name => uri("$u/2")))]);
	says('a point, for a certificate without', $missing, $plain, [list('p3', by => 'sub', point => point(name => uri("$u/1")))]);
	says('its point, revoked', $gone, $one, [list('p1r', by => 'sub', revoked => [$serial{one}], point => point(name => uri("$u/1")))]);
	says('another point, revoked there', $missing, $one,
		[list('p2r', by => 'sub', revoked => [$serial{one}], point => point(name => uri("$u/2")))]);
	says('both points, revoked in the other', $good, $one, [list('p1c', by => 'sub', point => point(name => uri("$u/1"))),
		list('p2c', by => 'sub', revoked => [$serial{one}], point => point(name => uri("$u/2")))]);
	says('a relative name', $good, $near, [list('near1', by => 'sub', point => point(name => relative('part')))]);
	says('another relative name', $missing, $near, [list('near2', by => 'sub', point => point(name => relative('piece')))]);
	says('the relative name written out', $good, $near,
		[list('near3', by => 'sub', point => point(name => tlv(0xa0, tlv(0xa4, der_name('sub', 'part')))))]);
	says('users only', $good, $plain, [list('user', by => 'sub', point => point(user => 1))]);
	says('CAs only', $missing, $plain, [list('ca', by => 'sub', point => point(ca => 1))]);
	says('attributes only', $missing, $plain, [list('attr', by => 'sub', point => point(attribute => 1))]);
	says('users and CAs', $missing, $plain, [list('two', by => 'sub', point => point(user => 1, ca => 1))]);
	says('users only, for a CA', $missing, $plain, [list('user2', by => 'sub')], root => [list('rootu', by => 'root', point => point(user => 1))]);
	says('CAs only, for a CA', $good, $plain, [list('user3', by => 'sub')], root => [list('rootc', by => 'root', point => point(ca => 1))]);
};

subtest 'reasons' => sub {
	my @k = (reasons => [qw(keyCompromise cACompromise)]);
	my @rest = (reasons => [qw(affiliationChanged superseded cessationOfOperation certificateHold privilegeWithdrawn aACompromise)]);
	my $first = list('rk', by => 'sub', point => point(@k));
	my $second = list('rr', by => 'sub', point => point(@rest));
	says('some only', $missing, $plain, [$first]);
	says('all, in two lists', $good, $plain, [$first, $second]);
	says('one is missing', $missing, $plain, [$first, list('rr7', by => 'sub', point => point(reasons => [@{$rest[1]}[0 .. 4]]))]);
	says('revoked in the second', $gone, $plain, [$first, list('rr2', by => 'sub', revoked => [[$serial{plain}, 4]], point => point(@rest))]);
	says('revoked in one alone', $gone, $plain, [list('rk2', by => 'sub', revoked => [[$serial{plain}, 1]], point => point(@k))]);
	says('a point for some reasons', $missing, $some, [list('sp', by => 'sub', point => point(name => uri("$u/1")))]);
	says('and a list for all', $good, $some, [list('sp2', by => 'sub', point => point(name => uri("$u/1"))), list('sall', by => 'sub')]);
};

subtest 'delta' => sub {
	my $s = $serial{plain};
	my $base = list('base', by => 'sub', number => 5);
	my $hold = list('held', by => 'sub', number => 5, revoked => [[$s, 6]]);
	my $delta = sub { my ($name, %o) = @_; list("d$name", by => 'sub', number => 7, base => 5, %o) };
	says('a delta alone', $missing, $plain, [$delta->('alone')]);
	says('on hold', $gone, $plain, [$hold]);
	says('revoked by the delta', $gone, $plain, [$base, $delta->('r', revoked => [[$s, 1]])]);
	says('not by the delta', $good, $plain, [$base, $delta->('n')]);
	says('taken off the list', $good, $plain, [$hold, $delta->('remove', revoked => [[$s, 8]])]);
	says('taken off by a delta of another key', $gone, $plain, [$hold, $delta->('forged', key => 'leaf', revoked => [[$s, 8]])]);
	says('taken off by one for another scope', $gone, $plain, [$hold, $delta->('scope', revoked => [[$s, 8]], point => point(user => 1))]);
	says('taken off by one that is over', $gone, $plain, [$hold, $delta->('over', revoked => [[$s, 8]], from => -9, to => -1)]);
	says('taken off before the list was made', $gone, $plain, [$hold, $delta->('older', number => 4, base => 2, revoked => [[$s, 8]])]);
	my @newer = (base => 6, number => 8);
	says('the base is newer than the list', $good, $plain, [$base, $delta->('base', @newer)]);
	says('and knows better', $gone, $plain, [$base, $delta->('base2', @newer, revoked => [[$s, 1]])]);
	says('unless that is forged', $good, $plain, [$base, $delta->('base3', @newer, key => 'leaf', revoked => [[$s, 1]])]);
	says('two deltas: the newer counts', $good, $plain,
		[$base, $delta->('d6', number => 6, revoked => [[$s, 6]]), $delta->('d8', number => 8, revoked => [[$s, 8]])]);
	my $old = list('oldbase', by => 'sub', number => 5, from => -9, to => -1);
	says('the list is over', 'unknown crl-expired', $plain, [$old]);
	says('the list is over, the delta is not', $good, $plain, [$old, $delta->('fresh')]);
	says('removeFromCRL in a complete list', $good, $plain, [list('odd', by => 'sub', revoked => [[$s, 8]])]);
};

subtest 'indirect' => sub {
	my $agent = certificate('agent', by => 'root', extensions => ['keyUsage = critical,cRLSign']);
	my $own = sub { my ($name, %o) = @_; list("i$name", by => 'agent', point => point(indirect => 1), %o) };
	my @in = (ca => [$agent]);
	says('another issuer', $good, $foreign, [$own->('ok')], @in);
	says('the signer is a candidate', $good, $foreign, [$own->('ok2')], candidates => [$agent]);
	says('the signer is nowhere', $bad, $foreign, [$own->('ok3')]);
	says('revoked', $gone, $foreign, [$own->('r', revoked => [[$serial{foreign}, 1, 'sub']])], @in);
	says('a certificate of the list\'s own issuer is', $good, $foreign, [$own->('r2', revoked => [[$serial{foreign}, 1]])], @in);
	says('one of somebody else is', $good, $foreign, [$own->('r3', revoked => [[$serial{foreign}, 1, 'other']])], @in);
	says('the issuer stays until another is named', $gone, $foreign,
		[$own->('r4', revoked => [['1', 1, 'other'], ['2', 1, 'sub'], [$serial{foreign}, 1], ['3', 1, 'other']])], @in);
	says('and no longer', $good, $foreign,
		[$own->('r5', revoked => [['1', 1, 'sub'], ['2', 1, 'other'], [$serial{foreign}, 1]])], @in);
	says('the same number of two issuers', $gone, $foreign,
		[$own->('r6', revoked => [[$serial{foreign}, 1, 'other'], [$serial{foreign}, 1, 'sub']])], @in);
	says('it does not say that it is indirect', $missing, $foreign, [list('direct', by => 'agent')], @in);
	says('nobody named it', $missing, $plain, [$own->('unnamed')], @in);
	says('a point and an issuer', $good, $foreign_point, [list('ip', by => 'agent', point => point(indirect => 1, name => uri("$u/1")))], @in);
	says('another point', $missing, $foreign_point, [list('ip2', by => 'agent', point => point(indirect => 1, name => uri("$u/2")))], @in);
	my $gone_agent = list('rootagent', by => 'root', revoked => ['77']);
	my $revoked = certificate('agent2', by => 'root', subject => '/CN=agent', key => 'agent', serial => '0x77', extensions => ['keyUsage = critical,cRLSign']);
	says('the signer was revoked', $bad, $foreign, [$own->('sr')], ca => [$revoked], root => [$gone_agent]);
	my $weak = certificate('agent3', by => 'root', subject => '/CN=agent', key => 'agent', extensions => ['keyUsage = critical,digitalSignature']);
	says('the signer must not sign lists', $bad, $foreign, [$own->('su')], ca => [$weak]);
	my $stranger = certificate('agent4', subject => '/CN=agent', key => 'agent', extensions => ['keyUsage = critical,cRLSign']);
	says('the signer is an anchor of its own', $bad, $foreign, [$own->('sa')], ca => [$stranger]);
	my $self = certificate('agent5', by => 'sub', subject => '/CN=agent', key => 'agent', serial => '0x78',
		extensions => ['keyUsage = critical,cRLSign', 'crlDistributionPoints = p'], sections => ["[p]\nCRLissuer = dirName:a", "[a]\nCN = agent"]);
	says('the list speaks of its own signer', $good, $foreign, [$own->('self')], ca => [$self]);
	says('and says that it was revoked', $bad, $foreign, [$own->('self2', revoked => [['78', 1, 'sub']])], ca => [$self]);
};

subtest 'self-issued' => sub {
	# a CA whose lists have a key of their own, and one that has a new key and signs with the old one
	my $house = certificate('house', by => 'root', extensions => [$ca[0], 'keyUsage = critical,keyCertSign']);
	key('lists');
	my $signer = certificate('signer', by => 'house', key => 'lists', subject => '/CN=house', serial => '0x55', extensions => ['keyUsage = critical,cRLSign']);
	my $user = certificate('user', by => 'house', key => 'leaf', serial => '0x56', extensions => \@mail);
	my $of = sub { my ($name, @revoked) = @_; list("h$name", by => 'lists', issuer => ['house'], revoked => [@revoked]) };
	my @in = (ca => [$house, $signer]);
	says('a key for lists', $good, $user, [$of->('1')], @in);
	says('revoked', $gone, $user, [$of->('2', '56')], @in);
	says('the signer is revoked', $bad, $user, [$of->('3', '55')], @in);
	says('the signer is a candidate', $good, $user, [$of->('4')], ca => [$house], candidates => [$signer]);
	says('the CA\'s own key must not', $bad, $user, [list('h5', by => 'house')], @in);
	my $faked = certificate('faked', by => 'signer', subject => '/CN=user2', key => 'leaf', serial => '0x57', extensions => \@mail);
	says('a certificate by the key for lists', 'invalid not-a-ca', $faked, [$of->('6')], @in);
	my $older = certificate('older', by => 'root', subject => '/CN=firm', extensions => \@ca);
	key('newer');
	my $newer = certificate('newer', by => 'older', key => 'newer', subject => '/CN=firm', extensions => \@ca);
	my $staff = certificate('staff', by => 'newer', key => 'leaf', serial => '0x58', extensions => \@mail);
	says('the old key signs for the new one', $good, $staff, [list('n1', by => 'older', issuer => ['firm'])], ca => [$older, $newer]);
	says('revoked', $gone, $staff, [list('n2', by => 'older', issuer => ['firm'], revoked => ['58'])], ca => [$older, $newer]);
	says('the new key for both', $good, $staff, [list('n3', by => 'newer', issuer => ['firm'])], ca => [$older, $newer]);
};

subtest 'lists that are odd' => sub {
	says('an unknown critical extension', $bad, $plain, [list('o1', by => 'sub', extensions => [critical('1.2.3.4.5')])]);
	says('an entry with one', $bad, $plain, [list('o2', by => 'sub', revoked => ['1'], entry => critical('1.2.3.4.5'))]);
	says('no number', $bad, $plain, [list('o3', by => 'sub', number => undef)]);
	says('no number, and a lenient site', $good, $plain, [list('o4', by => 'sub', number => undef)], options => { check_path_crl => 'if-present' });
	says('no number, and it is revoked', $gone, $plain, [list('o5', by => 'sub', number => undef, revoked => [$serial{plain}])],
		options => { check_path_crl => 'if-present' });
	says('version 1', $bad, $plain, [list('o6', by => 'sub', v1 => 1)]);
	says('version 1, revoked', $gone, $plain, [list('o7', by => 'sub', v1 => 1, revoked => [$serial{plain}])], options => { check_path_crl => 'if-present' });
	says('no nextUpdate', 'unknown crl-expired', $plain, [list('o8', by => 'sub', to => undef)]);
	says('a newer one says otherwise', $good, $plain,
		[list('o9', by => 'sub', revoked => [$serial{plain}], from => -3), list('o10', by => 'sub', number => 2)]);
	says('an older one says otherwise', $gone, $plain,
		[list('o11', by => 'sub', from => -3), list('o12', by => 'sub', number => 2, revoked => [$serial{plain}])]);
	says('a newer one of another key', $good, $plain, [list('o13', by => 'sub'), list('o14', by => 'sub', key => 'leaf', number => 9, from => -0.5, revoked => [$serial{plain}])]);
	says('many entries in no order', $gone, $plain,
		[list('o15', by => 'sub', revoked => [(map { sprintf '%x', ($_ * 7919) % 65536 + 4096 } 1 .. 500), $serial{plain}, '7f' x 20, 'ff'])]);
	says('many others', $good, $plain, [list('o16', by => 'sub', revoked => [map { sprintf '%x', ($_ * 7919) % 65536 + 4096 } 1 .. 500])]);
	says('a longer number that ends the same', $good, $plain, [list('o17', by => 'sub', revoked => ["01$serial{plain}", '1' . '0' x 60 . $serial{plain}])]);
};

subtest 'files' => sub {
	my $s = site(check_path_crl => 'require');
	my ($clean, $dirty) = (list('f1', by => 'sub'), list('f2', by => 'sub', number => 2, revoked => [$serial{plain}]));
	my $file = "$s/certs/crl/sub.crl";
	put($s, ca => $root, $sub);
	put($s, crl => $root_list);
	my $now = sub { my ($what, $want) = @_; my $a = ask($s, certificate => der_of($plain)); is("$a->{verdict} $a->{reason}", $want, $what) or diag $a->{text} };
	my $write = sub { my $to = shift; open my $f, '>:raw', $to or die; print $f @_; close $f or die };
	$now->('none', $missing);
	$write->($file, slurp($clean));
	$now->('copied in', $good);
	$write->($file, slurp($dirty));
	$now->('overwritten in place', $gone);
	$write->("$s/certs/crl/.new", slurp($clean));
	rename "$s/certs/crl/.new", $file or die;
	$now->('replaced by renaming', $good);
	system 'rm', '-r', "$s/spool/index";
	$now->('the index is gone', $good);
	$write->($file, "two:\n", map { "-----BEGIN X509 CRL-----\n" . encode_base64($_) . "-----END X509 CRL-----\n" } map { slurp($_) } $clean, $dirty);
	$now->('two in one file, PEM', $gone);
	$write->($file, substr slurp($dirty), 0, 100);
	$now->('half of one', $missing);
	unlink $file;
	$now->('removed', $missing);
	$write->($file, slurp($dirty));
	system "rm -r $s/spool && echo > $s/spool";
	$now->('a spool that cannot be used', $gone);
	my $shard = list('shard', by => 'sub', point => point(name => uri("$u/shard00")));
	my @lists = map { my $n = $_; my $to = pki_directory() . "/shard$n.crl"; $write->($to, slurp($shard) =~ s/shard00/shard$n/r); $to } 11 .. 79;
	says('one shard of seventy', $good, leaf('shard', "fullname = URI:$u/shard00"), [@lists, $shard]);
};

# a current list covers all reasons, but there are others
subtest 'objections' => sub {
	my @over = (from => -9, to => -2);
	my ($s, $all) = ($serial{plain}, list('o-all', by => 'sub', number => 9));
	my $users = sub { my ($name, %o) = @_; list("o-$name", by => 'sub', point => point(user => 1), @over, %o) };
	my $a = says('an older list of another scope', $gone, $plain, [$all, $users->('1', revoked => [[$s, 1]])]);
	like($a->{text}, qr{says \S*o-1\.crl}, 'and is named');
	says('a forged one', $good, $plain, [$all, $users->('2', key => 'leaf', revoked => [[$s, 1]])]);
	says('one that does not say so', $good, $plain, [$all, $users->('3', revoked => ['1'])]);
	says('one that speaks of others', $good, $plain, [$all, $users->('4', point => point(ca => 1), revoked => [[$s, 1]])]);
	says('an older list of the same scope', $good, $plain, [$all, list('o-5', by => 'sub', number => 8, @over, revoked => [[$s, 1]])]);
	says('taken off one of another scope', $good, $plain, [$all, $users->('6', number => 3, revoked => [[$s, 6]]), $users->('7', number => 4)]);
	says('taken off by a forged one', $gone, $plain, [$all, $users->('8', number => 3, revoked => [[$s, 6]]), $users->('9', number => 4, key => 'leaf')]);
	my $agent = certificate('oagent', by => 'root', subject => '/CN=agent', extensions => ['keyUsage = critical,cRLSign']);
	my $of = sub { my ($name, %o) = @_; list("o-$name", by => 'oagent', issuer => ['agent'], point => point(indirect => 1), @over, %o) };
	my @in = (ca => [$agent]);
	says('an older list of another issuer', $gone, $foreign, [$all, $of->('a', revoked => [[$serial{foreign}, 1, 'sub']])], @in);
	says('which is good', $good, $foreign, [$all, $of->('b')], @in);
};

subtest 'hashes' => sub {
	my $old = list('sha1', by => 'sub', hash => 'sha1');
	like(says('SHA-1', $bad, $plain, [$old])->{text}, qr{sha1\.crl is signed with SHA1, which is no longer safe}, 'and says so');
	says('SHA-1, which the operator wants', $good, $plain, [$old], options => { check_path_hashes => 'sha1 sha256' });
	says('SHA-1, and a better one', $good, $plain, [$old, list('sha2', by => 'sub', number => 2)]);
};

# two CAs of one name below one anchor
subtest 'namesakes' => sub {
	my $twin = certificate('twin', by => 'root', subject => '/CN=sub', serial => '0x23', extensions => \@ca);
	my @in = (ca => [$twin]);
	my $of = sub { my ($name, $by, @key) = @_; list("t-$name", by => $by, issuer => ['sub'], extensions => [map { signer_key($_) } @key]) };
	says('its own list', $good, $plain, [$of->('1', 'sub', $sub)], @in);
	says('signed by the other, which it names', $good, $plain, [$of->('2', 'twin', $twin)], @in);
	says('signed by the other, names its own key', $bad, $plain, [$of->('3', 'twin', $sub)], @in);
	says('signed by itself, names the other', $bad, $plain, [$of->('4', 'sub', $twin)], @in);
	my @gone = (revoked => [[$serial{plain}, 1]], from => -9, to => -2, extensions => [signer_key($sub)]);
	says('the other does not know of a revocation', $gone, $plain, [$of->('5', 'twin', $twin), list('t-6', by => 'sub', @gone)], @in);
};

subtest 'brought along' => sub {
	my $crl = sub { my ($name, %o) = @_; [crl => slurp(list("b-$name", by => 'sub', %o))] };
	my @gone = (revoked => [[$serial{plain}, 1]]);
	my $ours = list('ours', by => 'sub');
	my $with = sub { (stapled => [@_]) };
	my $a = says('a list', $good, $plain, [], $with->($crl->('1')));
	ok(scalar(grep { $_ eq 'a CRL that was brought along' } @{$a->{evidence}}), 'and is the evidence');
	says('revoked', $gone, $plain, [], $with->($crl->('2', @gone)));
	says('revoked, but ours is newer', $good, $plain, [$ours], $with->($crl->('3', @gone, from => -9, number => 0)));
	says('a newer list, but ours is of another scope', $gone, $plain, [list('ours2', by => 'sub', point => point(user => 1), @gone)],
		$with->($crl->('4', number => 7)));
	says('forged', $bad, $plain, [], $with->($crl->('5', key => 'leaf')));
	says('forged, beside ours', $good, $plain, [$ours], $with->($crl->('6', key => 'leaf', @gone)));
	says('over', 'unknown crl-expired', $plain, [], $with->($crl->('7', from => -9, to => -2)));
	says('no list', $missing, $plain, [], $with->([crl => 'nonsense'], [crl => ''], [ocsp => 'nonsense'], [other => 'x']));
	says('the last of 16', $good, $plain, [], $with->(([crl => 'x']) x 15, $crl->('8')));
	says('the one behind', $missing, $plain, [], $with->(([crl => 'x']) x 16, $crl->('9')));
	says('others are counted for themselves', $good, $plain, [], $with->(([ocsp => 'x']) x 16, $crl->('10')));
	my ($long, $longer) = map { $crl->("l$_", bulk => $_) } 1800, 1880;
	ok(length $long->[1] <= 65536 && length $longer->[1] > 65536, 'one of 64 KB and a longer one');
	says('64 KB', $good, $plain, [], $with->($long));
	says('more', $missing, $plain, [], $with->($longer));
};

# what was verified once is known, of these very bytes only
subtest 'remembered' => sub {
	my $s = site(check_path_crl => 'require');
	my $swap = sub {
		my ($from, $to) = map { slurp($_) } @_;
		return '-----BEGIN X509 CRL-----' . "\n" . encode_base64(substr($from, 0, -8) . substr($to, -8)) . "-----END X509 CRL-----\n";
	};
	my $asked = sub { my $a = ask($s, certificate => der_of($plain)); return "$a->{verdict} $a->{reason}" };
	my @lists = map { list("known$_", by => 'sub', number => $_) } 1, 2;
	put($s, ca => $root, $sub);
	put($s, crl => $root_list, $lists[0]);
	is($asked->(), $good, 'a first process') for 1 .. 2;
	my ($file) = grep { /known1/ } glob "$s/certs/crl/*";
	open my $f, '>', $file or die;
	print $f $swap->(@lists);
	close $f or die;
	is($asked->(), $bad, 'the same list with the signature of another');
	copy($lists[0], $file) or die;
	is($asked->(), $good, 'and as it was');
	my ($ca) = grep { /sub/ } glob "$s/certs/ca/*";
	my $forged = certificate('forged', by => 'root', key => 'sub', subject => '/CN=sub', serial => '0x22', extensions => \@ca);
	my ($der, $other) = (der_of($sub), der_of($forged));
	open $f, '>:raw', $ca or die;
	print $f substr($der, 0, -8), substr($other, -8);
	close $f or die;
	is($asked->(), 'invalid bad-signature', 'a CA with the signature of another');
};

subtest 'by issuer' => sub {
	my $table = pki_directory() . '/issuers';
	my $with = sub {
		my ($lines, $mode) = @_;
		open my $f, '>', $table or die;
		print $f $lines;
		close $f or die;
		return (options => { check_path_issuers => $table, check_path_crl => $mode // 'if-present' });
	};
	my $over = list('over2', by => 'sub', from => -9, to => -2);
	my $a = says('hard', $missing, $plain, [], $with->("# one line\nhard CN=SUB\n"));
	like($a->{text}, qr{ \(\Q$table\E:2\)$}, 'and the line that says so');
	says('another issuer', $good, $plain, [], $with->("hard CN=su\n"));
	says('a pattern', $missing, $plain, [], $with->("hard *=*u*b\n"));
	says('the first line counts', $good, $plain, [], $with->("if-present *\nhard *\n"));
	$a = says('soft', $good, $plain, [$over], $with->("soft 3d CN=sub\n", 'require'));
	like($a->{text}, qr{stale CRL: .*over2\.crl is out of date \(\Q$table\E:1\)$}, 'and the line that says so');
	says('soft, too late', 'unknown crl-expired', $plain, [$over], $with->("soft 47h CN=sub\n", 'require'));
	says('soft, revoked', $gone, $plain, [list('over3', by => 'sub', from => -9, to => -2, revoked => [$serial{plain}])], $with->("soft 3d CN=sub\n"));
	says('soft, not yet valid', 'unknown crl-expired', $plain, [list('soon', by => 'sub', from => 1, to => 2)], $with->("soft 3d CN=sub\n"));
	says('soft, none', $missing, $plain, [], $with->("soft 3d CN=sub\n"));
	says('soft, none, for now', $good, $plain, [], $with->("soft 3d until 9999-12-31 CN=sub\n"));
	says('soft, none, no longer', $missing, $plain, [], $with->("soft 3d until 2020-02-29 CN=sub\n"));
	$a = says('ignore', $good, $plain, [list('ign', by => 'sub', revoked => [$serial{plain}])], $with->("ignore CN=sub\n", 'require'));
	like($a->{text}, qr{revocation not checked: \Q$table\E:1$}, 'and says so');
	for (['firm *', 'firm'], ['hard', 'pattern'], ['soft CN=x', 'CN=x'], ['soft 3x *', '3x'], ['soft d *', 'd'], ['soft 3d until 2026-02-30 *', '2026-02-30'],
		['soft 3d until * x', '\*'], ['soft 100001d *', '100001d']) {
		my ($line, $word) = @$_;
		$a = says($line, 'refused configuration', $plain, [], $with->("\n$line\n"));
		like($a->{text}, qr{\Q$table\E:2: .*$word}, 'file, line and word');
	}
	$a = says('no such file', 'refused configuration', $plain, [], options => { check_path_issuers => "$table.not" });
	for (['crl crl', 'crl'], ['mail', 'mail']) {
		$a = says("check_path_revocation = $_->[0]", 'refused configuration', $plain, [], options => { check_path_revocation => $_->[0] });
		like($a->{text}, qr{postern\.conf.*check_path_revocation: "$_->[1]"}, 'says so');
	}
	says('nobody is asked', $missing, $plain, [list('asked', by => 'sub')], options => { check_path_revocation => 'ocsp' });
};
done_testing;
