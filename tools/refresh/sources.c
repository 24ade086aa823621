/* sources.c - what the certificates in use name: distribution points, missing issuers, responders (RFC 5280 4.2.1.13, 4.2.1.15,
 * 4.2.2.1)
 *
 * Every certificate of the areas is looked at, expired ones excepted; the same address is one source, however many name it.
 */
#include <openssl/x509v3.h>

#include "common/certificate.h"
#include "lib/digest.h"
#include "refresh/place.h"
#include "refresh/run.h"

#define URLS_MAX 4
#define KEY_MAX ((size_t)3000)

/* A certificate whose issuer is to be looked for. */
struct held_certificate {
	struct held_certificate *next;
	struct span der;
	const char **urls;
	size_t nurls;
	bool asked;
};

static const char *const kinds[] = { "crl", "delta", "issuer", "ocsp" };

const char *source_kind_word(enum source_kind k)
{
	return kinds[k];
}

/* ---- addresses ---- */

static struct span keep(struct run *r, struct span s)
{
	return span_from(arena_memdup(&r->arena, s.n ? s.p : "", s.n), s.n);
}

/* The text of a uniformResourceIdentifier; NULL: it is none, or has a NUL inside. */
static char *url_of(struct run *r, const GENERAL_NAME *name)
{
	const unsigned char *p;
	int n;

	if (name->type != GEN_URI)
		return NULL;
	p = ASN1_STRING_get0_data(name->d.uniformResourceIdentifier);
	n = ASN1_STRING_length(name->d.uniformResourceIdentifier);
	return n <= 0 || memchr(p, '\0', (size_t)n) ? NULL : arena_strndup(&r->arena, (const char *)p, (size_t)n);
}

static bool have_url(char *const *urls, size_t n, const char *url)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(urls[i], url) == 0)
			return true;
	return false;
}

/* http first: directories are often closed to the world.  Nothing we speak: the first, so that somebody is told. */
static size_t choose_urls(struct run *r, char **all, size_t n, const char ***out)
{
	static const char *const order[] = { "http:", "https:", "ldap:", "ldaps:" };
	const char **urls = arena_array(&r->arena, URLS_MAX, sizeof(*urls));
	size_t found = 0;

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		for (size_t j = 0; j < n && found < URLS_MAX; j++)
			if (span_casestarts(span_of(all[j]), order[i]))
				urls[found++] = all[j];
	if (!found && n)
		urls[found++] = all[0];
	*out = urls;
	return found;
}

static size_t urls_of_names(struct run *r, const GENERAL_NAMES *names, const char ***out)
{
	char *all[4 * URLS_MAX];
	size_t n = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && n < 4 * URLS_MAX; i++) {
		char *url = url_of(r, sk_GENERAL_NAME_value(names, i));

		if (url && !have_url(all, n, url))
			all[n++] = url;
	}
	return choose_urls(r, all, n, out);
}

/* Those of one access method. */
static size_t urls_of_access(struct run *r, const AUTHORITY_INFO_ACCESS *access, int method, const char ***out)
{
	char *all[4 * URLS_MAX];
	size_t n = 0;

	for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access) && n < 4 * URLS_MAX; i++) {
		const ACCESS_DESCRIPTION *d = sk_ACCESS_DESCRIPTION_value(access, i);
		char *url = OBJ_obj2nid(d->method) == method ? url_of(r, d->location) : NULL;

		if (url && !have_url(all, n, url))
			all[n++] = url;
	}
	return choose_urls(r, all, n, out);
}

/* ---- sources ---- */

static const char *key_of(struct run *r, enum source_kind kind, const char **urls, size_t n, const char *more)
{
	struct buf key = BUF_INIT;
	const char *text;

	buf_addstr(&key, kinds[kind]);
	for (size_t i = 0; i < n; i++)
		buf_addf(&key, " %s", urls[i]);
	buf_addf(&key, "%s%s", *more ? " " : "", more);
	text = key.len <= KEY_MAX ? arena_strdup(&r->arena, key.data) : NULL;
	buf_release(&key);
	return text;
}

/* The source of this key, made if it is new; NULL: it cannot be one, or there are too many. */
static struct source *source_of(struct run *r, enum source_kind kind, const char **urls, size_t n, const char *more)
{
	const char *key = n ? key_of(r, kind, urls, n, more) : NULL;
	struct set_entry *at;
	struct source *s;

	if (!key || r->nsources >= r->options->number_limit)
		return NULL;
	at = set_find(&r->by_key, key);
	if (at->key)
		return at->value;
	s = arena_alloc(&r->arena, sizeof(*s));
	s->record = state_get(&r->state, key);
	if (!s->record) {
		run_complain(r, urls[0], "has a character that must be escaped");
		return NULL;
	}
	at->key = key;
	at->value = s;
	set_filled(&r->by_key);
	s->run = r;
	s->kind = kind;
	s->urls = urls;
	s->nurls = n;
	s->what = "";
	*r->end = s;
	r->end = &s->next;
	r->nsources++;
	return s;
}

