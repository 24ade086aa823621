module_PROGRAMS += keys-pkcs11
keys_pkcs11_SOURCES = \
	modules/keys-pkcs11/ec.c \
	modules/keys-pkcs11/ecdsa.c modules/keys-pkcs11/ecdsa.h \
	modules/keys-pkcs11/find_certificates.c \
	modules/keys-pkcs11/find_keys.c \
	modules/keys-pkcs11/given.c modules/keys-pkcs11/given.h \
	modules/keys-pkcs11/keys_pkcs11.h \
	modules/keys-pkcs11/list.c \
	modules/keys-pkcs11/login.c \
	modules/keys-pkcs11/main.c \
	modules/keys-pkcs11/marker.c modules/keys-pkcs11/marker.h \
	modules/keys-pkcs11/object.c \
	modules/keys-pkcs11/own_key.c \
	modules/keys-pkcs11/provider.c \
	modules/keys-pkcs11/rsa.c \
	modules/keys-pkcs11/search.c modules/keys-pkcs11/search.h \
	modules/keys-pkcs11/token.c \
	modules/keys-pkcs11/use.c
keys_pkcs11_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS)
keys_pkcs11_LDADD = libarea.a $(BASE_LDADD) $(P11KIT_LIBS) $(SHARED_CRYPTO_LIBS) $(LMDB_LIBS)

check_PROGRAMS += t/helper/pkcs11-shim.so
t_helper_pkcs11_shim_so_SOURCES = t/helper/pkcs11-shim.c
t_helper_pkcs11_shim_so_CFLAGS = -std=gnu17 $(WARN_CFLAGS) -fPIC $(P11KIT_CFLAGS)
t_helper_pkcs11_shim_so_LDFLAGS = -shared
t_helper_pkcs11_shim_so_LDADD = -ldl

UNIT_TESTS += t/unit/pkcs11_ecdsa
t_unit_pkcs11_ecdsa_SOURCES = t/unit/pkcs11_ecdsa.c t/unit/test.h modules/keys-pkcs11/ecdsa.c
t_unit_pkcs11_ecdsa_LDADD = $(BASE_LDADD) $(CRYPTO_LIBS) $(UNIT_LDADD)

dist_man_MANS += man/keys-pkcs11.8

check_PROGRAMS += bench/pkcs11-bare
bench_pkcs11_bare_SOURCES = bench/pkcs11-bare.c bench/bare.h
bench_pkcs11_bare_CFLAGS = $(AM_CFLAGS) $(P11KIT_CFLAGS)
bench_pkcs11_bare_LDADD = $(P11KIT_LIBS)
EXTRA_DIST += bench/keys-pkcs11
