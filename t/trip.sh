# trip.sh - sourced behind lib.sh and incoming.sh: mail that goes by way of a virus scanner, which the test plays by hand
#
#   arrive RECIPIENT... < message        from outside ($sender), $out and $code; the copies for the scanner lie in $T/scanner/new
#   copies                               how many of them
#   copy [N]                             the newest (the N-th newest) as it came to the scanner, on stdout
#   back RECIPIENT... < message          from the scanner ($sender), $out and $code
#   got NAME                             $T/got: what NAME@behoerde.example got, without the destination's own two fields
#   inside                               how many messages arrived inside, without notices
#   holds                                how many messages are held
#   untoken < message                    without its token; unpostern: without any field of ours
#   fresh                                the maildirs are emptied
#   letter_of NUMBER < entity            a letter from bob with a Message-ID of its own
SCANNER=10.9.9.9
conf "$T" "scanner = maildir:$T/scanner" "scanner_clients = $SCANNER"

arrive() { run "$T" 192.0.2.1 "$sender" "$@"; }
back() { run "$T" $SCANNER "$sender" "$@"; }
copies() { delivered "$T/scanner"; }
as_sent() { sed '1{/^Return-Path:/d}' "$1" | sed '1,/^\r*$/{/^Delivered-To:/d}'; }
copy() { as_sent "$(ls -t "$T"/scanner/new/* | sed -n "${1-1}p")"; }
inside() { grep -L '^To: <*postmaster' "$T/internal/new/"* 2>/dev/null | wc -l | tr -d ' '; }
got() {
	: >"$T/got"
	for arrived in $(grep -il "^Delivered-To: $1@behoerde.example" "$T/internal/new/"* 2>/dev/null); do as_sent "$arrived" >"$T/got"; done
}
holds() { find "$T/spool/hold" -name '*.hold' 2>/dev/null | wc -l | tr -d ' '; }
untoken() { perl -0777 -pe 's/^X-Postern-Token:.*?\n(?![ \t])//ms'; }
unpostern() { perl -0777 -pe '1 while s/^(X-Postern-[A-Za-z]*|Authentication-Results):.*?\n(?![ \t])//ms'; }
fresh() { for fresh_dir in internal external scanner; do empty "$T/$fresh_dir"; done; }
letter_of() { letter_id=$1; shift; letter bob@partner.example "$@" | sed "s/^Message-ID:.*/Message-ID: <$letter_id@partner.example>/"; }
