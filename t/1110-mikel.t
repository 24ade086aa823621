#!/usr/bin/perl
# e-mails of the Ruby mail library: none crashes the parser or loses bytes, and the parts are what another parser saw
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/mime";
use Test::More;
use Tree;

plan skip_all => 'the corpora are not here' unless -d corpus('mikel');

for (manifest('mikel')) {
	my ($name, undef, undef, undef, $expected, $note) = @$_;
	my $path = corpus('mikel') . "/$name";
	my @parts = parts($path);
	ok(@parts > 0, "$name: is parsed") or next;
	is(in_bounds(-s $path, @parts), '', "$name: offsets");
	is($parts[0]{end}, -s $path, "$name: no byte is lost");
	next unless $expected eq 'structure' && $note =~ /Python email\): ([a-z]+\/[^\s;]+)/;
	my $other = lc $1;
	# the other parser makes parts of the blocks of a delivery status; they are no MIME entities (RFC 3464 section 2.1)
	$other =~ s/(message\/delivery-status)\{[^}]*\}/$1/g;
	is(shape(@parts), $other, "$name: parts");
}
done_testing();
