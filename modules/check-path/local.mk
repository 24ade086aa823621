noinst_LIBRARIES += libcheckpath.a
libcheckpath_a_SOURCES = \
	modules/check-path/areas.c modules/check-path/areas.h \
	modules/check-path/check.c modules/check-path/check.h \
	modules/check-path/checking.h \
	modules/check-path/constraints.c \
	modules/check-path/crls.c \
	modules/check-path/floor.c modules/check-path/floor.h \
	modules/check-path/forms.c modules/check-path/forms.h \
	modules/check-path/given.c modules/check-path/given.h \
	modules/check-path/issuers.c modules/check-path/issuers.h \
	modules/check-path/lists.c modules/check-path/lists.h \
	modules/check-path/main.c \
	modules/check-path/mailbox.c modules/check-path/mailbox.h \
	modules/check-path/match.c \
	modules/check-path/names.c modules/check-path/names.h \
	modules/check-path/ocsp.c modules/check-path/ocsp.h \
	modules/check-path/ocsp_live.c \
	modules/check-path/path.c \
	modules/check-path/policies.c \
	modules/check-path/policy.c \
	modules/check-path/pseudonym.c modules/check-path/pseudonym.h \
	modules/check-path/question.c modules/check-path/question.h \
	modules/check-path/reason.c modules/check-path/reason.h \
	modules/check-path/revocation.c modules/check-path/revocation.h \
	modules/check-path/scope.c \
	modules/check-path/signer.c \
	modules/check-path/strength.c \
	modules/check-path/validation.c \
	modules/check-path/verify_log.c modules/check-path/verify_log.h

module_LINKS += check-path

UNIT_TESTS += t/unit/check_verify_log
t_unit_check_verify_log_SOURCES = t/unit/check_verify_log.c t/unit/test.h
t_unit_check_verify_log_LDADD = libcheckpath.a libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(LMDB_LIBS) $(UNIT_LDADD)

UNIT_TESTS += t/unit/check_mailbox
t_unit_check_mailbox_SOURCES = t/unit/check_mailbox.c t/unit/test.h
t_unit_check_mailbox_LDADD = libcheckpath.a libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(LMDB_LIBS) $(UNIT_LDADD)

UNIT_TESTS += t/unit/check_floor
t_unit_check_floor_SOURCES = t/unit/check_floor.c t/unit/test.h
t_unit_check_floor_CPPFLAGS = $(AM_CPPFLAGS) -DSOURCE_DIRECTORY='"$(abs_top_srcdir)"'
t_unit_check_floor_LDADD = libcheckpath.a libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(LMDB_LIBS) $(UNIT_LDADD)

# t/helper/path-cases judges the cases of t/paths
check_PROGRAMS += t/helper/path-cases
t_helper_path_cases_SOURCES = t/helper/path-cases.c t/helper/path-make.c t/helper/path-make.h t/helper/path-parts.c \
	t/helper/path-parts.h
t_helper_path_cases_LDADD = libcheckpath.a libarea.a $(BASE_LDADD) $(CRYPTO_LIBS) $(LMDB_LIBS)

EXTRA_DIST += etc/floors
dist_man_MANS += man/check-path.8

