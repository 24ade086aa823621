/* connection.h - to one replica of a directory: TCP or a socket, TLS, bind */
#ifndef POSTERN_KEYS_LDAP_CONNECTION_H
#define POSTERN_KEYS_LDAP_CONNECTION_H

#define LDAP_DEPRECATED 0
#include <ldap.h>

#include "keys-ldap/options.h"
#include "lib/buf.h"
#include "lib/deadline.h"
#include "lib/error.h"

struct connection {
	LDAP *ld;               /* NULL: none */
	const char *uri;
	struct ldap_conncb added;
	deadline until;         /* of every read and write; to be set before each question */
	const struct directory_options *options;
	bool reached;           /* there is a connection, though perhaps no TLS */
	struct buf followed;    /* servers of referrals, a line each, between two line feeds */
};

/* Connects, makes it safe and binds, all until then.  E_TEMP: another replica may do better; E_CONFIG: none will.  c must stay where
 * it is until connection_close. */
int connection_open(struct connection *c, const struct directory_options *o, const char *uri, deadline until, struct error *err);
void connection_close(struct connection *c);

/* Whether one of a referral's URLs is of a server that libldap has connected to: it asks there as well, and a failure there is one of
 * the whole search.  NULL is fine. */
bool connection_follows(const struct connection *c, char *const *urls);

#endif
