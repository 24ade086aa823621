#!/bin/sh
# every profile with every kind of key, read again by openssl, and by gpgsm where it can
. "${0%/*}/lib.sh"
. "$SRC/t/outgoing.sh"
kinds="rsa:2048 rsa:3072 ec:P-256 ec:P-384 ec:brainpoolP256r1 ec:brainpoolP384r1"
name() { echo "$1" | tr -d :- | tr 'PQ' 'pq'; }
for kind in $kinds; do
	partner "to$(name "$kind")" "$kind" && user "by$(name "$kind")" "$kind" || exit 1
done

# what each profile promises: signature, key transport, cipher, key wrap.  A digest is never shorter than the curve it
# signs with: readers that mind say so, and call the signature bad
promise() { # PROFILE KIND
	digest=sha256
	case "$1 $2" in
	*384*) signature="ecdsa-with-SHA384" digest=sha384 transport="dhSinglePass-stdDH-sha256kdf-scheme" ;;
	*ec:*) signature="ecdsa-with-SHA256" transport="dhSinglePass-stdDH-sha256kdf-scheme" ;;
	compatible*|rfc8551*) signature="rsaEncryption" transport="rsaEncryption" ;;
	*) signature="rsassaPss" transport="rsaesOaep" ;;
	esac
	case "$1" in
	compatible) cipher="aes-256-cbc" wrap="id-aes256-wrap" ;;
	rfc8551|bsi-tr-02102) cipher="aes-256-gcm" wrap="id-aes256-wrap" ;;
	bdew) cipher="aes-128-cbc" wrap="id-aes128-wrap" ;;
	bdew-gcm) cipher="aes-128-gcm" wrap="id-aes128-wrap" ;;
	esac
}
has() { # FILE WORD...: all stand among its algorithms
	has_list=$(algorithms "$1")
	shift
	for has_word; do
		printf '%s\n' "$has_list" | grep -q "^$has_word\( \|$\)" || { printf 'no %s in:\n%s\n' "$has_word" "$has_list"; return 1; }
	done
}

# gpgsm 2.2 decrypts RSA with PKCS #1 v1.5 and CBC alone: it knows neither OAEP nor authenticated encryption, and of key
# agreement it has the beginning only (it cannot even read what openssl makes with its defaults).  It verifies
# all our signatures: PKCS #1 v1.5, PSS, ECDSA on NIST and brainpool curves.
GNUPGHOME=
if command -v gpgsm >/dev/null; then
	export GNUPGHOME="$T/gnupg"
	mkdir -m 700 "$GNUPGHOME"
	printf 'disable-crl-checks\nno-secmem-warning\n' >"$GNUPGHOME/gpgsm.conf"
	printf 'allow-loopback-pinentry\n' >"$GNUPGHOME/gpg-agent.conf"
	openssl x509 -in "$T/ca.pem" -noout -fingerprint -sha1 | sed 's/.*=//; s/$/ S/' >"$GNUPGHOME/trustlist.txt"
	gpgsm --batch --quiet --import "$T/ca.pem" 2>/dev/null
	for n in torsa2048 torsa3072; do
		openssl pkcs12 -export -in "$T/$n.pem" -inkey "$T/$n.key" -passout pass:x -out "$T/$n.p12" \
			-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1
		echo x | gpgsm --batch --quiet --pinentry-mode loopback --passphrase-fd 0 --import "$T/$n.p12" 2>/dev/null
	done
fi
gpgsm_decrypts() {
	openssl cms -cmsout -outform DER -in "$1" -out "$T/g.der" &&
		echo x | gpgsm --batch --pinentry-mode loopback --passphrase-fd 0 --decrypt "$T/g.der" >"$T/g.dec" && cmp "$T/g.dec" "$T/dec"
}
gpgsm_verifies() { # a multipart/signed, CRLF
	perl -e 'local $/; $_ = <STDIN>; my ($b) = /boundary="([^"]+)"/; my @p = split /\r\n--\Q$b\E(?:--)?\r\n/, "\r\n" . $_;
		open my $f, ">", "$ARGV[0].content"; print $f $p[1]; close $f;
		$p[2] =~ s/.*?\r\n\r\n//s; open $f, ">", "$ARGV[0].p7s"; print $f $p[2]; close $f' "$T/g" <"$1"
	openssl base64 -d -in "$T/g.p7s" -out "$T/g.sig" &&
		gpgsm --batch --verify "$T/g.sig" "$T/g.content"
}

for profile in compatible rfc8551 bdew bdew-gcm bsi-tr-02102; do
	rules ". (to) . (do) FE, FS, PROFILE=$profile"
	all=
	for kind in $kinds; do
		n=$(name "$kind") this="$profile, $kind"
		promise "$profile" "$kind"
		mail "by$n@behoerde.example" "to$n@partner.example" >"$T/m"
		send "by$n@behoerde.example" "to$n@partner.example"
		if [ "$profile $kind" = "bsi-tr-02102 rsa:2048" ]; then
			is "$this: the key is too short, nothing leaves" "$code $(left)" "77 0"
			like "$this: and the sender reads why" "$out" "^5\.7\.1 .*2048 bits, profile bsi-tr-02102 wants 3000"
			continue
		fi
		all="$all to$n@partner.example"
		ok "$this: openssl decrypts and verifies" opens "to$n@partner.example" "to$n"
		is "$this: the words are there" "$(plain "$T/content" | sed '1,/^$/d')" "the plain words"
		ok "$this: encrypted as promised" has "$(letter "to$n@partner.example")" "$transport" "$cipher"
		case "$kind" in ec:*) ok "$this: wrapped as promised" has "$(letter "to$n@partner.example")" "$wrap" ;; esac
		ok "$this: signed as promised" has "$T/dec" "$digest" "$signature"
		[ -n "$GNUPGHOME" ] || continue
		ok "$this: gpgsm verifies" gpgsm_verifies "$T/dec"
		case "$profile $kind" in "compatible rsa"*)
			ok "$this: gpgsm decrypts" gpgsm_decrypts "$(letter "to$n@partner.example")" ;;
		esac
	done
	# all in one
	mail alice@behoerde.example "$(echo "$all" | sed 's/^ //; s/ /, /g')" >"$T/m"
	# shellcheck disable=SC2086
	send alice@behoerde.example $all
	is "$profile: one message for recipients with RSA and EC keys" "$code $(left)" "0 1"
	for to in $all; do
		ok "$profile: ${to%@*} reads it" opens "$to" "${to%@*}"
	done
done
[ -z "$GNUPGHOME" ] || gpgconf --kill all
foreseen
done_testing
