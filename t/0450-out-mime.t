#!/bin/sh
# what other signers fell into: each kind of message through the whole program, read again, the same as it was written
. "${0%/*}/lib.sh"
. "$SRC/t/outgoing.sh"
A=alice@behoerde.example B=bob@partner.example
mkdir "$T/cases"
(
	cd "$T" || exit 1
	printf 'hello\n' >m0
	openssl cms -sign -text -in m0 -signer house.pem -inkey house.key | tr -d '\r' >signed.eml
	openssl cms -encrypt -text -in m0 house.pem | tr -d '\r' >encrypted.eml
)
perl - "$T" <<'END' || exit 1
use strict; use warnings;
my $T = shift;
my $head = "From: Alice <alice\@behoerde.example>\nTo: bob\@partner.example\nSubject: traps\nX-Tab:\ta\n\tb\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n";
sub slurp { local $/; open my $f, '<:raw', "$T/$_[0]" or die; <$f> }
sub put { my ($name, $bytes) = @_; open my $f, '>:raw', "$T/cases/$name" or die; print $f $bytes }
sub mixed { my $n = shift; put($n, $head . "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b\"\n\n" . join('', map { "--b\n$_\n" } @_) . "--b--\n") }
my $text = "Content-Type: text/plain; charset=us-ascii\n\nthe text part\n";
my $u = "Gr\xc3\xbc\xc3\x9fe\n";
put('plain', "$head\nthe plain words\n");
put('empty-body', "$head\n");
put('header-only', $head);
put('no-final-newline', "$head\nlast line");
put('blank-lines', "$head\n\n\nwords\n\n\n");
put('trailing-blanks', "$head\nwords   \nsig\n-- \nAlice\t\n \n");
put('from-and-dots', "$head\nFrom here on\n.\n..\n.x\n>From there\nFrom \n.\n");
put('from-first', "$head\nFrom the first line\n");
put('eight-bit', $head . "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n$u");
put('eight-bit-unlabelled', "$head\n$u");
put('latin1-unlabelled', "$head\nGr\xfc\xdfe\n");
put('mostly-eight-bit', $head . "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" . "\xd0\xbf\xd1\x80\xd0\xb8 " x 40 . "\n");
put('long-line', "$head\n" . 'x' x 5000 . "\nend\n");
put('line-of-998', "$head\n" . 'x' x 998 . "\nend\n");
put('line-of-999', "$head\n" . 'x' x 999 . "\nend\n");
put('nul', "$head\na\0b\n");
put('no-mime-version', $head . "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nGr=C3=BC=C3=9Fe =\nsoft\n");
put('content-fields', $head . "MIME-Version: 1.0\nContent-Type: text/plain;\n\tcharset=\"us-ascii\";\n format=flowed\nContent-Language: de\nContent-ID: <a\@b>\nContent-Disposition: inline\n\nwords\n");
put('base64', $head . "MIME-Version: 1.0\nContent-Type: application/pdf; name=\"a.pdf\"\nContent-Transfer-Encoding: base64\n\nAAECAwQF\nBgcICQo=\n");
put('preamble', $head . "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b\"\n\nThe preamble.\n--b\n$text\n--b--\nThe epilogue.\n");
put('inner-preamble', $head . "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b\"\n\nouter\n--b\nContent-Type: multipart/alternative; boundary=\"b2\"\n\ninner preamble\n--b2\n$text\n--b2--\ninner epilogue\n--b--\n");
mixed('attachments', $text, "Content-Type: application/octet-stream; name=\"x.bin\"\nContent-Transfer-Encoding: base64\n\nAAEC\n", "Content-Type: text/html\nContent-Transfer-Encoding: 8bit\n\n<p>$u");
mixed('binary', $text, "Content-Type: application/octet-stream\nContent-Transfer-Encoding: binary\n\n" . join('', map chr, 0 .. 9, 11 .. 255) . "\nx\n");
mixed('calendar', $text, "Content-Type: text/calendar; charset=utf-8; method=REQUEST;\n component=VEVENT\nContent-Transfer-Encoding: 8bit\n\nBEGIN:VCALENDAR\nSUMMARY:$u" . "END:VCALENDAR\n");
mixed('tnef', $text, "Content-Type: application/ms-tnef; name=\"winmail.dat\"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"winmail.dat\"\n\neJ8+IgEAAQCAAQIDBAUG\n");
mixed('eml', $text, "Content-Type: message/rfc822; name=\"a.eml\"\n\nFrom: x\@y.example\nSubject: inner\nMIME-Version: 1.0\nContent-Type: text/plain\n\nthe inner  \nwords\n");
mixed('signed-eml', $text, "Content-Type: message/rfc822\n\nFrom: x\@y.example\n" . slurp('signed.eml'));
mixed('encrypted-eml', $text, "Content-Type: message/rfc822\n\nFrom: x\@y.example\n" . slurp('encrypted.eml'));
mixed('signed-part', $text, slurp('signed.eml'));
put('signed', $head . slurp('signed.eml'));
put('encrypted', $head . slurp('encrypted.eml'));
mixed('delivery-report', $text, "Content-Type: message/delivery-status\n\nReporting-MTA: dns; a.example\n\nFinal-Recipient: rfc822; x\@y.example\nAction: failed\nStatus: 5.1.1\n", "Content-Type: text/rfc822-headers\n\nSubject: x\n");
mixed('no-parts-header', "\nno header in this part\n", "Content-Type: text/plain\n\nsecond\n");
put('mbox', "From alice\@behoerde.example Mon Jan  1 00:00:00 2024\n$head\nthe plain words\n");
put('unterminated', $head . "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n$text");
put('odd-boundary', $head . "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"=_ 'x' (1)+?\"\n\n--=_ 'x' (1)+?\n$text\n--=_ 'x' (1)+?--\n");
put('unknown-encoding', $head . "MIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n#86)C\n`\nend\n");
mixed('eight-bit-eml', $text, "Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\nFrom: x\@y.example\nSubject: inner\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n$u");
# not to be changed, and no transport would leave it alone: cannot travel in clear with a signature
mixed('opaque-eml', $text, "Content-Type: message/rfc822\n\nFrom: x\@y.example\nSubject: inner\n\n" . 'x' x 2000 . "\n");
mixed('opaque-pgp', $text, "Content-Type: application/pgp-encrypted\n\n$u");
END
mv "$T/cases" "$T/c"

