# KeysSql.pm - what keys-sql must do whatever the database is: the same questions to SQLite and to PostgreSQL; with all of KeysFile
#
# A test sets $site (a name, and the site's folder in $T) and $where (keys_sql_database), and calls all_of_it() with a function that
# asks the database itself.
package KeysSql;
use strict;
use warnings;
use Exporter 'import';
use JSON::PP;
use KeysFile;
use MIME::Base64;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);

our @EXPORT = (@KeysFile::EXPORT, qw(@ca $site $where $said $status $migrations all_of_it conf conformance keys_sql mail_conf names once other_ways patient
	reading_only signature_of start_sql store through_postern who));
plan(skip_all => 'keys-sql is not built (SQLite)'), exit 0 unless -x "$BUILD/keys-sql";

# ---- certificates, made once ----

my @usage = (ext => "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment,keyAgreement\n");
our @ca = (ext => "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n");
certificate('root', @ca);
certificate('middle', ca => 'root', @ca);
certificate('office', address => 'Office@example.org', ca => 'middle', days => 300);
put("$T/renewed.key", slurp("$T/office.key"));
certificate('house', address => '@example.org');
certificate('rsa', address => 'rsa@example.org', key => ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']);
certificate('bob', address => 'bob@partner.example');
certificate('bob2', address => 'bob@partner.example');
certificate('gate', address => 'gate@partner.example');
certificate('newcomer', address => 'new@partner.example');
certificate('quote', address => q(o\\'neil@partner.example,email:quote@xn--bcher-kva.example));
sleep 0.05 while time == (stat "$T/office.crt")[9]; # certificates count in seconds
certificate('renewed', address => 'office@example.org', ca => 'middle', days => 400); # the same key
my %der = map { $_ => der_of("$T/$_.crt") } qw(root middle office renewed house rsa bob bob2 gate newcomer quote);
openssl('pkcs12', '-export', '-in', "$T/rsa.crt", '-inkey', "$T/rsa.key", '-passout', 'pass:geheim', '-out', "$T/rsa.p12");
put("$T/office.pem", slurp("$T/office.crt") . slurp("$T/office.key"), 0600);
put("$T/renewed.pem", slurp("$T/renewed.crt") . slurp("$T/renewed.key"), 0600);
put("$T/house.pem", slurp("$T/house.key") . slurp("$T/house.crt"), 0600);
mkdir "$T/partners";
mkdir "$T/partners/\@partner.example";
put("$T/partners/bob.pem", slurp("$T/bob.crt"));
put("$T/partners/\@partner.example/gate.der", $der{gate});
put("$T/partners/rubbish.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
openssl('dgst', '-sha256', '-binary', '-out', "$T/digest", "$T/office.crt");
# of exactly 64 KB, and a byte more; RSA signatures are always as long
put("$T/size$_.key", slurp("$T/rsa.key")) for 0 .. 2;
sub sized { my ($name, $n) = @_; certificate($name, serial => '0x7171', ext => 'nsComment=' . 'c' x $n . "\n"); return $der{$name} = der_of("$T/$name.crt") }
my $around = length(sized('size0', 60000)) - 60000;
sized("size$_", 65535 + $_ - $around) for 1, 2;
my $digest = b64(slurp("$T/digest"));

# ---- helpers ----

our $migrations = "$SRC/etc/sql";
our ($site, $where); # of the database under test

sub conf { # lines of the site's configuration, besides the database
	my ($name, @lines) = @_;
	my $d = "$T/$site";
	return put("$d/$name.conf", "hostname = mx.example.org\nadmin = postmaster\@example.org\nlocal_domains = example.org\n" .
		"external = maildir:$d/out\ninternal = maildir:$d/in\nspool = $d/spool\nlog = stderr\nkeys_modules = keys-sql\n" .
		"passphrase_file = $T/passphrase\n" . join '', map { "$_\n" } @lines,
		(grep { /^keys_sql_database/ } @lines) ? () : "keys_sql_database = $where",
		(grep { /^keys_sql_migrations/ } @lines) ? () : "keys_sql_migrations = $migrations");
}

our ($status, $said);
sub keys_sql { # arguments -> output; $status, $said (standard error)
	my @arguments = @_;
	my $pid = open(my $p, '-|') // die;
	if (!$pid) {
		open STDERR, '>', "$T/said";
		exec "$BUILD/keys-sql", @arguments or POSIX::_exit(127);
	}
	local $/;
	my $out = <$p>;
	close $p;
	($status, $said) = ($? >> 8, slurp("$T/said"));
	return $out // '';
}

my %name_of = map { $der{$_} => $_ } keys %der;
sub names { # whose certificates an answer holds
	return join ' ', map { ($name_of{decode_base64($_)} // '?') } $_[0] =~ m{<certificate\b[^>]*>([^<]*)</certificate>}g;
}
sub names_of { # of an answer to list-keys
	my ($answer, $use) = @_;
	return join ' ', sort map { $name_of{decode_base64($_)} // '?' } $answer =~ m{<own source="sql:[^"]*" use="$use">([^<]*)</own>}g;
}
sub who { my ($c, $address) = @_; my $a = ask($c, 'find-certificates', '', "<address>$address</address>"); return refused($a) || names($a) }
sub by { my ($c, $attributes) = @_; my $a = ask($c, 'find-certificates', '', "<by $attributes/>"); return refused($a) || names($a) }
sub signers { my ($c, $address) = @_; my $a = ask($c, 'find-keys', "for=\"sign\" address=\"$address\""); return refused($a) || names($a) }
sub id_of { my ($der) = @_; return 'issuer="' . b64(issuer_of($der)) . '" serial="' . hex_serial($der) . '"' }
sub start_sql { return start($_[0], module => 'keys-sql') }
sub once { # one question in a conversation of its own
	my ($config, $question, @rest) = @_;
	my $c = start_sql($config);
	my $answer = $question->($c, @rest);
	finish($c);
	return $answer;
}
sub store {
	my ($c, $name, $attributes) = @_;
	my $a = ask($c, 'store-certificate', $attributes, b64($der{$name}));
	return refused($a) || ($a =~ /<stored area="([^"]*)" state="([^"]*)"(?: with="[^"]*")?\/>/ ? "$1 $2" : $a =~ m{/>$|></result>$} ? 'nothing' : $a);
}
sub signature_of {
	my ($c, $id, $name) = @_;
	my $a = ask($c, 'sign', "key=\"$id\" mechanism=\"" . ($name eq 'rsa' ? 'rsa-pkcs1' : 'ecdsa') . '" digest="sha256"', $digest);
	return refused($a) unless $a =~ m{<signature>([^<]*)<};
	put("$T/signature", decode_base64($1));
	openssl('x509', '-in', "$T/$name.crt", '-pubkey', '-noout', '-out', "$T/$name.pub");
	return eval { openssl('pkeyutl', '-verify', '-pubin', '-inkey', "$T/$name.pub", '-in', "$T/digest", '-sigfile', "$T/signature",
		'-pkeyopt', 'digest:sha256'); 1 } ? 'good' : 'bad';
}

# A conversation with a short time limit, which a busy machine may need more than one attempt to begin.
sub patient {
	my ($config) = @_;
	for (1 .. 100) {
		my $c = start_sql($config);
		return $c if who($c, 'bob@partner.example') eq 'bob gate';
		finish($c);
	}
	die "$site: no answer in 100 attempts";
}

# ---- what every database must do ----

# slow: a statement that ends a script and does not end by itself; is_in_it: whether it is under way; afterwards: ends it where it still is
sub schema {
	my ($query, $slow, $is_in_it, $afterwards) = @_;
	my $config = conf('postern');
	keys_sql('-check', '-c', $config);
	is($status, 75, "$site: no schema: -check says so");
	like($said, qr/-migrate/, "$site: ... and what to do");
	is(once($config, \&who, 'bob@partner.example'), 'configuration temporary', "$site: no schema: mail waits");

	mkdir "$T/$site/broken";
	put("$T/$site/broken/001-x.sql", slurp("$migrations/001-certificates.sql") . "CREATE TABLE half (x TEXT);\nCREATE TABLE half (x TEXT);\n");
	keys_sql('-migrate', '-c', conf('broken', "keys_sql_migrations = $T/$site/broken"));
	is($status, 75, "$site: a migration that fails");
	mkdir "$T/$site/first";
	put("$T/$site/first/001-x.sql", slurp("$migrations/001-certificates.sql"));
	keys_sql('-migrate', '-c', conf('first', "keys_sql_migrations = $T/$site/first"));
	like($said, qr/no file 002-/, "$site: ... left nothing behind: the first one can be applied, the second is missing");
	is(once($config, \&who, 'bob@partner.example'), 'configuration temporary', "$site: version 1 is too old");
	keys_sql('-list', '-c', $config);
	like($said, qr/version 1 is too old.*-migrate/, "$site: ... and what to do");
	# version 1 with what somebody has put there; the step to 2 is killed in the middle, when its last statement waits or works
	$query->("INSERT INTO certificates SELECT '1', " . literal($der{bob}) . ", 'x', 'x', 'x', 'x', 'x', 'x', 'x'");
	mkdir "$T/$site/slow";
	put("$T/$site/slow/002-x.sql", slurp("$migrations/002-own-keys.sql") . $slow);
	my $killed = fork // die;
	exec "$BUILD/keys-sql", '-migrate', '-c', conf('slow', "keys_sql_migrations = $T/$site/slow") or POSIX::_exit(127) if !$killed;
	sleep 0.01 until $is_in_it->() || waitpid($killed, POSIX::WNOHANG()) == $killed;
	kill 'KILL', $killed;
	waitpid $killed, 0;
	$afterwards->() if $afterwards;
	keys_sql('-list', '-c', $config);
	like($said, qr/version 1 is too old/, "$site: killed in the middle of a step: nothing of it is there");
	like(keys_sql('-migrate', '-c', $config), qr/\A[^\n]*002-own-keys\.sql: applied\n[^\n]*schema version 2\n\z/, "$site: the second file alone");
	like(keys_sql('-migrate', '-c', $config), qr/\A[^\n]*schema version 2\n\z/, "$site: migrating again changes nothing");
	is($status, 0, "$site: ... and is no error");
	is($query->('SELECT COUNT(*) FROM certificates'), '1', "$site: ... and what was there still is");
	$query->('DELETE FROM certificates');
}

sub importing {
	my ($query) = @_;
	my $config = conf('postern');
	unlink "$T/passphrase";
	keys_sql('-import', '-c', $config, '-area', 'private', "$T/office.pem");
	is($status, 75, "$site: no passphrase: own keys are not stored");
	like($said, qr/-clear/, "$site: ... unless the operator says so");
	put("$T/passphrase", "geheim\n", 0600);
	is(keys_sql('-import', '-c', $config, '-area', 'private', map { "$T/$_" } qw(office.pem renewed.pem house.pem rsa.p12)),
		"private: 4 certificates and 4 keys of 4 files, 0 failures\n", "$site: imports PEM and PKCS#12");
	is(keys_sql('-import', '-c', $config, "$T/partners", "$T/quote.crt"), "public: 3 certificates and 0 keys of 4 files, 1 failures\n",
		"$site: imports a folder, passes over what is none");
	is($status, 1, "$site: ... and says so");
	like($said, qr/rubbish\.pem/, "$site: ... by name");
	keys_sql('-import', '-c', $config, '-area', 'ca', "$T/root.crt", "$T/middle.crt");
	is($status, 0, "$site: imports CAs");
	is($query->($site eq 'sqlite' ? 'SELECT COUNT(DISTINCT tbl) FROM sqlite_stat1' : "SELECT COUNT(DISTINCT tablename) FROM pg_stats WHERE schemaname = 'public'" .
		" AND tablename IN ('addresses', 'certificates', 'placements', 'own_keys')"), '4', "$site: ... and has the rows counted, for the planner");
	is($query->("SELECT COUNT(*) FROM own_keys WHERE sealed LIKE '-----BEGIN ENCRYPTED PRIVATE KEY-----%'"), '3', "$site: keys are sealed");
	is($query->("SELECT address FROM addresses WHERE address LIKE '\@%' ORDER BY 1"), "\@example.org\n\@partner.example", "$site: whole domains");
	my $list = keys_sql('-list', '-c', $config);
	like($list, qr/^private \w{16} \d{4}-\d\d-\d\d \d{4}-\d\d-\d\d office\@example\.org key:passphrase$/m, "$site: -list");
	my $json = keys_sql('-list', '-json', '-c', $config, '-area', 'public');
	my $listed = JSON::PP->new->utf8->decode($json);
	is_deeply([ sort map { "$_->{area} @{$_->{addresses}}" } @$listed ], [ 'public @partner.example gate@partner.example',
		'public bob@partner.example', q(public o'neil@partner.example quote@xn--bcher-kva.example) ],
		"$site: -list -json -area");
	# the folder of keys-file with its archive; a renewed certificate may have the key of one that is archived
	mkdir "$T/own$_", 0700 for '', '/decrypt-only';
	put("$T/own/renewed.pem", slurp("$T/renewed.pem"), 0600);
	put("$T/own/decrypt-only/$_", slurp("$T/$_"), 0600) for qw(office.pem rsa.p12);
	is(keys_sql('-import', '-c', $config, '-area', 'private', "$T/own"), "private: 3 certificates and 3 keys of 3 files, 0 failures\n", "$site: imports an archive");
	$list = keys_sql('-list', '-c', $config);
	like($list, qr/ rsa\@example\.org key:passphrase decrypt-only$/m, "$site: ... of keys that only decrypt");
	is(() = $list =~ / office\@example\.org key:passphrase$/mg, 2, "$site: ... but not one that a newer certificate signs with");
	keys_sql('-import', '-c', $config, '-area', 'private', "$T/rsa.p12");
	unlike(keys_sql('-list', '-c', $config), qr/decrypt-only/, "$site: imported anew it signs again");
	keys_sql('-import', '-c', $config, $_->[0], $_->[1], "$T/bob.crt"), is($status, 64, "$site: refused: @$_")
		for ['-area', 'untrusted'], ['-domain', 'partner.example'], ['-no', 'such'];
	like(keys_sql('-check', '-c', $config), qr/^3 own keys, 0 of no use$/m, "$site: -check opens the keys");
}

sub finding {
	my ($query) = @_;
	my $c = start_sql(conf('postern'));
	like($c->{hello}, qr/name="keys-sql"/, "$site: says hello");
	is(who($c, 'Bob@PARTNER.example'), 'bob gate', "$site: by address, then by domain");
	is(who($c, 'who@partner.example'), 'gate', "$site: by domain");
	is(who($c, 'who@sub.partner.example'), 'not-found permanent', "$site: a domain is not its subdomain");
	is(who($c, 'office@example.org'), 'renewed office house', "$site: our own");
	my $a = ask($c, 'find-certificates', '', '<address>bob@partner.example</address><address>nobody@example.net</address><address>who@partner.example</address>');
	is(names($a), 'bob gate gate', "$site: several addresses in one question");
	for my $n (100, 101) { # so many go at once, and one more
		my @asked = map { "p$_\@partner.example" } 1 .. $n;
		my $many = ask($c, 'find-certificates', '', join '', map { "<address>$_</address>" } @asked);
		is_deeply([ $many =~ /<certificate for="([^"]*)"/g ], \@asked, "$site: $n addresses in one question");
	}
	like($a, qr/<certificate for="bob\@partner\.example" area="public" source="sql:[0-9a-f]{16} [^"]*bob\.pem" match="address">/, "$site: attributes");
	like($a, qr/for="who\@partner\.example"[^>]*match="domain"/, "$site: match");
	is(by($c, id_of($der{$_})), $_, "$site: $_ by issuer and serial number") for qw(bob middle house);
	is(by($c, 'key-id="' . $query->("SELECT key_id FROM certificates WHERE der = " . literal($der{gate})) . '"'), 'gate', "$site: by key identifier");
	is(by($c, 'issuer="' . b64(issuer_of($der{bob})) . '" serial="7f"'), 'not-found permanent', "$site: another serial number");

	# what strangers may write into an address
	for my $evil (q(x' OR '1'='1), q(bob@partner.example' OR '1'='1), q('; DROP TABLE certificates; --@partner.invalid), '%@%', '%', '_ob@partner.example',
			'bob@partner.example\\', '$1', '?1', "\xc3\xa4\@partner.example'--", '&quot;bob&quot;@x', 'a&#10;b@x', '@') {
		like(who($c, $evil), qr/^(not-found permanent|gate)$/, "$site: finds nothing for $evil");
	}
	is(who($c, q(o'neil@partner.example)), 'quote gate', "$site: a quote in an address");
	is(who($c, $_), 'quote', "$site: $_") for 'quote@xn--bcher-kva.example', "quote\@b\xc3\xbccher.example";
	is(refused(ask($c, 'find-keys', q(for="sign" address="x' OR 'a'='a"))), 'not-found permanent', "$site: nor for keys");
	is($query->('SELECT COUNT(*) FROM certificates'), '9', "$site: all is still there");
	is(who($c, 'a' x 309 . '@example.org'), 'bad-request permanent', "$site: an address of 321 bytes");
	is(who($c, 'a' x 308 . '@example.org'), 'house', "$site: ... of 320");
	is(finish($c), 0, "$site: ends with its input");
	is(log_of($c), '', "$site: and has nothing to say");
}

sub literal { my ($bytes) = @_; return $site eq 'sqlite' ? "x'" . unpack('H*', $bytes) . "'" : "'\\x" . unpack('H*', $bytes) . "'" }

sub own_keys {
	my ($query) = @_;
	my $c = start_sql(conf('postern'));
	my $a = ask($c, 'find-keys', 'for="sign" address="OFFICE@example.org"');
	my @keys = map { [ /<key id="([^"]*)"/, names($_), join ' ', map { $name_of{decode_base64($_)} // '?' } m{<chain>([^<]*)</chain>}g ] } $a =~ m{(<key .*?</key>)}gs;
	is_deeply([ map { "$_->[1]: $_->[2]" } @keys ], [ 'renewed: middle', 'office: middle', 'house: ' ], "$site: the newest first, with its chain")
		or diag $a;
	is(signature_of($c, $keys[0][0], 'renewed'), 'good', "$site: signs");
	is(signature_of($c, 'k99-none', 'renewed'), 'no-key permanent', "$site: not with a key that is none");
	is(signature_of($c, find_key($c, 'rsa@example.org'), 'rsa'), 'good', "$site: RSA, out of PKCS#12");

	# 45 recipients of a message: ours are the last of the first twenty, the first of the second, and the last
	my @other = map { sprintf '<recipient issuer="%s" serial="%04x"/>', b64(issuer_of($der{bob})), 0x1000 + $_ } 0 .. 44;
	@other[19, 20, 44] = map { '<recipient ' . id_of($der{$_}) . '/>' } qw(rsa office house);
	$a = ask($c, 'find-keys', 'for="decrypt"', join '', @other);
	is_deeply([ $a =~ /which="(\d+)"/g ], [ 19, 20, 44 ], "$site: keys of the recipients");
	is(names($a), 'rsa office house', "$site: ... and they are the right ones");
	is(refused(ask($c, 'find-keys', 'for="decrypt"', join '', @other[0 .. 18])), 'not-found permanent', "$site: none of ours");
	is(refused(ask($c, 'find-keys', 'for="decrypt"', '<recipient key-id="ab"/>' x 10000)), 'not-found permanent', "$site: 10000 recipients");
	is(refused(ask($c, 'find-keys', 'for="decrypt"', '<recipient key-id="ab"/>' x 10001)), 'limit permanent', "$site: ... and one");
	openssl('pkeyutl', '-encrypt', '-certin', '-inkey', "$T/rsa.crt", '-in', "$T/digest", '-out', "$T/wrapped");
	my ($rsa) = $a =~ /<key id="([^"]*)" which="19"/;
	$a = ask($c, 'unwrap', "key=\"$rsa\" mechanism=\"rsa-pkcs1\"", b64(slurp("$T/wrapped")));
	is($a =~ m{<secret>([^<]*)} ? decode_base64($1) : refused($a), slurp("$T/digest"), "$site: unwraps");
	openssl('pkey', '-in', "$T/bob.key", '-pubout', '-outform', 'DER', '-out', "$T/peer.der");
	openssl('x509', '-in', "$T/house.crt", '-pubkey', '-noout', '-out', "$T/house.pub");
	openssl('pkeyutl', '-derive', '-inkey', "$T/bob.key", '-peerkey', "$T/house.pub", '-out', "$T/shared");
	my $house = (grep { $_->[1] eq 'house' } @keys)[0][0];
	$a = ask($c, 'agree', "key=\"$house\" mechanism=\"ecdh\"", b64(slurp("$T/peer.der")));
	is($a =~ m{<secret>([^<]*)} ? decode_base64($1) : refused($a), slurp("$T/shared"), "$site: agrees");
	finish($c);
	my $narrow = start(conf('postern'), module => 'keys-sql', operations => 'find-keys unwrap');
	is(signature_of($narrow, find_key($narrow, 'rsa@example.org'), 'rsa'), 'narrowed permanent', "$site: a narrowed conversation does not sign");
	finish($narrow);

	my $list = start(conf('postern'), module => 'keys-sql', operations => 'list-keys');
	$a = ask($list, 'list-keys', 'from="0"');
	is(names_of($a, 'sign'), 'house office renewed rsa', "$site: lists our keys");
	my ($from) = $a =~ m{<more from="([^"]*)"/>};
	unlike(ask($list, 'list-keys', 'from="' . ($from // '') . '"'), qr/<own|<more/, "$site: ... and no more behind them");
	finish($list);

	# sealed in other ways
	put("$T/passphrase", "another\n", 0600);
	$c = start_sql(conf('postern'));
	is(signature_of($c, find_key($c, 'rsa@example.org'), 'rsa'), 'passphrase-needed temporary', "$site: another passphrase: mail waits");
	finish($c);
	$c = start(conf('postern'), module => 'keys-sql', operations => 'find-keys sign unlock');
	my $give = sub { refused(ask($c, 'unlock', '', '<passphrase>' . b64($_[0]) . '</passphrase>')) };
	is($give->('wrong'), '', "$site: somebody gives a passphrase");
	is(signature_of($c, find_key($c, 'rsa@example.org'), 'rsa'), 'passphrase-needed temporary', "$site: ... a wrong one");
	is($give->('geheim'), '', "$site: and once more");
	is(signature_of($c, find_key($c, 'rsa@example.org'), 'rsa'), 'good', "$site: ... and it opens");
	is($give->('x' x 1025), 'bad-request permanent', "$site: ... of 1025 bytes");
	finish($c);
	like(keys_sql('-check', '-c', conf('postern')), qr/^key \w{16}: .*private key of rsa\@example\.org is sealed, and the central passphrase does not/m,
		"$site: ... and -check says whose");
	is($status, 1, "$site: ... with its status");
	put("$T/passphrase", "geheim\n", 0600);
	put("$T/short.key", 'k' x 31 . "\n", 0600);
	keys_sql('-import', '-c', conf('short', "keys_sql_key_file = $T/short.key"), '-area', 'private', "$T/rsa.p12");
	is($status, 75, "$site: a key file of 31 characters");
	put("$T/key.file", 'k' x 32 . "\n", 0600);
	my $config = conf('keyfile', "keys_sql_key_file = $T/key.file");
	keys_sql('-import', '-c', $config, '-area', 'private', '-decrypt-only', "$T/rsa.p12");
	is($status, 0, "$site: one of 32, which seals the key again");
	is($query->("SELECT COUNT(*) FROM own_keys WHERE protection = 'key-file'"), '1', "$site: the word for it");
	is(once($config, \&signers, 'rsa@example.org'), 'house', "$site: a key that only decrypts signs no more");
	like(once($config, \&ask, 'find-keys', 'for="sign" address="rsa@example.org"'), qr{<passed-over source="sql:[^"]*rsa\.p12" reason="decrypt-only">.*<key }s,
		"$site: ... which is said");
	is(once($config, \&who, 'rsa@example.org'), 'house', "$site: ... nor is its certificate offered to encrypt to");
	is(once($config, \&by, id_of($der{rsa})), 'rsa', "$site: ... though it is known");
	$list = start($config, module => 'keys-sql', operations => 'list-keys');
	is(names_of(ask($list, 'list-keys', ''), 'decrypt'), 'rsa', "$site: ... nor says that it does");
	finish($list);
	$c = start_sql($config);
	$a = ask($c, 'find-keys', 'for="decrypt"', '<recipient ' . id_of($der{rsa}) . '/>');
	is(signature_of($c, $a =~ /<key id="([^"]*)"/, 'rsa'), 'good', "$site: the key file opens it");
	finish($c);
	chmod 0644, "$T/key.file";
	is(once($config, sub { my $f = ask($_[0], 'find-keys', 'for="decrypt"', '<recipient ' . id_of($der{rsa}) . '/>');
		signature_of($_[0], $f =~ /<key id="([^"]*)"/, 'rsa') }), 'configuration temporary', "$site: not one that others may read");
	put("$T/other.file", 'o' x 32 . "\n", 0600);
	is(once(conf('otherkey', "keys_sql_key_file = $T/other.file"), sub { my $f = ask($_[0], 'find-keys', 'for="decrypt"', '<recipient ' . id_of($der{rsa}) . '/>');
		signature_of($_[0], $f =~ /<key id="([^"]*)"/, 'rsa') }), 'configuration temporary', "$site: nor another one, which nobody can say");
	keys_sql('-import', '-c', conf('postern'), '-area', 'private', '-clear', "$T/rsa.p12");
	is($query->("SELECT COUNT(*) FROM own_keys WHERE protection = 'none' AND sealed LIKE '-----BEGIN PRIVATE KEY-----%'"), '1', "$site: -clear");
}

sub storing {
	my ($query) = @_;
	my $c = start_sql(conf('postern'));
	my $new = 'area="seen" address="new@partner.example"';
	is(store($c, 'newcomer', $new), 'seen new', "$site: stores");
	is(store($c, 'newcomer', $new), 'seen known', "$site: knows");
	is(who($c, 'new@partner.example'), 'gate', "$site: what was seen is not used to encrypt");
	is(by($c, id_of($der{newcomer})), 'newcomer', "$site: ... but to know a signer");
	is(store($c, 'newcomer', 'area="public" address="new@partner.example"'), 'public new', "$site: publishes");
	is(who($c, 'new@partner.example'), 'newcomer gate', "$site: ... and it is used");
	is(store($c, 'newcomer', $new), 'public known', "$site: published is known");
	is(store($c, 'bob2', 'area="public" address="bob@partner.example"'), 'seen conflict', "$site: another certificate for an address");
	is(store($c, 'bob2', 'area="public" address="bob@partner.example"'), 'seen known', "$site: ... which is said once");
	is(who($c, 'bob@partner.example'), 'bob gate', "$site: ... and replaces nothing");
	is($query->('SELECT address FROM conflicts'), 'bob@partner.example', "$site: ... and is noted");
	like(keys_sql('-list', '-c', conf('postern'), '-area', 'seen'), qr/bob\@partner\.example conflict:[0-9a-f]{16}$/m, "$site: ... and listed");
	is(store($c, 'bob', 'area="trusted" address="bob@partner.example"'), 'bad-request permanent', "$site: nothing into trusted");
	is(refused(ask($c, 'store-certificate', 'area="seen" address="x@example.net"', b64($der{bob} . 'x'))), 'bad-request permanent', "$site: rubbish behind it");
	is(refused(ask($c, 'store-certificate', 'area="seen" address="x@example.net"', b64("\x30\x82"))), 'bad-request permanent', "$site: rubbish");

	is(refused(ask($c, 'store-certificate', 'area="seen" address="x@example.net"', b64($der{size1}))), '', "$site: a certificate of 65536 bytes");
	is(refused(ask($c, 'store-certificate', 'area="seen" address="x@example.net"', b64($der{size2}))), 'bad-request permanent', "$site: ... and one more");

	my $say = sub { store($c, 'newcomer', "area=\"seen\" address=\"New\@partner.example\" signed=\"$_[0]\" capabilities=\"" . b64($_[1]) . '"') };
	my $known = sub { ask($c, 'find-certificates', '', '<address>new@partner.example</address>') =~ /match="address" capabilities="([^"]*)"/ ? decode_base64($1) : '-' };
	is($known->(), '-', "$site: nothing was said yet");
	$say->('2026-01-02T00:00:00Z', 'b');
	is($known->(), 'b', "$site: capabilities");
	$say->('2026-01-01T00:00:00Z', 'a');
	is($known->(), 'b', "$site: an older message changes nothing");
	$say->('2026-01-03T00:00:00Z', 'c');
	is($known->(), 'c', "$site: a newer one does");
	$say->('9999-01-01T00:00:00Z', 'd');
	is($known->(), 'd', "$site: one from the future counts as now");
	is($query->("SELECT COUNT(*) FROM capabilities WHERE said > '2900'"), '0', "$site: ... and can be replaced");
	is($say->('2026-01-04T00:00:00Z', 'x' x 8192), 'public known', "$site: capabilities of 8 KB");
	is($say->('2026-01-04T00:00:00Z', 'x' x 8193), 'bad-request permanent', "$site: ... and a byte");
	finish($c);
}

# What somebody wrote into the tables by hand.
sub by_hand {
	my ($query) = @_;
	certificate('inside', address => 'inside@hand.example');
	(my $inside = der_of("$T/inside.crt")) =~ s/\x06(?=\x07\x2a\x86\x48\xce\x3d\x02\x01)/\x05/ or die; # whole outside, its key's algorithm is none
	certificate('latin', address => 'latin@hand.example');
	$name_of{der_of("$T/latin.crt")} = 'latin';
	my %rows = ((map { $_->[0] => literal($_->[1]) } ['rubbish', "\x00\xff0"], ['empty', ''], ['foreign', $der{bob}], ['inside', $inside],
		['latin', der_of("$T/latin.crt")]), huge => $site eq 'sqlite' ? 'zeroblob(3000000)' : "decode(repeat('00', 3000000), 'hex')");
	my $latin = $site eq 'sqlite' ? q(CAST(x'6de4' AS TEXT)) : q('m?'); # of which PostgreSQL takes no other text than UTF-8
	my $number = 0;
	for (sort keys %rows) {
		my $sha = sprintf '%016x%048x', ++$number, 0;
		$query->("INSERT INTO certificates (sha256, der, issuer_serial, key_id, subject, public_key, not_before, not_after, added) VALUES ('$sha', " .
			"$rows{$_}, 'x', 'x', 'x', 'x', '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z', '2026-01-01T00:00:00Z')");
		$query->("INSERT INTO addresses (address, sha256) VALUES ('$_\@hand.example', '$sha')");
		$query->("INSERT INTO placements (sha256, area, source, added) VALUES ('$sha', 'public', " . ($_ eq 'latin' ? $latin : q('my hand')) . ", '2026-01-01T00:00:00Z')");
	}
	my $report = keys_sql('-check', '-c', conf('postern'));
	is(() = $report =~ /^row sql:\w{16}: no certificate$/mg, 4, "$site: -check names rows that are no certificate"); # empty huge inside rubbish
	is(() = $report =~ /^row sql:\w{16}: its columns are not those of the certificate$/mg, 2, "$site: ... or have other columns");
	is($status, 1, "$site: ... and says so");
	$query->("INSERT INTO addresses SELECT 'else\@hand.example', sha256 FROM certificates WHERE der = " . literal($der{bob}) . " AND sha256 NOT LIKE '00%'");
	like(keys_sql('-check', '-c', conf('postern')), qr/^row sql:\w{16}: a certificate that does not name else\@hand\.example\n7 broken rows/m, "$site: ... or another address");
	$query->("DELETE FROM addresses WHERE address = 'else\@hand.example'");
	my $c = start_sql(conf('postern'));
	is(who($c, "$_\@hand.example"), 'not-found permanent', "$site: $_ in the tables is passed over") for grep { $_ ne 'latin' } sort keys %rows;
	like(ask($c, 'find-certificates', '', '<address>latin@hand.example</address>'), qr/<certificate for="latin\@hand\.example" area="public" source="sql:[0-9a-f]{16} m\?" /,
		"$site: what is no UTF-8 harms nobody");
	is(names(ask($c, 'find-certificates', '', '<address>rubbish@hand.example</address><address>gate@partner.example</address>')), 'gate',
		"$site: ... and does no harm to others");
	finish($c);
	like(log_of($c), qr/my hand: no certificate, though it stands there for $_\@hand\.example, passed over/, "$site: ... $_ with a line in the log") for qw(rubbish empty inside huge);
	like(log_of($c), qr/my hand: a certificate that does not name foreign\@hand\.example, passed over/, "$site: ... and a foreign one");
	# in the place of our own
	$c = start_sql(conf('postern'));
	$query->("UPDATE certificates SET public_key = (SELECT public_key FROM certificates WHERE der = " . literal($der{office}) . "), issuer_serial = " .
		"(SELECT issuer_serial FROM certificates WHERE der = " . literal($der{office}) . ") WHERE sha256 LIKE '000000%'");
	$query->("UPDATE placements SET area = 'private' WHERE sha256 LIKE '000000%'");
	is(signers($c, 'inside@hand.example'), 'not-found permanent', "$site: ... nor as a key of ours");
	is(names(ask($c, 'find-keys', 'for="decrypt"', '<recipient ' . id_of($der{office}) . '/>')), 'office', "$site: ... to decrypt, either");
	finish($c);
	like(log_of($c), qr/my hand: no certificate, though it stands there for one of ours, passed over/, "$site: ... with a line");
	like(log_of($c), qr/my hand: not the certificate that its columns say, passed over/, "$site: ... each");
	# in the place of an issuer
	$c = start_sql(conf('postern'));
	$query->("UPDATE certificates SET subject = (SELECT subject FROM certificates WHERE der = " . literal($der{middle}) . ") WHERE sha256 LIKE '000000%'");
	like(ask($c, 'find-keys', 'for="sign" address="office@example.org"'), qr{</certificate><chain>\Q@{[b64($der{middle})]}\E</chain></key>}, "$site: ... nor as an issuer");
	finish($c);
	is(() = log_of($c) =~ /my hand: not the issuer's certificate that its columns say, left out of the chain/g, 5, "$site: ... with a line each, once");
	# many of them, for one address; and megabytes beside a good one
	for (1 .. 12) {
		my $sha = sprintf '%016x%048x', 100 + $_, 0;
		$query->("INSERT INTO certificates SELECT '$sha', der, 'x', 'x', 'x', 'x', '2027-01-01T00:00:00Z', not_after, added FROM certificates WHERE sha256 = '" .
			sprintf('%016x%048x', 1, 0) . "'"); # empty, and newer than the good one
		$query->("INSERT INTO addresses (address, sha256) VALUES ('bob\@partner.example', '$sha')");
		$query->("INSERT INTO placements (sha256, area, source, added) VALUES ('$sha', 'public', 'my hand', '')");
	}
	my $long = $site eq 'sqlite' ? 'hex(zeroblob(1500000))' : "repeat('x', 3000000)";
	$query->("UPDATE placements SET source = $long WHERE sha256 = (SELECT sha256 FROM certificates WHERE der = " . literal($der{bob}) . ')');
	$query->("INSERT INTO capabilities (address, said, der) VALUES ('bob\@partner.example', '2026-01-01T00:00:00Z', $rows{huge})");
	$c = start_sql(conf('postern'));
	is(who($c, 'bob@partner.example'), 'bob gate', "$site: a good one among them is found, whatever stands beside it");
	finish($c);
	is(() = log_of($c) =~ /^.*passed over$/mg, 10, "$site: ... ten lines");
	is(() = log_of($c) =~ /more rows are broken/g, 1, "$site: ... and one for the rest");
	$query->("DELETE FROM capabilities WHERE address = 'bob\@partner.example'");
	$query->("UPDATE placements SET source = 'bob.pem' WHERE sha256 = (SELECT sha256 FROM certificates WHERE der = " . literal($der{bob}) . ')');
	$query->("DELETE FROM $_ WHERE sha256 LIKE '000000%'") for qw(addresses placements certificates);
}

# Eight gateways, each with another certificate for one address and the same one for another address, at the same time.
my @rivals = map { certificate("rival$_", address => 'rival@partner.example'); $der{"rival$_"} = der_of("$T/rival$_.crt"); "rival$_" } 1 .. 8;
certificate('shared', address => 'shared@partner.example');
$der{shared} = der_of("$T/shared.crt");
$name_of{$der{$_}} = $_ for @rivals, 'shared';
sub rivalry {
	my ($query) = @_;
	my $config = conf('rivals', 'keys_sql_timeout = 25s');
	pipe my $go, my $start or die;
	my @children;
	for my $rival (@rivals) {
		my $pid = open(my $from, '-|') // die;
		if (!$pid) {
			close $start;
			my $c = start_sql($config);
			<$go>;
			print join(',', store($c, $rival, 'area="public" address="rival@partner.example"'),
				store($c, 'shared', 'area="public" address="shared@partner.example"')), "\n";
			STDOUT->flush;
			finish($c);
			POSIX::_exit(0);
		}
		push @children, $from;
	}
	close $start;
	my @said = map { my $f = $_; my $line = <$f> // 'died'; close $f; chomp $line; [ split /,/, $line ] } @children;
	is_deeply([ sort map { $_->[0] } @said ], [ 'public new', ('seen conflict') x 7 ], "$site: of eight at once one wins, the others wait for the administrator")
		or diag map { "@$_\n" } @said;
	is_deeply([ sort map { $_->[1] } @said ], [ ('public known') x 7, 'public new' ], "$site: the same one is stored once");
	is($query->("SELECT COUNT(*) FROM addresses a JOIN placements p ON p.sha256 = a.sha256 WHERE address = 'rival\@partner.example' AND area = 'public'"),
		'1', "$site: ... and one is published");
}

sub reading_only {
	my ($line) = @_;
	for my $way (['refuse', 'not-found permanent'], ['pass-over', 'nothing']) {
		my $c = start_sql(conf('replica', $line, "keys_sql_read_only = $way->[0]"));
		is(who($c, 'bob@partner.example'), 'bob gate', "$site: read-only: finds");
		is(signature_of($c, find_key($c, 'office@example.org'), 'renewed'), 'good', "$site: read-only: signs");
		is(store($c, 'root', 'area="seen" address="x@example.net"'), $way->[1], "$site: read-only: stores nothing ($way->[0])");
		is(store($c, 'root', 'area="public" address="x@example.net"'), $way->[1], "$site: read-only: ... twice");
		is(who($c, 'bob@partner.example'), 'bob gate', "$site: read-only: still finds");
		finish($c);
		is(() = log_of($c) =~ /not stored/g, 1, "$site: read-only: one line in the log");
	}
}

sub too_new {
	my ($query) = @_;
	$query->("INSERT INTO schema_versions (version, meaning) VALUES (3, 'of tomorrow')");
	is(once(conf('postern'), \&who, 'bob@partner.example'), 'configuration temporary', "$site: a schema of tomorrow: mail waits");
	keys_sql('-migrate', '-c', conf('postern'));
	is($status, 75, "$site: ... and is not migrated");
	like($said, qr/version 3 is newer than this program knows/, "$site: ... and why");
	$query->('DELETE FROM schema_versions WHERE version = 3');
	is(once(conf('postern'), \&who, 'bob@partner.example'), 'bob gate', "$site: with the right one it works again");
}

sub mail_conf { # further lines
	my $d = "$T/$site";
	return conf('mail', "areas = $d/certs", "rules_file = $d/rules", "module_directory = $d/modules", "verify_log = $d/verify.log",
		"profiles_file = $SRC/etc/profiles", 'internal_clients = 127.0.0.0/8', "mac_key_file = $d/mac.key", @_);
}

# Through the program: out, sealed, and the partner's answer in, opened.  The areas hold what the check module needs, and no key.
my $messages = 0;
sub through_postern {
	my ($replica) = @_;
	my $d = "$T/$site";
	my $how = $replica ? "$site, a replica" : $site;
	unlink glob "$d/*/new/*";
	mkdir $_, 0700 for map { "$d/certs/$_" } '', qw(public trusted untrusted private ca crl seen);
	put("$d/certs/ca/root.pem", slurp("$T/root.crt"));
	put("$d/certs/trusted/bob.pem", slurp("$T/bob.crt"));
	put("$d/rules", ". (to) \@partner\\.example\$ (do) FE, FS\n");
	mkdir "$d/modules";
	symlink "$BUILD/$_", "$d/modules/$_" for qw(rules-file check-path keys-file);
	put("$d/modules/keys-sql", "#!/bin/sh\necho started >>$d/started\nexec '$BUILD/keys-sql' \"\$@\"\n", 0755);
	unlink "$d/started";
	my $config = mail_conf();
	put("$T/mail", "From: office\@example.org\nTo: bob\@partner.example\nSubject: Offer\nMIME-Version: 1.0\nContent-Type: text/plain\n\nthe offer\n");
	my $run = sub {
		my ($file, $client, $from, $to) = @_;
		$messages++;
		system("'$BUILD/postern' -c '$config' -client $client -sender $from -queue-id Q$messages -readmail $to <'$file' >'$T/postern.out' 2>&1");
		return $? >> 8;
	};
	my $connections = sub { -e "$T/postgres.log" ? scalar(() = slurp("$T/postgres.log") =~ /connection authorized: .*application_name=postern keys-sql/g) : 0 };
	my $before = $connections->();
	is($run->("$T/mail", '127.0.0.1', 'office@example.org', 'bob@partner.example'), 0, "$how: a message goes out") or diag slurp("$T/postern.out");
	is($connections->() - $before, $site eq 'postgresql' ? 1 : 0, "$how: ... by one connection to a server, if there is one") unless $replica;
	$before = $connections->();
	my ($out) = glob "$d/out/new/*";
	ok($out && eval { openssl('cms', '-decrypt', '-in', $out, '-recip', "$T/bob.crt", '-inkey', "$T/bob.key", '-out', "$T/opened");
		openssl('cms', '-verify', '-in', "$T/opened", '-CAfile', "$T/root.crt", '-purpose', 'any', '-out', "$T/verified"); 1 }, "$how: sealed for the partner") or diag $@;
	like(-e "$T/verified" ? slurp("$T/verified") : '', qr/the offer/, "$how: ... and whole");
	put("$T/answer", "Content-Type: text/plain\r\n\r\nthe order\r\n");
	openssl('cms', '-sign', '-in', "$T/answer", '-signer', "$T/bob.crt", '-inkey', "$T/bob.key", '-out', "$T/answer.signed");
	openssl('cms', '-encrypt', '-in', "$T/answer.signed", '-out', "$T/answer.sealed", '-aes256', '-from', 'bob@partner.example', '-to', 'office@example.org',
		'-subject', 'Order', "$T/renewed.crt");
	is($run->("$T/answer.sealed", '192.0.2.1', 'bob@partner.example', 'office@example.org'), 0, "$how: the answer comes in") or diag slurp("$T/postern.out");
	is($connections->() - $before, $site eq 'postgresql' ? 1 : 0, "$how: ... by one, too") unless $replica;
	my ($in) = glob "$d/in/new/*";
	like($in ? slurp($in) : '', qr/smime=pass.*the order/s, "$how: ... opened and verified") or diag $in ? slurp($in) : 'nothing came';
	is(slurp("$d/started"), "started\n" x 2, "$how: one conversation for each message");
	unlink "$T/opened", "$T/verified";
	put("$d/both.conf", slurp($config) =~ s/^keys_modules.*/keys_modules = keys-file, keys-sql/mr);
	my $why = `'$BUILD/postern' -c '$d/both.conf' -explain -client 127.0.0.1 -sender rsa\@example.org -readmail bob\@partner.example <'$T/mail' 2>&1`;
	like($why, qr/^note: signing for office\@example\.org: passed over sql:\w+ \S*house\.pem: not the first$/m, "$how: -explain says what signs, and what does not");
	like($why, qr/^note: signing for office\@example\.org: passed over module keys-file: [^\n]*no key in \S*private signs for this address/m, "$how: ... and which module has none");
}

# The statements of keys-sql(8), as they stand there.
sub as_printed {
	my ($query) = @_;
	my @printed = slurp("$SRC/man/keys-sql.8") =~ /^((?:UPDATE|INSERT|DELETE) .*?;)$/msg;
	is(@printed, 4, "$site: statements in the manual page");
	my ($publish, $trust, $forget, $archive) = @printed;
	my $digits = substr $query->('SELECT sha256 FROM certificates WHERE der = ' . literal($der{rsa})), 0, 6;
	s/1f3a5b/$digits/ for @printed = ($publish, $trust, $forget, $archive);
	my $c = start_sql(conf('postern'));
	my $areas = sub { $query->("SELECT area FROM placements WHERE sha256 LIKE '$digits%' ORDER BY area") };
	is(store($c, 'rsa', 'area="seen" address="rsa@example.org"'), 'seen new', "$site: came by mail");
	$query->($printed[0]);
	is($areas->(), "private\npublic", "$site: published as printed");
	$query->($printed[1]);
	is($areas->(), "private\npublic\ntrusted", "$site: trusted as printed");
	unlike(signers($c, 'rsa@example.org'), qr/not-found/, "$site: it signs");
	$query->($printed[3]);
	is(signers($c, 'rsa@example.org'), 'house', "$site: kept to decrypt as printed");
	$query->(($site eq 'sqlite' ? 'PRAGMA foreign_keys = on; ' : '') . $printed[2]);
	is($areas->(), '', "$site: forgotten as printed");
	finish($c);
	keys_sql('-import', '-c', conf('postern'), '-area', 'private', "$T/rsa.p12");
}

# Three that migrate an empty database at once; and a DBA who runs the files himself.
sub other_ways {
	my ($fresh, $by_hand) = @_;
	my $config = conf('three', "keys_sql_database = $fresh");
	my @pids = map { my $pid = fork // die; if (!$pid) { open STDOUT, '>', '/dev/null'; exec "$BUILD/keys-sql", '-migrate', '-c', $config or POSIX::_exit(127) } $pid } 1 .. 3;
	is(join(' ', map { waitpid $_, 0; $? } @pids), '0 0 0', "$site: three migrate at once");
	is(once($config, \&who, 'bob@partner.example'), 'not-found permanent', "$site: ... and it can be used");
	is(once(conf('byhand', "keys_sql_database = $by_hand"), \&who, 'bob@partner.example'), 'not-found permanent', "$site: files applied by hand");
}

# What postern-module-check says of it.
sub conformance {
	my $config = conf('check', "module_directory = $BUILD");
	my $report = `'$BUILD/postern-module-check' -c '$config' -role keys -address bob\@partner.example -own rsa\@example.org keys-sql 2>&1`;
	is($?, 0, "$site: keeps to the protocol") or diag $report;
}

sub all_of_it {
	my ($query, $read_only, @slow) = @_;
	mkdir $_, 0700 for "$T/$site", "$T/$site/spool", "$T/$site/certs";
	schema($query, @slow);
	importing($query);
	finding($query);
	own_keys($query);
	storing($query);
	by_hand($query);
	rivalry($query);
	reading_only($_) for @$read_only;
	too_new($query);
	through_postern();
	as_printed($query);
}

1;
