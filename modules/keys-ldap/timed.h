/* timed.h - reads and writes of libldap that end when the time is over */
#ifndef POSTERN_KEYS_LDAP_TIMED_H
#define POSTERN_KEYS_LDAP_TIMED_H

#include <lber.h>
#include <stdbool.h>

#include "lib/deadline.h"

/* libldap watches its clock between answers only: a server that says nothing while TLS begins, or a byte now and then, would keep it
 * in read(2).  This puts a layer below TLS that waits no longer than until the deadline, which is looked at each time and must
 * stay where it is.  false: it cannot be done. */
bool timed_add(Sockbuf *sb, const deadline *until);

#endif
