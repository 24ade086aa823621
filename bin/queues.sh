# queues.sh - sourced by mailq-all and deliver-all: which queues there are, and what is in them
#
# These tools run as root on what strangers wrote.  Nothing is taken from the environment but what the terminal is like; no
# text from a queue ever becomes part of a command; programs are looked for where the system keeps them, Postfix's where the
# instance's own main.cf says.
#
# $me is the tool's name, $postern the program, $share the directory of this file, $tenants_directory where tenants are.

# ---- start

# start: a clean environment and a directory for notes, $tmp
start() {
	PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
	export PATH
	look_at_terminal
	LC_ALL=C TZ=UTC
	export LC_ALL TZ
	unset MAIL_CONFIG MAIL_DEBUG MAIL_VERBOSE MAIL_LOGTAG TMPDIR AWKPATH MAWKBINMODE POSIXLY_CORRECT CDPATH ENV
	umask 077
	now=$(date +%s)
	tmp=$(mktemp -d "/tmp/$me.XXXXXX") || die 3 "no temporary directory in /tmp"
	trap 'rm -rf -- "$tmp"' EXIT
	trap 'exit 3' HUP INT TERM
}

# What may be shown: $width columns (0: no limit), $colour, $plain (letters beyond ASCII do not show).
look_at_terminal() {
	width=0 colour=0 plain=0
	[ -t 1 ] || return 0
	[ "$(locale charmap 2>/dev/null)" = UTF-8 ] || plain=1
	{ width=$(stty size <&3 2>/dev/null) || width='0 0'; } 3>&1
	width=$(number "${width#* }" 0)
	case ${NO_COLOR-}${TERM-dumb} in dumb) ;; *) [ -n "${NO_COLOR-}" ] || colour=1 ;; esac
}

number() { case $1 in '' | *[!0-9]*) echo "$2" ;; *) echo "$1" ;; esac }

die() { # STATUS REASON
	printf '%s: %s\n' "$me" "$2" >&2
	exit "$1"
}

usage_error() { die 3 "$1; try $me -help"; }

# seconds OPTION AGE: 90, 90s, 5m, 2h, 3d as seconds
seconds() {
	case $2 in
	*d) factor=86400 ;;
	*h) factor=3600 ;;
	*m) factor=60 ;;
	*) factor=1 ;;
	esac
	figure=${2%[smhd]}
	case $figure in '' | *[!0-9]* | ??????????*) usage_error "option $1: \"$2\" is not a time such as 5m" ;; esac
	while case $figure in 0?*) ;; *) false ;; esac; do figure=${figure#0}; done # not octal
	echo $((figure * factor))
}

# ---- the plan: every queue once, in $tmp/plan: roles TAB tenants TAB server TAB configuration TAB state TAB reason

files='' # of -c, one a line
newline='
'
add_file() {
	case $1 in *"$newline"*) usage_error "option -c: a line break in a file's name" ;; esac
	files=$files$1$newline
}

all_files() {
	[ -z "$files" ] || return 0
	for file in "$tenants_directory/postern.conf" "$tenants_directory"/*/postern.conf; do
		[ ! -f "$file" ] || add_file "$file"
	done
	[ -n "$files" ] || die 3 "no configuration: neither $tenants_directory/postern.conf nor $tenants_directory/TENANT/postern.conf; name one with -c"
}

tenant_of() { # FILE: a short name for people
	case $1 in
	"$tenants_directory/postern.conf") echo default ;;
	"$tenants_directory"/*/postern.conf) set -- "${1#"$tenants_directory"/}" && echo "${1%/postern.conf}" ;;
	*) printf '%s\n' "$1" ;;
	esac
}

wanted() { # ROLE: whether -queue asks for it
	[ -n "$only" ] || return 0
	case " $only " in *" $1 "*) ;; *) return 1 ;; esac
}

