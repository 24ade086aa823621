noinst_LIBRARIES += libmodule.a
libmodule_a_SOURCES = \
	src/module/answer.c \
	src/module/ask.h \
	src/module/ask_check.c \
	src/module/ask_keys.c \
	src/module/ask_rules.c \
	src/module/ask_use.c \
	src/module/converse.c \
	src/module/log.c \
	src/module/module.h \
	src/module/parts.h \
	src/module/start.c \
	src/module/stop.c

check_PROGRAMS += t/helper/ask t/helper/skeleton-module
t_helper_ask_SOURCES = t/helper/ask.c
t_helper_ask_LDADD = libmodule.a $(BASE_LDADD) $(CRYPTO_LIBS)
t_helper_skeleton_module_SOURCES = t/helper/skeleton-module.c
t_helper_skeleton_module_LDADD = $(BASE_LDADD)
EXTRA_DIST += t/helper/fake-module
EXTRA_DIST += t/helper/modules.sh t/3000-module-start.t t/3010-module-faults.t t/3020-questions.t t/3030-server.t \
	t/3040-module-log.t t/3050-grammar.t

grammardir = $(datadir)/postern
dist_grammar_DATA = etc/postern-modules.rng
dist_man_MANS += man/postern-modules.7
