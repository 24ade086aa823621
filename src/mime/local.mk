noinst_LIBRARIES += libmime.a
libmime_a_SOURCES = \
	src/mime/canonical.h \
	src/mime/entity.h \
	src/mime/header.h
