noinst_LIBRARIES += libmodule.a
libmodule_a_SOURCES = \
	src/module/answer.c \
	src/module/ask.h \
	src/module/ask_check.c \
	src/module/ask_keys.c \
	src/module/ask_own.c \
	src/module/ask_rules.c \
	src/module/ask_unlock.c \
	src/module/ask_use.c \
	src/module/converse.c \
	src/module/exchange.c \
	src/module/exchange.h \
	src/module/greet.c \
	src/module/inside.c \
	src/module/log.c \
	src/module/module.h \
	src/module/parts.h \
	src/module/question.c \
	src/module/start.c \
	src/module/stop.c

check_PROGRAMS += t/helper/ask t/helper/skeleton-module t/helper/fail-call
# makes system calls of any command fail (t/every-call); nothing of ours in it
t_helper_fail_call_SOURCES = t/helper/fail-call.c
t_helper_fail_call_LDADD =
t_helper_ask_SOURCES = t/helper/ask.c
t_helper_ask_LDADD = libmodule.a $(BASE_LDADD) $(CRYPTO_LIBS)
t_helper_skeleton_module_SOURCES = t/helper/skeleton-module.c
t_helper_skeleton_module_LDADD = $(BASE_LDADD)

grammardir = $(datadir)/postern
dist_grammar_DATA = etc/postern-modules.rng
dist_man_MANS += man/postern-modules.7

UNIT_TESTS += t/unit/module_frame t/unit/module_xml
t_unit_module_frame_SOURCES = t/unit/module_frame.c t/unit/test.h
t_unit_module_frame_LDADD = $(BASE_LDADD) $(UNIT_LDADD)
t_unit_module_xml_SOURCES = t/unit/module_xml.c t/unit/test.h
t_unit_module_xml_LDADD = libmodule.a $(BASE_LDADD) $(CRYPTO_LIBS) $(UNIT_LDADD)
