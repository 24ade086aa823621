# modules.sh - sourced behind lib.sh by the tests of the module protocol
#
#   site ROLE=NAMES...      $T/postern.conf with these modules (others: none) and module_directory $T/modules
#   fake NAME 'LINE'...     a fake module of that name and its behaviour (fake-module says which words)
#   ask ARGUMENT...         t/helper/ask with $T/postern.conf in place of FILE; output in $out, log in $T/log, status $status
ASK=$BUILD/t/helper/ask
mkdir -p "$T/modules"
command -v perl >/dev/null || skip_all "perl is missing"

site() {
	rules= keys= check=
	for pair; do eval "${pair%%=*}=\${pair#*=}"; done
	cat >"$T/postern.conf" <<-END
	hostname = gate.example.org
	local_domains = example.org
	external = maildir:$T/out
	internal = maildir:$T/in
	module_directory = $T/modules
	rules_modules = $rules
	keys_modules = $keys
	check_modules = $check
	log = $T/log
	log_level = debug
	END
}
setting() { echo "$*" >>"$T/postern.conf"; }
fake() {
	name=$1; shift
	ln -sf "$SRC/t/helper/fake-module" "$T/modules/$name"
	printf '%s\n' "$@" >"$T/modules/$name.behaviour"
}
ask() {
	: >"$T/log"
	set -- "$@"
	options=
	while :; do case ${1-} in
		-fork) options="$options $1"; shift ;;
		-deadline|-grace|-repeat) options="$options $1 $2"; shift 2 ;;
		*) break ;;
	esac; done
	if [ -n "${narrow-}" ]; then out=$("$ASK" -narrow "$narrow" $options "$T/postern.conf" "$@" 2>&1)
	else out=$("$ASK" $options "$T/postern.conf" "$@" 2>&1); fi
	status=$?
	log=$(cat "$T/log")
}
decide() { ask ${fork-} decide outgoing a@example.org a@example.org 127.0.0.1 "" no no "$@"; }
seconds() { date +%s; }
