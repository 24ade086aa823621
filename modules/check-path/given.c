/* given.c - what the caller of a check brought along
 *
 * Files of a command line may be many and long (a whole collection of CRLs): each is known by a name in it, and read when somebody
 * asks for that.
 */
#include "check-path/given.h"

#include "common/certificate.h"
#include "lib/log.h"

static X509_NAME *read_name(struct span der)
{
	const unsigned char *p = (const unsigned char *)der.p;

	return d2i_X509_NAME(NULL, &p, (long)der.n);
}

/* Sets its mark by a DER Name; false: it is none. */
static bool mark_given(struct given_object *g, enum mark_kind kind, struct span der)
{
	X509_NAME *name = read_name(der);

	if (name)
		mark_name(&g->mark, kind, name);
	X509_NAME_free(name);
	return name != NULL;
}

static bool take_issuer(const struct check_object *o, struct given_object *out)
{
	struct certificate_parts parts;

	*out = (struct given_object){ .der = o->der, .name = o->name };
	return der_is_strict(o->der) && certificate_parts(o->der, &parts) && mark_given(out, MARK_SUBJECT, parts.subject);
}

/* RFC 5280 section 5.1: the version may be missing, then come the algorithm and the issuer. */
static bool take_crl(const struct check_object *o, struct given_object *out)
{
	struct span rest = o->der, list, tbs, name;

	*out = (struct given_object){ .der = o->der, .name = o->name };
	if (!der_take(&rest, 0x30, NULL, &list) || !der_take(&list, 0x30, NULL, &tbs))
		return false;
	der_take(&tbs, 0x02, NULL, NULL);
	return der_take(&tbs, 0x30, NULL, NULL) && der_take(&tbs, 0x30, &name, NULL) && mark_given(out, MARK_CRL, name);
}

static void take_all(const struct check_object *objects, size_t n, bool (*take)(const struct check_object *, struct given_object *),
		     struct given_object **out, size_t *nout)
{
	*out = mem_array(n + 1, sizeof(**out));
	for (size_t i = 0; i < n; i++)
		if (take(&objects[i], &(*out)[*nout]))
			(*nout)++;
		else
			log_warning("%s: cannot be read, passed over", objects[i].name);
}

void given_take(struct given *g, const struct check_given *from)
{
	if (from->nanchors)
		g->anchors = sk_X509_new_null();
	for (size_t i = 0; i < from->nanchors; i++) {
		struct span der = from->anchors[i].der;
		X509 *x = areas_certificate(&der);

		if (x)
			sk_X509_push(g->anchors, x);
		else
			log_warning("%s: cannot be read, passed over", from->anchors[i].name);
	}
	take_all(from->issuers, from->nissuers, take_issuer, &g->issuers, &g->nissuers);
	take_all(from->crls, from->ncrls, take_crl, &g->crls, &g->ncrls);
}

void given_release(struct given *g)
{
	sk_X509_pop_free(g->anchors, X509_free);
	for (size_t i = 0; i < g->ncrls; i++)
		buf_release(&g->crls[i].form);
	free(g->issuers);
	free(g->crls);
	*g = (struct given){ 0 };
}

static bool same_mark(const struct mark *a, const struct mark *b)
{
	return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

bool given_is_anchor(const struct given *g, const X509 *x)
{
	for (int i = 0; i < sk_X509_num(g->anchors); i++)
		if (X509_cmp(sk_X509_value(g->anchors, i), x) == 0)
			return true;
	return false;
}

void given_anchors(const struct given *g, const X509_NAME *subject, STACK_OF(X509) *out)
{
	for (int i = 0; i < sk_X509_num(g->anchors); i++) {
		X509 *x = sk_X509_value(g->anchors, i);

		if (X509_NAME_cmp(X509_get_subject_name(x), subject) == 0 && X509_up_ref(x))
			sk_X509_push(out, x);
	}
}

bool given_issuer(const struct given *g, const X509_NAME *subject, size_t *i, struct span *der)
{
	struct mark wanted;

	mark_name(&wanted, MARK_SUBJECT, subject);
	while (*i < g->nissuers) {
		const struct given_object *o = &g->issuers[(*i)++];

		*der = o->der;
		if (same_mark(&o->mark, &wanted))
			return true;
	}
	return false;
}

/* A list is read when it is asked for; one that is none is said to be so, once. */
static bool digest(struct given_object *o)
{
	if (o->asked)
		return o->list.form.p != NULL;
	o->asked = true;
	if (crl_digest(o->der, &o->form, NULL) == 0 && crl_view(span_from(o->form.data, o->form.len), &o->list))
		return true;
	log_warning("%s: cannot be read, passed over", o->name);
	o->list = (struct crl){ 0 };
	return false;
}

void given_crls(struct given *g, const X509_NAME *issuer, struct areas_crl *out, size_t *n)
{
	struct mark wanted;

	mark_name(&wanted, MARK_CRL, issuer);
	for (size_t i = 0; i < g->ncrls; i++)
		if (same_mark(&g->crls[i].mark, &wanted) && digest(&g->crls[i]) && crl_issuer_is(&g->crls[i].list, issuer))
			out[(*n)++] = (struct areas_crl){ &g->crls[i].list, NULL, g->crls[i].name };
}
