# fuzz: harnesses (fuzz_TOPIC.c), built where configure has --enable-fuzzers, run by fuzz/run; seeds/TOPIC is distributed whole
EXTRA_DIST += fuzz/run
fuzzers: $(noinst_PROGRAMS)
.PHONY: fuzzers

if FUZZERS
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer

noinst_PROGRAMS += fuzz/fuzz_answer
fuzz_fuzz_answer_SOURCES = fuzz/fuzz_answer.c
fuzz_fuzz_answer_LDADD = libmodule.a $(BASE_LDADD) $(CRYPTO_LIBS)
fuzz_fuzz_answer_LDFLAGS = $(FUZZ_LINK)

noinst_PROGRAMS += fuzz/fuzz_certfile
fuzz_fuzz_certfile_SOURCES = fuzz/fuzz_certfile.c
fuzz_fuzz_certfile_LDADD = libarea.a $(BASE_LDADD) $(CRYPTO_LIBS)
fuzz_fuzz_certfile_LDFLAGS = $(FUZZ_LINK)

noinst_PROGRAMS += fuzz/fuzz_certinput
fuzz_fuzz_certinput_SOURCES = fuzz/fuzz_certinput.c tools/cert/input.c tools/cert/describe.c
fuzz_fuzz_certinput_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
fuzz_fuzz_certinput_LDADD = libcheckpath.a libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(LMDB_LIBS)
fuzz_fuzz_certinput_LDFLAGS = $(FUZZ_LINK)

noinst_PROGRAMS += fuzz/fuzz_config
fuzz_fuzz_config_SOURCES = fuzz/fuzz_config.c
fuzz_fuzz_config_LDADD = $(BASE_LDADD)
fuzz_fuzz_config_LDFLAGS = $(FUZZ_LINK)

noinst_PROGRAMS += fuzz/fuzz_crl
fuzz_fuzz_crl_SOURCES = fuzz/fuzz_crl.c
fuzz_fuzz_crl_LDADD = libarea.a $(BASE_LDADD) $(CRYPTO_LIBS)
fuzz_fuzz_crl_LDFLAGS = $(FUZZ_LINK)

noinst_PROGRAMS += fuzz/fuzz_envelope
fuzz_fuzz_envelope_SOURCES = fuzz/fuzz_envelope.c
fuzz_fuzz_envelope_LDADD = $(CORE_LDADD)
fuzz_fuzz_envelope_LDFLAGS = $(FUZZ_LINK)

noinst_PROGRAMS += fuzz/fuzz_floor
fuzz_fuzz_floor_SOURCES = fuzz/fuzz_floor.c
fuzz_fuzz_floor_LDADD = libcheckpath.a libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(LMDB_LIBS)
fuzz_fuzz_floor_LDFLAGS = $(FUZZ_LINK)

noinst_PROGRAMS += fuzz/fuzz_forms
fuzz_fuzz_forms_SOURCES = fuzz/fuzz_forms.c
fuzz_fuzz_forms_LDADD = libcheckpath.a libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(LMDB_LIBS)
fuzz_fuzz_forms_LDFLAGS = $(FUZZ_LINK)

noinst_PROGRAMS += fuzz/fuzz_frame
fuzz_fuzz_frame_SOURCES = fuzz/fuzz_frame.c
fuzz_fuzz_frame_LDADD = $(BASE_LDADD)
fuzz_fuzz_frame_LDFLAGS = $(FUZZ_LINK)

noinst_PROGRAMS += fuzz/fuzz_header
fuzz_fuzz_header_SOURCES = fuzz/fuzz_header.c
fuzz_fuzz_header_LDADD = libmime.a $(BASE_LDADD)
fuzz_fuzz_header_LDFLAGS = $(FUZZ_LINK)

if HAVE_LDAP
noinst_PROGRAMS += fuzz/fuzz_ldap_value
fuzz_fuzz_ldap_value_SOURCES = fuzz/fuzz_ldap_value.c
fuzz_fuzz_ldap_value_LDADD = libkeysldap.a libarea.a $(BASE_LDADD) $(CRYPTO_LIBS)
fuzz_fuzz_ldap_value_LDFLAGS = $(FUZZ_LINK)
endif

noinst_PROGRAMS += fuzz/fuzz_issuers
fuzz_fuzz_issuers_SOURCES = fuzz/fuzz_issuers.c
fuzz_fuzz_issuers_LDADD = libcheckpath.a libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(LMDB_LIBS)
fuzz_fuzz_issuers_LDFLAGS = $(FUZZ_LINK)

