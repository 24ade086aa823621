/* lists.c - revocation lists as a check uses them */
#include "check-path/lists.h"

#include <openssl/err.h>
#include <string.h>

#include "check-path/checking.h"

/* What was asked about one issuer before. */
struct lists_read {
	struct lists_read *next;
	X509_NAME *issuer;
	struct list *lists;
};

/* ---- reading one ---- */

static const struct {
	int nid;
	const char *problem; /* where it cannot be read, or stands twice */
} known[] = {
	{ NID_issuing_distribution_point, "has an issuing distribution point that cannot be read" },
	{ NID_authority_key_identifier, "has an authority key identifier that cannot be read" },
	{ NID_crl_number, "has a number that cannot be read" },
	{ NID_delta_crl, "has a base number that cannot be read" },
};
enum { POINT, KEY, NUMBER, BASE };

static void *get(struct list *l, const X509_EXTENSIONS *all, int which)
{
	int critical;
	void *value = X509V3_get_d2i(all, known[which].nid, &critical, NULL);

	if (!value && critical != -1 && !l->problem)
		l->problem = known[which].problem;
	return value;
}

static struct span copy_of(struct arena *a, const X509_EXTENSIONS *all, int nid)
{
	int at = X509v3_get_ext_by_NID(all, nid, -1);
	const ASN1_OCTET_STRING *value = at < 0 ? NULL : X509_EXTENSION_get_data(X509v3_get_ext(all, at));

	if (!value)
		return span_from(NULL, 0);
	return span_from(arena_memdup(a, ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)),
			 (size_t)ASN1_STRING_length(value));
}

static unsigned reasons_of(const ASN1_BIT_STRING *bits)
{
	unsigned mask = 0;

	for (int i = 1; i <= 8; i++)
		if (ASN1_BIT_STRING_get_bit(bits, i))
			mask |= 1u << i;
	return mask;
}

static void read_point(struct list *l)
{
	const ISSUING_DIST_POINT *p = l->point;

	if ((p->onlyuser > 0) + (p->onlyCA > 0) + (p->onlyattr > 0) > 1)
		l->problem = "has an issuing distribution point that contradicts itself";
	if (p->onlysomereasons)
		l->reasons = reasons_of(p->onlysomereasons);
	if (p->distpoint && p->distpoint->type == 1)
		DIST_POINT_set_dpname(p->distpoint, l->issuer);
}

static void find_unknown(struct list *l, const X509_EXTENSIONS *all)
{
	for (int i = 0; i < X509v3_get_ext_count(all); i++) {
		X509_EXTENSION *e = X509v3_get_ext(all, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(e));
		size_t j = 0;

		while (j < sizeof(known) / sizeof(*known) && known[j].nid != nid)
			j++;
		if (X509_EXTENSION_get_critical(e) && j == sizeof(known) / sizeof(*known) && nid != NID_freshest_crl)
			l->problem = "has a critical extension that is not understood";
	}
}

static void read_extensions(struct checking *k, struct list *l)
{
	const unsigned char *p = (const unsigned char *)l->crl->extensions.p;
	X509_EXTENSIONS *all = NULL;

	if (!l->crl->extensions.n)
		return;
	all = d2i_X509_EXTENSIONS(NULL, &p, (long)l->crl->extensions.n);
	if (!all) {
		l->problem = "has extensions that cannot be read";
		return;
	}
	l->point = get(l, all, POINT);
	l->point_der = copy_of(k->arena, all, NID_issuing_distribution_point);
	l->key = get(l, all, KEY);
	l->number = get(l, all, NUMBER);
	l->base = get(l, all, BASE);
	find_unknown(l, all);
	if (l->point)
		read_point(l);
	sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
}

static struct list *read_list(struct checking *k, const struct areas_crl *from)
{
	struct list *l = arena_alloc(k->arena, sizeof(*l));
	const struct crl *crl = from->list;
	const unsigned char *p = (const unsigned char *)crl->issuer.p;

