#!/usr/bin/perl
# 6310-refresh-lists.t - postern-refresh: CRLs from servers of every behaviour; nothing is believed before it was checked
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/helper";
use PathCheck;
use PathPki;
use Refresh;
use MIME::Base64;
use Test::More;

plan skip_all => 'built without libcurl' unless -x program();

my @ca = ('basicConstraints = critical,CA:TRUE', 'keyUsage = critical,keyCertSign,cRLSign');
my @mail = ('keyUsage = critical,digitalSignature', 'extendedKeyUsage = emailProtection', 'subjectAltName = email:a@b.example');
my $http = web();
key('leaf');
key('other');
my $root = certificate('root', extensions => [@ca]);
sub der_of { my $pem = slurp($_[0]); return decode_base64($pem =~ m{-----\n(.*?)-----}s ? $1 : die) }

# A user's certificate that names these points, in area public of a new site.
my $n = 0;
sub user {
	my ($points, @more) = @_;
	my $name = 'user' . $n++;
	return certificate($name, by => 'root', key => 'leaf', extensions => [@mail, $points ? "crlDistributionPoints = $points" : (), @more]);
}
sub site_with {
	my ($points, %options) = @_;
	my $s = refresh_site(%options);
	put($s, ca => $root);
	put($s, public => user($points));
	return $s;
}
# One run with a server that gives this file under a name; the outcome, and what stands in the folder.
sub try {
	my ($what, $url, $code, $want, %options) = @_;
	my $s = site_with("URI:$url", %options);
	my $r = refresh($s);
	is($r->{code}, $code, "$what: exit $code") or diag $r->{err};
	like(outcome_of($r, $url), $want, "$what: says so");
	is(scalar(@{[fetched($s, 'crl')]}), $code == 1 ? 0 : 1, "$what: " . ($code == 1 ? 'nothing' : 'one file') . ' in place');
	return ($s, $r);
}

# ---- the good way ----
my $first = crl('first', by => 'root', number => 1, from => -3, revoked => ['77']);
my $second = crl('second', by => 'root', number => 2, from => -2, revoked => ['77', '78']);
publish('a.crl', \der_of($first));
my ($s, $r) = try('a list', "$http/a.crl", 0, qr{^new$});
my ($file) = fetched($s, 'crl');
like($file, qr{^127\.0\.0\.1_\d+-[0-9a-f]{16}\.crl$}, 'its name shows the server');
is(slurp("$s/certs/crl/fetched/$file"), der_of($first), 'it is the list, in DER');
is((stat "$s/certs/crl/fetched/$file")[2] & 07777, 0644, 'anybody may read it');
like((requests())[0], qr{^GET /a\.crl postern-refresh/\S+ - -$}, 'the first time there is no condition');
is(outcome_of(refresh($s), "$http/a.crl"), 'not-due', 'asked lately: left alone');
is(scalar(requests()), 0, 'and nobody is asked');
$r = refresh($s, '-once');
is(outcome_of($r, "$http/a.crl"), 'unchanged', '-once: asked, and nothing is newer');
like((requests())[0], qr{"[0-9a-f]{8}-\d+" \w{3}, }, 'the server gets the ETag and the date');
publish('a.crl', $second); # PEM this time
$r = refresh($s, '-once');
is("$r->{code} " . outcome_of($r, "$http/a.crl"), '0 new', 'a newer one takes its place, in PEM too');
is(slurp("$s/certs/crl/fetched/$file"), der_of($second), 'in DER again');
like(ask($s, certificate => der_of(certificate('bad', by => 'root', key => 'leaf', serial => '0x78', extensions => \@mail)))->{reason},
	qr{^revoked$}, 'and check-path finds what it revokes');
publish('a.crl', $first);
$r = refresh($s, '-once');
is($r->{code}, 1, 'an older one: exit 1');
like(outcome_of($r, "$http/a.crl"), qr{older than the list that is there}, 'and it says so');
is(slurp("$s/certs/crl/fetched/$file"), der_of($second), 'the newer one stays');
$r = refresh($s);
like(outcome_of($r, "$http/a.crl"), qr{^waits: failed 1 times; asked again in [56] minutes}, 'the next run leaves the server alone');
is($r->{code}, 1, 'and says 1 all the same');
unlink "$s/certs/crl/fetched/$file";
publish('a.crl', $second);
is(outcome_of(refresh($s, '-once'), "$http/a.crl"), 'new', 'a file that was deleted is fetched whole');
requests();
$r = refresh(site_with("URI:$http/a.crl"), '-n');
is(scalar(requests()), 0, '-n asks nobody');

