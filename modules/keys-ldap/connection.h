/* connection.h - to one replica of a directory: TCP or a socket, TLS, bind */
#ifndef POSTERN_KEYS_LDAP_CONNECTION_H
#define POSTERN_KEYS_LDAP_CONNECTION_H

#define LDAP_DEPRECATED 0
#include <ldap.h>

#include "keys-ldap/options.h"
#include "lib/deadline.h"

struct connection {
	LDAP *ld;               /* NULL: none */
	const char *uri;
	struct ldap_conncb added;
	deadline until;         /* of every read and write; to be set before each question */
	const struct directory_options *options;
};

/* Connects, makes it safe and binds, all until then.  E_TEMP: another replica may do better; E_CONFIG: none will.  c must stay where
 * it is until connection_close. */
int connection_open(struct connection *c, const struct directory_options *o, const char *uri, deadline until, struct error *err);
void connection_close(struct connection *c);

/* "URI: what: RESULT (diagnostic message)" with the code that belongs to the result: E_CONFIG or E_TEMP. */
int connection_failed(const struct connection *c, const char *what, int result, const char *diagnostic, struct error *err);

#endif
