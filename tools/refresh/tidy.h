/* tidy.h - takes away what nobody asks for any more
 *
 * Lists whose address no certificate names and that are over, and OCSP answers about certificates that are not in use, both untouched
 * for a month.
 * Only in the folders that are this program's own.
 */
#ifndef POSTERN_REFRESH_TIDY_H
#define POSTERN_REFRESH_TIDY_H

#include "refresh/run.h"

#define TIDY_AFTER ((int64_t)30 * 86400) /* seconds */

/* What was imported stays: nobody knows when somebody comes again. */
void tidy(struct run *r);

#endif
