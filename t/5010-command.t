#!/bin/sh
# command: destinations
. "${0%/*}/lib.sh"
deliver=$BUILD/t/helper/deliver
printf 'Subject: x\n\nbody\n' >"$T/mail"

cat >"$T/show" <<END
#!/bin/sh
{ for a; do echo "[\$a]"; done; env | sort; ls /proc/self/fd 2>/dev/null | tr '\n' ' '; echo; cat; } >>"$T/shown"
END
cat >"$T/exit" <<'END'
#!/bin/sh
cat >/dev/null; [ -z "${3-}" ] || printf '%b\n' "$3"; exit "$1"
END
chmod +x "$T/show" "$T/exit"

# ---- arguments
is "accepted" "$("$deliver" -f me@b "command:$T/show -f \${sender} x=\${sender}, -- \${recipients}" "$T/mail" 'a b@x' s@x 7</dev/null)" "a b@x accepted 2.0.0 
s@x accepted 2.0.0 "
is "one argument a recipient, blanks split nothing, no shell" "$(grep '^\[' "$T/shown")" "[-f]
[me@b]
[x=me@b,]
[--]
[a b@x]
[s@x]"
ok "the message on standard input" test "$(tail -n 3 "$T/shown" | cksum)" = "$(cksum <"$T/mail")"
is "a clean environment" "$(grep -E '^[A-Z_]+=' "$T/shown" | grep -Ev '^(PWD|_|OLDPWD|SHLVL)=')" "HOME=/
LC_ALL=C
PATH=/usr/sbin:/usr/bin:/sbin:/bin
SHELL=/bin/sh"
is "no descriptor of ours" "$(grep '^0 1 2' "$T/shown" | tr ' ' '\n' | awk '$1 > 4' )" ""
: >"$T/shown"
"$deliver" -f '' "command:$T/show -f \${sender} \${recipients}" "$T/mail" '$(touch${IFS}x)@x' '${sender}@x' >/dev/null
is "the null sender is <>, nothing is expanded twice" "$(grep '^\[' "$T/shown")" '[-f]
[<>]
[$(touch${IFS}x)@x]
[${sender}@x]'
: >"$T/shown"
"$deliver" "command:$T/show --to=\${recipients}" "$T/mail" a@x b@x >/dev/null
is "a prefix is repeated" "$(grep '^\[' "$T/shown")" "[--to=a@x]
[--to=b@x]"
: >"$T/shown"
"$deliver" "command:$T/show \${recipients}" "$T/mail" -oQ/tmp@x ok@x >/dev/null
is "no option through an address" "$(grep '^\[' "$T/shown")" "[ok@x]"

# ---- more recipients than an argument list holds
cat >"$T/count" <<END
#!/bin/sh
cat >/dev/null; echo \$# >>"$T/counted"
END
chmod +x "$T/count"
many=$(awk 'BEGIN { for (i = 0; i < 9000; i++) printf "a-rather-long-local-part-of-recipient-%05d@subdomain.example.org\n", i }')
is "nine thousand recipients are accepted" "$("$deliver" "command:$T/count \${recipients}" "$T/mail" $many | grep -c accepted)" 9000
is "each is an argument once" "$(awk '{ n += $1 } END { print n }' "$T/counted")" 9000
ok "in several runs" test "$(wc -l <"$T/counted")" -gt 1

# ---- exit codes, the whole table (sysexits)
while read -r code state status; do
	like "exit $code is $state $status" "$("$deliver" "command:$T/exit $code" "$T/mail" r@x)" "^r@x $state $status $T/exit: "
