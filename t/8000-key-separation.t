#!/bin/sh
# private keys stay in the keys module: what the postern process and its working child open, hold and have in memory
. "${0%/*}/lib.sh"
. "${0%/*}/faults.sh"
# what is traced cannot look for leaks, too
export ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0"
S=$T/site
faulty_site "$S" rsa
letter "$S" "the text"
conf "$S" "module_timeout = 30m" "deadline = 40m" # modules wait while their memory is looked into
mkdir "$T/pause"

# ---- by the system calls
# traced NAME DIRECTION: who opened what, in $T/NAME.parent .child .rules-file .keys-file .check-path .unknown
# A module is known by what is executed, or, where it is the program that runs already, by the name it gives its process.
traced() {
	strace -f -qq -s 400 -e trace=open,openat,openat2,creat,execve,clone,clone3,fork,vfork,socket,mmap,prctl -o "$T/trace" \
		"$BUILD/postern" -c "$S/postern.conf" $3 -queue-id T1 -readmail $4 <"$S/$2.eml" >"$S/said" 2>&1
	code=$?
	perl -e '
		my ($name, %who, $parent, %path, %unfinished) = shift;
		while (<STDIN>) {
			my ($pid, $call) = /^(\d+) +(.*)/ or next;
			$parent //= $pid;
			if ($call =~ s/ <unfinished \.\.\.>$//) { $unfinished{$pid} = $call; next }
			$call = delete($unfinished{$pid}) . $1 if $call =~ /^<\.\.\. \w+ resumed>(.*)/;
			$who{$1} //= "child" if $pid == $parent && $call =~ /^(?:clone|clone3|fork)\(.* = (\d+)$/ && $call !~ /CLONE_VFORK/;
			if ($call =~ /^execve\("[^"]*\/(rules-file|keys-file|check-path)"/) { $who{$pid} = $1 }
			if ($call =~ /^prctl\(PR_SET_NAME, "(rules-file|keys-file|check-path)"/) { $who{$pid} = $1 }
			next unless $call =~ /^(open\w*|creat|socket)\(/;
			push @{$path{$pid}}, $call;
		}
		$who{$parent} = "parent";
		for my $pid (keys %path) {
			open my $f, ">>", "$name." . ($who{$pid} // "unknown") or die;
			print $f "$_\n" for @{$path{$pid}};
		}' "$T/$1" <"$T/trace"
	for who in parent child keys-file; do [ -e "$T/$1.$who" ] || : >"$T/$1.$who"; done
}
if strace -f -o /dev/null true 2>/dev/null; then
	printf 'secret\n' >"$S/passphrase"; chmod 600 "$S/passphrase"
	openssl pkey -in "$S/alice.key" -aes256 -passout pass:secret -out "$T/sealed.key" 2>/dev/null
	cat "$T/sealed.key" "$S/alice.pem" >"$S/certs/private/alice.pem"
	# the modules as the one program that they are with postern, and as programs of their own
	for way in "out out -client 10.0.0.5 -sender alice@behoerde.example" "in in -client 192.0.2.7 -sender bob@partner.example" \
		"in-executed in -client 192.0.2.7 -sender bob@partner.example"; do
		set -- $way
		case $2 in out) to=bob@partner.example ;; *) to=alice@behoerde.example ;; esac
		name=$1 file=$2 executed=1
		case $1 in *-executed) own_programs "$S"; executed=3 ;; esac
		shift 2
		traced "$name" "$file" "$*" "$to"
		is "$name: works" "$code" 0
		is "$name: (so many programs are executed)" "$(grep -c ' execve("' "$T/trace")" "$executed"
		secret="$S/certs/private/[^\"]|$S/passphrase"
		unlike "$name: postern opens no key and no passphrase" "$(cat "$T/$name.parent")" "$secret"
		unlike "$name: its child neither" "$(cat "$T/$name.child")" "$secret"
		like "$name: (the keys module opens the key)" "$(cat "$T/$name.keys-file")" "$S/certs/private/alice.pem"
		like "$name: (and the passphrase)" "$(cat "$T/$name.keys-file")" "$S/passphrase"
		is "$name: nor does anybody else" "$(grep -lE "$secret" "$T/$name".* | grep -v keys-file)" ""
		is "$name: the child opens nothing at all" "$(cat "$T/$name.child")" ""
		ok "$name: (a child was seen)" grep -qE 'clone|fork' "$T/trace"
	done
	one_program "$S"
	rm -f "$S/passphrase"
	(umask 077 && cat "$S/alice.key" "$S/alice.pem" >"$S/certs/private/alice.pem")
else
	skip "what each process opens" "strace is not there or may not trace"
fi

# ---- by what they hold while the keys module is about to answer
numbers() { # KEY: the secret numbers of a private key, "NAME HEX" a line; and the public one, to see that looking finds
	openssl pkey -in "$1" -noout -text 2>/dev/null | perl -e '
		my ($name, %n) = "";
		while (<>) {
			if (/^(\w[\w ]*):/) { $name = $1 } elsif (/^\s+([0-9a-f:]+)\s*$/) { (my $h = $1) =~ tr/://d; $n{$name} .= $h }
		}
		for (qw(privateExponent prime1 prime2 exponent1 coefficient priv)) { next unless $n{$_}; $n{$_} =~ s/^00//; print "$_ $n{$_}\n" }
		my $public = $n{modulus} // substr($n{pub}, 2); $public =~ s/^00//; print "public $public\n"'
	perl -e 'my @l = grep { !/^-/ } <>; printf "pem %s\n", unpack "H*", substr $l[3] // $l[1], 0, 60' "$1"
}
may_look() { "$LOOK" memory $$ /dev/null >/dev/null 2>&1; }

looks() { # WAY OPERATION KEY [MODULE]: MODULE, by default keys-file, waits with its answer to OPERATION
	module=${4-keys-file}
	numbers "$3" >"$T/numbers"
	ok "$1: ($(grep -cv ^public "$T/numbers") secrets to look for)" test "$(grep -cv ^public "$T/numbers")" -ge 2
	fault "$S" "$module" "at $2 pause $T/pause"
	start_"$1" "$S"
	ok "$1: (waits for the answer to $2)" paused "$T/pause"
	child=$(child_of $pid)
	like "$1: one child works" "$child" '^[0-9]+$'
	is "$1: postern's memory has no secret of the key" "$("$LOOK" memory "$pid" "$T/numbers" | grep -v public)" ""
	is "$1: its child's neither, and the public key shows that looking finds" "$("$LOOK" memory "$child" "$T/numbers" | tr '\n' ' ')" "public "
	for other in rules-file check-path; do
		for p in $(pgrep -f "$S/(real|modules)/$other"); do
			is "$1: nor $other's" "$("$LOOK" memory "$p" "$T/numbers" | grep -v public)" ""
		done
	done
	if [ "$module" != keys-file ]; then
		[ "$(id -u)" != 0 ] || # only root may look into it
			like "$1: the keys module has them" "$("$LOOK" memory "$(pgrep -f "$S/modules/keys-file")" "$T/numbers" | grep -v public)" '.'
		fault "$S" "$module"
	fi
	unlike "$1: no key file is mapped by either" "$("$LOOK" maps "$pid"; "$LOOK" maps "$child")" "$S/certs|passphrase"
	"$LOOK" fds "$child" >"$T/fds"
	is "$1: the child has the message, scratch and output" "$(grep -cE "($S/spool/tmp/#[0-9]*|/memfd:postern) \(deleted\)" "$T/fds")" 3
	modules=$(pgrep -P "$pid" | grep -cv "^$child\$")
	is "$1: the plan's pipe and a pair for each of $modules modules" "$(awk '$1 > 2' "$T/fds" | grep -c 'pipe:')" $((1 + 2 * modules))
	is "$1: the log, and nothing else" "$(awk '$1 > 2' "$T/fds" | grep -vE "pipe:|$S/spool/tmp/#|/memfd:postern |$S/log\$")" ""
	"$LOOK" fds "$pid" | awk '$1 > 2' >"$T/fds.parent"
	unlike "$1: the parent has no area open" "$(cat "$T/fds.parent")" "$S/certs|passphrase"
	go_on "$T/pause"
	wait "$pid"
	is "$1: and goes on" "$?" 0
}
if may_look; then
	looks out sign "$S/alice.key"
	looks in unwrap "$S/alice.key"
	# and with the key in use already, in a keys module that is a forked postern
	fault "$S" keys-file
	looks in check-certificate "$S/alice.key" check-path
	# the second way to see it: the keys module does have them, when it is asked for
	E=$T/ec
	faulty_site "$E"; letter "$E" "the text"; conf "$E" "module_timeout = 30m" "deadline = 40m"
	S=$E
	looks out sign "$S/alice.key"
	looks in agree "$S/alice.key"
	numbers "$S/alice.key" >"$T/numbers"
	perl -e 'open my $f, "<", shift; local $/; my $key = <$f>; print "ready\n"; $| = 1; sleep 20' "$S/alice.key" >"$T/ready" &
	holder=$!
	kill_at_end $holder
	wait_until test -s "$T/ready"
	has_it() { "$LOOK" memory $holder "$T/numbers" | grep -q pem; }
	ok "(a process that has read a key is found out)" wait_until has_it
else
	skip "what the processes hold" "the memory of a process may not be read here"
fi
done_testing
