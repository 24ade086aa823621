# Postgres.pm - a PostgreSQL server of the test's own, on a free port and in a folder of its own
#
# It refuses to be root's: then it runs as another account.  It is gone when the test ends, however it ends.
package Postgres;
use strict;
use warnings;
use Exporter 'import';
use IO::Socket::INET;
use POSIX ();

our @EXPORT = qw(postgres_missing postgres_make postgres_start postgres_standby postgres_stop postgres_query);

my ($bin) = grep { -x "$_/initdb" && -x "$_/postgres" } (sort { $b cmp $a } glob '/usr/lib/postgresql/*/bin /usr/local/pgsql/bin'),
	split /:/, $ENV{PATH};
my ($account) = grep { defined getpwnam $_ } qw(postgres nobody);
my %server;
my $owner = $$;
$SIG{TERM} = $SIG{INT} = $SIG{HUP} = sub { exit 1 };

# Why there is none; undef: there is.
sub postgres_missing {
	return 'no initdb and postgres here' unless $bin;
	return 'no psql here' unless grep { -x "$_/psql" } $bin, split /:/, $ENV{PATH};
	return 'root, and neither setpriv nor another account' unless $> != 0 || ($account && grep { -x "$_/setpriv" } split /:/, $ENV{PATH});
	return undef;
}

sub as_account { # command...
	return @_ if $> != 0;
	return ('setpriv', "--reuid=$account", '--regid=' . (getpwnam $account)[3], '--clear-groups', '--inh-caps=-all', '--', @_);
}

sub run_quietly { # log, command...
	my ($log, @command) = @_;
	my $pid = fork // die;
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', $log;
		open STDERR, '>&', \*STDOUT;
		chdir '/';
		exec @command or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	return $? == 0;
}

# Makes DIR/data with an account "postern" and a database of that name, for a server at 127.0.0.1 (TLS only, password) and in the
# socket folder DIR.  configuration: more lines of postgresql.conf.
sub postgres_make {
	my ($dir, $configuration) = @_;
	mkdir $dir, 0755 or die "$dir: $!";
	chown +(getpwnam $account)[2, 3], $dir if $> == 0;
	%server = (dir => $dir, log => "$dir/../postgres.log");
	run_quietly($server{log}, as_account("$bin/initdb", '-D', "$dir/data", '-A', 'trust', '-U', 'postern', '--no-sync', '-E', 'UTF8', '--locale=C'))
		or die 'initdb failed: ' . text($server{log});
	my %files = ('postgresql.conf' => "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nshared_buffers = 16MB\n" .
			"max_connections = 60\nunix_socket_directories = '$dir'\nlisten_addresses = '127.0.0.1'\nautovacuum = off\n$configuration",
		'pg_hba.conf' => "local all all trust\nlocal replication all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n");
	for (sort keys %files) {
		open my $f, $_ eq 'pg_hba.conf' ? '>' : '>>', "$dir/data/$_" or die;
		print $f $files{$_};
		close $f or die;
	}
}

sub text { open my $f, '<', $_[0] or return ''; local $/; return scalar <$f> }

# A server of this folder; port 0: any free one.  Returns its process and port.
sub launch {
	my ($data, $wanted) = @_;
	for my $try (1 .. 5) {
		my $port = $wanted || IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', Proto => 'tcp')->sockport;
		my $pid = fork // die;
		if (!$pid) {
			open STDIN, '<', '/dev/null';
			open STDOUT, '>>', $server{log};
			open STDERR, '>&', \*STDOUT;
			chdir '/';
			POSIX::setpgid(0, 0);
			exec as_account("$bin/postgres", '-D', $data, '-p', $port) or POSIX::_exit(127);
		}
		push @{$server{pids}}, $pid;
		for (1 .. 1200) {
			return ($pid, $port) if run_quietly('/dev/null', 'psql', '-h', $server{dir}, '-p', $port, '-U', 'postern', '-d', 'template1', '-c', 'SELECT 1');
			last if waitpid($pid, POSIX::WNOHANG()) == $pid;
			select undef, undef, undef, 0.05;
		}
		pop @{$server{pids}}; # somebody else took the port
	}
	die 'PostgreSQL does not start: ' . text($server{log});
}

# Returns the port; the same one after a stop.
sub postgres_start {
	$server{port} = (launch("$server{dir}/data", $server{port}))[1];
	return $server{port};
}

# A replica of it that may only be read; returns its port.
sub postgres_standby {
	run_quietly($server{log}, as_account("$bin/pg_basebackup", '-h', $server{dir}, '-p', $server{port}, '-U', 'postern', '-D', "$server{dir}/standby",
		'-R', '-c', 'fast', '-X', 'stream', '--no-sync')) or die 'pg_basebackup failed: ' . text($server{log});
	return (launch("$server{dir}/standby", 0))[1];
}

# All of them, at once: connections are cut.
sub postgres_stop {
	for my $pid (@{$server{pids}}) {
		kill 'QUIT', $pid;
		waitpid $pid, 0;
	}
	$server{pids} = [];
}

# What psql prints, without decoration.
sub postgres_query {
	my ($database, $sql) = @_;
	open my $p, '-|', 'psql', '-XqAt', '-h', $server{dir}, '-p', $server{port}, '-U', 'postern', '-d', $database, '-c', $sql or die;
	local $/;
	my $out = <$p>;
	close $p;
	$out =~ s/\n\z// if defined $out;
	return $out;
}

END { local $?; postgres_stop() if $$ == $owner }

1;
