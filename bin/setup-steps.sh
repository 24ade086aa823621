# setup-steps.sh - sourced by postern-setup: a list of steps that can be shown, done, done again and taken back
#
# What is wanted is one list, $W/steps, made before anything is changed: KIND and up to six arguments a line, separated by
# tabs (no argument holds a tab or a newline: postern-setup refuses such values).  For each KIND there are
#
#   KIND_done ARG...    true when there is nothing to do any more
#   KIND_show ARG...    the plan's lines
#   KIND_do ARG...      does it; may be repeated after it was stopped anywhere
#
# What was done stands in $S/manifest, a line before each effect, so that whatever stops us leaves at most one effect
# that is written down and did not happen, never one that happened and is not written down.  It is taken back from the end:
#
#   dir PATH                      made by us
#   file PATH N SUM               written by us: SUM is the content's checksum, $S/original/N what was there before, or N is -
#   made PATH                     a command of ours makes this file
#   account NAME                  made by us
#   did WHAT ARG                  undo_WHAT ARG takes it back
#
# $S/written/SUM is what we wrote: it tells an operator's later change from ours.

tab=$(printf '\t')

# ---- the list ----

step() { # KIND ARG...
	line=$1
	shift
	for argument; do line=$line$tab$argument; done
	printf '%s\n' "$line" >>"$W/steps"
}

each_step() { # FUNCTION: calls FUNCTION KIND ARG... for every step; ends at the first that fails
	while IFS=$tab read -r k a1 a2 a3 a4 a5 a6 <&3; do
		"$1" "$k" "${a1-}" "${a2-}" "${a3-}" "${a4-}" "${a5-}" "${a6-}" || return
	done 3<"$W/steps"
}

show_step() {
	kind=$1
	shift
	if "${kind}_done" "$@"; then return 0; fi
	number=$((number + 1))
	printf '%3d  ' "$number"
	"${kind}_show" "$@"
}

do_step() {
	kind=$1
	shift
	if "${kind}_done" "$@"; then return 0; fi
	number=$((number + 1))
	"${kind}_do" "$@" 3<&- || return
}

# A file's step is done when the file is right; its reload must not be forgotten if we are stopped between the two.
count_step() {
	kind=$1
	shift
	"${kind}_done" "$@" || number=$((number + 1))
}

progress() { printf '  %s\n' "$*"; }

# ---- the manifest ----

sum() { sha256sum <"$1" | cut -c 1-64; }

# Tests stop us here, as the machine might anywhere.
point() {
	[ "$interrupt" -gt 0 ] || return 0
	interrupt=$((interrupt - 1))
	[ "$interrupt" -gt 0 ] || kill -9 $$
}

manifest_open() { # the state directory, and the manifest without a line that was not finished
	[ -d "$S" ] || {
		made=
		rm -rf "$S.new"
		if rmdir "$state_parent" 2>/dev/null || [ ! -d "$state_parent" ]; then made=$state_parent; fi
		mkdir -p "$state_parent" && mkdir -m 700 "$S.new" && mkdir "$S.new/original" "$S.new/written" || return
		: >"$S.new/manifest"
		[ -z "$made" ] || printf 'dir\t%s\n' "$made" >"$S.new/manifest"
		mv "$S.new" "$S" || return
	}
	[ -s "$S/manifest" ] || return 0
	[ "$(tail -c 1 "$S/manifest" | wc -l)" -eq 1 ] || {
		sed '$d' "$S/manifest" >"$S/manifest.new" && mv "$S/manifest.new" "$S/manifest"
	}
}

noted() { # LINE: is it in the manifest?
	[ -f "$S/manifest" ] && grep -Fqx -e "$1" "$S/manifest"
}

note() { # FIELD...
	line=$1
	shift
	for argument; do line=$line$tab$argument; done
	noted "$line" || { printf '%s\n' "$line" >>"$S/manifest" && sync "$S/manifest"; } || return
	point
}

# ---- directories ----

