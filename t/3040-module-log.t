#!/bin/sh
# what modules write to standard error: in our log, under their name, bounded and printable
. "${0%/*}/lib.sh"
. "${0%/*}/helper/modules.sh"
site rules=noisy

fake noisy 'log info: said quietly'; decide x@y
like "a line with a level" "$log" 'ask\[[0-9]+\] info: TEST1: noisy: said quietly$'
fake noisy 'log DEBUG: x: y'; decide x@y
like "levels in any case, the rest is text" "$log" 'debug: TEST1: noisy: x: y$'
fake noisy 'log died at line 7'; decide x@y
like "without a level it is a warning" "$log" 'warning: TEST1: noisy: died at line 7$'
fake noisy 'log loud: x'; decide x@y
like "an unknown level is text" "$log" 'warning: TEST1: noisy: loud: x$'
fake noisy 'log debug: x'; setting 'log_level = info'; sed -i '/log_level = debug/d' "$T/postern.conf"; decide x@y
unlike "the log's level counts" "$log" 'noisy: x'
is "... and nothing of it goes to the caller" "$status:$out" "0:x@y: FS as= NE profile= strip=0 block=00 via= reject=(none) because=fake:1"

for n in 200 201; do
	fake noisy "at decide flood-stderr $n"; decide x@y
	is "$n lines: at most 200 are logged" "$(printf '%s\n' "$log" | grep -c 'noisy: line [0-9]*$')" 200
	is "... and that more came, once" "$(printf '%s\n' "$log" | grep -c 'noisy: more than 200 lines')" $((n - 200))
done
fake noisy "at decide flood-stderr 40000"; decide x@y
is "a flood stops nobody" "$status:$(printf '%s\n' "$log" | grep -c noisy:)" "0:201"

fake noisy "at decide long-line 1000"; decide x@y
like "a line of 1000 bytes" "$log" 'noisy: x{1000}$'
fake noisy "at decide long-line 1001"; decide x@y
like "one more is cut" "$log" 'noisy: x{1000} \.\.\.$'
fake noisy "at decide long-line 300000"; decide x@y
is "a line longer than the pipe is one line" "$status:$(printf '%s\n' "$log" | grep -c noisy:)" "0:1"

fake noisy "at decide binary-stderr"; decide x@y
like "control characters and what is no UTF-8" "$log" 'noisy: a\?b\\x1b\[31m\\xff\\xc2\\x9b$'
like "C1 controls; letters stay" "$log" "$(printf 'noisy: c1.xc2.x[89a-f][0-9a-f] \303\244$')"
is "all of the log is printable" "$(printf '%s' "$log" | tr -d '\n' | tr -d '[:print:]\303\244' | wc -c)" 0

printf '#!/usr/bin/perl\nprint STDERR "no line end"; $/ = \\1; while (<STDIN>) {}\n' >"$T/modules/half"; chmod 755 "$T/modules/half"
site rules=half; ask nothing
like "a last line without its end" "$log" 'warning: TEST1: half: no line end$'

# a module that logs and dies: both are told
printf '#!/usr/bin/perl\nprint STDERR "error: cannot read my file\n"; exit 75\n' >"$T/modules/dies"; chmod 755 "$T/modules/dies"
site rules=dies; decide x@y
like "why it died" "$log" 'error: TEST1: dies: cannot read my file$'
fork=-fork; decide x@y; fork=
like "... also when a child talks" "$log" 'error: TEST1: dies: cannot read my file$'
done_testing
