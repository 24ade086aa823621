noinst_LIBRARIES += libsmime.a
libsmime_a_SOURCES = \
	src/smime/delegate.h \
	src/smime/open.h \
	src/smime/profile.h \
	src/smime/seal.h