leaves() { "$SRC/t/helper/mime-leaves" "$1"; }
same() { leaves "$T/m" >"$T/want"; leaves "$1" >"$T/got"; diff "$T/want" "$T/got"; }
others() { # FILE: its header without what sealing changes
	perl -0777 -pe 's/\r//g; s/\AFrom .*\n//; s/\n\n.*/\n/s; s/^(Content-|MIME-Version|Return-Path|Delivered-To)[^\n]*\n([ \t][^\n]*\n)*//gim' "$1"
}
header() { perl -0777 -pe 's/\r//g; s/\n\n.*/\n/s' "$1"; }
# nothing in it that a transport changes, but for what stands in an attached mail, which is not ours to change: its
# trailing blanks, and 8-bit bytes that are declared
safe() { # FILE TITLE
	case "$2" in
	eml*) safe_not='\x00|^From |.{1000}' ;;
	eight-bit-eml*) safe_not='\x00|^From |[ \t]\r?$|.{1000}'
		grep -qi '^Content-Transfer-Encoding: 8bit' "$1" || return 1 ;;
	*) safe_not='[^\x00-\x7f]|\x00|^From |[ \t]\r?$|.{1000}' ;;
	esac
	! LC_ALL=C grep -anP "$safe_not" "$1"
}
one_version() { [ "$(header "$1" | grep -ci '^MIME-Version:')" = 1 ]; }
folded() { ! header "$1" | sed -n '/^Content-Type: multipart\/signed/,$p' | grep '^	'; }
either() { # FILE: clear or opaque, it verifies and says what was written
	verifies "$1" && same "$T/content"
}

