#!/usr/bin/perl
# one name, one home: every option, configuration name, exit code, reason, rule word and header field of the code stands in its manual
# page, and none stands there that the code does not have
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use KeysFile;
use Test::More;

my $tree = "$FindBin::Bin/..";

sub text
{
	my ($path) = @_;
	open my $in, '<', $path or die "$path: $!\n";
	local $/;
	return <$in>;
}
sub sources { return map { text($_) } grep { !/_none\.c$/ } map { glob "$tree/$_" } @_ }
sub once { my %seen; return sort grep { !$seen{$_}++ } @_ }

my %page = map { m{([^/]+)$} => text($_) } glob "$tree/man/*.[1-9]";

# What the items of a page name by these macros.  "Cm a , b", "Cm a Ns = Ns Ar x", "Cm a Pq 1h , Cm b" are two, one and two.
sub items
{
	my ($text, $macros) = @_;
	my @found;
	for my $line ($text =~ /^\.It ((?:$macros) .*)$/mg) {
		my $on = 0;
		for (split ' ', $line =~ s/ Ns .*?(?= , |$)//gr) {
			if (/^(?:$macros)$/) { $on = 1 }
			elsif (/^[A-Z][a-z]$/) { $on = 0 }
			elsif ($on && $_ ne ',' && $_ ne '|') { push @found, s/\\&//r }
		}
	}
	return @found;
}
# The text of one section.
sub section
{
	my ($page, $title) = @_;
	return $page{$page} =~ /^\.Sh \Q$title\E\n(.*?)(?=^\.Sh |\z)/ms ? $1 : '';
}
sub same
{
	my ($what, $got, $want) = @_;
	is(join(' ', once(@$got)), join(' ', once(@$want)), $what);
}

# ---- configuration names ----

my %prefix = (check_path => 'check-path.8', check_xkms => 'check-xkms.8', refresh => 'postern-refresh.8',
	map { ("keys_$_" => "keys-$_.8") } qw(file ldap pkcs11 smimea socket sql));
my $prefixes = join '|', sort keys %prefix;
my @names = map { /\{ "([a-z_0-9]+)", CONFIG_[A-Z]+/g } sources('src/lib/*.c', 'modules/*/*.c', 'tools/*/*.c');
my %home;
push @{ $home{ /^($prefixes)_/ ? $prefix{$1} : 'postern.conf.5' } }, $_ for @names;

for my $page (sort keys %home) {
	my @documented = items($page{$page}, 'Cm|Ic');
	my $kind = $page eq 'postern.conf.5' ? qr/^[a-z_0-9]+$/ : qr/^(?:$prefixes)_[a-z_0-9]+$/;
	same("$page: its configuration names are those of the code", [ grep { $_ =~ $kind } @documented ], $home{$page});
}
# elsewhere they are mentioned, and described in one place: the names of modules have their prefix
my %known = map { $_ => 1 } @names;
my %prose = (%page, map { $_ => text("$tree/$_") } qw(README.md HACKING.md NEWS.md etc/postern.conf bench/README.md));
for my $file (sort keys %prose) {
	my @strange = grep { !$known{$_} && !$known{s/^(keys_ldap)_[a-z0-9]+?_/$1_/r} && !/_$/ } $prose{$file} =~ /\b((?:$prefixes)_[a-z_0-9]+)\b/g;
	is(join(' ', once(@strange)), '', "$file: mentions no configuration name that does not exist");
	next if !$page{$file};
	my @foreign = grep { /^($prefixes)_/ && $prefix{$1} ne $file } items($page{$file}, 'Cm|Ic');
	is(join(' ', once(@foreign)), '', "$file: describes no configuration name of another page");
}

# ---- options of command lines: the code, -help and the page ----

sub table { my ($path, $pattern) = @_; return text("$tree/$path") =~ /^\t\{ "$pattern", /mg }
sub cases { return map { split /\|/ } map { /^\t-([a-z|-]+)\)/mg } map { text("$tree/$_") } @_ }
sub exits_of_help { my ($help) = @_; return $help =~ /\bexit (?:status|codes?):(.*)/is ? $1 =~ /(?<![\w\/])(\d\d?)(?=[ ,;]|$)/g : () }
sub exits_of_page
{
	my $text = section($_[0], 'EXIT STATUS');
	my @items = $text =~ /^\.It (\d+)/mg;
	return @items ? @items : $text =~ /(?:^|; )(\d+) (?:if|for) /mg;
}
my %code = (
	'postern' => [ table('src/options.c', '([a-z-]+)') ],
	'postern-cert' => [ text("$tree/tools/cert/options.c") =~ /^\t\{ "([a-z-]+)", OPTION_/mg ],
	'postern-refresh' => [],
	'postern-module-check' => [],
	'bin/mailq-all' => [ cases('bin/mailq-all.in') ],
	'bin/deliver-all' => [ cases('bin/deliver-all.in') ],
	'bin/postern-setup' => [],
	'keys-sql' => [],
	'rules-file' => [],
);
# of every program, or (interrupt) for our own tests
my %understood = map { $_ => 1 } qw(help version config peer interrupt);
for my $program (sort keys %code) {
	my ($name) = $program =~ m{([^/]+)$};
	my $page = $name eq 'rules-file' ? 'postern-rules.5' : "$name.8";
	my $help = -x "$BUILD/$program" ? `"$BUILD/$program" -help 2>&1` : next;
	my @help = grep { !$understood{$_} } $help =~ /(?<![\w-])-([a-z][a-z-]*)/g;
	my @listed = grep { !$understood{$_} } items($page{$page}, 'Fl'), $page{$page} =~ /^\.It Nm \S+ Fl ([a-z-]+)/mg;
	my %mentioned = map { $_ => 1 } @listed, $page{$page} =~ /\bFl ([a-z][a-z-]*)/g;
	my %helped = map { $_ => 1 } @help;
	is(join(' ', once(grep { !$mentioned{$_} } @help)), '', "$page: every option of -help");
	is(join(' ', once(grep { !$helped{$_} } @listed)), '', "$name -help: every option that the page lists");
	same("$name -help: the exit codes of the page", [ exits_of_help($help) ], [ exits_of_page($page) ]) if $help =~ /exit (?:status|code)/i;
	same("$name -help: the options of the code", \@help, [ grep { !$understood{$_} } @{ $code{$program} } ]) if @{ $code{$program} };
}

# ---- exit codes, reasons, words ----

for (['postern.8', 'src/outcome.h'], ['postern-cert.8', 'tools/cert/tool.h']) {
	my ($page, $source) = @$_;
	same("$page: the exit codes of $source", [ exits_of_page($page) ], [ text("$tree/$source") =~ /^\tEXIT_\w+ = (\d+)/mg ]);
}
same('check-path.8: the reasons of the code', [ items(section('check-path.8', 'REASONS'), 'Li') ],
	[ text("$tree/modules/check-path/reason.c") =~ /\{ "([a-z-]+)", CHECK_/g ]);
same('postern-rules.5: the words of the code', [ grep { /^[A-Z-]+!?$/ } items($page{'postern-rules.5'}, 'Cm') ],
	[ text("$tree/modules/rules-file/words.c") =~ /^\t\{ "([A-Z-]+!?)", VALUE_/mg ]);
same('postern-profiles.5: the words of the code', [ items($page{'postern-profiles.5'}, 'Ic') ],
	['like', text("$tree/src/lib/profile.c") =~ /^\t\{ "([a-z_]+)", (?:WORD|FLAG|NUMBER), /mg ]);
my @built_in = text("$tree/src/lib/profile.c") =~ /^\t\{ \.name = "([\w-]+)"/mg;
same('postern-profiles.5: the built-in profiles', [ items(section('postern-profiles.5', 'BUILT-IN PROFILES'), 'Cm') ], \@built_in);

# ---- header fields of our own ----

my @fields = map { /"[^"\n]*(X-Postern-[A-Z][A-Za-z-]+)/g } sources('src/*.c', 'src/*.h', 'src/*/*.c', 'src/*/*.h');
same('postern.8: our own header fields', [ $page{'postern.8'} =~ /^\.Li (X-Postern-[A-Za-z-]+)/mg ], \@fields);
done_testing;
