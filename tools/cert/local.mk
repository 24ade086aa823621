# postern-cert: certificates in the operator's hands
sbin_PROGRAMS += postern-cert
dist_man_MANS += man/postern-cert.8
postern_cert_SOURCES = \
	tools/cert/expiring.c \
	tools/cert/import.c \
	tools/cert/known.c tools/cert/known.h \
	tools/cert/life.c \
	tools/cert/list.c \
	tools/cert/pseudonym.c \
	tools/cert/servant.c tools/cert/servant.h \
	tools/cert/site.c tools/cert/site.h \
	tools/cert/smimea.c \
	tools/cert/describe.c tools/cert/describe.h \
	tools/cert/input.c tools/cert/input.h \
	tools/cert/main.c \
	tools/cert/options.c \
	tools/cert/tool.h \
	tools/cert/verify.c
postern_cert_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
postern_cert_LDADD = libcheckpath.a libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(LMDB_LIBS)
