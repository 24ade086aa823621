#!/bin/sh
# nobody knows for now whether one recipient can be encrypted to: he waits, the others do not
. "${0%/*}/lib.sh"
. "$SRC/t/outgoing.sh"
command -v perl >/dev/null || skip_all "perl is missing"
A=alice@behoerde.example B=bob@partner.example C=carol@away.example D=dora@clear.example
mkdir "$T/modules"
for m in rules-file keys-file check-path; do ln -s "$BUILD/$m" "$T/modules/$m"; done
for m in keys check; do ln -s "$SRC/t/helper/fake-module" "$T/modules/$m"; done
rules '. (to) @(partner|away|none)\.example$ (do) FE, FS' '. (to) if\.example$ (do) EIP'
cp "$T/postern.conf" "$T/conf.good"
site() { cp "$T/conf.good" "$T/postern.conf"; conf "$T" "module_directory = $T/modules" "check_modules = check" "$@"; rm -rf "$T/spool/journal"; }
openssl x509 -in "$T/bob.pem" -outform DER -out "$T/bob.der"
# the directory has bob's certificate for everybody, and the check likes it, but for those whose domain is away
behave() { # MODULE LINE...
	behave_module=$1
	shift
	printf '%s\n' "$@" >"$T/modules/$behave_module.behaviour"
}
well() { behave keys "DER $T/bob.der"; behave check "role check"; }
away() { well; echo 'away @away.' >>"$T/modules/$1.behaviour"; }
who() { for who in "$@"; do [ -n "$(letter "$who")" ] && echo "${who%%@*}"; done | tr '\n' ' '; }
mail "$A" "$B" >"$T/m"

for module in keys check; do
	site "keys_modules = keys-file keys"
	away $module
	send "$A" "$B" "$C" "$D"
	is "$module: one waits" "$code $(left) $(who "$B" "$C" "$D")" "75 2 bob dora "
	like "$module: ... and the one line says who, and why" "$out" "^4\.3\.0 to=<$C> .*nobody is at home"
	like "$module: ... which -explain tells before" "$plan" "waits: $C: 4\.3\.0 .*nobody is at home"
	ok "$module: ... another is served as ever" opens "$B" bob
	well
	send "$A" "$B" "$C" "$D"
	is "$module: the next attempt is for him alone" "$code $(left) $(who "$B" "$C" "$D")" "0 1 carol "
	ok "$module: ... sealed" opens "$C" bob
done

site "keys_modules = keys-file keys"
away keys
send "$A" "$B" erna@if.example emil@away.if.example "$C"
is "if possible is not now" "$code $(left) $(who "$B" erna@if.example emil@away.if.example "$C")" "75 2 bob erna "
send "$A" "$C" carl@away.example emil@away.if.example
is "all wait, nothing leaves in clear" "$code $(left)" "75 0"
site "keys_modules = keys-file keys" "partial = no"
send "$A" "$B" "$C" "$D"
is "partial = no: all or none" "$code $(left)" "75 0"

# who has none is told of at once, and once
site "keys_modules = keys-file keys"
behave keys 'away @away.'
for attempt in first second; do
	send "$A" "$B" nora@none.example "$C"
	is "one has none, one waits: $attempt attempt" "$code $(left) $(dsn | grep -c "^Final-Recipient:.*nora@none.example")" \
		"75 $([ $attempt = first ] && echo 1 1 || echo 0 0)"
done

# one among many costs a few questions more
site "keys_modules = keys"
rules '. (to) . (do) FE, NS'
mkdir "$T/record"
away keys
echo "record $T/record" >>"$T/modules/keys.behaviour"
many=$(i=0; while [ $i -lt 60 ]; do i=$((i + 1)); echo "r$i@partner.example"; [ $i -ne 37 ] || echo "$C"; done)
cp "$T/m" "$T/in"
# shellcheck disable=SC2086
run "$T" 10.0.0.1 "$A" $many <"$T/in"
is "60 are served, one waits" "$code $(left) $(grep -l pkcs7-mime "$T/external/new/"* | wc -l) $(who r1@partner.example r60@partner.example "$C")" \
	"75 60 60 r1 r60 "
is "... who is looked for by halves" "$(grep -l '<find-certificates' "$T/record"/*-to-* | wc -l)" 12
foreseen
done_testing
