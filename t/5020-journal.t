#!/bin/sh
# the journal over crashes and retries
. "${0%/*}/lib.sh"
deliver=$BUILD/t/helper/deliver
printf 'Subject: x\n\nbody\n' >"$T/mail"
mkdir "$T/spool"
run() { "$deliver" -j "$T/spool" -i "$@" 2>/dev/null; }
count() { ls "$1/new" 2>/dev/null | wc -l; }

run one "maildir:$T/a" "$T/mail" r@x s@x >/dev/null
is "a retry finds all of them journalled" "$(run one "maildir:$T/a" "$T/mail" r@x s@x | cut -d' ' -f1,2)" "r@x journalled
s@x journalled"
is "and sends nothing" "$(count "$T/a")" 1
is "a third recipient is served alone" "$(run one "maildir:$T/a" "$T/mail" r@x new@x | cut -d' ' -f1,2)" "r@x journalled
new@x accepted"
is "another message has its own entries" "$(run two "maildir:$T/a" "$T/mail" r@x | cut -d' ' -f1,2)" "r@x accepted"

# ---- killed
run three -x after "maildir:$T/b" "$T/mail" r@x s@x >/dev/null
is "killed after the entry: delivered" "$(count "$T/b")" 1
is "the retry sends nothing" "$(run three "maildir:$T/b" "$T/mail" r@x s@x | cut -d' ' -f1,2)" "r@x journalled
s@x journalled"
is "still one" "$(count "$T/b")" 1
run four -x before "maildir:$T/c" "$T/mail" r@x >/dev/null
is "killed in the documented window: delivered" "$(count "$T/c")" 1
is "not journalled, so it is sent again: twice, never lost" "$(run four "maildir:$T/c" "$T/mail" r@x | cut -d' ' -f1,2)" "r@x accepted"
is "two" "$(count "$T/c")" 2

# ---- killed while it writes: new/ never has half a message
head -c 30000000 /dev/zero >"$T/big"
for delay in 0.005 0.01 0.02 0.03 0.05; do
	"$deliver" "maildir:$T/k" "$T/big" r@x >/dev/null 2>&1 &
	sleep $delay
	kill -9 $! 2>/dev/null
	wait $! 2>/dev/null
done
"$deliver" "maildir:$T/k" "$T/big" r@x >/dev/null
is "only whole messages" "$(find "$T/k/new" -type f ! -size +29999999c | wc -l)" 0
ok "and the last one" test "$(count "$T/k")" -ge 1
rm -rf "$T/k"

# ---- a journal that cannot be written
mkdir "$T/full"
if mount -t tmpfs -o size=64k,nr_inodes=4,mode=0700 tmpfs "$T/full" 2>/dev/null; then
	mkdir "$T/full/journal"; : >"$T/full/x"
	out=$("$deliver" -j "$T/full" -i one "maildir:$T/d" "$T/mail" r@x s@x 2>/dev/null)
	code=$?
	umount "$T/full"
	like "accepted, but the caller learns that it is not on record" "$out" '^error .*No space left'
	is "so the mail stays with the carrier" "$code" 75
	like "the state is true all the same" "$out" '^r@x accepted'
else
	skip "a full journal" "no tmpfs can be mounted here"
fi
if [ -e /proc/version ]; then
	like "no journal, no delivery" "$("$deliver" -j /proc -i one "maildir:$T/e" "$T/mail" r@x 2>&1)" 'journal: /proc/journal'
	ok "nothing was written" test ! -e "$T/e"
fi
done_testing
