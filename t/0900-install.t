#!/bin/sh
# make install under a prefix with DESTDIR: what must be there, that it runs from there, and that uninstall leaves nothing
. "${0%/*}/lib.sh"
[ -f "$BUILD/Makefile" ] || skip_all "no Makefile in $BUILD"
D=$T/dest
ok "make install" make -s -C "$BUILD" install DESTDIR="$D"
value() { sed -n "s|^$1 = ||p" "$BUILD/Makefile"; }
prefix=$(value prefix)
libexec=$(echo "$(value libexecdir)" | sed "s|\${exec_prefix}|$prefix|; s|\${prefix}|$prefix|")
etc=$(echo "$(value sysconfdir)" | sed "s|\${prefix}|$prefix|")
for file in "$prefix/bin/postern" "$libexec/postern/rules-file" "$libexec/postern/keys-file" "$libexec/postern/check-path"; do
	ok "$file is there" test -x "$D$file"
done
for module in rules-file keys-file check-path; do
	ok "$module is postern's file" test "$D$libexec/postern/$module" -ef "$D$prefix/bin/postern"
done
ok "postern-cert is there" test -x "$D$prefix/sbin/postern-cert"
for tool in mailq-all deliver-all; do
	ok "$tool is there" test -x "$D$prefix/sbin/$tool"
	is "$tool names what was installed" "$(sed -n "s/^postern='\([^']*\)' share='\([^']*\)'.*/\1 \2/p" "$D$prefix/sbin/$tool")" \
		"$prefix/bin/postern $prefix/share/postern"
	is "nothing is left to fill in" "$(grep -c '@[a-z]*@' "$D$prefix/sbin/$tool")" 0
done
ok "the profiles are where postern reads them" test -f "$D$etc/postern/profiles"
for file in share/man/man8/postern.8 share/man/man5/postern.conf.5 share/man/man7/postern-modules.7 share/postern/examples/postern.conf \
	share/postern/examples/rules share/postern/examples/README share/postern/examples/keys-rest share/postern/topologies/README share/postern/topologies/tenants/klinik/postern.conf share/postern/postern-modules.rng share/postern/queues.sh share/postern/queues-show.awk; do
	ok "$file is there" test -f "$D$prefix/$file"
done

# configured anew with other directories: whatever object knows one is made again
again=$(make -n -W build.h -C "$BUILD" all 2>/dev/null)
state=$(echo "$(value localstatedir)" | sed "s|\${prefix}|$prefix|")
data=$(echo "$(value datadir)" | sed "s|\${datarootdir}|$(value datarootdir)|; s|\${prefix}|$prefix|")
for object in $(cd "$BUILD" && find src modules tools -name '*.o' -exec grep -laF -e "$libexec/postern" -e "$etc/postern/" -e "$state/spool/postern" \
	-e "$state/log/postern" -e "$data/postern/" {} +); do
	like "$object knows a directory, and is made again" "$again" " $object "
done

# a site that uses the installed programs
built=$BUILD
BUILD=$D$libexec/postern
site_make "$T"
printf 'From: alice@behoerde.example\nTo: bob@partner.example\nSubject: t\n\nhello\n' >"$T/m"
"$D$prefix/bin/postern" -c "$T/postern.conf" -client 10.0.0.1 -sender alice@behoerde.example -readmail bob@partner.example <"$T/m"
is "the installed program seals" "$?" 0
like "and the mail is sealed" "$(cat "$(newest "$T/external")")" 'enveloped-data'

BUILD=$built
echo "# mine" >>"$D$etc/postern/profiles"
ok "installing again" make -s -C "$BUILD" install DESTDIR="$D"
ok "keeps the operator's profiles" grep -q '^# mine' "$D$etc/postern/profiles"
ok "make uninstall" make -s -C "$BUILD" uninstall DESTDIR="$D"
is "leaves only what the operator changed" "$(find "$D" ! -type d | sed "s|^$D||")" "$etc/postern/profiles"

# where no hard link can be made: links that hold in whatever place the tree is moved to
mkdir "$T/fake"
printf '#!/bin/sh\ncase $1 in -f) exit 1 ;; esac\nexec %s "$@"\n' "$(command -v ln)" >"$T/fake/ln"
chmod 755 "$T/fake/ln"
ok "installing where there are no hard links" env PATH="$T/fake:$PATH" make -s -C "$BUILD" install DESTDIR="$D"
mv "$D" "$T/moved"
is "the modules are relative links" "$(readlink "$T/moved$libexec/postern/keys-file" | cut -c1-3)" "../"
like "which work" "$("$T/moved$libexec/postern/keys-file" -version)" '^keys-file '
mv "$T/moved" "$D"
ok "make uninstall once more" make -s -C "$BUILD" uninstall DESTDIR="$D"
is "leaves no link" "$(find "$D" -type l)" ""
done_testing
