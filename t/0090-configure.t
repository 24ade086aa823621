#!/bin/sh
# configure says what is missing and how to get it
. "${0%/*}/lib.sh"
[ -x "$SRC/configure" ] || skip_all "the tree has no configure"
mkdir "$T/build" "$T/pc"

# every library is known to pkg-config by a file in $T/pc, but for those that are taken away or made old
have() { # NAME VERSION
	printf 'Name: %s\nDescription: for a test\nVersion: %s\nLibs:\nCflags:\n' "$1" "$2" >"$T/pc/$1.pc"
}
fresh() { rm -f "$T/pc/"*; have libcrypto 3.0.22; have libxml-2.0 2.9.14; have libpcre2-8 10.42; have lmdb 0.9.24; }
refuses() { # WHAT ERE [CONFIGURE-OPTION...]
	what=$1 want=$2
	shift 2
	said=$(cd "$T/build" && PKG_CONFIG_LIBDIR=$T/pc "$SRC/configure" -q "$@" 2>&1)
	like "$what" "$?:$(printf '%s\n' "$said" | tr '\n' ' ')" "^1:.*configure: error: $want"
}
for library in "libcrypto OpenSSL libssl-dev" "libxml-2.0 libxml2 libxml2-dev" "libpcre2-8 PCRE2 libpcre2-dev" "lmdb LMDB liblmdb-dev"; do
	# shellcheck disable=SC2086
	set -- $library
	fresh; rm "$T/pc/$1.pc"
	refuses "no $2" "$2 is missing or too old .*apt-get install $3"
done
fresh; have libcrypto 1.1.1
refuses "an OpenSSL before 3" 'OpenSSL is missing or too old \(wanted: libcrypto >= 3\.0\.0\)'

# the order of its objects (src/layout.list): in the program, where the linker takes one; and made of objects that there are
if grep -q '^LAYOUT_LDFLAGS = -' "$BUILD/Makefile"; then
	like "what a message runs stands together" "$(readelf -SW "$BUILD/postern" | tr -s ' ' | tr '\n' ' ')" '\.text\.postern .*\.rodata\.postern '
fi
for archive in "$BUILD"/lib*.a; do ar t "$archive" | sed "s/^/${archive##*/}:/"; done >"$T/have"
is "the layout names no object of ours that is gone (else: bench/layout)" \
	"$(grep -E ':' "$SRC/src/layout.list" | grep -vxF -f "$T/have" | grep -vE '^lib(crypto|xml2|pcre2-8|lmdb)\.a:')" ''
done_testing
