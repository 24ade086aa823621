#!/usr/bin/perl
# 6500-check-protocol.t - check-path as a module: requests it refuses, its options, the verify log
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/helper";
use PathCheck;
use PathPki;
use MIME::Base64;
use Test::More;

my @ca = ('basicConstraints = critical,CA:TRUE', 'keyUsage = critical,keyCertSign,cRLSign');
my @mail = ('keyUsage = critical,digitalSignature', 'extendedKeyUsage = emailProtection', 'subjectAltName = email:a@b.example');
my $root = certificate('root', extensions => \@ca);
my $leaf = certificate('leaf', by => 'root', serial => '0x0abc', extensions => \@mail);
my ($der) = ders($leaf);
my $site = site();
put($site, ca => $root);

# talk(site, document...): the answers as they came
sub talk {
	my ($s, @documents) = @_;
	open my $f, '>', "$s/requests" or die;
	print $f "$_\n" for @documents;
	close $f or die;
	my $helper = "$FindBin::Bin/helper/module-talk";
	my $out = qx($helper -role check -queue-id Q42 -config $s/postern.conf @{[build_directory()]}/check-path < $s/requests 2>$s/stderr);
	return split /\n/, $out;
}

subtest 'requests that are refused' => sub {
	my $c = '<certificate>' . encode_base64($der, '') . '</certificate>';
	my @cases = (
		['no purpose', qq(<check-certificate id="1">$c</check-certificate>)],
		['another purpose', qq(<check-certificate id="1" purpose="login">$c</check-certificate>)],
		['no certificate', '<check-certificate id="1" purpose="sign"/>'],
		['two certificates', qq(<check-certificate id="1" purpose="sign">$c$c</check-certificate>)],
		['no base64', '<check-certificate id="1" purpose="sign"><certificate>*</certificate></check-certificate>'],
		['no base64 in a candidate', qq(<check-certificate id="1" purpose="sign">$c<candidate>*</candidate></check-certificate>)],
		map { ["time $_", qq(<check-certificate id="1" purpose="sign" time="$_">$c</check-certificate>)] }
			'', 'now', '2026-11-22', '2026-11-22T10:00:00', '2026-11-22T10:00:00+01:00', '2026-11-22 10:00:00Z',
			'2026-02-30T10:00:00Z', '2026-13-01T10:00:00Z', '2026-11-22T25:00:00Z', '2026-11-22T10:61:00Z',
			'2026-11-22T10:00:00Zx', ' 026-11-22T10:00:00Z',
	);
	for (@cases) {
		my ($what, $document) = @$_;
		my @got = talk($site, $document, qq(<check-certificate id="2" purpose="sign">$c</check-certificate>));
		like($got[0], qr{^<refused id="1" kind="permanent" code="bad-request">}, $what);
		like($got[1], qr{<verdict value="valid">}, "$what: the next request is answered");
	}
	is(scalar(split /\n/, slurp("$site/verify.log")), scalar @cases, 'what was refused is not in the verify log');
};

subtest 'times' => sub {
	my @all = ask_many($site, map { { certificate => $der, time => $_ } } '1969-12-31T23:59:59Z', '9999-12-31T23:59:59Z',
		'2016-02-29T00:00:00Z', '2016-12-31T23:59:60Z');
	is("@{[map { $_->{reason} } @all]}", 'not-yet-valid expired not-yet-valid not-yet-valid', 'far away, leap day, leap second');
};

subtest 'many questions in one conversation' => sub {
	my @all = ask_many($site, map { { certificate => $_ % 2 ? $der : 'rubbish' } } 1 .. 50);
	is("@{[map { $_->{verdict} eq 'valid' ? 1 : 0 } @all]}", "@{[map { $_ % 2 } 1 .. 50]}", 'each has its own answer');
};

subtest 'the grammar' => sub {
	my $grammar = "$FindBin::Bin/../etc/postern-modules.rng";
	plan skip_all => 'no xmllint' if system('xmllint --version >/dev/null 2>&1');
	my $crl = crl('root', by => 'root');
	my $with = site();
	put($with, ca => $root);
	put($with, crl => $crl);
	my @answers = (ask_many($site, map { { certificate => $_ } } $der, 'rubbish', flip($der, 3)), ask($with, certificate => $der));
	for my $n (0 .. $#answers) {
		open my $f, '>', "$site/answer-$n.xml" or die;
		print $f $answers[$n]{raw};
		close $f or die;
		is(system("xmllint --noout --nonet --relaxng $grammar $site/answer-$n.xml 2>$site/xmllint"), 0,
			"answer $n: $answers[$n]{verdict} $answers[$n]{reason}") or diag slurp("$site/xmllint");
	}
};

