# postern-module-check: does a module speak the protocol?
sbin_PROGRAMS += postern-module-check
postern_module_check_SOURCES = \
	tools/module-check/check.h \
	tools/module-check/conversation.c tools/module-check/conversation.h \
	tools/module-check/main.c \
	tools/module-check/points_check.c \
	tools/module-check/points_frames.c \
	tools/module-check/points_keys.c \
	tools/module-check/points_own.c \
	tools/module-check/points_requests.c \
	tools/module-check/points_rules.c \
	tools/module-check/points_start.c \
	tools/module-check/report.c tools/module-check/report.h \
	tools/module-check/speak.c \
	tools/module-check/stranger.c tools/module-check/stranger.h
postern_module_check_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
postern_module_check_LDADD = libmodule.a $(BASE_LDADD) $(CRYPTO_LIBS)

dist_man_MANS += man/postern-module-check.8
