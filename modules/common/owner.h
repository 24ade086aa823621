/* owner.h - whose the spool is
 *
 * What root leaves in the spool or in the areas, an index or a state, the gateway's account cannot read or replace: tools that
 * are run by hand become that account first.
 */
#ifndef POSTERN_COMMON_OWNER_H
#define POSTERN_COMMON_OWNER_H

#include <stdbool.h>

#include "lib/config.h"
#include "lib/error.h"

/* Whether this is root, and the spool is somebody else's. */
bool owner_differs(const struct config *config);
/* For ever, with the groups of that account.  E_CONFIG: it cannot be. */
int owner_become(const struct config *config, struct error *err);

#endif
