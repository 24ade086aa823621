#!/bin/sh
# keys-smimea: certificates in signed zones on a real name server (nsd); broken signatures, huge answers, nobody there
. "${0%/*}/lib.sh"
. "${0%/*}/helper/modules.sh"
PATH=$PATH:/usr/sbin
for p in nsd ldns-signzone ldns-keygen openssl; do command -v $p >/dev/null || skip_all "$p is missing"; done
[ -x "$BUILD/keys-smimea" ] || skip_all "keys-smimea is not built"
mkdir -p "$T/zones" "$T/nsd"
ln -s "$BUILD/keys-smimea" "$T/modules/keys-smimea"

# ---- certificates
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/$1.key" 2>/dev/null; }
key one
certificate() { # NAME [DAYS [EXTRA]]: NAME.pem, NAME.der
	openssl req -x509 -key "$T/one.key" -subj "/CN=$1" -days "${2-30}" -addext "subjectAltName=email:$1@signed.example${3-}" \
		-addext keyUsage=digitalSignature,keyAgreement -out "$T/$1.pem" 2>/dev/null
	openssl x509 -in "$T/$1.pem" -outform DER -out "$T/$1.der"
}
for n in bob carla dora; do certificate $n; done
certificate ann 30 ",email:moved@signed.example,email:\\\"a.b\\\"@signed.example,email:ann@broken.example,email:ann@unsigned.example"
for n in old new; do certificate $n 30 ",email:several@signed.example"; done
certificate every 30 "$(for u in 0 1 2 3; do for s in 0 1; do for m in 0 1 2; do printf ',email:u%s%s%s@signed.example' $u $s $m; done; done; done)"
certificate house 30 ",email:@signed.example"
certificate idn 30 ",email:idn@xn--bcher-kva.signed.example"
openssl x509 -in "$T/old.pem" -signkey "$T/one.key" -days -1 -set_serial 7 -outform DER -out "$T/old.der" 2>/dev/null
certificate huge 30 ",URI:http://$(head -c 20000 /dev/zero | tr '\0' x)"
hash() { printf '%s' "$1" | sha256sum | cut -c 1-56; }
hex() { od -An -v -tx1 "$1" | tr -d ' \n'; }
record() { # LOCAL-PART USAGE SELECTOR MATCHING FILE: a line of a zone, in the form of unknown records (RFC 3597)
	data=$(printf '%02x%02x%02x' "$2" "$3" "$4")$(hex "$5")
	echo "$(hash "$1")._smimecert IN TYPE53 \\# $((${#data} / 2)) $data"
}

