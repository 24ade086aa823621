/* failure.h - what went wrong with a directory, in words for who has to mend it at night */
#ifndef POSTERN_KEYS_LDAP_FAILURE_H
#define POSTERN_KEYS_LDAP_FAILURE_H

#include "keys-ldap/connection.h"

enum step { STEP_CONNECT, STEP_STARTTLS, STEP_BIND, STEP_EXTERNAL, STEP_SEARCH };

/* "URI: step: RESULT (what the server says); what may be the reason", with the code that belongs to the result: E_CONFIG or E_TEMP.
 * diagnostic: of the server's answer; NULL: what libldap has. */
int failure_set(const struct connection *c, enum step step, int result, const char *diagnostic, struct error *err);

#endif
