#!/bin/sh
# what the words of the rules do to whole messages
. "${0%/*}/lib.sh"
. "$SRC/t/outgoing.sh"
A=alice@behoerde.example P=partner.example B=bob@partner.example N=nobody@partner.example
partner carol
as_it_came() { sed '/^Return-Path:/d; /^Delivered-To:/d' "$(letter "$1")" | cmp - "$T/m"; }
refused() { is "$1" "$code $(left)" "${2-77} 0"; } # TITLE [EXIT]
the_rules() { rules "$@"; send "$A" "$B"; }
words() { like "$1" "$(plain "$T/content" 2>/dev/null)" '^the plain words'; }
fresh() { mail "$@" >"$T/m"; }

# ---- signatures ----
fresh "$A" "$B"
the_rules '. (to) . (do) FS'
ok "FS: signed, in clear" verifies "$(letter "$B")"
ok "with the author's key" cmp "$T/signer.pem" "$T/alice.pem"
words "and readable"
for word in FS=mail@behoerde.example FS@mail@behoerde.example SIP=mail@behoerde.example; do
	the_rules ". (to) . (do) $word"
	ok "$word: signed" verifies "$(letter "$B")"
	ok "with that key" cmp "$T/signer.pem" "$T/house.pem"
done
the_rules '. (to) . (do) FS' '. (to) . (do) NS'
ok "NS: untouched" as_it_came "$B"
the_rules '. (to) . (do) SIP=nokey@behoerde.example'
ok "SIP without a key: untouched" as_it_came "$B"
the_rules '. (to) . (do) FS=nokey@behoerde.example'
refused "FS without a key: refused"
like "and says why" "$out" '^5\.7\.1 a signature is required: there is no key that signs for nokey@behoerde\.example$'
cp "$T/certs/private/alice.pem" "$T/kept"; sed -n '/CERT/,/CERT/p' "$T/kept" >"$T/certs/private/alice.pem"
the_rules '. (to) . (do) FS'
refused "FS with a certificate without its key: refused"
cp "$T/kept" "$T/certs/private/alice.pem"

# ---- encryption ----
the_rules '. (to) . (do) FE, NS'
ok "FE: encrypted" decrypts "$(letter "$B")" bob
not_ok "the words are not there in clear" is_clear
the_rules '. (to) . (do) FE, NS' '. (to) . (do) NE'
ok "NE does not weaken it" decrypts "$(letter "$B")" bob
the_rules '. (to) . (do) FE, NS' '. (to) . (do) NE!'
ok "NE! does" as_it_came "$B"
the_rules '. (to) . (do) NE' '. (to) . (do) EIP'
ok "EIP with a certificate: encrypted" decrypts "$(letter "$B")" bob
rules '. (to) . (do) EIP'
send "$A" "$N"
ok "EIP without: untouched" as_it_came "$N"
rules '. (to) . (do) FE, FS'
send "$A" "$N"
refused "FE without a certificate: refused"
like "and says why and what to do" "$out" "^5\.7\.1 encryption is required.*no certificate of this recipient was found\. Ask .*postmaster"
is "without a notification: the mail server makes it" "$(delivered "$T/internal")" 0

# ---- each recipient for himself ----
fresh "$A" "$B, $N, carol@$P"
send "$A" "$B" "$N" "carol@$P"
is "FE: the others are served" "$code $(left)" "0 1"
ok "bob is" opens "$B" bob
ok "carol is" opens "carol@$P" carol
is "the sender is told" "$(delivered "$T/internal") $(grep -c "^Delivered-To: $A" "$T/internal/new/"*)" "1 1"
like "by a report" "$(dsn | tr '\n' ' ')" 'Content-Type: multipart/report;[^:]*report-type="?delivery-status'
for line in '^Return-Path: <>' '^Auto-Submitted: auto-replied' "^Final-Recipient: rfc822; *$N" '^Action: failed' '^Status: 5\.7\.1' \
	'no certificate of this recipient was found' 'Ask the recipient' '^Subject: secret matter'; do
	like "that says $line" "$(dsn)" "$line"
