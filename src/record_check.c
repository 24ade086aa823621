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
	unsigned char *mail, *scan, *held; /* by recipient: how often */
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

static enum route route(const struct checking *k, const char *recipient)
{
	return route_of(k->config, k->envelope->origin, recipient);
}

/* The sides to which mail of a route can go; NULL: any, for rules have a word in it. */
static const char *const sides[ROUTES][2] = {
	[ROUTE_INCOMING] = { "internal", "scanner" }, [ROUTE_INSIDE] = { "internal", "internal" },
	[ROUTE_RETURNING] = { "internal", "internal" }, [ROUTE_RELAYING] = { "", "" },
};

/* A copy for the scanner is counted apart, and only what comes from outside is scanned by us. */
static int check_side(struct checking *k, const struct plan_output *o, bool scan)
{
	for (size_t i = 0; i < o->n; i++) {
		enum route r = route(k, o->recipients[i]);
		const char *const *side = sides[r];

		if ((side[0] && strcmp(o->destination, side[0]) != 0 && strcmp(o->destination, side[1]) != 0) ||
		    (r == ROUTE_INCOMING && scan != (strcmp(o->destination, "scanner") == 0)) || (r != ROUTE_INCOMING && scan))
			return error_set(k->err, E_TEMP, "plan sends %s mail for %s to destination %s", route_name(r),
					 o->recipients[i], o->destination);
	}
	return 0;
}

/* Only what comes back from the scanner can set the original free, and only in the place of a copy of it. */
static int check_back(struct checking *k, const struct plan_output *o)
{
	const struct plan_back *back = k->plan->back;

	if (!o->once && !o->sealed && o->original == ORIGINAL_NO)
		return 0;
	for (size_t i = 0; i < o->n; i++)
		if (route(k, o->recipients[i]) != ROUTE_RETURNING)
			return error_set(k->err, E_TEMP, "plan has %s come back from the scanner", o->recipients[i]);
	if (!back || (o->once && !*back->id) || (o->original == ORIGINAL_HELD && !o->once))
		return error_set(k->err, E_TEMP, "plan does not tell what came back from the scanner");
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
	if (rc == 0)
		rc = check_side(k, o, scan);
	return rc == 0 ? check_back(k, o) : rc;
}

/* Our own finished text for a hold is for mail on its way through the scanner. */
static int check_hold(struct checking *k, const struct plan_hold *h)
{
	if (!h->n || (h->content && (!h->content->nsegments || h->content->n)))
		return error_set(k->err, E_TEMP, "plan has an incomplete hold");
	if (plan_holds_for_scan(k->plan) && (!h->content || !*h->digest))
		return error_set(k->err, E_TEMP, "plan keeps nothing for the copy that the scanner gets");
	return count(k, k->held, h->recipients, h->n);
}

/* Reports may be dropped that are for the outside; no mail. */
static int check_done(struct checking *k, const struct plan_done *d)
{
	int rc = count(k, k->mail, &d->address, 1);

	if (rc == 0 && (*k->plan->sender || route(k, d->address) != ROUTE_OUTGOING))
		rc = error_set(k->err, E_TEMP, "plan leaves out %s on purpose", d->address);
	return rc;
}

/* Each recipient is dealt with, in one way; the original is held for those, and only those, whose copy is at the scanner. */
static int check_recipient(struct checking *k, size_t i)
{
	bool scan_hold = k->held[i] && plan_holds_for_scan(k->plan);
	const char *address = k->envelope->recipients[i];

	if (!k->mail[i] && !k->scan[i] && !k->held[i])
		return error_set(k->err, E_TEMP, "plan leaves out %s", address);
	if (k->mail[i] + k->scan[i] + k->held[i] - (scan_hold && k->scan[i]) != 1 || (scan_hold && !k->scan[i]))
		return error_set(k->err, E_TEMP, "plan serves %s twice, or holds what nobody waits for", address);
	return 0;
}

static int check_all(struct checking *k)
{
	const struct plan *p = k->plan;
	int rc = 0;

	if (p->outcome.code == EXIT_DONE && k->envelope->sender_known && strcmp(p->sender, k->envelope->sender) != 0)
		rc = error_set(k->err, E_TEMP, "plan is for mail from <%s>, not from <%s>", p->sender, k->envelope->sender);
	if (p->back && k->envelope->origin != ORIGIN_SCANNER)
		rc = error_set(k->err, E_TEMP, "plan has mail come back from the scanner that does not come from there");
	for (const struct plan_output *o = p->outputs; o && rc == 0; o = o->next)
		rc = check_output(k, o);
	for (const struct plan_failure *f = p->failures; f && rc == 0; f = f->next)
		rc = count(k, k->mail, &f->address, 1);
	for (const struct plan_done *d = p->dones; d && rc == 0; d = d->next)
		rc = check_done(k, d);
	if (rc == 0 && p->hold)
		rc = check_hold(k, p->hold);
	for (size_t i = 0; i < k->envelope->n && rc == 0 && p->outcome.code == EXIT_DONE; i++)
		rc = check_recipient(k, i);
	return rc;
}

int record_check(const struct plan *p, const struct config *c, const struct envelope *e, struct error *err)
{
	struct arena a = ARENA_INIT;
	struct checking k = { .plan = p, .config = c, .envelope = e, .mail = arena_alloc(&a, e->n),
			      .scan = arena_alloc(&a, e->n), .held = arena_alloc(&a, e->n), .err = err };
	int rc;

	lookup_make(&a, e->recipients, e->n, &k.recipients);
	rc = check_all(&k);
	arena_release(&a);
	return rc;
}