	*l = (struct list){ .from = from, .crl = crl, .source = from->file, .reasons = REASONS_ALL };
	l->issuer = d2i_X509_NAME(NULL, &p, (long)crl->issuer.n);
	read_extensions(k, l);
	if (crl->head.flags & CRL_CRITICAL_ENTRY)
		l->problem = "has an entry with a critical extension that is not understood";
	if (!l->problem)
		l->problem = strength_hash_problem(k, crl_signature_digest(crl));
	if (crl->head.flags & CRL_TWO_ALGORITHMS)
		l->problem = "names two different signature algorithms";
	if (crl->head.flags & CRL_VERSION_1 && crl->extensions.n)
		l->problem = "has extensions that its version does not know";
	ERR_clear_error();
	return l;
}

static void free_list(struct list *l)
{
	X509_NAME_free(l->issuer);
	ISSUING_DIST_POINT_free(l->point);
	AUTHORITY_KEYID_free(l->key);
	ASN1_INTEGER_free(l->number);
	ASN1_INTEGER_free(l->base);
}

/* ---- those that came with the question ---- */

/* Its form and entries live in the arena; list is NULL where it is no list. */
static void read_one_stapled(struct checking *k, size_t i)
{
	struct crl *list = arena_alloc(k->arena, sizeof(*list));
	struct buf form = BUF_INIT;

	if (crl_digest(k->request->crls[i], &form, NULL) == 0 &&
	    crl_view(span_from(arena_memdup(k->arena, form.data, form.len), form.len), list))
		k->common->stapled[i] = (struct areas_crl){ .list = list, .file = "a CRL that was brought along" };
	buf_release(&form);
}

/* Once for each check. */
static void read_stapled(struct checking *k)
{
	if (k->common->stapled || !k->request->ncrls)
		return;
	k->common->stapled = arena_array(k->arena, CHECK_STAPLED_MAX, sizeof(*k->common->stapled));
	for (size_t i = 0; i < k->request->ncrls && i < CHECK_STAPLED_MAX; i++)
		read_one_stapled(k, i);
}

static struct list **add_stapled(struct checking *k, const X509_NAME *issuer, struct list **end)
{
	for (size_t i = 0; i < k->request->ncrls && i < CHECK_STAPLED_MAX; i++) {
		const struct areas_crl *l = &k->common->stapled[i];

		if (l->list && crl_issuer_is(l->list, issuer)) {
			*end = read_list(k, l);
			end = &(*end)->next;
		}
	}
	return end;
}

/* ---- finding them ---- */

struct list *lists_of(struct checking *k, const X509_NAME *issuer)
{
	struct lists_read *r;
	struct areas_crl *found;
	struct list **end;
	size_t n;

	for (r = k->common->read; r; r = r->next)
		if (X509_NAME_cmp(r->issuer, issuer) == 0)
			return r->lists;
	r = arena_alloc(k->arena, sizeof(*r));
	r->issuer = X509_NAME_dup(issuer);
	end = &r->lists;
	areas_find_crls(k->checker->areas, k->arena, issuer, &found, &n, &k->error);
	for (size_t i = 0; i < n; i++) {
		*end = read_list(k, &found[i]);
		end = &(*end)->next;
	}
	read_stapled(k);
	end = add_stapled(k, issuer, end);
	r->next = k->common->read;
	k->common->read = r;
	return r->lists;
}

void lists_forget(struct lists_read *read)
{
	for (; read; read = read->next) {
		for (struct list *l = read->lists; l; l = l->next)
			free_list(l);
		X509_NAME_free(read->issuer);
	}
}

/* ---- asking one ---- */

int list_find(struct checking *k, const struct list *l, const X509_NAME *issuer, const ASN1_INTEGER *serial,
	      struct crl_entry *out)
{
	return areas_search_crl(k->checker->areas, l->from, issuer, serial, out, &k->error);
}

bool list_is_current(const struct checking *k, const struct list *l, int64_t late)
{
	const struct crl_head *h = &l->crl->head;
	int64_t when = k->request->time;

	return h->this_update <= when && h->next_update && when - late <= h->next_update;
}

const char *list_number(struct checking *k, const struct list *l)
{
	return l->number ? serial_text(k->arena, l->number) : "";
}
