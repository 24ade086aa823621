/* lookup.h - where in a list a string stands, without comparing it with all of them
 *
 * A message may have a million recipients, chosen by whoever sent it: sorting is as fast for the worst of them, a hash
 * table would have to be keyed.
 */
#ifndef POSTERN_LIB_LOOKUP_H
#define POSTERN_LIB_LOOKUP_H

#include <stddef.h>

#include "lib/mem.h"

struct lookup_entry {
	const char *text;
	size_t at;
};

struct lookup {
	struct lookup_entry *entries; /* in the arena */
	size_t n;
};

/* The strings are borrowed. */
void lookup_make(struct arena *a, const char *const *strings, size_t n, struct lookup *out);

/* The first place where the very same bytes stand; -1: nowhere. */
ptrdiff_t lookup_find(const struct lookup *l, const char *text);

#endif
