# PathCheck.pm - a site for check-path and questions to it over the real protocol, for the tests
package PathCheck;
use strict;
use warnings;
use Exporter 'import';
use File::Copy 'copy';
use File::Path 'make_path';
use File::Temp 'tempdir';
use MIME::Base64;

our @EXPORT = qw(site put ask ask_many ders corpora build_directory slurp);

(my $here = __FILE__) =~ s{/[^/]*$}{};
sub build_directory { $ENV{POSTERN_BUILD} // "$here/../../build" }
sub corpora { $ENV{POSTERN_CORPORA} // "$here/../../../shared/corpora" }

sub slurp {
	my ($file) = @_;
	open my $f, '<:raw', $file or die "$file: $!\n";
	local $/;
	return scalar <$f>;
}

# site(name => value, ...): a directory with postern.conf and empty areas, removed at the end.
my $number = 0;
my $root;
sub site {
	my %option = @_;
	$root //= tempdir('postern-test.XXXXXX', TMPDIR => 1, CLEANUP => !$ENV{POSTERN_KEEP});
	my $dir = "$root/" . $number++;
	make_path(map { "$dir/certs/$_" } qw(public trusted untrusted private ca crl seen));
	make_path("$dir/spool");
	%option = (verify_log => "$dir/verify.log", hostname => 'gate.example', spool => "$dir/spool", %option);
	open my $f, '>', "$dir/postern.conf" or die;
	print $f "$_ = $option{$_}\n" for sort keys %option;
	close $f or die;
	return $dir;
}

# put(site, area, file...): copies files into an area.
sub put {
	my ($site, $area, @files) = @_;
	for my $file (@files) {
		my $n = () = glob("$site/certs/$area/*");
		(my $name = $file) =~ s{.*/}{};
		copy($file, "$site/certs/$area/$n-$name") or die "$file: $!\n";
	}
}

# The DER of every certificate in a PEM or DER file; what PEM holds is taken as it is.
sub ders {
	my $bytes = slurp($_[0]);
	return $bytes if $bytes !~ /-----BEGIN/;
	return map { decode_base64($_) } $bytes =~ /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----\s(.*?)-----END/gs;
}

sub request {
	my ($id, %q) = @_;
	my $xml = qq(<check-certificate id="$id" purpose=") . ($q{purpose} // 'sign') . '"';
	$xml .= qq( time="$q{time}") if $q{time};
	$xml .= qq( address="$q{address}") if defined $q{address};
	$xml .= '>';
	$xml .= '<certificate>' . encode_base64($_, '') . '</certificate>' for ref $q{certificate} ? @{$q{certificate}} : $q{certificate};
	$xml .= '<candidate>' . encode_base64($_, '') . '</candidate>' for @{$q{candidates} // []};
	$xml .= qq(<stapled kind="$_->[0]">) . encode_base64($_->[1], '') . '</stapled>' for @{$q{stapled} // []};
	return "$xml</check-certificate>";
}

sub unescape {
	my $s = shift;
	$s =~ s/&lt;/</g; $s =~ s/&gt;/>/g; $s =~ s/&quot;/"/g; $s =~ s/&#(\d+);/chr $1/ge; $s =~ s/&amp;/&/g;
	return $s;
}

sub answer {
	my $line = shift;
	my %a = (raw => $line, verdict => 'none', reason => '', text => '');
	if ($line =~ m{<verdict value="([^"]*)"(?: reason="([^"]*)")?>(.*?)</verdict>}) {
		@a{qw(verdict reason text)} = ($1, $2 // '', unescape($3));
	} elsif ($line =~ m{<refused .*?code="([^"]*)"[^>]*>(.*?)</refused>}) {
		@a{qw(verdict reason text)} = ('refused', $1, unescape($2));
	}
	my ($path) = $line =~ m{<path>(.*)</path>};
	$a{path} = [map { decode_base64($_) } ($path // '') =~ m{<certificate>(.*?)</certificate>}g];
	$a{evidence} = [map { unescape($_) } $line =~ m{<evidence source="([^"]*)"}g];
	return \%a;
}

# ask_many(site, {certificate => DER, candidates => [DER...], stapled => [[kind, DER]...], purpose, time, address}...): one conversation.
sub ask_many {
	my ($site, @questions) = @_;
	my $id = 0;
	my $file = "$site/requests";
	open my $f, '>', $file or die;
	print $f request(++$id, %$_), "\n" for @questions;
	close $f or die;
	my @lines = map { chomp; $_ } qx($here/module-talk -role check -config $site/postern.conf @{[build_directory()]}/check-path < $file 2>$site/stderr);
	die "check-path ended with $?: ", slurp("$site/stderr") if $?;
	return map { answer($_) } @lines;
}

sub ask {
	my ($site, %question) = @_;
	return (ask_many($site, \%question))[0];
}

1;