# Where others can write, they could put a link in our way.  What Sendmail's TrustedUser could do there he can do without us: his
# configuration is root's (Debian gives him /etc/mail).
trusted_owner=root
safe_place() { # PATH: every directory above it belongs to root, us or the mail server ($trusted_owner), and nobody else may write there
	place=${1%/*}
	while [ -n "$place" ]; do
		if [ -d "$place" ]; then
			set -- $(stat -L -c '%u %a' "$place")
			[ "$1" -eq 0 ] || [ "$1" -eq "$(id -u)" ] || [ "$1" = "$(id -u "$trusted_owner" 2>/dev/null)" ] ||
				die 69 "$place belongs to somebody else (user id $1): nothing is written below it"
			case $2 in
			1???) ;; # sticky: entries belong to who made them
			*[2367]? | *[2367]) die 69 "$place can be written by others (mode $2): nothing is written below it; chmod go-w $place" ;;
			esac
		fi
		place=${place%/*}
	done
}

is_root() { [ "$(id -u)" -eq 0 ]; }

own() { # OWNER:GROUP PATH; tests of other places run as anybody
	is_root || return 0
	chown -h "$1" "$2"
}

dir_done() { # PATH MODE OWNER:GROUP; a directory that was there before stays as it is
	[ -d "$1" ] || return
	noted "dir$tab$1" || return 0
	[ "$(stat -c %a "$1")" = "$2" ] || return
	! is_root || [ "$(stat -c %U:%G "$1")" = "$3" ]
}

dir_show() { printf 'directory %s  (%s, mode %s)\n' "$1" "$3" "$2"; }

dir_do() {
	[ -d "$1" ] || noted "dir$tab$1" || note dir "$1" || return
	[ -d "$1" ] || mkdir -m 700 "$1" || return
	# (what the directory above hands down, too)
	own "$3" "$1" && chmod g-s "$1" && chmod "$2" "$1" || return
	point
	progress "directory $1"
}

# ---- files ----

# the number of the original kept last of this file, or -; nothing if it is not ours
original_of() { awk -F '\t' -v path="$1" '$1 == "file" && $2 == path { n = $3 } END { if (n != "") print n }' "$S/manifest" 2>/dev/null; }

written_by_us() { # PATH SUM
	awk -F '\t' -v path="$1" -v sum="$2" '$1 == "file" && $2 == path && $4 == sum { f = 1 } END { exit !f }' "$S/manifest" 2>/dev/null
}

last_written() { awk -F '\t' -v path="$1" '$1 == "file" && $2 == path { s = $4 } END { print s }' "$S/manifest"; }

unchanged() { # PATH: is it what we wrote?
	[ -f "$1" ] && written_by_us "$1" "$(sum "$1")"
}

is_word() { case ",$2," in *",$1,"*) ;; *) return 1 ;; esac; }

# PATH MODE OWNER:GROUP CONTENT FLAGS [BEFORE]; MODE - keeps mode and owner; FLAGS: absent (only where nothing is), secret,
# pending:WHO (reads its files again); BEFORE: what the plan shows the difference to, if not what is there
file_done() {
	[ -e "$1" ] || return
	if is_word map "$5"; then # no two of them are the same: made again when its text was
		[ ! -e "$S/pending-$(map_name "$1")" ]
		return
	fi
	if is_word absent "$5" && ! unchanged "$1"; then return 0; fi
	if is_word secret "$5"; then return 0; fi
	cmp -s "$4" "$1" || return
	[ "$2" = - ] && return
	[ "$(stat -c %a "$1")" = "$2" ] || return
	! is_root || [ "$(stat -c %U:%G "$1")" = "$3" ]
}

map_name() { # PATH.db
	map=${1##*/}
	printf 'map-%s\n' "${map%.db}"
}

file_show() {
	if is_word secret "$5"; then
		printf 'file %s  (%s, mode %s): 32 random bytes\n' "$1" "$3" "$2"
	elif is_word map "$5"; then
		printf 'file %s  (made of %s by makemap)\n' "$1" "${1%.db}"
	elif is_word made "$5" && [ ! -e "$1" ]; then
		printf 'file %s  (made of %s.mc by m4, %s lines)\n' "$1" "${1%.cf}" "$(wc -l <"$4")"
	elif [ -e "$1" ]; then
		printf 'file %s  (the original is kept in %s)\n' "$1" "$S/original"
		diff -u --label "$1" --label "$1 (new)" "${6:-$1}" "$4" | sed 's/^/       /'
	else
		printf 'file %s  (%s, mode %s)\n' "$1" "$3" "$2"
		sed 's/^/       | /' "$4"
	fi
}

# Complete under another name in the same directory, then renamed: at no moment is there half a file.
put() { # CONTENT PATH MODE OWNER:GROUP
	new=$2.postern-new
	rm -f "$new"
	(umask 077 && set -C && cat "$1" >"$new") || return
	if [ "$3" = - ]; then
		cp --attributes-only --preserve=mode,ownership "$2" "$new" || return
	else
		own "$4" "$new" && chmod "$3" "$new" || return
	fi
	sync "$new" && mv -f "$new" "$2"
}

mark_pending() { # FLAGS: pending:WHO must read its files again, even if we are stopped before it does
	for flag in $(printf '%s\n' "$1" | tr ',' ' '); do
		case $flag in pending:*) : >"$S/pending-${flag#pending:}" ;; esac
	done
}

