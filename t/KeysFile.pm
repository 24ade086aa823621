# KeysFile.pm - a site in a temporary folder and conversations with the module keys-file, for the tests of family 7
package KeysFile;
use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter 'import';
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use IPC::Open3;
use MIME::Base64;
use Symbol qw(gensym);

our @EXPORT = qw($T $SRC $BUILD site put slurp openssl certificate start ask finish b64 der_of hex_serial issuer_of log_of refused find_key);
our $SRC = abs_path(dirname(__FILE__) . '/..');
our $BUILD = $ENV{POSTERN_BUILD} || "$SRC/build";
our $T = tempdir('postern-test.XXXXXX', TMPDIR => 1, CLEANUP => !$ENV{POSTERN_KEEP});
delete $ENV{OPENSSL_CONF};
$ENV{LC_ALL} = 'C';
$SIG{PIPE} = 'IGNORE';

sub put {
	my ($path, $bytes, $mode) = @_;
	open(my $f, '>:raw', $path) or die "$path: $!";
	print $f $bytes;
	close $f or die "$path: $!";
	chmod $mode, $path if defined $mode;
	return $path;
}

sub slurp {
	my ($path) = @_;
	open(my $f, '<:raw', $path) or die "$path: $!";
	local $/;
	return scalar <$f>;
}

# An empty site; returns its configuration file.
sub site {
	my ($name) = @_;
	my $d = "$T/$name";
	mkdir $_, 0700 for $d, "$d/certs", "$d/spool", map { "$d/certs/$_" } qw(public trusted untrusted private ca crl seen);
	return put("$d/postern.conf", "hostname = mx.example.org\nadmin = postmaster\@example.org\nlocal_domains = example.org\n" .
		"external = maildir:$d/out\ninternal = maildir:$d/in\nspool = $d/spool\nlog = stderr\n");
}

sub openssl {
	my @args = @_;
	my $pid = fork;
	if (!$pid) {
		open STDOUT, '>>', "$T/openssl.log";
		open STDERR, '>&', \*STDOUT;
		exec 'openssl', @args or exit 127;
	}
	waitpid $pid, 0;
	die "openssl @args failed, see $T/openssl.log:\n" . slurp("$T/openssl.log") if $?;
}

# Makes $T/NAME.key and $T/NAME.crt.  %o: address, key (arguments of genpkey), ca (NAME of the issuer), days, ext (lines).
sub certificate {
	my ($name, %o) = @_;
	my $key = $o{key} || ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'];
	my $san = $o{address} ? "subjectAltName=email:$o{address}\n" : '';
	my $ext = $o{ext} // "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment,keyAgreement\n";
	openssl('genpkey', @$key, '-out', "$T/$name.key") unless -e "$T/$name.key";
	put("$T/$name.cnf", "[req]\ndistinguished_name=dn\nx509_extensions=v3\nprompt=no\n[dn]\nCN=$name\n[v3]\n$ext$san" .
		"subjectKeyIdentifier=hash\n");
	my @ca = $o{ca} ? ('-CA', "$T/$o{ca}.crt", '-CAkey', "$T/$o{ca}.key") : ();
	openssl('req', '-x509', '-new', '-config', "$T/$name.cnf", '-key', "$T/$name.key", '-sha256', @ca,
		'-set_serial', $o{serial} // '0x' . unpack('H*', "s$name"), '-days', $o{days} // 100, '-out', "$T/$name.crt");
}

sub b64 { return encode_base64($_[0], '') }

sub der_of {
	my ($path) = @_;
	my ($body) = slurp($path) =~ /-----BEGIN CERTIFICATE-----(.*?)-----END/s or die "$path: no PEM certificate";
	return decode_base64($body);
}

sub element { # (bytes, offset) -> (header length, content length)
	my ($s, $at) = @_;
	my $n = ord substr $s, $at + 1, 1;
	return (2, $n) if $n < 128;
	my $more = $n & 127;
	return (2 + $more, oct '0x' . unpack 'H*', substr $s, $at + 2, $more);
}

sub parts { # serial number and issuer of a DER certificate
	my ($der) = @_;
	my $at = (element($der, 0))[0];
	$at += (element($der, $at))[0];
	my @e = element($der, $at);
	$at += $e[0] + $e[1] if ord(substr $der, $at, 1) == 0xa0;
	@e = element($der, $at);
	my $serial = substr $der, $at + $e[0], $e[1];
	$at += $e[0] + $e[1];
	@e = element($der, $at);
	$at += $e[0] + $e[1];
	@e = element($der, $at);
	return ($serial, substr $der, $at, $e[0] + $e[1]);
}

sub hex_serial { return unpack 'H*', (parts($_[0]))[0] }
sub issuer_of { return (parts($_[0]))[1] }

# ---- a conversation ----

my $conversations = 0;

sub frame { return length($_[0]) . "\n" . $_[0] }

sub start {
	my ($config, %o) = @_;
	my $c = { log => "$T/log." . $conversations++, id => 0 };
	open my $log, '>', $c->{log} or die;
	$c->{pid} = open3($c->{to}, $c->{from}, '>&' . fileno($log), $o{program} // "$BUILD/" . ($o{module} // 'keys-file'));
	binmode $c->{$_} for qw(to from);
	my $operations = $o{operations} || 'find-certificates find-keys sign unwrap agree store-certificate';
	print {$c->{to}} frame("<hello protocol=\"1.0\" role=\"keys\" postern=\"0.1.0\" config=\"$config\" queue-id=\"Q1\" " .
		"log-level=\"info\" deadline=\"60000\" operations=\"$operations\"/>");
	$c->{to}->flush;
	$c->{hello} = receive($c);
	return $c;
}

sub receive {
	my ($c) = @_;
	my $from = $c->{from};
	my $n = <$from> // return undef;
	chomp $n;
	read($from, my $document, $n) == $n or die 'frame cut off';
	return $document;
}

# (conversation, operation, attributes, text) -> the answer's document
sub ask {
	my ($c, $operation, $attributes, $text) = @_;
	my $id = ++$c->{id};
	print {$c->{to}} frame("<$operation id=\"$id\" $attributes>" . ($text // '') . "</$operation>");
	$c->{to}->flush;
	my $answer = receive($c) // die "no answer; " . slurp($c->{log});
	$answer =~ /^(?:<\?xml[^>]*>)?\s*<(?:result|refused) id="$id"/ or die "answer to something else: $answer";
	return $answer;
}

sub finish {
	my ($c) = @_;
	close $c->{to};
	waitpid $c->{pid}, 0;
	return $?;
}

sub log_of { return slurp($_[0]{log}) }
sub refused { my ($code, $kind) = $_[0] =~ /<refused\b(?=[^>]*\bcode="([^"]*)")(?=[^>]*\bkind="([^"]*)")/; return defined $code ? "$code $kind" : '' }

# The opaque id of the first key for an address.
sub find_key {
	my ($c, $address) = @_;
	my $answer = ask($c, 'find-keys', "for=\"sign\" address=\"$address\"");
	return $answer =~ /<key id="([^"]+)"/ ? $1 : die "no key: $answer";
}

1;