done <<END
1 temporary 4.3.0
64 temporary 4.3.5
65 refused 5.6.0
66 temporary 4.3.0
67 refused 5.1.1
68 refused 5.1.2
69 refused 5.3.0
70 temporary 4.3.0
71 temporary 4.3.0
72 temporary 4.3.0
73 temporary 4.2.0
74 temporary 4.3.0
75 temporary 4.3.0
76 temporary 4.5.0
77 refused 5.7.0
78 temporary 4.3.5
79 temporary 4.3.0
127 temporary 4.3.0
255 temporary 4.3.0
END
like "what it says is the reason" "$("$deliver" "command:$T/exit 75 x a\\nb\\001c" "$T/mail" r@x)" 'temporary 4\.3\.0 .*try again later: a b c$'
like "its own status counts" "$("$deliver" "command:$T/exit 67 x 5.1.6" "$T/mail" r@x)" 'refused 5\.1\.6 '
like "but not of another class" "$("$deliver" "command:$T/exit 75 x 5.1.6" "$T/mail" r@x)" 'temporary 4\.3\.0 '
printf '#!/bin/sh\nkill -9 $$\n' >"$T/dies"; chmod +x "$T/dies"
like "a signal" "$("$deliver" "command:$T/dies" "$T/mail" r@x)" 'temporary 4\.3\.0 .*signal 9$'
printf '#!/bin/sh\nyes 0123456789 | head -c 300000; exit 69\n' >"$T/talks"; chmod +x "$T/talks"
ok "much output does not stop it, and is cut" test "$("$deliver" "command:$T/talks" "$T/mail" r@x | wc -c)" -lt 600
like "no such program" "$("$deliver" "command:$T/none" "$T/mail" r@x)" "temporary 4\\.3\\.0 .*$T/none: cannot be started: No such file"
: >"$T/plain"
like "a program that must not be executed" "$("$deliver" "command:$T/plain" "$T/mail" r@x)" 'temporary 4\.3\.0 .*Permission denied'
like "the probe finds it" "$("$deliver" -p "command:$T/plain")" 'Permission denied'
is "and a good one" "$("$deliver" -p "command:$T/exit")" usable

# ---- programs that do not read, do not end, leave something behind
head -c 3000000 /dev/zero | tr '\0' 'a' >"$T/long"
printf '#!/bin/sh\nexit 65\n' >"$T/deaf"; chmod +x "$T/deaf"
like "refused before it read" "$("$deliver" "command:$T/deaf" "$T/long" r@x)" 'refused 5\.6\.0'
printf '#!/bin/sh\nexit 0\n' >"$T/careless"; chmod +x "$T/careless"
like "exit 0 before it read is its word, with a warning" "$(perl -e '$SIG{PIPE} = "DEFAULT"; exec @ARGV' "$deliver" "command:$T/careless" "$T/long" r@x 2>&1 | tr '\n' ' ')" \
	'did not read the whole message.*r@x accepted|r@x accepted.*did not read the whole message'
cat >"$T/slow" <<END
#!/bin/sh
trap '' TERM; sleep 60 & echo \$! >"$T/child"; echo \$\$ >"$T/self"; wait; sleep 60
END
chmod +x "$T/slow"
like "the deadline ends it" "$("$deliver" -t 300 "command:$T/slow" "$T/long" r@x)" 'temporary 4\.3\.0 .*deadline'
dead() { # or dying: nobody may have waited for it yet
	tries=0
	until [ $((tries += 1)) -gt 600 ]; do
		kill -0 "$1" 2>/dev/null && ! grep -q '^State:.[ZX]' "/proc/$1/status" 2>/dev/null || return 0
		sleep 0.1
	done
	return 1
}
ok "and what it started" dead "$(cat "$T/child")"
ok "and itself" dead "$(cat "$T/self")"
cat >"$T/daemon" <<END
#!/bin/sh
cat >/dev/null; sleep 30 & echo \$! >"$T/child"; exit 0
END
chmod +x "$T/daemon"
like "what it leaves running keeps us not" "$("$deliver" -t 5000 "command:$T/daemon" "$T/mail" r@x)" 'accepted'
kill "$(cat "$T/child")" 2>/dev/null

# ---- killed in the middle, as a mail server does at its time limit
printf '#!/bin/sh\n: >"%s/begun"; sleep 0.5; cat >"%s/part"; mv "%s/part" "%s/got"\n' "$T" "$T" "$T" "$T" >"$T/late"; chmod +x "$T/late"
"$deliver" "command:$T/late" "$T/long" r@x >/dev/null 2>&1 &
pid=$!
until [ -e "$T/begun" ]; do sleep 0.05; done
kill -9 $pid; wait $pid 2>/dev/null
tries=0
until [ -e "$T/got" ] || [ $((tries += 1)) -gt 600 ]; do sleep 0.1; done
ok "the program never gets half a message" cmp -s "$T/got" "$T/long"

# ---- size
printf '#!/bin/sh\nexec cksum\n' >"$T/sum"; chmod +x "$T/sum"
head -c 50000000 /dev/zero | tr '\0' 'a' | fold -w 72 >"$T/fifty"
out=$("$deliver" -m -c 3 "command:$T/sum" "$T/fifty" r@x)
is "fifty megabytes arrive whole" "$(printf '%s\n' "$out" | sed -n 's/^r@x accepted 2.0.0 //p')" "$(cksum <"$T/fifty")"
memory=$(printf '%s\n' "$out" | sed -n 's/^memory //p')
ok "in less than 20 ($memory KB)" test "$memory" -lt 20000
done_testing
