bin_PROGRAMS += postern
postern_SOURCES = \
	src/child.c src/child.h \
	src/compose.c src/compose.h \
	src/direction.c src/direction.h \
	src/envelope.c src/envelope.h \
	src/explain.c src/explain.h \
	src/findings.c src/findings.h \
	src/handover.c src/handover.h \
	src/incoming.c src/incoming.h \
	src/job.c src/job.h \
	src/main.c \
	src/options.c src/options.h \
	src/outcome.c src/outcome.h \
	src/outgoing.c src/outgoing.h \
	src/plan.c src/plan.h \
	src/receive.c src/receive.h \
	src/record.c src/record.h \
	src/result.c src/result.h \
	src/seal_for.c src/seal_for.h \
	src/selfcheck.c src/selfcheck.h \
	src/subject.c src/subject.h \
	src/work.c src/work.h
postern_LDADD = libdeliver.a libmodule.a libsmime.a libmime.a $(BASE_LDADD) $(CRYPTO_LIBS) $(PCRE_LIBS)
