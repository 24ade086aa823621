#!/usr/bin/perl
# what strangers write into a queue: every byte, every kind of broken UTF-8, every escape, through the reading programs of mailq-all
# and out again as JSON (nothing is lost or changed but what is no text) and for people (nothing steers a terminal)
use strict;
use warnings;
use Encode ();
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my ($bin) = map { "$_/../bin" } $0 =~ m{^(.*)/};
my $dir = tempdir(CLEANUP => 1);
$ENV{LC_ALL} = 'C';

sub spew { my ($path, $text) = @_; open my $f, '>:raw', $path or die; print $f $text; close $f or die }

# through the reading program KIND and the showing one
sub show {
	my ($kind, $input, $how, @more) = @_;
	spew("$dir/in", $input);
	my $out = `{ printf 'S\\tcarrier\\tt\\tpostfix\\t/x\\t\\n'; awk -v now=2000000000 @more -f $bin/queues.awk -f $bin/queues-$kind.awk <$dir/in; printf 'E\\tok\\n'; } |
		awk -v task=list -v how=$how -v all=1 -v warn=300 -v now=2000000000 -v width=0 -f $bin/queues.awk -f $bin/queues-show.awk`;
	return $out;
}

sub mails { my $d = eval { JSON::PP->new->utf8->decode($_[0]) } or diag "$@: $_[0]"; return @{ $d->{queues}[0]{mails} || [] } }

# The same in other words: each byte that begins no valid character is U+FFFD.
my $valid = qr/[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|
	\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}/x;
sub reference { my $s = substr($_[0], 0, 2000); my $o = ''; $o .= defined $1 ? Encode::decode('UTF-8', my $c = $1) : "\x{fffd}" while $s =~ /\G(?:($valid)|.)/gs; return $o }

sub harmless {
	my ($out) = @_;
	return 0 if $out =~ /[\x00-\x09\x0b-\x1f\x7f]/;
	my $text = eval { Encode::decode('UTF-8', $out, Encode::FB_CROAK) };
	return defined $text && $text !~ /[\x{80}-\x{9f}\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2060}-\x{206f}\x{feff}\x{fff9}-\x{fffb}\x{61c}]/;
}

my @raw = (
	(map { "x" . chr($_) . "y" } grep { $_ != 10 } 0 .. 255),
	(map { Encode::encode('UTF-8', chr($_)) } 0x80, 0x9f, 0xa0, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfffd, 0x10000, 0x10ffff,
		0x61c, 0x200a .. 0x2010, 0x2027 .. 0x202f, 0x205f .. 0x2070, 0xfefe, 0xfeff, 0xff00, 0xfff8 .. 0xfffb),
	"\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
	"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xe2\x82x", "\xc3\xc3\xa4", "\x80\xbf",
	'"a b"@x', '"\\"@x', '"a\\"}{,b\\\\"@x', '\\', '\\\\', '\\n', '\\u0041', '}]}', '{"queue_id": "FORGED"}', '", "sender": "forged', '%s%n%d',
	"\e]0;title\a", "\e[2J", "a\tb", "a\rb", '$(id)', '`id`', "a'b", "x" x 2000, "x" x 2001, "\xc3\xa4" x 1500, '\\' x 2001, "\e" x 1999,
);

