EXTRA_DIST += t/run t/lib.sh
if HAVE_CMOCKA
check_PROGRAMS += $(UNIT_TESTS)
endif

# make check T="t/1*.t"; test-programs only builds what tests need
test-programs: all $(check_PROGRAMS)
check-local: test-programs
	POSTERN_BUILD='$(abs_top_builddir)' $(top_srcdir)/t/run $(T)
.PHONY: test-programs
