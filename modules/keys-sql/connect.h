/* connect.h - a connection to one of PostgreSQL's hosts, within the deadline */
#ifndef POSTERN_KEYS_SQL_CONNECT_H
#define POSTERN_KEYS_SQL_CONNECT_H

#include "keys-sql/database.h"
#include "keys-sql/libpq.h"

/* The first host that serves, in the order of the connection string; each has an even part of the time that is left.
 * *out is closed with PQfinish; *name, for people, is free'd.  E_TEMP: none serves now, and why each does not; E_CONFIG: it is no
 * connection string, or one with a password. */
int connect_to_server(const struct libpq *pq, const struct database_settings *settings, deadline until, PGconn **out, char **name,
		      struct error *err);

#endif
