/* set.h - strings, each with a value, found by hashing */
#ifndef POSTERN_REFRESH_SET_H
#define POSTERN_REFRESH_SET_H

#include <stddef.h>

struct set_entry {
	const char *key; /* borrowed; NULL: free */
	void *value;
};

struct set {
	struct set_entry *entries;
	size_t n, cap;
};

/* The entry of this key; one with key NULL where there is none: fill it, and set_filled(). */
struct set_entry *set_find(struct set *s, const char *key);
void set_filled(struct set *s);
void set_release(struct set *s);

#endif
