#!/bin/sh
# a signed message comes in, its signer is revoked, postern-refresh fetches the list, and the next message is not believed
. "${0%/*}/lib.sh"
. "$SRC/t/incoming.sh"
[ -x "$BUILD/postern-refresh" ] || skip_all "built without libcurl"
mkdir -p "$T/web/www"
"$SRC/t/helper/web-server" "$T/web" >"$T/web/log" 2>&1 &
kill_at_end $!
tries=0
while [ ! -s "$T/web/port" ] && [ $tries -lt 600 ]; do sleep 0.1; tries=$((tries + 1)); done
web=http://127.0.0.1:$(cat "$T/web/port")
conf "$T" 'refresh_allow = 127.0.0.1' "check_path_crl = require" 'harvest = no'

# list NUMBER [SERIAL...]: the CA's list, where the certificates say it is
list() {
	number=$1
	shift
	: >"$T/index"
	for serial; do printf 'R\t301122000000Z\t261101000000Z\t%s\tunknown\t/CN=%s\n' "$serial" "$serial" >>"$T/index"; done
	printf '%02d\n' "$number" >"$T/number"
	printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s\ncrlnumber=%s\ndefault_md=sha256\ndefault_crl_days=7\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n' \
		"$T/index" "$T/number" >"$T/ca.cnf"
	openssl ca -config "$T/ca.cnf" -gencrl -cert "$T/ca.pem" -keyfile "$T/ca.key" -out "$T/ca.crl" 2>/dev/null &&
		openssl crl -in "$T/ca.crl" -outform DER -out "$T/web/www/ca.crl"
}
refresh() { "$BUILD/postern-refresh" -c "$T/postern.conf" "$@" >"$T/out" 2>&1; }
comes_in() {
	echo text | entity | clear eve | letter eve@partner.example >"$T/m"
	incoming <"$T/m"
	result
}

person eve eve@partner.example ec "crlDistributionPoints=URI:$web/ca.crl"
serial=$(openssl x509 -in "$T/eve.pem" -noout -serial | sed 's/.*=//')
cp "$T/eve.pem" "$T/certs/public/"
list 1
is "before there is a list: not known" "$(comes_in)" neutral
like "... and the record says why" "$(cat "$T/got")" 'crl-missing'

# what the message brings along about her
answer() { # NAME STATUS [OPTION...]
	file=$1
	printf '%s\t301122000000Z\t%s\t%s\tunknown\t/CN=eve\n' "${2%% *}" "${2#* }" "$serial" >"$T/status"
	shift 2
	openssl ocsp -index "$T/status" -CA "$T/ca.pem" -rsigner "$T/ca.pem" -rkey "$T/ca.key" -issuer "$T/ca.pem" -no_nonce \
		-cert "$T/eve.pem" -respout "$T/$file" "$@" >/dev/null 2>&1
}
brings() { # WHERE FILE...
	echo text | entity | openssl cms -sign -nodetach -outform DER -signer "$T/eve.pem" -inkey "$T/eve.key" >"$T/signed.der"
	{
		printf 'MIME-Version: 1.0\nContent-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\nContent-Transfer-Encoding: base64\n\n'
		(cd "$T" && "$SRC/t/helper/staple" "$@" <signed.der) | base64
	} | letter eve@partner.example >"$T/m"
	incoming <"$T/m"
	result
}
conf "$T" 'check_path_ocsp_skew = 0s' 'check_path_ocsp_age = 1s'
answer good 'V ' -ndays 7
is "an OCSP answer among the CRLs" "$(brings crls good)" pass
is "... in the attribute of CAdES" "$(brings cades good)" pass
is "... in Adobe's" "$(brings adobe good)" pass
answer over 'V ' # without nextUpdate
made=$(date +%s)
answer gone 'R 261101000000Z' -ndays 7
is "an answer that says she was revoked" "$(brings crls good gone)" fail
like "... and the record says so" "$(cat "$T/got")" 'revoked'
answer short 'V ' -ndays 7 -resp_no_certs
is "an answer without its signer's certificate" "$(brings crls short)" pass
{ head -c -8 "$T/short"; printf '12345678'; } >"$T/forged"
is "a forged one" "$(brings crls forged)" neutral
# shellcheck disable=SC2046
answer long 'V ' -ndays 7 $(seq -f '-serial %.0f' 1000 1700)
ok "a genuine one that is too long" test "$(wc -c <"$T/long")" -gt 65536
is "... is not looked at" "$(brings crls long)" neutral
is "... the one behind it is" "$(brings crls long good)" pass
while [ "$(date +%s)" -le $((made + 1)) ]; do sleep 0.1; done
is "one that is over" "$(brings crls over)" neutral
like "... and the record says so" "$(cat "$T/got")" 'crl-expired'
cp "$T/web/www/ca.crl" "$T/good.crl"
is "a CRL" "$(brings crls good.crl)" pass
is "... in the attribute of CAdES" "$(brings cades good.crl)" pass
list 2 "$serial"
is "one that has her" "$(brings crls web/www/ca.crl)" fail
list 1
conf "$T" 'check_path_ocsp = no'
is "nothing of OCSP where the operator does not want it" "$(brings crls good)" neutral
conf "$T" 'check_path_ocsp = cached'

ok "postern-refresh" refresh
is "the list is there, she is not on it" "$(comes_in)" pass
list 2 "$serial"
is "her CA revokes her, nobody has looked yet" "$(comes_in)" pass
ok "postern-refresh, the list is newer" refresh -once
is "the next message is not believed" "$(comes_in)" fail
like "... because she was revoked" "$(cat "$T/got")" 'revoked'
list 1
not_ok "an old list comes back" refresh -once
is "... and changes nothing" "$(comes_in)" fail

# the other programs read the same file, with names of ours in it
ok "postern -check" "$BUILD/postern" -c "$T/postern.conf" -check
conf "$T" 'refreshed = 1'
not_ok "a name that only begins like ours" "$BUILD/postern" -c "$T/postern.conf" -check

like "-help" "$("$BUILD/postern-refresh" -help)" '^usage: postern-refresh -c FILE'
like "-version" "$("$BUILD/postern-refresh" -version)" '^postern-refresh [0-9]+\.'

# what operators get
ok "the cron line has a user and a command" grep -Eq '^[*/0-9]+( [*])+ postern /[^ ]*postern-refresh -c /' "$BUILD/etc/cron/postern-refresh"
is "no word is left in what is installed" "$(grep -l '@[a-z]*@' "$BUILD"/etc/systemd/* "$BUILD"/etc/cron/*)" ""
if command -v systemd-analyze >/dev/null 2>&1; then
	mkdir "$T/units"
	for unit in "$BUILD"/etc/systemd/*; do
		sed "s|^ExecStart=[^ ]*/|ExecStart=$BUILD/|" "$unit" >"$T/units/${unit##*/}" # not installed yet
	done
	is "systemd finds nothing to say to our units" "$(systemd-analyze verify --man=no "$T"/units/*.socket "$T"/units/*.timer 2>&1 | grep -F postern)" ""
	ok "systemd can read the calendar" systemd-analyze calendar "$(sed -n 's/^OnCalendar=//p' "$T/units/postern-refresh.timer")"
else
	skip "systemd can read units and calendar" "systemd-analyze is not there"
fi
is "the names of the page are those of the program" \
	"$(sed -n 's/^	{ "\(refresh_[a-z_]*\)".*/\1/p' "$SRC/tools/refresh/options.c" | sort)" \
	"$(grep '^\.It Cm refresh_' "$SRC/man/postern-refresh.8" | tr ' ' '\n' | grep '^refresh_' | sort)"
done_testing
