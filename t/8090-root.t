#!/bin/sh
# root does not stay behind the account that a mail server gave us (Sendmail's mailer flag S sets the effective user only)
. "${0%/*}/lib.sh"
[ "$(id -u)" = 0 ] || skip_all "needs root, who becomes somebody else"
command -v runuser >/dev/null 2>&1 || skip_all "no runuser"

site_make "$T/site" || exit 1
cp "$BUILD/postern" "$BUILD/rules-file" "$BUILD/keys-file" "$BUILD/check-path" "$SRC/etc/profiles" "$T/site"
cat >"$T/site/who" <<END
#!/bin/sh
cat >/dev/null
{ grep -E '^(Uid|Gid|Groups|CapEff|CapPrm):' /proc/self/status | tr '\t' ' ' | sed 's/ *\$//'; } >'$T/site/seen'
END
chmod 755 "$T/site/who"
conf "$T/site" "internal = command:$T/site/who" "module_directory = $T/site" "profiles_file = $T/site/profiles"
chown -R nobody: "$T/site"
chmod 711 "$T"
nobody=$(id -u nobody) group=$(id -g nobody)

# as COMMAND...: with root as the real user and root's groups, nobody as the effective one
as() { perl -e '$) = "'"$group"' 0"; $> = '"$nobody"'; die "$!" if $> != '"$nobody"'; exec @ARGV' "$@"; }
mail() { printf 'From: alice@behoerde.example\nTo: anna@behoerde.example\n\nhello\n'; }
mail | as "$T/site/postern" -c "$T/site/postern.conf" -client 10.0.0.1 -sender alice@behoerde.example -queue-id R1 \
	-readmail anna@behoerde.example >"$T/out" 2>&1
is "the message is delivered" "$? $(cat "$T/out")" "0 "
is "what we start has no root and none of its groups" "$(grep -v '^Cap' "$T/site/seen")" "Uid: $nobody $nobody $nobody $nobody
Gid: $group $group $group $group
Groups: $group"
is "and no capabilities" "$(grep -c '^Cap.*: 0*$' "$T/site/seen")" 2

# without a name the account has its one group
nameless=54321
chown -R $nameless: "$T/site" 2>/dev/null || chown -R $nameless "$T/site"
mail | perl -e '$) = "54321 0"; $> = 54321; exec @ARGV' "$T/site/postern" -c "$T/site/postern.conf" -client 10.0.0.1 \
	-sender alice@behoerde.example -queue-id R2 -readmail anna@behoerde.example >"$T/out" 2>&1
is "also for an account without a name" "$? $(cat "$T/out") $(grep '^Groups' "$T/site/seen")" "0  Groups: 54321"
done_testing
