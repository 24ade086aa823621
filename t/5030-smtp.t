#!/bin/sh
# smtp: destinations: the dialogue with servers that work
. "${0%/*}/lib.sh"
. "${0%/*}/sink.sh"
printf 'Subject: x\n\n.dot\n..two\nbody\n.\n' >"$T/mail"

# ---- everything offered
sink all
is "accepted with the peer's words" "$(said -f me@b "smtp:127.0.0.1:$port" "$T/mail" r@x s@x)" "r@x accepted 2.6.0 250 2.6.0 taken
s@x accepted 2.6.0 250 2.6.0 taken"
is "the dialogue" "$(grep -v QUIT "$T/all/log")" "EHLO client.example
MAIL FROM:<me@b> SIZE=$(wc -c <"$T/mail")
RCPT TO:<r@x>
RCPT TO:<s@x>
DATA"
printf 'Subject: x\r\n\r\n..dot\r\n...two\r\nbody\r\n..\r\n' >"$T/want"
ok "CRLF and stuffed dots" cmp "$T/all/1.msg" "$T/want"
said -f '' -8 "smtp:127.0.0.1:$port" "$T/mail" jürgen@x >/dev/null
like "8BITMIME and SMTPUTF8 where needed, the null sender" "$(cat "$T/all/log")" '^MAIL FROM:<> SIZE=[0-9]* BODY=8BITMIME SMTPUTF8$'
is "a host's name" "$(said "smtp:localhost:$port" "$T/mail" r@x | cut -d' ' -f2)" accepted
is "the probe" "$(said -p "smtp:127.0.0.1:$port")" usable
unlike "sends no mail" "$(tail -n 2 "$T/all/log")" MAIL

# ---- line breaks: nothing of a message can end it, and none is left alone
n=$(ls "$T/all" | grep -c msg)
wire() { # name, bytes, want
	printf "$2" >"$T/in"; printf "$3" >"$T/want"
	said "smtp:127.0.0.1:$port" "$T/in" r@x >/dev/null
	n=$((n + 1)); ok "$1" cmp "$T/all/$n.msg" "$T/want"
	[ ! -s "$T/in" ] || { said -c "$(wc -c <"$T/in")" "smtp:127.0.0.1:$port" "$T/in" r@x >/dev/null; n=$((n + 1)); ok "$1, byte by byte" cmp "$T/all/$n.msg" "$T/want"; }
}
wire "CRLF stays" 'a: b\r\n\r\nc\r\n' 'a: b\r\n\r\nc\r\n'
wire "a lone CR is a line break" 'a\r.\rb\r' 'a\r\n..\r\nb\r\n'
wire "CR CR LF is two" 'a\r\r\nb\n' 'a\r\n\r\nb\r\n'
wire "LF CR is two" 'a\n\rb\n' 'a\r\n\r\nb\r\n'
wire "LF dot LF" 'a\n.\nMAIL FROM:<x@y>\n' 'a\r\n..\r\nMAIL FROM:<x@y>\r\n'
wire "CR dot LF" 'a\r.\nb\n' 'a\r\n..\r\nb\r\n'
wire "LF dot CR LF" 'a\n.\r\nb\n' 'a\r\n..\r\nb\r\n'
wire "a last line without its break" 'a\nb' 'a\r\nb\r\n'
wire "only a dot" '.' '..\r\n'
wire "NUL and 8-bit" 'a\000b\377\n' 'a\000b\377\r\n'
wire "nothing at all" '' ''
is "no command was smuggled" "$(grep -c 'MAIL FROM:<x@y>' "$T/all/log")" 0
awk 'BEGIN { for (i = 0; i < 30000; i++) print (i % 3 ? "line " i : ".") ; printf "."; }' >"$T/in"
sed 's/^\./../; s/$/\r/' "$T/in" >"$T/want"
printf '\n' >>"$T/want"
said -c 7 "smtp:127.0.0.1:$port" "$T/in" r@x >/dev/null
ok "many pieces of the buffer's size" cmp "$T/all/$((n + 1)).msg" "$T/want"

