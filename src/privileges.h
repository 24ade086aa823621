/* privileges.h - root must not stay behind the account we work as */
#ifndef POSTERN_PRIVILEGES_H
#define POSTERN_PRIVILEGES_H

#include "lib/error.h"

/* Sendmail's mailer flag S changes the effective user and group only: the real user is still root, who could be taken back, and
 * the groups are root's.  Becomes the effective user for good, with the groups of that account.  Anything else is
 * left as it is.  E_CONFIG where that fails: then nothing must be done. */
int privileges_settle(struct error *err);

#endif
