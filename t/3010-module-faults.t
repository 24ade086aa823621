#!/bin/sh
# everything a module can do wrong: a temporary failure, a clear line in the log, no process left, and in time
. "${0%/*}/lib.sh"
. "${0%/*}/helper/modules.sh"
site rules=bad
setting 'module_timeout = 20s'
setting 'frame_limit = 4K'

# breaks WHAT 'BEHAVIOUR' ERE: asked once, that is the failure, the log has the same line at level error, nothing lives on
breaks() {
	# where nothing comes there is nothing to wait for; elsewhere a busy machine shall not be mistaken for it
	case $3 in *'no answer within'*) timeout=1s ;; *) timeout=20s ;; esac
	sed -i "s/^module_timeout.*/module_timeout = $timeout/" "$T/postern.conf"
	fake bad "$2" "${4-}"
	decide x@y
	like "$1" "$status:$out" "^1:E_TEMP: module bad: $3"
	like "  ... and is logged" "$log" "error: TEST1: module bad: $3"
}
gone() { if pgrep -f "$T/modules/" >/dev/null; then fail "$1" "$(pgrep -af "$T/modules/")"; else pass "$1"; fi; }

breaks "slow" 'at decide slow 60' 'decide: no answer within 1s$'
breaks "silent" 'at decide silent' 'decide: no answer within 1s$'
breaks "silent from the start" 'at hello silent' 'hello: no answer within 1s$'
breaks "truncated answer" 'at decide truncated' 'decide: end of file inside a frame$'
breaks "truncated hello" 'at hello truncated' 'hello: end of file inside a frame$'
breaks "wrong version" 'protocol 2.0' 'hello: it speaks protocol version "2.0", postern 1.1$'
breaks "announces more than frame_limit" 'at decide oversized 4097' 'decide: frame of 4097 bytes, the limit is 4096$'
breaks "announces frame_limit, sends less" 'at decide oversized 4096' 'decide: no answer within 1s$'
breaks "an absurd length" 'at decide oversized 99999999999' 'decide: not a frame: '
breaks "answers twice" 'at decide twice' 'decide: it said more than it was asked$'
breaks "answers another request" 'at decide wrong-id' 'decide: answered request "999", asked was 1$'
breaks "writes junk" 'at decide junk' 'decide: not a frame: byte 0x43 in the length$'
breaks "an empty frame" 'at decide empty' 'decide: not a frame: the length is empty or begins with 0$'
breaks "exits" 'at decide exit 3' 'decide: it has ended or closed its output without an answer$'
breaks "exits at once" 'at hello exit 0' 'hello: it has ended or closed its output without an answer$'
breaks "is killed" 'at decide kill' 'decide: it has ended or closed its output without an answer$'
breaks "closes its output and stays" 'at decide close-stdout' 'decide: it has ended or closed its output without an answer$'
breaks "reads nothing" 'at hello deaf 60' 'hello: no answer within 1s$'
breaks "a grandchild keeps the pipe" 'at decide grandchild' 'decide: no answer within 1s$'
breaks "no XML" 'answer decide hello' 'decide: XML line 1: '
breaks "a document with a DOCTYPE" 'answer decide <!DOCTYPE result><result id="@ID@"/>' 'decide: XML document has a DOCTYPE$'
breaks "two documents in a frame" 'answer decide <result id="@ID@"/><result id="@ID@"/>' 'decide: XML line 1: '
breaks "a processing instruction behind the result" 'answer decide <result id="@ID@"/><?x y?>' 'decide: XML line 1: something stands behind the element'
breaks "namespaces" 'answer decide <result xmlns="urn:x" id="@ID@"/>' 'decide: XML line 1: namespaces are not used here$'
breaks "another element" 'answer decide <answer id="@ID@"/>' 'decide: answered with <answer>$'
breaks "no id" 'answer decide <result/>' 'decide: answered request "", asked was 1$'
breaks "a refusal whose code is no word" 'at decide refuse permanent no_word x' 'decide: refused with a code that is no word$'
gone "no module and no child of one is left"

