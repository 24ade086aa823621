# lib.sh - sourced by the shell tests: TAP on stdout, one temporary directory, nothing left behind
#
#   . "${0%/*}/lib.sh"
#   ok "what is true" test -f x        a command that must succeed
#   not_ok "what must fail" command...
#   is "what" "$got" "$want"
#   like "what" "$got" 'ERE'           unlike likewise
#   skip "what" "why"                  counted and named at the end of the run
#   done_testing                       last line of every test
#
# $T is a fresh directory, removed at the end (kept and named when POSTERN_KEEP is set).
# $BUILD and $SRC are the build and source directories; programs are on no PATH: use $BUILD/postern.
set -u
SRC=$(cd "${0%/*}/.." && pwd)
BUILD=${POSTERN_BUILD:-$SRC/build}
CORPORA=${POSTERN_CORPORA:-$SRC/../shared/corpora}
T=$(mktemp -d "${TMPDIR:-/tmp}/postern-test.XXXXXX") || exit 1
export LC_ALL=C TZ=UTC
unset OPENSSL_CONF 2>/dev/null || :
tests=0
cleanup_pids=
cleanup() {
	for pid in $cleanup_pids; do kill "$pid" 2>/dev/null; done
	if [ -n "${POSTERN_KEEP-}" ]; then echo "# kept: $T"; else rm -rf "$T"; fi
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

kill_at_end() { cleanup_pids="$cleanup_pids $1"; }
diag() { printf '%s\n' "$*" | sed 's/^/# /' >&2; }
pass() { tests=$((tests + 1)); echo "ok $tests - $1"; }
fail() { tests=$((tests + 1)); echo "not ok $tests - $1"; shift; [ $# -eq 0 ] || diag "$@"; }
ok() {
	what=$1; shift
	if out=$("$@" 2>&1); then pass "$what"; else fail "$what" "failed ($?): $*
$out"; fi
}
not_ok() {
	what=$1; shift
	if out=$("$@" 2>&1); then fail "$what" "did not fail: $*
$out"; else pass "$what"; fi
}
is() { if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "got:  $2
want: $3"; fi; }
like() { if printf '%s\n' "$2" | grep -Eq -- "$3"; then pass "$1"; else fail "$1" "got:  $2
want: /$3/"; fi; }
unlike() { if printf '%s\n' "$2" | grep -Eq -- "$3"; then fail "$1" "got:  $2
must not match: /$3/"; else pass "$1"; fi; }
skip() { tests=$((tests + 1)); echo "ok $tests - $1 # SKIP $2"; }
skip_all() { echo "1..0 # SKIP $1"; exit 0; }
done_testing() { echo "1..$tests"; }

# Whether the programs are built with the address sanitizer: it wants terabytes of addresses and keeps freed memory.
sanitized() { nm "$BUILD/postern" 2>/dev/null | grep -q __asan_init; }

# ---- a whole site (demo/site.sh) ----

. "$SRC/demo/site.sh"

# message [FIELD...] < body: a message on stdout; each argument is a header line
message() {
	for field; do printf '%s\n' "$field"; done
	printf '\n'
	cat
}

# run SITE CLIENT SENDER RECIPIENT...: postern on standard input; sets $out (its line) and $code
run() {
	site=$1 client=$2 sender=$3
	shift 3
	out=$("$BUILD/postern" -c "$site/postern.conf" -client "$client" -sender "$sender" -queue-id T1 -readmail "$@" 2>&1)
	code=$?
}

# conf SITE LINE...: the site's configuration with lines added (a name that is there already is replaced)
conf() {
	conf_site=$1
	shift
	for line; do
		name=${line%% *}
		sed -i "/^$name *=/d" "$conf_site/postern.conf"
		printf '%s\n' "$line" >>"$conf_site/postern.conf"
	done
}

delivered() { find "$1/new" -type f 2>/dev/null | wc -l | tr -d ' '; } # number of messages in a maildir
newest() { ls -t "$1"/new/* 2>/dev/null | head -n 1; }                  # the newest one's path
empty() { rm -rf "$1/new" "$1/cur" "$1/tmp"; }
