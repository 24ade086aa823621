#!/bin/sh
# which certificates of a recipient are used, and which never are
. "${0%/*}/lib.sh"
. "$SRC/t/outgoing.sh"
A=alice@behoerde.example P=partner.example C=carol@partner.example
rules '. (to) . (do) FE, NS'
mail "$A" "$C" >"$T/m"
public=$T/certs/public
fresh() { rm -rf "$public" "$T/certs/trusted" "$T/certs/untrusted" "$T/certs/crl"; mkdir "$public" "$T/certs/trusted" "$T/certs/untrusted" "$T/certs/crl"; }
never() { # TITLE REASON: under FE it is refused with the reason, under EIP it goes in clear, to nobody's key
	send "$A" "$C"
	is "$1: refused" "$code $(left)" "77 0"
	like "$1: the reason" "$out" "^5\.7\.1 encryption is required.*$2"
	rules '. (to) . (do) EIP, NS'
	send "$A" "$C"
	ok "$1: EIP does not use it either" sh -c "! grep -q pkcs7 '$(letter "$C")'"
	rules '. (to) . (do) FE, NS'
}
used() { # TITLE NAME...: encrypted to exactly these
	used_title=$1
	shift
	send "$A" "$C"
	is "$used_title" "$code $(keys_of "$(letter "$C")" 2>/dev/null)" "0 $(serial "$@")"
}
sign_again() { # NAME EXTENSIONS OPTION...: NAME.pem for NAME.key, other validity
	sign_name=$1 sign_ext=$2
	shift 2
	printf '%s\n' "$sign_ext" >"$T/ext"
	openssl req -new -key "$T/$sign_name.key" -subj "/O=Example/CN=$sign_name" |
		openssl x509 -req -CA "$T/ca.pem" -CAkey "$T/ca.key" -extfile "$T/ext" \
			-set_serial "0x$(openssl rand -hex 8 | sed 's/^./4/')" -out "$T/$sign_name.pem" "$@" 2>/dev/null
}
good=$(printf '%s\n' basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature,keyAgreement \
	extendedKeyUsage=emailProtection authorityKeyIdentifier=keyid "subjectAltName=email:$C")
for n in carol carol2 old soon tls signer other house; do site_certificate "$T" "$n" "$C" || exit 1; done
sign_again old "$good" -days -1
sign_again tls "$(echo "$good" | sed 's/emailProtection/serverAuth/')" -days 30
sign_again signer "$(echo "$good" | sed 's/,keyAgreement//')" -days 30
sign_again other "$(echo "$good" | sed 's/carol@/caroline@/')" -days 30
sign_again house "$(echo "$good" | sed 's/carol@/@/')" -days 30
mkdir "$T/elsewhere"; site_ca "$T/elsewhere"; site_certificate "$T/elsewhere" stranger "$C"
cp "$T/elsewhere/stranger.pem" "$T/elsewhere/stranger.key" "$T/"

# ---- never ----
never "none" "no certificate of this recipient was found"
fresh; cp "$T/old.pem" "$public"
never "expired" "certs/public/old\.pem: .*expired"
fresh; cp "$T/stranger.pem" "$public"
never "from a CA we do not know" "certs/public/stranger\.pem: "

# ---- not known for now ----
fresh; cp "$T/carol.pem" "$public"
conf "$T" "check_path_crl = require"
send "$A" "$C"
is "whether he is revoked cannot be told: FE waits" "$code $(left)" "75 0"
like "... and says for what" "$out" '^4\..*crl-missing'
rules '. (to) . (do) EIP, NS'
send "$A" "$C"
is "... and EIP does not send it in clear" "$code $(left)" "75 0"
rules '. (to) . (do) FE, NS'
conf "$T" "check_path_crl = if-present"

