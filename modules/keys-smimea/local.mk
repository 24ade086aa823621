module_PROGRAMS += keys-smimea
keys_smimea_SOURCES = \
	modules/keys-smimea/main.c \
	modules/keys-smimea/resolver.c modules/keys-smimea/resolver.h
keys_smimea_CFLAGS = $(AM_CFLAGS) $(UNBOUND_CFLAGS)
keys_smimea_LDADD = libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(LMDB_LIBS) $(UNBOUND_LIBS)

dist_man_MANS += man/keys-smimea.8

check_PROGRAMS += bench/smimea-bare
bench_smimea_bare_SOURCES = bench/smimea-bare.c bench/bare.h
bench_smimea_bare_CPPFLAGS = $(AM_CPPFLAGS) $(UNBOUND_CFLAGS)
bench_smimea_bare_LDADD = $(UNBOUND_LIBS)
EXTRA_DIST += bench/keys-smimea