# ---- zones
zone() { # NAME: head of a zone
	echo "\$ORIGIN $1.
\$TTL 300
@ IN SOA ns hostmaster 1 3600 600 86400 300
@ IN NS ns
ns IN A 127.0.0.1"
}
sign() ( # NAME: signs it; its key becomes NAME.ds
	cd "$T/zones" && k=$(ldns-keygen -a ECDSAP256SHA256 -k "$1") && ldns-signzone -e 20601231000000 -f "$1.signed" "$1" "$k" && cat "$k.key" >"$1.key"
)
{
	zone signed.example
	record ann 3 0 0 "$T/ann.der"
	record bob 1 0 0 "$T/bob.der"; record bob 3 1 0 "$T/one.key"; record bob 2 0 0 "$T/ann.der"
	printf x >"$T/short"; record bob 3 0 1 "$T/short"; record bob 9 0 0 "$T/ann.der"; record bob 3 0 0 "$T/short"
	record foreign 3 0 0 "$T/ann.der"; record both 3 0 0 "$T/ann.der"; record both 3 0 0 "$T/house.der"
	# one certificate by every usage, selector and matching type
	for u in 0 1 2 3; do for s in 0 1; do for m in 0 1 2; do
		"$BUILD/postern-cert" smimea -address u$u$s$m@signed.example -record "$u $s $m" "$T/every.pem"
	done; done; done
	for i in $(seq 150); do printf '%s' $i >"$T/short"; record many 3 0 0 "$T/short"; done; record many 3 0 0 "$T/house.der"
	record several 3 0 0 "$T/old.der"; record several 3 0 0 "$T/new.der"
	record huge 3 0 0 "$T/huge.der"
	record 'a.b' 3 0 0 "$T/ann.der"
	record idn 3 0 0 "$T/idn.der" | sed 's/_smimecert/&.xn--bcher-kva/'
	# carla is published with the tool, in both forms
	"$BUILD/postern-cert" smimea "$T/carla.pem"
	"$BUILD/postern-cert" smimea -generic "$T/dora.der"
	echo "$(hash moved)._smimecert IN CNAME $(hash ann)._smimecert"
	echo "$(hash empty)._smimecert IN TXT nothing"
} >"$T/zones/signed.example"
certificate bob 30 ",email:bob@broken.example"
{ zone broken.example; record ann 3 0 0 "$T/ann.der"; record bob 3 0 0 "$T/bob.der"; record bare 3 0 0 "$T/bob.der"; } >"$T/zones/broken.example"
{ zone unsigned.example; record ann 3 0 0 "$T/ann.der"; } >"$T/zones/unsigned.example"
{ zone expired.example; record ann 3 0 0 "$T/ann.der"; } >"$T/zones/expired.example"
(
	sign signed.example; sign broken.example
	cd "$T/zones" && k=$(ldns-keygen -a ECDSAP256SHA256 -k expired.example) && ldns-signzone -i 20200101000000 -e 20200201000000 -f expired.example.signed expired.example "$k" && cat "$k.key" >expired.example.key
) >"$T/sign.log" 2>&1
# an answer that was changed on the way: ann's record holds bob's certificate
ann=$(hash ann) annhex=$(hex "$T/ann.der") bobhex=$(hex "$T/bob.der")
# and bare's has lost its signature
sed "/^$ann/s/$annhex/$bobhex/; /^$(hash bare).*RRSIG/d" "$T/zones/broken.example.signed" >"$T/zones/broken.example.changed"
ok "(zones were signed, one was changed)" sh -c '! cmp -s "$1/broken.example.signed" "$1/broken.example.changed" && test -s "$1/signed.example.signed"' - "$T/zones"
cat "$T/zones/signed.example.key" "$T/zones/broken.example.key" "$T/zones/expired.example.key" >"$T/anchor"

# ---- the name server
port=$(perl -MIO::Socket::INET -e 'for (1 .. 100) { my $t = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or next;
	my $u = IO::Socket::INET->new(Proto => "udp", LocalAddr => "127.0.0.1", LocalPort => $t->sockport) or next; print $t->sockport; exit }')
cat >"$T/nsd/nsd.conf" <<END
server:
	ip-address: 127.0.0.1@$port
	username: ""
	chroot: ""
	zonesdir: "$T/zones"
	database: ""
	zonelistfile: "$T/nsd/zone.list"
	xfrdfile: "$T/nsd/xfrd.state"
	xfrdir: "$T/nsd"
	pidfile: "$T/nsd/pid"
	logfile: "$T/nsd/log"
	server-count: 1
remote-control:
	control-enable: no
zone:
	name: signed.example
	zonefile: signed.example.signed
zone:
	name: broken.example
	zonefile: broken.example.changed
zone:
	name: expired.example
	zonefile: expired.example.signed
zone:
	name: unsigned.example
	zonefile: unsigned.example
END
nsd -d -c "$T/nsd/nsd.conf" >"$T/nsd/out" 2>&1 &
nsd=$!
kill_at_end $nsd
i=0; while ! grep -q 'nsd started' "$T/nsd/log" 2>/dev/null; do i=$((i + 1)); [ $i -lt 600 ] && kill -0 $nsd 2>/dev/null || { diag "$(cat "$T/nsd/log" "$T/nsd/out")"; break; }; sleep 0.1; done

configured() { site keys=keys-smimea; for s in "keys_smimea_resolvers = 127.0.0.1@$port" "keys_smimea_trust_anchor = $T/anchor" "$@"; do setting "$s"; done; }
asked() { ask certificates "$@"; out=$(printf '%s\n' "$out" | cut -d' ' -f1-3); }
configured

asked ann@signed.example
is "a certificate in a signed zone" "$out" "ann@signed.example: /CN=ann area=public
1 certificates"
asked ann@signed.example nobody@signed.example bob@signed.example empty@signed.example moved@signed.example '"a.b"@signed.example'
is "one that is there, nobody, one among others, none, an alias, quotes" "$out" 'ann@signed.example: /CN=ann area=public
bob@signed.example: /CN=bob area=public
moved@signed.example: /CN=ann area=public
"a.b"@signed.example: /CN=ann area=public
4 certificates'
is "... what is no certificate, and what is unknown, is told in one line" "$(printf '%s\n' "$log" | sed -n 's/.*keys-smimea: bob/bob/p')" \
	"bob@signed.example ($(hash bob)._smimecert.signed.example): records passed over: 1 that RFC 8162 does not know, 1 that are no certificate or too big, 0 with a certificate that does not name the address"