try() { # TITLE: $T/m signed, signed with other line breaks, signed and encrypted
	rules '. (to) . (do) FS, NE'
	send "$A" "$B"
	is "$1: leaves" "$code $(left)" "0 1"
	letter "$B" >/dev/null || return
	cp "$(letter "$B")" "$T/out"
	ok "$1: verifies and says what was written" either "$T/out"
	is "$1: the other fields are as they were" "$(others "$T/out")" "$(others "$T/m")"
	ok "$1: one MIME-Version" one_version "$T/out"
	ok "$1: safe from transports" safe "$T/out" "$1"
	ok "$1: folded with a space" folded "$T/out"
	case "$1" in
	*CRLF) tr -d '\r' <"$T/out" >"$T/other" ;;
	*) sed 's/\r*$/\r/' "$T/out" >"$T/other" ;;
	esac
	ok "$1: the same with other line breaks" either "$T/other"
	rules '. (to) . (do) FS, FE'
	send "$A" "$B"
	ok "$1: encrypted as well, opens" opens "$B" bob
	ok "$1: encrypted as well, says the same" same "$T/content"
}
for c in "$T/c"/*; do
	name=$(basename "$c")
	cp "$c" "$T/m"
	try "$name"
	case "$name" in binary|nul) continue ;; esac # bytes that are no lines
	sed 's/$/\r/' "$c" >"$T/m"
	try "$name, CRLF"
done

# ---- what is signed is the entity, and nothing around it ----
rules '. (to) . (do) FS, NE'
made() { cp "$T/c/$1" "$T/m"; send "$A" "$B"; verifies "$(letter "$B")" 2>/dev/null; }
made preamble
unlike "no preamble and no epilogue of the message" "$(cat "$T/content")" 'preamble|epilogue'
is "the entity begins with its type" "$(sed 1q "$T/content" | cut -c1-29)" "Content-Type: multipart/mixed"
made inner-preamble
like "those of an inner one are content" "$(plain "$T/content")" '^inner preamble'
unlike "the outer is not" "$(plain "$T/content")" '^outer'
made content-fields
is "all Content fields go along" "$(plain "$T/content" | grep -c '^Content-')" 4
is "and none stays outside but that of the signature" "$(header "$(letter "$B")" | grep -c '^Content-')" 1
unlike "no other field is in it" "$(plain "$T/content")" '^(From|To|Subject|MIME-Version):'
made calendar
like "a calendar keeps its method" "$(plain "$T/content" | tr -d '\n')" \
	'text/calendar; *charset="?utf-8"?; *method="?REQUEST"?; *component="?VEVENT'
made signed-eml
plain "$T/content" | sed '1,/^From: x/d; /^--b--/,$d' >"$T/inner"
ok "an attached signed mail still verifies" verifies "$T/inner"
made from-and-dots
unlike "no line begins with From" "$(cat "$(letter "$B")" | sed '/^From:/d')" '^From'

# ---- what some programs take for the end of the header, or for another field, does not leave under a seal ----
rules '. (to) . (do) FS, NE'
printf 'From: %s\nTo: %s\nSubject: folded\n \t\n over a line of blanks\nX-A: one\rX-B: two\000X-C: three\nX-D:\n \nContent-Type: text/plain\n\nwords\n' \
	"$A" "$B" >"$T/m"
send "$A" "$B"
is "a line of blanks, a CR alone and a NUL in the header: leaves" "$code $(left)" "0 1"
cp "$(letter "$B")" "$T/out"
ok "... and verifies" verifies "$T/out"
is "... without them" "$(sed -n '/^Subject/,/^X-D/p' "$T/out")" \
	"$(printf 'Subject: folded\n over a line of blanks\nX-A: one X-B: two X-C: three\nX-D:')"
is "... and a reader takes all for one header" "$(sed -n '/^[[:space:]]*$/q; p' "$T/out" | grep -c '^MIME-Version')" 1
printf 'From: %s\nTo: %s\nSubject: no break' "$A" "$B" >"$T/m"
send "$A" "$B"
is "a header that ends with the message" "$(grep -A 1 '^Subject' "$(letter "$B")")" "$(printf 'Subject: no break\nMIME-Version: 1.0')"

# ---- not 7-bit and not to be changed ----
for name in opaque-eml opaque-pgp; do
	cp "$T/c/$name" "$T/m"
	rules '. (to) . (do) SIP, NE'
	send "$A" "$B"
	ok "$name: SIP in clear leaves it as it came" sh -c "sed '/^Return-Path:/d; /^Delivered-To:/d' '$(letter "$B")' | cmp - '$T/m'"
	like "$name: and says why" "$plan" '^note: .*not signed: .*7-bit'
	rules '. (to) . (do) SIP, EIP'
	send "$A" "$B"
	ok "$name: SIP inside of an encryption signs" opens "$B" bob
	rules '. (to) . (do) FE, NS'
	send "$A" "$B"
	ok "$name: encrypted alone" decrypts "$(letter "$B")" bob
	ok "$name: says what was written" same "$T/dec"
done
foreseen
done_testing
