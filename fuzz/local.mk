# fuzz
if FUZZERS
noinst_PROGRAMS += fuzz/fuzz_rules
fuzz_fuzz_rules_SOURCES = fuzz/fuzz_rules.c
fuzz_fuzz_rules_LDADD = librules.a $(BASE_LDADD) $(PCRE_LIBS)
fuzz_fuzz_rules_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
