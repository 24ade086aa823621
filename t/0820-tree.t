#!/usr/bin/perl
# the tree is as HACKING.md says: files that texts name are there, headers include no circle, lower layers no upper one
use strict;
use warnings;
use FindBin;
use Test::More;

chdir "$FindBin::Bin/.." or die;
my @roots = ('', 'src/', 'src/lib/', 'modules/', 'modules/common/', 'modules/keys-file/', 'tools/', 't/', 'etc/', 'examples/');

sub text
{
	my ($path) = @_;
	open my $in, '<', $path or die "$path: $!\n";
	local $/;
	return <$in>;
}
sub once { my %seen; return sort grep { !$seen{$_}++ } @_ }
# as it is called, or what it is built of
sub is_there { my ($name) = @_; return grep { -e } map { glob "$_$name $_$name.c" } @roots }

# ---- texts ----

for my $file (qw(HACKING.md README.md NEWS.md bench/README.md)) {
	my @named = grep { m{/} && !m{^[/.-]} && !m{^(?:private|pub|multipart|application|message|text)/|\$} } map { s{/+$}{}r } text($file) =~ /`(?:\.\/)?([\w.*\/-]+)/g;
	is(join(' ', grep { !is_there($_) } once(@named)), '', "$file: every file that it names is there");
}
my @pages = map { m{/(.*)\.(\d)$} ? "$1($2)" : () } glob 'man/*.[1-9]';
my $readme = text('README.md');
is(join(' ', grep { index($readme, $_) < 0 } @pages), '', 'README.md: every manual page');
my %is_page = map { $_ => 1 } @pages;
is(join(' ', grep { !$is_page{$_} } $readme =~ /((?:postern|keys|check|mailq|deliver)[\w.-]*\(\d\))/g), '', 'README.md: no other one');
# the lines of the tree: folders in the first column, files of src indented
my ($tree) = text('HACKING.md') =~ /^## The tree\n+```\n(.*?)^```/ms;
my $folder = '';
my @in_src;
for my $line (split /\n/, $tree) {
	my ($indent, $names) = $line =~ /^( *)(.*?)(?:   |$)/;
	if (!$indent) {
		my @gone = grep { !-d $_ } split ' ', $names;
		is("@gone", '', "HACKING.md: $names") if $names =~ m{/};
		$folder = $names =~ s/ .*//r;
	} else {
		my @gone = grep { my @found = glob "$folder$_ $folder$_.[ch]"; !grep { -e } @found } split ' ', $names;
		is("@gone", '', "HACKING.md: $folder $names");
		push @in_src, map { /[.*]/ ? glob "$folder$_" : "$folder$_.c" } split ' ', $names if $folder eq 'src/';
	}
}
# a part that has grown stands behind its first file: handover_report.c behind handover.c
my %told = map { $_ => 1 } @in_src;
is(join(' ', grep { !$told{$_} && !$told{s/_.*/.c/r} } glob 'src/*.c'), '', 'HACKING.md: all of src');

# ---- headers ----

my @sources = map { glob $_ } qw(src/*.[ch] src/*/*.[ch] modules/*/*.[ch] tools/*/*.[ch]);
my %includes;
for my $file (@sources) {
	my ($here) = $file =~ m{^(.*/)};
	for my $name (text($file) =~ /^#include "([^"]+)"/mg) {
		my ($found) = grep { -e } map { "$_$name" } $here, 'src/', 'modules/', 'tools/';
		push @{ $includes{$file} }, $found if $found;
	}
}
my (%done, @circles);
sub follow
{
	my (@way) = @_;
	for my $next (@{ $includes{ $way[-1] } || [] }) {
		if (grep { $_ eq $next } @way) { push @circles, "@way $next" }
		elsif (!$done{$next}++) { follow(@way, $next) }
	}
}
follow($_) for @sources;
is(join("\n", @circles), '', 'no header includes itself by a detour');

# what a folder may include beside itself
my %below = ('src/lib' => '', 'src/mime' => 'src/lib', 'src/smime' => 'src/lib src/mime', 'src/module' => 'src/lib src/smime', 'src/deliver' => 'src/lib',
	'modules/common' => 'src/lib', 'modules/check-xkms' => 'src/lib modules/common modules/check-path');
my @upwards;
for my $file (@sources) {
	my ($folder) = $file =~ m{^(.*)/};
	my $allowed = $below{$folder} // ($folder =~ m{^modules/} ? 'src/lib src/mime modules/common' : next);
	push @upwards, map { "$file includes $_" } grep { my ($of) = m{^(.*)/}; !grep { $of eq $_ } $folder, split ' ', $allowed } @{ $includes{$file} || [] };
}
is(join("\n", @upwards), '', 'no layer includes an upper one');
done_testing;
