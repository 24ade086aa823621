# Pkcs11.pm - tokens of SoftHSM in the test's temporary folder, for the tests of keys-pkcs11; with all of KeysFile
package Pkcs11;
use strict;
use warnings;
use Exporter 'import';
use KeysFile;

our @EXPORT = (@KeysFile::EXPORT, qw(tokens token_values on_token on_token_files on_token_pin configure shim_log shim_fail softhsm $LIBRARY));
our ($LIBRARY) = grep { -e } qw(/usr/lib/softhsm/libsofthsm2.so /usr/lib64/softhsm/libsofthsm2.so /usr/lib64/pkcs11/libsofthsm2.so);
my %pins;

# Why the tests cannot run; undef: they can.
sub missing {
	return 'keys-pkcs11 is not built' unless -x "$BUILD/keys-pkcs11";
	return 'SoftHSM is not installed' unless $LIBRARY;
	for my $tool (qw(softhsm2-util pkcs11-tool)) {
		return "$tool is not installed" unless grep { -x "$_/$tool" } split /:/, $ENV{PATH};
	}
	return undef;
}

sub quietly {
	my @command = @_;
	my $pid = fork;
	if (!$pid) {
		$ENV{SOFTHSM2_CONF} = "$T/softhsm.conf";
		open STDOUT, '>>', "$T/tools.log";
		open STDERR, '>&', \*STDOUT;
		exec @command or exit 127;
	}
	waitpid $pid, 0;
	die "@command failed:\n" . slurp("$T/tools.log") if $?;
}
sub softhsm { quietly('softhsm2-util', @_) }

# Tokens with these labels; the PIN of the first is 1111, of the second 2222 ...
sub tokens {
	my @labels = @_;
	mkdir "$T/tokens", 0700;
	put("$T/softhsm.conf", "directories.tokendir = $T/tokens\nobjectstore.backend = file\nlog.level = ERROR\n");
	for my $i (0 .. $#labels) {
		$pins{$labels[$i]} = ($i + 1) x 4;
		softhsm('--init-token', '--free', '--label', $labels[$i], '--pin', $pins{$labels[$i]}, '--so-pin', '12345678');
	}
}

# What a URI may say of a token, by softhsm2-util and pkcs11-tool: serial => ..., "slot-id" => ..., "library-version" => ...
sub token_values {
	my ($label) = @_;
	local $ENV{SOFTHSM2_CONF} = "$T/softhsm.conf";
	my ($slot) = grep { /^\s+Label:\s+\Q$label\E\s*$/m } split /^(?=Slot )/m, `softhsm2-util --show-slots`;
	my @fields = $slot =~ /^\s+(Description|Manufacturer ID|Model|Serial number):\s*(.*?)\s*$/mg;
	my %of = ('slot-id' => $slot =~ /^Slot (\d+)/);
	my @names = ('slot-description', 'slot-manufacturer', 'manufacturer', 'model', 'serial'); # the slot's stand first
	while (my (undef, $value) = splice @fields, 0, 2) { $of{shift @names} = $value }
	my $info = `pkcs11-tool --module $LIBRARY --show-info`;
	($of{'library-manufacturer'}) = $info =~ /^Manufacturer\s+(.*?)\s*$/m;
	@of{qw(library-description library-version)} = $info =~ /^Library\s+(.*?)\s*\(ver (\d+\.\d+)\)/m;
	return %of;
}

sub set_pin { # LABEL OLD NEW
	my ($label, $old, $new) = @_;
	quietly('pkcs11-tool', '--module', $LIBRARY, '--token-label', $label, '--login', '--pin', $old, '--change-pin', '--new-pin', $new);
}
sub on_token_pin { $pins{$_[0]} = $_[1] } # changed behind our back

sub write_object {
	my ($label, $id, $type, $file, @more) = @_;
	quietly('pkcs11-tool', '--module', $LIBRARY, '--token-label', $label, '--login', '--pin', $pins{$label}, '--id', $id, '--write-object',
		$file, '--type', $type, @more);
}

sub write_key {
	my ($label, $name, $id, @more) = @_;
	openssl('pkey', '-in', "$T/$name.key", '-outform', 'DER', '-out', "$T/$name.key.der");
	write_object($label, $id, 'privkey', "$T/$name.key.der", '--label', $name, '--usage-sign', '--usage-decrypt', '--usage-derive', @more);
}

sub write_certificate {
	my ($label, $name, $id) = @_;
	put("$T/$name.crt.der", der_of("$T/$name.crt"));
	write_object($label, $id, 'cert', "$T/$name.crt.der", '--label', $name);
}

# Puts $T/NAME.key and, unless told otherwise, $T/NAME.crt on the token.  %o: certificate, public => 0, more => [for the key]
sub on_token {
	my ($label, $name, $id, %o) = @_;
	write_key($label, $name, $id, @{$o{more} || []});
	openssl('pkey', '-in', "$T/$name.key", '-pubout', '-outform', 'DER', '-out', "$T/$name.pub.der");
	write_object($label, $id, 'pubkey', "$T/$name.pub.der", '--label', $name) if $o{public} // 1;
	write_certificate($label, $name, $id) if $o{certificate} // 1;
}

# The certificate of one and the private key of another, with the same id.
sub on_token_files {
	my ($label, $certificate, $key, $id) = @_;
	write_key($label, $key, $id);
	write_certificate($label, $certificate, $id);
}

# Writes the module's options into the site's configuration (again).  %o: tokens => { LABEL => PIN }, uris => [...], lines, shim => {...}
sub configure {
	my ($config, %o) = @_;
	my $conf = slurp($config) =~ s/^#pkcs11\n.*//msr;
	my @uris = @{$o{uris} || []};
	for my $label (sort keys %{$o{tokens} || {}}) {
		my $file = put("$T/pin.$label", "$o{tokens}{$label}\n", 0600);
		push @uris, "pkcs11:token=$label?pin-source=file:$file";
	}
	my %shim = (MODULE => $LIBRARY, LOG => "$T/shim.log", FAIL => "$T/shim.fail", %{$o{shim} || {}});
	unlink "$T/shim.log", "$T/shim.fail";
	put($config, $conf . "#pkcs11\nkeys_pkcs11_module = $BUILD/t/helper/pkcs11-shim.so\nkeys_pkcs11_tokens = @uris\n" .
		"keys_pkcs11_environment = SOFTHSM2_CONF=$T/softhsm.conf" . join('', map { " PKCS11_SHIM_$_=$shim{$_}" } sort keys %shim) . "\n" .
		($o{lines} // ''));
}

# What the library was asked since the last configure().
sub shim_log { return -e "$T/shim.log" ? slurp("$T/shim.log") : '' }
# The next call of this function fails with this code.
sub shim_fail { put("$T/shim.fail", "$_[0] $_[1]\n") }

1;
