# keys-ldap: certificates and keys in LDAP directories; built where libldap is
noinst_LIBRARIES += libkeysldap.a
libkeysldap_a_CPPFLAGS = $(AM_CPPFLAGS) $(LDAP_CFLAGS)
libkeysldap_a_SOURCES = \
	modules/keys-ldap/absent.c modules/keys-ldap/absent.h \
	modules/keys-ldap/capabilities.c \
	modules/keys-ldap/filter.c modules/keys-ldap/filter.h \
	modules/keys-ldap/values.c modules/keys-ldap/values.h

module_PROGRAMS += keys-ldap
keys_ldap_CPPFLAGS = $(AM_CPPFLAGS) $(LDAP_CFLAGS)
keys_ldap_SOURCES = \
	modules/keys-ldap/ask.c \
	modules/keys-ldap/connection.c modules/keys-ldap/connection.h \
	modules/keys-ldap/directory.c modules/keys-ldap/directory.h \
	modules/keys-ldap/failure.c modules/keys-ldap/failure.h \
	modules/keys-ldap/find_certificates.c \
	modules/keys-ldap/find_keys.c modules/keys-ldap/find_keys.h \
	modules/keys-ldap/find_to_decrypt.c \
	modules/keys-ldap/keys_ldap.h \
	modules/keys-ldap/list_keys.c \
	modules/keys-ldap/main.c \
	modules/keys-ldap/options.c modules/keys-ldap/options.h \
	modules/keys-ldap/timed.c modules/keys-ldap/timed.h \
	modules/keys-ldap/use.c
keys_ldap_LDADD = libkeysldap.a libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(LMDB_LIBS) $(LDAP_LIBS)

dist_man_MANS += man/keys-ldap.8

# The example of two nodes, for operators and for t/7420-keys-ldap-nodes.t
ldapexampledir = $(datadir)/postern/ldap
dist_ldapexample_DATA = etc/ldap/node.ldif etc/ldap/data.ldif

UNIT_TESTS += t/unit/ldap_values
t_unit_ldap_values_SOURCES = t/unit/ldap_values.c t/unit/test.h
t_unit_ldap_values_LDADD = libkeysldap.a libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(UNIT_LDADD)

check_PROGRAMS += bench/ldap-bare
bench_ldap_bare_SOURCES = bench/ldap-bare.c bench/bare.h
bench_ldap_bare_CPPFLAGS = $(AM_CPPFLAGS) $(LDAP_CFLAGS)
bench_ldap_bare_LDADD = $(LDAP_LIBS)
EXTRA_DIST += bench/keys-ldap
