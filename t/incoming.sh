# incoming.sh - sourced behind lib.sh: sealed mail from outside through the whole program, and what arrives inside
#
#   person NAME ADDRESS [ALGORITHM [EXTENSIONS]]   a certificate of the site's CA for somebody outside
#   own NAME ADDRESS [ALGORITHM]                   one with its key in certs/private
#   entity [FIELD...] < text             a MIME entity with CRLF: text/plain, with these fields in front
#   clear NAME, opaque NAME              an entity on standard input signed; more options of openssl cms may follow
#   seal NAME... [-- OPTION...]          encrypted to these
#   letter FROM [FIELD...] < entity      From, To, Subject, these fields, and then the entity: a message with LF
#   incoming [RECIPIENT...] < message    from outside, $sender to alice unless told: $code, $out; $T/got is what arrived, without
#                                        the destination's own two fields; empty if nothing did.  Arrived before: forgotten
#   result                               the word of our Authentication-Results in $T/got, "-" when there is not exactly one
#   value NAME                           a value of our record in $T/got
#   genuine                              the record in $T/got is verified by postern itself
#   notices                              the subjects of the administrator's notices
#   content                              $T/got without its header
OUR_HOST=mx.behoerde.example
sender=bob@partner.example
umask 077

person() { site_certificate "$T" "$@"; }
own() {
	site_certificate "$T" "$1" "$2" "${3-ec}" && cat "$T/$1.key" "$T/$1.pem" >"$T/certs/private/$1.pem"
}
crlf() { sed 's/\r*$/\r/'; }
entity() {
	{
		for field; do printf '%s\n' "$field"; done
		case " $*" in *[Cc]ontent-[Tt]ype:*) ;; *) echo 'Content-Type: text/plain; charset=us-ascii' ;; esac
		echo
		cat
	} | crlf
}
clear() {
	signer=$1
	shift
	openssl cms -sign -signer "$T/$signer.pem" -inkey "$T/$signer.key" "$@" | tr -d '\r'
}
opaque() { clear "$@" -nodetach; }
seal() {
	set -- "$@" --
	seal_to=
	while [ "$1" != -- ]; do seal_to="$seal_to -recip $T/$1.pem"; shift; done
	shift
	seal_options=
	while [ $# -gt 0 ] && [ "$1" != -- ]; do seal_options="$seal_options $1"; shift; done
	case "$seal_options" in *-aes* | *-des* | *-camellia*) ;; *) seal_options="$seal_options -aes-256-cbc" ;; esac
	# the options of a key come behind its -recip
	# shellcheck disable=SC2086
	openssl cms -encrypt $seal_to $seal_options | tr -d '\r'
}
letter() {
	printf 'From: %s\nTo: alice@behoerde.example\nSubject: report\nDate: Mon, 3 Nov 2025 10:00:00 +0100\nMessage-ID: <1@partner.example>\n' "$1"
	shift
	for field; do printf '%s\n' "$field"; done
	cat
}
incoming() {
	empty "$T/internal"
	[ $# -gt 0 ] || set -- alice@behoerde.example
	run "$T" 192.0.2.1 "$sender" "$@"
	: >"$T/got"
	for arrived in "$T/internal/new/"*; do
		[ -f "$arrived" ] || continue
		if grep -q '^To: <*postmaster' "$arrived"; then continue; fi
		sed -e '1{/^Return-Path:/d}' -e '/^Delivered-To:/d' "$arrived" >"$T/got"
	done
}
header() { # unfolded
	awk '{ gsub(/\r/, "") } $0 == "" { exit } n && /^[ \t]/ { line = line " " substr($0, 2); next } n++ { print line } { line = $0 } END { if (n) print line }' \
		"${1-$T/got}"
}
content() { sed '1,/^\r*$/d' "${1-$T/got}"; }
field() { header | sed -n "s/^$1: *//Ip"; }
result() {
	header | awk -v field="^authentication-results: *$OUR_HOST;" -v ours="^ *$OUR_HOST; *smime=" '
		tolower($0) ~ field { n++ }
		tolower($0) ~ /^authentication-results:/ && sub(/^[^:]*: */, "") && sub(ours, "") { match($0, /^[a-z]*/); words = words substr($0, 1, RLENGTH) "\n" }
		END { if (n == 1) printf "%s", words; else print "-" }'
}
value() {
	header | awk -v name="$1=" 'tolower($0) ~ /^x-postern-result:/ {
		sub(/^[^:]*: */, ""); gsub(/ /, ""); n = split($0, part, ";")
		for (i = 1; i <= n; i++) if (index(part[i], name) == 1) { text = substr(part[i], length(name) + 1); gsub(/%2C/, ",", text); gsub(/%20/, " ", text); print text }
	}'
}
genuine() { "$BUILD/postern" -c "$T/postern.conf" -verify-result <"$T/got"; }
notices() { grep -lE '^To: <*postmaster' "$T/internal/new/"* 2>/dev/null | xargs -r sed -n 's/^Subject: //p'; }

command -v openssl >/dev/null || skip_all "no openssl"
site_make "$T" || { echo "1..0 # SKIP no site could be made"; exit 0; }
