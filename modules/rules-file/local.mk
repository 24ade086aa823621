# rules-file

noinst_LIBRARIES += librules.a
librules_a_SOURCES = \
	modules/rules-file/command.c \
	modules/rules-file/decide.c \
	modules/rules-file/lint.c modules/rules-file/lint.h \
	modules/rules-file/main.c \
	modules/rules-file/match.c modules/rules-file/match.h \
	modules/rules-file/parse.c \
	modules/rules-file/rules.h \
	modules/rules-file/shadow.c \
	modules/rules-file/words.c

module_LINKS += rules-file

UNIT_TESTS += t/unit/rules_match t/unit/rules_parse
t_unit_rules_match_SOURCES = t/unit/rules_match.c t/unit/test.h
t_unit_rules_match_LDADD = librules.a $(BASE_LDADD) $(PCRE_LIBS) $(UNIT_LDADD)
t_unit_rules_parse_SOURCES = t/unit/rules_parse.c t/unit/test.h
t_unit_rules_parse_LDADD = librules.a $(BASE_LDADD) $(PCRE_LIBS) $(UNIT_LDADD)

dist_man_MANS += man/postern-rules.5

