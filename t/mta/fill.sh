# fill.sh - sourced by the starters of mail servers
#
#   mta_fill FILE NAME=VALUE...   a template of etc/mta with its words replaced, as postern-setup does it
#   wait_for SECONDS COMMAND...   until it is true; fails when the time is over

mta_fill() {
	fill_file=$1
	shift
	for word; do printf '%s\n' "$word"; done | awk -f "$SRC/bin/fill.awk" - "$fill_file"
}

wait_for() {
	wait_until=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt "$wait_until" ] || return 1
		sleep 0.05
	done
}
