/* signer.c - who signed a revocation list, and whether they may (RFC 5280 section 6.3.3 (f) and (g))
 *
 * Most lists are signed by the very CA that follows on the path.  A CA may have another key for its lists, and an indirect
 * list has another issuer altogether: then the signer needs a valid path of its own, to the same anchor, with
 * revocation.  A signer whose own status stands in the list it signed is taken as good while it is being looked at:
 * the CA that points to that list wanted it so.
 */
#include <openssl/x509v3.h>

#include "check-path/checking.h"
#include "check-path/lists.h"

#define DEPTH_MAX 3 /* signers of lists about signers of lists ... */

enum { GOING_ON, GOOD, BAD };

struct signer {
	struct signer *next;
	X509 *x;              /* a reference */
	const X509 *anchor;   /* only compared by address and bytes while the check lasts; a reference, too */
	int state;
};

void signers_forget(struct signer *list)
{
	for (; list; list = list->next) {
		X509_free(list->x);
		X509_free((X509 *)(uintptr_t)list->anchor);
	}
}

static bool may_sign_lists(X509 *x)
{
	X509_check_purpose(x, -1, 0); /* reads the extensions */
	return !(X509_get_extension_flags(x) & EXFLAG_KUSAGE) || X509_get_key_usage(x) & KU_CRL_SIGN;
}

static bool fits(const struct list *l, X509 *x)
{
	return X509_NAME_cmp(X509_get_subject_name(x), l->issuer) == 0 && X509_check_akid(x, l->key) == X509_V_OK;
}

/* The signature; *problem is left alone if it is good. */
static bool signed_by(struct checking *k, const struct list *l, X509 *x, const char **problem)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	int good;

	if (areas_remembers_list(k->checker->areas, l->from, x))
		return true;
	if (!key || k->common->signatures++ >= SIGNATURES_MAX + k->common->ours) {
		*problem = key ? "has too many possible signers" : "has a signer with a key that is not supported here";
		return false;
	}
	good = crl_signature_is(l->crl, key);
	if (good < 0)
		*problem = "has a signature of a kind that is not supported here";
	else if (!good)
		*problem = "has a bad signature";
	else
		areas_remember_list(k->checker->areas, l->from, x);
	return good > 0;
}

/* Key usage and signature. */
static bool made(struct checking *k, const struct list *l, X509 *x, const char **problem)
{
	if (may_sign_lists(x))
		return signed_by(k, l, x, problem);
	*problem = "has a signer whose key usage lacks cRLSign";
	return false;
}

/* ---- not on the path ---- */

static struct signer *find_signer(struct checking *k, X509 *x, const X509 *anchor)
{
	for (struct signer *s = k->common->signers; s; s = s->next)
		if (X509_cmp(s->x, x) == 0 && X509_cmp(s->anchor, anchor) == 0)
			return s;
	return NULL;
}

static bool has_path(struct checking *k, X509 *x, X509 *anchor)
{
	struct signer *s = find_signer(k, x, anchor);

	if (s)
		return s->state != BAD;
	if (k->depth >= DEPTH_MAX)
		return false;
	s = arena_alloc(k->arena, sizeof(*s));
	*s = (struct signer){ k->common->signers, x, anchor, GOING_ON };
	X509_up_ref(x);
	X509_up_ref(anchor);
	k->common->signers = s;
	s->state = path_of_signer(k, x, anchor) ? GOOD : BAD;
	return s->state == GOOD;
}

static void push(STACK_OF(X509) *to, const STACK_OF(X509) *from)
{
	for (int i = 0; i < sk_X509_num(from); i++)
		if (X509_up_ref(sk_X509_value(from, i)))
			sk_X509_push(to, sk_X509_value(from, i));
}

static bool on_path(STACK_OF(X509) *path, int from, const X509 *x)
{
	for (int i = from; i < sk_X509_num(path); i++)
		if (X509_cmp(sk_X509_value(path, i), x) == 0)
			return true;
	return false;
}

static bool another_signer(struct checking *k, const struct list *l, STACK_OF(X509) *path, int at, const char **problem)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	X509 *anchor = sk_X509_value(path, sk_X509_num(path) - 1);
	bool good = false;

	areas_find_issuers(k->checker->areas, k->arena, l->issuer, l->key ? l->key->keyid : NULL, all, &k->error);
	push(all, k->candidates);
	for (int i = 0; i < sk_X509_num(all) && !good && !k->error.code; i++) {
		X509 *x = sk_X509_value(all, i);

		if (!fits(l, x) || on_path(path, at + 1, x) || !made(k, l, x, problem))
			continue;
		good = has_path(k, x, anchor);
		if (!good)
			*problem = "has a signer without a valid path";
	}
	sk_X509_pop_free(all, X509_free);
	return good;
}

bool signer_is_good(struct checking *k, const struct list *l, STACK_OF(X509) *path, int at, const char **problem)
{
	*problem = "has a signer that is not known";
	for (int i = at + 1; i < sk_X509_num(path); i++)
		if (fits(l, sk_X509_value(path, i)) && made(k, l, sk_X509_value(path, i), problem))
			return true;
	return another_signer(k, l, path, at, problem);
}
