#!/usr/bin/perl
# the parts of Apache mime4j's messages and their decoded bodies, against the trees it states for them
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/mime";
use Test::More;
use Tree;

plan skip_all => 'the corpora are not here' unless -d corpus('mime4j');

# Where our reading differs on purpose: what we see instead.  Each is malformed and must be marked ambiguous.
my $encoded = [ '1=leaf', 'RFC 2046 5.2.1: a message is not encoded; opening it would need a copy' ];
my $no_field = [ '1=leaf', 'a line that is no field ends the header: it is body, not dropped' ];
my $blanks = [ '1=leaf', 'the line of blanks belongs to the header; the next line is no field and ends it' ];
my %differs = (
	'mimetools-testmsgs/multi-2gifs-base64.msg' => $encoded,
	'testmsgs/bad-newlines-multiple-parts-base64.msg' => $encoded,
	'testmsgs/base64encoded-rfc822message-nested.msg' => $encoded,
	'testmsgs/base64encoded-rfc822message.msg' => $encoded,
	'mimetools-testmsgs/hdr-fakeout.msg' => $blanks,
	'testmsgs/basic-plain-with-bad-header-separator.msg' => $blanks,
	'testmsgs/malformedHeader-nocrlfcrlf.msg' => $no_field,
	'testmsgs/malformedHeader-noheader.msg' => $no_field,
	'testmsgs/malformedHeaderStartsBody-nocrlfcrlf.msg' => $no_field,
	'testmsgs/malformedHeaderStartsBody-noheader.msg' => $no_field,
	'testmsgs/obsolete.msg' => $no_field,
);

# Base64 that ends in the middle of four letters: we decode what they hold, mime4j drops them.
my %cut_short = map { $_ => 1 } 'mimetools-testmsgs/frag.msg 1.2.1.2.1.2.1.2', 'mimetools-testmsgs/multi-frag.msg 1.3.2';

# mime4j's tree: what each path is, and the file with the decoded body of a leaf
sub stated
{
	my (%is, %file, @path);
	my @children = (0);
	for (split /\r?\n/, slurp($_[0])) {
		if (/^<(?:message|body-part)>$/) {
			push @path, ++$children[-1];
			push @children, 0;
			$is{join '.', @path} = 'leaf';
		} elsif (/^<\/(?:message|body-part)>$/) {
			pop @path;
			pop @children;
		} elsif (/^<multipart>$/) {
			$is{join '.', @path} = 'multipart';
		} elsif (/^<(?:text|binary)-body name="(.*)"\/>$/) {
			$file{join '.', @path} = $1;
		}
	}
	for (keys %is) {
		my ($parent) = /^(.*)\.[^.]+$/;
		$is{$parent} = 'message' if defined $parent && $is{$parent} eq 'leaf';
	}
	return (\%is, \%file);
}

sub found
{
	my %is;
	for my $p (@_) {
		my $name = $p->{path} eq '-' ? '1' : "1.$p->{path}";
		my ($parent) = $name =~ /^(.*)\.[^.]+$/;
		$is{$name} = $p->{type} =~ /^multipart\// ? 'multipart' : 'leaf';
		$is{$parent} = 'message' if defined $parent && $is{$parent} eq 'leaf';
	}
	return \%is;
}

sub show { my $is = shift; return join ' ', map { "$_=$is->{$_}" } sort keys %$is }

for (grep { $_->[0] =~ /\.msg$/ } manifest('mime4j')) {
	my $name = $_->[0];
	my $path = corpus('mime4j') . "/$name";
	(my $base = $path) =~ s/\.msg$//;
	my ($want, $file) = stated("${base}_decoded.xml");
	my @parts = parts($path);
	my $is = found(@parts);
	is(in_bounds(-s $path, @parts), '', "$name: offsets");
	if (my $d = $differs{$name}) {
		is(show($is), $d->[0], "$name: other tree ($d->[1])");
		ok(ambiguous(@parts), "$name: marked ambiguous");
		next;
	}
	is(show($is), show($want), "$name: tree");
	for my $p (sort keys %$file) {
		my $body = decoded_body($path, $p eq '1' ? '-' : substr($p, 2));
		my $stated = slurp(($base =~ s/[^\/]+$//r) . $file->{$p});
		s/\r\n/\n/g for $body, $stated; # its files of text have one kind of line break
		$body = substr($body, 0, -2) if $cut_short{"$name $p"};
		ok($body eq $stated, "$name: decoded body of $p") or diag(length($body), ' bytes, stated ', length($stated));
	}
}
done_testing();
