#!/bin/sh
# how a module is found, started, greeted and ended
. "${0%/*}/lib.sh"
. "${0%/*}/helper/modules.sh"

# ---- names
fake good ''
site rules=good
decide x@y
is "a name stands in module_directory" "$status:${out%%:*}" "0:x@y"
site "rules=$T/modules/good"
decide x@y
is "an absolute path is taken as it is" "$status:${out%%:*}" "0:x@y"
site rules=sub/good
decide x@y
like "a relative path is refused" "$out" '^E_CONFIG: module sub/good: the name has a slash'
site rules=../modules/good
decide x@y
like "... whatever it points to" "$out" '^E_CONFIG: module \.\./modules/good: '
site rules=missing
decide x@y
like "a missing module is named with its path" "$out" "^E_CONFIG: module missing: $T/modules/missing: No such file"
PATH=$T/modules:$PATH; export PATH
site rules=good; setting "# x"; sed -i "s|^module_directory.*|module_directory = $T/other|" "$T/postern.conf"
decide x@y
like "PATH is never searched" "$out" '^E_CONFIG: module good: .*/other/good'
echo '#!/bin/sh' >"$T/modules/plain"; chmod 644 "$T/modules/plain"
site rules=plain; decide x@y
like "a module that may not be executed" "$out" '^E_CONFIG: module plain: .*may not be executed'
printf '#!/nonexistent/perl\n' >"$T/modules/noint"; chmod 755 "$T/modules/noint"
site rules=noint; decide x@y
like "a script without its interpreter" "$out" '^E_CONFIG: module noint: .*interpreter'
echo 'echo no shell runs this' >"$T/modules/noexec"; chmod 755 "$T/modules/noexec"
site rules=noexec; decide x@y
like "no shell is tried on what is no program" "$out" '^E_CONFIG: module noexec: .*neither a program nor a script'
mkdir -p "$T/modules/dir"
site rules=dir; decide x@y
like "a directory is no module" "$out" '^E_CONFIG: module dir: '
site 'rules=good missing'; decide x@y
like "all have to start" "$out" '^E_CONFIG: module missing: '

# ---- the process
cat >"$T/modules/look" <<'END'
#!/usr/bin/perl
open my $o, '>', "$0.saw";
print $o "args=@ARGV\n", map "$_=$ENV{$_}\n", sort keys %ENV;
opendir my $d, '/proc/self/fd';
my $own = fileno $o;
print $o "fds=", join(' ', sort grep { /^\d+$/ && $_ < 3 || -l "/proc/self/fd/$_" && readlink("/proc/self/fd/$_") !~ m{^(/proc|\Q$0\E)} } readdir $d), "\n";
print $o "cwd=", readlink '/proc/self/cwd';
print $o "\ngroup=", getpgrp == $$ ? 'own' : 'shared', "\n";
open my $s, '/proc/self/status'; print $o grep /^Sig(Ign|Blk)/, <$s>;
close $o;
exec "${\($0 =~ s/look$/good/r)}" or die;
END
chmod 755 "$T/modules/look"
site rules=look
(exec 5</dev/null 6</dev/null; cd "$T" && SECRET=1 TZ=Europe/Berlin "$ASK" "$T/postern.conf" decide o a@example.org a@example.org "" "" no no x@y >/dev/null)
saw=$(cat "$T/modules/look.saw")
like "no arguments" "$saw" '^args=$'
like "only descriptors 0, 1, 2" "$saw" '^fds=0 1 2$'
like "working directory /" "$saw" '^cwd=/$'
like "its own process group" "$saw" '^group=own$'
like "a PATH of the system" "$saw" '^PATH=/usr/local/bin:/usr/bin:/bin$'
like "LANG is C.UTF-8" "$saw" '^LANG=C.UTF-8$'
like "our time zone" "$saw" '^TZ=Europe/Berlin$'
is "and nothing else in the environment" "$(printf '%s\n' "$saw" | grep -c '^[A-Z]*=')" 3
like "SIGPIPE is not ignored in the module" "$saw" '^SigIgn:.*[02468ace][0-9a-f]{3}$'
like "no signal is blocked" "$saw" '^SigBlk:.*0000000000000000$'

# ---- descriptors 0 to 2 closed in the caller: the pipes must not end up there
site rules=good
"$ASK" "$T/postern.conf" decide o a@example.org a@example.org "" "" no no x@y >"$T/closed" <&- 2>&-
is "standard input and error closed in the caller" "$(cut -d: -f1 "$T/closed")" "x@y"

