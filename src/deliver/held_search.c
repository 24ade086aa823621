/* held_search.c - which hold it is that came back without saying so */
#include "deliver/hold_inside.h"

#include <string.h>

#include "lib/address.h"

static bool is_of_key(const struct held *h, const struct hold_key *k)
{
	const char *value = strcmp(k->kind, "content") == 0 ? h->content : h->message_id;

	return strcmp(h->reason, HOLD_SCAN) == 0 && strcmp(value, k->value) == 0 && address_equal(h->sender, k->sender);
}

/* For whom it waits and nobody better was found. */
static void offer(struct arena *a, const struct held *h, const char *content, const char *const *recipients, size_t n,
		  const struct held **out)
{
	bool same = strcmp(h->content, content) == 0;

	for (size_t i = 0; i < n; i++) {
		ptrdiff_t at = out[i] && !same ? -1 : held_find(a, h, recipients[i]);

		if (at >= 0 && !h->served[at] && (!out[i] || strcmp(out[i]->content, content) != 0))
			out[i] = h;
	}
}

static int search_by(struct arena *a, const char *spool, const struct hold_key *k, const char *content, const char *const *recipients,
		     size_t n, const struct held **out, struct error *err)
{
	const char **ids = arena_array(a, HOLD_SLOTS, sizeof(*ids));
	size_t nids = hold_index_find(a, arena_printf(a, "%s/hold", spool), k, ids);

	for (size_t i = 0; i < nids; i++) {
		struct held *h = arena_alloc(a, sizeof(*h));
		int rc = hold_read(a, spool, ids[i], h, err);

		if (rc == E_TEMP)
			return rc;
		if (rc == 0 && is_of_key(h, k))
			offer(a, h, content, recipients, n, out);
	}
	return 0;
}

int hold_search(struct arena *a, const char *spool, const struct hold_wanted *w, const struct held **out, struct error *err)
{
	const struct hold_key keys[] = { { "message-id", w->message_id, w->sender }, { "content", w->content, w->sender } };
	const char **others = arena_array(a, w->n, sizeof(*others));
	const struct held **found = arena_array(a, w->n, sizeof(const struct held *));
	size_t n = 0;
	int rc = search_by(a, spool, &keys[0], w->content, w->recipients, w->n, out, err);

	for (size_t i = 0; i < w->n; i++)
		if (!out[i])
			others[n++] = w->recipients[i];
	if (rc == 0 && n)
		rc = search_by(a, spool, &keys[1], w->content, others, n, found, err);
	for (size_t i = 0, k = 0; i < w->n; i++)
		if (!out[i])
			out[i] = found[k++];
	return rc;
}
