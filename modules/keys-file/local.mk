noinst_LIBRARIES += libkeysfile.a
libkeysfile_a_SOURCES = \
	modules/keys-file/areas.c \
	modules/keys-file/capabilities.c \
	modules/keys-file/chain.c \
	modules/keys-file/find_certificates.c \
	modules/keys-file/find_keys.c modules/keys-file/find_keys.h \
	modules/keys-file/keys_file.h \
	modules/keys-file/list_keys.c \
	modules/keys-file/locked.c \
	modules/keys-file/main.c \
	modules/keys-file/private_key.c \
	modules/keys-file/store.c

module_LINKS += keys-file

dist_man_MANS += man/keys-file.8
