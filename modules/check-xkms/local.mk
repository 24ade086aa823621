if HAVE_XMLSEC
module_PROGRAMS += check-xkms
check_xkms_SOURCES = \
	modules/check-xkms/main.c \
	modules/check-xkms/relay.c \
	modules/check-xkms/request.c \
	modules/check-xkms/response.c \
	modules/check-xkms/signature.c \
	modules/check-xkms/xkms.h \
	src/lib/xml_parse.c
# xmlsec brings libxml2.so along, and needs all of it: lib/xml_parse.c is compiled once more, without the parser that stands alone
check_xkms_CPPFLAGS = $(AM_CPPFLAGS) -DPOSTERN_SHARED_LIBXML2
check_xkms_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(XMLSEC_CFLAGS)
check_xkms_LDADD = libcheckpath.a libarea.a libbase.a $(XMLSEC_LIBS) $(CURL_LIBS) $(SHARED_CRYPTO_LIBS) $(LMDB_LIBS)

dist_man_MANS += man/check-xkms.8
endif
