#!/usr/bin/perl
# what a process that holds private keys does and does not, whichever module it is: it keeps to its narrowing, makes no core dump, is
# nobody's to look into, and forgets what it was given
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Pkcs11;
use MIME::Base64;
use Test::More;

my $sanitized = `nm $BUILD/keys-file 2>/dev/null` =~ /__asan_init/; # which needs to trace, and locks nothing
my $word = 'a-word-that-stands-nowhere-else-' . join '.', 1000 .. 1030; # long: pieces of memory of its size are seldom used again
my $config = site('process');
my $private = "$T/process/certs/private";
put("$T/process/passphrase", "$word\n", 0600);
for my $name (qw(alice rita)) {
	certificate($name, address => "$name\@example.org", $name eq 'rita' ? (key => ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']) : ());
	openssl('pkcs8', '-topk8', '-v2', 'aes-256-cbc', '-iter', 1000, '-in', "$T/$name.key", '-passout', "pass:$word", '-out', "$T/$name.sealed");
	put("$private/$name.pem", slurp("$T/$name.sealed") . slurp("$T/$name.crt"), 0600);
}
my %lines = ('keys-file' => '', 'keys-ldap' => "keys_ldap_uri = ldap://127.0.0.1:1\n", 'keys-sql' => "keys_sql_database = sqlite:$T/process/keys.db\n",
	'keys-smimea' => '');
my $tokens = !Pkcs11::missing();
if ($tokens) {
	tokens('One');
	on_token('One', 'alice', '01');
	on_token('One', 'rita', '02');
	Pkcs11::set_pin('One', '1111', $word);
	configure($config, tokens => { One => $word });
	$lines{'keys-pkcs11'} = slurp($config) =~ s/.*^(?=#pkcs11)//msr;
}
my @built = grep { -x "$BUILD/$_" } sort keys %lines;
sub conf { # a configuration for this module alone
	my ($module) = @_;
	return put("$T/process/$module.conf", slurp($config) =~ s/^#pkcs11.*//msr . "keys_modules = $module\n$lines{$module}");
}

# ---- an incoming message's conversation
my $digest = b64("\x01" x 32);
for my $module (@built) {
	my $c = start(conf($module), module => $module, operations => 'find-certificates find-keys unwrap agree');
	my $can = $c->{hello} =~ /operations="[^"]*\bsign\b/;
	my $no = $can ? 'narrowed permanent' : 'unknown-operation permanent';
	my @sign = ('sign', 'key="k" mechanism="ecdsa" digest="sha256"', $digest);
	is(refused(ask($c, @sign)), $no, "$module: an incoming message's conversation does not sign");
	is(refused(ask($c, 'hello', 'protocol="1.1" role="keys" config="/" operations="sign"')), 'unknown-operation permanent', '... nor is there a second hello');
	is(refused(ask($c, @sign)), $no, '... that would change it');
	finish($c);
}

# ---- the process; as another account where we may: the system says of its own process what root may do anyway
my $nobody = $> == 0 && !system("setpriv --reuid=nobody --clear-groups test -x $BUILD/keys-file 2>/dev/null") ? getpwnam 'nobody' : undef;
if (defined $nobody) {
	chmod 0755, $T;
	system("chown -R nobody $T/process; [ ! -d $T/tokens ] || chown -R nobody $T/tokens; chown nobody $T/pin.* 2>/dev/null");
}
sub wrapped { # the module as it is to run
	my ($module) = @_;
	return { module => $module } unless defined $nobody;
	return { program => put("$T/run-$module", "#!/bin/sh\nexec setpriv --reuid=nobody --regid=nogroup --clear-groups $BUILD/$module\n", 0755) };
}
sub numbers { # of a private key: lines for look
	my ($name) = @_;
	my %n = `openssl pkey -in $T/$name.key -noout -text` =~ /^(\w+):[^\n]*\n((?:\s+[0-9a-f:]+\n)+)/mg;
	return join '', map { my $h = $n{$_} =~ s/[\s:]//gr =~ s/^(00)+//r; "$_ $h\n" } grep { $n{$_} } qw(priv privateExponent prime1);
}
# The first bytes of memory that was given back are written over at once: what is looked for is the end.
sub traces { my ($what) = @_; return "raw " . unpack('H*', substr $what, -16) . "\nbase64 " . unpack('H*', substr b64($what), -24, 20) . "\n" }
put("$T/word", traces($word));
put("$T/cek", 'a content key with 32 bytes, yes');
put("$T/secret", traces(slurp("$T/cek")));
openssl('pkeyutl', '-encrypt', '-certin', '-inkey', "$T/rita.crt", '-in', "$T/cek", '-out', "$T/wrapped");
sub look { my ($what, $pid, $file) = @_; return join ' ', map { chomp; $_ } `$SRC/t/helper/look $what $pid $file` }

sub uses { # the conversation after each key has been used
	my ($module, $operations, $resumed) = @_;
	my $c = start(conf($module), %{wrapped($module)}, operations => $operations);
	$resumed and is(refused(ask($c, 'unlock', '', '<passphrase>' . b64($word) . '</passphrase>')), '', "$module: unlocked");
	my $id = find_key($c, 'alice@example.org');
	like(ask($c, 'sign', "key=\"$id\" mechanism=\"ecdsa\" digest=\"sha256\"", $digest), qr/<signature>/, "$module: signs");
	$id = find_key($c, 'rita@example.org');
	my $secret = b64(slurp("$T/cek"));
	like(ask($c, 'unwrap', "key=\"$id\" mechanism=\"rsa-pkcs1\"", b64(slurp("$T/wrapped"))), qr/<secret>\Q$secret\E/, '... opens');
	return $c;
}
sub examine {
	my ($module, $c, %o) = @_;
	my ($limit) = slurp("/proc/$c->{pid}/limits") =~ /^Max core file size\s+(.*?)\s+bytes/m;
	is($limit, '0                    0', '... makes no core dump');
	SKIP: {
		skip 'built with a sanitizer', 5 if $sanitized;
		is((stat "/proc/$c->{pid}/mem")[4], 0, '... is nobody\'s to look into') if defined $nobody || $> != 0;
		skip 'only root looks into it', 4 if $> != 0;
		is(look('memory', $c->{pid}, "$T/secret"), '', '... has forgotten the content key');
		is(look($o{given} ? 'unlocked' : 'memory', $c->{pid}, "$T/word"), '', $o{given} ? '... has the PIN or passphrase in locked memory only' :
			'... and the PIN or passphrase');
		is(look('unlocked', $c->{pid}, put("$T/n", numbers('alice'))), '', '... has the EC key in locked memory only');
		put("$T/n", numbers('rita'));
		is(look('memory', $c->{pid}, "$T/n"), '', '... and the RSA key on the token') if $module eq 'keys-pkcs11';
		isnt(look('memory', $c->{pid}, "$T/n"), '', '... (looking finds the RSA key, which OpenSSL keeps in ordinary memory)') if $module ne 'keys-pkcs11';
	}
	is(finish($c), 0, '... and ends');
}
my @with_keys = grep { /^keys-(file|pkcs11)$/ } @built;
examine($_, uses($_, 'find-keys sign unwrap')) for @with_keys;
unlink "$T/process/passphrase";
$lines{'keys-pkcs11'} =~ s/\?pin-source=\S+// if $tokens;
examine($_, uses($_, 'find-keys sign unwrap unlock', 1), given => 1) for @with_keys;
done_testing();
