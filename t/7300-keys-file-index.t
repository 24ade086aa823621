#!/usr/bin/perl
# The index: many processes at once, killed writers, damage of every kind; the answers are always those of the folder
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use KeysFile;
use MIME::Base64;
use Test::More;

my $config = site('index');
my $public = "$T/index/certs/public";
my $data = "$T/index/spool/index/public/data.mdb";

# Copies of one certificate with other addresses: nobody asks for the signature here.
certificate('pattern', address => 'u0000000@partner.example');
my $pattern = der_of("$T/pattern.crt");
sub write_one {
	my ($i) = @_;
	my $address = sprintf 'u%07d', $i;
	put("$public/$i", $pattern =~ s/u0000000/$address/gr);
}
sub found {
	my ($c, $i) = @_;
	my $answer = ask($c, 'find-certificates', '', sprintf '<address>u%07d@partner.example</address>', $i);
	return 0 if $answer =~ /code="not-found"/;
	die "refused: $answer" unless $answer =~ /<result/;
	return scalar(() = $answer =~ /<certificate /g);
}
sub found_by_new { my $c = start($config); my $n = found($c, $_[0]); finish($c); return ($n, log_of($c)) }

write_one($_) for 1 .. 1500;

# ---- many processes begin with no index at all
my @children = map {
	my $first = $_;
	my $pid = fork;
	if (!$pid) {
		my $c = start($config);
		my $n = 0;
		$n += found($c, $first * 10 + $_) for 1 .. 10;
		finish($c);
		POSIX::_exit($n == 10 ? 0 : 1);
	}
	$pid;
} 1 .. 6;
require POSIX;
my $good = 0;
for (@children) { waitpid $_, 0; $good++ if $? == 0 }
is($good, 6, 'six processes build one index at once, and each finds its ten');

# ---- readers while files come and go
my $reader = start($config);
my ($new, $old) = (0, 0);
for my $i (2001 .. 2040) {
	write_one($i);
	unlink "$public/" . ($i - 2000);
	$new += found($reader, $i);
	$old += found($reader, $i - 2000);
}
is("$new $old", '40 0', 'forty times a new file is found and a removed one is not');

# ---- a writer is killed
for my $round (1 .. 5) {
	write_one($_) for 3000 + $round * 200 .. 3199 + $round * 200;
	my $c = start($config);
	print {$c->{to}} KeysFile::frame("<find-certificates id=\"1\"><address>u0003200\@partner.example</address></find-certificates>");
	$c->{to}->flush;
	select undef, undef, undef, 0.004 * $round;
	kill 'KILL', $c->{pid};
	waitpid $c->{pid}, 0;
}
is(found($reader, 3200), 1, 'writers were killed: a reader goes on');
is((found_by_new(4199))[0], 1, '... and so does a new process');

# ---- damage
my $whole = slurp($data);
for my $damage (['empty', ''], ['text', "not an index\n" x 1000], ['cut off', substr($whole, 0, 16384)], ['cut in a page', substr($whole, 0, 20000)],
	['of another version', $whole =~ s/postern\0\K..../\xff\xff\xff\x7f/gsr]) {
	put($data, $damage->[1]);
	my ($n, $log) = found_by_new(4199);
	is($n, 1, "an index that is $damage->[0] is built anew");
	ok(-s $data > 100_000, '... on disk');
	unlike($log, qr/error:/, '... which is no error');
}

# Nonsense in its middle may end a process, which defers one message; never two in a row.
srand 7;
my ($wrong, $twice) = (0, 0);
for my $round (1 .. 12) {
	my $bad = slurp($data);
	my $pages = int(length($bad) / 4096);
	substr $bad, 4096 * (2 + int rand($pages - 4)), 4096 * 2, join '', map { chr int rand 256 } 1 .. 8192 for 1 .. $pages / 3;
	put($data, $bad);
	my @n;
	for my $attempt (1 .. 2) {
		push @n, eval { local $SIG{__DIE__}; (found_by_new(4000 + $round))[0] } // 'ended';
	}
	$wrong++ if grep { $_ eq '0' } @n;
	$twice++ if $n[0] eq 'ended' && $n[1] eq 'ended';
	put($data, $whole) if $n[1] ne '1';
}
is($twice, 0, 'pages of nonsense cost one message at most');
is($wrong, 0, '... and never make a certificate vanish');

# ---- the spool cannot be used
finish($reader);
rename "$T/index/spool/index", "$T/index/spool/aside";
put("$T/index/spool/index", '');
my ($n, $log) = found_by_new(4199);
is($n, 1, 'without a usable spool the area is read into memory');
is(scalar(() = $log =~ /into memory/g), 1, '... with one warning for each area that holds anything');
unlink "$T/index/spool/index";
rename "$T/index/spool/aside", "$T/index/spool/index";
chmod 0777, "$T/index/spool/index/public";
($n, $log) = found_by_new(4199);
is($n, 1, 'an index that others may write to');
like($log, qr{index/public: .*into memory}, '... is not used');
chmod 0700, "$T/index/spool/index/public";

# ---- the same spool, other areas: the index of one is not the other's
mkdir $_ for "$T/index/certs2", map { "$T/index/certs2/$_" } qw(public trusted);
put($config, slurp($config) . "areas = $T/index/certs2\n");
is((found_by_new(4199))[0], 0, 'an index of another folder is not used');
done_testing();
