/* lookup.c - where in a list a string stands, without comparing it with all of them */
#include "lib/lookup.h"

#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b)
{
	const struct lookup_entry *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

void lookup_make(struct arena *a, const char *const *strings, size_t n, struct lookup *out)
{
	*out = (struct lookup){ arena_array(a, n, sizeof(*out->entries)), n };
	for (size_t i = 0; i < n; i++)
		out->entries[i] = (struct lookup_entry){ strings[i], i };
	if (n)
		qsort(out->entries, n, sizeof(*out->entries), by_text);
}

ptrdiff_t lookup_find(const struct lookup *l, const char *text)
{
	size_t from = 0, to = l->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (strcmp(l->entries[middle].text, text) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from < l->n && strcmp(l->entries[from].text, text) == 0 ? (ptrdiff_t)l->entries[from].at : -1;
}
