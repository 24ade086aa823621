/* openssl_lean.c - OpenSSL's default provider in two halves: what nearly every message needs, and the rest
 *
 * A library context learns all algorithms of a kind when the first of that kind is fetched: for one AES-CBC some 130
 * ciphers are set up, and for each public key some 70 decoders are asked whether they can read it.  In a process that lives
 * for milliseconds this was half of all instructions.  So the default provider is loaded behind a filter that passes on
 * what a table names: RSA and elliptic curves, SHA-1 and SHA-2, AES.  openssl_complete() adds what the filter held
 * back.  The implementations are the default provider's, in both halves; no algorithm is in two.
 *
 * Only libcrypto's archive lets us name the default provider's entry point; with the shared library, which hides it, the
 * default provider is loaded as it is, and is complete from the start.
 */
#include "lib/openssl.h"

#include <limits.h>
#include <openssl/core_dispatch.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <string.h>

#include "lib/mem.h"

#define LEAN "lean"
#define REST "rest"
#define FUNCTIONS_MAX 16

extern OSSL_provider_init_fn ossl_default_provider_init __attribute__((weak));

/* Each by the first of its names. */
static const char *const digests[] = { "SHA1", "SHA2-224", "SHA2-256", "SHA2-384", "SHA2-512", NULL };
static const char *const ciphers[] = { "AES-128-CBC", "AES-192-CBC", "AES-256-CBC", "AES-128-GCM", "AES-192-GCM", "AES-256-GCM",
				       "AES-128-WRAP", "AES-192-WRAP", "AES-256-WRAP", NULL };
static const char *const random_sources[] = { "HASH-DRBG", "SEED-SRC", NULL };
static const char *const key_derivations[] = { "X963KDF", NULL };
static const char *const codes[] = { "HMAC", NULL };
static const char *const key_types[] = { "RSA", "RSA-PSS", "EC", NULL };
static const char *const agreements[] = { "ECDH", NULL };
static const char *const signatures[] = { "RSA", "ECDSA", NULL };

struct operation {
	int id;
	const char *const *names;
	const char *property; /* NULL, or what an algorithm's properties must have, too */
};

/* An operation that is not here is lean altogether. */
static const struct operation operations[] = {
	{ OSSL_OP_DIGEST, digests, NULL },
	{ OSSL_OP_CIPHER, ciphers, NULL },
	{ OSSL_OP_MAC, codes, NULL },
	{ OSSL_OP_KDF, key_derivations, NULL },
	{ OSSL_OP_RAND, random_sources, NULL },
	{ OSSL_OP_KEYMGMT, key_types, NULL },
	{ OSSL_OP_KEYEXCH, agreements, NULL },
	{ OSSL_OP_SIGNATURE, signatures, NULL },
	{ OSSL_OP_DECODER, key_types, "structure=SubjectPublicKeyInfo" },
};
enum { OPERATIONS = sizeof(operations) / sizeof(*operations) };

struct half {
	OSSL_FUNC_provider_query_operation_fn *ask; /* the default provider's */
	OSSL_DISPATCH functions[FUNCTIONS_MAX];
	OSSL_ALGORITHM *algorithms[OPERATIONS];     /* made when first asked for, for the life of the process */
};

static struct half lean, rest;

static bool is_lean(const struct operation *o, const OSSL_ALGORITHM *a)
{
	size_t n = strcspn(a->algorithm_names, ":");

	if (o->property && !strstr(a->property_definition, o->property))
		return false;
	for (const char *const *name = o->names; *name; name++)
		if (strncmp(a->algorithm_names, *name, n) == 0 && !(*name)[n])
			return true;
	return false;
}

static OSSL_ALGORITHM *select_algorithms(const struct operation *o, const OSSL_ALGORITHM *all, bool wanted)
{
	OSSL_ALGORITHM *out;
	size_t n = 0, kept = 0;

	while (all[n].algorithm_names)
		n++;
	out = mem_array(n + 1, sizeof(*out));
	for (size_t i = 0; i < n; i++)
		if (is_lean(o, &all[i]) == wanted)
			out[kept++] = all[i];
	return out;
}

static const OSSL_ALGORITHM *query(struct half *h, void *provctx, int operation, int *no_cache)
{
	const OSSL_ALGORITHM *all = h->ask(provctx, operation, no_cache);

	for (size_t i = 0; i < OPERATIONS && all; i++) {
		if (operations[i].id != operation)
			continue;
		if (!h->algorithms[i])
			h->algorithms[i] = select_algorithms(&operations[i], all, h == &lean);
		return h->algorithms[i];
	}
	return h == &lean ? all : NULL;
}

