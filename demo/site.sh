# site.sh - sourced: makes throw-away sites with certificates, for the demonstration and the tests
#
# site_make DIR [ALGORITHM]   a gateway "mx.behoerde.example" for behoerde.example, with partner.example as the
#                             other side; ALGORITHM: ec (default), rsa, ec:CURVE, rsa:BITS
#
#   DIR/postern.conf rules certs/ spool/ log verify.log     the site
#   DIR/external DIR/internal                               maildirs: what left to either side
#   DIR/ca.pem ca.key                                       the CA that both sides trust
#   DIR/NAME.pem NAME.key                                   certificates: alice (alice@behoerde.example, the site's own, in
#                                                           certs/private), house (mail@behoerde.example, likewise), bob (bob@partner.example,
#                                                           the partner; in certs/public)
#
# The programs are taken from $BUILD.

site_algorithm() { # NAME: options of openssl req / genpkey for a new key
	case "$1" in
	ec) echo "-algorithm EC -pkeyopt ec_paramgen_curve:P-256" ;;
	ec:*) echo "-algorithm EC -pkeyopt ec_paramgen_curve:${1#ec:}" ;;
	rsa) echo "-algorithm RSA -pkeyopt rsa_keygen_bits:2048" ;;
	rsa:*) echo "-algorithm RSA -pkeyopt rsa_keygen_bits:${1#rsa:}" ;;
	*) echo "site.sh: unknown algorithm $1" >&2; return 1 ;;
	esac
}

# site_ca DIR: ca.pem and ca.key, always P-256
site_ca() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1/ca.key" -out "$1/ca.pem" -days 3650 \
		-subj "/O=Example/CN=Example CA" -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
		>/dev/null 2>&1
}

# site_certificate DIR NAME ADDRESS [ALGORITHM [EXTRA-EXTENSION-LINES]]: NAME.key, NAME.pem signed by DIR/ca
site_certificate() {
	# shellcheck disable=SC2046
	openssl genpkey $(site_algorithm "${4-ec}") -out "$1/$2.key" >/dev/null 2>&1 || return 1
	usage=digitalSignature,keyEncipherment
	case "${4-ec}" in ec*) usage=digitalSignature,keyAgreement ;; esac
	printf '%s\n' "basicConstraints=critical,CA:FALSE" "keyUsage=critical,$usage" "extendedKeyUsage=emailProtection" \
		"subjectKeyIdentifier=hash" "authorityKeyIdentifier=keyid" "subjectAltName=email:$3" "${5-}" >"$1/$2.ext"
	openssl req -new -key "$1/$2.key" -subj "/O=Example/CN=$2" |
		openssl x509 -req -CA "$1/ca.pem" -CAkey "$1/ca.key" -days 730 -extfile "$1/$2.ext" \
			-set_serial "0x$(openssl rand -hex 8 | sed 's/^./4/')" -out "$1/$2.pem" 2>/dev/null
	rm -f "$1/$2.ext"
}

site_conf() { # DIR: postern.conf
	cat >"$1/postern.conf" <<-END
		hostname = mx.behoerde.example
		local_domains = behoerde.example
		internal_clients = 127.0.0.0/8 10.0.0.0/8 ::1
		external = maildir:$1/external
		internal = maildir:$1/internal
		spool = $1/spool
		log = $1/log
		verify_log = $1/verify.log
		module_directory = $BUILD
		profiles_file = $SRC/etc/profiles
	END
}

site_make() {
	mkdir -p "$1"
	for area in public trusted untrusted private ca crl seen; do mkdir -p "$1/certs/$area"; done
	chmod 700 "$1/certs/private"
	site_ca "$1" || return 1
	cp "$1/ca.pem" "$1/certs/ca/"
	site_certificate "$1" alice alice@behoerde.example "${2-ec}" &&
		site_certificate "$1" house mail@behoerde.example "${2-ec}" &&
		site_certificate "$1" bob bob@partner.example "${2-ec}" || return 1
	for name in alice house; do
		(umask 077 && cat "$1/$name.key" "$1/$name.pem" >"$1/certs/private/$name.pem")
	done
	cp "$1/bob.pem" "$1/certs/public/"
	cat >"$1/rules" <<-'END'
		# From                 To                  Rules
		.                      (to) .              (do) SIP, EIP
		@behoerde\.example$    (to) @partner\.example$ (do) FE, FS
	END
	site_conf "$1"
}
