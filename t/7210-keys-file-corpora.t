#!/usr/bin/perl
# PKCS#12 files of other programs: every key in them is found by its certificate and does its work
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use KeysFile;
use MIME::Base64;
use Test::More;

my $corpora = $ENV{POSTERN_CORPORA} || "$SRC/../shared/corpora";
plan skip_all => "no corpora at $corpora" unless -d "$corpora/smime";

for my $manifest (glob "$corpora/smime/*/manifest.tsv") {
	(my $folder = $manifest) =~ s{/[^/]*$}{};
	for my $line (split /\n/, slurp($manifest)) {
		my ($file, $kind, undef, $passphrase) = split /\t/, $line;
		next unless defined $kind && $kind eq 'p12';
		check("$folder/$file", $passphrase eq '-' ? '' : $passphrase);
	}
}
done_testing();

# The certificates that belong to keys, as the openssl command sees them.
sub certificates {
	my ($file, $passphrase) = @_;
	my $der = slurp($file);
	$der = decode_base64($1) if $der =~ /-----BEGIN PKCS12-----(.*?)-----END/s;
	put("$T/in.p12", $der);
	openssl('pkcs12', '-legacy', '-in', "$T/in.p12", '-passin', "pass:$passphrase", '-clcerts', '-nokeys', '-out', "$T/certs.pem");
	return map { decode_base64($_) } slurp("$T/certs.pem") =~ /-----BEGIN CERTIFICATE-----(.*?)-----END/gs;
}

my $sites;
sub check {
	my ($file, $passphrase) = @_;
	(my $name = $file) =~ s{.*/(.*/.*)}{$1};
	my @certificates = eval { certificates($file, $passphrase) };
	SKIP: {
		skip "$name: the openssl command cannot read it", 1 unless @certificates;
		my $site = 's' . ++$sites;
		my $config = site($site);
		put("$T/$site/passphrase", "$passphrase\n", 0600);
		put("$T/$site/certs/private/key", slurp($file), 0600);
		my $c = start($config);
		for my $der (@certificates) {
			my $answer = ask($c, 'find-keys', 'for="decrypt"', '<recipient issuer="' . b64(issuer_of($der)) . '" serial="' . hex_serial($der) . '"/>');
			my ($id) = $answer =~ /<key id="([^"]+)"/ or do { fail("$name: key found"); diag $answer; next };
			put("$T/c.der", $der);
			openssl('x509', '-inform', 'DER', '-in', "$T/c.der", '-pubkey', '-noout', '-out', "$T/pub");
			$answer = ask($c, 'sign', "key=\"$id\" mechanism=\"rsa-pkcs1\" digest=\"sha256\"", b64("\x02" x 32));
			if ($answer =~ m{<signature>([^<]+)}) {
				put("$T/sig", decode_base64($1));
				put("$T/digest", "\x02" x 32);
				ok(eval { openssl('pkeyutl', '-verify', '-pubin', '-inkey', "$T/pub", '-in', "$T/digest", '-sigfile', "$T/sig",
					'-pkeyopt', 'digest:sha256'); 1 }, "$name: RSA key signs") or diag $@;
			} else { # a key of a kind that cannot do that, but the key was opened
				like($answer, qr/code="bad-request"[^>]*>rsa-pkcs1: (not an RSA key|this key cannot do that)/, "$name: key opened");
			}
		}
		finish($c);
	}
}
