/* holds.h - what an operator does with held messages: list, release, discard (postern -holds, -release, -discard) */
#ifndef POSTERN_HOLDS_H
#define POSTERN_HOLDS_H

#include "lib/config.h"
#include "outcome.h"

/* Prints them, the oldest first. */
void holds_list(const struct config *c, struct outcome *out);

/* Delivers to whoever still waits, and removes the hold when all have it.  What is held as it came goes the way it would have gone under
 * on_undecryptable and on_invalid_signature = deliver; what is finished goes inside as it is held. */
void holds_release(const struct config *c, const char *id, struct outcome *out);

/* Removes it; a copy that comes back from the scanner later is dropped. */
void holds_discard(const struct config *c, const char *id, struct outcome *out);

#endif
