#!/usr/bin/perl
# 6630-cert-import.t - postern-cert import: every form, bad files, the same twice, large areas, killed in the middle
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/helper", "$FindBin::Bin/../bench";
use Certificates;
use Digest::SHA 'sha256_hex';
use JSON::PP;
use MIME::Base64;
use PathCheck;
use Test::More;
use Time::HiRes 'sleep';

my $tool = build_directory() . '/postern-cert';
my $site = site();
(my $root = $site) =~ s{/[^/]*$}{};
my $certificates = Certificates->new($root);
my $last = '';

sub file {
	my ($name, $bytes, $mode) = @_;
	open my $f, '>:raw', $name or die "$name: $!";
	print $f $bytes;
	close $f or die;
	chmod $mode, $name if $mode;
	return $name;
}
# import(site, arguments): exit code; $last is what was said
sub import_into {
	my ($to, @arguments) = @_;
	$last = qx($tool -c $to/postern.conf import @arguments 2>&1);
	return $? >> 8;
}
sub files { grep { -f } glob "$_[0]/* $_[0]/??/*" }
sub der { decode_base64($certificates->pem($_[0]) =~ s/-----.*?-----//gr) }
sub hash { sha256_hex(der($_[0])) }

# ---- forms ----
mkdir "$root/in";
mkdir "$root/in/below";
mkdir "$root/in/.hidden";
file("$root/in/one.pem", $certificates->pem(1));
file("$root/in/three.pem", "text\n" . join '', map { $certificates->pem($_) } 2 .. 4);
file("$root/in/below/five.cer", der(5));
file("$root/in/six.txt", encode_base64(der(6)));
file("$root/in/.hidden/seven.pem", $certificates->pem(7));
system("cd $root/in && openssl crl2pkcs7 -nocrl -certfile three.pem -outform DER -out all.p7b && " .
	"openssl pkcs12 -export -in $root/pattern.pem -inkey $root/pattern.key -passout pass:geheim -out key.p12 2>/dev/null") == 0 or die;
is(import_into($site, '-passphrase-file', file("$root/pass", "geheim\n", 0600), "$root/in"), 0, 'a folder of all forms');
is($last, "public: 6 files read, 7 new, 3 known, 0 skipped; 1 private keys left out\n", 'what was done');
is_deeply([sort map { s{.*/}{}r } files("$site/certs/public")], [sort map { "$_.pem" } (map { hash($_) } 1 .. 6), sha256_hex((ders("$root/pattern.pem"))[0])],
	'files are named by their content');
my ($some) = files("$site/certs/public");
is(sprintf('%04o', (stat $some)[2] & 07777), '0644', 'anybody may read them');
unlike(join('', map { slurp($_) } files("$site/certs/public")), qr/PRIVATE KEY/, 'no key was imported');
is(import_into($site, '-json', "$root/in/one.pem"), 0, 'once more');
is_deeply(decode_json($last), { area => 'public', files => 1, new => 0, known => 1, skipped => 0, left_out => 0, private_keys => 0 }, 'known, says JSON');
file("$site/certs/public/by hand.crt", der(8));
file("$root/eight.pem", $certificates->pem(8));
is(import_into($site, "$root/eight.pem"), 0, 'under another name by hand');
like($last, qr/0 new, 1 known/, 'is known');
is(import_into($site, '-area', 'trusted', '-quiet', "$root/eight.pem"), 0, 'into another area');
is("$last@{[scalar files(qq($site/certs/trusted))]}", 1, 'without a word');
is(import_into($site, '-area', 'private', "$root/eight.pem"), 64, 'private is no place for it');

# ---- progress ----
my $run = "$tool -c $site/postern.conf import $root/eight.pem $root/in/one.pem";
unlike(qx($run 2>&1), qr{\r}, 'no progress in a file');
SKIP: {
	skip 'script(1) is not here', 2 if system('command -v script >/dev/null') != 0;
	like(qx(script -qec '$run' /dev/null </dev/null), qr{\r2 files, 0 new, 2 known, 0 skipped\r?\n}, 'on a terminal there is a line of it');
	unlike(qx(script -qec '$run -quiet' /dev/null </dev/null), qr{files}, 'not with -quiet');
}

# ---- bad files ----
mkdir "$root/bad";
file("$root/bad/good.pem", $certificates->pem(10));
file("$root/bad/cut.pem", substr $certificates->pem(11), 0, 300);
file("$root/bad/half.pem", $certificates->pem(12) . "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" . $certificates->pem(13));
file("$root/bad/empty", '');
file("$root/bad/junk", pack 'N*', map { int rand 2**32 } 1 .. 5000);
file("$root/bad/bomb.der", "\x30\x84\xff\xff\xff\xff" . 'x' x 100);
file("$root/bad/name\nwith\x1besc\xe2\x80\xaeape", 'x');
symlink "$root/bad", "$root/bad/loop";
symlink '/nowhere', "$root/bad/dangling";
my $deep = "$root/bad" . '/d' x 16;
system("mkdir -p $deep") == 0 or die;
file("$deep/../fifteen.pem", $certificates->pem(14));
file("$deep/sixteen.pem", $certificates->pem(15));
system("mkfifo $root/bad/fifo") == 0 or die;
system("cp $root/in/key.p12 $root/bad/") == 0 or die;
is(import_into($site, "$root/bad", "$root/none"), 1, 'bad files: the exit status says so');
like($last, qr{^postern-cert: \Q$root/bad/$_\E: }m, "$_ is named") for qw(cut.pem half.pem empty junk bomb.der key.p12 dangling fifo);
like($last, qr{^postern-cert: \Q$root\E/none: No such file}m, 'what is not there is named');
like($last, qr{name\?with\?esc\?\?\?ape: }, 'names are made printable');
like($last, qr{bad/loop: a link back to a folder above}, 'a loop is none');
like($last, qr{^postern-cert: \Q$deep\E: too many folders within each other}m, 'sixteen folders');
ok(-f "$site/certs/public/" . hash(14) . '.pem', 'in fifteen');
ok(!-f "$site/certs/public/" . hash(15) . '.pem', 'not in sixteen');
ok(-f "$site/certs/public/" . hash($_) . '.pem', "certificate $_ of a good or half good file is there") for 10, 12, 13;
is(import_into($site, '-passphrase-file', file("$root/open", "geheim\n", 0644), "$root/in/key.p12"), 78, 'a passphrase that others may read');
is(import_into($site, '-passphrase-file', "$root/none", "$root/in/key.p12"), 66, 'a passphrase that is not there');

# ---- lists ----
my @ca = ('-config', file("$root/ca.cnf", "[ca]\ndefault_ca = d\n[d]\ndatabase = $root/db\ndefault_md = sha256\n"));
file("$root/db", '');
system("openssl ca @ca -gencrl -cert $root/pattern.pem -keyfile $root/pattern.key -crldays 5 -out $root/list.crl 2>/dev/null") == 0 or die;
is(import_into($site, '-area', 'crl', "$root/list.crl", "$root/eight.pem"), 0, 'a revocation list');
like($last, qr/crl: 2 files read, 1 new.*; 1 certificates left out/, 'a certificate is none');
my ($list) = files("$site/certs/crl");
like($list, qr/\.crl$/, 'its name');
like(slurp($list), qr/^-----BEGIN X509 CRL-----/, 'its form');

# ---- large areas ----
my $large = site();
my $bundle = join '', map { $certificates->pem($_) } 1 .. 4095;
is(import_into($large, file("$root/bundle.pem", $bundle)), 0, 'many in one file');
is(scalar(() = glob "$large/certs/public/*.pem"), 4095, 'up to 4095 stand in the area itself');
import_into($large, file("$root/more.pem", $certificates->pem(4096)));
is(scalar(() = glob "$large/certs/public/*.pem"), 4096, 'the 4096th, too');
import_into($large, file("$root/more.pem", join '', map { $certificates->pem($_) } 4090 .. 4120));
like($last, qr/24 new, 7 known/, 'more of them');
is(scalar(() = glob "$large/certs/public/*.pem"), 4096, 'are not');
is(scalar(() = glob "$large/certs/public/??/*.pem"), 24, 'but in sub-folders');
ok(-f sprintf('%s/certs/public/%.2s/%s.pem', $large, hash(4100), hash(4100)), 'by the first digits of their names');
import_into($large, "$root/more.pem");
like($last, qr/0 new, 31 known/, 'known there, too');
my $found = qx($tool -c $large/postern.conf find u0004100\@partner.example 2>&1);
like($found, qr/^public\t/, 'and found');
is(scalar(() = qx($tool -c $large/postern.conf list) =~ /\n/g), 4120, 'list has all');
my $own = qx($tool -c $large/postern.conf show u0000007\@partner.example | grep -c ^sha256);
is($own, "1\n", 'each once');

# ---- killed ----
my $killed = site();
mkdir "$root/many";
$certificates->fill("$root/many", 0, 500);
my $rounds = 0;
for my $round (1 .. 5) {
	my $pid = fork // die;
	if (!$pid) {
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', '/dev/null';
		exec $tool, '-c', "$killed/postern.conf", 'import', "$root/many" or die;
	}
	sleep 0.03 * $round;
	kill KILL => $pid;
	waitpid $pid, 0;
	$rounds++ if $? == 9;
}
my @broken = grep { slurp($_) !~ /^-----BEGIN CERTIFICATE-----\n.*-----END CERTIFICATE-----\n\z/s } files("$killed/certs/public");
is_deeply(\@broken, [], "killed $rounds times: every file that is there is whole");
is(import_into($killed, "$root/many"), 0, 'the next one does the rest');
like($last, qr/500 files read, /, 'of all files');
is(scalar(files("$killed/certs/public")), 500, 'all are there');
is_deeply([glob "$killed/certs/public/.new.*"], [], 'and nothing else');
is(scalar(() = qx($tool -c $killed/postern.conf list) =~ /\n/g), 500, 'the index has them');

# the index alone, built by processes that are killed, then by several at once
sub lines_of_list { scalar(() = qx($tool -c $killed/postern.conf list 2>/dev/null) =~ /\n/g) }
system("rm -rf $killed/spool/index") == 0 or die;
for my $round (1 .. 5) {
	my $pid = fork // die;
	if (!$pid) {
		open STDOUT, '>', '/dev/null';
		exec $tool, '-c', "$killed/postern.conf", 'list' or die;
	}
	sleep 0.02 * $round;
	kill KILL => $pid;
	waitpid $pid, 0;
}
is(lines_of_list(), 500, 'an index that was being built by processes that were killed');
system("rm -rf $killed/spool/index") == 0 or die;
my @pipes = map { open my $p, '-|', "$tool -c $killed/postern.conf list" or die; $p } 1 .. 4;
is_deeply([map { my $p = $_; scalar(() = <$p>) } @pipes], [(500) x 4], 'an index that is built by several at once');
close $_ for @pipes;

# the same by two at once
my $twice = site();
@pipes = map { open my $p, '-|', "$tool -c $twice/postern.conf import $root/many 2>&1" or die; $p } 1 .. 2;
my @said = map { my $p = $_; my @l = <$p>; close $p; "$? $l[-1]" } @pipes;
like($said[$_], qr/^0 public: 500 files read, .* 0 skipped/, 'imported by two at once, ' . ($_ + 1)) for 0, 1;
is(scalar(files("$twice/certs/public")), 500, 'each once');
is_deeply([glob "$twice/certs/public/.new.*"], [], 'nothing else');

subtest 'certificates of the collections' => sub {
	my $set = corpora() . '/smime';
	plan skip_all => "no corpora at $set" unless -d $set;
	my $all = site();
	is(import_into($all, $set), 1, 'a folder of everything');
	unlike($last, qr/signal|Sanitizer/, 'no crash');
	like($last, qr/ ([1-9]\d+) new/, 'many are certificates');
	my $rows = 0;
	for my $manifest (sort glob "$set/*/manifest.tsv") {
		my ($dir) = $manifest =~ m{([^/]+)/manifest.tsv$};
		open my $f, '<', $manifest or die;
		chomp(my @names = split /\t/, <$f>);
		while (<$f>) {
			chomp;
			my %row;
			@row{@names} = split /\t/;
			next if $row{kind} ne 'cert' || $row{expected} !~ /^path-/;
			my @floors = map { "-set '$_'" } 'check_path_rsa_bits=512', 'check_path_ec_bits=112',
				'check_path_hashes=sha1 md5 sha224 sha256 sha384 sha512 sha3-*';
			my $out = qx($tool verify -purpose any @floors -anchor $set/$dir/$row{key_cert} $set/$dir/$row{file} 2>&1);
			is(!!$?, $row{expected} ne 'path-valid', "$dir/$row{file}, any purpose and no floors: $row{expected}") or diag $out;
			$rows++;
		}
	}
	cmp_ok($rows, '>=', 50, 'enough rows were found');
};
done_testing;
