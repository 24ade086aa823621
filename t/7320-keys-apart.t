#!/bin/sh
# a keys module that runs as another account: behind a UNIX socket (keys-socket), or by a wrapper that changes the account
. "${0%/*}/lib.sh"
. "$SRC/t/incoming.sh"
site_make "$T"
own rita rita@behoerde.example rsa
chmod 755 "$T"
K=$T/keys
mkdir "$K" "$K/spool"
site_conf "$K"
sed -i "s|^spool = .*|spool = $K/spool|; s|^log = .*|log = stderr|" "$K/postern.conf"
mv "$T/certs" "$K/certs"
mkdir "$T/certs" "$T/certs/ca"
cp "$T/ca.pem" "$T/certs/ca/"
S=$T/keys.sock
conf "$T" 'keys_modules = keys-socket' "keys_socket_path = $S"
listen() { # COMMAND...: a service at $S
	[ -z "${listener-}" ] || { kill "$listener"; wait "$listener" 2>/dev/null; }
	rm -f "$S"
	"$SRC/t/helper/module-listen" "$S" "$@" 2>>"$T/service" &
	listener=$!
	kill_at_end "$listener"
	while [ ! -S "$S" ]; do sleep 0.02; done
}
me=$(id -u)
message=$(printf 'From: alice@behoerde.example\nTo: bob@partner.example\nSubject: offer\n\nwords\n')
send() { empty "$T/external"; empty "$T/internal"; printf '%s\n' "$message" >"$T/m"; run "$T" 10.0.0.1 alice@behoerde.example "$@" <"$T/m"; }
signed() { cat "$T"/external/new/* >"$T/got" && openssl cms -decrypt -in "$T/got" -recip "$T/bob.pem" -inkey "$T/bob.key" -out "$T/dec" &&
	openssl cms -verify -in "$T/dec" -CAfile "$T/ca.pem" -out /dev/null; }

send bob@partner.example
is "nobody listens: later" "$code ${out%% *} $(delivered "$T/external")" "75 4.3.0 0"
like "the log says why" "$(grep -v 'info:' "$T/log" | tail -n 5)" 'keys-socket: .*keys\.sock: No such file'
listen "$BUILD/keys-file" -config "$K/postern.conf" -peer "$me"
send bob@partner.example
is "behind a socket: sent" "$code$out" "0"
ok "signed and encrypted" signed
printf 'dear Rita\n' | entity | seal rita | letter bob@partner.example >"$T/m"
incoming rita@behoerde.example <"$T/m"
is "opened" "$code $(grep -c '^dear Rita' "$T/got")" "0 1"
# not -strict: it hands bytes over, and without its configuration it does not know where to
if out=$("$BUILD/postern-module-check" -c "$T/postern.conf" -role keys -address bob@partner.example -own rita@behoerde.example keys-socket 2>&1)
then pass "keeps to the protocol"; else fail "keeps to the protocol" "$out"; fi
# ---- as keys-socket(8) says: partners' certificates stay with the gateway, private keys are the service's
mkdir "$T/certs/public"
mv "$K/certs/public/bob.pem" "$T/certs/public/"
send bob@partner.example
is "partners whom the service does not know: not in clear" "$code $(delivered "$T/external")" "77 0"
conf "$T" "$(sed -n 's/^\(keys_modules = keys-file keys-socket\)$/\1/p' "$SRC/man/keys-socket.8")"
send bob@partner.example
is "with keys-file before it: sent" "$code$out" "0"
ok "signed by the service, encrypted with what the gateway has" signed
mv "$T/certs/public/bob.pem" "$K/certs/public/"
conf "$T" 'keys_modules = keys-socket'

# ---- what each direction may ask: said to the service at the beginning of the conversation
listen sh -c "tee '$T/hello' | '$BUILD/keys-file' -config '$K/postern.conf'"
may_ask() { sed -n '2s/.* operations="\([^"]*\)".*/\1/p' "$T/hello" | head -n 1; }
printf 'dear Rita\n' | entity | seal rita | letter bob@partner.example >"$T/m"
incoming rita@behoerde.example <"$T/m"
is "what came in (opened)" "$code $(grep -c '^dear Rita' "$T/got")" "0 1"
is "cannot sign" "$(may_ask)" "find-certificates find-keys unwrap agree store-certificate"
send bob@partner.example
is "what goes out (sent)" "$code$out" "0"
is "cannot decrypt" "$(may_ask)" "find-certificates find-keys sign"
listen "$BUILD/keys-file" -config "$K/postern.conf" -peer "$me"
many=$(for n in $(seq 400); do printf 'bob+a.rather.long.address.%04d@partner.example ' "$n"; done)
printf '. (to) . (do) FS, EIP\n' >"$T/rules"
# shellcheck disable=SC2086
send $many
is "frames of many kilobytes" "$code" 0
site_make "$T/evil"; sed -i "s|^areas.*||" "$T/evil/postern.conf"; rm -rf "$K/certs/private/house.pem"
echo "keys_modules = keys-socket
keys_socket_path = $S" >>"$T/evil/postern.conf"
printf '. (to) . (do) FS=mail@behoerde.example, NE\n' >"$T/evil/rules"
printf '%s\n' "$message" >"$T/m"
run "$T/evil" 10.0.0.1 alice@behoerde.example bob@partner.example <"$T/m"
is "the service's configuration counts, not the one that postern names" "$code ${out%% *}" "77 5.7.1"
printf '. (to) . (do) FE, FS\n' >"$T/rules"

# ---- a passphrase through the socket
{ openssl pkcs8 -topk8 -v2 aes-128-cbc -iter 1 -passout pass:mine -in "$T/rita.key"; cat "$T/rita.pem"; } >"$K/certs/private/rita.pem"
printf 'dear Rita\n' | entity | seal rita | letter bob@partner.example >"$T/m"
incoming rita@behoerde.example <"$T/m"
id=$(basename "$T"/spool/hold/*.hold .hold)
echo mine >"$T/word"
out=$("$BUILD/postern" -c "$T/postern.conf" -resume "$id" <"$T/word" 2>&1); code=$?
is "-resume" "$code $out" "0 $id resumed"

# ---- who may speak with whom
listen "$BUILD/keys-file" -config "$K/postern.conf" -peer 54321
send bob@partner.example
is "another account than -peer has: later" "$code $(delivered "$T/external")" "75 0"
like "the service says so" "$(cat "$T/service")" "uid $me has connected, only 54321 may"
like "-peer without a socket" "$("$BUILD/keys-file" -config "$K/postern.conf" -peer "$me" </dev/null 2>&1)" 'standard input is no socket'
like "-peer alone is no way to start it" "$("$BUILD/keys-file" -peer "$me" </dev/null 2>&1)" 'standard input is no socket|unknown option'
is "nor is a configuration without a path" "$("$BUILD/keys-file" -config postern.conf </dev/null >/dev/null 2>&1; echo $?)" 64
like "... and says so" "$("$BUILD/keys-file" -config postern.conf 2>&1 </dev/null)" '-config wants an absolute path'
listen sh -c 'exit 1'
send bob@partner.example
is "a service that ends at once: later" "$code $(delivered "$T/external")" "75 0"
listen sh -c 'exec cat >/dev/null'
conf "$T" 'module_timeout = 300ms'
send bob@partner.example
is "one that says nothing" "$code $(delivered "$T/external")" "75 0"
conf "$T" 'module_timeout = 30s'
conf "$T" "keys_socket_path = /$(printf '%0110d' 0)"
send bob@partner.example
is "a path that is too long for a socket" "$code" 75
conf "$T" "keys_socket_path = $S"

# ---- another account
if [ "$me" != 0 ]; then
	skip "another account" "wants root"
elif ! setpriv --reuid=nobody --clear-groups true 2>/dev/null; then
	skip "another account" "no account nobody"
elif ! setpriv --reuid=nobody --clear-groups test -x "$BUILD/keys-file"; then
	skip "another account" "it cannot reach the build"
else
	as_nobody="setpriv --reuid=nobody --regid=nogroup --clear-groups"
	chown -R nobody "$K"
	# shellcheck disable=SC2086
	listen $as_nobody "$BUILD/keys-file" -config "$K/postern.conf" -peer root
	send bob@partner.example
	is "a service as nobody" "$code" 0
	ok "signs with its own keys" signed
	is "which are nobody's" "$(find "$K/spool" -user nobody | wc -l | sed 's/[1-9].*/some/') $(find "$K/spool" -user root | wc -l)" "some 0"
	kill "$listener"; wait "$listener" 2>/dev/null; rm -f "$S"
	mkdir -m 777 "$T/open"; S=$T/open/keys.sock
	# shellcheck disable=SC2086
	$as_nobody "$SRC/t/helper/module-listen" "$S" "$BUILD/keys-file" -config "$K/postern.conf" 2>>"$T/service" &
	listener=$!; kill_at_end "$listener"
	while [ ! -S "$S" ]; do sleep 0.02; done
	conf "$T" "keys_socket_path = $S"
	send bob@partner.example
	is "nobody listens who was not named: later" "$code $(delivered "$T/external")" "75 0"
	like "and it is said" "$(grep -v 'info:' "$T/log" | tail -n 5)" 'uid [0-9]+ listens there; if it is meant to, set keys_socket_user'
	conf "$T" 'keys_socket_user = nobody'
	send bob@partner.example
	is "one who was" "$code $(delivered "$T/external")" "0 1"

	# by a wrapper, as sudo would be one
	cat >"$T/wrapper" <<-END
		#!/bin/sh
		exec setpriv --reuid=nobody --regid=nogroup --clear-groups "$BUILD/keys-file" -config "$K/postern.conf"
	END
	chmod 755 "$T/wrapper"
	conf "$T" "keys_modules = $T/wrapper"
	sed -i '/^keys_socket/d' "$T/postern.conf"
	send bob@partner.example
	is "a wrapper that changes the account" "$code" 0
	ok "signs, too" signed

	# one that cannot be killed, and does not end
	if cp "$(command -v setpriv)" "$T/open/setpriv" && chmod 755 "$T/open/setpriv" && setcap cap_setuid,cap_setgid+ep "$T/open/setpriv" 2>/dev/null &&
		setpriv --reuid=nobody --clear-groups "$T/open/setpriv" --reuid=daemon --clear-groups true 2>/dev/null; then
		printf '#!/bin/sh\nexec "%s" --reuid=daemon --clear-groups sh -c "trap : TERM; exec sleep 5"\n' "$T/open/setpriv" >"$T/wrapper"
		conf "$T" 'module_timeout = 300ms'
		chown -R nobody "$T/spool" "$T/log" "$T/verify.log" "$T/mac.key" "$T/postern.conf" "$T/rules" 2>/dev/null
		chmod 777 "$T"
		setpriv --reuid=nobody --regid=nogroup --clear-groups "$BUILD/postern" -c "$T/postern.conf" -client 10.0.0.1 -sender alice@behoerde.example \
			-readmail bob@partner.example <"$T/m" >"$T/said" 2>&1
		is "a module that we may not kill does not keep the message" "$? $(cut -d' ' -f1 "$T/said")" "75 4.3.0"
		like "and is named" "$(grep -v 'info:' "$T/log" | tail -n 5)" 'of another user does not end at the end of its input'
	else
		skip "a module that we may not kill" "no file capabilities here"
	fi
fi
done_testing
