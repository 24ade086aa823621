# sink.sh - starts t/helper/smtp-sink; sourced after lib.sh
#
#   sink NAME OPTION...    a server that records below $T/NAME; its port (or socket) is in $port
deliver=$BUILD/t/helper/deliver
sink() {
	mkdir -p "$T/$1"
	name=$1; shift
	perl "$SRC/t/helper/smtp-sink" "$@" "$T/$name" 2>"$T/$name/errors" &
	sink_pid=$!
	kill_at_end $sink_pid
	tries=0
	until [ -s "$T/$name/port" ] || [ $((tries += 1)) -gt 1200 ]; do sleep 0.05; done
	port=$(cat "$T/$name/port")
}
# said OPTION... DESTINATION FILE RCPT...: the result, without the log
said() { "$deliver" "$@" 2>/dev/null; }