done
unlike "and nothing of the others" "$(dsn)" 'Final-Recipient: rfc822; *(bob|carol)'
unlike "nor the words of the message" "$(dsn)" 'the plain words'
conf "$T" "partial = no"
send "$A" "$B" "$N" "carol@$P"
refused "partial = no: all or none"
is "and no report of our own" "$(delivered "$T/internal")" 0
like "the answer names the reason" "$out" '^5\.7\.1 .*no certificate'
conf "$T" "partial = yes"
send "" "$B" "$N"
is "null sender: served, and a notice instead of a report to nobody" "$code $(left) $(delivered "$T/internal") $(grep -c "^To: <postmaster>" "$(newest "$T/internal")")" "0 1 1 1"

# ---- profiles ----
fresh "$A" "$B"
the_rules '. (to) . (do) FE, FS, PROFILE=bdew-gcm'
like "PROFILE" "$(algorithms "$(letter "$B")")" 'aes-128-gcm'
the_rules '. (to) . (do) FE, FS, PROFILE=no-such'
refused "an unknown PROFILE waits for the operator" 75
like "and names it" "$out" '^4\.3\.5 .*"no-such"'

# ---- other ways ----
mkdir "$T/secure"
conf "$T" "via_secure = maildir:$T/secure"
the_rules '. (to) . (do) FE, FS, VIA=secure'
is "VIA: another destination" "$code $(left) $(delivered "$T/secure")" "0 0 1"
ok "sealed all the same" decrypts "$(newest "$T/secure")" bob
empty "$T/secure"
rules '. (to) . (do) NE' '. (to) ^bob@ (do) VIA=secure'
fresh "$A" "$B, carol@$P"
send "$A" "$B" "carol@$P"
is "VIA for one of two" "$code $(left) $(delivered "$T/secure")" "0 1 1"
the_rules '. (to) . (do) VIA=nowhere'
refused "VIA to nowhere waits for the operator" 75
like "and names it" "$out" '^4\.3\.5 .*VIA=nowhere.*via_nowhere'
the_rules '. (to) . (do) REJECT="write a letter instead"'
refused "REJECT"
is "says its text" "$out" "5.7.1 write a letter instead"
rules '. (to) . (do) NE' '. (to) ^bob@ (do) REJECT=not to him'
send "$A" "$B" "carol@$P"
is "REJECT for one of two" "$code $(left)" "0 1"
like "and the report says the text" "$(dsn)" 'not to him'

# ---- mail that is signed or encrypted already ----
fresh "$A" "$B"
printf 'Content-Type: text/plain\r\n\r\nthe plain words\r\n' >"$T/entity"
own() { # KIND: $T/m, made by the sender's own program
	{
		printf 'From: %s\nTo: %s\nSubject: own\n' "$A" "$B"
		case "$1" in
		clear) openssl cms -sign -in "$T/entity" -signer "$T/alice.pem" -inkey "$T/alice.key" ;;
		opaque) openssl cms -sign -nodetach -in "$T/entity" -signer "$T/alice.pem" -inkey "$T/alice.key" ;;
		encrypted) openssl cms -encrypt -aes128 -in "$T/entity" "$T/bob.pem" ;;
		both) openssl cms -sign -in "$T/entity" -signer "$T/alice.pem" -inkey "$T/alice.key" |
			openssl cms -encrypt -aes128 -binary "$T/bob.pem" ;;
		around) openssl cms -encrypt -aes128 -in "$T/entity" "$T/bob.pem" | sed 's/$/\r/' |
			openssl cms -sign -binary -signer "$T/alice.pem" -inkey "$T/alice.key" ;;
		esac | tr -d '\r'
	} >"$T/m"
}
signatures() { grep -c 'multipart/signed\|smime-type=signed-data' "$1"; }
for kind in clear opaque; do
	own $kind
	the_rules '. (to) . (do) SIP=mail@behoerde.example'
	ok "$kind: SIP leaves the sender's signature alone" as_it_came "$B"
	the_rules '. (to) . (do) FS=mail@behoerde.example'
	ok "$kind: FS signs around it" verifies "$(letter "$B")"
	ok "with our key outside" cmp "$T/signer.pem" "$T/house.pem"
	ok "and it still verifies inside" verifies "$T/content"
	ok "as his" cmp "$T/signer.pem" "$T/alice.pem"
	the_rules '. (to) . (do) FS=mail@behoerde.example, STRIP'
	ok "$kind: STRIP and FS: ours" verifies "$(letter "$B")"
	ok "instead" cmp "$T/signer.pem" "$T/house.pem"
	is "and only ours" "$(signatures "$(letter "$B")")$(signatures "$T/content")" 10
	words "around the words"
	the_rules '. (to) . (do) NS, STRIP'
	is "$kind: STRIP alone: no signature" "$code $(signatures "$(letter "$B")")" "0 0"
	like "but the words" "$(cat "$(letter "$B")")" '^the plain words'
	unlike "no trace of it" "$(cat "$(letter "$B")")" 'pkcs7'
	the_rules '. (to) . (do) FE, FS, STRIP'
	ok "$kind: STRIP, FE and FS" opens "$B" bob
	words "are the words"
	the_rules '. (to) . (do) FE, SIP'
	ok "$kind: FE encrypts it as it is" decrypts "$(letter "$B")" bob
	ok "with his signature" verifies "$T/dec"
	ok "and no other" cmp "$T/signer.pem" "$T/alice.pem"
	the_rules '. (to) . (do) BLOCK-SIGNED'
	refused "$kind: BLOCK-SIGNED"
	like "says so" "$out" '^5\.7\.1 .*already signed'
	the_rules '. (to) . (do) BLOCK-ENCRYPTED'
	is "$kind: BLOCK-ENCRYPTED lets it pass" "$code $(left)" "0 1"