# ---- Postfix: the text as it stands, and with everything escaped
sub object {
	my ($n, $s) = @_;
	return qq({"queue_name": "deferred", "queue_id": "Q$n", "arrival_time": 1999999000, "message_size": 7, "forced_expire": false, ) .
		qq("sender": "$s", "recipients": [{"address": "$s", "delay_reason": "$s"}, {"address": "last\@x"}]}\n);
}
for (['lower case', '\\u%04x'], ['capitals', '\\u%04X']) {
	my ($name, $format) = @$_;
	my $escape = sub { my $s = $_[0]; $s =~ s/([\\"])/\\$1/g; $s =~ s/([\x00-\x1f])/sprintf $format, ord $1/ge; $s };
	my $n = 0;
	my $input = join '', map { object($n++, $escape->($_)) } @raw;
	my @got = mails(show('postfix', $input, 'json'));
	is(scalar @got, scalar @raw, "postqueue, $name: one mail for each");
	my @bad = grep {
		my $want = reference($raw[$_]);
		$want =~ s/\0/\x{fffd}/g;
		my $m = $got[$_];
		$m->{id} ne "Q$_" || $m->{sender} ne $want || $m->{recipients}[0]{address} ne $want || $m->{recipients}[0]{reason} ne $want ||
			$m->{recipients}[1]{address} ne 'last@x' || @{ $m->{recipients} } != 2
	} 0 .. $#raw;
	is("@bad", '', "postqueue, $name: the text is the same") or diag explain [$raw[$bad[0]], $got[$bad[0]]];
	ok(harmless(show('postfix', $input, 'text')), "postqueue, $name: harmless for people");
}
my %json = ('\\ud83d\\ude00' => "\x{1f600}", '\\ud83d' => "\x{fffd}", '\\ude00' => "\x{fffd}", '\\ud83dx' => "\x{fffd}x", '\\ud83d\\u0041' => "\x{fffd}A",
	'\\ud83d\\n' => "\x{fffd}\n", '\\u0000' => "\x{fffd}", '\\u00e4\\u20ac' => "\x{e4}\x{20ac}", '\\b\\f\\n\\r\\t\\/' => "\b\f\n\r\t/",
	'\\u12' => "\x{fffd}", '\\uXYZW.' => "\x{fffd}.", '\\x' => 'x', '\\\\u0041' => '\\u0041', '\\"\\\\\\"' => '"\\"', '\\\\' => '\\', '\\\\\\n' => "\\\n");
for my $s (sort keys %json) {
	my ($m) = mails(show('postfix', object(1, $s), 'json'));
	is($m && $m->{sender}, $json{$s}, "JSON escape $s");
}
my ($m) = mails(show('postfix', qq({"new": {"a": ["x", {"b": "}"}], "sender": "x"}, "queue_name":"hold","queue_id":"A","arrival_time":5,"n":-1.5e3,) .
	qq("message_size":99999999999999,"sender":"","recipients":[{"delay_reason":"why","new":[{"address":"x"}],"address":"a\@b"},{"address":"c\@d"}]}\n), 'json'));
is_deeply([@$m{qw(queue id arrival size sender held)}], ['hold', 'A', 5, 99999999999999, '', JSON::PP::true], 'members that are not known, no blanks');
is_deeply($m->{recipients}, [{ address => 'a@b', reason => 'why' }, { address => 'c@d', reason => '' }], 'recipients with members in another order');
($m) = mails(show('postfix', object(1, 'MAILER-DAEMON'), 'json'));
is("$m->{sender}|$m->{recipients}[0]{address}", '|MAILER-DAEMON', 'the null sender');
my $out = show('postfix', qq({"queue_name": "deferred"\nnonsense\n{"queue_id": "\\"}\n\n) . object(1, 'a'), 'json');
is(join(' ', map { $_->{id} } mails($out)), 'Q1', 'lines that are no objects do not hide the others');
like($out, qr/"state":"unreadable","problem":"3 lines of postqueue -j not understood"/, 'and are counted');

# ---- queue files of Sendmail, records of postern: bytes as they are
my (@q, @h, $n);
mkdir "$dir/$_" for 'q', 'hold';
$n = 0;
for my $s (@raw) {
	my $id = sprintf 'q%05d', $n++;
	spew("$dir/q/qf$id", "V8\nT1999999000\nK0\nM$s\nS<$s>\nrRFC822; x\nRPFD:<$s>\nRPFD:last\@x\nH??X: $s\n\tRfolded\n.\n");
	spew("$dir/hold/$id.hold", "id: $id\nheld: 2033-05-18T03:16:40Z\nsender: $s\nreason: scan\ntext: $s\nrecipient: $s\nrecipient: last\@x\n");
	push @q, "10\t1999999000.5\t$dir/q/qf$id\n", "1234\t1999999000.5\t$dir/q/df$id\n";
	push @h, "10\t1999999000.5\t$dir/hold/$id.hold\n", "1234\t1999999000.5\t$dir/hold/$id.eml\n";
}
for (['sendmail', @q], ['holds', @h]) {
	my ($kind, @files) = @$_;
	my %got = map { $_->{id} => $_ } mails(show($kind, join('', @files), 'json'));
	is(scalar keys %got, scalar @raw, "$kind: one mail for each");
	my @bad = grep {
		my ($want, $m) = (reference($raw[$_]), $got{ sprintf 'q%05d', $_ });
		$m->{sender} ne $want || $m->{recipients}[0]{address} ne $want || $m->{recipients}[0]{reason} ne $want || $m->{recipients}[1]{address} ne 'last@x' ||
			$m->{size} != 1234 || $m->{age} != 1000 || @{ $m->{recipients} } != 2
	} 0 .. $#raw;
	is("@bad", '', "$kind: the text is the same") or diag explain [$raw[$bad[0]], $got{ sprintf 'q%05d', $bad[0] }];
	ok(harmless(show($kind, join('', @files), 'text')), "$kind: harmless for people");
}

# ---- many and large
my $people = join ', ', map { qq({"address": "\\"\\\\$_\\"\@x", "delay_reason": "r"}) } 1 .. 20000;
($m) = mails(show('postfix', qq({"queue_name": "deferred", "queue_id": "A", "arrival_time": 1, "message_size": 1, "sender": "s", "recipients": [$people]}\n), 'json'));
is(scalar @{ $m->{recipients} }, 20000, '20,000 recipients');
is($m->{recipients}[19999]{address}, '"\\20000"@x', 'the last of them');

done_testing;
