#!/usr/bin/perl
# keys-sql with SQLite
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use KeysSql;
use Test::More;
use Time::HiRes qw(sleep);

$site = 'sqlite';
$where = "sqlite:$T/sqlite/keys.db";
sub sqlite_query {
	open my $p, '-|', 'sqlite3', '-batch', "$T/sqlite/keys.db", $_[0] or die;
	local $/;
	my $out = <$p> // '';
	close $p;
	$out =~ s/\n\z//;
	return $out;
}
SKIP: {
	skip 'sqlite3 is not installed', 1 unless grep { -x "$_/sqlite3" } split /:/, $ENV{PATH};
	# it has written more than it keeps in memory when the file grows
	all_of_it(\&sqlite_query, [ "keys_sql_database = sqlite:$T/sqlite/keys.db?mode=ro" ],
		'CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT hex(zeroblob(1000)) FROM n;',
		sub { (-s "$T/sqlite/keys.db") > 4_000_000 });
	is((stat "$T/sqlite/keys.db")[2] & 0777, 0600, 'sqlite: the file is ours alone');
	conformance();
	system("umask 077; cat $migrations/*.sql | sqlite3 -batch $T/sqlite/hand.db");
	other_ways("sqlite:$T/sqlite/three.db", "sqlite:$T/sqlite/hand.db");
	put("$T/thousand.pem", slurp("$T/bob.crt") x 1001);
	is(keys_sql('-import', '-c', conf('three', "keys_sql_database = sqlite:$T/sqlite/three.db"), "$T/thousand.pem"),
		"public: 1001 certificates and 0 keys of 1 files, 0 failures\n", 'sqlite: 1001 certificates in one file, in two transactions');

	my $c = patient(conf('locked', 'keys_sql_timeout = 300ms'));
	open my $holder, '|-', 'sqlite3', '-batch', "$T/sqlite/keys.db" or die;
	print $holder "BEGIN EXCLUSIVE;\n.shell touch $T/held\n";
	$holder->flush;
	sleep 0.01 until -e "$T/held";
	is(who($c, 'bob@partner.example'), 'temporary temporary', 'sqlite: held by another in the middle: mail waits');
	is(store($c, 'gate', 'area="seen" address="x@example.net"'), 'temporary temporary', 'sqlite: ... nor can anything be stored');
	close $holder;
	my $again;
	for (1 .. 100) { last if ($again = who($c, 'bob@partner.example')) eq 'bob gate' }
	is($again, 'bob gate', 'sqlite: let go, it works again');
	finish($c);
	chmod 0660, "$T/sqlite/keys.db";
	is(once(conf('postern'), \&who, 'bob@partner.example'), 'configuration temporary', 'sqlite: not a file that others may write to');
	put("$T/sqlite/rubbish.db", 'no database ' x 1000, 0600);
	is(once(conf('rubbish', "keys_sql_database = sqlite:$T/sqlite/rubbish.db"), \&who, 'bob@partner.example'), 'configuration temporary', 'sqlite: rubbish');
	is(once(conf('nowhere', "keys_sql_database = $_"), \&who, 'bob@partner.example'), 'configuration temporary', "no such database: $_")
		for 'sqlite:keys.db', "sqlite:$T/sqlite", "sqlite:$T/none/keys.db", 'mysql:host=x';
}

done_testing();
