#!/bin/sh
# postern-cert: a certificate's whole life, from seen to replaced, by files that appear in areas and go
. "${0%/*}/lib.sh"
site_make "$T" || skip_all "no site could be made"
mkdir -m 700 "$T/spool"
P=partner.example
for n in anna berta berta2 carla dora; do site_certificate "$T" "$n" "${n%2}@$P" || exit 1; done
cp -R "$T/certs" "$T/certs.kept"

cert() { # ARGUMENT...: $out, $code
	out=$("$BUILD/postern-cert" -c "$T/postern.conf" "$@" 2>&1)
	code=$?
}
fresh() { rm -rf "$T/certs"; cp -R "$T/certs.kept" "$T/certs"; }
holds() { # AREA NAME: whether some file of the area is this very certificate (its second line has the serial number)
	grep -rqxF --exclude-dir=.forgotten -- "$(sed -n 2p "$T/$2.pem")" "$T/certs/$1"
}
hash_of() { openssl x509 -in "$T/$1.pem" -outform DER | sha256sum | cut -d ' ' -f 1; }
forgotten() { test -f "$T/certs/$1/.forgotten/$2"; }
areas_of() { # NAME: the areas that hold it
	for area in public trusted untrusted seen; do holds "$area" "$1" && printf '%s ' "$area"; done
}

# ---- seen to public ----
cp "$T/anna.pem" "$T/certs/seen/"
cert list
is "list" "$code $(echo "$out" | cut -f 1,3 | tr '\t\n' ' ;')" "0 public bob@$P;seen anna@$P;"
like "with the end and the file" "$out" "^seen	20[0-9-]*T[0-9:]*Z	anna@$P	$T/certs/seen/anna.pem\$"
cert find "Anna@$P"
like "find, and what a message would hear of it" "$code $out" "^0 seen	[^	]*	Anna@$P	valid	$T/certs/seen/anna.pem\$"
cert publish "anna@$P"
is "publish" "$code $(areas_of anna)" "0 public "
ok "under the name of its content" test -f "$T/certs/public/$(hash_of anna).pem"
is "a file that anybody may read" "$(stat -c %a "$T/certs/public/$(hash_of anna).pem")" 644
ok "and a copy is kept" forgotten seen anna.pem
cert publish "anna@$P"
is "once more: it is not there" "$code" 1
is "nothing is left lying about" "$(find "$T/certs" -name '.new*')" ""

cp "$T/bob.pem" "$T/certs/seen/"; cp "$T/bob.pem" "$T/certs/untrusted/"
cert publish "bob@$P"
like "what is not valid is not published" "$code $out" "^1 .*marked as untrusted"
ok "and stays where it is" holds seen bob
cert publish -unchecked "$T/certs/seen/bob.pem"
is "unless the operator insists" "$code $(areas_of bob)" "0 public untrusted "

# ---- conflicts ----
fresh
cp "$T/berta.pem" "$T/certs/public/"; cp "$T/berta2.pem" "$T/anna.pem" "$T/certs/seen/"; cp "$T/berta.pem" "$T/certs/seen/same.pem"
cert list -conflicts
is "conflicts: what waits and what is in use" "$(echo "$out" | cut -f 1,3,4,5)" "seen	berta@$P	waiting	$T/certs/seen/berta2.pem
public	berta@$P	in use	$T/certs/public/berta.pem"
rm "$T/certs/seen/same.pem"
cert publish "berta@$P"
is "published beside it" "$code $(areas_of berta)$(areas_of berta2)" "0 public public "
fresh
cp "$T/berta.pem" "$T/certs/public/"; cp "$T/berta2.pem" "$T/certs/seen/"
cert publish -replace "berta@$P"
is "or instead of it" "$code $(areas_of berta)$(areas_of berta2)" "0 public "
ok "the old one is kept" forgotten public berta.pem
cert list -conflicts
is "no conflict any more" "$code$out" 0
cert forget "berta@$P"
is "forget" "$code $(areas_of berta2)" "0 "
cert forget "berta@$P"
is "forget what is not there" "$code" 1

