# smime_lib.sh - sourced after lib.sh by tests that seal: throw-away CAs, certificates and entities in $T
#
#   authority                          root.pem and inter.pem (a CA below the root), in chain.pem both
#   leaf NAME ALGORITHM USAGE          NAME.pem NAME.key, issued by inter; ALGORITHM: rsa:BITS, pss:BITS, ec:CURVE
#   entity FILE                        a canonical text entity
seal="$BUILD/t/helper/smime-seal"
[ -x "$seal" ] || skip_all "t/helper/smime-seal is not built"
command -v openssl >/dev/null || skip_all "no openssl"

new_key() { # FILE ALGORITHM
	case $2 in
	rsa:*) openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:${2#rsa:}" -out "$1" ;;
	pss:*) openssl genpkey -quiet -algorithm RSA-PSS -pkeyopt "rsa_keygen_bits:${2#pss:}" -out "$1" ;;
	pss384:*) openssl genpkey -quiet -algorithm RSA-PSS -pkeyopt "rsa_keygen_bits:${2#pss384:}" \
		-pkeyopt rsa_pss_keygen_md:sha384 -pkeyopt rsa_pss_keygen_mgf1_md:sha384 \
		-pkeyopt rsa_pss_keygen_saltlen:40 -out "$1" ;;
	ec:*) openssl genpkey -quiet -algorithm EC -pkeyopt "ec_paramgen_curve:${2#ec:}" -out "$1" ;;
	esac 2>/dev/null || openssl_key_failed=$2
}

authority() {
	new_key "$T/root.key" rsa:2048
	openssl req -new -x509 -key "$T/root.key" -subj "/O=Test/CN=Root" -days 2 -out "$T/root.pem" 2>/dev/null \
		-addext keyUsage=critical,keyCertSign,cRLSign
	new_key "$T/inter.key" ec:P-256
	openssl req -new -key "$T/inter.key" -subj "/O=Test/CN=Intermediate" -out "$T/inter.csr"
	printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n' >"$T/inter.ext"
	openssl x509 -req -in "$T/inter.csr" -CA "$T/root.pem" -CAkey "$T/root.key" -set_serial 2 -days 2 \
		-extfile "$T/inter.ext" -out "$T/inter.pem" 2>/dev/null
	cat "$T/inter.pem" "$T/root.pem" >"$T/chain.pem"
	serial=100
}

leaf() {
	serial=$((serial + 1))
	new_key "$T/$1.key" "$2"
	openssl req -new -key "$T/$1.key" -subj "/O=Test/CN=$1" -out "$T/$1.csr"
	printf 'keyUsage=critical,%s\nextendedKeyUsage=emailProtection\nsubjectAltName=email:%s@partner.example\n' "$3" "$1" >"$T/$1.ext"
	printf 'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' >>"$T/$1.ext"
	openssl x509 -req -in "$T/$1.csr" -CA "$T/inter.pem" -CAkey "$T/inter.key" -set_serial $serial -days 2 \
		-extfile "$T/$1.ext" -out "$T/$1.pem" 2>/dev/null
}

entity() {
	printf 'Content-Type: text/plain; charset=us-ascii\r\n\r\nFrom the gate: %s\r\n-- \r\nend\r\n' "${2-one}" >"$1"
}
