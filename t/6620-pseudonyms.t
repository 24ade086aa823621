#!/usr/bin/perl
# 6620-pseudonyms.t - the verify log without addresses, and for how long somebody can tell what its words stand for
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/helper";
use PathCheck;
use PathPki;
use POSIX 'strftime';
use Test::More;

my $tool = build_directory() . '/postern-cert';
my @mail = ('keyUsage = critical,digitalSignature', 'extendedKeyUsage = emailProtection');
my $root = certificate('root', subject => '/O=Test/CN=Root/emailAddress=ca@trust.example',
	extensions => ['basicConstraints = critical,CA:TRUE', 'keyUsage = critical,keyCertSign,cRLSign']);
key('leaf');
my $alice = certificate('alice', by => 'root', key => 'leaf', subject => '/CN=Alice Example/emailAddress=Alice@partner.example', serial => '0x471147114711',
	extensions => [@mail, 'subjectAltName = email:Alice@partner.example']);
my $crl = crl('crl', by => 'root', revoked => ['471147114711']);
my $own = certificate('own', key => 'leaf', subject => '/CN=me@home.example', extensions => [@mail]);
my ($alice_der, $own_der) = map { (ders($_))[0] } $alice, $own;

sub lines { map { { map { split /=/, $_, 2 } split /\t/ } } split /\n/, slurp("$_[0]/verify.log") }
sub keys_in { map { s{.*/}{}r } sort glob "$_[0]/spool/privacy/*" }
sub put_key { # (site, days ago): a key that began then
	my ($site, $ago) = @_;
	mkdir "$site/spool/privacy", 0700;
	my $name = strftime('%Y-%m-%d', gmtime(time - $ago * 86400));
	open my $f, '>', "$site/spool/privacy/$name" or die;
	print $f 'ab' x 32, "\n";
	close $f or die;
	chmod 0600, "$site/spool/privacy/$name" or die;
	return $name;
}
my $word = qr/~\d{4}-\d\d-\d\d\.[0-9a-f]{32}/;

my $site = site(verify_log_pseudonyms => 'yes');
put($site, ca => $root);
put($site, crl => $crl);
ask_many($site, { certificate => $alice_der, address => 'alice@partner.example' }, { certificate => $alice_der, address => 'ALICE@partner.example' },
	{ certificate => $alice_der, address => 'bob@partner.example' }, { certificate => $own_der }, { certificate => 'rubbish' });
