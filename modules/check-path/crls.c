/* crls.c - what the revocation lists say of one certificate: RFC 5280 section 6.3
 *
 * Each distribution point of the certificate is asked, then the one that is assumed for all certificates, until every
 * reason for a revocation has been covered by some list; a delta CRL that fits is put before its complete one.  First only
 * lists are taken that are valid at the time of the check; what is left open then, older (and newer) ones may say.
 * That all reasons are covered does not end it: a revocation in any other list that may speak about the certificate counts,
 * however old that list is, unless a newer one of the same scope has been asked and does not know of it any more.
 */
#include <openssl/x509v3.h>
#include <string.h>

#include "check-path/checking.h"
#include "check-path/lists.h"

enum round { ROUND_CURRENT, ROUND_ANY_TIME, ROUND_OBJECTIONS };

struct consultation {
	struct checking *k;
	STACK_OF(X509) *path;
	int at;
	X509 *x;
	const struct issuer_policy *policy;
	struct revocation_answer *out;
	unsigned covered;        /* reasons */
	enum round round;
	bool revoked;
	bool stale;              /* something that is not valid at this time was used */
	const char *problem;     /* of a list that should have been used, with its name */
	const struct list *other; /* one of the issuer that says nothing about this certificate */
};

/* ---- delta lists ---- */

static bool same_key(const AUTHORITY_KEYID *a, const AUTHORITY_KEYID *b)
{
	if (!a || !b || !a->keyid || !b->keyid)
		return true;
	return ASN1_OCTET_STRING_cmp(a->keyid, b->keyid) == 0;
}

/* RFC 5280 section 5.2.4: same issuer, scope and key, made for this list or an older one, and newer than it. */
static bool updates(const struct list *delta, const struct list *complete)
{
	return delta->base && !delta->problem && delta->number && complete->number &&
	       span_eq(delta->point_der, complete->point_der) && same_key(delta->key, complete->key) &&
	       ASN1_INTEGER_cmp(complete->number, delta->base) >= 0 && ASN1_INTEGER_cmp(delta->number, complete->number) > 0;
}

/* The newest delta that fits and is genuine; those that are not change nothing: the complete list stands for itself. */
static const struct list *delta_for(struct consultation *c, const struct list *complete)
{
	const struct list *best = NULL;
	const char *problem;

	for (const struct list *l = lists_of(c->k, complete->issuer); l; l = l->next)
		if (updates(l, complete) && l->crl->head.this_update <= c->k->request->time &&
		    (!best || ASN1_INTEGER_cmp(l->number, best->number) > 0) &&
		    signer_is_good(c->k, l, c->path, c->at, &problem))
			best = l;
	return best;
}

/* ---- one list ---- */

static void say(struct consultation *c, const struct list *l, const struct crl_entry *e)
{
	*c->out = (struct revocation_answer){
		.source = l->source, .text = "", .number = list_number(c->k, l),
		.produced = (time_t)l->crl->head.this_update, .next = (time_t)l->crl->head.next_update,
		.revoked_at = e ? e->revoked_at : 0, .reason = e ? e->reason : -1,
	};
	revocation_add_evidence(c->k, "crl", c->out, c->x);
}

/* What a list says: 1 revoked (said), 0 not, -1 taken off again, E_... with k->error. */
static int ask_list(struct consultation *c, const struct list *l, int *says)
{
	struct crl_entry e;
	int rc = list_find(c->k, l, X509_get_issuer_name(c->x), X509_get0_serialNumber(c->x), &e);

	*says = 0;
	if (rc < 0)
		return rc;
	if (rc > 0)
		*says = e.reason == CRL_REASON_REMOVE ? -1 : 1;
	say(c, l, *says > 0 ? &e : NULL);
	c->revoked = *says > 0;
	return 0;
}

static void complain(struct consultation *c, const struct list *l, const char *problem)
{
	if (!c->problem)
		c->problem = arena_printf(c->k->arena, "the CRL %s %s", l->source, problem);
}

static bool is_usable(struct consultation *c, const struct list *l)
{
	const char *problem = l->problem;

	if (!problem && c->policy->mode == CHECK_CRL_REQUIRE && !l->number)
		problem = "has no number (RFC 5280 section 5.2.3)";
	if (problem || !signer_is_good(c->k, l, c->path, c->at, &problem)) {
		complain(c, l, problem);
		return false;
	}
	return true;
}

/* A delta that is over may add to what is revoked, and takes nothing away. */
static void use_list(struct consultation *c, const struct list *l, const struct list *delta, unsigned reasons)
{
	bool current = list_is_current(c->k, l, 0), delta_current = delta && list_is_current(c->k, delta, 0);
	int says = 0;

	if (delta && ask_list(c, delta, &says) < 0)
		return;
	if (c->revoked)
		return;
	if (!(says < 0 && delta_current) && ask_list(c, l, &says) < 0)
		return;
	c->covered |= reasons;
	if (!current && !delta_current) {
		c->stale = true;
		c->out->text = arena_printf(c->k->arena, "%s %s", l->source, l->crl->head.this_update > c->k->request->time ? "is not valid yet" :
					    l->crl->head.next_update ? "is out of date" : "has no nextUpdate");
	}
}

/* ---- the lists of one issuer ---- */

#define LISTS_MAX 2048

/* By thisUpdate, then by number. */
static bool is_newer(const struct list *a, const struct list *b)
{
	if (a->crl->head.this_update != b->crl->head.this_update)
		return a->crl->head.this_update > b->crl->head.this_update;
	return a->number && (!b->number || ASN1_INTEGER_cmp(a->number, b->number) > 0);
}

