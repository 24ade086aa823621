# Refresh.pm - a site for postern-refresh, a web server beside it, and the report of a run, for the tests
package Refresh;
use strict;
use warnings;
use Exporter 'import';
use File::Copy 'copy';
use File::Temp 'tempdir';
use JSON::PP;
use PathCheck;

our @EXPORT = qw(web publish requests refresh_site refresh fetched wait_for spawn program outcome_of);

(my $here = __FILE__) =~ s{/[^/]*$}{};
my @children;
my $owner = $$;
END { if ($$ == $owner) { my $code = $?; kill 'TERM', @children; waitpid $_, 0 for @children; $? = $code } }

sub program { build_directory() . '/postern-refresh' }

# wait_for(what, code): until code is true; dies after a minute.
sub wait_for {
	my ($what, $code) = @_;
	for (1 .. 1200) {
		return if $code->();
		select undef, undef, undef, 0.05;
	}
	die "never: $what\n";
}

# spawn(log, command...): in the background, ended with the test; its pid.
sub spawn {
	my ($log, @command) = @_;
	open my $out, '>', $log or die "$log: $!";
	my $pid = fork // die;
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>&', $out or die;
		open STDERR, '>&', \*STDOUT;
		exec @command or POSIX::_exit(127);
	}
	push @children, $pid;
	return $pid;
}

my ($web, $port);

# web(): the web server, started with the first call; "http://127.0.0.1:PORT".
sub web {
	if (!$web) {
		$web = tempdir('postern-web.XXXXXX', TMPDIR => 1, CLEANUP => 1);
		mkdir "$web/www";
		spawn("$web/log", "$here/web-server", $web);
		wait_for('the web server', sub { -s "$web/port" });
		$port = slurp("$web/port");
	}
	return "http://127.0.0.1:$port";
}

# publish(name, file or \bytes): what the server has under this name from now on.
sub publish {
	my ($name, $what) = @_;
	web();
	open my $f, '>:raw', "$web/www/.new" or die;
	print $f ref $what ? $$what : slurp($what);
	close $f or die;
	rename "$web/www/.new", "$web/www/$name" or die;
}

# requests(): the lines since the last call.
my $seen = 0;
sub requests {
	my @lines = -e "$web/requests" ? split /\n/, slurp("$web/requests") : ();
	my @new = @lines[$seen .. $#lines];
	$seen = @lines;
	return @new;
}

# refresh_site(name => value...): a site that may ask this machine.
sub refresh_site { return site(refresh_allow => '127.0.0.0/8', refresh_timeout => '60s', @_) }

# refresh(site, options...): one run; {code, err (lines of standard error), json}.
sub refresh {
	my ($site, @options) = @_;
	my $pid = fork // die;
	if (!$pid) {
		open STDOUT, '>', "$site/out" or die;
		open STDERR, '>', "$site/err" or die;
		exec program(), '-c', "$site/postern.conf", '-json', @options or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	my $out = slurp("$site/out");
	die 'postern-refresh was ended by signal ' . ($? & 127) . ': ' . slurp("$site/err") if $? & 127;
	return { code => $? >> 8, err => slurp("$site/err"), json => $out =~ /^\{/ ? decode_json($out) : {} };
}

# outcome_of(run, url): "new", "failed: reason", or "none".
sub outcome_of {
	my ($run, $url) = @_;
	for my $s (@{$run->{json}{sources} // []}) {
		return $s->{outcome} . ($s->{error} ? ": $s->{error}" : '') if ($s->{url} // '') eq $url;
	}
	return 'none';
}

# fetched(site, area): what stands in its folder of fetched files, hidden files too.
sub fetched {
	my ($site, $area) = @_;
	opendir my $d, "$site/certs/$area/fetched" or return;
	my @names = sort grep { !/^\.\.?$/ } readdir $d;
	return @names;
}

1;