static void add_issuer(struct source *s, struct span name)
{
	for (const struct name_list *l = s->issuers; l; l = l->next)
		if (span_eq(l->der, name))
			return;
	struct name_list *l = arena_alloc(&s->run->arena, sizeof(*l));
	l->der = keep(s->run, name);
	l->next = s->issuers;
	s->issuers = l;
}

static void add_issuers(struct source *s, const struct certificate *c, const GENERAL_NAMES *other)
{
	if (!other)
		add_issuer(s, c->parts.issuer);
	for (int i = 0; i < sk_GENERAL_NAME_num(other); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(other, i);
		unsigned char *der = NULL;
		int n = name->type == GEN_DIRNAME ? i2d_X509_NAME(name->d.directoryName, &der) : 0;

		if (n > 0)
			add_issuer(s, span_from(der, (size_t)n));
		OPENSSL_free(der);
	}
}

static void add_points(struct run *r, const struct certificate *c, enum source_kind kind, bool is_ca)
{
	CRL_DIST_POINTS *points = certificate_extension(c, kind == SOURCE_CRL ? NID_crl_distribution_points : NID_freshest_crl);

	for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *p = sk_DIST_POINT_value(points, i);
		unsigned char *der = NULL;
		struct source *s;
		const char **urls;
		size_t n;
		int length;

		if (!p->distpoint || p->distpoint->type != 0)
			continue; /* a name below the issuer's is no address */
		n = urls_of_names(r, p->distpoint->name.fullname, &urls);
		s = source_of(r, kind, urls, n, "");
		if (!s)
			continue;
		add_issuers(s, c, p->CRLissuer);
		*(is_ca ? &s->for_cas : &s->for_users) = true;
		length = s->names.n ? 0 : i2d_GENERAL_NAMES(p->distpoint->name.fullname, &der);
		if (length > 0)
			s->names = keep(r, span_from(der, (size_t)length));
		OPENSSL_free(der);
	}
	CRL_DIST_POINTS_free(points);
}

/* ---- one certificate ---- */

static bool says_ca(const struct certificate *c)
{
	BASIC_CONSTRAINTS *b = certificate_extension(c, NID_basic_constraints);
	bool ca = b && b->ca;

	BASIC_CONSTRAINTS_free(b);
	return ca;
}

static const char *digest_of(struct run *r, struct span a, struct span b)
{
	char hex[DIGEST_HEX + 1];
	struct digest d;

	digest_init(&d);
	digest_add(&d, a.p, a.n);
	digest_add(&d, b.p, b.n);
	digest_hex(&d, hex);
	return arena_strdup(&r->arena, hex);
}

/* Keeps one certificate for each issuer and addresses of its certificate. */
static void hold(struct run *r, const struct certificate *c, struct span der, const char **urls, size_t n)
{
	const char *key = digest_of(r, c->parts.issuer, span_of(key_of(r, SOURCE_ISSUER, urls, n, "")));
	struct set_entry *at = set_find(&r->subjects, key);
	struct held_certificate *h;

	if (at->key)
		return;
	at->key = key;
	set_filled(&r->subjects);
	h = arena_alloc(&r->arena, sizeof(*h));
	h->der = keep(r, der);
	h->urls = urls;
	h->nurls = n;
	h->next = r->held;
	r->held = h;
}

static void add_access(struct run *r, const struct certificate *c, struct span der)
{
	AUTHORITY_INFO_ACCESS *access = certificate_extension(c, NID_info_access);
	const char **urls;
	struct source *s;
	size_t n;

	if (!access)
		return;
	n = urls_of_access(r, access, NID_ad_ca_issuers, &urls);
	if (n && key_of(r, SOURCE_ISSUER, urls, n, ""))
		hold(r, c, der, urls, n);
	n = r->options->ocsp ? urls_of_access(r, access, NID_ad_OCSP, &urls) : 0;
	s = n ? source_of(r, SOURCE_OCSP, urls, n, digest_of(r, der, span_from("", 0))) : NULL;
	if (s)
		s->certificate = keep(r, der);
	AUTHORITY_INFO_ACCESS_free(access);
}

void sources_of_certificate(struct run *r, struct span der)
{
	struct certificate *c = certificate_parse(der);

	if (c && c->not_after >= r->now && !span_eq(c->parts.issuer, c->parts.subject)) {
		bool is_ca = says_ca(c);

		add_points(r, c, SOURCE_CRL, is_ca);
		add_points(r, c, SOURCE_DELTA, is_ca);
		add_access(r, c, der);
	}
	certificate_free(c);
}