# ---- trust and distrust ----
fresh
cert trust "$T/carla.pem"
is "trust a file from elsewhere" "$code $(areas_of carla)" "0 trusted "
cert trust "$T/carla.pem"
like "again: known" "$code $out" '^0 known: '
cert distrust "carla@$P"
is "distrust leaves it in trusted" "$code $(areas_of carla)" "0 trusted untrusted "
cert find "carla@$P"
like "and beats it" "$out" '^trusted	.*	invalid untrusted	'
cert forget -area trusted "carla@$P"
cert trust "$T/carla.pem"
like "trust refuses what is untrusted, and says what to do" "$code $out" '^1 .*untrusted, which beats trusted.*forget -area untrusted'
cert forget -area untrusted "$(hash_of carla)"
is "forget by fingerprint" "$code $(areas_of carla)" "0 "
cert trust "$T/carla.pem"
is "then trust" "$code $(areas_of carla)" "0 trusted "

# ---- several ----
cp "$T/berta.pem" "$T/berta2.pem" "$T/certs/public/"
cert forget "berta@$P"
is "an address with two certificates is a question" "$code $(areas_of berta)$(areas_of berta2)" "1 public public "
like "answered by its file or -all" "$out" 'several certificates of this address: name one by its file, or say -all'
cert forget "$T/certs/public/berta.pem"
is "by its file" "$code $(areas_of berta)$(areas_of berta2)" "0 public "
cp "$T/berta.pem" "$T/certs/public/"
cert forget -all "berta@$P"
is "all of them" "$code $(areas_of berta)$(areas_of berta2)" "0 "
ok "what was forgotten before under that name stays" forgotten public berta.pem.1
cat "$T/anna.pem" "$T/dora.pem" "$T/berta.pem" >"$T/certs/public/three.pem"
cert forget "dora@$P"
is "one of three in a file: the others stay" "$code $(areas_of anna)$(areas_of dora)$(areas_of berta)" "0 public public "
ok "the file is kept" forgotten public three.pem
cp "$T/certs/private/alice.pem" "$T/certs/public/"
cert forget alice@behoerde.example
like "a file with a private key is the operator's" "$code $out" 'alice.pem: holds a private key; move it yourself'
rm "$T/certs/public/alice.pem"
cert forget -area private alice@behoerde.example
like "nor is private an area of forget" "$code $out" '^64 .*-area private: not an area of forget'

# ---- show, JSON ----
cert show "$T/dora.pem"
like "show" "$out" "^address: dora@$P\$"
like "its fingerprint" "$out" "^sha256: $(hash_of dora)\$"
out=$("$BUILD/postern-cert" show - <"$T/dora.pem" 2>&1)
like "from standard input, without a site" "$out" '^subject: CN=dora,O=Example'
cert show "$T/none.pem"
is "a file that is not there" "$code" 66
cert show "nobody@$P"
is "an address that nobody has" "$code" 1
if command -v jq >/dev/null 2>&1; then is_json() { jq -e . >/dev/null; }; else is_json() { perl -MJSON::PP -e 'local $/; decode_json(<STDIN>)'; }; fi
cp "$T/anna.pem" "$T/certs/seen/"
for words in list "list -conflicts" "find anna@$P" "show $T/anna.pem" "publish anna@$P" "forget anna@$P" "expiring 1" "import $T/anna.pem"; do
	"$BUILD/postern-cert" -c "$T/postern.conf" -json $words >"$T/json" 2>/dev/null
	ok "JSON of $words" is_json <"$T/json"
done

