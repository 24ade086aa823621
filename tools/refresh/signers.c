/* signers.c - the CA certificates of a name, as the operator's area ca has them */
#include "refresh/run.h"

int signers_find(struct run *r, const X509_NAME *name, STACK_OF(X509) **out, struct error *err)
{
	struct area_list found = { 0 };
	struct arena arena = ARENA_INIT;
	int rc = area_find_subject(r->ca, &arena, name, &found, err);

	*out = sk_X509_new_null();
	for (size_t i = 0; rc == 0 && i < found.n; i++) {
		const unsigned char *p = (const unsigned char *)found.items[i].der.p;
		X509 *x = d2i_X509(NULL, &p, (long)found.items[i].der.n);

		if (x)
			sk_X509_push(*out, x);
	}
	arena_release(&arena);
	return rc;
}
