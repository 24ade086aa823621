#!/bin/sh
# all worked examples with Sendmail, each on a machine of its own, set up by typing what the manual pages say; mail both ways
. "${0%/*}/lib.sh"
. "$SRC/t/mta/by-hand.sh"
sanitized && skip_all "in the plain build only: real mail servers, and nothing in postern that other tests do not reach"
by_hand sendmail "$@"
