noinst_LIBRARIES += libarea.a
libarea_a_SOURCES = \
	modules/common/area.c modules/common/area.h modules/common/area_inside.h \
	modules/common/area_find.c modules/common/area_question.c modules/common/area_question.h modules/common/area_walk.c \
	modules/common/certificate.c modules/common/certificate.h modules/common/certificate_readable.c \
	modules/common/certfile.c modules/common/certfile.h \
	modules/common/crl.c modules/common/crl.h modules/common/crl_inside.h modules/common/crl_read.c \
	modules/common/crl_signature.c \
	modules/common/fast_key.c modules/common/fast_key.h \
	modules/common/freshness.c \
	modules/common/guard.c modules/common/guard.h \
	modules/common/identifier.c modules/common/identifier.h \
	modules/common/index.c modules/common/index.h \
	modules/common/ingest.c \
	modules/common/key_request.c modules/common/key_request.h \
	modules/common/key_use.c modules/common/key_use.h \
	modules/common/keys_answer.c modules/common/keys_answer.h \
	modules/common/keys_chain.c modules/common/keys_chain.h \
	modules/common/keys_order.c modules/common/keys_order.h \
	modules/common/known_keys.c modules/common/known_keys.h \
	modules/common/mains.h \
	modules/common/marks.c modules/common/marks.h \
	modules/common/ocsp_answer.c modules/common/ocsp_answer.h \
	modules/common/ocsp_cache.c modules/common/ocsp_cache.h \
	modules/common/owner.c modules/common/owner.h \
	modules/common/passphrase.c modules/common/passphrase.h \
	modules/common/pkcs12.c modules/common/pkcs12.h \
	modules/common/private_key.c modules/common/private_key.h \
	modules/common/process.c modules/common/process.h \
	modules/common/place.c modules/common/place.h \
	modules/common/records.c modules/common/records.h \
	modules/common/refresh.c modules/common/refresh_inside.h \
	modules/common/scan.c \
	modules/common/signatures.c \
	modules/common/secret_file.c modules/common/secret_file.h \
	modules/common/secret_program.c modules/common/secret_program.h \
	modules/common/smimea.c modules/common/smimea.h \
	modules/common/stamp.c modules/common/stamp.h \
	modules/common/unlock.c modules/common/unlock.h \
	modules/common/whose.c modules/common/whose.h

UNIT_TESTS += t/unit/area_lookup
t_unit_area_lookup_SOURCES = t/unit/area_lookup.c t/unit/test.h
t_unit_area_lookup_LDADD = libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(LMDB_LIBS) $(UNIT_LDADD)

UNIT_TESTS += t/unit/area_certfile
t_unit_area_certfile_SOURCES = t/unit/area_certfile.c t/unit/test.h
t_unit_area_certfile_LDADD = libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(UNIT_LDADD)

UNIT_TESTS += t/unit/keys_common
t_unit_keys_common_SOURCES = t/unit/keys_common.c t/unit/test.h
t_unit_keys_common_LDADD = libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(UNIT_LDADD)

UNIT_TESTS += t/unit/smimea
t_unit_smimea_SOURCES = t/unit/smimea.c t/unit/test.h
t_unit_smimea_LDADD = libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(UNIT_LDADD)

UNIT_TESTS += t/unit/ocsp_answer
t_unit_ocsp_answer_SOURCES = t/unit/ocsp_answer.c t/unit/test.h
t_unit_ocsp_answer_LDADD = libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(LMDB_LIBS) $(UNIT_LDADD)

UNIT_TESTS += t/unit/area_crl
t_unit_area_crl_SOURCES = t/unit/area_crl.c t/unit/test.h
t_unit_area_crl_LDADD = libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(LMDB_LIBS) $(UNIT_LDADD)
