#!/usr/bin/perl
# 6320-ocsp.t - OCSP: a real responder, answers fetched ahead and asked for live, every way in which one cannot be believed
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/helper";
use MIME::Base64;
use PathCheck;
use PathPki;
use Refresh;
use Test::More;

plan skip_all => 'built without libcurl' unless -x program();

my @ca = ('basicConstraints = critical,CA:TRUE', 'keyUsage = critical,keyCertSign,cRLSign,digitalSignature');
my @mail = ('keyUsage = critical,digitalSignature', 'extendedKeyUsage = emailProtection', 'subjectAltName = email:a@b.example');
my @responder = ('keyUsage = critical,digitalSignature', 'extendedKeyUsage = OCSPSigning');
my $dir = pki_directory();
my $http = web();
key('leaf');
my $root = certificate('root', extensions => [@ca]);
my $delegate = certificate('delegate', by => 'root', extensions => [@responder, 'noCheck = ignored']);
certificate('checked', by => 'root', extensions => [@responder]);
certificate('plain', by => 'root', extensions => ['keyUsage = critical,digitalSignature']);
certificate('stranger', extensions => [@ca]);
sub der { (ders($_[0]))[0] }

# The serial numbers are known before the certificates are made, which name the responder's port.
open my $index, '>', "$dir/index" or die;
print $index "V\t301122000000Z\t\t$_\tunknown\t/CN=$_\n" for '1001', '1009';
print $index "R\t301122000000Z\t261101000000Z,keyCompromise\t1002\tunknown\t/CN=1002\n";
close $index or die;

# responder(name, who signs, options): a real one; its address.
sub responder {
	my ($name, $signer, @options) = @_;
	spawn("$dir/$name.log", qw(openssl ocsp -port 0 -index), "$dir/index", '-CA', $root, '-rsigner', "$dir/$signer.pem",
		'-rkey', "$dir/$signer.key", '-text', @options);
	wait_for("the responder $name", sub { slurp("$dir/$name.log") =~ /ACCEPT \S*:(\d+)/ });
	slurp("$dir/$name.log") =~ /ACCEPT \S*:(\d+)/;
	return "http://127.0.0.1:$1/";
}
my $real = responder('real', 'delegate', '-nmin', 60);
sub user {
	my ($name, $serial, $url) = @_;
	return certificate($name, by => 'root', key => 'leaf', serial => "0x$serial", extensions => [@mail, "authorityInfoAccess = OCSP;URI:$url"]);
}
my %user = (good => user('good', '1001', $real), revoked => user('revoked', '1002', $real), unknown => user('unknown', '1003', $real));

sub site_of {
	my (%options) = @_;
	my $s = refresh_site(module_directory => build_directory(), check_path_crl => 'require', %options);
	put($s, ca => $root);
	return $s;
}
sub judged {
	my ($what, $want, $site, $file, %q) = @_;
	my $a = ask($site, certificate => der($file), %q);
	is("$a->{verdict} $a->{reason}", $want, $what) or diag "$a->{text}\n", slurp("$site/stderr");
	return $a;
}

# ---- ahead of time ----
my $s = site_of();
put($s, public => values %user);
judged('nothing cached, nobody asked', 'unknown crl-missing', $s, $user{good});
my $r = refresh($s);
is($r->{code}, 0, "postern-refresh: all answers are there") or diag $r->{err}, slurp("$dir/real.log");
is(join(' ', sort map { $_->{outcome} } @{$r->{json}{sources}}), 'new new new', 'three of them');
my $a = judged('cached: good', 'valid ', $s, $user{good});
is(scalar(grep { $_ eq $real } @{$a->{evidence}}), 1, 'the responder is the evidence');
$a = judged('cached: revoked', 'invalid revoked', $s, $user{revoked});
like($a->{text}, qr{says \Q$real\E at 2026-11-01 .*key compromise}, 'when and why');
judged('cached: unknown', 'unknown status-unknown', $s, $user{unknown});
is(join(' ', map { $_->{outcome} } @{refresh($s)->{json}{sources}}), 'not-due not-due not-due', 'fresh answers are left alone');
judged('an answer that is over by then', 'unknown crl-expired', $s, $user{good}, time => at(1));
judged('but a revocation is for ever', 'invalid revoked', $s, $user{revoked}, time => at(1));
my ($file) = glob("$s/spool/ocsp/*/*");
is((stat $file)[2] & 07777, 0600, 'the cache is ours alone');
for my $cached (glob("$s/spool/ocsp/*/*")) {
	open my $f, '+<', $cached or die;
	truncate $f, (-s $cached) - 1;
}
$a = judged('a file that is cut off', 'unknown crl-missing', $s, $user{good});
like($a->{text}, qr{cannot be used: not an OCSP response}, 'and it says so');
is(refresh($s)->{code}, 0, 'postern-refresh mends it');
judged('mended', 'valid ', $s, $user{good});
judged('check_path_ocsp = no', 'unknown crl-missing', do {
	system 'sed', '-i', '$acheck_path_ocsp = no', "$s/postern.conf"; $s }, $user{good});

