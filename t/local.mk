# the whole folder: tests, their helpers and data (as EXTRA_DIST it would bring the build's objects along)
dist-hook:
	(cd $(srcdir) && tar cf - t fuzz/seeds) | (cd $(distdir) && tar xf -)
if HAVE_CMOCKA
check_PROGRAMS += $(UNIT_TESTS)
endif

# make check T="t/1*.t"; test-programs only builds what tests need
test-programs: all $(check_PROGRAMS)
check-local: test-programs
	test '$(DISTCHECK_TESTS)' = no || POSTERN_BUILD='$(abs_top_builddir)' $(top_srcdir)/t/run $(T)
.PHONY: test-programs
