#!/bin/sh
# postern and its modules are one program: forked and not executed where they are the same file, with no other result
. "${0%/*}/lib.sh"
. "${0%/*}/faults.sh"
S=$T/site
faulty_site "$S"
letter "$S" "the text"
conf "$S" "module_timeout = 30m" "deadline = 40m" # looking into memory takes its time, and modules wait meanwhile
mkdir "$T/pause"

# ---- each name is a program, wherever it is copied, linked or called from
for module in rules-file keys-file check-path; do
	ok "$module is postern's file" test "$BUILD/$module" -ef "$BUILD/postern"
	cp "$BUILD/$module" "$T/$module"
	like "a copy called $module is $module" "$("$T/$module" -version)" "^$module [0-9]"
	like "$module -help" "$("$T/$module" -help)" "^$module: a module"
	rm "$T/$module"; ln -s "$BUILD/postern" "$T/$module"
	like "and a link to postern" "$(cd "$T" && PATH=$T:$PATH && "$module" -version)" "^$module [0-9]"
done
ln -s "$BUILD/keys-file" "$T/gate"
like "any other name is postern" "$("$T/gate" -version | head -n 1)" '^postern [0-9]'
like "so is an empty one" "$(perl -e 'exec { $ARGV[0] } "", "-version"' "$BUILD/keys-file" | head -n 1)" '^postern [0-9]'

# ---- what a module finds is the same, whether it was executed or forked
# facts PID: what it was given; names instead of numbers
facts() {
	echo "name $(cat "/proc/$1/comm") $(tr '\0' ' ' <"/proc/$1/cmdline" | sed 's/ *$//')"
	echo "directory $(readlink "/proc/$1/cwd")"
	grep -E '^(SigBlk|SigIgn|SigCgt|NoNewPrivs|Seccomp|Umask|Threads):' "/proc/$1/status"
	echo "group $(ps -o pgid= -p "$1" | tr -d ' ' | sed "s/^$1\$/its own/")"
	echo "priority $(ps -o ni= -p "$1" | tr -d ' ')"
	"$LOOK" fds "$1" 2>/dev/null | awk '$1 < 3' | sed 's/\[.*//'
	"$LOOK" fds "$1" 2>/dev/null | grep -E "/out.eml|$S/log|pipe" | awk '$1 > 2'
	cat "/proc/$1/limits"
}
hex() { printf %s "$1" | od -An -tx1 | tr -d ' \n'; }
printf 'secret %s\n' "$(hex 'hunter2 is in the environment')" >"$T/numbers"
(cd "$T" && head -c 32 /dev/urandom | base64 -w0 >mac.key && chmod 600 mac.key)
conf "$S" "mac_key_file = $T/mac.key"
printf 'mac %s\n' "$(od -An -tx1 <"$T/mac.key" | tr -d ' \n' | head -c 80)" >>"$T/numbers"
may_look() { "$LOOK" memory $$ /dev/null >/dev/null 2>&1; }

# paused_at HOW: the facts of each module into $T/HOW.MODULE while check-path waits with its verdict
SECRET="hunter2 is in the environment"
export SECRET
paused_at() {
	fault "$S" check-path "at check-certificate pause $T/pause"
	start_out "$S"
	ok "$1: (it waits)" paused "$T/pause"
	for module in rules-file keys-file; do
		p=$(pgrep -f "^$S/modules/$module" | head -n 1)
		facts "$p" >"$T/$1.$module"
		unlike "$1: ps shows nothing of the caller in $module" "$(tr '\0' '\n' <"/proc/$p/cmdline"; tr '\0' '\n' 2>/dev/null <"/proc/$p/environ")" 'hunter2|alice|SECRET'
		if may_look && [ "$(id -u)" = 0 ] && ! sanitized; then # the sanitizer has a copy of the environment
			is "$1: $module has neither the MAC's key nor the caller's environment in memory" "$("$LOOK" memory "$p" "$T/numbers")" ""
		fi
	done
	! may_look || is "$1: (postern has both: looking finds)" "$("$LOOK" memory "$pid" "$T/numbers" | tr '\n' ' ')" "mac secret "
	stat -Lc %i "/proc/$(pgrep -f "^$S/modules/keys-file" | head -n 1)/exe" >"$T/$1.file" 2>/dev/null
	go_on "$T/pause"
	wait "$pid"
	is "$1: and goes on" "$?" 0
	fault "$S" check-path
	clean "$S"
}
paused_at forked
own_programs "$S"
paused_at executed
one_program "$S"
for module in rules-file keys-file; do
	is "$module is given the same, forked or executed" "$(cat "$T/forked.$module")" "$(cat "$T/executed.$module")"
	like "(there is something to compare)" "$(cat "$T/forked.$module")" '^group its own'
done
[ "$(id -u)" != 0 ] || not_ok "(one was postern's file, the other was not)" cmp "$T/forked.file" "$T/executed.file"

# ---- it is executed where it is not the running file
if strace -f -o /dev/null true 2>/dev/null; then
	executed() { # WHAT: number of programs
		ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" strace -f -qq -e trace=execve -o "$T/trace" \
			"$BUILD/postern" -c "$S/postern.conf" -client 10.0.0.5 -sender alice@behoerde.example -queue-id T1 \
			-readmail bob@partner.example <"$S/out.eml" >"$S/said" 2>&1
		is "$1" "$?:$(grep -c ' execve("' "$T/trace")" "0:$2"
		clean "$S"
	}
	executed "one program is executed for a message" 1
	rm "$S/real/keys-file"; cp "$BUILD/keys-file" "$S/real/keys-file"
	executed "two where a module is another file" 2
	ln -sf "$BUILD/keys-file" "$S/real/keys-file"
	conf "$S" "check_modules = $BUILD/check-path"
	executed "a path is as good as a name" 1
	printf '#!/bin/sh\nexec %s\n' "$BUILD/rules-file" >"$T/wrapped"; chmod 755 "$T/wrapped"
	conf "$S" "rules_modules = $T/wrapped"
	executed "a script around a module is executed, and the module" 3
	chmod 644 "$T/wrapped"
	send_out "$S"
	is "what may not be executed is not run" "$code" 75
	conf "$S" "rules_modules = rules-file" "check_modules = check-path"
else
	skip "when it is executed" "strace is not there or may not trace"
fi

# ---- what waits in a stream is said once
is "-check says each line once" "$("$BUILD/postern" -c "$S/postern.conf" -check | sort | uniq -d)" ""
done_testing
