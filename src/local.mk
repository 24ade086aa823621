# everything but main, so that tests and fuzzers link it too
noinst_LIBRARIES += libpostern.a
libpostern_a_SOURCES = \
	src/bounce.c src/bounce.h \
	src/caller.c src/caller.h \
	src/child.c src/child.h \
	src/compose.c src/compose.h \
	src/content.c src/content.h \
	src/direction.c src/direction.h \
	src/envelope.c src/envelope.h \
	src/expiring.c src/expiring.h \
	src/explain.c src/explain.h \
	src/findings.c src/findings.h \
	src/get.c src/get.h \
	src/handover.c src/handover.h src/handover_inside.h src/handover_account.c src/handover_output.c src/handover_hold.c \
	src/handover_back.c src/handover_report.c \
	src/harvest.c src/harvest.h \
	src/holds.c src/holds.h src/holds_inside.h \
	src/incoming.c src/incoming.h \
	src/job.c src/job.h \
	src/mac.c src/mac.h \
	src/options.c src/options.h \
	src/outcome.c src/outcome.h \
	src/outgoing.c src/outgoing.h src/outgoing_find.c src/outgoing_group.c src/outgoing_inside.h \
	src/overdue.c src/overdue.h \
	src/plan.c src/plan.h \
	src/privileges.c src/privileges.h \
	src/receive.c src/receive.h \
	src/record.c src/record.h src/record_check.c src/record_read.c \
	src/returning.c src/returning.h \
	src/routes.c src/routes.h \
	src/result.c src/result.h \
	src/resume.c src/resume.h src/resumption.h \
	src/seal_for.c src/seal_for.h \
	src/seal_hold.c src/seal_hold.h \
	src/selfcheck.c src/selfcheck.h src/selfcheck_inside.h src/selfcheck_modules.c \
	src/subject.c src/subject.h \
	src/token.c src/token.h \
	src/work.c src/work.h

# One program under several names: postern and the modules that come with it (src/program.c).  Hard links: each name stays a whole
# program, also when another is replaced or wrapped in a script.  Across file systems symbolic links do.
bin_PROGRAMS += postern
postern_SOURCES = src/program.c src/command.c src/command.h
CORE_LDADD = libpostern.a libdeliver.a libmodule.a libsmime.a libmime.a $(BASE_LDADD) $(CRYPTO_LIBS) $(PCRE_LIBS)
postern_LDADD = librules.a libkeysfile.a libcheckpath.a libarea.a $(CORE_LDADD) $(LMDB_LIBS)

# What a message runs stands together in it, code and constants: fewer pages for each of its processes to map (bench/layout).
postern_LDFLAGS = $(AM_LDFLAGS) $(LAYOUT_LDFLAGS)
EXTRA_postern_DEPENDENCIES = layout.ld
layout.ld: $(top_srcdir)/src/layout.list
	$(AM_V_GEN){ echo 'SECTIONS { .text.postern : {'; sed -n 's/^[^#].*/*&(.text text_env)/p' $(top_srcdir)/src/layout.list; \
		echo '} } INSERT BEFORE .text;'; \
		echo 'SECTIONS { .rodata.postern : {'; sed -n 's/^[^#].*/*&(.rodata .rodata.*)/p' $(top_srcdir)/src/layout.list; \
		echo '} } INSERT AFTER .rodata;'; } >$@
CLEANFILES += layout.ld postern.map
EXTRA_DIST += src/layout.list

all-local: $(module_LINKS)
$(module_LINKS): postern$(EXEEXT)
	$(AM_V_GEN)ln -f postern$(EXEEXT) $@
CLEANFILES += $(module_LINKS)
install-exec-hook:
	$(MKDIR_P) '$(DESTDIR)$(moduledir)'
	program="$(DESTDIR)$(bindir)/$$(echo postern | sed '$(transform)')$(EXEEXT)"; \
	for link in $(module_LINKS); do \
		link='$(DESTDIR)$(moduledir)/'$$link; \
		ln -f "$$program" "$$link" 2>/dev/null || ln -srf "$$program" "$$link" || exit; \
	done
uninstall-hook:
	for link in $(module_LINKS); do rm -f '$(DESTDIR)$(moduledir)/'$$link; done

UNIT_TESTS += t/unit/core_record t/unit/core_result t/unit/core_subject t/unit/core_token
t_unit_core_token_SOURCES = t/unit/core_token.c t/unit/test.h
t_unit_core_token_LDADD = $(CORE_LDADD) $(UNIT_LDADD)
t_unit_core_record_SOURCES = t/unit/core_record.c t/unit/test.h
t_unit_core_record_LDADD = $(CORE_LDADD) $(UNIT_LDADD)
t_unit_core_result_SOURCES = t/unit/core_result.c t/unit/test.h
t_unit_core_result_LDADD = $(CORE_LDADD) $(UNIT_LDADD)
t_unit_core_subject_SOURCES = t/unit/core_subject.c t/unit/test.h
t_unit_core_subject_LDADD = $(CORE_LDADD) $(UNIT_LDADD)
