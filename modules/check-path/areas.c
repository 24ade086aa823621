/* areas.c - the operator's folders in OpenSSL's types
 *
 * Only what a question finds is parsed, and what was parsed is kept for the life of the process as long as its bytes
 * are the same: OpenSSL 3.0 takes longer to parse a certificate than to check its signature,
 * and a message with many recipients asks for the same issuers again and again.  A folder that is empty, as trusted,
 * untrusted and crl often are, costs one look and no index.
 */
#include "check-path/areas.h"

#include <openssl/x509v3.h>
#include <string.h>

#include "check-path/given.h"
#include "common/area.h"
#include "lib/openssl.h"

#define PARSED_MAX 64
#define SIGNATURES_KEPT 64

static const char *const names[] = {
	[AREAS_TRUSTED] = "trusted", [AREAS_UNTRUSTED] = "untrusted", [AREAS_CA] = "ca", [AREAS_CRL] = "crl"
};
enum { NAMES = sizeof(names) / sizeof(*names) };

struct parsed {
	struct span der; /* owned */
	X509 *x;         /* a reference */
	bool hashed, in_ca; /* in_ca: these bytes stand in area ca */
	unsigned char hash[AREAS_HASH]; /* SHA-256 */
};

struct areas {
	const struct config *config;
	struct area *areas[NAMES]; /* NULL: not opened, it was empty whenever somebody asked */
	bool empty[NAMES];         /* it was looked at for this check */
	struct parsed parsed[PARSED_MAX];
	size_t nparsed;            /* ever; the place of the next is the remainder */
	bool alone;                /* only what was given */
	struct given given;
	struct area_signature signatures[SIGNATURES_KEPT]; /* that were found to be good */
	size_t nsignatures;        /* ever, as above */
};

struct areas *areas_open(const struct config *config)
{
	struct areas *a = mem_alloc(sizeof(*a));

	a->config = config;
	return a;
}

static void forget(struct parsed *p)
{
	X509_free(p->x);
	free((void *)p->der.p);
	*p = (struct parsed){ 0 };
}

void areas_close(struct areas *a)
{
	if (!a)
		return;
	for (int i = 0; i < NAMES; i++)
		area_close(a->areas[i]);
	given_release(&a->given);
	for (size_t i = 0; i < PARSED_MAX; i++)
		forget(&a->parsed[i]);
	free(a);
}

/* To read the first names of a folder, the file system sorts many more. */
static bool is_large(enum areas_name name)
{
	return name == AREAS_CA || name == AREAS_CRL;
}

/* 1: there is something to ask; 0: the folder is empty; negative: error. */
static int ready(struct areas *a, struct arena *arena, enum areas_name name, struct error *err)
{
	int rc;

	if (a->alone)
		return 0;
	if (a->areas[name])
		return 1;
	if (a->empty[name])
		return 0;
	if (!is_large(name) || !area_has_index(arena, a->config, names[name])) {
		rc = area_occupied(arena, a->config, names[name], err);
		a->empty[name] = rc == 0;
		if (rc <= 0)
			return rc;
	}
	rc = area_open(a->config, names[name], &a->areas[name], err);
	return rc < 0 ? rc : 1;
}

void areas_give(struct areas *a, const struct check_given *given)
{
	a->alone = given->alone;
	given_take(&a->given, given);
}

void areas_look_again(struct areas *a)
{
	memset(a->empty, 0, sizeof(a->empty));
}

bool areas_alone(const struct areas *a)
{
	return a->alone;
}

const char *areas_advice(const struct areas *a, struct arena *arena, const char *area)
{
	return a->alone ? " in the files given" : arena_printf(arena, ": copy it to %s/%s", a->config->areas, area);
}

const char *areas_place(const struct areas *a, struct arena *arena, const char *area)
{
	return a->alone ? "the files given" : arena_printf(arena, "%s/%s", a->config->areas, area);
}

/* What was made of these bytes before, or a free place for them with x NULL. */
static struct parsed *place_of(struct areas *a, struct span der)
{
	struct parsed *p;

