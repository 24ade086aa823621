/* incoming.h - plans mail from outside: open, verify, record what was found */
#ifndef POSTERN_INCOMING_H
#define POSTERN_INCOMING_H

#include "work.h"

/* scan: the scanner gets the opened copy, and what goes inside is decided when it comes back. */
int incoming_plan(struct work *w, bool scan, const char *const *to, size_t n, struct error *err);

#endif
