#!/bin/sh
# postern.conf: syntax, types, every error with file and line; -check; the manual page names every option
. "${0%/*}/lib.sh"
site_make "$T"
P=$BUILD/postern
C=$T/c.conf
try() { printf '%b' "$1" >"$C"; out=$("$P" -c "$C" -client 10.0.0.1 -readmail a@b.example </dev/null 2>&1); }
bad() { # WHAT TEXT PATTERN
	try "$2"
	like "$1" "$out" "^4\\.3\\.5 $C:$3"
}
bad "unknown name" 'hostname = x\nfoo = 1\n' '2: unknown option "foo"'
bad "no equals sign" 'hostname\n' '1: expected "name = value"'
bad "no name" ' = x\n' '1: .*nothing before it'
bad "empty name" '= x\n' '1: no name'
bad "odd name" 'host name = x\n' '1: "host name" is not'
bad "twice" 'hostname = x\n\nHOSTNAME = y\n' '3: "HOSTNAME" was already set in line 1'
bad "bad word" 'deliver_inside = maybe\n' '1: deliver_inside: "maybe" is none of: decrypted, original, reencrypted'
bad "bad boolean" 'partial = perhaps\n' '1: partial: "perhaps" is neither'
bad "bad number" 'layer_limit = eight\n' '1: layer_limit: "eight" is not a number'
bad "number below" 'layer_limit = 0\n' '1: layer_limit: 0 is out of range'
bad "number above" 'layer_limit = 65\n' '1: layer_limit: 65 is out of range'
bad "huge number" 'layer_limit = 99999999999999999999999\n' '1: layer_limit: '
bad "bad size" 'message_size_limit = 1X\n' '1: message_size_limit: "1X" is not a size'
bad "overflowing size" 'message_size_limit = 99999999999999999G\n' '1: message_size_limit: '
bad "bad time" 'deadline = 5 parsecs\n' '1: deadline: .* is not a time'
bad "bad network" 'internal_clients = 10.0.0.0/8 10.0.0.1/8\n' '1: internal_clients: "10.0.0.1/8": bits are set'
bad "bad address" 'scanner_clients = localhost\n' '1: scanner_clients: "localhost" is not an IP address'
bad "hostname" 'hostname = a b\n' '1: hostname: "a b" is not a domain'
bad "local domain" 'local_domains = a.example, .b..example\n' '1: local_domains: "b..example" is not a domain'
bad "administrator" 'admin = post master\n' '1: admin: "post master" is not an address'
bad "queue of an unknown server" 'external_queue = exim:/etc/exim\n' '1: external_queue: "exim:/etc/exim" is none of'
bad "queue without a kind" 'carrier_queue = /etc/postfix\n' '1: carrier_queue: '
bad "queue with a relative path" 'scanner_queue = postfix:etc\n' '1: scanner_queue: '
bad "queue without a path" 'internal_queue = sendmail:\n' '1: internal_queue: '
bad "empty queue" 'internal_queue =\n' '1: internal_queue: '
bad "relative path" 'spool = spool\n' '1: spool: "spool" is not an absolute path'
bad "module option of no module" 'keys_ldap_uri = x\n' '1: unknown option "keys_ldap_uri"'
bad "error in a continuation" 'internal_clients = 10.0.0.0/8\n  ,\n  foo\n' '1: internal_clients'
bad "bad log level" 'log_level = loud\n' ' log_level "loud"'
printf 'hostname = x\0y\n' >"$C"
like "NUL byte" "$("$P" -c "$C" -check 2>&1)" 'contains a NUL byte'
like "no hostname" "$(try 'local_domains = x\n'; echo "$out")" 'hostname is not set'
like "no domains" "$(try 'hostname = x\n'; echo "$out")" 'local_domains is not set'
like "a directory" "$("$P" -c "$T" -check 2>&1)" '^4\.3\.5 '

# what is right: cases, comments, continuation, ${config_directory}, module options, limits at the edge
cat >"$T/full.conf" <<-END
	# comment
	HostName = mx.behoerde.example
	  # a comment inside
	LOCAL_DOMAINS = behoerde.example,
	    .behoerde.example
	layer_limit = 64
	keys_modules = keys-file keys-ldap
	keys_ldap_uri = ldap://x
	spool = \${config_directory}/spool
	module_directory = $BUILD
	external = maildir:\${config_directory}/external
	internal = maildir:$T/internal
	verify_log = $T/verify.log
	log = $T/log
	smime_engine = 0
END
out=$("$P" -c "$T/full.conf" -check 2>&1)
is "a configuration with everything" "$?" 0
like "spool expands" "$out" "^ok: spool $T/spool"

# -get: one line a name, in their order, as they apply
get() { out=$("$P" -c "$T/full.conf" -get "$@" 2>&1); code=$?; }
get hostname
is "-get: exit 0" "$code-$out" "0-mx.behoerde.example"
get spool HOSTNAME local_domains
is "-get of three names, one in capitals" "$out" "$T/spool
mx.behoerde.example
behoerde.example .behoerde.example"
get deadline message_size_limit layer_limit partial deliver_inside carrier_queue internal_clients tag_signed admin
is "-get of every type: defaults" "$out" "300s
104857600
64
yes
decrypted
none
127.0.0.0/8 ::1

