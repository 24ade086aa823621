#!/bin/sh
# -explain for outgoing mail: which rule, certificate and key made it so, without doing it
. "${0%/*}/lib.sh"
. "$SRC/t/outgoing.sh"
A=alice@behoerde.example P=partner.example B=bob@partner.example N=nobody@partner.example
partner carol
says() { like "$1" "$plan" "$2"; }
never_says() { unlike "$1" "$plan" "$2"; }

rules '# a comment' '. (to) . (do) SIP, EIP' '@behoerde (to) ^bob@ (do) FE, FS' '@nowhere (to) . (do) NS' '. (to) ^carol@ (do) FE, FS'
mail "$A" "$B, carol@$P, $N" >"$T/m"
send "$A" "$B" "carol@$P" "$N"
says "who sends" "^from: <$A>, client 10\.0\.0\.1 \(inside\)$"
says "where it goes" "^output: to external \(maildir:$T/external\), [1-9][0-9]* bytes$"
says "to whom" "^  recipient: $B$"
says "the key and where it lies" "^  why: outgoing: signed as $A \($T/certs/private/alice\.pem\)"
says "the cipher, the certificate and where it lies" "encrypted with aes-256-cbc \($T/certs/public/bob\.pem\)"
says "the profile" "profile compatible"
says "the lines of the rules that made it so" "rules $T/rules:2, $T/rules:3$"
never_says "and no others" "rules:(1|4)"
says "why another in the same output is there" "^note: to=<carol@$P> as <$B>, certificate $T/certs/public/carol\.pem, rules $T/rules:2, $T/rules:5$"
says "why one is in clear" "in clear \(no certificate of this recipient was found\)"
is "two outputs" "$(printf '%s\n' "$plan" | grep -c '^output:')" 2
is "as many as the run makes" "$(left)" 2
says "the exit" "^exit: 0$"
never_says "and none of the message" "plain words|secret matter"
size=$(printf '%s\n' "$plan" | sed -n "/^output/{s/.*, \([0-9]*\) bytes/\1/;h;};/recipient: $N/{g;p;q;}")
# each run signs anew, and an ECDSA signature has 70 to 72 bytes
left_bytes=$(sed '/^Return-Path:/d; /^Delivered-To:/d' "$(letter "$N")" | wc -c)
ok "the size is that of what leaves" test $((left_bytes - size)) -le 32 -a $((size - left_bytes)) -le 32

rules '. (to) . (do) FE, FS'
send "$A" "$B" "$N"
says "who is refused and why" "^refused: $N: 5\.7\.1 encryption is required, but .*no certificate of this recipient was found"
says "by which line" "^note: to=<$N> refused, rules $T/rules:1$"
says "that the sender will be told" "^notification: to <$A>$"
send "$A" "$N"
says "if all are refused: the exit" "^exit: 77$"
never_says "and no notification" "^notification"
conf "$T" "partial = no"
send "$A" "$B" "$N"
says "all or none: the exit" "^exit: 77$"
conf "$T" "partial = yes"
cp "$T/bob.pem" "$T/certs/untrusted/"
send "$A" "$B"
says "a certificate that is not valid, by its file" "^refused: $B: .*$T/certs/public/bob\.pem: .*untrusted"
rm "$T/certs/untrusted/bob.pem"
rules '. (to) . (do) SIP=nokey@behoerde.example, EIP'
send "$A" "$B"
says "not signed, and why" "^  why: outgoing: not signed \(there is no key that signs for nokey@behoerde\.example\), encrypted with"
rules '^x$ (to) ^y$ (do) FE'
send "$A" "$N"
says "nothing matches" "not signed, in clear, profile none, rules none matched$"
conf "$T" 'subject_encrypt = \[encrypt\]'
mail "$A" "$B" >"$T/m"
sed -i 's/^Subject:/& [encrypt]/' "$T/m"
send "$A" "$B"
says "a wish in the Subject" "^note: the Subject asks: encrypt$"
rules '. (to) . (do) FE, FS, VIA=nowhere'
send "$A" "$B"
says "VIA to nowhere" "^note: .*rules:1: VIA=nowhere names no destination"
says "waits" "^exit: 75$"
rules '. (to) . (do) FE, FS'
conf "$T" "external = command:/bin/sh -c touch\${sender}"
explain "$A" "$B" # not run: the command is not to be started
says "a command is named" "^output: to external \(command:/bin/sh"
says "and would be started" "^exit: 0$"
conf "$T" "external = maildir:$T/external"

# a site that was never used: nothing is made but what caches
rm -rf "$T/spool" "$T/external" "$T/internal"
explain "$A" "$B"
is "on a fresh site: it works" "$plan_code" 0
is "and no file is made but the index" "$(find "$T/spool" "$T/external" "$T/internal" -path "$T/spool/index" -prune -o -type f -print 2>/dev/null)" ""
foreseen
done_testing