# ---- the right side of the limits
fake bad 'at decide slow 0.2'; decide x@y; is "slow, but in time" "$status" 0
fake bad 'at decide chatty 4096'; decide x@y; is "an answer of frame_limit" "$status" 0
fake bad 'at decide chatty 4097'; decide x@y; like "one byte more" "$out" 'frame of 4097 bytes, the limit is 4096'
fake bad 'at decide drip'; decide x@y; is "byte by byte" "$status" 0

fake bad 'at decide twice-late'; ask -repeat 2 decide o a@example.org a@example.org "" "" no no x@y
like "a second answer that comes late is not taken for the next" "$out" 'decide: answered request "1", asked was 2$'

# ---- a broken module is not asked again
fake bad 'at decide wrong-id'
ask -repeat 2 decide o a@example.org a@example.org "" "" no no x@y
is "every later question fails with the same reason" "$(printf '%s\n' "$out" | grep -c '^E_TEMP: module bad: decide: answered request "999", asked was 1$')" 2
is "... and is logged once" "$(printf '%s\n' "$log" | grep -c 'error: TEST1: module bad')" 1
fake bad 'at decide refuse permanent bad-request no'
ask -repeat 2 decide o a@example.org a@example.org "" "" no no x@y
is "a refusal does not break it" "$(printf '%s\n' "$out" | grep -c '^E_PERM: module bad: decide: no (bad-request)$')" 2

# ---- deadlines
sed -i 's/^module_timeout.*/module_timeout = 30s/' "$T/postern.conf"
fake bad 'at decide silent'
before=$(seconds); ask -deadline 300 decide o a@example.org a@example.org "" "" no no x@y; after=$(seconds)
like "the message's deadline goes before module_timeout" "$out" "(hello|decide): no answer before the message's deadline\$"
ok "... and is kept" test $((after - before)) -lt 25
fake bad ''
ask -deadline 0 decide o a@example.org a@example.org "" "" no no x@y
like "a deadline that is over" "$status:$out" "^1:E_TEMP: module bad: hello: no answer before"

# ---- the end
fake bad 'at decide stubborn'
ask -grace 200 decide o a@example.org a@example.org "" "" no no x@y
is "one that does not end has its say" "$status" 0
like "... is killed" "$log" 'warning: TEST1: module bad: did not end by itself, killed$'
gone "... and gone"
fake bad ''; cat >"$T/modules/status" <<'END'
#!/usr/bin/perl
$/ = \1; while (<STDIN>) {} exit 5;
END
chmod 755 "$T/modules/status"; site rules=status
ask nothing
like "a status that is not 0 is logged" "$log" 'warning: TEST1: module status: ended with status 5$'
cat >"$T/modules/status" <<'END'
#!/usr/bin/perl
$/ = \1; while (<STDIN>) {} kill 'SEGV', $$; sleep 9;
END
ask nothing
like "so is a death by a signal" "$log" 'error: TEST1: module status: died of signal 11'

# ---- a killed postern takes its modules along
site rules=bad; fake bad 'at hello deaf 500'
"$ASK" -grace 40000 "$T/postern.conf" nothing >/dev/null 2>&1 &
pid=$!
tries=0
until pgrep -f "$T/modules/bad" >/dev/null || [ $((tries += 1)) -gt 600 ]; do sleep 0.1; done
ok "(a module runs)" pgrep -f "$T/modules/bad"
kill -9 $pid; wait $pid 2>/dev/null
tries=0
while pgrep -f "$T/modules/bad" >/dev/null && [ $((tries += 1)) -le 600 ]; do sleep 0.1; done
gone "modules die with the process that started them"

# ---- the same from a forked child, as postern does it
for f in 'at decide silent' 'at decide twice' 'at decide kill' 'at decide flood-stderr 30000' 'at decide grandchild'; do
	site rules=bad; setting 'module_timeout = 20s'
	case $f in *silent|*grandchild) sed -i 's/^module_timeout.*/module_timeout = 1s/' "$T/postern.conf" ;; esac
	fake bad "$f"; fork=-fork decide x@y; fork=
	case $f in
	*flood*) is "from a child: $f" "$status" 0 ;;
	*) like "from a child: $f" "$status:$out" '^1:E_TEMP: module bad: decide: ' ;;
	esac
done
gone "nothing is left of those either"
done_testing
