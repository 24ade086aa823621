/* unlock.h - the passphrase that a person has given for the keys of one conversation: the operation "unlock" (postern-modules(7)) */
#ifndef POSTERN_COMMON_UNLOCK_H
#define POSTERN_COMMON_UNLOCK_H

#include "lib/error.h"
#include "lib/xml.h"

/* Takes it out of the request, in the place of *given (NULL: none yet), which stays in OpenSSL's locked memory until unlock_forget.
 * E_PERM: there is none in it, or no passphrase. */
int unlock_take(const struct xml *request, char **given, struct error *err);
void unlock_forget(char **given);

#endif
