#!/bin/sh
# every fault of a module, in the whole program: for each role and each way 75, a line in the log that names the module
# and the operation, nothing handed over, in time, no process left
. "${0%/*}/lib.sh"
. "${0%/*}/faults.sh"
S=$T/site
faulty_site "$S"
letter "$S" "the text"
conf "$S" "frame_limit = 64K" "deadline = 60s"

# faulty WAY MODULE OPERATION 'FAULT' ERE
faulty() {
	rm -f "$S/log"
	for other in rules-file keys-file check-path; do [ "$other" = "$2" ] || fault "$S" "$other"; done
	fault "$S" "$2" "at $3 $4"
	# where nothing comes there is nothing to wait for; elsewhere a busy machine shall not be mistaken for it
	case $5 in "$late") timeout=1s ;; *) timeout=20s ;; esac
	conf "$S" "module_timeout = $timeout"
	send_"$1" "$S"
	name="$1, $2, $3: $4"
	if [ "$code" = 75 ] && printf '%s\n' "$out" | grep -Eq "^4\.[0-9]\.[0-9] .*module $2: $3: $5" &&
		grep -Eq "T1: (exit 75: 4.3.0 )?module $2: $3: $5" "$S/log" && [ "$(printf '%s\n' "$out" | wc -l)" = 1 ]; then
		pass "$name"
	else
		fail "$name" "exit $code, said: $out
wanted: 75, module $2: $3: $5
$(cat "$S/log")"
	fi
}
late='no answer within 1s$'
ended='it has ended or closed its output without an answer$'
every() { # WAY MODULE OPERATION: all faults
	faulty "$1" "$2" "$3" 'silent' "$late"
	faulty "$1" "$2" "$3" 'truncated' 'end of file inside a frame$'
	faulty "$1" "$2" "$3" 'oversized 65537' 'frame of 65537 bytes, the limit is 65536$'
	faulty "$1" "$2" "$3" 'wrong-id' 'answered request "999", asked was [0-9]+$'
	faulty "$1" "$2" "$3" 'junk' 'not a frame: '
	faulty "$1" "$2" "$3" 'empty' 'not a frame: the length is empty or begins with 0$'
	faulty "$1" "$2" "$3" 'exit 3' "$ended"
	faulty "$1" "$2" "$3" 'kill' "$ended"
	faulty "$1" "$2" "$3" 'close-stdout' "$ended"
	[ "$3" = hello ] || faulty "$1" "$2" "$3" 'refuse temporary unavailable come back' 'come back \(unavailable\)$'
}
# wrong-id says nothing of a <hello>, which has none
every_hello() { # WAY MODULE: the handshake's
	for f in 'silent' 'truncated' 'junk' 'exit 0' 'kill'; do
		case $f in silent) want=$late ;; truncated) want='end of file inside a frame$' ;; junk) want='not a frame: ' ;; *) want=$ended ;; esac
		faulty "$1" "$2" hello "$f" "$want"
	done
}
for at in "out rules-file decide" "out keys-file sign" "in check-path check-certificate"; do
	set -- $at
	faulty "$1" "$2" "$3" 'slow 3' "$late"
	faulty "$1" "$2" "$3" 'grandchild' "$late"
done
every out rules-file decide
every out keys-file find-certificates
every out keys-file find-keys
every out keys-file sign
every out check-path check-certificate
every in keys-file find-keys
every in keys-file agree
every in check-path check-certificate
every_hello out rules-file
every_hello out keys-file
every_hello in check-path

# an answer too many: noticed at once or with the next question, never taken for an answer to it
for at in "out rules-file decide" "out keys-file find-keys" "in check-path check-certificate"; do
	set -- $at
	faulty "$1" "$2" "$3" twice '(it said more than it was asked|answered request)'
done
# a wrong version, a wrong role, no operations
fault "$S" keys-file; fault "$S" check-path
rm "$S/modules/keys-file"; ln -s "$SRC/t/helper/fake-module" "$S/modules/keys-file"
for hello in 'protocol 2.0' 'role check' 'hello <hello protocol="1.0" role="keys" name="x" version="1"/>'; do
	rm -f "$S/log"
	printf '%s\n' "$hello" >"$S/modules/keys-file.behaviour"
	send_out "$S"
	is "hello: $hello" "$code" 75
	like "... in the log" "$(cat "$S/log")" 'error: T1: module keys-file: hello: it'
done
fault "$S" keys-file
untouched "through all of this nothing was handed over, and the spool is empty" "$S"
none_left "no process is left" "$S"

# slow, but in time, and an answer of the size of frame_limit: works
fault "$S" keys-file 'at find-keys slow 0.1'; send_out "$S"; is "slow but in time" "$code" 0
fault "$S" keys-file 'at find-keys chatty 65536'; send_out "$S"; is "an answer of frame_limit" "$code" 0
fault "$S" keys-file 'at find-keys chatty 65537'; send_out "$S"; is "and of one byte more" "$code" 75
fault "$S" keys-file 'at find-keys drip'; send_out "$S"; is "byte by byte" "$code" 0
fault "$S" keys-file 'at find-keys flood-stderr 5000'; send_out "$S"; is "a flood on standard error" "$code" 0
ok "... does not fill the log" test "$(wc -l <"$S/log")" -lt 2500
is "each of them handed over" "$(handed_over "$S")" 4
fault "$S" keys-file
none_left "no process is left in the end" "$S"
done_testing
