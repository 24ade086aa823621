/* returning.h - plans mail that comes back from the scanner */
#ifndef POSTERN_RETURNING_H
#define POSTERN_RETURNING_H

#include "work.h"

/* Our result fields stay if their MAC is good, go if it is not. */
int returning_plan(struct work *w, const char *const *to, size_t n, struct error *err);

#endif
