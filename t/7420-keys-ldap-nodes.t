#!/usr/bin/perl
# keys-ldap: whole messages with certificates and keys in a directory of two nodes (etc/ldap), one of which is stopped
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use KeysFile;
use Slapd;
use Test::More;

plan skip_all => 'keys-ldap is not built' unless -x "$BUILD/keys-ldap";
plan skip_all => slapd_missing() if slapd_missing();
plan skip_all => 'ldap-utils are not installed' unless grep { -x "$_/ldapadd" } split /:/, $ENV{PATH};

# ---- two nodes, as etc/ldap has them ----

tls_authority('ldapca');
my $suffix = 'dc=behoerde,dc=example';
my @node = map { { id => $_, name => "node$_", dir => "$T/node$_", debug => 256, port => free_port() } } 1, 2;
for my $n (@node) {
	tls_certificate($n->{name}, 'ldapca', 'IP:127.0.0.1');
	$n->{uri} = "ldap://127.0.0.1:$n->{port}";
	$n->{urls} = $n->{uri};
}
sub fill {
	my ($file, %words) = @_;
	my $text = slurp("$SRC/etc/ldap/$file");
	$text =~ s/^#.*\n//gm;
	$text =~ s/\@([A-Z]+)\@/$words{$1} \/\/ die "$file: \@$1\@"/ge;
	return $text;
}
for my $n (@node) {
	my $other = $node[$n->{id} % 2];
	mkdir $_, 0700 for $n->{dir}, "$n->{dir}/data", "$n->{dir}/slapd.d";
	put("$n->{dir}/node.ldif", fill('node.ldif', ID => $n->{id}, PEER => $other->{uri}, SUFFIX => $suffix, DATA => "$n->{dir}/data",
		CA => "$T/ldapca.crt", CERTIFICATE => "$T/$n->{name}.crt", KEY => "$T/$n->{name}.key", ADMIN => 'admin', SECRET => 'between us',
		SCHEMA => '/etc/ldap/schema', MODULES => '/usr/lib/ldap'));
	system("/usr/sbin/slapadd -n 0 -F $n->{dir}/slapd.d -l $n->{dir}/node.ldif >$n->{dir}/slapadd.log 2>&1") == 0 or die slurp("$n->{dir}/slapadd.log");
}
put("$T/data.ldif", fill('data.ldif', SUFFIX => $suffix, DC => 'behoerde', SECRET => 'between us', GATEWAY => 'open'));
system("/usr/sbin/slapadd -n 1 -F $T/node1/slapd.d -l $T/data.ldif >$T/node1/slapadd.log 2>&1") == 0 or die slurp("$T/node1/slapadd.log");
Slapd::run_slapd($_, '-F', "$_->{dir}/slapd.d") for @node;
pass('two nodes, as etc/ldap describes them');

$ENV{LDAPTLS_CACERT} = "$T/ldapca.crt";
sub add {
	my ($n, $text) = @_;
	put("$T/add.ldif", $text);
	return system("ldapadd -ZZ -H $n->{uri} -x -D cn=admin,$suffix -w admin -f $T/add.ldif >$T/add.log 2>&1") == 0 || (diag(slurp("$T/add.log")), 0)[1];
}
sub person {
	my ($uid, $mail, @attributes) = @_;
	return entry("uid=$uid,ou=people,$suffix", objectClass => [qw(inetOrgPerson pkiUser)], uid => $uid, cn => $uid, sn => $uid, mail => $mail, @attributes);
}

# ---- a site without a file of bob or alice ----

my $site = "$T/site";
system('sh', '-c', "BUILD=$BUILD SRC=$SRC; . $SRC/demo/site.sh; site_make $site && site_certificate $site carol carol\@partner.example") == 0 or die 'no site';
unlink "$site/certs/public/bob.pem", "$site/certs/private/alice.pem" or die;
put("$site/passphrase", "central\n", 0600);
put("$site/ldap.password", "open\n", 0600);
put("$site/postern.conf", slurp("$site/postern.conf") . "keys_modules = keys-file keys-ldap\nkeys_ldap_uri = $node[0]{uri} $node[1]{uri}\n" .
	"keys_ldap_base = $suffix\nkeys_ldap_tls_ca_file = $T/ldapca.crt\nkeys_ldap_bind_dn = cn=gateway,$suffix\n" .
	"keys_ldap_password_file = $site/ldap.password\nkeys_ldap_private = yes\nkeys_ldap_absent_lifetime = 0\n");
openssl('pkcs12', '-export', '-in', "$site/alice.pem", '-inkey', "$site/alice.key", '-passout', 'pass:central', '-out', "$T/alice.p12");
ok(add($node[0], person('bob', 'bob@partner.example', 'userCertificate;binary' => der_of("$site/bob.pem")) .
	person('alice', 'alice@behoerde.example', 'userCertificate;binary' => der_of("$site/alice.pem"), userPKCS12 => slurp("$T/alice.p12"))),
	'written on the first node');

