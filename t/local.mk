# the whole folder: tests, their helpers and data (as EXTRA_DIST it would bring the build's objects along)
dist-hook:
	(cd $(srcdir) && tar cf - t fuzz/seeds) | (cd $(distdir) && tar xf -)
if HAVE_CMOCKA
check_PROGRAMS += $(UNIT_TESTS)
endif

# make check T="t/1*.t"; test-programs only builds what tests need
# one after the other: all is a make of its own, and two that make one library at the same time spoil it
test-programs: all
	$(MAKE) $(AM_MAKEFLAGS) $(check_PROGRAMS)
check-local: test-programs
	test '$(DISTCHECK_TESTS)' = no || POSTERN_BUILD='$(abs_top_builddir)' $(top_srcdir)/t/run $(T)
.PHONY: test-programs
