#!/bin/sh
# several recipients: who shares a message, who never shows in another's, what is signed once
. "${0%/*}/lib.sh"
. "$SRC/t/outgoing.sh"
for n in carol dave erin frank; do partner "$n"; done
partner rosa rsa:2048
user amt
P=partner.example

# ---- one group, one message ----
mail alice@behoerde.example "bob@$P, rosa@$P" "Cc: Carol <CAROL@$P>" >"$T/m"
send alice@behoerde.example "bob@$P" "rosa@$P" "carol@$P"
is "three in To and Cc share one message" "$code $(left)" "0 1"
is "it is encrypted to these three, RSA and EC" "$(keys_of "$(letter "bob@$P")")" "$(serial bob rosa carol)"
for n in bob rosa carol; do ok "$n reads it" opens "$n@$P" "$n"; done
not_ok "who is no recipient cannot" decrypts "$(letter "bob@$P")" dave

# ---- Bcc ----
mail alice@behoerde.example "bob@$P" "Cc: carol@$P" >"$T/m"
send alice@behoerde.example "bob@$P" "carol@$P" "dave@$P"
is "a third in neither To nor Cc gets his own" "$code $(left)" "0 2"
is "those who are named are alone in theirs" "$(keys_of "$(letter "bob@$P")")" "$(serial bob carol)"
is "he is alone in his" "$(keys_of "$(letter "dave@$P")")" "$(serial dave)"
not_ok "and his is not theirs" [ "$(letter "dave@$P")" = "$(letter "bob@$P")" ]
ok "he reads it" opens "dave@$P" dave
cp "$T/dec" "$T/dave.dec"
ok "they read theirs" opens "bob@$P" bob
ok "signed once: the same bytes" cmp "$T/dec" "$T/dave.dec"

send alice@behoerde.example "bob@$P" "carol@$P" "dave@$P" "erin@$P"
is "two of them get one each" "$code $(left)" "0 3"
for n in dave erin; do
	is "$n is alone" "$(keys_of "$(letter "$n@$P")")" "$(serial "$n")"
	unlike "$n has no line of another" "$(grep -h '^Delivered-To' "$(letter "$n@$P")" | grep -v "$n")" .
done
is "the named two are as before" "$(keys_of "$(letter "bob@$P")")" "$(serial bob carol)"
for n in bob dave erin; do
	openssl cms -cmsout -outform DER -in "$(letter "$n@$P")" -out "$T/$n.der"
	opens "$n@$P" "$n" 2>/dev/null
	# the chain in the signature: the signer's and nobody else's
	openssl cms -cmsout -noout -print -in "$T/dec" | sed -n 's/^ *serialNumber: //p' >"$T/$n.serials"
	for other in $(serial bob carol dave erin); do
		not_ok "$n's signature has no certificate $other" grep -qx "$other" "$T/$n.serials"
	done
done
for way in 'FE, FS' 'NE, FS' 'NE, NS'; do
	rules ". (to) . (do) $way"
	mail alice@behoerde.example "bob@$P" "Bcc: Dave <dave@$P>,
 erin@$P" "bCC : frank@$P" "Resent-Bcc: frank@$P" >"$T/m"
	send alice@behoerde.example "bob@$P" "dave@$P"
	is "$way: a Bcc field that is still there does not leave" "$code $(sed '/^Delivered-To/d' "$T"/external/new/* | grep -ci 'dave\|erin\|frank')" "0 0"
	is "... and nothing else is missing" "$(sed '/^$/,$d' "$(letter "bob@$P")" | grep -c '^From: \|^To: \|^Subject: ')" 3
done
rules '. (to) . (do) FE, FS'
mail alice@behoerde.example "undisclosed-recipients:;" >"$T/m"
send alice@behoerde.example "bob@$P" "carol@$P"
is "nobody is named: one each" "$code $(left)" "0 2"
printf 'From: alice@behoerde.example\nSubject: s\n\nthe plain words\n' >"$T/m"
send alice@behoerde.example "bob@$P" "carol@$P"
is "without To and Cc: one each" "$code $(left)" "0 2"
printf 'From: alice@behoerde.example\nTo: bob@%s\nTo: carol@%s\nCc: (dave@%s) x@y.example\nSubject: "erin@%s"\n\nwords\n' $P $P $P $P >"$T/m"
send alice@behoerde.example "bob@$P" "carol@$P" "dave@$P" "erin@$P"
is "a second To counts, a comment and other fields do not" "$code $(left)" "0 3"
is "so two share" "$(keys_of "$(letter "carol@$P")")" "$(serial bob carol)"

# ---- decisions that differ ----
rules ". (to) . (do) SIP, EIP" "@partner (to) . (do) NS" '. (to) ^bob@ (do) FE, FS' '. (to) ^carol@ (do) FE, FS=amt@behoerde.example' \
	'. (to) ^dave@ (do) FE, NS' '. (to) ^erin@ (do) NE!, FS' '. (to) ^rosa@ (do) FE, FS, PROFILE=bdew' '. (to) ^frank@ (do) NE!, NS'