postmaster"
{
	cat "$T/full.conf"
	cat <<-'END'
		deadline = 1500ms
		module_timeout = 1m
		partial = NO
		deliver_inside = Original
		internal_clients = 2001:DB8::/32, [::1]
		    10.0.0.1/32
		carrier_queue = postfix:${config_directory}/carrier
		external_queue = NONE
		scanner_queue = sendmail:/etc/mail/a b.cf
	END
} >"$T/get.conf"
is "-get of every type: values" "$("$P" --c "$T/get.conf" --get deadline module_timeout partial deliver_inside internal_clients \
	carrier_queue external_queue scanner_queue)" "1500ms
60s
no
original
2001:db8::/32 ::1 10.0.0.1
postfix:$T/carrier
none
sendmail:/etc/mail/a b.cf"
get hostname frobnicate
is "-get of an unknown name: 75, and nothing else is printed" "$code-$out" \
	'75-4.3.5 -get: unknown option "frobnicate"; see postern.conf(5)'
get keys_ldap_uri
is "-get of a module's name: 75" "$code" 75
"$P" -c "$T/full.conf" -get hostname >/dev/full 2>"$T/e"
is "-get into a full disk: 75" "$?" 75
out=$("$P" -c /nonexistent -get hostname 2>&1)
is "-get without a configuration: 75" "$?" 75
# shellcheck disable=SC2046
get $(sed -n 's/^	{ "\([a-z_]*\)", CONFIG_.*/\1/p' "$SRC/src/lib/config_options.c")
is "-get knows every name: one line each" "$(printf '%s\n' "$out" | wc -l)" \
	"$(grep -c '^	{ "[a-z_]*", CONFIG_' "$SRC/src/lib/config_options.c")"

# -check
out=$("$P" -c "$T/postern.conf" -check 2>&1)
is "-check of a good site: exit 0" "$?" 0
like "-check lists the areas" "$out" "^ok: area $T/certs/public"
like "-check counts" "$out" '^0 errors, [0-9]+ warnings?$'
for damage in "external = maildir:$T/rules/x" "module_directory = /nonexistent" "profile = none" "internal = smtp:127.0.0.1:1" \
	"via_x = nonsense" "rules_file = /nonexistent" "log = /nonexistent/log" "subject_sign = (" \
	"check_path_hashes = sha9" "check_path_unknown = 1"; do
	cp "$T/postern.conf" "$T/d.conf"
	sed -i "/^${damage%% *} *=/d" "$T/d.conf"
	echo "$damage" >>"$T/d.conf"
	out=$("$P" -c "$T/d.conf" -check 2>&1)
	is "-check with $damage: exit 75" "$?" 75
	like "-check with $damage: says so" "$out" '^error: '
done
# values that are good each by itself
together() { # MARK LINE...
	grade=$1
	cp "$T/postern.conf" "$T/d.conf"
	shift
	for line; do
		sed -i "/^${line%% *} *=/d" "$T/d.conf"
		echo "$line" >>"$T/d.conf"
	done
	"$P" -c "$T/d.conf" -check 2>&1 | grep "^$grade" | head -n 1
}
like "a scanner from which nothing returns" "$(together error "scanner = maildir:$T/scanner")" 'scanner without scanner_clients'
is "a scanner with its clients" "$(together error "scanner = maildir:$T/scanner" "scanner_clients = 10.0.0.1")" ""
like "scanner clients and no scanner" "$(together 'warning: sc' "scanner_clients = 10.0.0.1")" 'scanner_clients without scanner'
is "the original with a scanner" "$(together error "scanner = maildir:$T/scanner" "scanner_clients = 10.0.0.1" \
	"deliver_inside = original")" ""
like "the whole world inside" "$(together error "internal_clients = 0.0.0.0/0")" 'holds the whole Internet'
like "and that of IPv6" "$(together error "internal_clients = ::/0")" 'holds the whole Internet'
is "a big network of ours" "$(together error "internal_clients = 10.0.0.0/8 fd00::/8")" ""
like "a module's time" "$(together 'warning: module_t' "module_timeout = 10s" "deadline = 10s")" 'not below deadline'
is "a millisecond less" "$(together 'warning: module_t' "module_timeout = 9999ms" "deadline = 10s")" ""

# what holds mail up, and who would hear of it only then
like "a verify log that cannot be written" "$(together 'warning: verify_log' "verify_log = /nonexistent/log")" 'No such file'
like "a key of ours, and what its certificate is worth" "$("$P" -c "$T/postern.conf" -check 2>&1)" \
	"^ok: key of alice@behoerde\\.example \\($T/certs/private/alice.pem\\): its certificate is valid"
like "without its CA" "$(mv "$T/certs/ca" "$T/away"; mkdir "$T/certs/ca"; "$P" -c "$T/postern.conf" -check 2>&1; rmdir "$T/certs/ca"; \
	mv "$T/away" "$T/certs/ca")" '^warning: key of alice@.*unknown \(no-path\)'
