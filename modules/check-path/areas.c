/* areas.c - the operator's folders in OpenSSL's types
 *
 * Only what a question finds is parsed.  CRLs can be megabytes and a message asks for the same ones again and
 * again, so parsed ones are kept for the life of the process, as long as their bytes are the same.
 */
#include "check-path/areas.h"

#include <limits.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "common/area.h"
#include "lib/buf.h"

#define PARSED_MAX 32

static const char *const names[] = {
	[AREAS_TRUSTED] = "trusted", [AREAS_UNTRUSTED] = "untrusted", [AREAS_CA] = "ca", [AREAS_CRL] = "crl"
};
enum { NAMES = sizeof(names) / sizeof(*names) };

struct parsed {
	struct span der; /* owned */
	X509_CRL *crl;   /* a reference */
};

struct areas {
	const struct config *config;
	struct area *areas[NAMES];
	struct parsed parsed[PARSED_MAX];
	size_t nparsed; /* ever; the place of the next is the remainder */
};

int areas_open(const struct config *config, struct areas **out, struct error *err)
{
	struct areas *a = mem_alloc(sizeof(*a));
	int rc = 0;

	*out = NULL;
	a->config = config;
	for (int i = 0; i < NAMES && rc == 0; i++)
		rc = area_open(config, names[i], &a->areas[i], err);
	if (rc < 0)
		areas_close(a);
	else
		*out = a;
	return rc;
}

static void forget(struct parsed *p)
{
	X509_CRL_free(p->crl);
	free((void *)p->der.p);
	*p = (struct parsed){ 0 };
}

void areas_close(struct areas *a)
{
	if (!a)
		return;
	for (int i = 0; i < NAMES; i++)
		area_close(a->areas[i]);
	for (size_t i = 0; i < PARSED_MAX; i++)
		forget(&a->parsed[i]);
	free(a);
}

const char *areas_directory(const struct areas *a)
{
	return a->config->areas;
}

static X509 *parse_certificate(struct span der)
{
	const unsigned char *p = (const unsigned char *)der.p;

	return der.n <= LONG_MAX ? d2i_X509(NULL, &p, (long)der.n) : NULL;
}

int areas_find_issuers(struct areas *a, struct arena *arena, const X509_NAME *subject, STACK_OF(X509) *out,
		       struct error *err)
{
	struct area_list found;
	int rc = area_find_subject(a->areas[AREAS_CA], arena, subject, &found, err);

	for (size_t i = 0; rc == 0 && i < found.n; i++) {
		X509 *x = parse_certificate(found.items[i].der);

		if (x)
			sk_X509_push(out, x);
	}
	return rc;
}

int areas_find_exact(struct areas *a, struct arena *arena, enum areas_name name, X509 *x, const char **file,
		     struct error *err)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der), rc;
	struct area_list found;

	*file = NULL;
	if (n < 0)
		return error_set(err, E_TEMP, "a certificate cannot be encoded");
	rc = area_find_exact(a->areas[name], arena, span_from(der, (size_t)n), &found, err);
	if (rc == 0 && found.n)
		*file = found.items[0].file;
	OPENSSL_free(der);
	return rc;
}

/* The CRL of these bytes: a reference of the areas, or NULL. */
static X509_CRL *parse_crl(struct areas *a, struct span der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	struct parsed *place = &a->parsed[a->nparsed % PARSED_MAX];
	X509_CRL *crl;

	for (size_t i = 0; i < PARSED_MAX; i++)
		if (a->parsed[i].crl && span_eq(a->parsed[i].der, der))
			return a->parsed[i].crl;
	crl = der.n && der.n <= LONG_MAX ? d2i_X509_CRL(NULL, &p, (long)der.n) : NULL;
	if (!crl)
		return NULL;
	forget(place);
	place->crl = crl;
	place->der = span_from(memcpy(mem_alloc(der.n), der.p, der.n), der.n);
	a->nparsed++;
	return crl;
}

int areas_find_crls(struct areas *a, struct arena *arena, const X509_NAME *issuer, struct areas_crl **out, size_t *n,
		    struct error *err)
{
	struct area_list found;
	int rc = area_find_crls(a->areas[AREAS_CRL], arena, issuer, &found, err);

	*out = NULL;
	*n = 0;
	if (rc < 0)
		return rc;
	*out = arena_array(arena, found.n, sizeof(**out));
	for (size_t i = 0; i < found.n; i++) {
		X509_CRL *crl = parse_crl(a, found.items[i].der);

		if (!crl || X509_NAME_cmp(X509_CRL_get_issuer(crl), issuer) != 0)
			continue;
		X509_CRL_up_ref(crl);
		(*out)[(*n)++] = (struct areas_crl){ crl, found.items[i].file };
	}
	return 0;
}
