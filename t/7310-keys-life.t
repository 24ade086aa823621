#!/usr/bin/perl
# keys-file: passphrases and where they come from, "unlock", keys that only decrypt, renewal, "list-keys", narrowing
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use KeysFile;
use Test::More;

my $config = site('life');
my $private = "$T/life/certs/private";
my $digest = b64("\x11" x 32);
my $ALL = 'find-certificates find-keys sign unwrap agree store-certificate unlock list-keys';

sub configure { put($config, slurp($config) =~ s/^passphrase_file.*\n//mr . join '', map { "$_\n" } @_) }
sub own { my ($name, $file, @more) = @_; put("$private/$file", slurp("$T/$name.key") . slurp("$T/$name.crt") . join('', @more), 0600) }
sub sealed { # NAME FILE PASSPHRASE
	openssl('pkcs8', '-topk8', '-v2', 'aes-128-cbc', '-iter', '1', '-in', "$T/$_[0].key", '-passout', "pass:$_[2]", '-out', "$T/sealed");
	put("$private/$_[1]", slurp("$T/sealed") . slurp("$T/$_[0].crt"), 0600);
}
sub p12 {
	openssl('pkcs12', '-export', '-iter', '1', '-inkey', "$T/$_[0].key", '-in', "$T/$_[0].crt", '-passout', "pass:$_[2]", '-out', "$private/$_[1]");
	chmod 0600, "$private/$_[1]";
}
sub by_sign { my ($c, $address) = @_; return ask($c, 'find-keys', "for=\"sign\" address=\"$address\"") }
sub sources { return join ' ', map { s{.*/private/}{}r } $_[0] =~ /<key [^>]*source="([^"]*)"/g }
sub signs { # what the first key for the address answers
	my ($c, $address) = @_;
	my $answer = by_sign($c, $address);
	my ($key) = $answer =~ /<key id="([^"]+)"/ or return refused($answer);
	$answer = ask($c, 'sign', "key=\"$key\" digest=\"sha256\" mechanism=\"ecdsa\"", $digest);
	return $answer =~ /<signature>/ ? 'signed' : refused($answer);
}
sub once { my ($address, %o) = @_; my $c = start($config, operations => $ALL, %o); my $r = signs($c, $address); finish($c); return $r }
sub unlock { my ($c, $word) = @_; return ask($c, 'unlock', '', '<passphrase>' . b64($word) . '</passphrase>') }

# ---- where the central passphrase comes from
certificate('enc', address => 'enc@example.org');
sealed('enc', 'enc.pem', 'open sesame');
is(once('enc@example.org'), 'passphrase-needed temporary', 'no passphrase');
put("$T/word", "open sesame\nmore\n", 0600);
configure("passphrase_file = $T/word");
is(once('enc@example.org'), 'signed', 'a file');
for my $mode (0640, 0604, 0660, 0606) {
	chmod $mode, "$T/word";
	my $c = start($config);
	my $key = find_key($c, 'enc@example.org');
	my $answer = ask($c, 'sign', "key=\"$key\" digest=\"sha256\" mechanism=\"ecdsa\"", $digest);
	is(refused($answer), 'configuration temporary', sprintf 'mode %04o is refused', $mode);
	like($answer, qr/word: mode 0\d+ lets others read it; chmod 600/, '... with a clear text') if $mode == 0640;
	finish($c);
}
chmod 0600, "$T/word";
configure('passphrase_file = credential:postern.passphrase');
is(once('enc@example.org'), 'configuration temporary', 'a credential, but we are no service');
mkdir "$T/credentials", 0700;
{
	local $ENV{CREDENTIALS_DIRECTORY} = "$T/credentials";
	is(once('enc@example.org'), 'configuration temporary', 'a service without this credential');
	put("$T/credentials/postern.passphrase", "open sesame\n", 0440);
	is(once('enc@example.org'), 'signed', 'a credential as systemd gives it: mode 0440');
	chmod 0444, "$T/credentials/postern.passphrase";
	is(once('enc@example.org'), 'configuration temporary', 'one that others may read');
	chmod 0400, "$T/credentials/postern.passphrase";
	put("$T/credentials/.x", "open sesame\n", 0400);
}
for my $bad ('credential:', 'credential:a/b', 'credential:../x', 'credential:.x', 'program:sh', 'word', 'file:/x') {
	configure("passphrase_file = $bad");
	is(once('enc@example.org'), 'configuration temporary', "passphrase_file = $bad");
}

