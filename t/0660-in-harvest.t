#!/bin/sh
# certificates that come with good signatures: kept, published, never replaced; and what partners say they can read
. "${0%/*}/lib.sh"
. "$SRC/t/incoming.sh"
capabilities=$T/certs/seen/.capabilities
seen() { find "$T/certs/seen" -maxdepth 1 -type f | wc -l | tr -d ' '; }
said() { find "$capabilities" -type f 2>/dev/null | wc -l | tr -d ' '; }
area() { # AREA: the certificates in its files by subject
	for file in "$T/certs/$1/"*; do [ ! -f "$file" ] || openssl x509 -in "$file" -noout -subject -nameopt RFC2253; done |
		sed 's/.*CN=\([^,]*\).*/\1/' | sort | tr '\n' ' '
}
# from NAME ADDRESS [OPTION...]: a message of ADDRESS, signed by NAME, comes in
from() {
	name=$1 sender=$2
	shift 2
	echo text | entity | clear "$name" "$@" | letter "$sender" >"$T/m"
	incoming <"$T/m"
}
# to ADDRESS: alice writes to ADDRESS under FE; the cipher of what leaves is in $cipher, empty if nothing does
to() {
	empty "$T/external"
	message 'From: alice@behoerde.example' "To: $1" 'Subject: x' >"$T/out.eml" <<-END
		text
	END
	run "$T" 10.0.0.1 alice@behoerde.example "$1" <"$T/out.eml"
	left=$(newest "$T/external")
	cipher=
	[ -z "$left" ] || cipher=$(openssl cms -cmsout -print -in "$left" 2>/dev/null |
		sed -n '/contentEncryptionAlgorithm\|authEncryptedContentInfo/,/parameter/s/.*algorithm: \([^ ]*\) .*/\1/p' | head -n 1)
}

# ---- into the area seen, which is the default
person carol carol@partner.example
person dave dave@partner.example
echo text | entity | clear carol | letter carol@partner.example >"$T/m"
explained=$("$BUILD/postern" -c "$T/postern.conf" -explain -client 192.0.2.1 -sender carol@partner.example -readmail alice@behoerde.example <"$T/m")
like "-explain says what would be stored" "$explained" 'certificate of carol@partner\.example would be stored'
is "... and stores nothing" "$(seen) $(said)" "0 0"
from bob bob@partner.example
is "one that is public already" "$(result) $(area seen)" "pass "
from carol carol@partner.example
is "a new one" "$(result) $(area seen)" "pass carol "
like "... is in the log" "$(cat "$T/log")" 'certificate of carol@partner\.example was stored in the area seen'
from carol carol@partner.example
is "once" "$(seen)" 1
to carol@partner.example
is "what was only seen is never encrypted to" "$code:$cipher" "77:"
mv "$T/certs/seen/"*.pem "$T/certs/public/carol.pem"
from carol carol@partner.example
is "moved by the operator, it does not come back" "$(seen)" 0
to carol@partner.example
is "... and is used" "$code:$cipher" "0:aes-256-cbc"

# ---- nothing from mail that is not good
nothing() {
	is "nothing from $1" "$code $(result) $(seen)" "0 $2 0"
}
from dave eve@partner.example; nothing "a message of somebody else" fail
from dave dave@partner.example
rm "$T/certs/seen/"*.pem
sed 's/^text/texts/' "$T/m" >"$T/changed"; incoming <"$T/changed"; nothing "a changed message" fail
mkdir "$T/other"; site_ca "$T/other"
site_certificate "$T/other" mallory mallory@partner.example; cp "$T/other/mallory."* "$T"
from mallory mallory@partner.example; nothing "an unknown CA" neutral
cp "$T/dave.pem" "$T/certs/untrusted/"; from dave dave@partner.example; nothing "an untrusted certificate" fail
rm "$T/certs/untrusted/dave.pem"
person house '@partner.example'
from house erna@partner.example; nothing "the certificate of a domain" pass
echo text | entity | letter dave@partner.example >"$T/m"; incoming <"$T/m"; nothing "a message without a signature" none
conf "$T" "harvest = no"
from dave dave@partner.example; nothing "anything when harvest is no" pass

# ---- what a partner can read
conf "$T" "harvest = seen"
printf 'Content-Type: text/plain\r\n\r\ntext\r\n' >"$T/entity"
# modern PROFILE: bob's signature, made by the profile, in a message of his
modern() {
	"$BUILD/t/helper/smime-seal" -profile "$1" -sign "$T/bob.pem" "$T/bob.key" "$T/entity" | tr -d '\r' | letter bob@partner.example >"$T/m"
	incoming <"$T/m"
}
rm -rf "$capabilities"
to bob@partner.example
is "of whom nothing is known" "$cipher" aes-256-cbc
modern rfc8551
is "said" "$(result) $(said)" "pass 1"
cp "$capabilities"/* "$T/last"
to bob@partner.example
is "one who reads GCM gets GCM" "$code:$cipher" "0:aes-256-gcm"
from bob bob@partner.example
to bob@partner.example
is "the last message counts" "$cipher" aes-256-cbc
sed '1s/.*/2999-01-01T00:00:00Z/' "$T/last" >"$(ls "$capabilities"/*)"
from bob bob@partner.example
to bob@partner.example
is "an older message changes nothing" "$cipher" aes-256-gcm
echo rubbish >"$(ls "$capabilities"/*)"; : >"$T/log"
to bob@partner.example
is "a file that is none" "$code:$cipher" "0:aes-256-cbc"
like "... is named" "$(cat "$T/log")" "$capabilities/[0-9a-f]{64}: not a file of capabilities"
modern rfc8551
to bob@partner.example
is "... and replaced" "$cipher" aes-256-gcm

# ---- publish
conf "$T" "harvest = publish"
rm -f "$T/certs/seen/"*.pem
to dave@partner.example
is "(nobody can write to dave)" "$code" 77
from dave dave@partner.example
is "published" "$(result) $(area public)" "pass bob carol dave "
to dave@partner.example
is "... for the next message" "$code" 0
cp "$T/dave.pem" "$T/dave-old.pem"; cp "$T/dave.key" "$T/dave-old.key"
person dave dave@partner.example
from dave dave@partner.example
is "another key is not published but kept apart" "$(result) $(area public)/ $(area seen)" "pass bob carol dave / dave "
is "... and the administrator told" "$(notices)" "Another certificate of a partner"
from dave dave@partner.example
is "... once" "$(notices)" ""
person signer frank@partner.example ec 'keyUsage=critical,digitalSignature'
sed -i '/^keyUsage/d' "$T/signer.ext" 2>/dev/null
from signer frank@partner.example
is "one that cannot be encrypted to is not published" "$(area public)/ $(area seen)" "bob carol dave / dave signer "

# ---- a separate certificate to encrypt to comes along
person sign gina@partner.example ec 'keyUsage=critical,digitalSignature'
person read gina@partner.example
person stranger hugo@partner.example
cat "$T/read.pem" "$T/stranger.pem" >"$T/more.pem"
from sign gina@partner.example -certfile "$T/more.pem"
is "the one to encrypt to, and nobody else's" "$(result) $(area public)" "pass bob carol dave read "
to gina@partner.example
is "... is used" "$code" 0

# ---- an area that cannot be written stops no mail
person ida ida@partner.example
rm -rf "$T/certs/seen"; : >"$T/certs/seen"
conf "$T" "harvest = seen"
from ida ida@partner.example
is "nowhere to store it: delivered" "$code $(result)" "0 pass"
like "... and logged" "$(cat "$T/log")" 'certificate of ida@partner\.example was not stored: '
done_testing
