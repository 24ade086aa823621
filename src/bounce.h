/* bounce.h - reports that leave for the outside and may have a message in them that we have opened */
#ifndef POSTERN_BOUNCE_H
#define POSTERN_BOUNCE_H

#include "work.h"

/* Whether the message, which has no sender and is for the outside, must not leave as it is.  From the scanner: a delivery report, what is not
 * From one of ours, and what has a token in it; from inside: a delivery report that returns a message which came encrypted.
 * E_LIMIT past a limit of MIME. */
int bounce_is(struct work *w, bool *is, struct error *err);

/* Plans a report of our own in its place, unsigned, that names recipients and status codes and returns nothing. */
int bounce_plan(struct work *w, const char *const *to, size_t n, struct error *err);

#endif
