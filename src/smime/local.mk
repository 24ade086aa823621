noinst_LIBRARIES += libsmime.a
libsmime_a_SOURCES = \
	src/smime/addresses.c \
	src/smime/ber.c src/smime/ber.h \
	src/smime/cms_check.c src/smime/cms_check.h \
	src/smime/decrypt.c \
	src/smime/delegate.h \
	src/smime/identifier.c \
	src/smime/layer.c src/smime/layer.h \
	src/smime/looks.c \
	src/smime/open.c src/smime/open.h \
	src/smime/plaintext.c \
	src/smime/profile.h \
	src/smime/scratch.c \
	src/smime/seal.h \
	src/smime/verify.c
