# faults.sh - sourced after lib.sh by the tests of family 8: a site whose processes can be paused, killed and misled
#
#   faulty_site SITE [ALGORITHM]   a site (demo/site.sh) whose modules are reached by SITE/modules and SITE/real; every process of it
#                                  has the site's path on its command line
#   fault SITE MODULE LINE...      MODULE (rules-file, keys-file, check-path) goes on working, but its answers suffer what the
#                                  lines say (t/helper/fake-module); no lines: it is itself again
#   own_programs SITE              its modules are programs of their own, which have to be executed
#   one_program SITE               they are the program that postern is, too, as by default
#   letter SITE TEXT               SITE/out.eml and SITE/in.eml: from alice to bob, and a sealed one from bob to alice
#   send_out SITE / send_in SITE           postern with them: sets $out and $code
#   start_out SITE / start_in SITE the same in the background: $pid; its line goes to SITE/said
#   paused DIR                     waits until a module has reached "pause DIR"
#   child_of PID                   the working process of a postern (its modules are children as well)
#   none_left WHAT SITE            a test: no process of the site is left
#   untouched WHAT SITE            a test: nothing was handed over and nothing lies in the spool
LOOK=$SRC/t/helper/look

faulty_site() {
	site_make "$1" "${2-ec}" || exit 1
	mkdir -p "$1/modules" "$1/real"
	one_program "$1"
	for module in rules-file keys-file check-path; do ln -sf "../real/$module" "$1/modules/$module"; done
	conf "$1" "module_directory = $1/modules"
}

one_program() { for module in rules-file keys-file check-path; do ln -sf "$BUILD/$module" "$1/real/$module"; done; }
own_programs() { for module in rules-file keys-file check-path; do cp --remove-destination "$BUILD/$module" "$1/real/$module"; done; }

fault() {
	fault_site=$1 module=$2
	shift 2
	rm -f "$fault_site/modules/$module" "$fault_site/modules/$module.behaviour"
	if [ $# -eq 0 ]; then
		ln -s "../real/$module" "$fault_site/modules/$module"
		return
	fi
	printf '%s\n' "proxy $fault_site/real/$module" "$@" >"$fault_site/modules/$module.behaviour"
	ln -s "$SRC/t/helper/fake-module" "$fault_site/modules/$module"
}

letter() {
	message 'From: Alice <alice@behoerde.example>' 'To: bob@partner.example' "Subject: $2" 'Message-ID: <1@behoerde.example>' \
		>"$1/out.eml" <<-END
		$2
	END
	printf 'Content-Type: text/plain\r\n\r\n%s\r\n' "$2" >"$1/text"
	openssl cms -sign -in "$1/text" -signer "$1/bob.pem" -inkey "$1/bob.key" -out "$1/signed" 2>/dev/null &&
		openssl cms -encrypt -aes256 -in "$1/signed" -from bob@partner.example -to alice@behoerde.example -subject "$2" \
			-recip "$1/alice.pem" -out "$1/in.eml" 2>/dev/null || exit 1
}

send_out() { run "$1" 10.0.0.5 alice@behoerde.example bob@partner.example <"$1/out.eml"; }
send_in() { run "$1" 192.0.2.7 bob@partner.example alice@behoerde.example <"$1/in.eml"; }
start_out() {
	"$BUILD/postern" -c "$1/postern.conf" -client 10.0.0.5 -sender alice@behoerde.example -queue-id T1 -readmail bob@partner.example \
		<"$1/out.eml" >"$1/said" 2>&1 &
	pid=$!
}
start_in() {
	"$BUILD/postern" -c "$1/postern.conf" -client 192.0.2.7 -sender bob@partner.example -queue-id T1 -readmail alice@behoerde.example \
		<"$1/in.eml" >"$1/said" 2>&1 &
	pid=$!
}
# until COMMAND...: waits for it to be true, at most ten seconds
wait_until() {
	waits=0
	until "$@" 2>/dev/null; do
		[ $((waits += 1)) -lt 6000 ] || return 1
		sleep 0.01
	done
}
paused() { wait_until test -e "$1/paused"; }
go_on() { touch "$1/go"; wait_until test ! -d "/proc/$pid" || :; rm -f "$1/go" "$1/paused"; }
child_of() { # modules are the same program under another name, where they are no programs of their own
	for c in $(pgrep -P "$1"); do
		[ "$(cat "/proc/$c/comm")" != postern ] || echo "$c"
	done
}
site_processes() { pgrep -f -- "$1/" | while read -r p; do [ "$p" = "$$" ] || grep -qz smtp-sink "/proc/$p/cmdline" 2>/dev/null || echo "$p"; done; }
is_empty_of() { [ -z "$(site_processes "$1")" ]; }
none_left() {
	if wait_until is_empty_of "$2"; then pass "$1"; else fail "$1" "$(pgrep -af -- "$2/")"; fi
}
handed_over() { echo $(($(delivered "$1/external") + $(delivered "$1/internal"))); }
spool_files() { find "$1/spool" -type f ! -path '*/index/*' ! -path '*/notices/*' ! -name swept 2>/dev/null; }
untouched() { is "$1" "$(handed_over "$2") $(spool_files "$2") $(find "$2/external/tmp" "$2/internal/tmp" -type f 2>/dev/null)" "0  "; }
clean() { empty "$1/external"; empty "$1/internal"; rm -rf "$1/log" "$1/spool/journal" "$1/spool/notices"; }
