#!/bin/sh
# postern-setup: options, values that cannot be known, and what stands in the way
. "${0%/*}/lib.sh"
setup=$BUILD/bin/postern-setup

# ---- options: each wrong one is named, with what it should have been; nothing below needs a mail server ----
refused() { # WHAT OPTION...
	what=$1
	shift
	out=$("$setup" "$@" 2>&1)
	is "$what: status" $? 64
	wrong=$out
}
refused "unknown option" -frobnicate
like "it is named" "$wrong" '^postern-setup: -frobnicate: no such option'
refused "no option" apply
like "it is named" "$wrong" 'apply: options begin with -'
refused "two modes" -apply -remove
like "they are named" "$wrong" '-apply and -remove'
refused "twice" -port 1 -port 2
like "it is named" "$wrong" '-port is given twice'
refused "no value" -domains
like "what is wanted" "$wrong" '-domains wants domain names'
newline='
'
while IFS='|' read -r option value want; do
	refused "-$option $value" "-$option" "$value"
	like "-$option $value: says what it must be" "$wrong" "^postern-setup: -$option .*must be.*$want"
done <<'END'
mta|exim|postfix or sendmail
tenant|../x|letters
tenant|certs|not certs
domains|behoerde.example, -x|domain names
domains|a..b|domain names
hostname|a b|a host name
internal-clients|10.0.0.0/33|networks
internal-clients|256.1.1.1|networks
internal|host:0|host:port
internal|host:65536|host:port
internal|[10.0.0.1|host:port
external|a;b|mx
scanner|$(id)|none
inject|lmtp|smtp or command
port|65534|65533
user|root|not root
admin|x@y@z|mail address
admin|"a b"@x.example|mail address
engine|3|0, 1 or 2
processes|0|a number
config|etc|absolute path
config|/etc/../tmp|absolute path
config|/etc/post fix|absolute path
postern|/x'y|absolute path
END
for option in domains hostname internal config admin tenant internal-clients; do
	refused "-$option with a new line" "-$option" "/a.example${newline}b.example"
done
unlike "a message is one line whatever was given" "$(printf '%s\n' "$wrong" | tail -n 1)" 'b.example$'
like "-help" "$("$setup" --help)" '-apply'

done_testing
