/* keys_chain.c - the issuers' certificates that are sent along with a signature, the nearest first */
#include "common/keys_chain.h"

#include <openssl/err.h>

#include "common/certificate.h"

void keys_chain_begin(struct keys_chain *c, struct span leaf)
{
	*c = (struct keys_chain){ .leaf = leaf };
}

bool keys_chain_next(struct keys_chain *c, struct span *issuer)
{
	struct certificate_parts parts;

	while (c->asked <= c->n && c->n < KEYS_CHAIN_MAX) {
		size_t i = c->asked++;

		if (certificate_parts(i ? c->items[i - 1] : c->leaf, &parts) && !span_eq(parts.issuer, parts.subject)) {
			*issuer = parts.issuer;
			return true;
		}
	}
	return false;
}

/* RFC 5280 section 7.1: written in another way a name may be the same. */
static bool same_name(struct span a, struct span b)
{
	const unsigned char *p = (const unsigned char *)a.p, *q = (const unsigned char *)b.p;
	X509_NAME *one, *other;
	bool same;

	if (span_eq(a, b))
		return true;
	one = d2i_X509_NAME(NULL, &p, (long)a.n);
	other = d2i_X509_NAME(NULL, &q, (long)b.n);
	same = one && other && X509_NAME_cmp(one, other) == 0;
	X509_NAME_free(one);
	X509_NAME_free(other);
	ERR_clear_error();
	return same;
}

static bool is_listed(const struct keys_chain *c, struct span der)
{
	for (size_t i = 0; i < c->n; i++)
		if (span_eq(c->items[i], der))
			return true;
	return false;
}

bool keys_chain_add(struct keys_chain *c, struct span der, struct span subject)
{
	struct certificate_parts parts;

	if (!certificate_parts(der, &parts) || !same_name(parts.subject, subject) || !certificate_is_readable(der))
		return false;
	if (c->n < KEYS_CHAIN_MAX && !span_eq(der, c->leaf) && !span_eq(parts.issuer, parts.subject) && !is_listed(c, der))
		c->items[c->n++] = der;
	return true;
}
