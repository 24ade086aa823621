#!/bin/sh
# the module's side: what every module in C gets from src/lib/server.c
. "${0%/*}/lib.sh"
. "${0%/*}/helper/modules.sh"
SKELETON=$BUILD/t/helper/skeleton-module

frame() { for doc; do printf '%d\n%s' "${#doc}" "$doc"; done; }
# says DOCUMENT...: they are sent, what comes back stands in $got (frames separated by line feeds), log in $log
says() {
	frame "$@" | "$SKELETON" >"$T/got" 2>"$T/log"; status=$?
	got=$(sed 's/>[0-9]*$/>/' "$T/got"); log=$(cat "$T/log")
}
ln -s "$SKELETON" "$T/modules/skeleton"
site rules=skeleton
hello() { printf '<hello protocol="%s" role="rules" postern="0" config="%s" queue-id="Q" log-level="debug" deadline="20000" operations="%s"/>' "$1" "$T/postern.conf" "$2"; }
HELLO=$(hello 1.0 decide)

decide x@y
is "a conversation" "$status:$out" "0:x@y: NS as= NE profile= strip=0 block=00 via= reject=(none) because="
says "$HELLO" '<decide id="7"><recipient address="a@b"/></decide>' '<decide id="again&amp;"/>'
like "its hello" "$got" '^<hello protocol="1.1" role="rules" name="skeleton" version="[^"]+" operations="decide"/>$'
like "a result has the request's id" "$got" '^<result id="7"><decision recipient="a@b" sign="NS" encrypt="NE"/></result>$'
like "... whatever it is" "$got" '^<result id="again&amp;"/>$'
is "a clean end" "$status:$log" "0:"
says "$HELLO"; is "end of file after the hello is clean" "$status" 0

says "$(hello 1.0 "")" '<decide id="1"/>'
like "an operation outside the narrowing is refused here too" "$got" '^<refused id="1" kind="permanent" code="narrowed">operation "decide"|&quot;decide&quot;'
says "$(hello 1.0 "decid decides")" '<decide id="1"/>'
like "... words are compared whole" "$got" 'code="narrowed"'
says "$HELLO" '<dance id="1"/>'
like "an unknown operation" "$got" '^<refused id="1" kind="permanent" code="unknown-operation">'
says "$HELLO" '<dance id="1"/>' '<decide id="2"/>'
like "... and the conversation goes on" "$got" '^<result id="2"/>$'

for v in 2.0 1 1. 1.x 10.0 ""; do
	says "$(hello "$v" decide)"
	is "version \"$v\" ends it" "$status:$got" "75:"
done
says "$(hello 1.7 decide)" '<decide id="1"/>'; is "version 1.7 does not" "$status" 0
says '<hello protocol="1.0" role="keys" config="x" operations=""/>'
like "another role ends it" "$status:$log" '^75:error: asked to be "keys", this module is "rules"$'
says '<decide id="1"/>'
like "a first word that is no hello" "$status:$log" '^75:error: expected <hello>, got <decide>$'
says "$HELLO" '<decide/>'
like "a request without id" "$status:$log" '^75:error: <decide> has no id$'
says "$HELLO" '<decide id="1">'
like "what is no XML" "$status:$log" '^75:error: XML line 1'
{ frame "$HELLO"; printf '20\n<decide id="1"/>'; } | "$SKELETON" >/dev/null 2>"$T/log"
is "end of file inside a frame" "$?:$(cat "$T/log")" "75:error: end of file inside a frame"

# ---- a module that is not ready never says "not found" and never "for good"
for mode in start-config:configuration start-notfound:temporary start-silent:temporary; do
	site rules=skeleton; setting "skeleton_mode = ${mode%%:*}"
	says "$HELLO" '<decide id="1"/>' '<decide id="2"/>'
	is "${mode%%:*}: every request is refused for now" "$(printf '%s\n' "$got" | grep -c "^<refused id=\"[12]\" kind=\"temporary\" code=\"${mode##*:}\">")" 2
done
echo 'nonsense = 1' >>"$T/postern.conf"
says "$HELLO" '<decide id="1"/>'
like "a configuration with an error" "$got" "^<refused id=\"1\" kind=\"temporary\" code=\"configuration\">$T/postern.conf:[0-9]+: "

# ---- results that cannot be sent
site rules=skeleton; setting "skeleton_mode = text"
says "$HELLO" '<decide id="1"><recipient address="a@b"/></decide>' '<decide id="2"/>'
like "a value that is no XML text is a refusal" "$got" '^<refused id="1" kind="temporary" code="temporary">the answer cannot be written: profile'
like "... and the conversation goes on" "$got" '^<result id="2"/>'
site rules=skeleton; setting "skeleton_mode = unclosed"
says "$HELLO" '<decide id="1"/>'
like "an element left open is a refusal" "$got" '^<refused id="1" kind="temporary"'
site rules=skeleton; setting "skeleton_mode = huge"; setting "frame_limit = 8K"
says "$HELLO" '<decide id="1"/>'
like "a result over frame_limit is a refusal" "$got" '^<refused id="1" kind="permanent" code="limit">the answer has [0-9]+ bytes, frame_limit is 8192'
site rules=skeleton; setting "skeleton_mode = code"
says "$HELLO" '<decide id="1"/>'
like "a handler's own code" "$got" '^<refused id="1" kind="temporary" code="weather">it rains</refused>$'

# ---- frames at the limit and one above
site rules=skeleton; setting "frame_limit = 4K"
request() { printf '<decide id="1"><!--%s--></decide>' "$(printf "%0$(($1 - 31))d" 0)"; }
at=$(request 4096); over=$(request 4097)
is "(the requests are that long)" "${#at} ${#over}" "4096 4097"
says "$HELLO" "$at"; like "a request of frame_limit" "$got" '^<result id="1"/>$'
says "$HELLO" "$over"; like "one byte more" "$status:$log" '^75:error: frame of 4097 bytes, the limit is 4096$'

# ---- its command line
like "-help" "$("$SKELETON" -help)" 'module of postern\(8\), role rules'
like "--version" "$("$SKELETON" --version)" '^skeleton [0-9]'
"$SKELETON" -nonsense 2>/dev/null; is "an unknown option" "$?" 64
done_testing