# ---- live ----
my %live = (check_path_ocsp => 'live');
$s = site_of(%live);
judged('live: good', 'valid ', $s, $user{good});
judged('live: revoked', 'invalid revoked', $s, $user{revoked});
judged('live: unknown', 'unknown status-unknown', $s, $user{unknown});
is(scalar(my @files = glob("$s/spool/ocsp/*/*")), 3, 'and kept');
judged('live: with a nonce', 'valid ', site_of(%live, check_path_ocsp_nonce => 'require'), $user{good});
like(slurp("$dir/real.log"), qr{OCSP Nonce}, 'which was sent');
judged('live: internal addresses are not asked', 'unknown crl-missing', site_of(%live, refresh_allow => ''), $user{good});

# what a web server says instead: the same file for every question
my $fake = user('fake', '1009', "$http/answer");
sub answer {
	my ($signer, @options) = @_;
	my $out = qx(openssl ocsp -index $dir/index -CA $root -rsigner $dir/$signer.pem -rkey $dir/$signer.key -issuer $root -no_nonce -cert $fake -respout $dir/answer @options 2>&1);
	die $out if $?;
	publish('answer', "$dir/answer");
}
for (['signed by the issuer', 'root', '', 'valid '], ['the issuer, its certificate left out', 'root', '-resp_no_certs', 'valid '],
	['by key', 'root', '-resp_key_id', 'valid '], ['delegated', 'delegate', '-ndays 1', 'valid '],
	['delegated, its certificate left out', 'delegate', '-resp_no_certs', 'unknown crl-missing', qr{certificate is missing}],
	['delegated without nocheck', 'checked', '', 'unknown crl-missing', qr{lacks ocsp-nocheck}],
	['by a certificate that is not for OCSP', 'plain', '', 'unknown crl-missing', qr{not for OCSP}],
	['by another CA', 'stranger', '', 'unknown crl-missing', qr{not issued by the certificate's issuer}],
	['with SHA-1', 'root', '-rmd sha1', 'unknown crl-missing', qr{hash that is too weak}],
	['with another nonce', 'root', '-nonce', 'unknown crl-missing', qr{another nonce}]) {
	my ($what, $signer, $options, $want, $says) = @$_;
	answer($signer, $options);
	$a = judged("an answer $what", $want, site_of(%live), $fake);
	like($a->{text}, $says, "an answer $what: says so") if $says;
}
answer('root', '-rmd sha1');
judged('an answer with SHA-1, which the operator wants', 'valid ', site_of(%live, check_path_hashes => 'sha1 sha256'), $fake);
answer('root');
$a = judged('without the nonce', 'unknown crl-missing', site_of(%live, check_path_ocsp_nonce => 'require'), $fake);
like($a->{text}, qr{lacks the nonce}, 'without the nonce: says so');
judged('without nocheck, allowed', 'valid ', do { answer('checked'); site_of(%live, check_path_ocsp_nocheck => 'no') }, $fake);
for (['nothing', ''], ['HTML', '<html></html>'], ['try later', "\x30\x03\x0a\x01\x03"], ['an internal error', "\x30\x03\x0a\x01\x02"],
	['too much', 'x' x 70000]) {
	publish('answer', \$_->[1]);
	judged("live: $_->[0]", 'unknown crl-missing', site_of(%live), $fake);
}
publish('answer', \"\x30\x03\x0a\x01\x03");
like(ask(site_of(%live), certificate => der($fake))->{text}, qr{try later}, 'the text says try later');
$s = site_of(%live, check_path_crl => 'if-present');
$a = judged('soft: mail is not blocked', 'valid ', $s, $fake);
like($a->{text}, qr{revocation not checked.*try later}, 'and the text says what was missing');

# ---- the budget: silence is paid for once ----
my $dead = user('dead', '1001', "$http/dead/a");
my $dead2 = user('dead2', '1009', "$http/dead/b");
$s = site_of(%live, check_path_budget => '400ms');
requests();
my @answers = ask_many($s, map { { certificate => der($_) } } $dead, $dead, $dead2);
is(join(' ', map { $_->{reason} } @answers), 'crl-missing crl-missing crl-missing', 'a dead responder: no answer, three times');
like($answers[0]{text}, qr{was not heard}, 'the first was waited for');
like($answers[1]{text}, qr{did not answer a moment ago}, 'the second was not');
like($answers[2]{text}, qr{check_path_budget is spent}, 'and nobody else was asked');
cmp_ok(scalar(@{[requests()]}), '<=', 1, 'one request, if it got as far as that');

# ---- who asks is killed: nothing stays ----
my $killed = user('killed', '1001', "$http/dead/killed");
sub fetching { grep { my $c = eval { slurp("$_/cmdline") } // ''; index($c, "$http/dead/killed") >= 0 } glob '/proc/[0-9]*' }
$s = site_of(%live, check_path_budget => '600s');
sub frame { length($_[0]) . "\n$_[0]" }
open my $frames, '>:raw', "$s/frames" or die;
print $frames frame(qq(<hello protocol="1.0" postern="0.1.0" log-level="info" role="check" deadline="600000" config="$s/postern.conf" operations="check-certificate"/>)),
	frame(qq(<check-certificate id="1" purpose="sign"><certificate>) . encode_base64(der($killed), '') . '</certificate></check-certificate>');
close $frames or die;
my $asks = fork // die;
if (!$asks) {
	open STDIN, '<', "$s/frames" or die;
	open STDOUT, '>', '/dev/null' or die;
	exec build_directory() . '/check-path' or die;
}
wait_for('the question', sub { fetching() });
kill KILL => $asks;
waitpid $asks, 0;
wait_for('the end of ocsp-fetch', sub { !fetching() });
is(scalar(fetching()), 0, 'check-path was killed: ocsp-fetch has ended');
my $fetch = build_directory() . '/ocsp-fetch';
is(system("$fetch $s/postern.conf $http/dead/killed 600000 1 </dev/null") >> 8, 75, 'and does not begin for one that is gone');

# ---- a CRL beside it ----
$s = site_of(%live);
put($s, crl => crl('lists', by => 'root', revoked => ['1001']));
judged('the CRL is asked first', 'invalid revoked', $s, $user{good});
$s = site_of(%live, check_path_revocation => 'ocsp crl');
put($s, crl => "$dir/lists.crl");
judged('OCSP first, but the CRL says revoked', 'invalid revoked', $s, $user{good});

# ---- an answer that somebody brings along, made before the revocation, beside what is known here ----
open $index, '>', "$dir/before" or die;
print $index "V\t301122000000Z\t\t1002\tunknown\t/CN=1002\n";
close $index or die;
qx(openssl ocsp -index $dir/before -CA $root -rsigner $root -rkey $dir/root.key -issuer $root -no_nonce -cert $user{revoked} -ndays 7 -respout $dir/staple 2>&1);
sub brought {
	my ($site, $file) = (@_, "$dir/staple");
	my $tool = build_directory() . '/postern-cert';
	return scalar qx($tool verify -c $site/postern.conf -ocsp $file $user{revoked} 2>&1);
}
$s = site_of();
put($s, public => $user{revoked});
like(brought($s), qr{verdict: valid}, 'brought along: it counts where nothing else is known');
open my $armoured, '>', "$dir/staple.pem" or die;
print $armoured "-----BEGIN OCSP RESPONSE-----\n", encode_base64(slurp("$dir/staple")), "-----END OCSP RESPONSE-----\n";
close $armoured or die;
like(brought($s, "$dir/staple.pem"), qr{^revocation: .*for serial 1002$}m, 'brought along in PEM');
refresh($s);
like(brought($s), qr{revoked by its issuer}, 'brought along: a revocation that is known here beats it');

# ---- import ----
$s = site_of(refresh_network => 'no');
put($s, public => $fake);
answer('delegate', '-ndays', 1);
mkdir "$s/in";
open my $answer, '>', "$s/in/answer.ors" or die;
print $answer "-----BEGIN OCSP RESPONSE-----\n", encode_base64(slurp("$dir/answer")), "-----END OCSP RESPONSE-----\n";
close $answer or die;
is(refresh($s)->{code}, 1, 'import: the answer is missing');
$r = refresh($s, '-import', "$s/in");
is(outcome_of($r, "$s/in/answer.ors"), 'new', 'import: an OCSP answer, in PEM');
judged('import: it is used', 'valid ', $s, $fake);
done_testing;