# ---- never, again ----
fresh; cp "$T/tls.pem" "$public"
never "for TLS" "certs/public/tls\.pem: "
fresh; cp "$T/signer.pem" "$public"
never "for signatures only" "certs/public/signer\.pem|key usage"
fresh; cp "$T/other.pem" "$public"
never "of another address" "no certificate of this recipient was found"
fresh; cp "$T/carol.pem" "$public/carol@partner.example.pem"; cp "$T/carol.pem" "$T/certs/untrusted"
never "in the untrusted area" "certs/public/carol@partner\.example\.pem: .*untrusted"
cp "$T/carol.pem" "$T/certs/trusted"
never "in untrusted and trusted" "untrusted"
fresh; cp "$T/carol.pem" "$T/certs/seen"
never "only seen in mail" "no certificate of this recipient was found"
rm -f "$T/certs/seen/"*
(
	cd "$T" && mkdir -p crl.d && : >crl.d/index && echo 01 >crl.d/number
	printf '[ca]\ndefault_ca=c\n[c]\ndatabase=%s/crl.d/index\ncrlnumber=%s/crl.d/number\ndefault_md=sha256\ndefault_crl_days=30\n' "$T" "$T" >crl.d/cnf
	openssl ca -config crl.d/cnf -revoke carol.pem -keyfile ca.key -cert ca.pem
	openssl ca -config crl.d/cnf -gencrl -keyfile ca.key -cert ca.pem -out revoked.pem
) >/dev/null 2>&1
fresh; cp "$T/carol.pem" "$public"; cp "$T/revoked.pem" "$T/certs/crl"
never "revoked" "certs/public/carol\.pem: .*revoked"

# ---- trusted overrides ----
fresh; cp "$T/old.pem" "$T/certs/trusted"
used "expired, but in the trusted area" old
fresh; cp "$T/stranger.pem" "$T/certs/trusted"
used "from an unknown CA, but in the trusted area" stranger
fresh; cp "$T/old.pem" "$public"; cp "$T/old.pem" "$T/certs/trusted"
used "in both" old

