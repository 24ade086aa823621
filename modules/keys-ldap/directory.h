/* directory.h - one directory: a connection, opened when it is first needed, to the first of its replicas that answers */
#ifndef POSTERN_KEYS_LDAP_DIRECTORY_H
#define POSTERN_KEYS_LDAP_DIRECTORY_H

#include "keys-ldap/options.h"
#include "lib/buf.h"
#include "lib/deadline.h"
#include "lib/mem.h"

/* A value of an attribute of an entry, as it came. */
struct value {
	const char *dn, *attribute; /* the attribute without options (";binary") */
	struct span bytes;
};

/* One search.  Filter and attributes are the caller's, the values live until directory_forget(). */
struct query {
	const char *filter;
	const char *const *attributes; /* ends with NULL */
	struct value *values;
	size_t n;
	bool answered;
	bool cut;                      /* there was more than the limits allow, or a referral that was not followed */
};

struct directory;

/* o is kept.  Nothing is opened yet. */
struct directory *directory_new(const struct directory_options *o);
void directory_free(struct directory *d); /* NULL is fine */

/* What people call it: the replica in use, or its name. */
const char *directory_name(const struct directory *d);

/* Asks all of them at once and waits for the answers.  E_TEMP: no replica answers now; E_CONFIG: the operator must mend something
 * (that a password is wrong is asked once only).  A directory that was away is not tried again for a while.  Touches nothing that
 * others use: several directories may be asked in threads. */
int directory_ask(struct directory *d, struct query *queries, size_t n, deadline until, struct error *err);

/* Lines for the log that came up meanwhile, one after the other, each ending with a line feed. */
const char *directory_notes(const struct directory *d);

/* Frees what answers hold, and the notes. */
void directory_forget(struct directory *d);

#endif