mail alice@behoerde.example "bob@$P, carol@$P, dave@$P, erin@$P, frank@$P, rosa@$P" >"$T/m"
send alice@behoerde.example "bob@$P" "dave@$P" "carol@$P" "erin@$P" "frank@$P" "rosa@$P"
is "six decisions, six messages" "$code $(left)" "0 6"
for n in bob carol dave rosa; do is "$n is alone" "$(keys_of "$(letter "$n@$P")")" "$(serial "$n")"; done
ok "bob: by the author" opens "bob@$P" bob
ok "with her certificate" cmp "$T/signer.pem" "$T/alice.pem"
sed 1d "$T/dec" >"$T/bob.dec"
ok "carol: by another" opens "carol@$P" carol
ok "with that certificate" cmp "$T/signer.pem" "$T/amt.pem"
ok "dave: encrypted" decrypts "$(letter "dave@$P")" dave
unlike "and not signed" "$(cat "$T/dec")" 'multipart/signed'
like "but the words are there" "$(cat "$T/dec")" 'the plain words'
ok "erin: signed in clear" verifies "$(letter "erin@$P")"
like "that can be read without any key" "$(cat "$(letter "erin@$P")")" '^the plain words'
unlike "frank: neither" "$(cat "$(letter "frank@$P")")" 'pkcs7|multipart/signed'
ok "rosa: by her profile" opens "rosa@$P" rosa
like "with PSS" "$(algorithms "$T/dec")" rsassaPss\|ecdsa

# groups between which another stands still share the signature
rules ". (to) . (do) FE, FS" '. (to) ^dave@ (do) FE, NS'
mail alice@behoerde.example "bob@$P, dave@$P" >"$T/m"
send alice@behoerde.example "bob@$P" "dave@$P" "carol@$P"
opens "bob@$P" bob 2>/dev/null; cp "$T/dec" "$T/bob.dec"
ok "the other reads the same" opens "carol@$P" carol
ok "signed once, though one between them was not signed" cmp "$T/dec" "$T/bob.dec"

# in clear, one message for all: nothing in it tells of the hidden one but the envelope
rules ". (to) . (do) NS, NE"
mail alice@behoerde.example "bob@$P" >"$T/m"
send alice@behoerde.example "bob@$P" "dave@$P"
is "in clear nobody is split" "$code $(left)" "0 1"
is "and nothing but the envelope tells of them" "$(sed '/^Delivered-To/d' "$(letter "bob@$P")" | grep -c dave)" 0

rules ". (to) . (do) NS, NE" '. (to) ^nobody@ (do) EIP' '. (to) ^erin@ (do) SIP=nokey@behoerde.example'
send alice@behoerde.example "bob@$P" "nobody@$P" "erin@$P"
is "nor is who is in clear for another reason" "$code $(left)" "0 1"

# ---- the same person twice ----
rules ". (to) . (do) FE, FS"
send alice@behoerde.example "bob@$P" "bob@$P" "BOB@$P"
is "an address in two spellings is encrypted to once" "$code $(keys_of "$(letter "bob@$P")")" "0 $(serial bob)"

# ---- many ----
i=0 many=
while [ $i -lt 60 ]; do i=$((i + 1)); many="$many p$i@$P"; done
mkdir -p "$T/certs/public/@$P"
cp "$T/bob.pem" "$T/certs/public/@$P/house.pem"
mail alice@behoerde.example "$(echo "$many" | sed 's/^ //; s/ /,\n /g')" >"$T/m"
# shellcheck disable=SC2086
send alice@behoerde.example $many
is "sixty with one certificate of their house" "$code $(left) $(grep -c '^Delivered-To' "$T/external/new/"*)" "0 1 60"
is "are one RecipientInfo" "$(keys_of "$(letter "p60@$P")")" "$(serial bob)"
# ---- thousands, all of them named in To ----
rules '. (to) . (do) NS, NE'
many=$(awk 'BEGIN { for (i = 0; i < 6000; i++) printf "r%05d@partner.example ", i }')
{ printf 'From: alice@behoerde.example\nTo: '; printf '%s' "${many% }" | sed 's/ /,\n /g'; printf '\nSubject: x\n\nx\n'; } >"$T/m"
empty "$T/external"
if sanitized; then
	out=$(run "$T" 10.0.0.1 alice@behoerde.example $many <"$T/m"; echo "$code $out") # the memory is the plain build's to show
else
	out=$(ulimit -v 600000; run "$T" 10.0.0.1 alice@behoerde.example $many <"$T/m"; echo "$code $out")
fi
is "six thousand in To and in the envelope, in half a gigabyte" "$out $(left)" "0  1"

foreseen

# ---- the sender is to be told, and nobody takes it ----
cat >"$T/inside" <<END
#!/bin/sh
case \$1 in alice@*) exit 67 ;; esac
cat >"$T/inside.\$1"
END
chmod +x "$T/inside"
conf "$T" "internal = command:$T/inside \${recipients}"
rules '. (to) . (do) NS, FE'
mail alice@behoerde.example "bob@$P, x@nowhere.example" >"$T/m"
send alice@behoerde.example "bob@$P" x@nowhere.example
is "the report to the sender is refused: the message is dealt with" "$code" 0
like "and the administrator hears who got nothing" "$(tr '\n' ' ' <"$T/inside.postmaster")" \
	'Subject: Report that could not be delivered .*<alice@behoerde.example> .*x@nowhere.example: 5\.'
done_testing