keep_original() { # PATH: its number in $N
	N=$(find "$S/original" -type f ! -name '*.new' | wc -l)
	N=$((N + 1))
	cp -p "$1" "$S/original/$N.new" && sync "$S/original/$N.new" && mv "$S/original/$N.new" "$S/original/$N"
}

file_do() {
	if ! is_word secret "$5"; then
		cp "$4" "$S/written/new" && mv "$S/written/new" "$S/written/$(sum "$4")" || return
	fi
	N=$(original_of "$1")
	if [ -z "$N" ]; then
		N=-
		[ ! -e "$1" ] || keep_original "$1" || return
	elif [ -e "$1" ] && ! unchanged "$1"; then
		renew_original "$1" || return
	fi
	note file "$1" "$N" "$(sum "$4")" && mark_pending "$5" || return
	put "$4" "$1" "$2" "$3" || return
	! is_word map "$5" || rm -f "$S/pending-$(map_name "$1")"
	point
	progress "file $1"
}

# An operator changed a file of ours and now we write it again: what is kept becomes his file without what is ours.
renew_original() { # PATH: the number in $N
	without_ours "$1" "$W/without" || return 0
	if [ "$N" != - ] && cmp -s "$W/without" "$S/original/$N"; then return 0; fi
	[ "$N" != - ] || [ -s "$W/without" ] || return 0
	keep_original "$1" && cat "$W/without" >"$S/original/$N.new" && cp --attributes-only -p "$S/original/$N" "$S/original/$N.new" &&
		mv "$S/original/$N.new" "$S/original/$N"
}

# What a file would be if we had never been here: what is kept, when nobody else changed it; else its own kind of
# undoing (undo_text), which takes out what is ours and leaves what is the operator's.  False: that cannot be said.
without_ours() { # PATH OUTPUT
	without_kept=$(original_of "$1")
	if [ -z "$without_kept" ]; then
		cp "$1" "$2" 2>/dev/null || : >"$2"
		return
	fi
	if [ "$without_kept" = - ]; then without_kept=/dev/null; else without_kept=$S/original/$without_kept; fi
	if [ ! -e "$1" ] || unchanged "$1"; then
		cat "$without_kept" >"$2"
		return
	fi
	undo_text "$1" "$S/written/$(last_written "$1")" "$without_kept" "$2"
}

# Ours, and theirs with ours taken out, by lines.  Kinds of files that know better are asked first.
undo_text() { # PATH WRITTEN ORIGINAL OUTPUT [PRESENT]: what is now at PATH without what made WRITTEN of ORIGINAL
	undo_present=${5:-$1}
	case $(undo_kind "$1") in
	main) main_without "$undo_present" "$2" "$3" >"$4" ;;
	master) master_without "$undo_present" "$2" "$3" >"$4" ;;
	mc) mc_without "$undo_present" >"$4" ;;
	cf) cf_without "$undo_present" >"$4" ;;
	table) table_without "$undo_present" >"$4" ;;
	map) [ "$undo_present" = "$1" ] && map_without "$1" "$4" ;;
	*) [ -f "$2" ] && diff3 -m "$undo_present" "$2" "$3" >"$4" 2>/dev/null ;;
	esac
}

# ---- taking back ----

kept_beside() { # PATH: a name beside it that is free, for what an operator made of it
	n=1
	beside=$1.kept-by-postern-setup
	while [ -e "$beside" ]; do
		n=$((n + 1))
		beside=$1.kept-by-postern-setup.$n
	done
	printf '%s\n' "$beside"
}

undo_file() { # PATH
	rm -f "$1.postern-new"
	kept=$(original_of "$1")
	[ -e "$1" ] || [ "$kept" != - ] || return 0
	if [ "$(undo_kind "$1")" = shared ] && others_need file "$1$tab$kept$tab$(last_written "$1")"; then
		progress "$1 stays, other tenants use it"
		return 0
	fi
	if [ "$kept" != - ] && cmp -s "$S/original/$kept" "$1"; then return 0; fi
	sharers "$1" >"$W/sharers"
	pristine=no
	if written_by_anybody "$1"; then pristine=yes; fi
	if unchanged "$1" || [ ! -e "$1" ]; then
		restore_file "$1" "$kept" || return
	else
		undo_changed "$1" "$kept" || return
	fi
	[ ! -s "$W/sharers" ] || hand_over "$1" "$kept" || return
	point
}

restore_file() { # PATH NUMBER
	if [ "$2" = - ]; then
		progress "remove $1"
		rm -f "$1"
	else
		progress "restore $1"
		cp -p "$S/original/$2" "$1.postern-new" && mv -f "$1.postern-new" "$1"
	fi
}

