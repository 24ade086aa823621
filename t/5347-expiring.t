#!/bin/sh
# postern -expiring: the administrator is told 60, 30 and 7 days before the last key of an address expires, once each; -explain: why this key
. "${0%/*}/lib.sh"
. "$SRC/t/incoming.sh"
site_make "$T"
conf "$T" 'notice_limit = 1000'
rm "$T"/certs/private/*
key() { # NAME DAYS ADDRESS...: in certs/private, valid for so many days and an hour
	name=$1; end=$(date -u -d "+$2 days +1 hour" +%Y%m%d%H%M%SZ); shift 2; san=
	for address; do san="$san,email:$address"; done
	[ -f "$T/$name.key" ] || openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/$name.key" 2>/dev/null
	printf '[c]\nnew_certs_dir=%s\ndatabase=%s\nserial=%s\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n[x]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyAgreement\nextendedKeyUsage=emailProtection\nsubjectAltName=%s\n' \
		"$T" "$T/index" "$T/serial" "${san#,}" >"$T/ca.conf"
	: >"$T/index"; openssl rand -hex 8 | sed 's/^./4/' >"$T/serial"
	openssl req -new -key "$T/$name.key" -subj "/CN=$name" -out "$T/csr" 2>/dev/null
	openssl ca -batch -notext -name c -config "$T/ca.conf" -extensions x -cert "$T/ca.pem" -keyfile "$T/ca.key" -startdate "${start:-20240101000000Z}" -enddate "$end" \
		-in "$T/csr" -out "$T/$name.pem" 2>"$T/errors" || diag "$(cat "$T/errors")"
	cat "$T/$name.key" "$T/$name.pem" >"$T/certs/private/$name.pem"
}
look() { empty "$T/internal"; out=$("$BUILD/postern" -c "$T/postern.conf" -expiring 2>"$T/errors"); code=$?; notice=$(cat "$T"/internal/new/* 2>/dev/null); }
told() { printf '%s\n' "$notice" | grep -o '^[^ ]*@[^ ]*: 2' | sed 's/: 2//' | sort | tr '\n' ' '; }
listed() { printf '%s\n' "$out" | awk 'NF { print $2 "/" $4 $5 $6 }' | LC_ALL=C sort | tr '\n' ' '; }

key far 400 far@behoerde.example
look
is "nothing expires" "$code$out$notice" "0"
key a60 59 a@behoerde.example; key b30 29 b@behoerde.example B2@Behoerde.example; key c7 6 c@behoerde.example; key d61 61 d@behoerde.example
key house 29 @behoerde.example; key e7 6 e@behoerde.example; key e400 400 e@behoerde.example; key gone -3 gone@behoerde.example
mkdir "$T/certs/private/decrypt-only"
key old 5 old@behoerde.example; mv "$T/certs/private/old.pem" "$T/certs/private/decrypt-only/"
look
is "addresses, each by its last key" "$code $(listed)" "0 @behoerde.example/in29days a@behoerde.example/in59days b2@behoerde.example/in29days b@behoerde.example/in29days c@behoerde.example/in6days gone@behoerde.example/hasexpired "
is "the next one first" "$(printf '%s\n' "$out" | awk '{ print $1 }' | sort -c && echo sorted)" sorted
is "the administrator is told, in one notice" "$(delivered "$T/internal") $(told)" "1 @behoerde.example a@behoerde.example b2@behoerde.example b@behoerde.example c@behoerde.example gone@behoerde.example "
like "that one has expired already, which nobody had told" "$notice" '^gone@behoerde\.example: [-0-9]*, has expired [(]'
like "of the key" "$notice" 'private/c7\.pem'
look
is "once" "$code $notice" "0 "
is "what is told is remembered" "$(cut -d' ' -f1,3 "$T/spool/expiring/told" | sort | tr '\n' ' ')" "1 gone@behoerde.example 30 @behoerde.example 30 b2@behoerde.example 30 b@behoerde.example 60 a@behoerde.example 7 c@behoerde.example "
for mark in 60 30 7; do
	sed -i "s/^[0-9]* \(.* gone@\)/$mark \1/" "$T/spool/expiring/told"
	look
	is "told $mark days before and not again until the end" "$(told)" "$([ $mark = 7 ] || echo 'gone@behoerde.example ')"
done
start=20200101000000Z; key gone -61 gone@behoerde.example; start=; rm "$T/spool/expiring/told"
look
unlike "one that ended long ago is history" "$notice" '^gone@'
sed -i 's/^30 \(.* b@\)/60 \1/; s/^7 /30 /' "$T/spool/expiring/told"
look
is "with the next mark it is told again" "$(told)" "b@behoerde.example c@behoerde.example "
look
is "and once" "$notice" ""
rm "$T/certs/private/c7.pem"
start=$(date -u -d '+5 days' +%Y%m%d%H%M%SZ); key c400 400 c@behoerde.example; start=
look
unlike "a new key that is not valid yet ends it" "$out" ' c@'
is "it is forgotten" "$(grep -c ' c@' "$T/spool/expiring/told")" 0
key c400 6 c@behoerde.example
look
is "another expiry begins anew" "$(told)" "c@behoerde.example "
key c400 5 c@behoerde.example
sed -i "s|^internal = .*|internal = smtp:127.0.0.1:1|" "$T/postern.conf"
look
is "nobody can be told now: it waits for the digest" "$code" 0
conf "$T" "internal = maildir:$T/internal"
printf 'garbage\n\n7\n 9 9\n' >"$T/spool/expiring/told"
look
is "a damaged memory does no harm" "$code $(told | wc -w)" "0 5"
printf '#!/bin/sh\nexit 1\n' >"$T/bad"; chmod 755 "$T/bad"
conf "$T" "keys_modules = $T/bad"
look
is "a module that fails" "$code ${out%% *}" "75 4.3.0"
conf "$T" "keys_modules = keys-file"

# ---- why this key
rm -rf "$T"/certs/private/*
explain() { out=$(printf 'From: %s\n\nx\n' "$1" | "$BUILD/postern" -c "$T/postern.conf" -explain -client 10.0.0.1 -sender "$1" -readmail x@nowhere.example 2>&1); }
key new 400 f@behoerde.example; key dom 500 @behoerde.example; key house 300 mail@behoerde.example
start=$(date -u -d '+5 days' +%Y%m%d%H%M%SZ); key next 800 f@behoerde.example; start=
start=20200101000000Z; key gone -3 f@behoerde.example; start=
mkdir "$T/certs/private/decrypt-only"; key arch 700 f@behoerde.example; mv "$T/certs/private/arch.pem" "$T/certs/private/decrypt-only/"
explain f@behoerde.example
like "the address's own key" "$out" 'signed as f@behoerde\.example \([^ ]*/new\.pem\), key of the address'
like "one that is expired is passed over" "$out" '^note: signing for f@.*: passed over [^ ]*/gone\.pem: expired'
like "one that is not valid yet" "$out" '^note: signing for f@.*: passed over [^ ]*/next\.pem: not valid yet'
like "one that only decrypts" "$out" '^note: signing for f@.*: passed over [^ ]*/decrypt-only/arch\.pem: it is kept to decrypt only'
like "the domain's" "$out" '^note: signing for f@.*: passed over [^ ]*/dom\.pem: not the first'
mv "$T/certs/private/new.pem" "$T/certs/private/gone.pem" "$T/certs/private/next.pem" "$T/certs/private/dom.pem" "$T"
explain f@behoerde.example
like "all are kept to decrypt: that is the reason" "$out" '^note: signing for f@behoerde\.example: .*/decrypt-only/arch\.pem: it is kept to decrypt only'
mv "$T/new.pem" "$T/gone.pem" "$T/next.pem" "$T/dom.pem" "$T/certs/private"
explain g@behoerde.example
like "who has none signs with the domain's" "$out" 'signed as g@behoerde\.example \([^ ]*/dom\.pem\), key of the domain'
printf '. (to) . (do) NE\n. (to) . (do) FS=mail@behoerde.example\n' >"$T/rules"
explain g@behoerde.example
like "the house's, by the rule's line" "$out" 'signed as mail@behoerde\.example \([^ ]*/house\.pem\), key of the address, by rule [^ ]*rules:2,'
printf '. (to) . (do) SIP, NE\n' >"$T/rules"
rm "$T"/certs/private/dom.pem
explain g@behoerde.example
like "none at all, and why" "$out" 'not signed \(there is no key that signs for g@behoerde\.example\)'

done_testing