asked foreign@signed.example both@signed.example
is "somebody else's certificate is none of the address; one of the domain is" "$out" "both@signed.example: /CN=house area=public
1 certificates"
like "... and the log says so" "$log" 'foreign@signed\.example \(.*, 1 with a certificate that does not name the address'
asked $(for u in 0 1 2 3; do for s in 0 1; do for m in 0 1 2; do echo u$u$s$m@signed.example; done; done; done)
is "of all usages, selectors and matching types, these" "$out" "u100@signed.example: /CN=every area=public
u300@signed.example: /CN=every area=public
2 certificates"
asked many@signed.example
is "the good one among 151 records" "$out" "many@signed.example: /CN=house area=public
1 certificates"
is "... in one line" "$(printf '%s\n' "$log" | grep -c 'passed over: .* 150 that are no certificate')" 1
asked ANN@Signed.Example
is "capitals" "$out" "ANN@Signed.Example: /CN=ann area=public
1 certificates"
for domain in xn--bcher-kva bücher; do
	asked "idn@$domain.signed.example"
	is "a domain with A-labels or U-labels: $domain" "$out" "idn@$domain.signed.example: /CN=idn area=public
1 certificates"
done
asked several@signed.example
is "several: the valid one first" "$out" "several@signed.example: /CN=new area=public
several@signed.example: /CN=old area=public
2 certificates"
asked carla@signed.example dora@signed.example
is "what postern-cert smimea prints is found" "$out" "carla@signed.example: /CN=carla area=public
dora@signed.example: /CN=dora area=public
2 certificates"
is "... a hash" "$("$BUILD/postern-cert" smimea -address ann@signed.example -record 3,1,1 "$T/ann.pem" | sed 1d)" \
	"$(hash ann)._smimecert.signed.example. IN SMIMEA 3 1 1 $(openssl pkey -in "$T/one.key" -pubout -outform DER | sha256sum | cut -d' ' -f1)"
not_ok "... no such record" "$BUILD/postern-cert" smimea -record "4 0 0" "$T/ann.pem"
not_ok "... nobody of that name" "$BUILD/postern-cert" smimea -address bob@signed.example "$T/ann.pem"
like "... JSON" "$("$BUILD/postern-cert" smimea -json "$T/ann.pem")" "^\[\{\"address\":\"ann@signed.example\".*\"name\":\"$(hash ann)\._smimecert\.signed\.example\""
asked huge@signed.example
is "an answer of 20 KB, which UDP cannot hold" "$out" "huge@signed.example: /CN=huge area=public
1 certificates"
ask certificate-by-id "$T/ann.pem"
is "by identifier: nothing" "$out" "0 certificates"
asked "x@[127.0.0.1]" "x@$(printf "ä%.0s" $(seq 60)).example" "x@$(printf '%063d' 0)0.example"
is "domains that are none in the DNS" "$out" "0 certificates"
asked ann@unsigned.example
like "a zone outside the trust: not used" "$out" '^0 certificates|^E_TEMP'
unlike "... nothing of it comes through" "$out" 'CN='

asked ann@broken.example
like "a forged answer: the message waits" "$out" '^E_TEMP'
like "... and the log says why" "$log" 'ann@broken\.example \([0-9a-f]*\._smimecert\.broken\.example\): its signatures are not good'
asked bare@broken.example
like "an answer without its signature: likewise" "$out" '^E_TEMP'
like "... and the log says why" "$log" 'bare@broken\.example .*: its signatures are not good'
asked bob@broken.example
is "... the others of that zone are not affected" "$out" "bob@broken.example: /CN=bob area=public
1 certificates"
asked ann@expired.example
like "signatures that have expired: the message waits" "$out" '^E_TEMP'
configured "keys_smimea_when_away = skip"
asked ann@broken.example ann@signed.example
is "skip: the forged one is passed over" "$out" "ann@signed.example: /CN=ann area=public
1 certificates"
like "... with a warning" "$log" 'warning: .*broken\.example.*passed over'

