/* absent.h - who was asked for lately and has no certificate, remembered for all messages (SPOOL/keys-ldap/absent)
 *
 * A table of fixed size that all processes map.  A place is one 64-bit number, written at once: a piece of a keyed hash of
 * directory and address, and the second at which it is forgotten.  Places are used again, so it never grows; what is not
 * found in it is asked.
 */
#ifndef POSTERN_KEYS_LDAP_ABSENT_H
#define POSTERN_KEYS_LDAP_ABSENT_H

#include <stdbool.h>

#include "keys-ldap/options.h"

struct absent;

/* What one directory did not have; o must outlive it.  NULL where the spool cannot be used: then nothing is remembered, and a
 * line in the log says so; and where absent_lifetime is 0. */
struct absent *absent_open(const char *spool, const struct directory_options *o);
void absent_close(struct absent *a); /* NULL is fine, here and below */

bool absent_is(const struct absent *a, const char *address);
void absent_set(struct absent *a, const char *address);

#endif
