noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	src/lib/address.c src/lib/address.h \
	src/lib/banned.h \
	src/lib/base64.c src/lib/base64.h \
	src/lib/buf.c src/lib/buf.h \
	src/lib/config.c src/lib/config.h src/lib/config_inside.h \
	src/lib/config_foreign.c src/lib/config_group.c src/lib/config_options.c src/lib/config_text.c src/lib/config_value.c \
	src/lib/deadline.c src/lib/deadline.h \
	src/lib/digest.c src/lib/digest.h \
	src/lib/error.c src/lib/error.h \
	src/lib/frame.c src/lib/frame.h \
	src/lib/fs.c src/lib/fs.h \
	src/lib/idn.c src/lib/idn.h \
	src/lib/json.c src/lib/json.h \
	src/lib/log.c src/lib/log.h \
	src/lib/lookup.c src/lib/lookup.h \
	src/lib/mem.c src/lib/mem.h \
	src/lib/moment.c src/lib/moment.h \
	src/lib/openssl.c src/lib/openssl.h src/lib/openssl_curves.c src/lib/openssl_keys.c src/lib/openssl_lean.c \
	src/lib/netlist.c src/lib/netlist.h \
	src/lib/profile.c src/lib/profile.h \
	src/lib/sections.c src/lib/sections.h \
	src/lib/resolve.c src/lib/resolve.h \
	src/lib/server.c src/lib/server.h \
	src/lib/xml.c src/lib/xml.h src/lib/xml_inside.h src/lib/xml_parse.c \
	src/lib/xml_parser_only.c \
	src/lib/xml_without_icu.c

UNIT_TESTS += t/unit/lib_base
t_unit_lib_base_SOURCES = t/unit/lib_base.c t/unit/test.h
t_unit_lib_base_LDADD = $(BASE_LDADD) $(UNIT_LDADD)

UNIT_TESTS += t/unit/lib_openssl
t_unit_lib_openssl_SOURCES = t/unit/lib_openssl.c t/unit/test.h
t_unit_lib_openssl_LDADD = $(BASE_LDADD) $(CRYPTO_LIBS) $(UNIT_LDADD)

UNIT_TESTS += t/unit/lib_config_group
t_unit_lib_config_group_SOURCES = t/unit/lib_config_group.c t/unit/test.h
t_unit_lib_config_group_LDADD = $(BASE_LDADD) $(UNIT_LDADD)

UNIT_TESTS += t/unit/lib_idn
t_unit_lib_idn_SOURCES = t/unit/lib_idn.c t/unit/test.h
t_unit_lib_idn_LDADD = $(BASE_LDADD) $(UNIT_LDADD)
