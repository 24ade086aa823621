/* expiring.h - which addresses lose their last key to sign with, and when (postern -expiring) */
#ifndef POSTERN_EXPIRING_H
#define POSTERN_EXPIRING_H

#include "lib/config.h"
#include "outcome.h"

/* Prints a line for each address whose last signing certificate expires within 60 days, or has, and tells the administrator 60, 30 and 7
 * days before: once each, as SPOOL/expiring/told remembers. */
void expiring_run(const struct config *c, struct outcome *out);

#endif
