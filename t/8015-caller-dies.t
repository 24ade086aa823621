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

# ---- it died while its postern, which it may not kill, was at a destination; the mail server is back at once
cat >"$T/slow" <<END
#!/bin/sh
echo \$* >>"$T/began"
mkdir "$T/first" 2>/dev/null && until [ -e "$T/go" ]; do sleep 0.05; done
cat >"$T/mail.\$\$"
END
chmod +x "$T/slow"
cp "$S/postern.conf" "$T/conf"
conf "$S" "external = command:$T/slow \${recipients}"
began() { [ "$(wc -l <"$T/began")" = "$1" ]; }
mails() { ls "$T" | grep -c '^mail\.'; }
mkfifo "$T/line"
cat "$T/line" >"$T/heard" &
reader=$!
"$BUILD/postern" -c "$S/postern.conf" -client 10.0.0.5 -sender alice@behoerde.example -queue-id T1 -readmail bob@partner.example \
	<"$S/out.eml" >"$T/line" 2>&1 &
pid=$!
wait_until began 1 || fail "(hands over)"
kill -KILL $reader
send_out "$S"
is "the first attempt is at the destination: the second one is deferred" "$code $out" "75 4.3.0 another process is handing this message over"
run "$S" 10.0.0.5 alice@behoerde.example carol@elsewhere.example <"$S/out.eml"
is "... but other recipients of the same message are served meanwhile" "$code $out" "0 "
touch "$T/go"
wait $pid
send_out "$S"
is "when it has ended, the next attempt knows: once each" "$code:$(mails)" "0:2"
like "... and says so" "$(cat "$S/log")" 'to=<bob@partner.example> had it in an earlier attempt'
cp "$T/conf" "$S/postern.conf"
done_testing
