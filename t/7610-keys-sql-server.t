#!/usr/bin/perl
# keys-sql with PostgreSQL: a server, its replica, TLS, several hosts, and what goes away in the middle
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use KeysSql;
use IO::Socket::INET;
use POSIX ();
use Postgres;
use Test::More;
use Time::HiRes qw(sleep);

$site = 'postgresql';
SKIP: {
	my $missing = postgres_missing();
	skip $missing, 1 if $missing;
	mkdir "$T/postgresql", 0700;
	keys_sql('-check', '-c', conf('without', 'keys_sql_database = postgresql:host=/nowhere'));
	skip 'built without PostgreSQL', 1 if $said =~ /built without PostgreSQL/;
	chmod 0711, $T;
	certificate('dbca', @ca);
	certificate('dbserver', ca => 'dbca', ext => "subjectAltName=DNS:localhost\n");
	postgres_make("$T/pg", "log_connections = on\nssl = on\nssl_cert_file = '$T/pg/server.crt'\nssl_key_file = '$T/pg/server.key'\n");
	for my $kind (qw(crt key)) {
		put("$T/pg/server.$kind", slurp("$T/dbserver.$kind"), 0600);
		my @owner = (stat "$T/pg/data")[4, 5];
		chown @owner, "$T/pg/server.$kind";
	}
	my $port = postgres_start();
	postgres_query('template1', "CREATE DATABASE postern TEMPLATE template0 LOCALE 'C' ENCODING 'UTF8'");
	my $socket = "host=$T/pg port=$port dbname=postern user=postern";
	$where = "postgresql:$socket";
	my $query = sub { postgres_query('postern', $_[0]) };
	is(once(conf('nowhere', "keys_sql_database = postgresql:$socket nonsense=1"), \&who, 'x@example.net'), 'configuration temporary',
		'postgresql: a connection string that is none');
	# the server goes on with the statement when its client is gone
	all_of_it($query, [ "keys_sql_database = $where options='-c default_transaction_read_only=on'" ],
		'SELECT pg_sleep(600);', sub { $query->("SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") },
		sub { $query->("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") });

	$query->("CREATE ROLE reader LOGIN PASSWORD 'lesen'");
	$query->('GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader');
	(my $reader = $where) =~ s/user=postern/user=reader/;
	reading_only("keys_sql_database = $reader");
	# what keys-sql(8) says an account needs to store what comes by mail
	$query->('CREATE ROLE gateway LOGIN');
	$query->("GRANT $_ TO gateway") for 'SELECT ON ALL TABLES IN SCHEMA public', 'INSERT ON certificates, addresses, placements, conflicts',
		'INSERT, UPDATE ON capabilities';
	(my $gateway = $where) =~ s/user=postern/user=gateway/;
	my $storing = sub { once(conf('gateway', "keys_sql_database = $gateway"), \&store, @_) };
	my $news = 'address="bob@partner.example" signed="2026-01-02T00:00:00Z" capabilities="' . b64('b') . '"';
	is($storing->('root', "area=\"seen\" $news"), 'seen new', 'postgresql: the least rights: stores');
	is($storing->('root', "area=\"seen\" $news"), 'seen known', 'postgresql: ... and knows');
	is($storing->('middle', 'area="public" address="bob@partner.example"'), 'seen conflict', 'postgresql: ... and notes a conflict');
	$query->("DELETE FROM $_") for 'conflicts', 'capabilities', "placements WHERE area = 'seen'";
	(my $standby = $where) =~ s/port=\d+/'port=' . postgres_standby()/e;
	reading_only("keys_sql_database = $standby");
	{
		local $where = $standby;
		through_postern('replica');
	}
	is(once(conf('postern', "keys_sql_database = postgresql://postern\@/postern?host=$T/pg&port=$port"), \&who, 'bob@partner.example'), 'bob gate',
		'postgresql: a URI');

	postgres_query('template1', "CREATE DATABASE $_") for qw(three hand);
	system("psql -Xq -v ON_ERROR_STOP=1 -1 -h $T/pg -p $port -U postern -d hand -f $migrations/001-certificates.sql -f $migrations/002-own-keys.sql");
	other_ways(map { (my $w = $where) =~ s/dbname=postern/dbname=$_/; $w } qw(three hand));

	# TLS
	my $tls = "postgresql:host=localhost hostaddr=127.0.0.1 port=$port dbname=postern user=reader";
	put("$T/db-password", "lesen\n", 0600);
	my $ask = sub { once(conf('tls', "keys_sql_database = $_[0]", "keys_sql_password_file = $T/db-password", @_[1 .. $#_]), \&who, 'bob@partner.example') };
	is($ask->("$tls sslrootcert=$T/dbca.crt"), 'bob gate', 'postgresql: TLS, the name and the CA checked, a password');
	is($ask->("$tls sslrootcert=$T/root.crt"), 'temporary temporary', 'postgresql: TLS, of another CA');
	(my $other = $tls) =~ s/host=localhost/host=db.example/;
	is($ask->("$other sslrootcert=$T/dbca.crt"), 'temporary temporary', 'postgresql: TLS, of another name');
	is($ask->("$other sslrootcert=$T/dbca.crt sslmode=verify-ca"), 'bob gate', 'postgresql: ... which may be allowed');
	is($ask->("$tls sslmode=disable"), 'temporary temporary', 'postgresql: the server wants TLS');
	is($ask->("$tls sslrootcert=$T/dbca.crt password=lesen"), 'configuration temporary', 'postgresql: no password in the configuration');
	put("$T/db-password", "falsch\n", 0600);
	is($ask->("$tls sslrootcert=$T/dbca.crt"), 'temporary temporary', 'postgresql: a wrong password');
	put("$T/db-password", "lesen\n", 0644);
	is($ask->("$tls sslrootcert=$T/dbca.crt"), 'configuration temporary', 'postgresql: a password that others may read');

	# a host that is not there is passed by; one that takes the call and says nothing costs its part of the time
	my $dead = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', Proto => 'tcp');
	(my $second = $where) =~ s/host=\S+ port=\d+/"host=127.0.0.1,$T\/pg port=1,$port"/e;
	is(once(conf('two', "keys_sql_database = $second"), \&who, 'bob@partner.example'), 'bob gate', 'postgresql: the second of two hosts');
	is(once(conf('silent', "keys_sql_database = postgresql:host=127.0.0.1 port=" . $dead->sockport . ' dbname=x user=x', 'keys_sql_timeout = 500ms'),
		\&who, 'bob@partner.example'), 'temporary temporary', 'postgresql: a server that says nothing');
	my $silent = '127.0.0.1,' x 2 . "$T/pg port=" . join ',', ($dead->sockport) x 2, $port;
	finish(patient(conf('third', "keys_sql_database = postgresql:host=$silent dbname=postern user=postern", 'keys_sql_timeout = 1500ms')));
	pass('postgresql: the third of three hosts, of which two say nothing for longer than there is time');
	my $both = "$T/pg,$T/pg port=$port," . ($standby =~ /port=(\d+)/)[0] . ' dbname=postern user=postern';
	my $wanting = sub { once(conf('wanting', "keys_sql_database = postgresql:host=$both target_session_attrs=$_[0]"), \&store, 'middle',
		'area="seen" address="x@example.net"') };
	is($wanting->('prefer-standby'), 'not-found permanent', 'postgresql: a standby is preferred');
	is($wanting->('read-write'), 'seen new', 'postgresql: ... or one that can be written to is wanted');

	# locked in the middle, then gone in the middle
	my $c = patient(conf('locked', 'keys_sql_timeout = 700ms'));
	open my $holder, '|-', 'psql', '-Xq', '-h', "$T/pg", '-p', $port, '-U', 'postern', '-d', 'postern' or die;
	print $holder "BEGIN; LOCK TABLE addresses IN ACCESS EXCLUSIVE MODE;\n\\! touch $T/held.pg\n";
	$holder->flush;
	sleep 0.01 until -e "$T/held.pg";
	is(refused(ask($c, 'find-certificates', '', '<address>x@y.example</address><address>bob@partner.example</address>' x 2)), 'temporary temporary',
		'postgresql: held by another in the middle: mail waits');
	close $holder;
	finish($c);
	$c = start_sql(conf('postern'));
	my $id = find_key($c, 'office@example.org');
	is(who($c, 'bob@partner.example'), 'bob gate', 'postgresql: before it is stopped');
	is($query->("SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'postern keys-sql'"), '1', 'postgresql: one connection for a message');
	$query->('ALTER TABLE capabilities RENAME TO elsewhere');
	my $two = '<address>bob@partner.example</address>' x 2;
	is(refused(ask($c, 'find-certificates', '', $two)), 'configuration temporary', 'postgresql: a table that is away in the middle: mail waits');
	$query->('ALTER TABLE elsewhere RENAME TO capabilities');
	$query->('CHECKPOINT'); # commits do not wait for the disk here
	is(names(ask($c, 'find-certificates', '', $two)), 'bob gate bob gate', 'postgresql: ... and with the table again, the same connection serves');
	# through the program: the server goes when certificates are found and the check module, which comes late, is about to be asked
	put("$T/late-check", "#!/bin/sh\nwhile [ ! -e $T/gone ]; do sleep 0.02; done\nexec '$BUILD/check-path' \"\$@\"\n", 0755);
	my $config = mail_conf("check_modules = $T/late-check");
	unlink glob "$T/postgresql/out/new/*";
	my $answered = sub { $query->("SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'postern keys-sql' AND state = 'idle' AND " .
		"query LIKE '%FROM addresses a JOIN certificates%'") };
	my $before = $answered->();
	my $message = fork // die;
	exec "exec '$BUILD/postern' -c $config -client 127.0.0.1 -sender office\@example.org -queue-id QM -readmail bob\@partner.example <$T/mail >$T/postern.out 2>/dev/null"
		or POSIX::_exit(127) if !$message;
	sleep 0.02 until $answered->() > $before || waitpid($message, POSIX::WNOHANG()) == $message;
	postgres_stop();
	put("$T/gone", '');
	waitpid $message, 0;
	is($? >> 8, 75, 'postgresql: away in the middle of a message: it waits');
	like(slurp("$T/postern.out"), qr/\A4\.3\.0 [^\n]*keys-sql[^\n]*\n\z/, '... for the reason that stands in its one line');
	is(() = glob("$T/postgresql/out/new/*"), 0, '... and nothing has left');
	is(who($c, 'bob@partner.example'), 'temporary temporary', 'postgresql: stopped in the middle: mail waits');
	is(signature_of($c, $id, 'renewed'), 'temporary temporary', 'postgresql: ... nor does it sign');
	is(store($c, 'gate', 'area="seen" address="x@example.net"'), 'temporary temporary', 'postgresql: ... nor store');
	finish($c);
	is(once(conf('postern'), \&who, 'bob@partner.example'), 'temporary temporary', 'postgresql: away from the start: mail waits');
	postgres_start();
	is(once(conf('postern'), \&who, 'bob@partner.example'), 'bob gate', 'postgresql: back again');
}

done_testing();
