/* chain.c - the issuers' certificates that go along with a signature */
#include <openssl/err.h>

#include "common/certificate.h"
#include "common/keys_answer.h"
#include "keys-file/keys_file.h"

static bool is_self_issued(const struct certificate_parts *c)
{
	return span_eq(c->issuer, c->subject);
}

static bool in_chain(const struct span *chain, size_t n, struct span der)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq(chain[i], der))
			return true;
	return false;
}

static int find_issuers(struct server *s, enum keys_area which, struct span name, struct area_list *out, struct error *err)
{
	const unsigned char *p = (const unsigned char *)name.p;
	X509_NAME *issuer = d2i_X509_NAME(NULL, &p, (long)name.n);
	struct area *a;
	int rc = keys_area(s, which, &a, err);

	*out = (struct area_list){ NULL, 0 };
	if (rc == 0 && issuer)
		rc = area_find_subject(a, &s->arena, issuer, out, err);
	ERR_clear_error();
	X509_NAME_free(issuer);
	return rc;
}

int find_chain(struct server *s, struct span leaf, struct span *chain, size_t *n, struct error *err)
{
	static const enum keys_area where[] = { IN_PRIVATE, IN_CA };
	struct certificate_parts parts, above;
	struct area_list list;
	int rc = 0;

	*n = 0;
	for (size_t next = 0; certificate_parts(leaf, &parts) && !is_self_issued(&parts) && rc == 0; leaf = chain[next++]) {
		for (size_t i = 0; i < 2 && rc == 0; i++) {
			rc = find_issuers(s, where[i], parts.issuer, &list, err);
			for (size_t k = 0; k < list.n && *n < KEYS_CHAIN_MAX; k++)
				if (certificate_parts(list.items[k].der, &above) && !is_self_issued(&above) &&
				    !in_chain(chain, *n, list.items[k].der))
					chain[(*n)++] = list.items[k].der;
		}
		if (next >= *n)
			break;
	}
	return rc;
}
