module_PROGRAMS += keys-socket
keys_socket_SOURCES = \
	modules/keys-socket/copy.c modules/keys-socket/copy.h \
	modules/keys-socket/main.c
keys_socket_LDADD = $(BASE_LDADD)

dist_man_MANS += man/keys-socket.8
