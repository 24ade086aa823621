/* holds_inside.h - what the operator's commands on one hold share: -release, -discard, -resume */
#ifndef POSTERN_HOLDS_INSIDE_H
#define POSTERN_HOLDS_INSIDE_H

#include "deliver/hold.h"
#include "deliver/returned.h"
#include "lib/config.h"
#include "outcome.h"

/* One hold, in the hands of one process: a copy that comes back at the same time waits. */
struct release {
	struct arena arena;
	const struct config *config;
	struct held held;
	struct returned returned;
	const char **waiting;
	size_t n;
	deadline until;
	struct outcome *out;
};

/* False, and the outcome says why: there is none, or it cannot be had. */
bool open_hold(struct release *r, const struct config *c, const char *id, struct outcome *out);
void close_hold(struct release *r);
/* The held message becomes standard input. */
int hold_as_input(struct release *r, struct error *err);

#endif