undo_changed() { # PATH NUMBER: somebody changed it after us, an operator or another tenant
	beside=$(kept_beside "$1")
	if [ "$2" = - ] && [ ! -s "$W/sharers" ]; then
		progress "$1 was changed since it was written: kept as $beside"
		mv "$1" "$beside"
		return
	fi
	sharing=no
	[ ! -s "$W/sharers" ] || sharing=yes
	if without_ours "$1" "$W/without"; then
		if [ $pristine = yes ]; then
			progress "$1: this tenant's part is taken out"
		else
			progress "$1 was changed since: only what postern-setup had put there is taken out; as it was until now it is kept as $beside"
		fi
	else
		pristine=no
		progress "$1 was changed since, where postern-setup had changed it too: restored as it was before; with the later changes it is kept as $beside"
		cat "$S/original/$2" >"$W/without"
	fi
	sharing=no
	cmp -s "$W/without" "$1" && return
	[ $pristine = yes ] || cp -p "$1" "$beside" || return
	put "$W/without" "$1" - -
}

undo_dir() { # PATH
	[ -d "$1" ] || return 0
	[ "$1" != "$state_parent" ] || return 0 # with the state, at the very end
	sweep "$1"
	case $1 in
	"$(value sysconfdir)/postern" | "$(value logdir)/postern") # every tenant's
		if others_need dir "$1"; then
			progress "directory $1 stays, other tenants use it"
			return 0
		fi
		;;
	esac
	if rmdir "$1" 2>/dev/null; then
		progress "remove directory $1"
	elif others_need dir "$1"; then
		progress "directory $1 stays, other tenants use it"
	else
		progress "directory $1 stays, these are not ours: $(ls -A "$1" | head -n 5 | tr '\n' ' ')"
	fi
	point
}

undo_made() { rm -f "$1"; }

undo_did() { # WHAT ARG
	"undo_$1" "$2" || return
	point
}

each_undo() { # every line of the manifest once, the last first
	awk -F '\t' '{ line[NR] = $0; key[NR] = $1 FS $2 ($1 == "did" ? FS $3 : "") }
		END { for (i = NR; i; i--) if (!seen[key[i]]++) print line[i] }' "$S/manifest" >"$W/undo"
	while IFS=$tab read -r kind a1 a2 a3 <&3; do
		"undo_$kind" "$a1" "${a2-}" 3<&- || return
	done 3<"$W/undo"
}

# ---- other tenants ----

# Tenants share the carrier's files, the account and directories.  Who goes first hands over what must be
# undone by who goes last, and takes his part out of the originals that the others keep.
other_states() {
	for other in "$state_parent"/setup "$state_parent"/setup-*; do
		[ -f "$other/manifest" ] && [ "$other" != "$S" ] && printf '%s\n' "$other"
	done
	:
}

others_need() { # KIND NAME: hands the line over to another tenant; false where there is none
	heir=$(other_states | head -n 1)
	[ -n "$heir" ] || return
	grep -Fqx -e "$1$tab$2" "$heir/manifest" && return
	{ printf '%s\t%s\n' "$1" "$2" && cat "$heir/manifest"; } >"$heir/manifest.new" && mv "$heir/manifest.new" "$heir/manifest"
}

sharers() { # PATH: the states of other tenants who have changed it too
	other_states | while read -r other; do
		[ -z "$(S=$other original_of "$1")" ] || printf '%s\n' "$other"
	done
}

written_by_anybody() { # PATH: nobody but us and other tenants has changed it
	unchanged "$1" && return
	other_states >"$W/others"
	while read -r other; do
		if (S=$other unchanged "$1"); then return 0; fi
	done <"$W/others"
	return 1
}

# What the others have kept of PATH loses our part; and what it has become is as good as written by them.
hand_over() { # PATH NUMBER
	ours=/dev/null
	[ "$2" = - ] || ours=$S/original/$2
	written=$S/written/$(last_written "$1")
	while read -r other <&4; do
		theirs=$(S=$other original_of "$1")
		[ "$theirs" != - ] || continue
		content=$(S=$other last_written "$1")
		if ! written_by_us "$1" "$(sum "$other/original/$theirs")"; then
			undo_text "$1" "$written" "$ours" "$W/handed" "$other/original/$theirs" || continue
			hand_original || return
		elif [ "$2" = - ]; then
			theirs=- # before all of us nothing was there
		else
			cat "$ours" >"$W/handed" && hand_original || return
		fi
		if [ $pristine = yes ]; then
			content=$(sum "$1")
			cp "$1" "$other/written/$content" || return
		fi
		printf 'file\t%s\t%s\t%s\n' "$1" "$theirs" "$content" >>"$other/manifest" || return
	done 4<"$W/sharers"
}

hand_original() {
	cp -p "$other/original/$theirs" "$other/original/$theirs.new" && cat "$W/handed" >"$other/original/$theirs.new" &&
		mv "$other/original/$theirs.new" "$other/original/$theirs"
}
