noinst_LIBRARIES += libdeliver.a
libdeliver_a_SOURCES = \
	src/deliver/command.c \
	src/deliver/copy.c src/deliver/copy.h \
	src/deliver/destination.c src/deliver/destination.h \
	src/deliver/dsn.c \
	src/deliver/durable.c src/deliver/durable.h \
	src/deliver/held.c src/deliver/held_search.c src/deliver/hold.c src/deliver/hold.h src/deliver/hold_index.c src/deliver/hold_inside.h \
	src/deliver/hold_sweep.c \
	src/deliver/journal.c src/deliver/journal.h \
	src/deliver/kind.h \
	src/deliver/letter.c src/deliver/letter.h \
	src/deliver/maildir.c \
	src/deliver/name.c src/deliver/name.h \
	src/deliver/notice.c \
	src/deliver/parcel.h \
	src/deliver/report.h \
	src/deliver/returned.c src/deliver/returned.h \
	src/deliver/run.c src/deliver/run.h \
	src/deliver/smtp.c \
	src/deliver/tally.c src/deliver/tally.h \
	src/deliver/wire.c src/deliver/wire.h

# t/helper/deliver hands a file to a destination, for the tests of family 5
check_PROGRAMS += t/helper/deliver
t_helper_deliver_SOURCES = t/helper/deliver.c
t_helper_deliver_LDADD = libdeliver.a $(BASE_LDADD) $(CRYPTO_LIBS)

dist_man_MANS += man/postern-destinations.5

UNIT_TESTS += t/unit/deliver_base
t_unit_deliver_base_SOURCES = t/unit/deliver_base.c t/unit/test.h
t_unit_deliver_base_LDADD = libdeliver.a $(BASE_LDADD) $(CRYPTO_LIBS) $(UNIT_LDADD)

UNIT_TESTS += t/unit/deliver_report
t_unit_deliver_report_SOURCES = t/unit/deliver_report.c t/unit/test.h
t_unit_deliver_report_LDADD = libdeliver.a $(BASE_LDADD) $(CRYPTO_LIBS) $(UNIT_LDADD)

UNIT_TESTS += t/unit/deliver_held
t_unit_deliver_held_SOURCES = t/unit/deliver_held.c t/unit/test.h
t_unit_deliver_held_LDADD = libdeliver.a $(BASE_LDADD) $(CRYPTO_LIBS) $(UNIT_LDADD)