# ---- nobody there, and what the operator may have got wrong
silent() { # a name server that hears and says nothing
	perl -MIO::Socket::INET -e '$| = 1; $s = IO::Socket::INET->new(Proto => "udp", LocalAddr => "127.0.0.1") or die; print $s->sockport, "\n"; alarm 600;
		recv($s, $_, 4096, 0) while 1' >"$T/silent" & kill_at_end $!
	i=0; while [ ! -s "$T/silent" ] && [ $i -lt 600 ]; do i=$((i + 1)); sleep 0.1; done
}
silent
configured "keys_smimea_timeout = 300ms"; sed -i "s/@$port/@$(cat "$T/silent")/" "$T/postern.conf"
asked ann@signed.example
like "a silent name server: the message waits" "$out" '^E_TEMP'
like "... and the log says why" "$log" 'no answer in time'
setting "keys_smimea_when_away = skip"; asked ann@signed.example
is "... or goes on without it" "$out" "0 certificates"
configured 'module_timeout = 1s' 'keys_smimea_timeout = 300s'; sed -i "s/@$port/@$(cat "$T/silent")/" "$T/postern.conf"
talked=$(echo '<find-certificates id="1"><address>ann@signed.example</address></find-certificates>' |
	timeout 60 "$SRC/t/helper/module-talk" -role keys -deadline 600000 -config "$T/postern.conf" "$BUILD/keys-smimea" 2>&1)
like "... and answers before postern gives it up" "$talked" '<refused id="1" kind="temporary" code="temporary">.*no answer in time'
configured; sed -i "s|$T/anchor|$T/none|" "$T/postern.conf"; asked ann@signed.example
like "no trust anchor: the message waits" "$out" '^E_TEMP'
like "... what to do" "$log" "keys_smimea_trust_anchor = $T/none: cannot be read .*; the root's key comes with the package dns-root-data"
printf '; . IN DNSKEY\n\n \t\n' >"$T/none"; asked ann@signed.example
like "a trust anchor without a key is not a DNS without signatures" "$out" '^E_TEMP'
like "... as the log says" "$log" "keys_smimea_trust_anchor = $T/none: it holds no key"
echo '. DNSKEY rubbish' >"$T/none"; asked ann@signed.example
like "nor one with rubbish" "$log" 'libunbound cannot begin: is keys_smimea_trust_anchor in order\?'
rm "$T/none"; mkdir "$T/none"; asked ann@signed.example
like "nor a folder" "$log" "keys_smimea_trust_anchor = $T/none: cannot be read"
configured; sed -i "s/@$port/@x/" "$T/postern.conf"; asked ann@signed.example
like "a resolver that is none" "$(echo "$out" "$log" | tr '\n' ' ')" '^E_TEMP.*127\.0\.0\.1@x is neither ADDRESS nor ADDRESS@PORT'

# ---- somebody else's certificate does not hide the right one of the next source
configured; setting "keys_modules = keys-smimea next"; sed -i '/^keys_modules = keys-smimea$/d' "$T/postern.conf"
fake next "DER $T/bob.der"; asked foreign@signed.example ann@signed.example
is "for whom the DNS has a wrong certificate the next source is asked" "$out" "ann@signed.example: /CN=ann area=public
foreign@signed.example: /CN=bob area=public
2 certificates"

# ---- limits
many() { seq -f 'r%g@[127.0.0.1]' "$1" | sed 's|.*|<address>&</address>|' | tr -d '\n'; }
configured; talked=$(printf '%s\n' "<find-certificates id=\"1\">$(many 200)</find-certificates>" "<find-certificates id=\"2\">$(many 201)</find-certificates>" |
	"$SRC/t/helper/module-talk" -role keys -config "$T/postern.conf" "$BUILD/keys-smimea" 2>&1)
like "200 addresses are a question" "$talked" '<refused id="1" kind="permanent" code="not-found">'
like "201 are too many" "$talked" '<refused id="2" kind="permanent" code="limit">more than 200 addresses'

configured
if out=$("$BUILD/postern-module-check" -strict -c "$T/postern.conf" -address ann@signed.example keys-smimea 2>&1); then pass "keeps to all of the protocol"
else fail "keeps to all of the protocol" "$out"; fi
done_testing