plan_line() { printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$@"; } # role tenant server configuration state reason

plan_queue() { # ROLE TENANT QUEUE DESTINATION FILE
	wanted "$1" || return 0
	case $3 in
	postfix:*) plan_line "$1" "$2" postfix "$(real "${3#postfix:}")" '' '' ;;
	sendmail:*) plan_line "$1" "$2" sendmail "$(real "${3#sendmail:}")" '' '' ;;
	*)
		case $1-$4 in
		carrier-*) plan_line "$1" "$2" '' '' unwatched "not looked at: carrier_queue is not set in $5" ;;
		*- | *-[Nn][Oo][Nn][Ee]) plan_line "$1" "$2" '' '' unused "not used" ;;
		*-maildir:*) plan_line "$1" "$2" '' '' unused "no queue: delivered into $4" ;;
		*) plan_line "$1" "$2" '' '' unwatched "not looked at: $1_queue is not set in $5" ;;
		esac
		;;
	esac
}

real() { readlink -f -- "$1" || printf '%s\n' "$1"; }

plan_tenant() { # FILE
	tenant=$(tenant_of "$1")
	if ! "$postern" -c "$1" -get spool carrier_queue external_queue scanner_queue internal_queue external scanner internal \
		>"$tmp/get" 2>&1; then
		plan_line configuration "$tenant" postern "$1" unreadable "$(reason_in "$tmp/get")"
		return 0
	fi
	{
		IFS= read -r spool && IFS= read -r q_carrier && IFS= read -r q_external && IFS= read -r q_scanner &&
			IFS= read -r q_internal && IFS= read -r external && IFS= read -r scanner && IFS= read -r internal
	} <"$tmp/get"
	plan_queue carrier "$tenant" "$q_carrier" '' "$1"
	plan_queue external "$tenant" "$q_external" "$external" "$1"
	plan_queue scanner "$tenant" "$q_scanner" "$scanner" "$1"
	plan_queue internal "$tenant" "$q_internal" "$internal" "$1"
	if wanted hold; then plan_line hold "$tenant" postern "$spool/hold" '' ''; fi
	if wanted quarantine && [ -d "$spool/quarantine" ]; then plan_line quarantine "$tenant" postern "$spool/quarantine" '' ''; fi
}

# The last line a program said, without what postqueue puts in front; nothing where it said nothing.
reason_in() { # FILE
	tr -d '\000' <"$1" | tr '\001-\011\013-\037' ' ' | sed -n '$s/^postqueue: \(fatal\|warning\|error\): //; $s/ *$//; $p'
}

# One line for each queue, carriers first; who shares one stands in one line.
make_plan() {
	all_files
	while IFS= read -r file; do
		plan_tenant "$file"
	done >"$tmp/found" <<-END
		${files%"$newline"}
	END
	awk -F '\t' '
		{
			key = $3 == "" ? NR : $3 "\t" $4
			if (key in at) {
				n = at[key]
				if (index("," roles[n] ",", "," $1 ",") == 0) roles[n] = roles[n] "," $1
				if (index("," tenants[n] ",", "," $2 ",") == 0) tenants[n] = tenants[n] "," $2
				next
			}
			at[key] = ++queues
			roles[queues] = $1
			tenants[queues] = $2
			rest[queues] = $3 "\t" $4 "\t" $5 "\t" $6
		}
		function say(carriers,    i) {
			for (i = 1; i <= queues; i++)
				if ((roles[i] ~ /^carrier/) == carriers) printf "%s\t%s\t%s\n", roles[i], tenants[i], rest[i]
		}
		END { say(1); say(0) }' "$tmp/found" >"$tmp/plan"
}

