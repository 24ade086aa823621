#!/bin/sh
# what the machine can lack: room, descriptors, memory, rights, a sound index, a log; 75 and one line, or the mail
. "${0%/*}/lib.sh"
. "${0%/*}/faults.sh"
chmod 755 "$T"
S=$T/site
faulty_site "$S"
letter "$S" "the text"
P="$BUILD/postern -c $S/postern.conf -queue-id T1"
cmd_in="$P -client 192.0.2.7 -sender bob@partner.example -readmail alice@behoerde.example"
cmd_out="$P -client 10.0.0.5 -sender alice@behoerde.example -readmail bob@partner.example"
as=
file=
go() { # WAY: sets $out, $code
	case $1 in in) out=$($as $cmd_in <"${file:-$S/in.eml}" 2>&1) ;; out) out=$($as $cmd_out <"${file:-$S/out.eml}" 2>&1) ;; esac
	code=$?
}
limited() { # OPTION N WAY
	case $3 in
	in) (ulimit "$1" "$2" && exec $cmd_in <"$S/in.eml" 2>&1) >"$T/pipe" & ;;
	out) (ulimit "$1" "$2" && exec $cmd_out <"$S/out.eml" 2>&1) >"$T/pipe" & ;;
	esac
	last=$!
	out=$(cat "$T/pipe"); wait $last; code=$?
}
deferred() { # WHAT ERE: the run before
	like "$1: 75 and one line" "$code:$out" "^75:4\.[0-9]\.[0-9] $2"
	untouched "$1: nothing handed over, nothing left" "$S"
	clean "$S"
}
works() { is "$1: works" "$code:$out:$(handed_over "$S")" "0::1"; clean "$S"; }
mkfifo "$T/pipe"

# ---- the three standard descriptors
out=$($cmd_in <&- 2>&1); code=$?; deferred "standard input is closed" 'reading the message: Bad file descriptor$'
out=$($cmd_in </ 2>&1); code=$?; deferred "standard input is a directory" 'reading the message: Is a directory$'
$cmd_in <"$S/in.eml" >&- 2>&-; code=$?; out=; works "output and errors are closed"
unlike "... and no file of ours took their place" "$(cat "$S/internal/new/"* "$S/log" 2>/dev/null)" '^[45]\.[0-9]\.[0-9] '
$cmd_in <"$S/in.eml" >/dev/full 2>&1; code=$?; out=; works "output is full"
$cmd_in <&- >&- 2>&-; code=$?; out=; is "all closed" "$code" 75; clean "$S"

# ---- limits of the process
for way in in out; do
	for n in 14 16 18; do
		limited -n $n $way
		case $code in 0) works "$way, $n descriptors" ;; *) deferred "$way, $n descriptors" '.*(Too many open files|no pipe|no process|cannot)' ;; esac
	done
	limited -n 14 $way; deferred "$way, 14 descriptors are too few" .
	limited -n 64 $way; works "$way, 64 descriptors are enough"
	for n in 0 1 4 8; do
		limited -f $n $way
		case $n$code in 80) works "$way, files of $n blocks" ;; *) deferred "$way, files of $n blocks" '(spool .*: write: File too large|module [a-z-]*: [a-z-]*: )' ;; esac
	done
	if sanitized; then
		skip "$way, little memory" "the sanitizers need terabytes of addresses"
	else
		for n in 12000 16000 24000 64000; do
			limited -v $n $way; deferred "$way, $n kB of memory" '.*([Oo]ut of memory|Cannot allocate memory|index in memory|has ended|died|spool)'
		done
	fi
done

# ---- full disks
if mkdir "$T/small" && mount -t tmpfs -o size=64k none "$T/small" 2>/dev/null; then
	disk() { mount -o "remount,size=$1" "$T/small"; }
	perl -e 'print "x" x 70, "\n" for 1..1000' | cat "$S/out.eml" - >"$T/big.eml"
	conf "$S" "spool = $T/small/spool"
	full='spool .*: write: No space left on device$'
	file=$T/big.eml
	go out; deferred "no room for the message" "$full"
	disk 180k; go out; deferred "room for the message, not for what comes of it" "$full"
	disk 2M; go out; works "room enough"
	file=
	rm -rf "$T/small/spool"; disk 4k
	for way in in out; do go $way; works "$way: hardly any room, for what is small and an index in memory"; done
	rm -rf "$T/small/spool"; mkdir -m 700 "$T/small/spool"
	dd if=/dev/zero of="$T/small/all" bs=1k 2>/dev/null
	out=$("$BUILD/postern" -c "$S/postern.conf" -check 2>&1); code=$?
	is "-check with a full spool: an error, and one only" "$code $(printf '%s\n' "$out" | grep -c '^error')" "75 1"
	like "... that is the disk's" "$out" "^error: spool $T/small/spool: No space left on device"
	rm -r "$T/small/all" "$T/small/spool"
	conf "$S" "spool = $S/spool" "external = maildir:$T/small/m" "internal = maildir:$T/small/m"
	file=$T/big.eml
	go out; deferred "the maildir is full" "maildir:$T/small/m: write: No space left on device\$"
	is "... and has nothing" "$(find "$T/small" -type f | wc -l)" 0
	disk 2M; go out; is "... with room" "$code:$(delivered "$T/small/m")" "0:1"
	umount "$T/small"
	file=
	conf "$S" "external = maildir:$S/external" "internal = maildir:$S/internal"