# ---- less is offered
sink bare -helo
said -8 "smtp:127.0.0.1:$port" "$T/mail" r@x s@x >"$T/out"
is "HELO where EHLO is unknown" "$(grep -v QUIT "$T/bare/log")" "EHLO client.example
HELO client.example
MAIL FROM:<sender@example.org>
RCPT TO:<r@x>
RCPT TO:<s@x>
DATA"
is "all the same" "$(cut -d' ' -f1,2 "$T/out")" "r@x accepted
s@x accepted"
sink plain -no PIPELINING -no 8BITMIME -no SMTPUTF8 -no SIZE
is "no SMTPUTF8: such recipients are refused, the others served" "$(said -8 "smtp:127.0.0.1:$port" "$T/mail" r@x jürgen@x s@x | cut -d' ' -f1-3)" "r@x accepted 2.6.0
jürgen@x refused 5.6.7
s@x accepted 2.6.0"
is "8-bit content goes all the same, nothing is asked that is not offered" "$(grep MAIL "$T/plain/log")" "MAIL FROM:<sender@example.org>"
unlike "one command at a time" "$(cat "$T/plain/log")" '^#'
is "a sender of that kind is refused" "$(said -f jürgen@x "smtp:127.0.0.1:$port" "$T/mail" r@x | cut -d' ' -f1-3)" "r@x refused 5.6.7"
size=$(wc -c <"$T/mail")
sink exact -size "$size"
is "a message of the very size offered" "$(said "smtp:127.0.0.1:$port" "$T/mail" r@x | cut -d' ' -f1-3)" "r@x accepted 2.6.0"
sink small -size $((size - 1))
is "one byte more" "$(said "smtp:127.0.0.1:$port" "$T/mail" r@x | cut -d' ' -f1-3)" "r@x refused 5.3.4"
unlike "is not even announced" "$(cat "$T/small/log")" MAIL

# ---- replies
sink multi -multi -rcpt '^no=550 5.1.1 no such user here'
is "replies of several lines, each recipient's own" "$(said "smtp:127.0.0.1:$port" "$T/mail" r@x no@x)" "r@x accepted 2.6.0 250 2.6.0 first second taken
no@x refused 5.1.1 550 5.1.1 first second no such user here"
sink mixed -rcpt '^a=550 nobody' -rcpt '^b=450 4.2.0 grey' -rcpt '^c=450 5.1.1 liar' -rcpt '^d=251 2.1.5 will forward' -rcpt "^e=550 5.7.1 a$(printf '\033')[1mb$(printf '\351')"
is "each recipient's state and status" "$(said "smtp:127.0.0.1:$port" "$T/mail" a@x b@x c@x d@x e@x f@x)" "a@x refused 5.0.0 550 nobody
b@x temporary 4.2.0 450 4.2.0 grey
c@x temporary 4.0.0 450 5.1.1 liar
d@x accepted 2.6.0 250 2.6.0 taken
e@x refused 5.7.1 550 5.7.1 a [1mb?
f@x accepted 2.6.0 250 2.6.0 taken"
is "only those that were accepted count" "$(cut -d' ' -f1 "$T/mixed/accepted" | tr '\n' ' ')" "d@x f@x "
sink none -rcpt '.=550 5.1.1 no'
is "no recipient: no DATA" "$(said "smtp:127.0.0.1:$port" "$T/mail" a@x b@x | cut -d' ' -f2,3 | sort -u; grep -c DATA "$T/none/log")" "refused 5.1.1
0"
for what in "mail 451 temporary 4.0.0" "mail 550 refused 5.0.0" "data 451 temporary 4.0.0" "data 554 refused 5.0.0" \
	"final 452 temporary 4.0.0" "final 554 refused 5.0.0"; do
	set -- $what
	sink "$1-$2" "-$1" "$2 no"
	is "$1 $2" "$(said "smtp:127.0.0.1:$port" "$T/mail" a@x b@x)" "a@x $3 $4 $2 no
b@x $3 $4 $2 no"
done

# ---- many
many=$(awk 'BEGIN { for (i = 0; i < 2500; i++) printf "r%04d@x\n", i }')
sink many
is "2500 recipients, 1000 a transaction" "$(said "smtp:127.0.0.1:$port" "$T/mail" $many | grep -c accepted; grep -c MAIL "$T/many/log")" "2500
3"
is "each once" "$(cut -d' ' -f1 "$T/many/accepted" | sort | uniq -c | awk '$1 == 1' | wc -l)" 2500
sink max -max 30
is "a server's own limit" "$(said "smtp:127.0.0.1:$port" "$T/mail" $(echo $many | cut -d' ' -f1-100) | grep -c accepted; grep -c MAIL "$T/max/log")" "100
4"
is "each once" "$(cut -d' ' -f1 "$T/max/accepted" | sort | uniq -c | awk '$1 == 1' | wc -l)" 100
sink full -rcpt '^r0=452 4.2.2 mailbox full'
is "a full mailbox is no such limit" "$(said "smtp:127.0.0.1:$port" "$T/mail" ok@x r0@x | cut -d' ' -f1-3; grep -c RCPT "$T/full/log")" "ok@x accepted 2.6.0
r0@x temporary 4.2.2
2"

# ---- memory
head -c 50000000 /dev/zero | tr '\0' 'a' | fold -w 72 >"$T/big"
sink fifty
memory=$(said -m "smtp:127.0.0.1:$port" "$T/big" r@x | sed -n 's/^memory //p')
ok "fifty megabytes in less than 20 ($memory KB)" test "$memory" -lt 20000
is "complete" "$(tr -d '\r' <"$T/fifty/1.msg" | cksum)" "$( { cat "$T/big"; echo; } | cksum)"
done_testing
