/* incoming.h - plans mail from outside: open, verify, record what was found */
#ifndef POSTERN_INCOMING_H
#define POSTERN_INCOMING_H

#include "work.h"

int incoming_plan(struct work *w, const char *destination, const char *const *to, size_t n, struct error *err);

#endif
