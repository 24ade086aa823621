noinst_LIBRARIES += libmodule.a
libmodule_a_SOURCES = \
	src/module/ask.h \
	src/module/module.h
