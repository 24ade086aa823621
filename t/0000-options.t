#!/bin/sh
# the command line: every option, one or two dashes, what is missing, what is unknown
. "${0%/*}/lib.sh"
P=$BUILD/postern

like "-help shows the usage" "$($P -help)" '^usage: postern -c FILE'
like "--help too" "$($P --help)" '^usage: postern -c FILE'
like "-version names the version and the library" "$($P -version | tr '\n' ' ')" '^postern [0-9.]+ OpenSSL '

# refused VALUE... : exit 75 and one line
usage_error() {
	what=$1 pattern=$2
	shift 2
	out=$("$P" "$@" </dev/null 2>&1)
	code=$?
	is "$what: exit 75" "$code" 75
	like "$what: says so" "$out" "$pattern"
	is "$what: in one line" "$(printf '%s\n' "$out" | wc -l)" 1
}
usage_error "no option" '^4\.3\.5 option -c FILE is missing'
usage_error "unknown option" '^4\.3\.5 unknown option "-frobnicate"' -frobnicate
usage_error "a word" '^4\.3\.5 unknown option "word"' word
usage_error "three dashes" '^4\.3\.5 unknown option' ---help
usage_error "-c without argument" '^4\.3\.5 option -c needs an argument' -c
usage_error "no client" '^4\.3\.5 option -client ADDR is missing' -c /nonexistent -readmail a@b
usage_error "no recipient" '^4\.3\.5 no recipients' -c /nonexistent -client 127.0.0.1 -readmail
usage_error "-get without a name" '^4\.3\.5 no names behind -get' -c /nonexistent -get
usage_error "-get without a file" '^4\.3\.5 option -c FILE is missing' -get hostname
usage_error "two commands" '^4\.3\.5 -release and --discard exclude each other' -c /nonexistent -release a --discard b
usage_error "no configuration" '^4\.3\.5 /nonexistent: No such file' -c /nonexistent -client 127.0.0.1 -readmail a@b

site_make "$T"
m() { message "From: alice@behoerde.example" "To: x@behoerde.example" "Subject: t" <<-END
	hello
	END
}
m | "$P" --c "$T/postern.conf" --client 10.0.0.1 --sender alice@behoerde.example --queue-id Q --readmail x@behoerde.example >"$T/o" 2>&1
is "two dashes deliver" "$?" 0
is "and print nothing" "$(cat "$T/o")" ""
is "into the maildir" "$(delivered "$T/internal")" 1

for client in "" "::1" "[::1]" "10.0.0.1" "[10.0.0.1]" "IPv6:::1"; do
	m | "$P" -c "$T/postern.conf" -client "$client" -sender alice@behoerde.example -readmail x@behoerde.example >"$T/o" 2>&1
	is "client \"$client\" is inside" "$?-$(cat "$T/o")" "0-"
done
m | "$P" -c "$T/postern.conf" -client unknown -sender alice@behoerde.example -readmail x@elsewhere.example >"$T/o" 2>&1
is "client unknown is outside: relaying is refused" "$?" 77
m | "$P" -c "$T/postern.conf" -client 10.0.0.300 -sender alice@behoerde.example -readmail x@elsewhere.example >"$T/o" 2>&1
is "a client that is no address: 75" "$?" 75
like "and is named" "$(cat "$T/o")" '^4\.3\.5 -client: "10.0.0.300" is not an IP address'

# the sender: option, From line, Return-Path
sender_of() { sed -n 's/^Return-Path: //p' "$(newest "$T/internal")" | head -n 1; }
empty "$T/internal"
m | "$P" -c "$T/postern.conf" -client 10.0.0.1 -sender '<bob@behoerde.example>' -readmail x@behoerde.example
is "-sender with brackets" "$(sender_of)" "<bob@behoerde.example>"
empty "$T/internal"
{ echo "From carol@behoerde.example Sun Nov 22 10:00:00 2026"; m; } | "$P" -c "$T/postern.conf" -client 10.0.0.1 -readmail x@behoerde.example
is "the mbox From line" "$(sender_of)" "<carol@behoerde.example>"
is "which is not part of the message" "$(grep -c '^From carol' "$(newest "$T/internal")")" 0
empty "$T/internal"
{ echo "From MAILER-DAEMON Sun Nov 22 10:00:00 2026"; m; } | "$P" -c "$T/postern.conf" -client 10.0.0.1 -readmail x@behoerde.example
is "the null sender of Postfix" "$(sender_of)" "<>"
empty "$T/internal"
{ echo "Return-Path: <dave@behoerde.example>"; m; } | "$P" -c "$T/postern.conf" -client 10.0.0.1 -readmail x@behoerde.example
is "Return-Path" "$(sender_of)" "<dave@behoerde.example>"
empty "$T/internal"
m | "$P" -c "$T/postern.conf" -client 10.0.0.1 -sender "" -readmail x@behoerde.example
is "an empty -sender is the null sender" "$(sender_of)" "<>"
empty "$T/internal"
{ echo "From Mailer-Daemon@MX.behoerde.example Sun Nov 22 10:00:00 2026"; m; } | "$P" -c "$T/postern.conf" -client 10.0.0.1 -readmail x@behoerde.example
is "the null sender of Sendmail" "$(sender_of)" "<>"
for other in MAILER-DAEMON@other.example MAILER-DAEMONS@mx.behoerde.example; do
	empty "$T/internal"
	m | "$P" -c "$T/postern.conf" -client 10.0.0.1 -sender $other -readmail x@behoerde.example
	is "$other is somebody" "$(sender_of)" "<$other>"
done

done_testing
