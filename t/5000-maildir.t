#!/bin/sh
# maildir: destinations
. "${0%/*}/lib.sh"
deliver=$BUILD/t/helper/deliver

printf 'Subject: x\n\nbody\n.\n' >"$T/lf"
printf 'Subject: x\r\n\r\nbody\r\n' >"$T/crlf"
only() { ls "$1" | { read -r f && ! read -r _ && cat "$1/$f"; }; }

# ---- what is written
is "each recipient is accepted" "$("$deliver" -f me@b "maildir:$T/deep/er/a" "$T/lf" r@x s@x)" "r@x accepted 2.0.0 written
s@x accepted 2.0.0 written"
printf 'Return-Path: <me@b>\nDelivered-To: r@x\nDelivered-To: s@x\nSubject: x\n\nbody\n.\n' >"$T/want"
only "$T/deep/er/a/new" >"$T/got"
ok "Return-Path, a Delivered-To a recipient, the message" cmp "$T/got" "$T/want"
is "a missing maildir is made whole" "$(ls "$T/deep/er/a")" "cur
new
tmp"
is "nothing stays in tmp" "$(ls "$T/deep/er/a/tmp")" ""
is "private" "$(stat -c %a "$T/deep/er/a" "$T/deep/er/a/new" "$T/deep/er/a/new/"*)" "700
700
600"
"$deliver" -f '' -c 5 "maildir:$T/b" "$T/crlf" r@x >/dev/null
printf 'Return-Path: <>\r\nDelivered-To: r@x\r\nSubject: x\r\n\r\nbody\r\n' >"$T/want"
only "$T/b/new" >"$T/got"
ok "the message's line breaks, the null sender, a message in pieces" cmp "$T/got" "$T/want"
: >"$T/empty"
is "an empty message" "$("$deliver" "maildir:$T/c" "$T/empty" r@x)" "r@x accepted 2.0.0 written"

# ---- names
for i in 1 2 3 4 5 6 7 8; do
	( for j in 1 2 3 4 5; do "$deliver" "maildir:$T/many" "$T/lf" r@x; done >/dev/null ) &
done
wait
is "forty messages of eight processes at once have forty names" "$(ls "$T/many/new" | wc -l)" 40
unlike "no colon or slash in a name" "$(ls "$T/many/new")" ':'

# ---- addresses that must not get through
is "unsafe recipients are refused, the others served" "$("$deliver" "maildir:$T/d" "$T/lf" ok@x "-f@x" "a
b@x" "a<b@x" "" | cut -d' ' -f1-3 | grep -v '^a$')" "ok@x accepted 2.0.0
-f@x refused 5.1.3
b@x refused 5.1.3
a<b@x refused 5.1.3
 refused 5.1.3"
is "one message for the one" "$(ls "$T/d/new" | wc -l)" 1
like "an unsafe sender is refused" "$("$deliver" -f '-oQ/tmp@x' "maildir:$T/e" "$T/lf" r@x)" '^r@x refused 5\.1\.7 '
ok "and nothing is written" test ! -e "$T/e"

# ---- what goes wrong is temporary
: >"$T/file"
like "a file where the maildir should be" "$("$deliver" "maildir:$T/file" "$T/lf" r@x)" "^r@x temporary 4\\.2\\.0 maildir:$T/file: .*Not a directory"
like "the probe says so too" "$("$deliver" -p "maildir:$T/file")" 'not a directory'
is "a maildir that can be made is usable" "$("$deliver" -p "maildir:$T/will/be/made")" usable
ok "and the probe made nothing" test ! -e "$T/will"
like "no time left" "$("$deliver" -t 0 "maildir:$T/f" "$T/lf" r@x)" '^r@x temporary 4\.2\.0 .*deadline'
is "and nothing is left behind" "$(find "$T/f" -type f)" ""
mkdir -p "$T/ro/new" "$T/ro/tmp" "$T/ro/cur" && chmod 500 "$T/ro/tmp" "$T/ro/new" "$T/ro/cur" "$T/ro"
chmod 755 "$T"
if [ "$(id -u)" != 0 ]; then
	as=
elif command -v setpriv >/dev/null; then
	chown -R 65534 "$T/ro"; as="setpriv --reuid 65534 --regid 65534 --clear-groups"
fi
if [ "$(id -u)" != 0 ] || { [ -n "${as-}" ] && $as test -x "$deliver"; }; then
	like "a read-only maildir" "$($as "$deliver" "maildir:$T/ro" "$T/lf" r@x)" '^r@x temporary 4\.2\.0 .*Permission denied'
	like "the probe says so too" "$($as "$deliver" -p "maildir:$T/ro")" 'Permission denied'
else
	skip "a read-only maildir" "no other user can run the program here"
fi
mkdir "$T/small"
if mount -t tmpfs -o size=64k,mode=0700 tmpfs "$T/small" 2>/dev/null; then
	head -c 200000 /dev/zero | tr '\0' 'x' >"$T/big"
	got=$("$deliver" "maildir:$T/small/m" "$T/big" r@x)
	left=$(find "$T/small" -type f)
	small=$("$deliver" "maildir:$T/small/m" "$T/lf" r@x)
	umount "$T/small"
	like "a full disk" "$got" '^r@x temporary 4\.2\.0 .*No space left'
	is "nothing of it stays" "$left" ""
	is "what fits goes through" "$small" "r@x accepted 2.0.0 written"
else
	skip "a full disk" "no tmpfs can be mounted here"
fi

# ---- in this order, or a power cut could lose a message that was accepted
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
	mkdir "$T/journal"
	"$deliver" "maildir:$T/order" "$T/lf" r@x >/dev/null
	ASAN_OPTIONS=detect_leaks=0 strace -o "$T/trace" -e trace=fsync,fdatasync,rename,renameat,renameat2,write "$deliver" -j "$T" -i x "maildir:$T/order" "$T/lf" r@x >/dev/null
	is "file, rename, directory, journal; then the result" "$(sed -n 's/^\(f[a-z]*sync\|rename\|write\).*/\1/p' "$T/trace" | uniq -c | tr -s ' ' | tr '\n' ';')" \
		" 1 write; 1 fsync; 1 rename; 2 fsync; 1 write;"
else
	skip "the order of writing" "no strace here, or it may not trace"
fi

# ---- memory
head -c 50000000 /dev/zero | tr '\0' 'a' | fold -w 72 >"$T/fifty"
memory=$("$deliver" -m "maildir:$T/g" "$T/fifty" r@x | sed -n 's/^memory //p')
ok "fifty megabytes in less than 20 ($memory KB)" test "$memory" -lt 20000
is "complete" "$(tail -n +3 "$T/g/new/"* | cksum)" "$(cksum <"$T/fifty")"
done_testing
