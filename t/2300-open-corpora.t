#!/usr/bin/perl
# The S/MIME sets of the corpora, each file opened with the keys and to the outcome its manifest states.
use strict;
use warnings;
use Test::More;
use Cwd 'abs_path';
use File::Basename 'dirname';
require(abs_path(dirname(__FILE__)) . '/smime_open.pl');
our ($dir, $corpora);

plan(skip_all => "no corpora at $corpora") if !-d "$corpora/smime";

# Where we do otherwise, and why.
my %otherwise = (
	'kde/smime-encrypted-ambiguous-mime.mbox' => ['nested', 'a layer beside foreign parts stays closed'],
	'kde/smime-encrypted-not-so-ambiguous-mime.mbox' => ['nested', 'a layer beside foreign parts stays closed'],
	'openssl/cms-msg/missing-kdf.der' => ['unsupported:password recipient', 'passwords are never tried'],
	'openssl/80-test_cmsapi_data/cms_pwri_kek_oob.der' => ['unsupported:password recipient', 'passwords are never tried'],
	'rfc4134/5.2.bin' => ['decrypts|unsupported:rc2-cbc', 'RC2 needs the legacy provider'],
	'rfc4134/6.0.bin' => ['unsupported:digested-data', 'not of S/MIME'],
	'rfc4134/7.1.bin' => ['unsupported:encrypted-data', 'not of S/MIME'],
	'rfc4134/7.2.bin' => ['unsupported:encrypted-data', 'not of S/MIME'],
);
# Parts that are layers, opened by path as messages of their own.
my %parts = (
	'kde/smime-encrypted-ambiguous-mime.mbox' => 2,
	'kde/smime-encrypted-not-so-ambiguous-mime.mbox' => 2,
);
# What was inside, byte for byte; the manifests name the files.
my %contents = (
	'nextcloud/encrypted-message.txt' => 'decrypted-message-body.txt',
	map { ("rfc4134/$_" => 'ExContent.bin') } qw(4.1.bin 4.2.bin 4.4.bin 4.5.bin 4.6.bin 4.7.bin 4.10.bin 5.1.bin 5.3.eml),
);
my %leaves = map { ("pyas2/$_" => 'payload.txt') } qw(mecas2_encrypted.as2 mecas2_signed.as2 mecas2_signed_encrypted.as2);

sub manifest {
	my ($file) = @_;
	my @lines = split /\n/, slurp($file);
	my @names = split /\t/, shift @lines;
	return map { my %row; @row{@names} = split /\t/; \%row } @lines;
}

sub arguments {
	my ($set, $row) = @_;
	my @arguments = map { $_ eq 'ExContent.bin' ? ('-detached', "$set/$_") : ('-pem', "$set/$_") }
		grep { $_ ne '-' } split /,/, $row->{key_cert};
	push @arguments, '-passphrase', $row->{passphrase} if $row->{passphrase} ne '-';
	push @arguments, '-cms', 'yes' if $row->{kind} eq 'cms';
	return @arguments;
}

sub check_content {
	my ($name, $set, $row, $r) = @_;
	my %found = map { $_->{hash} => 1 } values %{$r->{leaves}};
	if ($contents{$name}) {
		is($r->{content}{sha256}, sha256_hex(slurp("$set/$contents{$name}")), "$name: content is $contents{$name}");
	} elsif ($leaves{$name}) {
		my $hash = substr(sha256_hex(slurp("$set/$leaves{$name}")), 0, 8);
		ok($found{$hash}, "$name: a leaf is $leaves{$name}") or diag(join ' ', %found);
	}
	return if $row->{note} =~ /> COMP/ || $row->{note} =~ /#e3b0c442/;
	my @missing = grep { !$found{$_} } $row->{note} =~ /#([0-9a-f]{8})\b/g;
	is("@missing", '', "$name: every leaf of the manifest is there");
}

sub check_file {
	my ($name, $set, $row) = @_;
	my @arguments = arguments($set, $row);
	my $r = open_message(@arguments, "$set/$row->{file}");
	my ($want, $reason) = @{$otherwise{$name} || [$row->{expected}, '']};
	is($r->{exit}, 0, "$name: judged") or return;
	if ($want eq 'structure' || $want eq 'unknown') {
		unlike(words($r), qr/^error/, "$name: $want");
	} else {
		like(words($r), qr/^(?:\Q$want\E)$/, "$name: $want" . ($reason && " ($reason)")) if $want !~ /\|/;
		like(words($r), qr/^(?:$want)$/, "$name: $want ($reason)") if $want =~ /\|/;
	}
	if ($parts{$name}) {
		$r = open_message(@arguments, '-part', $parts{$name}, "$set/$row->{file}");
		is(words($r), $row->{expected}, "$name: part $parts{$name} by itself: $row->{expected}");
		my ($inside) = $row->{note} =~ /2:ENV.*?> text\/plain#([0-9a-f]{8})/;
		is($r->{leaves}{'-'}{hash}, $inside, "$name: and its content");
	} else {
		check_content($name, $set, $row, $r) if $want =~ /decrypts|verifies|bad-signature/;
	}
}

for my $set (sort glob "$corpora/smime/*") {
	my ($short) = $set =~ m{([^/]+)$};
	check_file("$short/$_->{file}", $set, $_) for grep { $_->{kind} =~ /^(?:smime|cms)$/ } manifest("$set/manifest.tsv");
}
done_testing();
