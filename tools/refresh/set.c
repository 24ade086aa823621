/* set.c - strings, each with a value, found by hashing
 *
 * The keys come from certificates and so from strangers: the hash has a start nobody outside knows.
 */
#include "refresh/set.h"

#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "lib/mem.h"

static uint64_t start(void)
{
	static uint64_t seed;

	if (!seed && getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = (uint64_t)time(NULL);
	return seed |= 1;
}

static size_t hash(const char *key)
{
	uint64_t h = start();

	for (; *key; key++) {
		h = (h ^ (unsigned char)*key) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	return (size_t)h;
}

static struct set_entry *place(struct set_entry *entries, size_t cap, const char *key)
{
	size_t i = hash(key) & (cap - 1);

	while (entries[i].key && strcmp(entries[i].key, key) != 0)
		i = (i + 1) & (cap - 1);
	return &entries[i];
}

struct set_entry *set_find(struct set *s, const char *key)
{
	if (s->n * 2 >= s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 256;
		struct set_entry *bigger = mem_array(cap, sizeof(*bigger));

		for (size_t i = 0; i < s->cap; i++)
			if (s->entries[i].key)
				*place(bigger, cap, s->entries[i].key) = s->entries[i];
		free(s->entries);
		s->entries = bigger;
		s->cap = cap;
	}
	return place(s->entries, s->cap, key);
}

void set_filled(struct set *s)
{
	s->n++;
}

void set_release(struct set *s)
{
	free(s->entries);
	*s = (struct set){ 0 };
}
