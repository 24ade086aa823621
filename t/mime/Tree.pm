# Tree.pm - what the corpora tests of the MIME family share: running mime-tree, reading manifests
package Tree;
use strict;
use warnings;
use File::Basename;
use Exporter 'import';
our @EXPORT = qw(slurp run tree decoded_body parts manifest corpus in_bounds ambiguous shape);

my $src = dirname(__FILE__) . '/../..';
my $build = $ENV{POSTERN_BUILD} // "$src/build";
my $program = "$build/t/helper/mime-tree";

sub corpus { return ($ENV{POSTERN_CORPORA} // "$src/../shared/corpora") . "/mime/$_[0]" }

sub slurp
{
	open(my $f, '<:raw', $_[0]) or die "$_[0]: $!";
	local $/;
	return <$f> // '';
}

# the output, undef when the program failed
sub run
{
	open(my $p, '-|:raw', @_) or die "$_[0]: $!";
	local $/;
	my $out = <$p> // '';
	return close($p) ? $out : undef;
}

# a hash for each part
sub parts
{
	my $out = run($program, '-a', $_[0]) // return;
	my @names = qw(path type encoding charset filename header body end why);
	return map { my %p; @p{@names} = split /\t/; \%p } split /\n/, $out;
}

sub decoded_body { return run($program, '-d', $_[1], $_[0]) }

sub manifest
{
	my @lines = split /\n/, slurp(corpus($_[0]) . '/manifest.tsv');
	shift @lines;
	return grep { $_->[1] eq 'mime' } map { [split /\t/, $_, -1] } @lines;
}

sub ambiguous { return scalar grep { $_->{why} ne '-' } @_ }

# "" or what is wrong: offsets inside the file and inside the parent, in order
sub in_bounds
{
	my ($size, @parts) = @_;
	my %end = ('' => $size);
	my %start = ('' => 0);
	for my $p (@parts) {
		my $name = $p->{path} eq '-' ? 'r' : "r.$p->{path}";
		my ($parent) = $name =~ /^(.*)\.[^.]+$/;
		$parent //= '';
		return "$name: disorder" unless $p->{header} <= $p->{body} && $p->{body} <= $p->{end};
		return "$name: outside $parent" if $p->{header} < $start{$parent} || $p->{end} > $end{$parent};
		($start{$name}, $end{$name}) = ($p->{body}, $p->{end});
		$start{$parent} = $p->{end};
	}
	return '';
}

# type{type,type{...}} as the manifests' notes write it
sub shape
{
	my (%children, %type);
	for my $p (@_) {
		my $name = $p->{path} eq '-' ? 'r' : "r.$p->{path}";
		$type{$name} = $p->{type};
		push @{$children{$1}}, $name if $name =~ /^(.*)\.[^.]+$/;
	}
	my $draw;
	$draw = sub {
		my $name = shift;
		my @c = map { $draw->($_) } @{$children{$name} // []};
		return $type{$name} . (@c ? '{' . join(',', @c) . '}' : '');
	};
	return $draw->('r');
}

1;
