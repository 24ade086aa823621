#!/bin/sh
# who started postern dies, as Postfix's pipe(8) does when Postfix is stopped: nobody hears the exit status, so nothing more is handed over
. "${0%/*}/lib.sh"
. "${0%/*}/faults.sh"
S=$T/site
faulty_site "$S"
letter "$S" "the text"
conf "$S" "module_timeout = 900s" "deadline = 1000s" # longer than the patience of this test
mkdir "$T/pause"
# started WAY: postern, waiting in a module, below a process of its own: $caller
started() {
	fault "$S" keys-file "at find-keys pause $T/pause"
	case $1 in
	out) set -- 10.0.0.5 alice@behoerde.example bob@partner.example "$S/out.eml" ;;
	in) set -- 192.0.2.7 bob@partner.example alice@behoerde.example "$S/in.eml" ;;
	esac
	# a session of its own for postern, as pipe(8) makes: no signal for a group reaches it
	perl -MPOSIX -e 'my $p = fork; if (!$p) { POSIX::setsid(); open STDIN, "<", pop; exec @ARGV } waitpid $p, 0; exit 1' \
		"$BUILD/postern" -c "$S/postern.conf" -client "$1" -sender "$2" -queue-id T1 -readmail "$3" "$4" >"$S/said" 2>&1 &
	caller=$!
	paused "$T/pause" || fail "(waits in find-keys)"
}
for way in out in; do
	for signal in TERM KILL; do
		started $way
		kill -$signal $caller
		wait $caller
		none_left "$way, the caller got SIG$signal: no process is left, though the module has not gone on" "$S"
		rm -f "$T/pause/paused"
		untouched "$way, SIG$signal: nothing handed over" "$S"
		fault "$S" keys-file
		send_$way "$S"
		is "$way, SIG$signal: the retry delivers, once" "$code:$(handed_over "$S")" "0:1"
		clean "$S"
	done
done
# it died before postern could ask to go with it: then nobody reads its output
fault "$S" keys-file
perl -e 'pipe my $r, my $w; close $r; open STDIN, "<", shift; open STDOUT, ">&", $w; exec @ARGV' "$S/out.eml" "$BUILD/postern" -c "$S/postern.conf" \
	-client 10.0.0.5 -sender alice@behoerde.example -queue-id T1 -readmail bob@partner.example
is "nobody reads the output: deferred" "$?" 75
untouched "... and nothing handed over" "$S"
done_testing