done
for kind in encrypted both; do
	own $kind
	the_rules '. (to) . (do) BLOCK-ENCRYPTED'
	refused "$kind: BLOCK-ENCRYPTED"
	like "says so" "$out" '^5\.7\.1 .*already encrypted'
	the_rules '. (to) . (do) BLOCK-SIGNED'
	is "$kind: BLOCK-SIGNED lets it pass" "$code $(left)" "0 1"
	the_rules '. (to) . (do) EIP, SIP'
	ok "$kind: EIP and SIP leave it alone" as_it_came "$B"
	the_rules '. (to) . (do) FE, FS'
	ok "$kind: FE and FS go around it" opens "$B" bob
	ok "and the recipient opens the inner one" decrypts "$T/content" bob
	the_rules '. (to) . (do) EIP, SIP, STRIP'
	ok "$kind: STRIP finds no signature outside" as_it_came "$B"
	the_rules '. (to) . (do) FE, FS, STRIP'
	ok "$kind: nor under FE and FS" opens "$B" bob
done
own around
the_rules '. (to) . (do) NS, STRIP'
ok "signed around encrypted: STRIP takes the signature" decrypts "$(letter "$B")" bob
is "alone" "$(signatures "$(letter "$B")")" 0
own clear
sed -i 's/^MII/MIJ/' "$T/m" # no CMS any more
the_rules '. (to) . (do) FS=mail@behoerde.example, STRIP'
is "a ruined signature is stripped as well, or refused" "$([ "$code" = 0 ] && verifies "$(letter "$B")" >/dev/null 2>&1 && signatures "$T/content" || echo "$out" | cut -c1-2)" 0

# ---- who is sending ----
rules '. (to) . (do) SIP, EIP' '. (to) ^carol@ (do) FS'
fresh "$A" "$B"
send eve@evil.example "$B"
refused "a foreign envelope sender"
like "is named" "$out" '^5\.7\.1 the sender eve@evil\.example is in none of local_domains'
fresh eve@evil.example "$B"
send "$A" "$B"
refused "a foreign From"
like "is named" "$out" '^5\.7\.1 the From address eve@evil\.example'
fresh "$A, eve@evil.example" "$B"
send "$A" "$B"
refused "a foreign address beside our own"
fresh "$A" "$B" "From: eve@evil.example"
send "$A" "$B"
refused "a second, foreign From field"
fresh "$A, mail@behoerde.example" "$B"
send "$A" "$B"
ok "two of our own: encrypted" decrypts "$(letter "$B")" bob
unlike "and SIP signs for nobody" "$(cat "$T/dec")" 'multipart/signed'
send "$A" "carol@$P"
refused "FS refuses"
like "and says why" "$out" 'not exactly one readable From address'
fresh "$A" "$B" "From: mail@behoerde.example"
send "$A" "$B"
decrypts "$(letter "$B")" bob
unlike "two From fields of our own: SIP signs for nobody" "$(cat "$T/dec")" 'multipart/signed'
send "$A" "carol@$P"
refused "FS refuses"
for from in "Friends: $A;" "<@mail.behoerde.example:$A>"; do # nobody who judges as we do would say "pass"
	fresh "$from" "$B"
	send "$A" "$B"
	decrypts "$(letter "$B")" bob
	unlike "$from: SIP signs for nobody" "$(cat "$T/dec")" 'multipart/signed'