static const OSSL_ALGORITHM *query_lean(void *provctx, int operation, int *no_cache)
{
	return query(&lean, provctx, operation, no_cache);
}

static const OSSL_ALGORITHM *query_rest(void *provctx, int operation, int *no_cache)
{
	return query(&rest, provctx, operation, no_cache);
}

/* The default provider's functions, with one of them ours. */
static int initialise(struct half *h, OSSL_FUNC_provider_query_operation_fn *ours, const OSSL_CORE_HANDLE *handle,
		      const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **provctx)
{
	const OSSL_DISPATCH *theirs;
	size_t n = 0;

	if (!ossl_default_provider_init(handle, in, &theirs, provctx))
		return 0;
	for (; theirs->function_id && n < FUNCTIONS_MAX - 1; theirs++) {
		h->functions[n] = *theirs;
		if (theirs->function_id == OSSL_FUNC_PROVIDER_QUERY_OPERATION) {
			h->ask = OSSL_FUNC_provider_query_operation(theirs);
			h->functions[n].function = (void (*)(void))ours;
		}
		n++;
	}
	h->functions[n] = (OSSL_DISPATCH){ 0, NULL };
	*out = h->functions;
	return h->ask != NULL;
}

static int initialise_lean(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **provctx)
{
	return initialise(&lean, query_lean, handle, in, out, provctx);
}

static int initialise_rest(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **provctx)
{
	return initialise(&rest, query_rest, handle, in, out, provctx);
}

/* References of the default context, which lives as long as the process; of others openssl_unload() finds them. */
static OSSL_PROVIDER *held[2];

bool openssl_load(OSSL_LIB_CTX *ctx)
{
	openssl_begin();
	RAND_set_DRBG_type(ctx, "HASH-DRBG", NULL, NULL, "SHA256");
	if (!ossl_default_provider_init)
		held[0] = OSSL_PROVIDER_load(ctx, "default");
	else
		held[0] = OSSL_PROVIDER_add_builtin(ctx, LEAN, initialise_lean) &&
				  OSSL_PROVIDER_add_builtin(ctx, REST, initialise_rest) ? OSSL_PROVIDER_load(ctx, LEAN) : NULL;
	/* The first fetch is when it learns the names.  Not of a digest or cipher: those learn their OIDs from them. */
	EVP_KEYMGMT_free(EVP_KEYMGMT_fetch(ctx, "EC", NULL));
	return held[0] != NULL;
}

struct loaded {
	OSSL_PROVIDER *items[2];
	size_t n;
};

static int is_ours(OSSL_PROVIDER *provider, void *arg)
{
	static const char *const names[] = { "default", LEAN, REST };
	struct loaded *l = arg;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(OSSL_PROVIDER_get0_name(provider), names[i]) == 0 && l->n < 2)
			l->items[l->n++] = provider;
	return 1;
}

void openssl_unload(OSSL_LIB_CTX *ctx)
{
	struct loaded l = { { NULL }, 0 };

	OSSL_PROVIDER_do_all(ctx, is_ours, &l);
	while (l.n)
		OSSL_PROVIDER_unload(l.items[--l.n]);
}

void openssl_complete(OSSL_LIB_CTX *ctx)
{
	if (ossl_default_provider_init && OSSL_PROVIDER_available(ctx, LEAN) && !OSSL_PROVIDER_available(ctx, REST))
		held[1] = OSSL_PROVIDER_load(ctx, REST);
}

void openssl_complete_for_digest(OSSL_LIB_CTX *ctx, int nid)
{
	static const int nids[] = { NID_sha1, NID_sha224, NID_sha256, NID_sha384, NID_sha512 };

	for (size_t i = 0; i < sizeof(nids) / sizeof(*nids); i++)
		if (nid == nids[i])
			return;
	openssl_complete(ctx);
}

static X509 *read_certificate(OSSL_LIB_CTX *ctx, struct span der, size_t *length)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509 *x = der.n && der.n <= LONG_MAX ? X509_new_ex(ctx, NULL) : NULL;

	if (!x || !d2i_X509(&x, &p, (long)der.n)) /* which frees x and makes it NULL when it fails */
		return NULL;
	*length = (size_t)(p - (const unsigned char *)der.p);
	return x;
}

X509 *openssl_certificate(OSSL_LIB_CTX *ctx, struct span *der)
{
	size_t length = 0;
	X509 *x = read_certificate(ctx, *der, &length);

	ERR_set_mark();
	if (x && !X509_get0_pubkey(x)) {
		openssl_complete(ctx);
		X509_free(x);
		x = read_certificate(ctx, *der, &length);
	}
	ERR_pop_to_mark();
	*der = span_sub(*der, x ? length : 0, der->n);
	return x;
}