subtest options => sub {
	my %bad = (check_path_crl => 'sometimes', check_path_rsa_bits => 'many', check_path_ec_bits => 111, check_path_hashes => 'sha257');
	for my $name (sort keys %bad) {
		my $s = site($name => $bad{$name});
		my ($got) = talk($s, '<check-certificate id="1" purpose="sign"/>');
		like($got, qr{^<refused id="1" kind="temporary" code="configuration">.*postern\.conf.*$name}, "$name = $bad{$name}");
	}
	my $typo = site(check_path_crls => 'require');
	my ($refused) = talk($typo, '<check-certificate id="1" purpose="sign"/>');
	like($refused, qr{code="configuration">.*postern\.conf:1: unknown option &quot;check_path_crls&quot;}, 'a misspelled name');
	for (['rules_file_x', 1], ['check_path_ec_bits', 112], ['check_path_rsa_bits', 512], ['check_path_hashes', 'SHA256 sha3-512'], ['check_path_crl', 'REQUIRE']) {
		my ($got) = talk(site(@$_), '<check-certificate id="1" purpose="sign"/>');
		like($got, qr{code="bad-request"}, "$_->[0] = $_->[1]");
	}
};

my $line = qr{^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\tqueue-id=Q42\t};
subtest 'verify log' => sub {
	my $s = site();
	put($s, ca => $root);
	my $ask = sub {
		my ($certificate, $address) = @_;
		talk($s, qq(<check-certificate id="1" purpose="sign" address="$address"><certificate>) . encode_base64($certificate, '') .
			'</certificate></check-certificate>');
		return (split /\n/, slurp("$s/verify.log"))[-1];
	};
	like($ask->($der, 'a@b.example'), qr{$line\Qaddress=a\E\@\Qb.example\E\tsubject=CN=leaf\tissuer=CN=root\tserial=0ABC\tverdict=valid\treason=\tpurpose=sign\tevidence=remark source=revocation not checked}, 'valid');
	like($ask->($der, 'x@b.example'), qr{\tverdict=invalid\treason=address-mismatch\tpurpose=sign\tevidence=$}, 'invalid');
	like($ask->('rubbish', ''), qr{$line\Qaddress=\E\tsubject=\tissuer=\tserial=\tverdict=invalid\treason=malformed\tpurpose=sign\tevidence=$}, 'unreadable');
	is((stat "$s/verify.log")[2] & 07777, 0640, 'mode 0640');

	my $evil = certificate('evil', by => 'root', extensions => \@mail, subject => "/CN=a\tverdict=valid\nb/O=x\\\\y\xe2\x80\xae");
	like($ask->((ders($evil))[0], "q&#9;r&#10;s\@t"), qr{\taddress=q\\x09r\\x0as\@t\tsubject=O=x\\\\\\\\y\\xe2\\x80\\xae,CN=a\\\\09verdict=valid\\\\0Ab\tissuer},
		'tab, line feed, backslash, a character that turns text around');
	is(scalar(my @lines = split /\n/, slurp("$s/verify.log")), 4, 'still one line for each');
	is(scalar(grep { (() = /\t/g) == 9 } @lines), 4, 'of ten fields');
};

subtest 'a verify log that cannot be written' => sub {
	for my $path ("$site/no/such/verify.log", "$site", '/dev/full') {
		my $s = site(verify_log => $path);
		put($s, ca => $root);
		my @got = talk($s, (qq(<check-certificate id="1" purpose="sign"><certificate>) . encode_base64($der, '') . '</certificate></check-certificate>') x 2);
		is(scalar(grep { m{<verdict value="valid">} } @got), 2, "$path: the verdicts are given");
		my @warnings = grep { /warning.*verify log \Q$path\E: / } split /\n/, slurp("$s/stderr");
		is(scalar @warnings, 1, "$path: one warning");
	}
};

subtest 'an area that cannot be read' => sub {
	for my $area (qw(ca trusted untrusted crl)) {
		my $s = site();
		put($s, ca => $root) if $area ne 'ca';
		rmdir "$s/certs/$area" or die;
		is(ask($s, certificate => $der)->{verdict}, $area eq 'ca' ? 'unknown' : 'valid', "$area: a folder that is not there is empty");
		open my $f, '>', "$s/certs/$area" or die;
		close $f or die;
		my $a = ask($s, certificate => $der);
		is("$a->{verdict} $a->{reason}", 'refused configuration', "$area: a file in its place is no verdict") or diag $a->{raw};
		is(scalar(() = slurp("$s/verify.log") =~ /\n/g), 1, "$area: nor a line in the verify log");
	}
};

subtest 'processes that write at the same time' => sub {
	my $s = site();
	put($s, ca => $root);
	my $log = "$s/verify.log";
	my @pids;
	for my $n (1 .. 4) {
		my $own = site(verify_log => $log);
		put($own, ca => $root);
		my $pid = fork // die;
		if (!$pid) {
			ask_many($own, map { { certificate => $der, address => 'y' x (100 * $n) . '@b.example' } } 1 .. 25);
			require POSIX;
			POSIX::_exit(0);
		}
		push @pids, $pid;
	}
	waitpid $_, 0 for @pids;
	my @lines = split /\n/, slurp($log);
	is(scalar(grep { /^time=\S+\t.*\tpurpose=sign\tevidence=.*$/ } @lines), 100, 'a hundred whole lines');
};

done_testing;