# ---- hello
mkdir -p "$T/rec"
fake good "record $T/rec"
narrow="decide sign" decide x@y
hello=$(cat "$T"/rec/0001-to-*.xml)
like "hello: version, role, queue id, level" "$hello" '^<hello protocol="1.1" role="rules" postern="[^"]+" config="/[^"]*postern.conf" queue-id="TEST1" log-level="debug" deadline="[0-9]+" operations="decide sign"/>$'
narrow=; rm -f "$T"/rec/*

(cd "$T" && "$ASK" -narrow decide postern.conf decide o a@example.org a@example.org "" "" no no x@y >/dev/null)
like "the configuration's path is absolute, however it was given" "$(cat "$T"/rec/0001-to-* | head -c 9999)" "config=\"$T/postern.conf\""
rm -f "$T"/rec/*; mkdir -p "$T/sub"; (cd "$T/sub" && "$ASK" ../postern.conf decide o a@example.org a@example.org "" "" no no x@y >/dev/null)
like "... from another directory" "$(cat "$T"/rec/0001-to-*)" "config=\"$T/postern.conf\""
cp "$T/postern.conf" "$T/$(printf 'p\377.conf')"
like "a path that is no UTF-8 cannot be said" "$("$ASK" "$T/$(printf 'p\377.conf')" decide o a@example.org a@example.org "" "" no no x@y)" '^E_CONFIG: module good: the hello cannot be written'

# ---- versions and roles
for v in 1.1 1.99; do
	fake good "protocol $v"; decide x@y
	is "minor version $v is understood" "$status" 0
done
for v in 2.0 0.9 10.0 1 1. .1 1.x ""; do
	fake good "hello <hello protocol=\"$v\" role=\"rules\" name=\"x\" version=\"1\" operations=\"decide\"/>"; decide x@y
	like "version \"$v\" is refused" "$out" "^E_TEMP: module good: hello: it speaks protocol version \"$v\""
done
fake good "role keys"; decide x@y
like "another role" "$out" '^E_TEMP: module good: hello: its role is "keys", wanted "rules"$'
fake good 'hello <result id="1"/>'; decide x@y
like "no hello" "$out" '^E_TEMP: module good: hello: its first word is <result>'
fake good 'hello <hello protocol="1.0" role="rules" name="x" version="1"/>'; decide x@y
like "no operations" "$out" '^E_TEMP: module good: hello: its <hello> names no operations$'
fake good 'hello <hello protocol="1.0" role="rules" name="x" version="1" operations="decide" mood="fine"><extra/></hello>'; decide x@y
is "unknown attributes and elements of hello are ignored" "$status" 0

# ---- narrowing and operations
fake good ''
site keys=good
narrow="find-certificates find-keys unwrap agree" ask use sign "good k" rsa-pss 00
like "an operation outside the narrowing is not asked" "$out" '^E_TEMP: module good: sign: not an operation of this conversation'
rm -f "$T"/rec/*; fake good "record $T/rec"
narrow="find-keys" ask use sign "good k" rsa-pss 00
is "... not even sent" "$(cat "$T"/rec/* | grep -c '<sign')" 0
narrow=; rm -f "$T"/rec/*
fake good 'operations find-keys'
ask certificates a@b
like "no module knows the operation: temporary, not \"none\"" "$out" '^E_TEMP: no keys module that runs knows find-certificates$'

# ---- several in order
fake one 'answer decide <refused id="@ID@" kind="permanent" code="not-found">none</refused>'
fake two ''
site 'rules=one two'
decide x@y
is "not-found passes on to the next" "$status:${out%% as=*}" "0:x@y: FS"
fake one 'operations nothing'; decide x@y
is "so does not knowing the operation" "$status:${out%% as=*}" "0:x@y: FS"
fake one 'answer decide <refused id="@ID@" kind="permanent" code="unknown-operation">none</refused>'; decide x@y
is "... even when said late" "$status:${out%% as=*}" "0:x@y: FS"
fake one 'answer decide <refused id="@ID@" kind="temporary" code="not-found">none</refused>'; decide x@y
like "temporarily not found is not \"not found\"" "$out" '^E_TEMP: module one: decide: none \(not-found\)$'
fake one 'answer decide <refused id="@ID@" kind="permanent" code="bad-request">no &lt;way&gt;</refused>'; decide x@y
like "a permanent refusal" "$out" '^E_PERM: module one: decide: no <way> \(bad-request\)$'
fake one 'answer decide <refused id="@ID@" kind="permanent" code="narrowed">x</refused>'; decide x@y
like "a refusal because of narrowing is ours to mend" "$out" '^E_TEMP: module one: decide: x \(narrowed\)$'
fake one 'answer decide <refused id="@ID@" kind="later" code="x">x</refused>'; decide x@y
like "an unknown kind of refusal" "$out" '^E_TEMP: module one: decide: refused with kind "later"$'
fake one 'answer decide <refused id="@ID@" kind="permanent">x</refused>'; decide x@y
like "a refusal without a code" "$out" '^E_TEMP: module one: decide: refused without a code$'
fake one 'answer decide <refused id="@ID@" kind="permanent" code="not-found">none</refused>'
fake two 'answer decide <refused id="@ID@" kind="permanent" code="not-found">none</refused>'
decide x@y
like "nobody decides: temporary" "$out" '^E_TEMP: decide: no rules module decided$'
done_testing