# ---- what is no good list ----
my $der = der_of($first);
publish('cut.crl', \substr $der, 0, length($der) - 1);
publish('more.crl', \($der . 'x'));
publish('html.crl', \"<html><body>Please log in</body></html>\n");
publish('empty.crl', \'');
publish('forged.crl', \flip($der, 3));
certificate('stranger', extensions => [@ca]);
publish('stranger.crl', crl('stranger', by => 'stranger'));
publish('future.crl', crl('future', by => 'root', from => 1, to => 2));
publish('critical.crl', crl('critical', by => 'root', extensions => ['1.2.3.4.5 = critical,ASN1:NULL']));
publish('delta.crl', crl('delta', by => 'root', number => 5, extensions => ['2.5.29.27 = critical,ASN1:INTEGER:1']));
publish('cas.crl', crl('cas', by => 'root', extensions => ['issuingDistributionPoint = critical,onlyCA:TRUE']));
publish('else.crl', crl('else', by => 'root', extensions => ['issuingDistributionPoint = critical,fullname:URI:http://x.example/y']));
publish('certificate.crl', $root);
for (['cut off', 'cut.crl', qr{not a revocation list}], ['something behind it', 'more.crl', qr{not a revocation list}],
	['HTML', 'html.crl', qr{a web page, not a revocation list}], ['nothing', 'empty.crl', qr{not a revocation list}],
	['a wrong signature', 'forged.crl', qr{the signature is not its issuer's}], ['another issuer', 'stranger.crl', qr{another issuer}],
	['of the future', 'future.crl', qr{of the future}], ['an unknown critical extension', 'critical.crl', qr{critical extension}],
	['a delta list', 'delta.crl', qr{delta list where a complete one belongs}], ['the wrong scope', 'cas.crl', qr{CAs' certificates}],
	['another point', 'else.crl', qr{another distribution point}], ['a certificate', 'certificate.crl', qr{not a revocation list}],
	['not there', 'missing.crl', qr{no such file \(404\)}], ['an error of the server', 'status/503', qr{answers 503}],
	['half of what was announced', 'cut/a.crl', qr{Transferred a partial file}]) {
	try($_->[0], "$http/$_->[1]", 1, $_->[2]);
}
publish('old.crl', crl('old', by => 'root', from => -9, to => -1));
($s, $r) = try('one that is over', "$http/old.crl", 2, qr{^new$});
like($r->{err}, qr{crl \S+/old\.crl: has expired}, 'one that is over: a line for it');

# ---- bounds ----
my $length = length der_of($second);
publish('big.crl', \(der_of($second) . 'x' x (2000 - $length)));
publish('bigger.crl', \(der_of($second) . 'x' x (2001 - $length)));
for my $how ('', 'chunked/') {
	try("as big as allowed ($how)", "$http/${how}big.crl", 1, qr{not a revocation list}, refresh_size_limit => 2000);
	try("one byte over ($how)", "$http/${how}bigger.crl", 1, qr{more than 2000 bytes}, refresh_size_limit => 2000);
}
try('slow', "$http/slow/a.crl", 1, qr{no answer in 400 ms}, refresh_timeout => '400ms');
try('dead', "$http/dead/a.crl", 1, qr{no answer in 400 ms}, refresh_timeout => '400ms');
try('the run is over', "$http/dead/a.crl", 1, qr{refresh_deadline}, refresh_deadline => '400ms');
try('redirected', "$http/redirect?/a.crl", 0, qr{^new$});
try('redirected three times', "$http/redirect?/redirect?/redirect?/a.crl", 0, qr{^new$});
try('redirected four times', "$http/redirect?/redirect?/redirect?/redirect?/a.crl", 1, qr{more than 3 redirections});
try('redirected to a file', "$http/redirect?file:///etc/passwd", 1, qr{neither http nor https});
try('ftp', "ftp://127.0.0.1/a.crl", 1, qr{is neither http, https, ldap nor ldaps});
(my $user = $http) =~ s{//}{//me:secret@};
try('with a password', "$user/a.crl", 1, qr{names a user});

# ---- addresses: this machine is forbidden, unless it is allowed ----
my ($port) = $http =~ /(\d+)$/;
requests();
for my $host ('127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '127.1', '2130706433', '0.0.0.0') {
	try("internal: $host", "http://$host:$port/a.crl", 1, qr{is an internal address; see refresh_allow}, refresh_allow => '192.0.2.0/24');
}
try('redirected inside', "$http/redirect?http://127.0.0.2:$port/a.crl", 1, qr{127\.0\.0\.2 is an internal address},
	refresh_allow => '127.0.0.1');
is_deeply([map { (split)[1] } requests()], ["/redirect?http://127.0.0.2:$port/a.crl"], 'nobody inside was asked');

# ---- a proxy ----
($s, $r) = try('by a proxy', 'http://ca.example/a.crl', 0, qr{^new$}, refresh_proxy => $http, refresh_allow => '');
like((requests())[0], qr{^GET http://ca\.example/a\.crl }, 'the proxy was asked');
try('an internal address by a proxy', 'http://10.0.0.1/a.crl', 1, qr{10\.0\.0\.1 is an internal address}, refresh_proxy => $http);
for my $host ('localhost', 'localhost.', 'ca.LOCALHOST', '127.0.0.1.', '127.1', '2130706433', '0x7f.1', '%31%32%37.0.0.1', '[::1]', '[::ffff:10.0.0.1]') {
	try("... in other words: $host", "http://$host/a.crl", 1, qr{is an internal address; see refresh_allow}, refresh_proxy => $http, refresh_allow => '');
}
is(scalar(requests()), 0, 'and was not asked for that');
for my $to ('http://10.0.0.1/a.crl', '//10.0.0.1/a.crl', 'HTTP://167772161/a.crl', 'https://10.0.0.1/a.crl') {
	try("redirected by a proxy to $to", "http://ca.example/redirect?$to", 1, qr{10\.0\.0\.1 is an internal address; see refresh_allow},
		refresh_proxy => $http, refresh_allow => '');
}
is_deeply([grep { !m{^GET http://ca\.example/redirect} } requests()], [], '... which was not asked for that either');
try('redirected by a proxy, twice', 'http://ca.example/redirect?/redirect?http://b.example/a.crl', 0, qr{^new$}, refresh_proxy => $http, refresh_allow => '');
try('redirected by a proxy to what is allowed', 'http://ca.example/redirect?http://10.0.0.1/a.crl', 0, qr{^new$}, refresh_proxy => $http,
	refresh_allow => '10.0.0.1');

# ---- https ----
system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $s/tls.key -out $s/tls.pem -subj /CN=x " .
	"-addext subjectAltName=IP:127.0.0.1 2>/dev/null") == 0 or die;
system 'cp', $second, "$s/x.crl";
spawn("$s/tls.log", 'sh', '-c', "cd $s && exec openssl s_server -accept 127.0.0.1:0 -cert tls.pem -key tls.key -WWW");
wait_for('the TLS server', sub { slurp("$s/tls.log") =~ /ACCEPT 127\.0\.0\.1:(\d+)/ });
my ($tls) = slurp("$s/tls.log") =~ /ACCEPT 127\.0\.0\.1:(\d+)/;
try('https, a server nobody knows', "https://127.0.0.1:$tls/x.crl", 1, qr{certificate});
try('https', "https://127.0.0.1:$tls/x.crl", 0, qr{^new$}, refresh_ca_file => "$s/tls.pem");

# ---- the memory is lost: the list that is there still counts ----
($s, $r) = try('before', "$http/a.crl", 0, qr{^new$});
unlink "$s/spool/refresh/state";
is(outcome_of(refresh($s), "$http/a.crl"), 'unchanged', 'without a memory the server is asked again, and has nothing newer');

# ---- alternatives, delta, addresses that no certificate names ----
$s = refresh_site();
put($s, ca => $root);
put($s, public => certificate('alternatives', by => 'root', key => 'leaf', extensions => [@mail, 'crlDistributionPoints = point'],
	sections => ['[point]', "fullname = URI:$http/missing.crl,URI:$http/a.crl"]));
$r = refresh($s);
is("$r->{code} " . outcome_of($r, "$http/a.crl"), '0 new', 'the second address of a point, where the first has nothing');
like($r->{err}, qr{missing\.crl: the server has no such file}, 'the first has its line');
$s = refresh_site(refresh_urls => "$http/a.crl");
put($s, ca => $root);
is(outcome_of(refresh($s), "$http/a.crl"), 'new', 'refresh_urls');
$s = refresh_site();
put($s, ca => $root);
put($s, public => user("URI:$http/a.crl", "freshestCRL = URI:$http/delta.crl"));
$r = refresh($s);
is("$r->{code} " . outcome_of($r, "$http/delta.crl"), '0 new', 'the delta of freshestCRL');
is(scalar(@{[fetched($s, 'crl')]}), 2, 'both are there');
$s = refresh_site();
put($s, public => user("URI:$http/a.crl"));
requests();
like(outcome_of(refresh($s), "$http/a.crl"), qr{^skipped: its issuer is not in area ca}, 'without the CA nothing is asked');
is(scalar(requests()), 0, 'nobody');

# ---- two runs, and one that is killed ----
publish('long.crl', \(der_of($second)));
$s = site_with("URI:$http/slow/long.crl");
my $pid = spawn("$s/one", program(), '-c', "$s/postern.conf");
wait_for('the first run asks', sub { grep { m{/slow/long} } requests() });
$r = refresh($s);
is($r->{code}, 75, 'a second run: exit 75');
like($r->{err}, qr{another run is at work}, 'and it says why');
kill 'KILL', $pid;
waitpid $pid, 0;
is(join(' ', fetched($s, 'crl')), '', 'killed: nothing half is there');
mkdir "$s/certs/crl/fetched";
open my $half, '>', "$s/certs/crl/fetched/.half.crl" or die;
close $half;
publish('long.crl', \'');
$r = refresh($s);
is($r->{code}, 1, 'the next run has the lock');
is(join(' ', fetched($s, 'crl')), '', 'and takes away what was left');

# ---- what nobody names any more goes after a month ----
$s = site_with("URI:$http/a.crl");
refresh($s);
($file) = fetched($s, 'crl');
my $own = "$s/certs/crl/fetched";
mkdir "$s/spool/ocsp";
mkdir "$s/spool/ocsp/0a";
my $over = crl('over', by => 'root', from => -60, to => -40);
for my $name ("$own/new.crl", "$own/old.crl", "$own/force.crl", "$own/import-x.crl", "$s/spool/ocsp/0a/old", "$s/spool/ocsp/0a/new") {
	system 'cp', $name =~ /old/ ? $over : $second, $name;
	utime time - 31 * 86400, time - 31 * 86400, $name if $name !~ /new/;
}
utime time - 31 * 86400, time - 31 * 86400, "$own/$file";
refresh($s);
is(join(' ', sort(fetched($s, 'crl'))), join(' ', sort($file, 'new.crl', 'force.crl', 'import-x.crl')), 'lists: old ones that are not in use and over');
is(join(' ', glob("$s/spool/ocsp/0a/*")), "$s/spool/ocsp/0a/new", 'answers: likewise');

# ---- import ----
requests();
$s = refresh_site(refresh_network => 'no');
my $in = "$s/in";
mkdir $in;
open my $conf, '>>', "$s/postern.conf" or die;
print $conf "refresh_import = $in\n";
close $conf or die;
put($s, ca => $root);
put($s, public => user("URI:$http/a.crl"));
$r = refresh($s);
is($r->{code}, 1, 'import: nothing there, exit 1');
like(outcome_of($r, "$http/a.crl"), qr{no server is asked}, 'import: says so');
system 'cp', $second, "$in/x";
$r = refresh($s);
is($r->{code}, 0, 'import: a list') or diag $r->{err};
is(outcome_of($r, "$in/x"), 'new', 'import: new');
is(outcome_of($r, "$http/a.crl"), 'elsewhere', 'import: the address is served by it');
is(outcome_of(refresh($s), "$in/x"), 'unchanged', 'import: and again');
system 'cp', $first, "$in/x";
like(outcome_of(refresh($s), "$in/x"), qr{older than the list}, 'import: an older one');
system "head -c 100 $second > $in/x";
$r = refresh($s);
like($r->{err}, qr{\Q$in\E/x: }, 'import: a bad file has its line');
is($r->{code}, 1, 'import: and exit 1');
is(scalar(@{[fetched($s, 'crl')]}), 1, 'import: one file in place');
is(scalar(grep { m{a\.crl} } requests()), 0, 'import: nobody was asked');

# ---- root ----
SKIP: {
	skip 'only root can be somebody else', 2 if $> != 0;
	chmod 0755, $s, "$s/.." or die;
	system('chown', '-R', '65534:65534', "$s/spool", "$s/certs/crl", "$s/certs/ca") == 0 or die;
	unlink "$s/spool/refresh/state" or die;
	refresh($s, '-once');
	is(-e "$s/spool/refresh/state", 1, 'as root: there is a state');
	is(qx(find $s/spool $s/certs/crl $s/certs/ca -user 0), '', 'root becomes the account whose the spool is');
}

# ---- usage ----
is(refresh($s, '-frobnicate')->{code}, 64, 'an unknown option: 64');
system 'sed', '-i', '$arefresh_foo = 1', "$s/postern.conf";
$r = refresh($s);
is($r->{code}, 75, 'a misspelled name of our own: 75');
like($r->{err}, qr{unknown option "refresh_foo"}, 'and it is named');
done_testing;
