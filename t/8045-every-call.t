#!/bin/sh
# a sample of t/every-call: a system call of postern or of a module fails, or a process dies there; then the mail server tries again
. "${0%/*}/lib.sh"
sanitized && skip_all "the sanitizer makes system calls of its own, and does not live without them"
if [ -e /proc/sys/kernel/seccomp/actions_avail ] && grep -q user_notif /proc/sys/kernel/seccomp/actions_avail; then
	for scenario in incoming resume; do
		out=$("$SRC/t/every-call" -sample $scenario 2>&1)
		is "$scenario: whatever fails, everybody is served once, nothing is in clear and nothing is left" "$?" 0
		like "... in some dozens of ways" "$out" "^ok: $scenario, [0-9]{3,} calls, [0-9]{2,} faults, 0 bad"
		printf '%s\n' "$out" | grep '^not ok' | while read -r line; do diag "$line"; done
	done
else
	skip "system calls that fail" "this kernel asks nobody about them"
fi
done_testing