	for (size_t i = 0; i < PARSED_MAX; i++)
		if (a->parsed[i].der.p && span_eq(a->parsed[i].der, der))
			return &a->parsed[i];
	p = &a->parsed[a->nparsed++ % PARSED_MAX];
	forget(p);
	p->der = span_from(memcpy(mem_alloc(der.n + 1), der.p, der.n), der.n);
	return p;
}

/* Signatures with a rare digest need more of OpenSSL. */
static void prepare_for(int signature)
{
	int digest = NID_undef, key;

	OBJ_find_sigid_algs(signature, &digest, &key); /* RSA-PSS names its digest elsewhere */
	openssl_complete_for_digest(NULL, digest);
}

X509 *areas_certificate(struct span *der)
{
	X509 *x = openssl_certificate(NULL, der);

	if (x)
		prepare_for(X509_get_signature_nid(x));
	return x;
}

/* The certificate of these bytes; a reference of the areas, NULL where it is none. */
static X509 *certificate_of(struct areas *a, struct span der, bool in_ca)
{
	struct parsed *p = place_of(a, der);

	if (!p->x)
		p->x = areas_certificate(&der);
	p->in_ca |= in_ca;
	return p->x;
}

static struct parsed *parsed_of(struct areas *a, const X509 *x)
{
	for (size_t i = 0; i < PARSED_MAX; i++)
		if (a->parsed[i].x == x)
			return &a->parsed[i];
	return NULL;
}

/* SHA-256; *in_ca: it stands in that area. */
static bool hash_of(struct areas *a, X509 *x, unsigned char *out, bool *in_ca)
{
	struct parsed *p = parsed_of(a, x);

	*in_ca = p && p->in_ca;
	if (!p)
		return X509_digest(x, EVP_sha256(), out, NULL) == 1;
	if (!p->hashed)
		p->hashed = EVP_Digest(p->der.p, p->der.n, p->hash, NULL, EVP_sha256(), NULL) == 1;
	memcpy(out, p->hash, sizeof(p->hash));
	return p->hashed;
}

bool areas_self_signed(struct areas *a, X509 *x)
{
	return X509_get_extension_flags(x) & EXFLAG_SS && (X509_get0_authority_key_id(x) || areas_made_certificate(a, x, x));
}

bool areas_is_anchor(struct areas *a, X509 *x, bool in_ca)
{
	return a->given.anchors ? given_is_anchor(&a->given, x) : in_ca && areas_self_signed(a, x);
}

static void push_given(struct areas *a, const X509_NAME *subject, STACK_OF(X509) *out)
{
	struct span der;

	given_anchors(&a->given, subject, out);
	for (size_t i = 0; given_issuer(&a->given, subject, &i, &der);) {
		X509 *x = certificate_of(a, der, false);

		/* a self-signed one is an anchor or nothing */
		if (x && X509_NAME_cmp(X509_get_subject_name(x), subject) == 0 && !areas_self_signed(a, x) && X509_up_ref(x))
			sk_X509_push(out, x);
	}
}

/* ---- questions ---- */

int areas_find_issuers(struct areas *a, struct arena *arena, const X509_NAME *subject, const ASN1_OCTET_STRING *key_id,
		       STACK_OF(X509) *out, struct error *err)
{
	struct area_list found = { 0 };
	struct span id = span_from(NULL, 0);
	int rc = ready(a, arena, AREAS_CA, err);

	if (key_id)
		id = span_from(ASN1_STRING_get0_data(key_id), (size_t)ASN1_STRING_length(key_id));
	push_given(a, subject, out);
	if (rc > 0)
		rc = area_find_issuers(a->areas[AREAS_CA], arena, subject, id, &found, err);
	for (size_t i = 0; rc == 0 && i < found.n; i++) {
		X509 *x = certificate_of(a, found.items[i].der, true);

		if (x && X509_up_ref(x))
			sk_X509_push(out, x);
	}
	return rc;
}

int areas_find_exact(struct areas *a, struct arena *arena, enum areas_name name, X509 *x, const char **file,
		     struct error *err)
{
	struct area_list found = { 0 };
	unsigned char *der = NULL;
	int n, rc = ready(a, arena, name, err);

