# outgoing.sh - sourced behind lib.sh: whole messages through the program to the outside, and what the other side reads
#
#   send SENDER RECIPIENT... < message    explains, then runs: $code, $out; $T/external and $T/internal hold this message's
#                                         outputs only.  That -explain has no effects and foresees the exit is a test of
#                                         its own: foreseen, at the end
#   letter ADDRESS                        the path of the one message that left for ADDRESS; nothing unless there is one
#   left                                  how many messages left
#   decrypts FILE NAME                    with NAME.pem and NAME.key of the site: $T/dec
#   verifies FILE                         by the site's CA: $T/content, $T/signer.pem
#   opens ADDRESS NAME                    letter, decrypts, verifies
#   plain FILE                            FILE on standard output with LF
#   keys_of FILE                          the serials of its RecipientInfos, a sorted line
#   serial NAME...                        such a line of the certificates NAME.pem
#   partner NAME [ALGORITHM [EXTENSIONS]] NAME@partner.example gets a certificate in certs/public
#   user NAME [ALGORITHM]                 NAME@behoerde.example gets a certificate and key in certs/private
#   rules LINE...                         the rules file
#   dsn                                   the notification that went inside, as text
runs=0 surprises=

traces() { find "$T/spool" "$T/external" "$T/internal" "$T/certs/seen" -path "$T/spool/index" -prune -o -type f -printf '%p %s\n' 2>/dev/null | sort; }

explain() { # SENDER RECIPIENT...: $plan, $plan_code; the message in $T/in
	explain_sender=$1
	shift
	plan=$("$BUILD/postern" -c "$T/postern.conf" -explain -client 10.0.0.1 -sender "$explain_sender" -queue-id T1 -readmail "$@" \
		2>&1 <"$T/in")
	plan_code=$?
}

send() { # the message is in $T/m
	cp "$T/m" "$T/in"
	empty "$T/external"; empty "$T/internal"
	before=$(traces)
	explain "$@"
	[ "$(traces)" = "$before" ] || surprises="$surprises
-explain had an effect: $*"
	run "$T" 10.0.0.1 "$@" <"$T/in"
	[ "$plan_code" -eq "$code" ] || surprises="$surprises
-explain exits $plan_code, the run $code ($out): $*"
	runs=$((runs + 1))
}
foreseen() { is "-explain foresaw the exits of all $runs runs and had no effects" "$surprises" ""; }

letters() { grep -lxF "Delivered-To: $2" "$1"/new/* 2>/dev/null; }
letter() { [ "$(letters "$T/external" "$1" | wc -l)" -eq 1 ] && letters "$T/external" "$1"; }
left() { delivered "$T/external"; }
dsn() { cat "$T/internal/new/"* 2>/dev/null; }

decrypts() {
	rm -f "$T/dec"
	openssl cms -decrypt -in "$1" -recip "$T/$2.pem" -inkey "$T/$2.key" -out "$T/dec"
}
verifies() {
	cp "$1" "$T/verified" && rm -f "$T/content" "$T/signer.pem" &&
		openssl cms -verify -in "$T/verified" -CAfile "$T/ca.pem" -signer "$T/signer.pem" -out "$T/content"
}
opens() { decrypts "$(letter "$1")" "$2" && verifies "$T/dec"; }
plain() { tr -d '\r' <"$1"; }
structure() { openssl cms -cmsout -print -noout -in "$1"; }
algorithms() { structure "$1" | sed -n 's/^ *algorithm: //p; s/.*OBJECT *://p'; }
keys_of() {
	structure "$1" | sed -n '/recipientInfos:/,/encryptedContentInfo:\|authEncryptedContentInfo:/p' |
		sed -n 's/^ *serialNumber: //p' | sort | tr '\n' ' '
}
serial() {
	for serial_name; do
		openssl x509 -in "$T/$serial_name.pem" -noout -serial | sed 's/.*=//'
	done | while read -r hex; do echo "$((0x$hex))"; done | sort | tr '\n' ' '
}

partner() {
	site_certificate "$T" "$1" "$1@partner.example" "${2-ec}" "${3-}" && cp "$T/$1.pem" "$T/certs/public/"
}
user() {
	site_certificate "$T" "$1" "$1@behoerde.example" "${2-ec}" &&
		(umask 077 && cat "$T/$1.key" "$T/$1.pem" >"$T/certs/private/$1.pem")
}
rules() { printf '%s\n' "$@" >"$T/rules"; }
mail() { # FROM TO [FIELD...]: a short message
	mail_from=$1 mail_to=$2
	shift 2
	printf 'From: %s\nTo: %s\nSubject: secret matter\n' "$mail_from" "$mail_to"
	for field; do printf '%s\n' "$field"; done
	printf '\nthe plain words\n'
}
is_clear() { grep -rq 'the plain words' "$T/external" 2>/dev/null; }

site_make "$T" || { echo "1..0 # SKIP no site could be made"; exit 0; }
mkdir -p "$T/external" "$T/internal"
