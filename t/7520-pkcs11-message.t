#!/bin/sh
# keys-pkcs11 in the whole program: messages are signed and opened with keys that are in no file
. "${0%/*}/lib.sh"
. "$SRC/t/outgoing.sh"
# what became of a PIN is remembered also where nothing else may be done
traces() { find "$T/spool" "$T/external" "$T/internal" "$T/certs/seen" \( -path "$T/spool/index" -o -path "$T/spool/pkcs11" \) -prune -o \
	-type f -printf '%p %s\n' 2>/dev/null | sort; }
for library in /usr/lib/softhsm/libsofthsm2.so /usr/lib64/softhsm/libsofthsm2.so /usr/lib64/pkcs11/libsofthsm2.so none; do
	[ -e "$library" ] && break
done
[ "$library" != none ] || skip_all "SoftHSM is not installed"
command -v softhsm2-util >/dev/null && command -v pkcs11-tool >/dev/null || skip_all "no softhsm2-util or no pkcs11-tool"
[ -x "$BUILD/keys-pkcs11" ] || skip_all "keys-pkcs11 is not built"

export SOFTHSM2_CONF="$T/softhsm.conf"
mkdir -m 700 "$T/tokens"
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$T" >"$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label "our mail" --pin 4711 --so-pin 12345678 >/dev/null || exit 1
put() { # FILE TYPE ID [OPTION...]
	file=$1 type=$2 id=$3
	shift 3
	pkcs11-tool --module "$library" --token-label "our mail" --login --pin 4711 --write-object "$file" --type "$type" --id "$id" "$@" \
		>/dev/null 2>&1
}
key() { # NAME ID: the key to the token, and out of the site
	openssl pkey -in "$T/$1.key" -outform DER -out "$T/$1.der" &&
		openssl pkey -in "$T/$1.key" -pubout -outform DER -out "$T/$1.pub" &&
		put "$T/$1.der" privkey "$2" --usage-sign --usage-decrypt --usage-derive && put "$T/$1.pub" pubkey "$2" &&
		rm "$T/certs/private/$1.pem"
}
# alice's certificate is on the token, that of the house in a file
user rita rsa
ln "$T/house.pem" "$T/mail.pem" && ln "$T/house.key" "$T/mail.key" # whose address is mail@
key alice 01 && openssl x509 -in "$T/alice.pem" -outform DER -out "$T/alice.crt" && put "$T/alice.crt" cert 01 || exit 1
key rita 02 && cp "$T/rita.pem" "$T/certs/private/" || exit 1
(umask 077 && echo 4711 >"$T/pin")
conf "$T" "keys_modules = keys-pkcs11 keys-file" "keys_pkcs11_module = $library" "keys_pkcs11_environment = SOFTHSM2_CONF=$SOFTHSM2_CONF" \
	"keys_pkcs11_tokens = pkcs11:token=our%20mail?pin-source=file:$T/pin"
unset SOFTHSM2_CONF
ok "-check is content" "$BUILD/postern" -c "$T/postern.conf" -check

ok "it keeps to the protocol" "$BUILD/postern-module-check" -c "$T/postern.conf" -strict -address alice@behoerde.example \
	-own rita@behoerde.example "$BUILD/keys-pkcs11"

to_send() { message "From: $1" "To: bob@partner.example" "Subject: offer" "Date: Mon, 3 Nov 2025 10:00:00 +0100" >"$T/m" <<-'END'
	the text
	END
}
sent() { # NAME: what bob gets is signed by NAME@
	to_send "$1@behoerde.example"
	send "$1@behoerde.example" bob@partner.example
	is "$2: dealt with" "$code $out" "0 "
	ok "$2: bob opens it" opens bob@partner.example bob
	is "$2: it is $1's signature" "$(openssl x509 -in "$T/signer.pem" -noout -serial)" "$(openssl x509 -in "$T/$1.pem" -noout -serial)"
}
sent alice "ECDSA"
sent rita "RSA, PKCS #1 v1.5"
rules '. (to) . (do) FE, FS, PROFILE=bdew'
sent rita "RSA, PSS"
sent mail "a key in a file, beside it"

