#!/bin/sh
# every row of the exit-code table: 0, 75, 67, 69, 77, and the one line that says why
. "${0%/*}/lib.sh"
site_make "$T"
m() { message "From: alice@behoerde.example" "To: bob@partner.example" "Subject: t" <<-END
	hello
	END
}
expect() { # WHAT CODE PATTERN
	is "$1: exit $2" "$code" "$2"
	like "$1: says why" "$out" "$3"
	is "$1: in one line" "$(printf '%s\n' "$out" | wc -l)" 1
}
go() { run "$T" "$@" <"$T/m"; }
m >"$T/m"

go 10.0.0.1 alice@behoerde.example bob@partner.example
is "0: done" "$code-$out" "0-"

# 75: everything that is not a deliberate refusal
cp "$T/postern.conf" "$T/good.conf"
restore() { cp "$T/good.conf" "$T/postern.conf"; }
conf "$T" "smime_engine = 3"; go 10.0.0.1 alice@behoerde.example bob@partner.example
expect "bad configuration" 75 '^4\.3\.5 .*postern.conf:[0-9]+: smime_engine'
restore; conf "$T" "module_directory = /nonexistent"; go 10.0.0.1 alice@behoerde.example bob@partner.example
expect "no modules" 75 '^4\.3\.[05] .*rules-file'
restore; conf "$T" "rules_file = /nonexistent"; go 10.0.0.1 alice@behoerde.example bob@partner.example
expect "no rules" 75 '^4\.3\.[05] .*/nonexistent'
restore; conf "$T" "spool = /proc/nonexistent"; go 10.0.0.1 alice@behoerde.example bob@partner.example
expect "no spool" 75 '^4\.3\.0 /proc/nonexistent'
restore; conf "$T" "external = smtp:127.0.0.1:1"; go 10.0.0.1 alice@behoerde.example bob@partner.example
expect "destination away" 75 '^4\.[0-9.]+ .*127.0.0.1'
restore; conf "$T" "external ="; go 10.0.0.1 alice@behoerde.example bob@partner.example
expect "no destination" 75 '^4\.3\.5 destination "external"'
restore; conf "$T" "external = frobnicate:x"; go 10.0.0.1 alice@behoerde.example bob@partner.example
expect "unknown destination" 75 '^4\.3\.5 destination "external"'
restore; conf "$T" "mac_key_file = $T/m"; chmod 644 "$T/m"; go 10.0.0.1 alice@behoerde.example bob@partner.example
expect "readable MAC key" 75 '^4\.3\.5 mac_key_file: .*chmod 600'
restore
ln -s /nonexistent "$T/log2"; conf "$T" "log = $T/log2/x"; go 10.0.0.1 alice@behoerde.example bob@partner.example
expect "no log" 75 '^4\.3\.5 log file'
restore; rm -f "$T/mac.key"; : >"$T/mac.key"; chmod 600 "$T/mac.key"; go 10.0.0.1 alice@behoerde.example bob@partner.example
expect "empty MAC key" 75 'too short'
rm -f "$T/mac.key"

# 67: addresses
go 10.0.0.1 alice@behoerde.example 'bob@partner.example;id'
expect "ill-formed recipient" 67 '^5\.1\.3 recipient'
go 10.0.0.1 'alice;@behoerde.example' bob@partner.example
expect "ill-formed sender" 67 '^5\.1\.7 sender'
go 10.0.0.1 alice@behoerde.example '-fbob@partner.example'
expect "a recipient like an option" 67 '^5\.1\.3 '

# 77: rules and rights
go 192.0.2.1 eve@evil.example bob@partner.example
expect "relaying" 77 '^5\.7\.1 relaying denied'
go 10.0.0.1 eve@evil.example bob@partner.example
expect "a sender that is not ours" 77 '^5\.7\.1 the sender eve@evil.example'
sed 's/^From: .*/From: eve@evil.example/' "$T/m" >"$T/m2"
run "$T" 10.0.0.1 alice@behoerde.example bob@partner.example <"$T/m2"
expect "a From that is not ours" 77 '^5\.7\.1 the From address eve@evil.example'
go 10.0.0.1 alice@behoerde.example nobody@partner.example
expect "no certificate under FE" 77 '^5\.7\.1 encryption is required'
echo '. (to) . (do) REJECT="not today"' >"$T/rules"
go 10.0.0.1 alice@behoerde.example bob@partner.example
expect "REJECT" 77 '^5\.7\.1 not today'
echo '. (to) . (do) NS' >"$T/rules"

# 69: other refusals
conf "$T" "message_size_limit = $(wc -c <"$T/m")"; go 10.0.0.1 alice@behoerde.example bob@partner.example
is "a message at the limit" "$code-$out" "0-"
conf "$T" "message_size_limit = $(($(wc -c <"$T/m") - 1))"; go 10.0.0.1 alice@behoerde.example bob@partner.example
expect "a message above the limit" 69 '^5\.3\.4 .*message_size_limit'
restore
run "$T" 10.0.0.1 alice@behoerde.example bob@partner.example </dev/null
expect "an empty message" 69 '^5\.6\.0 message is empty'
conf "$T" "header_limit = 60"; go 10.0.0.1 alice@behoerde.example bob@partner.example
expect "a header above the limit" 69 '^5\.3\.4 '
restore
conf "$T" "recipient_limit = 1"; go 10.0.0.1 alice@behoerde.example bob@partner.example
is "recipients at the limit" "$code-$out" "0-"
go 10.0.0.1 alice@behoerde.example bob@partner.example x@partner.example
expect "recipients above the limit" 69 '^5\.3\.4 2 recipients'

# one bad recipient does not stop the others, and the sender hears of it
restore; empty "$T/external"; empty "$T/internal"
go 10.0.0.1 alice@behoerde.example bob@partner.example 'x|y@partner.example'
is "one ill-formed of two: exit 0" "$code-$out" "0-"
is "the other is served" "$(delivered "$T/external")" 1
like "the sender is told" "$(cat "$(newest "$T/internal")")" 'Status: 5\.1\.3'

done_testing
