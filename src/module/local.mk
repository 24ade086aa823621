noinst_LIBRARIES += libmodule.a
libmodule_a_SOURCES = \
	src/module/ask.h \
	src/module/converse.c \
	src/module/log.c \
	src/module/module.h \
	src/module/parts.h \
	src/module/start.c \
	src/module/stop.c