chmod 644 "$T/certs/private/alice.pem"
like "a key that others may read" "$(together error)" 'alice.pem: holds a private key and is not ours alone'
like "also when that was said before, to a message that waits now" "$(together error)" 'alice.pem: others may read this private key'
chmod 600 "$T/certs/private/alice.pem"
echo secret >"$T/passphrase"; chmod 644 "$T/passphrase"
like "a passphrase that others may read" "$(together error)" "passphrase_file $T/passphrase: .*0644"
rm "$T/passphrase"
like "one that was named and is not there" "$(together error "passphrase_file = $T/none")" "passphrase_file $T/none: No such file"
is "where none is named there need not be one" "$(together error)" ""
(umask 077; echo >"$T/passphrase")
like "an empty one" "$(together error)" "passphrase_file $T/passphrase: its first line is empty"
rm "$T/passphrase"
cp "$T/certs/private/alice.pem" "$T/plain.pem"
(umask 077; { openssl pkcs8 -topk8 -v2 aes-128-cbc -iter 1 -passout 'pass:correct horse' -in "$T/plain.pem"; cat "$T/alice.pem"; } >"$T/certs/private/alice.pem")
like "a key that nobody can use" "$(together 'warning: key')" 'alice@.*: mail that needs it is held until .*there is no central passphrase'
(umask 077; echo wrong >"$T/passphrase")
like "... or with another passphrase" "$(together 'warning: key')" 'the central passphrase does not open it'
(umask 077; echo 'correct horse' >"$T/passphrase")
is "... or with the right one" "$(together warning)$(together error)" ""
like "a program that does not say it" "$(together error "passphrase_file = program:/bin/false secret")" 'key of alice.*does not sign: .*/bin/false: ended with status 1'
like "a credential that is not there" "$(together error "passphrase_file = credential:pass")" 'CREDENTIALS_DIRECTORY is not set'
rm "$T/passphrase"
(umask 077; cat "$T/plain.pem" >"$T/certs/private/alice.pem")
echo nonsense >"$T/certs/public/broken.pem"
like "a file that is none, in an area" "$(together 'warning: keys')" '/broken.pem: no certificate'
rm "$T/certs/public/broken.pem"
like "a PROFILE in the rules that is not there" "$(echo '. (to) . (do) FS, PROFILE=nowhere' >"$T/profile-rules"
	together error "rules_file = $T/profile-rules")" 'profile-rules:1:1: PROFILE=nowhere: no profile nowhere'
is "and one that is" "$(echo '. (to) . (do) FS, PROFILE=BDEW' >"$T/profile-rules"; together error "rules_file = $T/profile-rules")" ""
mv "$T/certs/private" "$T/away"; mkdir -m 700 "$T/certs/private"
like "no key at all" "$(together 'warning: no')" 'no keys module has a key of ours that signs'
rmdir "$T/certs/private"; mv "$T/away" "$T/certs/private"

# as root in somebody else's spool nothing is done, and nothing is left there
if [ "$(id -u)" -eq 0 ]; then
	mkdir "$T/theirs"
	chown 65534 "$T/theirs"
	like "-check as root in another's spool" "$(together error "spool = $T/theirs" "mac_key_file = $T/theirs.key")" 'belongs to uid 65534'
	out=$(printf 'Subject: x\n\nx\n' | "$P" -c "$T/d.conf" -client '' -sender me@behoerde.de -readmail x@behoerde.de 2>&1)
	is "a message as root there: exit 75" "$?" 75
	like "the reason" "$out" '^4\.3\.5 .*belongs to uid 65534'
	is "nothing is made" "$(ls "$T/theirs"; ls "$T/theirs.key" 2>/dev/null)" ""
else
	skip "root in another's spool" "not root"
fi
# a check module that starts and says nothing of the protocol
mkdir "$T/modules"
cp "$BUILD/rules-file" "$BUILD/keys-file" "$T/modules/"
printf '#!/bin/sh\necho nonsense\n' >"$T/modules/check-path"
chmod 755 "$T/modules/check-path"
sed "s|^module_directory.*|module_directory = $T/modules|" "$T/postern.conf" >"$T/d.conf"
like "-check finds a check module that does not speak the protocol" "$("$BUILD/postern" -c "$T/d.conf" -check 2>&1)" '^error: modules: .*check-path'
chmod 755 "$T/certs/private"
like "-check warns of an open private area" "$("$P" -c "$T/postern.conf" -check 2>&1)" '^warning: area .*private: mode 0755'

# every option stands in the manual page and in etc/postern.conf
for name in $(sed -n 's/^	{ "\([a-z_]*\)", CONFIG_.*/\1/p' "$SRC/src/lib/config_options.c"); do
	ok "$name is in postern.conf.5" grep -Eq "^\\.It Cm (.* , )?$name( |\$)" "$SRC/man/postern.conf.5"
	ok "$name is in etc/postern.conf" grep -Eq "^#? ?$name( |=)" "$SRC/etc/postern.conf"
done

done_testing
