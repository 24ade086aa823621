/* delegate.c - the delegating provider: how OpenSSL meets it, and the calls of the key's holder
 *
 * CMS knows only EVP_PKEYs.  A provider of our own lets it use keys whose private half lives in another
 * process, with no engine, no PKCS#11 and no key file here.  The provider sits beside the default one in
 * a library context of its own, so that no openssl.cnf and no other code's provider can get in between.
 */
#include "smime/delegate.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/openssl.h"
#include "smime/delegate_key.h"

#define PROVIDER_NAME "postern"
#define PROVIDER_PROPERTY "provider=" PROVIDER_NAME

struct delegate {
	OSSL_LIB_CTX *ctx;
	OSSL_PROVIDER *own;
	struct provider *provider; /* belongs to own */
};

static const OSSL_ALGORITHM key_types[] = {
	{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", PROVIDER_PROPERTY, delegate_rsa_functions, NULL },
	{ "RSA-PSS:RSASSA-PSS:1.2.840.113549.1.1.10", PROVIDER_PROPERTY, delegate_rsa_pss_functions, NULL },
	{ "EC:id-ecPublicKey:1.2.840.10045.2.1", PROVIDER_PROPERTY, delegate_ec_functions, NULL },
	{ NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM signatures[] = {
	{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", PROVIDER_PROPERTY, delegate_rsa_sign_functions, NULL },
	{ "ECDSA", PROVIDER_PROPERTY, delegate_ecdsa_functions, NULL },
	{ NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM unwraps[] = {
	{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", PROVIDER_PROPERTY, delegate_unwrap_functions, NULL },
	{ NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM agreements[] = {
	{ "ECDH", PROVIDER_PROPERTY, delegate_agree_functions, NULL },
	{ NULL, NULL, NULL, NULL },
};

static const struct {
	int operation;
	const OSSL_ALGORITHM *algorithms;
} operations[] = {
	{ OSSL_OP_KEYMGMT, key_types },
	{ OSSL_OP_SIGNATURE, signatures },
	{ OSSL_OP_ASYM_CIPHER, unwraps },
	{ OSSL_OP_KEYEXCH, agreements },
};

static const OSSL_ALGORITHM *query(void *provctx, int operation, int *no_cache)
{
	*no_cache = 0;
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		if (operations[i].operation == operation)
			return operations[i].algorithms;
	return NULL;
}

static void teardown(void *provctx)
{
	free(provctx);
}

static const OSSL_DISPATCH provider_functions[] = {
	{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, FUNCTION(query) },
	{ OSSL_FUNC_PROVIDER_TEARDOWN, FUNCTION(teardown) },
	{ 0, NULL },
};

static int initialise(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **provctx)
{
	*provctx = mem_alloc(sizeof(struct provider));
	*out = provider_functions;
	return 1;
}

int delegate_new(const struct key_calls *calls, struct delegate **out, struct error *err)
{
	struct delegate *d = mem_alloc(sizeof(*d));

	*out = NULL;
	/* Before anything else of OpenSSL runs: else its first fetch would read openssl.cnf. */
	openssl_begin();
	if (!(d->ctx = OSSL_LIB_CTX_new()) || !OSSL_PROVIDER_add_builtin(d->ctx, PROVIDER_NAME, initialise) ||
	    !openssl_load(d->ctx) ||
	    !(d->own = OSSL_PROVIDER_load(d->ctx, PROVIDER_NAME))) {
		delegate_free(d);
		return error_set(err, E_TEMP, "OpenSSL cannot load its providers");
	}
	d->provider = OSSL_PROVIDER_get0_provider_ctx(d->own);
	d->provider->ctx = d->ctx;
	d->provider->calls = *calls;
	openssl_start_with_ciphers();
	*out = d;
	return 0;
}

void delegate_free(struct delegate *d)
{
	if (!d)
		return;
	if (d->own)
		OSSL_PROVIDER_unload(d->own);
	if (d->ctx)
		openssl_unload(d->ctx);
	OSSL_LIB_CTX_free(d->ctx);
	free(d);
}

OSSL_LIB_CTX *delegate_context(struct delegate *d)
{
	return d->ctx;
}

const struct error *delegate_error(const struct delegate *d)
{
	return &d->provider->error;
}

static int is_own(OSSL_PROVIDER *provider, void *out)
{
	if (strcmp(OSSL_PROVIDER_get0_name(provider), PROVIDER_NAME) == 0)
		*(struct provider **)out = OSSL_PROVIDER_get0_provider_ctx(provider);
	return 1;
}

const struct error *delegate_error_in(OSSL_LIB_CTX *ctx)
{
	struct provider *p = NULL;

	if (!ctx || OSSL_PROVIDER_do_all(ctx, is_own, &p) != 1 || !p)
		return NULL;
	return &p->error;
}

/* The public half's parameters and the name of the private one make the key. */
static EVP_PKEY *import(struct delegate *d, const char *type, OSSL_PARAM *public, const char *key_id)
{
	OSSL_PARAM id[2] = { OSSL_PARAM_construct_utf8_string(DELEGATE_PARAM_KEY_ID, (char *)(uintptr_t)key_id, 0),
			     OSSL_PARAM_construct_end() };
	OSSL_PARAM *all = OSSL_PARAM_merge(public, id);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(d->ctx, type, PROVIDER_PROPERTY);
	EVP_PKEY *key = NULL;

	if (all && ctx && EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, all) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(all);
	return key;
}

int delegate_key(struct delegate *d, X509 *certificate, const char *key_id, EVP_PKEY **out, struct error *err)
{
	static const char *const types[] = { "RSA", "RSA-PSS", "EC" };
	EVP_PKEY *public = X509_get0_pubkey(certificate);
	OSSL_PARAM *params = NULL;
	const char *type = NULL;

	*out = NULL;
	if (!public)
		return error_set(err, E_PERM, "unsupported: the certificate's public key cannot be read");
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (EVP_PKEY_is_a(public, types[i]))
			type = types[i];
	if (!type) {
		const char *name = EVP_PKEY_get0_type_name(public);

		return error_set(err, E_PERM, "unsupported: key of type %s", name ? name : "unknown");
	}
	if (EVP_PKEY_todata(public, EVP_PKEY_PUBLIC_KEY, &params) != 1)
		return error_set(err, E_PERM, "unsupported: the certificate's %s key has no usable parameters", type);
	*out = import(d, type, params, key_id);
	OSSL_PARAM_free(params);
	return *out ? 0 : error_set(err, E_PERM, "unsupported: %s key with such parameters", type);
}

/* ---- what the other files need ---- */

bool delegated_is_private(const struct delegated *key)
{
	if (key->id)
		return true;
	provider_failed(key->provider, E_PERM, "the key has no private half");
	return false;
}

int delegated_call(const struct delegated *key, key_call *call, const struct key_request *request, struct buf *out)
{
	struct provider *p = key->provider;
	int rc;

	p->error = (struct error){ 0 };
	if (!delegated_is_private(key))
		return 0;
	if (!call)
		return provider_failed(p, E_PERM, "the key's holder does not do this operation");
	rc = call(p->calls.ctx, key->id, request, out, &p->error);
	if (rc == 0) {
		p->error = (struct error){ 0 };
		return 1;
	}
	buf_wipe(out);
	if (!p->error.code)
		error_set(&p->error, rc, "the key's holder failed");
	return 0;
}

int provider_failed(struct provider *p, int code, const char *text)
{
	error_set(&p->error, code, "%s", text);
	return 0;
}

int provider_digest(struct provider *p, const char *any, char name[DIGEST_NAME_MAX], size_t *size)
{
	EVP_MD *md = EVP_MD_fetch(p->ctx, any, NULL);
	const char *known = md ? OBJ_nid2ln(EVP_MD_get_type(md)) : NULL;
	int ok = known && EVP_MD_get_size(md) > 0 && EVP_MD_get_type(md) != NID_undef;

	if (ok) {
		size_t i;

		for (i = 0; known[i] && i + 1 < DIGEST_NAME_MAX; i++)
			name[i] = (char)ascii_lower((unsigned char)known[i]);
		name[i] = '\0';
		if (size)
			*size = (size_t)EVP_MD_get_size(md);
	}
	EVP_MD_free(md);
	return ok;
}