# ---- what a program says
sub program { put("$T/teller", "#!/bin/sh\n$_[0]\n", 0700); configure("passphrase_file = program:$T/teller  open \tsesame"); return once('enc@example.org') }
is(program('echo "$1 $2"'), 'signed', 'a program, with its arguments');
is(program('printf "open sesame"'), 'signed', 'without a line end');
is(program('[ -z "$(cat)" ] && echo open sesame'), 'signed', 'its standard input is empty');
{
	local @ENV{qw(SECRET_OF_OURS BASH_ENV CREDENTIALS_DIRECTORY)} = ('x', '/nonexistent', "$T/credentials");
	is(program("env | cut -d= -f1 | grep -vx -e PWD -e SHLVL -e _ | sort >$T/names; echo open sesame"), 'signed', 'it is run');
	is(slurp("$T/names"), "CREDENTIALS_DIRECTORY\nHOME\nLC_ALL\nPATH\nSHELL\n", '... with an environment of its own, as documented');
}
is(program('echo open sesame; exit 3'), 'temporary temporary', 'its failure counts');
is(program('echo'), 'configuration temporary', 'an empty line');
is(program('printf "open\\0sesame\\n"'), 'configuration temporary', 'a NUL byte');
is(program('printf "open sesame\\n"; head -c 4084 /dev/zero | tr "\\0" x'), 'signed', '4096 bytes');
is(program('printf "open sesame\\n"; head -c 4085 /dev/zero | tr "\\0" x'), 'configuration temporary', '4097 bytes');
is(program('yes | head -c 1000000'), 'configuration temporary', 'a flood');
is(program("echo 'open sesame'; sleep 100 >/dev/null & echo \$! >$T/child"), 'signed', 'one that leaves something behind');
chomp(my $child = slurp("$T/child"));
my $tries = 0;
select undef, undef, undef, 0.05 while kill(0, $child) && (eval { slurp("/proc/$child/stat") } // ') Z') !~ /\) Z/ && $tries++ < 2000;
ok($tries < 2000,'... which is ended');
configure("passphrase_file = program:/nonexistent/teller");
is(once('enc@example.org'), 'configuration temporary', 'no such program');
configure("passphrase_file = program:$T/word");
is(once('enc@example.org'), 'configuration temporary', 'no program');
certificate('plain', address => 'plain@example.org');
own('plain', 'plain.pem');
program("echo x >>$T/ran; echo open sesame");
unlink "$T/ran";
is(once('plain@example.org'), 'signed', 'a key without a passphrase');
ok(!-e "$T/ran", '... does not ask for one: nothing is run');

# ---- a passphrase of its own
configure("passphrase_file = $T/word");
certificate('mine', address => 'mine@example.org');
sealed('mine', 'mine.pem', "\xc3\xa4 of my own");
my $c = start($config, operations => $ALL);
like($c->{hello}, qr/protocol="1\.1"/, 'the protocol is 1.1');
like($c->{hello}, qr/ unlock( |")/, 'unlock is known');
is(signs($c, 'mine@example.org'), 'passphrase-needed temporary', 'the central passphrase does not open it');
my $key = find_key($c, 'mine@example.org');
like(ask($c, 'sign', "key=\"$key\" digest=\"sha256\" mechanism=\"ecdsa\"", $digest), qr{mine\.pem: the private key of mine\@example\.org, valid until \d{4}-\d\d-\d\d is encrypted},
	'... which is said, and whose it is');
like(unlock($c, 'wrong'), qr/<result id="\d+"\/>/, 'unlock says nothing of a wrong one');
is(signs($c, 'mine@example.org'), 'passphrase-needed temporary', '... it does not open anything');
unlike(ask($c, 'sign', "key=\"$key\" digest=\"sha256\" mechanism=\"ecdsa\"", $digest), qr/wrong/, '... and is not repeated');
unlock($c, "\xc3\xa4 of my own");
is(signs($c, 'mine@example.org'), 'signed', 'with the right one it signs');
is(signs($c, 'enc@example.org'), 'signed', 'so do those with the central one');
is(refused(unlock($c, '')), 'bad-request permanent', 'an empty passphrase');
is(refused(unlock($c, "a\0b")), 'bad-request permanent', 'one with a NUL');
is(refused(unlock($c, 'x' x 1025)), 'bad-request permanent', 'one of 1025 bytes');
unlike(unlock($c, 'x' x 1024), qr/refused/, '1024 are fine');
is(refused(ask($c, 'unlock', '')), 'bad-request permanent', 'none at all');
finish($c);
unlike(log_of($c), qr/of my own|wrong/, 'none of them is in the log');
is(once('mine@example.org'), 'passphrase-needed temporary', 'the next conversation has not got it');

# ---- PKCS#12: what is in it shows only with the passphrase
certificate('hidden', address => 'hidden@example.org');
p12('hidden', 'hidden.p12', 'veiled');
is(once('hidden@example.org'), 'passphrase-needed temporary', 'it may be in there');
is(once('stranger@example.org'), 'passphrase-needed temporary', '... as anything may');
rename "$private/hidden.p12", "$private/Hidden\@example.org.p12";
is(once('hidden@example.org'), 'passphrase-needed temporary', 'a file with the name of the address');
is(once('stranger@example.org'), 'not-found permanent', '... is not for another one');
rename "$private/Hidden\@example.org.p12", "$private/hidden.p12";
put("$private/hidden.crt", slurp("$T/hidden.crt"), 0600);
is(once('hidden@example.org'), 'passphrase-needed temporary', 'a certificate beside it: it is');
is(once('stranger@example.org'), 'not-found permanent', '... and nothing else');
$c = start($config, operations => $ALL);
unlock($c, 'veiled');
is(signs($c, 'hidden@example.org'), 'signed', 'unlocked, it signs');
my $hidden = der_of("$T/hidden.crt");
my $asked = 'issuer="' . b64(issuer_of($hidden)) . '" serial="' . hex_serial($hidden) . '"';
like(ask($c, 'find-keys', 'for="decrypt"', "<recipient key-id=\"00\"/><recipient $asked/>"), qr/<key id="[^"]+" which="1"/, '... and decrypts');
is(signs($c, 'stranger@example.org'), 'not-found permanent', 'for its owner only');
finish($c);
unlink "$private/hidden.crt", "$private/hidden.p12";

# ---- narrowing: an incoming message's conversation
$c = start($config, operations => 'find-certificates find-keys unwrap agree');
$key = find_key($c, 'plain@example.org');
is(refused(ask($c, 'sign', "key=\"$key\" digest=\"sha256\" mechanism=\"ecdsa\"", $digest)), 'narrowed permanent', 'it cannot sign');
is(refused(unlock($c, 'open sesame')), 'narrowed permanent', 'nor take a passphrase');
is(refused(ask($c, 'list-keys', '')), 'narrowed permanent', 'nor list our keys');
is(refused(ask($c, 'store-certificate', 'area="seen" address="a@b"', b64($hidden))), 'narrowed permanent', 'nor store anything');
finish($c);

# ---- several keys, renewal, archive
sub dated { # NAME ADDRESS NOT-BEFORE NOT-AFTER
	my ($name, $address, $from, $to) = @_;
	openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', "$T/$name.key");
	put("$T/$name.cnf", "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=$name\n[v3]\nsubjectAltName=email:$address\nkeyUsage=digitalSignature,keyAgreement\n");
	openssl('req', '-new', '-config', "$T/$name.cnf", '-key', "$T/$name.key", '-out', "$T/$name.csr");
	mkdir "$T/ca"; put("$T/ca/index", ''); put("$T/ca/serial", unpack('H*', "x$name") . "\n");
	put("$T/ca.cnf", "[ca]\ndefault_ca=c\n[c]\nnew_certs_dir=$T/ca\ndatabase=$T/ca/index\nserial=$T/ca/serial\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n");
	openssl('ca', '-batch', '-notext', '-config', "$T/ca.cnf", '-extfile', "$T/$name.cnf", '-extensions', 'v3', '-cert', "$T/plain.crt",
		'-keyfile', "$T/plain.key", '-startdate', $from, '-enddate', $to, '-in', "$T/$name.csr", '-out', "$T/$name.crt");
}
my ($past, $future) = ('20200101000000Z', '20990101000000Z');
dated('gone', 'fritz@example.org', $past, '20210101000000Z');
dated('old', 'fritz@example.org', '20220101000000Z', $future);
dated('new', 'fritz@example.org', '20240101000000Z', $future);
dated('next', 'fritz@example.org', '20980101000000Z', $future);
own($_, "$_.pem") for qw(gone old new next);
$c = start($config, operations => $ALL);
my $answer = by_sign($c, 'fritz@example.org');
like(sources($answer), qr/^new\.pem old\.pem /, 'the newest valid key signs; one that is not valid yet does not stand before it');
mkdir "$private/decrypt-only", 0700;
rename "$private/new.pem", "$private/decrypt-only/new.pem";
$answer = by_sign($c, 'fritz@example.org');
like(sources($answer), qr/^old\.pem /, 'what is in decrypt-only does not sign');
unlike(sources($answer), qr/new/, '... not even last');
like($answer, qr{<passed-over source="[^"]*decrypt-only/new\.pem" reason="decrypt-only">}, '... which is said');
for my $name (qw(gone old new next)) {
	my $der = der_of("$T/$name.crt");
	like(ask($c, 'find-keys', 'for="decrypt"', '<recipient issuer="' . b64(issuer_of($der)) . '" serial="' . hex_serial($der) . '"/>'), qr/<key id=/,
		"$name decrypts");
}
$answer = ask($c, 'find-certificates', '', '<address>fritz@example.org</address>');
my $new = b64(der_of("$T/new.crt"));
unlike($answer, qr/\Q$new\E/, 'the archive is not offered to encrypt to');
my $by = 'issuer="' . b64(issuer_of(der_of("$T/new.crt"))) . '" serial="' . hex_serial(der_of("$T/new.crt")) . '"';
like(ask($c, 'find-certificates', '', "<by $by/>"), qr/\Q$new\E/, 'but found by its identifier: old signatures are ours');
put("$private/bare.crt", slurp("$T/hidden.crt"), 0600);
like(by_sign($c, 'hidden@example.org'), qr/<refused[^>]*not-found.*bare\.crt: no private key/, 'a certificate without a key is named');
rename "$private/$_.pem", "$private/decrypt-only/$_.pem" for qw(gone old next);
is(refused(by_sign($c, 'fritz@example.org')), 'not-found permanent', 'all in the archive: none signs');

# ---- all of them, piece by piece
my (%use, $from, $pieces);
do {
	$answer = ask($c, 'list-keys', defined $from ? "from=\"$from\"" : '');
	while ($answer =~ /<own source="([^"]*)" use="([^"]*)">/g) { my ($s, $u) = ($1, $2); $use{$s =~ s{.*/private/}{}r} .= $u }
	($from) = $answer =~ /<more from="([^"]*)"/;
} while (defined $from && ++$pieces < 10);
is_deeply(\%use, { 'enc.pem' => 'sign', 'mine.pem' => 'sign', 'plain.pem' => 'sign', map { ("decrypt-only/$_.pem" => 'decrypt') } qw(gone old new next) },
	'list-keys: each once, and its use');
is(refused(ask($c, 'list-keys', 'from="x"')), 'bad-request permanent', 'from something else');
# ---- the documents are those of the grammar
put("$T/valid-1.xml", '<unlock id="1"><passphrase>' . b64('x') . '</passphrase></unlock>');
put("$T/valid-2.xml", '<list-keys id="1"/>');
put("$T/valid-3.xml", '<list-keys id="1" from="100"/>');
put("$T/valid-4.xml", ask($c, 'list-keys', ''));
put("$T/valid-5.xml", ask($c, 'list-keys', 'from="100"'));
rename "$private/decrypt-only/old.pem", "$private/old.pem";
put("$T/valid-6.xml", by_sign($c, 'fritz@example.org'));
put("$T/valid-7.xml", unlock($c, 'x'));
like(slurp("$T/valid-4.xml"), qr/<own /, '(a list with keys)');
like(slurp("$T/valid-5.xml"), qr/^<result id="\d+"\/>/, 'behind the last key: nothing more');
like(slurp("$T/valid-6.xml"), qr/<key .*<passed-over |<passed-over .*<key /s, '(a key, and one that was passed over)');
finish($c);
SKIP: {
	skip 'xmllint is missing', 1 if system('command -v xmllint >/dev/null');
	is(system("xmllint --nonet --noout --relaxng '$SRC/etc/postern-modules.rng' $T/valid-*.xml >$T/lint 2>&1"), 0, 'all documents are valid') or diag(slurp("$T/lint"));
}

done_testing;
