noinst_LIBRARIES += libsmime.a
libsmime_a_SOURCES = \
	src/smime/addresses.c \
	src/smime/ber.c src/smime/ber.h \
	src/smime/capabilities.c src/smime/capabilities.h \
	src/smime/cms_check.c src/smime/cms_check.h \
	src/smime/decrypt.c \
	src/smime/delegate.c src/smime/delegate.h \
	src/smime/delegate_agree.c \
	src/smime/delegate_key.c src/smime/delegate_key.h \
	src/smime/delegate_sign.c src/smime/delegate_sign.h src/smime/delegate_sign_params.c \
	src/smime/delegate_unwrap.c \
	src/smime/identifier.c \
	src/smime/layer.c src/smime/layer.h \
	src/smime/looks.c \
	src/smime/open.c src/smime/open.h \
	src/smime/plaintext.c \
	src/smime/scratch.c \
	src/smime/seal.h \
	src/smime/seal_encrypt.c \
	src/smime/seal_entity.c src/smime/seal_entity.h \
	src/smime/seal_sign.c \
	src/smime/signing_certificate.c \
	src/smime/stapled.c src/smime/stapled.h \
	src/smime/verify.c

UNIT_TESTS += t/unit/smime_delegate
t_unit_smime_delegate_SOURCES = t/unit/smime_delegate.c t/unit/test.h t/helper/softkey.c t/helper/softkey.h
t_unit_smime_delegate_LDADD = libsmime.a $(BASE_LDADD) $(CRYPTO_LIBS) $(UNIT_LDADD)

check_PROGRAMS += t/helper/smime-open
t_helper_smime_open_SOURCES = t/helper/smime-open.c
t_helper_smime_open_LDADD = libsmime.a libmime.a $(BASE_LDADD) $(CRYPTO_LIBS)


UNIT_TESTS += t/unit/smime_open_check
t_unit_smime_open_check_SOURCES = t/unit/smime_open_check.c t/unit/test.h
t_unit_smime_open_check_LDADD = libsmime.a libmime.a $(BASE_LDADD) $(CRYPTO_LIBS) $(UNIT_LDADD)

UNIT_TESTS += t/unit/smime_open_tamper
t_unit_smime_open_tamper_SOURCES = t/unit/smime_open_tamper.c t/unit/test.h
t_unit_smime_open_tamper_LDADD = libsmime.a libmime.a $(BASE_LDADD) $(CRYPTO_LIBS) $(UNIT_LDADD)

UNIT_TESTS += t/unit/smime_open_addresses
t_unit_smime_open_addresses_SOURCES = t/unit/smime_open_addresses.c t/unit/test.h
t_unit_smime_open_addresses_LDADD = libsmime.a libmime.a $(BASE_LDADD) $(CRYPTO_LIBS) $(UNIT_LDADD)

UNIT_TESTS += t/unit/smime_profile
t_unit_smime_profile_SOURCES = t/unit/smime_profile.c t/unit/test.h
t_unit_smime_profile_CPPFLAGS = $(AM_CPPFLAGS) -DSOURCE_DIRECTORY='"$(abs_top_srcdir)"'
t_unit_smime_profile_LDADD = libsmime.a $(BASE_LDADD) $(UNIT_LDADD)

UNIT_TESTS += t/unit/smime_seal
t_unit_smime_seal_SOURCES = t/unit/smime_seal.c t/unit/test.h t/helper/softkey.c t/helper/softkey.h
t_unit_smime_seal_LDADD = libsmime.a $(BASE_LDADD) $(CRYPTO_LIBS) $(UNIT_LDADD)

check_PROGRAMS += t/helper/smime-seal
t_helper_smime_seal_SOURCES = t/helper/smime-seal.c t/helper/softkey.c t/helper/softkey.h
t_helper_smime_seal_LDADD = libsmime.a $(BASE_LDADD) $(CRYPTO_LIBS)

