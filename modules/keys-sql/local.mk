module_PROGRAMS += keys-sql
keys_sql_SOURCES = \
	modules/keys-sql/command.c modules/keys-sql/command.h \
	modules/keys-sql/database.c modules/keys-sql/database.h \
	modules/keys-sql/find_certificates.c \
	modules/keys-sql/find_keys.c \
	modules/keys-sql/import.c \
	modules/keys-sql/inspect.c \
	modules/keys-sql/keys_sql.h \
	modules/keys-sql/list.c \
	modules/keys-sql/list_keys.c \
	modules/keys-sql/main.c \
	modules/keys-sql/migrate.c \
	modules/keys-sql/own_key.c \
	modules/keys-sql/record.c \
	modules/keys-sql/sqlite.c \
	modules/keys-sql/statements.c modules/keys-sql/statements.h \
	modules/keys-sql/store.c
keys_sql_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
if HAVE_POSTGRESQL
keys_sql_SOURCES += modules/keys-sql/connect.c modules/keys-sql/connect.h modules/keys-sql/libpq.c modules/keys-sql/libpq.h modules/keys-sql/postgresql.c
keys_sql_CPPFLAGS += $(POSTGRESQL_CFLAGS)
else
keys_sql_SOURCES += modules/keys-sql/postgresql_absent.c
endif
# libpq is loaded when it is needed, with an OpenSSL of its own (keys-sql/libpq.h)
keys_sql_LDADD = libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(LMDB_LIBS) $(SQLITE_LIBS) -ldl
keys_sql_LDFLAGS = $(AM_LDFLAGS)

sqldir = $(datadir)/postern/sql
dist_sql_DATA = etc/sql/001-certificates.sql etc/sql/002-own-keys.sql

dist_man_MANS += man/keys-sql.8

if HAVE_POSTGRESQL
check_PROGRAMS += bench/keys-sql-bare
bench_keys_sql_bare_SOURCES = bench/keys-sql-bare.c bench/bare.h modules/keys-sql/statements.c modules/keys-sql/statements.h
bench_keys_sql_bare_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) $(POSTGRESQL_CFLAGS)
bench_keys_sql_bare_LDADD = $(SQLITE_LIBS) $(POSTGRESQL_LIBS)
endif

UNIT_TESTS += t/unit/keys_sql
t_unit_keys_sql_SOURCES = t/unit/keys_sql.c t/unit/test.h modules/keys-sql/database.c modules/keys-sql/postgresql_absent.c \
	modules/keys-sql/record.c modules/keys-sql/sqlite.c modules/keys-sql/statements.c
t_unit_keys_sql_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) $(CMOCKA_CFLAGS)
t_unit_keys_sql_LDADD = libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(SQLITE_LIBS) $(UNIT_LDADD)
