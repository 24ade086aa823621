/* record_check.c - whether a plan is one that this envelope could have
 *
 * The child has parsed what a stranger wrote, and may be the stranger's by now.  What it says cannot be checked for being
 * right, but it can be kept from using the gateway for something else: other recipients, other senders, another side.
 */
#include "record.h"

#include <string.h>

#include "direction.h"
#include "lib/lookup.h"

struct checking {
	const struct plan *plan;
	const struct config *config;
	const struct envelope *envelope;
	struct lookup recipients;
	unsigned char *mail, *scan; /* by recipient: how often */
	struct error *err;
};

static int find(struct checking *k, const char *address, size_t *at)
{
	ptrdiff_t found = lookup_find(&k->recipients, address);

	*at = found < 0 ? 0 : (size_t)found;
	return found < 0 ? error_set(k->err, E_TEMP, "plan names a recipient that is not in the envelope") : 0;
}

static int count(struct checking *k, unsigned char *seen, const char *const *recipients, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t at;

		if (find(k, recipients[i], &at) < 0)
			return E_TEMP;
		if (seen[at]++)
			return error_set(k->err, E_TEMP, "plan serves %s twice", recipients[i]);
	}
	return 0;
}

/* The sides to which mail of a route can go; NULL: any, for rules have a word in it. */
static const char *const sides[ROUTES][2] = {
	[ROUTE_INCOMING] = { "internal", "scanner" }, [ROUTE_INSIDE] = { "internal", "internal" },
	[ROUTE_RETURNING] = { "internal", "internal" }, [ROUTE_RELAYING] = { "", "" },
};

static int check_side(struct checking *k, const struct plan_output *o)
{
	for (size_t i = 0; i < o->n; i++) {
		enum route r = route_of(k->config, k->envelope->origin, o->recipients[i]);
		const char *const *side = sides[r];

		if (side[0] && strcmp(o->destination, side[0]) != 0 && strcmp(o->destination, side[1]) != 0)
			return error_set(k->err, E_TEMP, "plan sends %s mail for %s to destination %s", route_name(r),
					 o->recipients[i], o->destination);
	}
	return 0;
}

static int check_output(struct checking *k, const struct plan_output *o)
{
	bool scan = strcmp(o->kind, "scan") == 0;
	int rc;

	if ((!scan && strcmp(o->kind, "mail") != 0) || !o->n || !o->nsegments)
		return error_set(k->err, E_TEMP, "plan has an incomplete output");
	if (strcmp(o->sender, k->plan->sender) != 0)
		return error_set(k->err, E_TEMP, "plan has an output from <%s>, the sender is <%s>", o->sender, k->plan->sender);
	rc = count(k, scan ? k->scan : k->mail, o->recipients, o->n);
	return rc < 0 ? rc : check_side(k, o);
}

static int check_all(struct checking *k)
{
	const struct plan *p = k->plan;
	int rc = 0;

	if (p->outcome.code == EXIT_DONE && k->envelope->sender_known && strcmp(p->sender, k->envelope->sender) != 0)
		rc = error_set(k->err, E_TEMP, "plan is for mail from <%s>, not from <%s>", p->sender, k->envelope->sender);
	for (const struct plan_output *o = p->outputs; o && rc == 0; o = o->next)
		rc = check_output(k, o);
	for (const struct plan_failure *f = p->failures; f && rc == 0; f = f->next)
		rc = count(k, k->mail, &f->address, 1);
	if (rc == 0 && p->hold)
		rc = count(k, k->mail, p->hold->recipients, p->hold->n);
	for (size_t i = 0; i < k->envelope->n && rc == 0 && p->outcome.code == EXIT_DONE; i++)
		if (!k->mail[i] && !k->scan[i])
			rc = error_set(k->err, E_TEMP, "plan leaves out %s", k->envelope->recipients[i]);
	return rc;
}

int record_check(const struct plan *p, const struct config *c, const struct envelope *e, struct error *err)
{
	struct arena a = ARENA_INIT;
	struct checking k = { .plan = p, .config = c, .envelope = e, .mail = arena_alloc(&a, e->n),
			      .scan = arena_alloc(&a, e->n), .err = err };
	int rc;

	lookup_make(&a, e->recipients, e->n, &k.recipients);
	rc = check_all(&k);
	arena_release(&a);
	return rc;
}