# each_queue FUNCTION: called with roles tenants server configuration state reason, for each line of the plan
each_queue() {
	while IFS= read -r plan_row; do
		rest=$plan_row$tab
		set -- "$1"
		while [ -n "$rest" ]; do
			set -- "$@" "${rest%%"$tab"*}"
			rest=${rest#*"$tab"}
		done
		"$@" <&3
	done 3<&0 <"$tmp/plan"
}
tab=$(printf '\t')

# ---- what is in a queue; on standard output M and P lines (queues.awk), sorted; sets $state and $problem

by_age() { sort -s -t "$tab" -k 2,2n; }
collector() { awk -v now="$now" -v others="${2-}" -f "$share/queues.awk" -f "$share/queues-$1.awk"; }

# Postfix's own programs are where the instance says.
postfix_value() { # DIR NAME
	if [ ! -r "$1/main.cf" ]; then
		echo "$1/main.cf cannot be read" >"$tmp/error"
		return 1
	fi
	postconf -c "$1" -hx "$2" 2>"$tmp/error" </dev/null
}

list_postfix() { # DIR
	if ! commands=$(postfix_value "$1" command_directory); then
		state=unreadable problem=$(reason_in "$tmp/error")
		return 0
	fi
	{
		code=0
		timeout -k 10 300 "$commands/postqueue" -c "$1" -j 2>"$tmp/error" </dev/null || code=$?
		echo "$code" >"$tmp/code"
	} | collector postfix | by_age
	judge_postfix "$(cat "$tmp/code")"
}

# postqueue reads the queue by itself when Postfix is down, as far as it may; it says so.
judge_postfix() { # EXIT-STATUS
	if grep -qi 'mail system is down' "$tmp/error"; then
		state=down problem="Postfix is not running"
		[ "$1" -eq 0 ] || state=unreadable problem="Postfix is not running, and postqueue says: $(reason_in "$tmp/error")"
	elif [ "$1" -eq 124 ] || [ "$1" -eq 137 ]; then
		state=unreadable problem="postqueue did not answer within 300 seconds"
	elif [ "$1" -ne 0 ]; then
		state=unreadable problem=$(reason_in "$tmp/error")
		[ -n "$problem" ] || problem="postqueue ended with status $1"
	fi
}

# sendmail_paths CF: its queue directories, one a line; "pid FILE" first where the daemon's process number is kept
sendmail_paths() {
	awk '
		/^O[ \t]*QueueDirectory[ \t]*=/ { sub(/^[^=]*=[ \t]*/, ""); sub(/[ \t]+$/, ""); queue = $0 }
		/^OQ/ { queue = substr($0, 3) }
		/^O[ \t]*PidFile[ \t]*=/ { sub(/^[^=]*=[ \t]*/, ""); sub(/[ \t]+$/, ""); pid = $0 }
		/^Q[^,]*,/ {
			n = split($0, part, ",")
			for (i = 2; i <= n; i++)
				if (part[i] ~ /^[ \t]*P[a-z]*[ \t]*=/) { sub(/^[^=]*=[ \t]*/, "", part[i]); sub(/[ \t]+$/, "", part[i]); group[++groups] = part[i] }
		}
		END {
			print pid
			if (queue == "") queue = "/var/spool/mqueue"
			print queue
			base = queue
			if (base ~ /[*]$/) sub(/\/[^\/]*$/, "", base)
			for (i = 1; i <= groups; i++) print (group[i] ~ /^\// ? "" : base "/") group[i]
		}' <"$1"
}

# owner_of DIR [BELOW]: UID:GID of whoever can put files there: the directory's owner, or where that is root BELOW's
owner_of() {
	owner=$(stat -L -c '%u:%g' -- "$1") || return 1
	case $owner-${2-} in
	0:*-?*) owner=$(stat -L -c '%u:%g' -- "$2") || return 1 ;;
	esac
	printf '%s\n' "$owner"
}

# as_owner UID:GID COMMAND...: with his rights, not with root's: what lies there is his doing.  Not from where we are: find(1) wants
# to come back, and root's home is closed to him.  All paths are absolute.
as_owner() {
	owner=$1
	shift
	case $(id -u)-$owner in
	0-0:*) "$@" ;;
	0-*) (cd / && exec setpriv --reuid="${owner%:*}" --regid="${owner#*:}" --clear-groups -- "$@") ;;
	*) "$@" ;;
	esac
}

# files_in OWNER DIR NAME-PATTERN: size, time and path of the files, for the collecting programs; links are not followed
files_in() {
	as_owner "$1" find -H "$2" -maxdepth 1 -type f -regextype posix-extended -regex ".*/$3" -printf '%s\t%T@\t%p\n'
}

# collect_files KIND OWNER OTHERS: reads the files that are named on standard input
collect_files() {
	program=$(cat -- "$share/queues.awk" "$share/queues-$1.awk")
	as_owner "$2" awk -v now="$now" -v others="$3" "$program"
}

