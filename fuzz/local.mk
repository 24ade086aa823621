# fuzz
if FUZZERS
noinst_PROGRAMS += fuzz/fuzz_header
fuzz_fuzz_header_SOURCES = fuzz/fuzz_header.c
fuzz_fuzz_header_LDADD = libmime.a $(BASE_LDADD)
fuzz_fuzz_header_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
EXTRA_DIST += fuzz/seeds/header/charsets fuzz/seeds/header/odd fuzz/seeds/header/parameters fuzz/seeds/header/words
if FUZZERS
noinst_PROGRAMS += fuzz/fuzz_mime
fuzz_fuzz_mime_SOURCES = fuzz/fuzz_mime.c
fuzz_fuzz_mime_LDADD = libmime.a $(BASE_LDADD)
fuzz_fuzz_mime_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
EXTRA_DIST += fuzz/seeds/mime/binary fuzz/seeds/mime/digest fuzz/seeds/mime/mixed fuzz/seeds/mime/nested fuzz/seeds/mime/quoted
if FUZZERS
noinst_PROGRAMS += fuzz/fuzz_profiles
fuzz_fuzz_profiles_SOURCES = fuzz/fuzz_profiles.c
fuzz_fuzz_profiles_LDADD = libsmime.a $(BASE_LDADD) $(CRYPTO_LIBS)
fuzz_fuzz_profiles_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
if FUZZERS
noinst_PROGRAMS += fuzz/fuzz_reply
fuzz_fuzz_reply_SOURCES = fuzz/fuzz_reply.c
fuzz_fuzz_reply_LDADD = libdeliver.a $(BASE_LDADD)
fuzz_fuzz_reply_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
EXTRA_DIST += fuzz/seeds/reply/bare fuzz/seeds/reply/bytes fuzz/seeds/reply/session
if FUZZERS
noinst_PROGRAMS += fuzz/fuzz_rules
fuzz_fuzz_rules_SOURCES = fuzz/fuzz_rules.c
fuzz_fuzz_rules_LDADD = librules.a $(BASE_LDADD) $(PCRE_LIBS)
fuzz_fuzz_rules_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
EXTRA_DIST += fuzz/seeds/profiles/gcm-cbc.der fuzz/seeds/profiles/mine fuzz/seeds/profiles/oaep.der fuzz/seeds/profiles/two
if FUZZERS
noinst_PROGRAMS += fuzz/fuzz_smime_open
fuzz_fuzz_smime_open_SOURCES = fuzz/fuzz_smime_open.c
fuzz_fuzz_smime_open_LDADD = libsmime.a libmime.a $(BASE_LDADD) $(CRYPTO_LIBS)
fuzz_fuzz_smime_open_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
EXTRA_DIST += fuzz/seeds/smime_open/cbc fuzz/seeds/smime_open/certs fuzz/seeds/smime_open/clear fuzz/seeds/smime_open/gcm \
	fuzz/seeds/smime_open/mixed fuzz/seeds/smime_open/nested-binary fuzz/seeds/smime_open/opaque fuzz/seeds/smime_open/password
if FUZZERS
noinst_PROGRAMS += fuzz/fuzz_certfile
fuzz_fuzz_certfile_SOURCES = fuzz/fuzz_certfile.c
fuzz_fuzz_certfile_LDADD = libarea.a $(BASE_LDADD) $(CRYPTO_LIBS)
fuzz_fuzz_certfile_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
EXTRA_DIST += fuzz/seeds/certfile/base64 fuzz/seeds/certfile/crl fuzz/seeds/certfile/der fuzz/seeds/certfile/pem \
	fuzz/seeds/certfile/pkcs12 fuzz/seeds/certfile/pkcs12-plain fuzz/seeds/certfile/pkcs7.der fuzz/seeds/certfile/pkcs7.pem
