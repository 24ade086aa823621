/* returning.h - plans mail that comes back from the scanner */
#ifndef POSTERN_RETURNING_H
#define POSTERN_RETURNING_H

#include "work.h"

/* Recipients for whom the message's token speaks get what it says: the copy, the held original, the copy sealed again; others get
 * the copy.  Result fields stay if their MAC is good and are written again from a good token; else they go. */
int returning_plan(struct work *w, const char *const *to, size_t n, struct error *err);

#endif