note_failure() { # FILE: what went wrong while the files were read, if anything did
	[ ! -s "$1" ] || state=unreadable problem=$(reason_in "$1")
}

# Its directories, each behind its owner and a tab: PATTERN may end in *; below each there may be qf and df.
sendmail_directories() { # PATTERN
	case $1 in
	*\*)
		base=${1%/*}
		set -- "${1%\*}"*
		;;
	*) base=$1 ;;
	esac
	for directory; do
		[ -d "$directory" ] || continue
		owner=$(owner_of "$base" "$directory")
		for below in "$directory" "$directory/qf" "$directory/df"; do
			if [ -d "$below" ]; then printf '%s\t%s\n' "$owner" "$below"; fi
		done
	done
}

sendmail_files() { # OWNER: of his directories
	while IFS=$tab read -r owner directory; do
		[ "$owner" != "$1" ] || files_in "$1" "$directory" '[qQhd]f[A-Za-z0-9]+'
	done <"$tmp/directories"
}

list_sendmail() { # CF
	if ! sendmail_paths "$1" >"$tmp/paths" 2>"$tmp/error"; then
		state=unreadable problem=$(reason_in "$tmp/error")
		return 0
	fi
	{
		IFS= read -r pid_file
		while IFS= read -r pattern; do sendmail_directories "$pattern"; done
	} <"$tmp/paths" | sort -u >"$tmp/directories"
	IFS= read -r pid_file <"$tmp/paths"
	if [ ! -s "$tmp/directories" ]; then
		state=unreadable problem="the queue directory $(sed 1d "$tmp/paths" | head -n 1) does not exist"
		return 0
	fi
	: >"$tmp/error"
	for each in $(cut -f 1 "$tmp/directories" | sort -u); do
		sendmail_files "$each" | collect_files sendmail "$each" ''
	done 2>>"$tmp/error" | by_age
	judge_sendmail "$pid_file"
	note_failure "$tmp/error"
}

# Without PidFile in the configuration its queue is run by something else, and nothing can be said.
judge_sendmail() { # PIDFILE
	[ -n "$1" ] || return 0
	process=
	if [ -f "$1" ]; then IFS= read -r process <"$1" || :; fi
	case $process in
	'' | *[!0-9]*) ;;
	*) if tr '\000' ' ' <"/proc/$process/cmdline" 2>/dev/null | grep -q sendmail; then return 0; fi ;;
	esac
	state=down problem="Sendmail is not running (no process of $1)"
}

list_postern() { # SPOOL/hold or SPOOL/quarantine
	spool=${1%/*} others=''
	case $1 in */quarantine) others=1 ;; esac
	if [ -d "$spool" ] && [ ! -x "$spool" ]; then
		state=unreadable problem="$spool: permission denied"
		return 0
	fi
	[ -d "$1" ] || return 0
	owner=$(owner_of "$spool" "$1")
	: >"$tmp/error"
	files_in "$owner" "$1" '[^/[:cntrl:]]+' 2>>"$tmp/error" |
		collect_files holds "$owner" "$others" 2>>"$tmp/error" | by_age
	note_failure "$tmp/error"
}

# One section for the showing program; $before, $flushed and $failed are deliver-all's.
show_queue() { # ROLES TENANTS SERVER CONFIGURATION STATE REASON
	state=$5 problem=$6
	printf 'S\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "$6"
	if [ -z "$state" ]; then
		state=ok
		case $3 in
		postfix) list_postfix "$4" ;;
		sendmail) list_sendmail "$4" ;;
		postern) list_postern "$4" ;;
		esac
	fi
	printf 'E\t%s\t%s\t%s\t%s\t%s\n' "$state" "$problem" "${before-}" "${flushed-}" "${failed-}"
}

# show TASK: the sections on standard input for people or programs; the exit status says how things are
show() {
	awk -v task="$1" -v how="$how" -v now="$now" -v warn="${warn-300}" -v critical="${critical-}" -v warn_held="${warn_held-}" \
		-v older="${older-}" -v all="${all-}" -v only="$only" -v width="$width" -v colour="$colour" -v plain="$plain" \
		-f "$share/queues.awk" -f "$share/queues-show.awk"
}