noinst_PROGRAMS += fuzz/fuzz_mailbox
fuzz_fuzz_mailbox_SOURCES = fuzz/fuzz_mailbox.c
fuzz_fuzz_mailbox_LDADD = libcheckpath.a libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(LMDB_LIBS)
fuzz_fuzz_mailbox_LDFLAGS = $(FUZZ_LINK)

noinst_PROGRAMS += fuzz/fuzz_mime
fuzz_fuzz_mime_SOURCES = fuzz/fuzz_mime.c
fuzz_fuzz_mime_LDADD = libmime.a $(BASE_LDADD)
fuzz_fuzz_mime_LDFLAGS = $(FUZZ_LINK)

noinst_PROGRAMS += fuzz/fuzz_ocsp
fuzz_fuzz_ocsp_SOURCES = fuzz/fuzz_ocsp.c
fuzz_fuzz_ocsp_LDADD = libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(LMDB_LIBS)
fuzz_fuzz_ocsp_LDFLAGS = $(FUZZ_LINK)

noinst_PROGRAMS += fuzz/fuzz_profiles
fuzz_fuzz_profiles_SOURCES = fuzz/fuzz_profiles.c
fuzz_fuzz_profiles_LDADD = libsmime.a $(BASE_LDADD) $(CRYPTO_LIBS)
fuzz_fuzz_profiles_LDFLAGS = $(FUZZ_LINK)

noinst_PROGRAMS += fuzz/fuzz_record
fuzz_fuzz_record_SOURCES = fuzz/fuzz_record.c
fuzz_fuzz_record_LDADD = $(CORE_LDADD)
fuzz_fuzz_record_LDFLAGS = $(FUZZ_LINK)

if HAVE_CURL
noinst_PROGRAMS += fuzz/fuzz_refresh_state
fuzz_fuzz_refresh_state_SOURCES = fuzz/fuzz_refresh_state.c
fuzz_fuzz_refresh_state_CPPFLAGS = $(librefresh_a_CPPFLAGS)
fuzz_fuzz_refresh_state_LDADD = $(REFRESH_LDADD)
fuzz_fuzz_refresh_state_LDFLAGS = $(FUZZ_LINK)
endif

noinst_PROGRAMS += fuzz/fuzz_reply
fuzz_fuzz_reply_SOURCES = fuzz/fuzz_reply.c
fuzz_fuzz_reply_LDADD = libdeliver.a $(BASE_LDADD) $(CRYPTO_LIBS)
fuzz_fuzz_reply_LDFLAGS = $(FUZZ_LINK)

noinst_PROGRAMS += fuzz/fuzz_rules
fuzz_fuzz_rules_SOURCES = fuzz/fuzz_rules.c
fuzz_fuzz_rules_LDADD = librules.a $(BASE_LDADD) $(PCRE_LIBS)
fuzz_fuzz_rules_LDFLAGS = $(FUZZ_LINK)

noinst_PROGRAMS += fuzz/fuzz_smime_open
fuzz_fuzz_smime_open_SOURCES = fuzz/fuzz_smime_open.c
fuzz_fuzz_smime_open_LDADD = libsmime.a libmime.a $(BASE_LDADD) $(CRYPTO_LIBS)
fuzz_fuzz_smime_open_LDFLAGS = $(FUZZ_LINK)

noinst_PROGRAMS += fuzz/fuzz_token
fuzz_fuzz_token_SOURCES = fuzz/fuzz_token.c
fuzz_fuzz_token_LDADD = $(CORE_LDADD)
fuzz_fuzz_token_LDFLAGS = $(FUZZ_LINK)

if HAVE_XMLSEC
noinst_PROGRAMS += fuzz/fuzz_xkms
fuzz_fuzz_xkms_SOURCES = fuzz/fuzz_xkms.c modules/check-xkms/response.c
fuzz_fuzz_xkms_LDADD = $(BASE_LDADD)
fuzz_fuzz_xkms_LDFLAGS = $(FUZZ_LINK)
endif

noinst_PROGRAMS += fuzz/fuzz_xml
fuzz_fuzz_xml_SOURCES = fuzz/fuzz_xml.c
fuzz_fuzz_xml_LDADD = $(BASE_LDADD)
fuzz_fuzz_xml_LDFLAGS = $(FUZZ_LINK)
endif
