#!/usr/bin/perl
# Public collections of mail go in from outside: each message arrives, or is refused for a stated reason; none is deferred
# or crashes, and what was not opened arrives byte for byte under the added fields.
# POSTERN_CORPORA_EVERY=1 takes every message of the large evasion set, too (default: every eighth).
use strict;
use warnings;
use Test::More;
use Cwd 'abs_path';
use File::Basename 'dirname';
use File::Temp 'tempdir';

my $src = abs_path(dirname(__FILE__) . '/..');
my $build = $ENV{POSTERN_BUILD} // "$src/build";
my $corpora = $ENV{POSTERN_CORPORA} // "$src/../shared/corpora";
plan skip_all => "no corpora at $corpora" unless -d "$corpora/mime";
my $dir = tempdir('/tmp/postern-test.XXXXXX', CLEANUP => !$ENV{POSTERN_KEEP});
my $every = $ENV{POSTERN_CORPORA_EVERY} // 8;

sub slurp { open my $h, '<:raw', $_[0] or die "$_[0]: $!"; local $/; return <$h> }
sub spew { my ($path, $text) = @_; umask 077; open my $h, '>:raw', $path or die "$path: $!"; print $h $text; close $h; return $path }

# ---- the site, with the keys that the collections come with
system('sh', '-c', "BUILD='$build' SRC='$src'; . '$src/demo/site.sh'; site_make '$dir'") == 0 or BAIL_OUT('no site');
spew("$dir/extra", "notice_limit = 0\nlog_level = warning\npassphrase_file = $dir/passphrase\n");
system("cat '$dir/extra' >>'$dir/postern.conf'");
spew("$dir/passphrase", "test\n");
my %keys = ('kde' => ['certs/recipient.pem'], 'nextcloud' => ['smime-certs/user@imap.localhost.key', 'smime-certs/user@imap.localhost.crt'],
	'protected-headers' => ['bob.pem'], 'rfc4134' => ['pem/bob-rsa.pem'], 'pyas2' => ['cert_test.pem'],
	'openssl' => ['smime-certs/smec3.pem']);
for my $set (sort keys %keys) {
	spew("$dir/certs/private/$set.pem", join '', map { -f "$corpora/smime/$set/$_" ? slurp("$corpora/smime/$set/$_") : '' } @{$keys{$set}});
}

# ---- the messages
my @messages;
for my $manifest (sort glob "$corpora/mime/*/manifest.tsv $corpora/smime/*/manifest.tsv") {
	my $folder = dirname($manifest);
	my $n = 0;
	for my $line (split /\n/, slurp($manifest)) {
		my ($file, $kind, undef, undef, $expected) = split /\t/, $line;
		next if $kind !~ /^(?:mime|smime)$/ || !-f "$folder/$file";
		next if $folder =~ /evasion/ && $n++ % $every;
		push @messages, { path => "$folder/$file", expected => $expected, number => scalar @messages };
	}
}

sub deliver {
	my ($m) = @_;
	my $out = `'$build/postern' -c '$dir/postern.conf' -client 192.0.2.1 -sender eve\@evil.example -queue-id M$m->{number} -readmail 'm$m->{number}\@behoerde.example' <'$m->{path}' 2>&1`;
	spew("$dir/answer.$m->{number}", ($? & 127 ? "signal $?" : $? >> 8) . " $out");
}

my @children;
for my $half (0, 1) {
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		deliver($_) for grep { $_->{number} % 2 == $half } @messages;
		require POSIX;
		POSIX::_exit(0);
	}
	push @children, $pid;
}
waitpid $_, 0 for @children;

my %arrived;
for my $file (glob "$dir/internal/new/*") {
	my $text = slurp($file);
	push @{$arrived{$1}}, $text =~ s/\AReturn-Path: [^\n]*\n(?:Delivered-To: [^\n]*\n)+//r if $text =~ /^Delivered-To: m(\d+)\@/m;
}

# What came under our two fields is the message itself; an empty line may have been put behind its last field.
sub unchanged {
	my ($before, $after) = @_;
	return 1 if $before eq $after;
	my ($p, $n) = (0, length $before);
	$p++ while $p < $n && substr($before, $p, 1) eq substr($after, $p, 1);
	for my $break ("\n", "\r\n") { # the break may repeat what stands before it
		for my $at ($p, $p - 1, $p - 2) {
			next if $at < 0 || substr($after, $at, length $break) ne $break;
			return 1 if substr($before, 0, $at) . $break . substr($before, $at) eq $after;
		}
	}
	return 0;
}

sub objection {
	my ($m) = @_;
	my $answer = slurp("$dir/answer.$m->{number}");
	my @got = @{$arrived{$m->{number}} // []};
	if ($answer !~ /^0 $/) {
		return "exit $answer" if $answer !~ /^(?:69|77) 5\.\d\.\d .*(?:limit|layers|parts|bytes|bigger|empty)[^\n]*\n\z/;
		return 'refused, and it arrived' if @got;
		$m->{refused} = 1;
		return '';
	}
	return "arrived " . @got . " times" if @got != 1;
	return 'no record' if $got[0] !~ s/\A(Authentication-Results: .*?^X-Postern-Result: .*?; ?(?:\r?\n )?mac=\S+\r?\n)//ms;
	my $record = $1;
	$record =~ s/\r?\n|\s//g;
	$m->{encrypted} = $record =~ /;encrypted=yes;/;
	$m->{opened} = $m->{encrypted} || ($record =~ /opaque|enveloped|compressed/ && $record !~ /result=permerror/);
	return '' if $m->{opened};
	my $before = slurp($m->{path}) =~ s/\A>?From [^\n]*\n//r;
	my ($header) = $before =~ /\A(.*?^)\r?\n/ms;
	if (2 <= (() = ($header // '') =~ /^Subject:/mig)) { # of several one is left
		s/^Subject:[^\n]*\n(?:[ \t][^\n]*\n)*//mig for $before, $got[0];
	}
	return unchanged($before, $got[0]) ? '' : 'changed on the way';
}

my (%wrong, @shut);
for my $m (@messages) {
	my $why = objection($m);
	push @{$wrong{$why =~ s/\d+/N/gr}}, $m->{path} if $why;
	# the ambiguous ones have their encrypted part beside others: it stays closed
	push @shut, $m->{path} if $m->{path} =~ m{/smime/} && $m->{expected} =~ /^decrypts/ && $m->{expected} !~ /unsupported/ &&
		$m->{path} !~ /ambiguous/ && !$m->{encrypted};
}
cmp_ok(scalar @messages, '>', 200, 'messages were sent');
is(join("\n", map { "$_: @{$wrong{$_}}" } sort keys %wrong), '', 'each arrives whole, or is refused for a stated reason');
is(join("\n", @shut), '', 'what can be decrypted is');
cmp_ok(scalar(grep { $_->{encrypted} } @messages), '>', 10, 'among them encrypted ones');
cmp_ok(scalar(grep { $_->{refused} } @messages), '<', 10, 'few are refused');
ok(!-s "$dir/core", 'no core');
unlike(slurp("$dir/log"), qr/AddressSanitizer|runtime error|died of signal/, 'nothing in the log about a crash');
done_testing();
