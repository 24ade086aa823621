#!/bin/sh
# lmtp: destinations
. "${0%/*}/lib.sh"
. "${0%/*}/sink.sh"
printf 'Subject: x\n\nbody\n' >"$T/mail"

sink tcp -lmtp -final-for '^b=452 4.2.2 full' -final-for '^c=550 5.2.1 closed' -rcpt '^d=550 5.1.1 no'
is "each recipient's own final reply" "$(said "lmtp:127.0.0.1:$port" "$T/mail" a@x b@x c@x d@x e@x)" "a@x accepted 2.6.0 250 2.6.0 taken
b@x temporary 4.2.2 452 4.2.2 full
c@x refused 5.2.1 550 5.2.1 closed
d@x refused 5.1.1 550 5.1.1 no
e@x accepted 2.6.0 250 2.6.0 taken"
like "LHLO" "$(cat "$T/tcp/log")" '^LHLO client\.example$'
unlike "and no EHLO" "$(cat "$T/tcp/log")" EHLO
sink local -lmtp -unix "$T/socket"
is "a socket" "$(said "lmtp:unix:$T/socket" "$T/mail" a@x)" "a@x accepted 2.6.0 250 2.6.0 taken"
is "the probe" "$(said -p "lmtp:unix:$T/socket")" usable
like "no socket" "$(said "lmtp:unix:$T/none" "$T/mail" a@x)" "^a@x temporary 4\\.4\\.1 lmtp:unix:$T/none: No such file"
sink nolhlo -lmtp -ehlo '500 5.5.1 what?'
is "no fall-back to HELO" "$(said "lmtp:127.0.0.1:$port" "$T/mail" a@x | cut -d' ' -f1-3; grep -c HELO "$T/nolhlo/log")" "a@x temporary 4.3.2
0"

# ---- the connection ends among the final replies
mkdir "$T/spool"
sink half -lmtp -drop-after final -times 1
is "what was said counts, the rest is temporary" "$(said -j "$T/spool" -i one "lmtp:127.0.0.1:$port" "$T/mail" a@x b@x c@x | cut -d' ' -f1-3)" "a@x accepted 2.6.0
b@x temporary 4.4.2
c@x temporary 4.4.2"
is "the retry" "$(said -j "$T/spool" -i one "lmtp:127.0.0.1:$port" "$T/mail" a@x b@x c@x | cut -d' ' -f1,2)" "a@x journalled
b@x accepted
c@x accepted"
is "each once" "$(cut -d' ' -f1 "$T/half/accepted" | sort | tr '\n' ' ')" "a@x b@x c@x "
sink killed -lmtp
said -j "$T/spool" -i two -x after "lmtp:127.0.0.1:$port" "$T/mail" a@x b@x >/dev/null
is "killed after the first entry: that one is not sent again" "$(said -j "$T/spool" -i two "lmtp:127.0.0.1:$port" "$T/mail" a@x b@x | cut -d' ' -f1,2)" "a@x journalled
b@x accepted"

long=$(printf '%0107d' 0 | tr 0 x)
like "a path one byte too long" "$(said "lmtp:unix:/$long" "$T/mail" a@x)" '^bad destination: .*longer'
like "the longest" "$(said "lmtp:unix:/${long#?}" "$T/mail" a@x)" '^a@x temporary 4\.4\.1 .*No such file'
is "bad destinations" "$(for d in lmtp: lmtp:unix: lmtp:unix:relative lmtp:host; do said "$d" "$T/mail" a@x | cut -d: -f1; done | sort | uniq -c | tr -s ' ')" " 4 bad destination"
done_testing
