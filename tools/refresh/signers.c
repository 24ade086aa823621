/* signers.c - the CA certificates of a name, as the operator's area ca has them
 *
 * OpenSSL takes longer to read a public key than to check a signature with it, and a thousand lists may be of one CA: what was
 * read is kept until something is put into the area.
 */
#include "lib/digest.h"
#include "refresh/run.h"

static const char *key_of(struct run *r, const X509_NAME *name)
{
	const unsigned char *der = NULL;
	char hex[DIGEST_HEX + 1];
	struct digest d;
	size_t n = 0;

	X509_NAME_get0_der(name, &der, &n);
	digest_init(&d);
	digest_add(&d, der, n);
	digest_hex(&d, hex);
	return arena_strdup(&r->arena, hex);
}

static int read_signers(struct run *r, const X509_NAME *name, STACK_OF(X509) *out, struct error *err)
{
	struct area_list found = { 0 };
	struct arena arena = ARENA_INIT;
	int rc = area_find_subject(r->ca, &arena, name, &found, err);

	for (size_t i = 0; rc == 0 && i < found.n; i++) {
		const unsigned char *p = (const unsigned char *)found.items[i].der.p;
		X509 *x = d2i_X509(NULL, &p, (long)found.items[i].der.n);

		if (x)
			sk_X509_push(out, x);
	}
	arena_release(&arena);
	return rc;
}

int signers_find(struct run *r, const X509_NAME *name, STACK_OF(X509) **out, struct error *err)
{
	const char *key = key_of(r, name);
	struct set_entry *at = set_find(&r->signers, key);
	int rc = 0;

	if (!at->key) {
		STACK_OF(X509) *read = sk_X509_new_null();

		rc = read_signers(r, name, read, err);
		if (rc < 0) {
			sk_X509_pop_free(read, X509_free);
			*out = sk_X509_new_null();
			return rc;
		}
		at->key = key;
		at->value = read;
		set_filled(&r->signers);
	}
	*out = X509_chain_up_ref(at->value);
	return 0;
}

void signers_forget(struct run *r)
{
	for (size_t i = 0; i < r->signers.cap; i++)
		if (r->signers.entries[i].key)
			sk_X509_pop_free(r->signers.entries[i].value, X509_free);
	set_release(&r->signers);
}