	*file = NULL;
	if (rc <= 0)
		return rc;
	n = i2d_X509(x, &der);
	if (n < 0)
		return error_set(err, E_TEMP, "a certificate cannot be encoded");
	rc = area_find_exact(a->areas[name], arena, span_from(der, (size_t)n), &found, err);
	if (rc == 0 && found.n)
		*file = found.items[0].file;
	OPENSSL_free(der);
	return rc;
}

int areas_find_crls(struct areas *a, struct arena *arena, const X509_NAME *issuer, struct areas_crl **out, size_t *n,
		    struct error *err)
{
	struct area_crls found = { 0 };
	int rc = ready(a, arena, AREAS_CRL, err);

	*out = NULL;
	*n = 0;
	if (rc > 0)
		rc = area_find_crls(a->areas[AREAS_CRL], arena, issuer, &found, err);
	if (rc < 0)
		return rc;
	*out = arena_array(arena, found.n + a->given.ncrls, sizeof(**out));
	given_crls(&a->given, issuer, *out, n);
	for (size_t i = 0; i < found.n; i++)
		(*out)[(*n)++] = (struct areas_crl){ &found.items[i].list, &found.items[i], found.items[i].file };
	return 0;
}

int areas_search_crl(struct areas *a, const struct areas_crl *in, const X509_NAME *issuer, const ASN1_INTEGER *serial,
		     struct crl_entry *out, struct error *err)
{
	int rc;

	if (in->in_area)
		return area_search_crl(a->areas[AREAS_CRL], in->in_area, issuer, serial, out, err);
	rc = crl_find(in->list, issuer, serial, out);
	return rc < 0 ? error_set(err, E_TEMP, "%s: cannot be searched", in->file) : rc;
}

/* ---- signatures ---- */

static bool remembers(struct areas *a, const struct area_signature *s, struct area *where)
{
	for (size_t i = 0; i < a->nsignatures && i < SIGNATURES_KEPT; i++)
		if (memcmp(&a->signatures[i], s, sizeof(*s)) == 0)
			return true;
	return where && area_knows_signature(where, s);
}

/* For other processes, too, where all of it stands in areas.  That they find it out again themselves is no error. */
static void remember(struct areas *a, const struct area_signature *s, struct area *where)
{
	a->signatures[a->nsignatures++ % SIGNATURES_KEPT] = *s;
	if (where)
		area_learn_signature(where, s, NULL);
}

bool areas_made_certificate(struct areas *a, X509 *signer, X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(signer);
	struct area_signature s;
	bool signer_in_ca, in_ca, good;

	if (!key)
		return false;
	if (!parsed_of(a, x) || !hash_of(a, signer, s.signer, &signer_in_ca) || !hash_of(a, x, s.object, &in_ca))
		return X509_verify(x, key) == 1; /* one that came with a question, and will not come again */
	in_ca = in_ca && signer_in_ca;
	if (remembers(a, &s, in_ca ? a->areas[AREAS_CA] : NULL))
		return true;
	good = X509_verify(x, key) == 1;
	if (good)
		remember(a, &s, in_ca ? a->areas[AREAS_CA] : NULL);
	return good;
}

static bool signature_of_list(struct areas *a, const struct areas_crl *l, X509 *signer, struct area_signature *s, struct area **where)
{
	bool in_ca;

	memcpy(s->object, l->list->head.hash, sizeof(s->object));
	if (!hash_of(a, signer, s->signer, &in_ca))
		return false;
	*where = l->in_area && in_ca ? a->areas[AREAS_CRL] : NULL;
	return true;
}

bool areas_remembers_list(struct areas *a, const struct areas_crl *l, X509 *signer)
{
	struct area_signature s;
	struct area *where;

	return signature_of_list(a, l, signer, &s, &where) && remembers(a, &s, where);
}

void areas_remember_list(struct areas *a, const struct areas_crl *l, X509 *signer)
{
	struct area_signature s;
	struct area *where;

	if (signature_of_list(a, l, signer, &s, &where))
		remember(a, &s, where);
}
