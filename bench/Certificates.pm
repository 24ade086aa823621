# Certificates.pm - many certificates, cheaply: one is the pattern, address and serial number are put into copies.  The signature is
# right for none of them, and neither an index nor a look-up asks for it.
package Certificates;
use strict;
use warnings;
use MIME::Base64;

# new(directory): makes the pattern with openssl.
sub new {
	my ($class, $dir) = @_;
	system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $dir/pattern.key -out $dir/pattern.pem " .
		"-days 700 -subj /O=Example/CN=u0000000 -addext subjectAltName=email:u0000000\@partner.example " .
		"-addext basicConstraints=critical,CA:FALSE -set_serial 0x7070707070707070 2>/dev/null") == 0 or die "openssl req\n";
	open my $f, '<', "$dir/pattern.pem" or die;
	local $/;
	my ($body) = <$f> =~ /-----\n(.*?)-----END/s or die;
	return bless { der => decode_base64($body) }, $class;
}

sub address { sprintf 'u%07d@partner.example', $_[1] }

sub pem {
	my ($self, $i) = @_;
	my $der = $self->{der};
	my ($name, $serial) = (sprintf('u%07d', $i), pack 'N2', 0x70707070, $i);
	$der =~ s/u0000000/$name/g;
	$der =~ s/\x70{8}/$serial/;
	return "-----BEGIN CERTIFICATE-----\n" . encode_base64($der) . "-----END CERTIFICATE-----\n";
}

# fill(directory, from, to): one file each; in sub-folders of 4096 if the fourth argument is true.
sub fill {
	my ($self, $directory, $from, $to, $folders) = @_;
	for my $i ($from .. $to - 1) {
		my $place = $directory;
		if ($folders) {
			$place .= sprintf '/%03x', $i >> 12;
			mkdir $place unless $i & 4095;
		}
		open my $f, '>', "$place/$i.pem" or die "$place/$i.pem: $!\n";
		print $f $self->pem($i);
		close $f or die;
	}
}

1;