# ---- several ----
fresh; cp "$T/old.pem" "$T/stranger.pem" "$T/carol.pem" "$public"
used "of three the valid one" carol
fresh; cp "$T/carol.pem" "$T/carol2.pem" "$public"
used "two valid ones, one per device" carol carol2
ok "each key opens it" decrypts "$(letter "$C")" carol
ok "the other too" decrypts "$(letter "$C")" carol2
cp "$T/revoked.pem" "$T/certs/crl"
used "one of them revoked" carol2
fresh
for n in dev1 dev2 dev3 dev4 dev5; do site_certificate "$T" "$n" "$C" || exit 1; done
sign_again dev2 "$good" -days 100 # the same key, another certificate
for n in dev1 dev2 dev3 dev4; do cp "$T/$n.pem" "$public"; done
used "as many as four" dev1 dev2 dev3 dev4
cp "$T/dev5.pem" "$public"
send "$A" "$C"
is "of five, four" "$code $(keys_of "$(letter "$C")" | wc -w)" "0 4"
like "and -explain says so" "$plan" "encrypted with [^ ]* \\(($public/dev[1-5]\\.pem, ){4}out of 5\\)"
conf "$T" "several_certificates = newest"
later() { date -u -d "@$(($(date +%s) + $1))" +%y%m%d%H%M%SZ; } # SECONDS from now
begins() { # NAME SECONDS [SECONDS]: NAME.pem valid from then, until then
	openssl req -new -key "$T/$1.key" -subj "/CN=$1" -out "$T/csr" 2>/dev/null
	[ -f "$T/begin/index" ] || { mkdir -p "$T/begin"; : >"$T/begin/index"; echo 4001 >"$T/begin/serial"; echo unique_subject=no >"$T/begin/index.attr"; }
	printf '[ca]\ndefault_ca=c\n[c]\ndatabase=%s/begin/index\nnew_certs_dir=%s/begin\nserial=%s/begin/serial\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n' "$T" "$T" "$T" >"$T/begin/cnf"
	openssl ca -batch -notext -config "$T/begin/cnf" -cert "$T/ca.pem" -keyfile "$T/ca.key" -in "$T/csr" -out "$T/$1.pem" -extfile "$T/ext" \
		-startdate "$(later "$2")" -enddate "$(later "${3-9000000}")" 2>/dev/null
}
printf '%s\n' "$good" >"$T/ext"
begins dev1 -5000; begins dev2 -3000; begins dev3 -4000; begins dev4 3000
for n in dev1 dev2 dev3 dev4; do cp "$T/$n.pem" "$public"; done
rm "$public/dev5.pem"
used "newest: the one that began last, of those that have begun" dev2
like "and -explain says so" "$plan" "encrypted with [^ ]* \\($public/dev2\\.pem, the newest of 3\\)"
mv "$public/dev1.pem" "$T/certs/trusted/"
used "newest: also beside an older one in trusted" dev2
rm "$T/certs/trusted/dev1.pem"; cp "$T/dev2.pem" "$T/certs/untrusted/"
used "newest: not what is untrusted" dev3
rm "$T/certs/untrusted/dev2.pem"; cp "$T/old.pem" "$public"
used "newest: not what has expired" dev2
begins dev5 -9000 -8000; rm "$public"/*; cp "$T/dev5.pem" "$T/certs/trusted/"
used "newest: an expired one only from trusted" dev5
cp "$T/dev1.pem" "$public"
used "newest: a current one that is newer beats it" dev1
fresh; mkdir "$public/@$P"; cp "$T/bob.pem" "$public/@$P/"; cp "$T/dev1.pem" "$public"
used "newest: the address's own before the domain's" dev1
conf "$T" "several_certificates = all"
fresh; cat "$T/old.pem" "$T/carol.pem" >"$public/both.pem"; cp "$T/carol.pem" "$public/again.pem"
used "several in a file, one of them twice" carol
openssl x509 -in "$T/carol.pem" -outform DER -out "$public/der.crt"; rm "$public/"*.pem
used "DER" carol
fresh; openssl crl2pkcs7 -nocrl -certfile "$T/carol.pem" -certfile "$T/ca.pem" -out "$public/x.p7b"
used "PKCS #7" carol

# ---- the whole domain ----
fresh; mkdir "$public/@$P"; cp "$T/house.pem" "$public/"
used "a certificate issued for the domain" house
fresh; mkdir "$public/@$P"; cp "$T/bob.pem" "$public/@$P/any.pem"
used "any certificate in the domain's folder" bob
cp "$T/carol.pem" "$public"
used "a personal one comes first" carol
rm "$public/carol.pem"; cp "$T/old.pem" "$public"
used "the domain's where the personal one has expired" bob
mail "$A" carol@sub.partner.example >"$T/m"
send "$A" carol@sub.partner.example
is "a subdomain is another domain" "$code $(left)" "77 0"
mail "$A" "$C" >"$T/m"
fresh; mkdir "$public/@$P"; cp "$T/old.pem" "$public/@$P/"
never "the domain's, expired" "certs/public/@partner\.example/old\.pem: .*expired"

# ---- the profile's floor, for one recipient and for one certificate ----
partner rosa rsa:2048; site_certificate "$T" big "$C" rsa:3072; site_certificate "$T" small "$C" rsa:2048
fresh; cp "$T/rosa.pem" "$T/bob.pem" "$T/small.pem" "$T/big.pem" "$public"
conf "$T" "profile = bsi-tr-02102"
used "of two the one that the profile allows" big
conf "$T" "several_certificates = newest"
used "newest: of those that the profile allows" big
conf "$T" "several_certificates = all"
mail "$A" "bob@$P, rosa@$P" >"$T/m"
send "$A" "bob@$P" "rosa@$P"
is "who has only what it forbids does not stop the others" "$code $(left) $(keys_of "$(letter "bob@$P")")" "0 1 $(serial bob)"
like "and is reported" "$(dsn)" "2048 bits, profile bsi-tr-02102 wants 3000"
conf "$T" "profile = compatible"

# ---- the signer's own ----
rules '. (to) . (do) SIP' '. (to) ^bob@ (do) FS'
cp "$T/certs/private/alice.pem" "$T/kept"
cp "$T/alice.pem" "$T/certs/untrusted"
send "$A" "bob@$P"
is "we do not sign with a certificate that is not valid: FS refuses" "$code $(left)" "77 0"
like "and says why" "$out" '^5\.7\.1 a signature is required: the certificate that signs for alice@behoerde\.example is not valid.*untrusted'
send "$A" "rosa@$P"
unlike "SIP goes unsigned" "$(cat "$(letter "rosa@$P")")" 'multipart/signed'
foreseen
done_testing
