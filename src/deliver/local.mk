noinst_LIBRARIES += libdeliver.a
libdeliver_a_SOURCES = \
	src/deliver/destination.h \
	src/deliver/hold.h \
	src/deliver/journal.h \
	src/deliver/parcel.h \
	src/deliver/report.h