# ---- expiring ----
fresh
sign() { # NAME DAYS: NAME.pem again, for so many days
	openssl req -new -key "$T/$1.key" -subj "/CN=$1" | openssl x509 -req -CA "$T/ca.pem" -CAkey "$T/ca.key" -days "$2" \
		-extfile "$T/ext" -set_serial "0x4$(openssl rand -hex 8)" -out "$T/$1.$2.pem" 2>/dev/null
}
for n in anna berta carla; do
	echo "subjectAltName=email:$n@$P" >"$T/ext"
	sign "$n" 10
done
sign carla 10 && mv "$T/carla.10.pem" "$T/short.pem"
cp "$T/anna.10.pem" "$T/certs/public/"; cp "$T/berta.10.pem" "$T/berta.pem" "$T/certs/public/"; cp "$T/short.pem" "$T/certs/public/"
cp "$T/short.pem" "$T/certs/trusted/"
cert expiring 11
# ten days are nine and a bit, unless the second is still the same
like "who has nothing better, and is not trusted" "$code $(echo "$out" | cut -f 2,3)" "^1 (9|10)	anna@$P\$"
cert expiring 8
is "nobody within 8 days" "$code $out" "0 "
cert expiring 4000
like "CAs, too, and our own" "$out" "	-	ca	$T/certs/ca/ca.pem"
like "our own" "$out" "	alice@behoerde.example	private	"
cert expiring soon
is "no number" "$code" 64
cert expiring 36501
is "too far" "$code" 64

# ---- who may ----
if [ "$(id -u)" = 0 ]; then
	fresh
	chmod 755 "$T"
	chown -R 65534:65534 "$T/spool" "$T/certs/seen"
	cp "$T/anna.pem" "$T/certs/seen/" && chown 65534 "$T/certs/seen/anna.pem"
	cert publish "anna@$P"
	is "root, where the spool is another's" "$code $(areas_of anna)" "0 public "
	is "files belong to the area's owner" "$(stat -c %u "$T/certs/public/$(hash_of anna).pem") $(stat -c %u "$T/certs/seen/.forgotten")" "0 65534"
	is "the index to the spool's" "$(stat -c %u "$T/spool/index/public/data.mdb")" 65534
	cert import -area seen "$T/berta.pem"
	is "import likewise" "$code $(stat -c %u:%a "$T/certs/seen/$(hash_of berta).pem")" "0 65534:644"
	cert list
	is "list as the spool's user" "$code" 0
	rm -rf "$T/spool/index"
	cert verify "$T/anna.pem"
	ok "verify makes an index, too" test -d "$T/spool/index"
	is "which is not root's" "$(find "$T/spool" -user 0)" ""
	mkdir -m 777 "$T/else"
	cp "$T/dora.pem" "$T/else/"
	ln -s "$T/else" "$T/certs/seen/link" && chown -h 65534 "$T/certs/seen/link"
	cert forget "dora@$P"
	like "who owns an area does not lead root elsewhere" "$code $out" "^77 .*a link of uid 65534, not followed"
	is "the file there stays" "$(ls -A "$T/else")" dora.pem
	rm "$T/certs/seen/link"
	ln -s "$T/else" "$T/certs/seen/.forgotten.link"; mv "$T/certs/seen/.forgotten" "$T/certs/seen/.kept"; mv "$T/certs/seen/.forgotten.link" "$T/certs/seen/.forgotten"
	cert forget "berta@$P"
	is "nor by the folder of what is forgotten" "$code $(ls -A "$T/else")" "77 dora.pem"
	rm "$T/certs/seen/.forgotten"
	out=$(setpriv --reuid=65534 --regid=65534 --clear-groups "$BUILD/postern-cert" -c "$T/postern.conf" trust "$T/dora.pem" 2>&1)
	case $out in
	*"Permission denied"*postern-cert*) skip "who does not own the area is refused" "nobody cannot come here" ;;
	*) like "who does not own the area is refused" "$? $out" "^77 .*run this as that user or as root" ;;
	esac
	is "and nothing was written" "$(ls -A "$T/certs/trusted")" ""
else
	skip "another user's spool" "only root"
fi
done_testing
