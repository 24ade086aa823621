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
		sed '1{/^Return-Path:/d}' "$arrived" | sed '/^Delivered-To:/d' >"$T/got"
	done
}
header() { sed '/^\r*$/,$d' "${1-$T/got}" | tr -d '\r' | sed -e ':a' -e '$!N;s/\n[ 	]/ /;ta' -e 'P;D'; } # unfolded
content() { sed '1,/^\r*$/d' "${1-$T/got}"; }
field() { header | sed -n "s/^$1: *//Ip"; }
result() {
	set -- "$(header | grep -ci "^Authentication-Results: *$OUR_HOST;")" "$(field Authentication-Results)"
	if [ "$1" = 1 ]; then printf '%s\n' "$2" | sed -n "s/^ *$OUR_HOST; *smime=\([a-z]*\).*/\1/p"; else echo "-"; fi
}
value() { field X-Postern-Result | tr -d ' ' | tr ';' '\n' | sed -n "s/^$1=//p" | sed 's/%2C/,/g; s/%20/ /g'; }
genuine() { "$BUILD/postern" -c "$T/postern.conf" -verify-result <"$T/got"; }
notices() { grep -lE '^To: <*postmaster' "$T/internal/new/"* 2>/dev/null | xargs -r sed -n 's/^Subject: //p'; }

command -v openssl >/dev/null || skip_all "no openssl"
site_make "$T" || { echo "1..0 # SKIP no site could be made"; exit 0; }