/* The newest among those not tried. */
static struct list *newest(struct list *lists, const bool *tried)
{
	struct list *best = NULL;
	size_t i = 0;

	for (struct list *l = lists; l && i < LISTS_MAX; l = l->next, i++)
		if (!tried[i] && (!best || is_newer(l, best)))
			best = l;
	return best;
}

static size_t place_of(const struct list *lists, const struct list *l)
{
	size_t i = 0;

	for (; lists != l; lists = lists->next)
		i++;
	return i;
}

static void try_list(struct consultation *c, const struct list *l, const DIST_POINT *point)
{
	unsigned reasons = scope_reasons(l, point);
	const struct list *delta;

	if (!(reasons & ~c->covered))
		return;
	if (l->base || !scope_covers(l, c->x, point)) {
		c->other = l;
		return;
	}
	delta = delta_for(c, l);
	if (c->round == ROUND_CURRENT && !list_is_current(c->k, l, 0) && !(delta && list_is_current(c->k, delta, 0)))
		return;
	if (is_usable(c, l) && !c->k->error.code)
		use_list(c, l, delta, reasons);
}

/* A genuine newer list of the same issuer, key and scope says so: a complete one by not having the certificate any more, a delta in
 * so many words. */
static bool is_taken_off(struct consultation *c, const struct list *l)
{
	struct crl_entry e;
	int rc = 0;

	for (const struct list *m = lists_of(c->k, l->issuer); m && rc >= 0; m = m->next) {
		if (m->problem || !is_newer(m, l) || !span_eq(m->point_der, l->point_der) || !same_key(m->key, l->key) ||
		    (m->base && !list_is_current(c->k, m, 0)))
			continue;
		rc = list_find(c->k, m, X509_get_issuer_name(c->x), X509_get0_serialNumber(c->x), &e);
		if ((rc == 0 ? !m->base : rc > 0 && e.reason == CRL_REASON_REMOVE) && is_usable(c, m))
			return true;
	}
	return false;
}

/* Whether it says anything is found out before its signature is looked at: most lists do not. */
static void try_objection(struct consultation *c, const struct list *l, const DIST_POINT *point)
{
	struct crl_entry e;

	if (l->problem || !scope_covers(l, c->x, point) ||
	    list_find(c->k, l, X509_get_issuer_name(c->x), X509_get0_serialNumber(c->x), &e) <= 0 ||
	    e.reason == CRL_REASON_REMOVE || is_taken_off(c, l) || !is_usable(c, l) || c->k->error.code)
		return;
	say(c, l, &e);
	c->revoked = true;
}

static bool is_settled(const struct consultation *c)
{
	return c->revoked || c->k->error.code ||
	       (c->round != ROUND_OBJECTIONS && (c->covered & REASONS_ALL) == REASONS_ALL);
}

static void try_issuer(struct consultation *c, const DIST_POINT *point, const X509_NAME *issuer)
{
	struct list *lists = lists_of(c->k, issuer), *l;
	bool tried[LISTS_MAX] = { false };

	if (c->round == ROUND_OBJECTIONS)
		for (l = lists; l && !is_settled(c); l = l->next)
			try_objection(c, l, point);
	else
		while (!is_settled(c) && (l = newest(lists, tried)) != NULL) {
			tried[place_of(lists, l)] = true;
			try_list(c, l, point);
		}
}

/* ---- the distribution points ---- */

static void try_point(struct consultation *c, const DIST_POINT *point)
{
	if (!point->CRLissuer) {
		try_issuer(c, point, X509_get_issuer_name(c->x));
		return;
	}
	for (int i = 0; i < sk_GENERAL_NAME_num(point->CRLissuer) && !is_settled(c); i++)
		if (sk_GENERAL_NAME_value(point->CRLissuer, i)->type == GEN_DIRNAME)
			try_issuer(c, point, sk_GENERAL_NAME_value(point->CRLissuer, i)->d.directoryName);
}

static void try_points(struct consultation *c, const CRL_DIST_POINTS *points)
{
	for (int i = 0; i < sk_DIST_POINT_num(points) && !is_settled(c); i++)
		try_point(c, sk_DIST_POINT_value(points, i));
	if (!is_settled(c))
		try_issuer(c, NULL, X509_get_issuer_name(c->x));
}

enum revocation_status crls_consult(struct checking *k, STACK_OF(X509) *path, int at, const struct issuer_policy *policy,
				    struct revocation_answer *out)
{
	struct consultation c = { .k = k, .path = path, .at = at, .x = sk_X509_value(path, at), .policy = policy, .out = out };
	CRL_DIST_POINTS *points = X509_get_ext_d2i(c.x, NID_crl_distribution_points, NULL, NULL);

	*out = (struct revocation_answer)REVOCATION_ANSWER_INIT;
	for (c.round = ROUND_CURRENT; c.round <= ROUND_OBJECTIONS; c.round++)
		if (!is_settled(&c))
			try_points(&c, points);
	CRL_DIST_POINTS_free(points);
	if (k->error.code)
		return REVOCATION_NO_ANSWER;
	if (c.revoked)
		return REVOCATION_REVOKED;
	out->stale = c.stale;
	if ((c.covered & REASONS_ALL) == REASONS_ALL)
		return REVOCATION_GOOD;
	*out = (struct revocation_answer)REVOCATION_ANSWER_INIT;
	out->broken = c.problem != NULL;
	if (c.problem)
		out->text = c.problem;
	else if (c.covered)
		out->text = "the CRLs that are there do not cover all reasons";
	else if (c.other)
		out->text = arena_printf(k->arena, "%s is %s", c.other->source, c.other->base ? "a delta CRL without its complete one"
											   : "for other certificates, or another distribution point");
	return REVOCATION_NO_ANSWER;
}