done
printf 'To: %s\nSubject: s\n\nthe plain words\n' "$B" >"$T/m"
send "$A" "$B"
decrypts "$(letter "$B")" bob
unlike "no From: SIP signs for nobody" "$(cat "$T/dec")" 'multipart/signed'
send "$A" "carol@$P"
refused "FS refuses"
fresh "$A" "$B"
send "" "$B"
ok "null sender with our From: sealed" opens "$B" bob
fresh MAILER-DAEMON@mx.behoerde.example "$B"
send "" "$B"
ok "null sender, From a name without key: encrypted" decrypts "$(letter "$B")" bob
fresh eve@evil.example "$B"
send "" "$B"
ok "null sender with a foreign From: encrypted" decrypts "$(letter "$B")" bob
unlike "but we sign nothing" "$(cat "$T/dec")" 'multipart/signed'
send "" "carol@$P"
refused "and FS refuses"
fresh "mail@behoerde.example" "$B"
send "$A" "$B"
opens "$B" bob 2>/dev/null
ok "the author is From, not the envelope sender" cmp "$T/signer.pem" "$T/house.pem"

# ---- what says that it is encrypted, and is not ----
for type in 'application/pkcs7-mime; smime-type=enveloped-data' 'application/pkcs7-mime' 'application/x-pkcs7-mime; name=smime.p7m' \
	'application/octet-stream; name=smime.p7m'; do
	fresh "$A" "$B" "MIME-Version: 1.0" "Content-Type: $type"
	the_rules '. (to) . (do) EIP'
	is "$type, but plain words: EIP encrypts it" "$code $(is_clear && echo clear)" "0 "
done

# ---- the same mailbox in other spellings: no way around a rule ----
mkdir -p "$T/certs/public/@bücher.example"; cp "$T/bob.pem" "$T/certs/public/@bücher.example/"
fresh "$A" "$B"
rules '. (to) . (do) NE, NS' '. (to) ^bob@partner\.example$ (do) FE' '. (to) ^paul@bücher\.example$ (do) FE' '^alice@ (to) ^eve@ (do) REJECT=no'
for a in '"bob"@partner.example' '<"bob"@PARTNER.example>' paul@xn--bcher-kva.example paul@XN--bcher-kva.EXAMPLE paul@BÜCHER.example; do
	send "$A" "$a"
	is "$a: encrypted" "$code $(is_clear || grep -l pkcs7-mime "$T/external/new/"* | wc -l)" "0 1"
done
# what a mail server maps to partner.example (UTS #46) is said to it as what it is, which is nobody's domain
for a in bob@ｐartner.example bob@partner。example "bob@part$(printf '\302\255')ner.example"; do
	is "$a: goes where it says" "$("$BUILD/postern" -c "$T/postern.conf" -client 10.0.0.1 -sender "$A" -explain -readmail "$a" <"$T/m" |
		LC_ALL=C grep -a 'recipient:' | LC_ALL=C grep -ac '^  recipient: bob@xn--[!-~]*$')" 1
done
# 40 labels of one letter: 119 bytes, and 319 in A-labels, which no domain has
long=$(i=0; while [ $i -lt 40 ]; do i=$((i + 1)); printf 'ü.'; done)
send "$A" bob@partner.example "x@${long%.}"
is "a domain too long in A-labels is one recipient's trouble" "$code $(left) $(dsn | grep -c '^Status: 5.1.3')" "0 1 1"
send '"alice"@behoerde.example' eve@partner.example
refused "a sender in quotes is whom a rule names"
foreseen
done_testing