sub postern {
	my ($client, $sender, $recipient, $text) = @_;
	put("$T/message", $text);
	my $out = `$BUILD/postern -c $site/postern.conf -client $client -sender $sender -queue-id T1 -readmail $recipient < $T/message 2>&1`;
	return ($? >> 8, $out);
}
sub newest {
	my ($maildir) = @_;
	my @files = sort { -M $a <=> -M $b } glob "$site/$maildir/new/*";
	return @files ? $files[0] : undef;
}
sub clear { unlink glob "$site/$_[0]/new/*" }
sub send_to {
	my ($who) = @_;
	clear('external');
	my ($code, $out) = postern('10.0.0.1', 'alice@behoerde.example', $who,
		"From: alice\@behoerde.example\nTo: " . join(', ', split / /, $who) . "\nSubject: offer\n\nThe secret number is 4711.\n");
	return ($code, $out, newest('external'));
}
sub opens { # what is inside a message sealed for bob or carol
	my ($file, $who) = @_;
	my $inner = `openssl cms -decrypt -in $file -recip $site/$who.pem -inkey $site/$who.key 2>&1 | openssl cms -verify -CAfile $site/ca.pem 2>/dev/null`;
	return $inner;
}
sub on { # whether a node has an entry
	my ($n, $mail) = @_;
	return `ldapsearch -LLL -ZZ -x -H $n->{uri} -b $suffix mail=$mail dn 2>&1` =~ /^dn:/m;
}

wait_for('the second node to have it', sub { on($node[1], 'alice@behoerde.example') });
pass('and read on the second');

# Who connects to the first node to look for somebody; the replication has a bind of its own.
sub gateways { return scalar(() = slurp("$node[0]{dir}/log") =~ /BIND dn="cn=gateway,[^"]*" method=/g) }
my $before = gateways();
my ($code, $out, $file) = send_to('bob@partner.example');
is(gateways() - $before, 1, 'a message that goes out makes one connection');
is($code, 0, 'outgoing, FE and FS: sent') or diag $out, slurp("$site/log");
like(opens($file, 'bob'), qr/secret number is 4711/, 'sealed for the partner, signed with the key of userPKCS12') if $file;
unlike(slurp($file), qr/4711/, 'and not readable') if $file;

$before = gateways();
($code, $out) = send_to(join ' ', 'bob@partner.example', map { "x$_\@other.example" } 1 .. 60);
is(gateways() - $before, 1, 'one to 61 recipients as well, whose certificates are asked for and our key');
is($code, 0, '  sent') or diag $out;

sub receive { # signed by bob, whose certificate is not in it, and sealed
	clear('internal');
	put("$T/text", "Content-Type: text/plain\n\nThe answer is 42.\n");
	openssl('cms', '-sign', '-nocerts', '-in', "$T/text", '-signer', "$site/bob.pem", '-inkey', "$site/bob.key", '-out', "$T/inner");
	openssl('cms', '-encrypt', '-aes256', '-in', "$T/inner", '-out', "$T/sealed", '-from', 'bob@partner.example', '-to', 'alice@behoerde.example',
		'-subject', 'answer', "$site/alice.pem");
	my ($code, $out) = postern('192.0.2.1', 'bob@partner.example', 'alice@behoerde.example', slurp("$T/sealed"));
	return ($code, $out, newest('internal'));
}
$before = gateways();
($code, $out, $file) = receive();
is(gateways() - $before, 1, 'and so does one that comes in');
is($code, 0, 'incoming: delivered') or diag $out;
like($file ? slurp($file) : '', qr/The answer is 42/, 'opened with the key of userPKCS12');
like($file ? slurp($file) : '', qr/signer=bob\@partner\.example;.* verdict=valid/s, '  and verified with the certificate that stands there');

my $report = `'$BUILD/postern-module-check' -strict -c '$site/postern.conf' -address bob\@partner.example -own alice\@behoerde.example keys-ldap 2>&1`;
is($?, 0, 'keeps to the protocol') or diag $report;

# ---- one node stops, in the middle of whatever it does ----

end_server($node[0]{pid}, 'KILL');
($code, $out, $file) = send_to('bob@partner.example');
is($code, 0, 'the first node is stopped: sent');
like(opens($file, 'bob'), qr/secret number is 4711/, 'sealed all the same') if $file;
ok(add($node[1], person('carol', 'carol@partner.example', 'userCertificate;binary' => der_of("$site/carol.pem"))), 'written on the second node meanwhile');
($code, $out, $file) = send_to('carol@partner.example');
is($code, 0, 'and used');
like(opens($file, 'carol'), qr/secret number is 4711/, 'for a new partner') if $file;

end_server($node[1]{pid}, 'KILL');
($code, $out, $file) = send_to('bob@partner.example');
is($code, 75, 'both are stopped: the mail waits');
is($file, undef, 'nothing is sent');
like($out, qr/^4\./, 'for a while');
($code, $out, $file) = receive();
is($code, 75, 'so does mail from outside, which nobody can open now');

Slapd::run_slapd($node[0], '-F', "$node[0]{dir}/slapd.d");
ok(!on($node[0], 'carol@partner.example'), 'the first is back, alone, and does not know what it has missed');
Slapd::run_slapd($node[1], '-F', "$node[1]{dir}/slapd.d");
wait_for('the first node to learn it', sub { on($node[0], 'carol@partner.example') });
pass('until the second is back');
end_server($node[1]{pid}, 'KILL');
($code, $out, $file) = send_to('carol@partner.example');
is($code, 0, 'now the second may be stopped');
like(opens($file, 'carol'), qr/secret number is 4711/, 'and nothing is missing') if $file;
done_testing();