static int visit(void *ctx, const struct area_entry *e)
{
	sources_of_certificate(ctx, e->der);
	return 0;
}

static int visit_area(struct run *r, const char *name, struct error *err)
{
	struct area *a;
	int rc;

	if (strcmp(name, "ca") == 0)
		return area_each_certificate(r->ca, visit, r, err);
	rc = area_occupied(&r->arena, r->config, name, err);
	if (rc <= 0)
		return rc;
	rc = area_open(r->config, name, &a, err);
	if (rc == 0)
		rc = area_each_certificate(a, visit, r, err);
	area_close(a);
	return rc;
}

int sources_collect(struct run *r, struct error *err)
{
	static const char *const areas[] = { "ca", "private", "public", "trusted", "seen" };
	int rc = 0;

	for (size_t i = 0; i < sizeof(areas) / sizeof(*areas) && rc == 0; i++)
		rc = visit_area(r, areas[i], err);
	for (size_t i = 0; i < r->options->urls.n && rc == 0; i++)
		source_of(r, SOURCE_CRL, &r->options->urls.items[i], 1, "");
	if (r->nsources >= r->options->number_limit)
		run_complain(r, "refresh_number_limit", "there are more addresses than this: some are not asked");
	return rc;
}

/* ---- issuers that are not there ---- */

static X509 *parse(struct span der)
{
	const unsigned char *p = (const unsigned char *)der.p;

	return d2i_X509(NULL, &p, (long)der.n);
}

/* The certificate in area ca that issued x; a reference, NULL: there is none. */
static X509 *issuer_of(struct run *r, X509 *x, struct error *err)
{
	STACK_OF(X509) *found = NULL;
	X509 *issuer = NULL;

	signers_find(r, X509_get_issuer_name(x), &found, err);
	for (int i = 0; i < sk_X509_num(found) && !issuer; i++) {
		X509 *one = sk_X509_value(found, i);
		EVP_PKEY *key = X509_get0_pubkey(one);

		if (X509_check_issued(one, x) == X509_V_OK && key && X509_verify(x, key) == 1 && X509_up_ref(one))
			issuer = one;
	}
	sk_X509_pop_free(found, X509_free);
	return issuer;
}

size_t sources_missing(struct run *r, struct error *err)
{
	size_t before = r->nsources;

	for (struct held_certificate *h = r->held; h && !err->code; h = h->next) {
		X509 *x = h->asked ? NULL : parse(h->der), *issuer = x ? issuer_of(r, x, err) : NULL;
		struct certificate_parts parts;
		struct source *s;

		h->asked = true;
		if (x && !issuer && !err->code && certificate_parts(h->der, &parts)) {
			s = source_of(r, SOURCE_ISSUER, h->urls, h->nurls, "");
			if (s && !s->wanted.n)
				s->wanted = keep(r, parts.issuer);
		}
		X509_free(issuer);
		X509_free(x);
	}
	return r->nsources - before;
}

/* ---- before asking ---- */

static void prepare_answer(struct source *s)
{
	X509 *x = parse(s->certificate), *issuer = x ? issuer_of(s->run, x, &s->error) : NULL;
	unsigned char *der = NULL;
	int n = issuer ? i2d_X509(issuer, &der) : 0;

	if (n > 0)
		s->issuer = keep(s->run, span_from(der, (size_t)n));
	if (x)
		s->what = arena_printf(&s->run->arena, "certificate %.16s",
				       digest_of(s->run, s->certificate, span_from("", 0)));
	OPENSSL_free(der);
	X509_free(issuer);
	X509_free(x);
	answers_prepare(s);
}

/* A list whose signer is not known here could not be checked: it is not even asked for. */
static bool signer_is_known(struct source *s)
{
	bool known = !s->issuers;

	for (const struct name_list *l = s->issuers; l && !known; l = l->next) {
		const unsigned char *p = (const unsigned char *)l->der.p;
		X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)l->der.n);
		STACK_OF(X509) *found = NULL;

		known = !name || signers_find(s->run, name, &found, &s->error) < 0 || sk_X509_num(found);
		sk_X509_pop_free(found, X509_free);
		X509_NAME_free(name);
	}
	return known;
}

static void prepare_list(struct source *s)
{
	if (!signer_is_known(s)) {
		error_set(&s->error, E_PERM, "its issuer is not in area ca");
		return;
	}
	s->file = place_path(&s->run->arena, s->run->config, "crl", s->urls[0], "crl");
	s->there = crls_look(s);
}

void sources_prepare(struct run *r)
{
	for (struct source *s = r->sources; s; s = s->next) {
		if (s->file || s->outcome || s->kind == SOURCE_ISSUER)
			continue;
		s->error = (struct error){ 0 }; /* of the time before an issuer was there */
		if (s->kind == SOURCE_OCSP)
			prepare_answer(s);
		else
			prepare_list(s);
	}
}