else
	skip "full disks" "only root can mount a small one"
fi

# ---- rights
if [ "$(id -u)" = 0 ]; then
	as="setpriv --reuid 65534 --regid 65534 --clear-groups"
	$as "$BUILD/postern" -version >/dev/null 2>&1 || as=none
	# what runs as another user must be able to start all of it
	$as "$S/modules/keys-file" -version >/dev/null 2>&1 || as=none
fi
own() { [ -z "$as" ] || chown -R 65534:65534 "$S"; }
if [ "$as" = none ]; then
	skip "missing rights" "no other user can run the programs"
	as=
else
	own; go in; works "(as another user)"; own
	no=': Permission denied( for uid [0-9]+)?'
	# denied WAY MODE PATH ERE
	denied() {
		mkdir -p "$S/spool/journal"; [ -e "$S/$3" ] || : >"$S/$3"; own
		chmod "$2" "$S/$3"; go "$1"; chmod 700 "$S/$3"
		deferred "$1: $3 has mode $2" "$4"; own
	}
	denied out 500 spool/journal ".*/spool/journal$no\$"
	denied in 000 spool/journal ".*/spool/journal$no\$"
	denied out 500 spool/tmp ".*/spool/tmp$no\$"
	denied in 000 certs/private "module keys-file: find-(keys|certificates): $S/certs/private$no"
	denied out 000 certs/private "module keys-file: find-(keys|certificates): $S/certs/private$no"
	denied out 000 certs/public "module keys-file: find-certificates: $S/certs/public$no"
	denied in 000 certs/ca "module [a-z-]*: [a-z-]*: $S/certs/ca$no"
	denied out 000 rules "module rules-file: decide: $S/rules$no"
	denied out 000 mac.key ".*mac.key$no\$"; chmod 600 "$S/mac.key"
	denied in 000 postern.conf ".*postern.conf$no\$"
	denied in 400 log "log file $S/log$no\$"; rm -f "$S/log"
	for way in in out; do
		own; go $way; works "$way: (index made)"; own
		chmod -R a-w "$S/certs" "$S/spool/index"
		go $way; works "$way: areas and index are read-only"
		chmod -R u+w "$S/certs" "$S/spool"
		rm -rf "$S/spool/index"; mkdir "$S/spool/index"; own; chmod 500 "$S/spool/index"
		go $way; works "$way: no index can be made"
		rm -rf "$S/spool/index"; own
		[ -e "$S/verify.log" ] || : >"$S/verify.log"; own; chmod 400 "$S/verify.log"
		go $way; like "$way: a verify log that cannot be written is told" "$(cat "$S/log")" "(warning|error): T1: check-path: .*$S/verify.log$no"
		works "$way: ... and stops no mail"
		chmod 600 "$S/verify.log"
	done
	[ -z "$as" ] || chown -R "$(id -u):$(id -g)" "$S"
	as=
fi

# ---- logs that take nothing
conf "$S" "log = /dev/full" "verify_log = /dev/full"
for way in in out; do go $way; works "$way: full logs"; done
conf "$S" "log = $S/log" "verify_log = $S/verify.log"
conf "$S" "log = $S"; go in; deferred "the log is a directory" "log file $S: Is a directory\$"
conf "$S" "log = $S/log"

# ---- a damaged index is only a cache
spoil() { # HOW FILE
	case $1 in
	zeroed) dd if=/dev/zero of="$2" bs=8192 count=1 conv=notrunc ;;
	garbage) openssl rand 20000 >"$2" ;;
	short) truncate -s 5000 "$2" ;;
	empty) : >"$2" ;;
	directory) rm -f "$2"; mkdir "$2" ;;
	esac 2>/dev/null
}
for name in data.mdb lock.mdb; do
	for how in zeroed garbage short empty directory; do
		rm -rf "$S/spool/index"; go in; go out; clean "$S"
		ok "(there is an index)" test -n "$(find "$S/spool/index" -name "$name" -type f)"
		find "$S/spool/index" -name "$name" -type f >"$T/list"
		while read -r f; do spoil $how "$f"; done <"$T/list"
		go in; works "in: $name $how"
		while read -r f; do [ ! -e "$f" ] || spoil $how "$f"; done <"$T/list"
		go out; works "out: $name $how"
	done
done
none_left "no process is left" "$S"
done_testing
