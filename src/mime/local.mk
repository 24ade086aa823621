noinst_LIBRARIES += libmime.a
libmime_a_SOURCES = \
	src/mime/addresses.c \
	src/mime/canonical.c src/mime/canonical.h \
	src/mime/canonical_header.c src/mime/canonical_header.h \
	src/mime/charset.c src/mime/charset.h \
	src/mime/decode.c src/mime/decode.h \
	src/mime/describe.c src/mime/describe.h \
	src/mime/encode.c \
	src/mime/entity.c src/mime/entity.h \
	src/mime/header.c src/mime/header.h \
	src/mime/lines.c src/mime/lines.h \
	src/mime/parameters.c \
	src/mime/words.c \
	src/mime/write.c

UNIT_TESTS += t/unit/mime_header
t_unit_mime_header_SOURCES = t/unit/mime_header.c t/unit/test.h
t_unit_mime_header_LDADD = libmime.a $(BASE_LDADD) $(UNIT_LDADD)

UNIT_TESTS += t/unit/mime_entity
t_unit_mime_entity_SOURCES = t/unit/mime_entity.c t/unit/test.h
t_unit_mime_entity_LDADD = libmime.a $(BASE_LDADD) $(UNIT_LDADD)

UNIT_TESTS += t/unit/mime_canonical
t_unit_mime_canonical_SOURCES = t/unit/mime_canonical.c t/unit/test.h
t_unit_mime_canonical_LDADD = libmime.a $(BASE_LDADD) $(UNIT_LDADD)

check_PROGRAMS += t/helper/mime-tree
t_helper_mime_tree_SOURCES = t/helper/mime-tree.c
t_helper_mime_tree_LDADD = libmime.a $(BASE_LDADD)