came() { # NAME WHAT OPTION...: sealed to NAME@, opened
	name=$1 what=$2
	shift 2
	empty "$T/internal"
	printf 'Content-Type: text/plain\r\n\r\nthe secret text\r\n' | openssl cms -encrypt -aes-256-cbc -recip "$T/$name.pem" "$@" |
		tr -d '\r' >"$T/sealed"
	message "From: bob@partner.example" "To: $name@behoerde.example" "Subject: report" "Date: Mon, 3 Nov 2025 10:00:00 +0100" \
		</dev/null | sed '$d' | cat - "$T/sealed" >"$T/in"
	run "$T" 192.0.2.1 bob@partner.example "$name@behoerde.example" <"$T/in"
	is "$what: dealt with" "$code $out" "0 "
	ok "$what: opened" grep -q "the secret text" "$(newest "$T/internal")"
}
came alice "ECDH"
came rita "RSA, PKCS #1 v1.5"
came rita "RSA, OAEP with SHA-256" -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256 -keyopt rsa_mgf1_md:sha256
came mail "a key in a file"

# ---- what goes wrong defers, and nothing goes out in clear
deferred() { # WHAT ERE
	rm -f "$T/log"
	to_send alice@behoerde.example
	send alice@behoerde.example bob@partner.example
	is "$1: deferred" "$code $(left)" "75 0"
	like "$1: the log says why" "$(cat "$T/log")" "$2"
}
mv "$T/tokens" "$T/away"
mkdir "$T/tokens"
deferred "token away" 'no token that fits pkcs11:token=our%20mail'
rmdir "$T/tokens"
mv "$T/away" "$T/tokens"
sent alice "token back"
chmod 0644 "$T/pin"
deferred "PIN file exposed" "$T/pin: mode 0644"
chmod 0600 "$T/pin"
echo 1234 >"$T/pin"
deferred "wrong PIN" "token \"our mail\".*refused the PIN in $T/pin"
deferred "wrong PIN again" "not tried again until that file changes"
echo 4711 >"$T/pin"
sent alice "PIN mended"

# ---- a PIN in a person's head: the mail is held, and goes on with it
sed -i 's/?pin-source=[^ ]*//' "$T/postern.conf"
rm -rf "$T/spool/hold" "$T/log"
empty "$T/external"
to_send alice@behoerde.example
send alice@behoerde.example bob@partner.example
held=$(basename "$(find "$T/spool/hold" -name '*.hold')" .hold)
is "no PIN: held" "$code $out" "0 "
like "the log names key and token" "$(cat "$T/log")" 'private key of alice@behoerde\.example.*token "our mail".*nobody has given'
resume() { out=$(echo "$1" | "$BUILD/postern" -c "$T/postern.conf" -resume "$held" 2>&1); code=$?; }
resume 1234
is "a wrong one: still held" "$code $(find "$T/spool/hold" -name '*.hold' | wc -l)" "77 1"
resume 4711
is "the right one: resumed" "$code $out" "0 $held resumed"
ok "bob opens it" opens bob@partner.example bob
is "it is alice's signature" "$(openssl x509 -in "$T/signer.pem" -noout -serial)" "$(openssl x509 -in "$T/alice.pem" -noout -serial)"
foreseen

# ---- what keys-pkcs11(8) says to try it with, as it stands there, but for paths and accounts
block() { awk '/^To try it with SoftHSM/ { here = 1 } here && /^\.Ed/ { exit } literal { gsub(/\\e/, "\\"); print } here && /^\.Bd/ { literal = 1 }' \
	"$SRC/man/keys-pkcs11.8"; }
S=$T/try
site_make "$S"
mv "$S/house.pem" "$S/mail.pem" && mv "$S/house.key" "$S/mail.key" && rm "$S/certs/private/"*
block | sed "s|/etc/postern/|$S/|; s|/usr/lib/softhsm/libsofthsm2.so|$library|; s|runuser -u postern -- postern|'$BUILD/postern'|
	s|chown -R postern|chown -R $(id -u)|" >"$T/block"
like "the manual page has an example" "$(cat "$T/block")" '^softhsm2-util'
ok "which works as it is printed" sh -c "cd '$S' && sh -e '$T/block' >'$T/tried' 2>&1"
like "-check names the key" "$(cat "$T/tried")" '^ok: key of mail@behoerde\.example '
T=$S
sent mail "the example"
came mail "the example"
T=${S%/try}
done_testing
