/* chain.c - the issuers' certificates that go along with a signature */
#include <openssl/err.h>

#include "keys-file/keys_file.h"

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

int find_chain(struct server *s, struct span leaf, struct keys_chain *chain, struct error *err)
{
	static const enum keys_area where[] = { IN_PRIVATE, IN_CA };
	struct area_list list;
	struct span issuer;
	int rc = 0;

	keys_chain_begin(chain, leaf);
	while (rc == 0 && keys_chain_next(chain, &issuer))
		for (size_t i = 0; i < 2 && rc == 0; i++) {
			rc = find_issuers(s, where[i], issuer, &list, err);
			for (size_t k = 0; k < list.n; k++)
				keys_chain_add(chain, list.items[k].der, issuer);
		}
	return rc;
}