my @line = lines($site);
my $text = slurp("$site/verify.log");
unlike($text, qr/\@/, 'no address anywhere');
unlike($text, qr/alice|471147/i, 'no name and no serial number');
like($line[0]{address}, qr/^$word$/, 'a word for the address');
is($line[0]{address}, $line[1]{address}, 'the same, whatever its case');
isnt($line[0]{address}, $line[2]{address}, 'another for another');
like($line[0]{subject}, qr/^$word$/, 'for the subject');
like($line[0]{serial}, qr/^$word$/, 'for the serial number');
is_deeply([@{$line[0]}{qw(subject serial)}], [@{$line[1]}{qw(subject serial)}], 'the same in each line');
like($line[0]{issuer}, qr/^emailAddress=$word,CN=Root,O=Test$/, 'the issuer stays, but for its address');
is("$line[0]{verdict} $line[0]{reason}", 'invalid revoked', 'verdict and reason stay');
like($line[0]{evidence} // '', qr/serial=\Q$line[0]{serial}\E/, 'the same word in the evidence') if $line[0]{evidence};
is($line[3]{issuer}, $line[3]{subject}, 'who signed for himself is his own issuer');
like($line[3]{issuer}, qr/^$word$/, 'and gets a word for it');
is($line[3]{address}, '', 'nothing stays nothing');
is("$line[4]{subject}$line[4]{serial}", '', 'what cannot be read, too');

my @keys = keys_in($site);
is(scalar @keys, 1, 'one key');
is((stat "$site/spool/privacy/$keys[0]")[2] & 07777, 0600, 'for us alone');
is((stat "$site/spool/privacy")[2] & 07777, 0700, 'in a folder of ours');
my $out = qx($tool -c $site/postern.conf pseudonym Alice\@partner.example 2>&1);
is($out, "address=$line[0]{address}\n", 'the tool says what stands for an address');
$out = qx($tool -c $site/postern.conf pseudonym $alice 2>&1);
is($out, "subject=$line[0]{subject}\nserial=$line[0]{serial}\n", 'and for a certificate');
like(qx($tool -c $site/postern.conf -json pseudonym alice\@partner.example 2>&1), qr/^\[\{"field":"address","from":"\d{4}-/, 'JSON');
qx($tool -c $site/postern.conf pseudonym nobody 2>&1);
is($? >> 8, 64, 'no address');

# ---- time ----
$site = site(verify_log_pseudonyms => 'yes', log_privacy_days => 30);
put($site, ca => $root);
my ($over, $last) = (put_key($site, 30), put_key($site, 29));
put_key($site, 400);
ask($site, certificate => $alice_der, address => 'alice@partner.example');
my @left = keys_in($site);
ok(!(grep { $_ eq $over } @left), 'a key is destroyed after log_privacy_days');
ok((grep { $_ eq $last } @left), 'and not a day before');
is(scalar @left, 2, 'what is older, too; and there is one of today');
$out = qx($tool -c $site/postern.conf pseudonym alice\@partner.example 2>&1);
my ($now) = lines($site);
is((split /\n/, $out)[0], "address=$now->{address}", 'the tool says today\'s first');
like((split /\n/, $out)[1], qr/^address=~\Q$last\E\./, 'then those before');
my $begins = (sort @left)[-1];
my ($y, $m, $d) = split /-/, $begins;
cmp_ok(time - POSIX::mktime(0, 0, 0, $d, $m - 1, $y - 1900), '<', 9 * 86400, 'a key serves a week');

$site = site(verify_log_pseudonyms => 'yes', log_privacy_days => 1);
put($site, ca => $root);
put_key($site, 1);
ask($site, certificate => $alice_der, address => 'alice@partner.example');
is_deeply([grep { $_ lt strftime('%Y-%m-%d', gmtime(time - 86400 + 60)) } keys_in($site)], [], 'one day: yesterday\'s is gone');

# ---- faults ----
$site = site(verify_log_pseudonyms => 'yes');
put($site, ca => $root);
ask($site, certificate => $alice_der);
my ($key) = keys_in($site);
chmod 0644, "$site/spool/privacy/$key" or die;
my $a = ask($site, certificate => $alice_der, address => 'alice@partner.example');
is($a->{verdict}, 'valid', 'a key that others may read: the verdict is given');
@line = lines($site);
is_deeply([@{$line[-1]}{qw(address subject serial)}], ['~', '~', '~'], 'but nothing is said of whom');
unlike(slurp("$site/verify.log"), qr/\@/, 'no address');
like(slurp("$site/stderr"), qr/pseudonyms.*lets others read it/, 'and a warning says why');
chmod 0600, "$site/spool/privacy/$key" or die;
open my $f, '>', "$site/spool/privacy/$key" or die;
print $f "abc\n";
close $f;
ask($site, certificate => $alice_der, address => 'alice@partner.example');
is((lines($site))[-1]{address}, '~', 'a key that is none');
unlink "$site/spool/privacy/$key";
rmdir "$site/spool/privacy";
open $f, '>', "$site/spool/privacy" or die;
close $f;
ask($site, certificate => $alice_der, address => 'alice@partner.example');
is((lines($site))[-1]{address}, '~', 'no place for a key');

# ---- many at once ----
$site = site(verify_log_pseudonyms => 'yes');
put($site, ca => $root);
my @children;
for my $i (1 .. 6) {
	my $pid = fork // die;
	if (!$pid) {
		my $module = build_directory() . '/check-path';
		my $request = "$site/r$i";
		open my $r, '>', $request or die;
		print $r '<check-certificate id="1" purpose="sign" address="alice@partner.example"><certificate>', MIME::Base64::encode_base64($alice_der, ''),
			"</certificate></check-certificate>\n";
		close $r;
		exec "$FindBin::Bin/helper/module-talk -role check -config $site/postern.conf $module < $request > /dev/null 2>&1" or die;
	}
	push @children, $pid;
}
waitpid $_, 0 for @children;
my %words = map { $_->{address} => 1 } lines($site);
is_deeply([scalar(lines($site)), scalar keys %words, scalar keys_in($site)], [6, 1, 1], 'processes that begin together agree on the key');

# ---- off ----
$site = site();
put($site, ca => $root);
ask($site, certificate => $alice_der, address => 'alice@partner.example');
is((lines($site))[0]{address}, 'alice@partner.example', 'without the option addresses stand there');
ok(!-e "$site/spool/privacy", 'and there is no key');
qx($tool -c $site/postern.conf pseudonym alice\@partner.example 2>&1);
is($? >> 8, 78, 'the tool says so');
done_testing;
