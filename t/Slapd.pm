# Slapd.pm - real LDAP servers on loopback ports, in the test's temporary directory, ended with the test; and servers that misbehave
package Slapd;
use strict;
use warnings;
use Exporter 'import';
use IO::Socket::INET;
use IO::Select;
use KeysFile;
use MIME::Base64;
use POSIX ();
use Time::HiRes qw(time sleep);

our @EXPORT = qw(slapd_missing free_port slapd ldif entry end_server listener wait_for tls_authority tls_certificate);

my %pids; # ended with us
my $owner = $$;
END {
	my $status = $?;
	if ($$ == $owner) { end_server($_, 'KILL') for keys %pids }
	$? = $status;
}

sub end_server {
	my ($pid, $signal) = @_; # TERM, or what is given
	my $kind = delete $pids{$pid} or return;
	$pid = -$pid if $kind eq 'group';
	kill CONT => $pid;
	kill $signal // 'TERM' => $pid;
	$pid = abs $pid;
	waitpid $pid, 0;
}

# Where slapd and its modules are; a text if it is not there.
sub slapd_missing {
	return -x '/usr/sbin/slapd' ? undef : 'slapd is not installed';
}

sub wait_for {
	my ($what, $code) = @_;
	my $end = time + 30;
	until ($code->()) {
		die "waited in vain: $what\n" if time > $end;
		sleep 0.02;
	}
}

my %used;
sub free_port {
	for (1 .. 100) {
		my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => 0) or die "no port: $!";
		return $s->sockport unless $used{$s->sockport}++;
	}
	die 'no port';
}

# ---- data ----

# attribute => value or [values]; values that are not plain text are written in base64
sub entry {
	my ($dn, @attributes) = @_;
	my $text = "dn: $dn\n";
	while (my ($name, $value) = splice @attributes, 0, 2) {
		for my $v (ref $value ? @$value : $value) {
			$text .= $v =~ /^[\x21-\x39\x3b\x3d-\x7e][\x20-\x7e]*$/ && $v !~ / $/ ? "$name: $v\n" : "${name}:: " . encode_base64($v, '') . "\n";
		}
	}
	return "$text\n";
}

sub ldif { return join '', @_ }

# ---- TLS ----

# A CA and servers' certificates: $T/NAME.crt, $T/NAME.key
sub tls_authority {
	my ($name) = @_;
	certificate($name, ext => "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n");
}

sub tls_certificate {
	my ($name, $ca, $names, %o) = @_;
	certificate($name, ca => $ca, ext => "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n" .
		($names ? "subjectAltName=$names\n" : ''), %o);
}

# ---- slapd ----

# Starts one on $T/NAME; %o: data (LDIF), tls (name of a certificate), ca (name), config (lines before the database), access (lines
# of the database), suffix, more (lines of the database).  Returns { pid, port, ldaps, ldapi, uri }.
sub slapd {
	my ($name, %o) = @_;
	my $d = "$T/$name";
	my $s = { name => $name, dir => $d, debug => $o{debug} // 256, port => free_port(), ldaps => free_port() };
	my $suffix = $o{suffix} || 'dc=example';
	mkdir $d or die "$d: $!";
	mkdir "$d/data";
	my $tls = $o{tls} ? "TLSCACertificateFile $T/$o{ca}.crt\nTLSCertificateFile $T/$o{tls}.crt\nTLSCertificateKeyFile $T/$o{tls}.key\n" .
		"TLSVerifyClient try\n" : '';
	put("$d/slapd.conf", join('', map { "include /etc/ldap/schema/$_.schema\n" } qw(core cosine inetorgperson)) .
		"modulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile $d/pid\nargsfile $d/args\n$tls" . ($o{config} // '') .
		"database mdb\nsuffix \"$suffix\"\nrootdn \"cn=root,$suffix\"\nrootpw secret\ndirectory $d/data\n" .
		"maxsize 67108864\ndbnosync\nindex objectClass,mail eq\nindex userCertificate eq\n" . ($o{access} // "access to * by * read\n") .
		($o{more} // ''));
	if ($o{data}) {
		put("$d/data.ldif", $o{data});
		system("/usr/sbin/slapadd -q -f $d/slapd.conf -l $d/data.ldif >$d/slapadd.log 2>&1") == 0 or die slurp("$d/slapadd.log");
	}
	$s->{ldapi} = "ldapi://" . ("$d/ldapi" =~ s{/}{%2F}gr);
	$s->{uri} = "ldap://127.0.0.1:$s->{port}";
	$s->{urls} = "$s->{uri} $s->{ldapi}" . ($o{tls} ? " ldaps://127.0.0.1:$s->{ldaps}" : '');
	return run_slapd($s, '-f', "$d/slapd.conf");
}

sub run_slapd {
	my ($s, @config) = @_;
	$s->{pid} = fork // die;
	if (!$s->{pid}) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', "$s->{dir}/log";
		open STDERR, '>&', \*STDOUT;
		exec '/usr/sbin/slapd', '-d', $s->{debug}, '-h', $s->{urls}, @config or POSIX::_exit(127);
	}
	$pids{$s->{pid}} = 'one';
	wait_for("slapd $s->{name}", sub {
		waitpid($s->{pid}, POSIX::WNOHANG()) == 0 or die "slapd ended:\n" . slurp("$s->{dir}/log");
		IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $s->{port});
	});
	return $s;
}

# ---- servers that misbehave ----

# A server on a free port for which code->(socket, number of the connection) runs in a process of its own.
# Returns { pid, port, log }: a line in the log for each connection.
sub listener {
	my ($name, $code) = @_;
	my $listen = IO::Socket::INET->new(Listen => 20, LocalAddr => '127.0.0.1', LocalPort => 0, ReuseAddr => 1) or die "listen: $!";
	my $s = { port => $listen->sockport, log => put("$T/$name.log", '') };
	$s->{uri} = "ldap://127.0.0.1:$s->{port}";
	$s->{pid} = fork // die;
	if (!$s->{pid}) {
		$SIG{TERM} = 'DEFAULT';
		$SIG{CHLD} = 'IGNORE';
		for (my $n = 1; my $client = $listen->accept; $n++) {
			open my $log, '>>', $s->{log};
			print $log "connection $n\n";
			close $log;
			if (!(fork // die)) {
				alarm 60;
				eval { $code->($client, $n) };
				POSIX::_exit(0);
			}
			close $client;
		}
		POSIX::_exit(0);
	}
	POSIX::setpgid($s->{pid}, $s->{pid});
	$pids{$s->{pid}} = 'group';
	$s->{connections} = sub { scalar(() = slurp($s->{log}) =~ /^connection/mg) };
	return $s;
}

1;
