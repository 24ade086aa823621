/* outgoing.h - plans mail to the outside: decide per recipient, sign, encrypt */
#ifndef POSTERN_OUTGOING_H
#define POSTERN_OUTGOING_H

#include "work.h"

int outgoing_plan(struct work *w, const char *const *to, size_t n, struct error *err);

#endif
