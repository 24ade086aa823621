# CrlPki.pm - CRLs built by hand, with all that `openssl ca' does not write: indirect, partitioned, delta, odd ones
package CrlPki;
use strict;
use warnings;
use Exporter 'import';
use PathPki;
use POSIX 'strftime';

our @EXPORT = qw(list signer_key point der_name der tlv uri relative critical);

# tlv(tag, content...)
sub tlv {
	my ($tag, @content) = @_;
	my $c = join '', @content;
	my $n = length $c;
	my $length = $n < 128 ? chr $n : $n < 256 ? "\x81" . chr $n : $n < 65536 ? "\x82" . pack 'n', $n : "\x84" . pack 'N', $n;
	return chr($tag) . $length . $c;
}
sub oid { my ($first, $second, @rest) = split /\./, $_[0]; return tlv(6, chr($first * 40 + $second), map { pack 'w', $_ } @rest) }
sub integer { my $h = shift; $h = "0$h" if length($h) % 2; my $b = pack 'H*', $h; return tlv(2, ord($b) & 0x80 ? "\0$b" : $b) }
sub moment {
	my @t = gmtime($_[0]);
	return $t[5] < 150 ? tlv(0x17, strftime('%y%m%d%H%M%SZ', @t)) : tlv(0x18, strftime('%Y%m%d%H%M%SZ', @t));
}
sub rdn { tlv(0x31, tlv(0x30, oid('2.5.4.3'), tlv(0x0c, $_[0]))) }
sub der_name { tlv(0x30, map { rdn($_) } @_) }                    # common names, the outermost first
sub directory { tlv(0xa4, der_name(@_)) }
sub extension { my ($oid, $critical, $value) = @_; return tlv(0x30, oid($oid), $critical ? "\x01\x01\xff" : '', tlv(4, $value)) }
sub critical { extension($_[0], 1, $_[1] // "\x05\x00") }

# signer_key(PEM file): an authority key identifier that names the key of this certificate
sub signer_key {
	my ($file) = @_;
	my ($id) = qx(openssl x509 -in $file -noout -ext subjectKeyIdentifier) =~ /([0-9A-F]{2}(?::[0-9A-F]{2})+)/ or die;
	return extension('2.5.29.35', 0, tlv(0x30, tlv(0x80, pack 'H*', $id =~ s/://gr)));
}

# names of a distribution point
sub uri { tlv(0xa0, tlv(0x86, $_[0])) }
sub relative { tlv(0xa1, tlv(0x30, oid('2.5.4.3'), tlv(0x0c, $_[0]))) }

my %bit = (keyCompromise => 1, cACompromise => 2, affiliationChanged => 3, superseded => 4, cessationOfOperation => 5,
	certificateHold => 6, privilegeWithdrawn => 7, aACompromise => 8);
sub reasons {
	my $bits = '0' x 16;
	substr($bits, $bit{$_}, 1) = 1 for @_;
	return "\x07" . pack 'B16', $bits;
}

# point(name => uri(...), user, ca, attribute, indirect => 1, reasons => [...]): an issuing distribution point
sub point {
	my %o = @_;
	return tlv(0x30, $o{name} ? tlv(0xa0, $o{name}) : '', $o{user} ? "\x81\x01\xff" : '', $o{ca} ? "\x82\x01\xff" : '',
		$o{reasons} ? tlv(0x83, reasons(@{$o{reasons}})) : '', $o{indirect} ? "\x84\x01\xff" : '',
		$o{attribute} ? "\x85\x01\xff" : '');
}

# list(name, by => signer's name, issuer => [common names], revoked => [[serial hex, reason, certificate issuer's common name]...],
# hash (sha256, sha1), number, base, point => point(...), from, to (days), extensions => [critical(...)], entry => bytes appended to each entry's
# extensions, v1 => 1, bulk => so many entries more, of made-up serial numbers in no order): returns the file.
sub list {
	my ($name, %o) = @_;
	my $dir = pki_directory();
	my ($now, $signer) = (time, $o{by});
	my $hash = $o{hash} // 'sha256';
	my $algorithm = tlv(0x30, oid($hash eq 'sha1' ? '1.2.840.10045.4.1' : '1.2.840.10045.4.3.2')); # ecdsa-with-SHA1, -SHA256
	my @entries = map {
		my ($serial, $reason, $issuer) = ref $_ ? @$_ : ($_);
		my $more = (defined $reason ? extension('2.5.29.21', 0, tlv(10, chr $reason)) : '') .
			($issuer ? extension('2.5.29.29', 1, tlv(0x30, directory($issuer))) : '') . ($o{entry} // '');
		tlv(0x30, integer($serial), moment($now - 3600), length $more ? tlv(0x30, $more) : '')
	} @{$o{revoked} // []};
	if ($o{bulk}) { # 35 octets each, without a function call for each
		my $moment = moment($now - 3600);
		push @entries, map { "\x30\x21\x02\x10\x5a" . pack('N3', $_ * 2654435761 & 0xffffffff, $_, 77) . "\x01\x02\x03$moment" } 1 .. $o{bulk};
	}
	my $number = exists $o{number} ? $o{number} : 1;
	my $extensions = join '', defined $number ? extension('2.5.29.20', 0, integer(sprintf '%x', $number)) : (),
		defined $o{base} ? extension('2.5.29.27', 1, integer(sprintf '%x', $o{base})) : (),
		$o{point} ? extension('2.5.29.28', 1, $o{point}) : (), @{$o{extensions} // []};
	my $tbs = tlv(0x30, $o{v1} ? '' : "\x02\x01\x01", $algorithm, der_name(@{$o{issuer} // [$signer]}),
		moment($now + 86400 * ($o{from} // -1)), exists $o{to} && !defined $o{to} ? '' : moment($now + 86400 * ($o{to} // 10)),
		@entries ? tlv(0x30, @entries) : '', $o{v1} ? '' : tlv(0xa0, tlv(0x30, $extensions)));
	open my $f, '>:raw', "$dir/$name.tbs" or die;
	print $f $tbs;
	close $f or die;
	my $key = $o{key} ? "$dir/$o{key}.key" : "$dir/$signer.key";
	my $signature = qx(openssl dgst -$hash -sign $key $dir/$name.tbs);
	die "openssl dgst: $?" if $?;
	open $f, '>:raw', "$dir/$name.crl" or die;
	print $f tlv(0x30, $tbs, $algorithm, tlv(3, "\0$signature"));
	close $f or die;
	return "$dir/$name.crl";
}

1;
