# postern-refresh: what checks of certificates need, ahead of time
noinst_LIBRARIES += librefresh.a
librefresh_a_SOURCES = \
	tools/refresh/answers.c \
	tools/refresh/crls.c \
	tools/refresh/fetch.c tools/refresh/fetch.h tools/refresh/fetch_inside.h \
	tools/refresh/http.c tools/refresh/http.h \
	tools/refresh/import.c \
	tools/refresh/internal.c tools/refresh/internal.h \
	tools/refresh/issuers.c \
	tools/refresh/ldap.h \
	tools/refresh/options.c tools/refresh/options.h \
	tools/refresh/place.c tools/refresh/place.h \
	tools/refresh/proxy.c tools/refresh/proxy.h \
	tools/refresh/report.c \
	tools/refresh/run.h \
	tools/refresh/set.c tools/refresh/set.h \
	tools/refresh/signers.c \
	tools/refresh/sources.c \
	tools/refresh/state.c tools/refresh/state.h \
	tools/refresh/tidy.c tools/refresh/tidy.h \
	tools/refresh/work.c
if HAVE_LDAP
librefresh_a_SOURCES += tools/refresh/ldap.c
else
librefresh_a_SOURCES += tools/refresh/ldap_none.c
endif
librefresh_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools $(CURL_CFLAGS) $(LDAP_CFLAGS)
REFRESH_LDADD = librefresh.a libarea.a $(BASE_LDADD) $(CURL_LIBS) $(LDAP_LIBS) $(SHARED_CRYPTO_LIBS) $(LMDB_LIBS)

sbin_PROGRAMS += postern-refresh
postern_refresh_SOURCES = tools/refresh/main.c
postern_refresh_CPPFLAGS = $(librefresh_a_CPPFLAGS)
postern_refresh_LDADD = $(REFRESH_LDADD)

# asks a responder for check-path, which has no network of its own
module_PROGRAMS += ocsp-fetch
ocsp_fetch_SOURCES = tools/refresh/ocsp_fetch.c
ocsp_fetch_CPPFLAGS = $(librefresh_a_CPPFLAGS)
ocsp_fetch_LDADD = $(REFRESH_LDADD)

dist_man_MANS += man/postern-refresh.8

UNIT_TESTS += t/unit/refresh_parts
t_unit_refresh_parts_SOURCES = t/unit/refresh_parts.c t/unit/test.h
t_unit_refresh_parts_CPPFLAGS = $(librefresh_a_CPPFLAGS)
t_unit_refresh_parts_LDADD = $(REFRESH_LDADD) $(UNIT_LDADD)
