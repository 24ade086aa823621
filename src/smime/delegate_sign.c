/* delegate_sign.c - signatures of the delegating provider: RSA PKCS#1 v1.5, PSS, ECDSA (OSSL_OP_SIGNATURE)
 *
 * The data is hashed here; only the digest goes to the key's holder (RFC 8017 section 8).
 */
#include <openssl/core_dispatch.h>
#include <openssl/rsa.h>
#include <string.h>

#include "lib/mem.h"
#include "smime/delegate_sign.h"

static void *sign_new(void *provctx, bool is_rsa)
{
	struct signing *s = mem_alloc(sizeof(*s));

	s->provider = provctx;
	s->is_rsa = is_rsa;
	return s;
}

static void *rsa_new(void *provctx, const char *propq)
{
	return sign_new(provctx, true);
}

static void *ecdsa_new(void *provctx, const char *propq)
{
	return sign_new(provctx, false);
}

static void sign_free(void *ctx)
{
	struct signing *s = ctx;

	if (!s)
		return;
	EVP_MD_CTX_free(s->hash);
	delegated_release(s->key);
	free(s);
}

static void *sign_dup(void *ctx)
{
	const struct signing *from = ctx;
	struct signing *s = mem_alloc(sizeof(*s));

	*s = *from;
	s->hash = NULL;
	if (s->key)
		delegated_hold(s->key);
	if (from->hash && (!(s->hash = EVP_MD_CTX_new()) || EVP_MD_CTX_copy_ex(s->hash, from->hash) != 1)) {
		sign_free(s);
		return NULL;
	}
	return s;
}

/* ---- operations ---- */

static int sign_init(void *ctx, void *keydata, const OSSL_PARAM params[])
{
	struct signing *s = ctx;

	if (!s || (!keydata && !s->key))
		return 0;
	if (keydata && !signing_reset(s, keydata))
		return 0;
	return signing_set_params(s, params);
}

/* A holder that took another key, or made a fault while signing (which can give an RSA key away), must not
 * be found out by the recipient. */
static int verifies(const struct signing *s, const struct key_request *r, const struct buf *sig)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(s->provider->ctx, s->key->public, "provider=default");
	EVP_MD *md = EVP_MD_fetch(s->provider->ctx, r->digest, NULL);
	int ok = ctx && md && EVP_PKEY_verify_init(ctx) == 1;

	if (ok && r->mechanism == KEY_RSA_PSS)
		ok = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1;
	ok = ok && EVP_PKEY_CTX_set_signature_md(ctx, md) == 1;
	if (ok && r->mechanism == KEY_RSA_PSS)
		ok = EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, r->mgf_digest, NULL) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, r->salt_length) == 1;
	ok = ok && EVP_PKEY_verify(ctx, (const unsigned char *)sig->data, sig->len, (const unsigned char *)r->input.p,
				   r->input.n) == 1;
	EVP_MD_free(md);
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static int sign_digest(void *ctx, unsigned char *sig, size_t *siglen, size_t sigsize, const unsigned char *digest, size_t n)
{
	struct signing *s = ctx;
	struct buf out = BUF_INIT;
	struct key_request request = { .digest = s->digest, .input = span_from(digest, n) };
	size_t most = (size_t)EVP_PKEY_get_size(s->key->public);
	int ok;

	if (!sig) {
		*siglen = most;
		return 1;
	}
	if (!s->digest[0] || n != s->digest_size)
		return provider_failed(s->provider, E_PERM, "the data to sign is not a digest of the kind that was set");
	request.mechanism = !s->is_rsa ? KEY_ECDSA : s->padding == RSA_PKCS1_PSS_PADDING ? KEY_RSA_PSS : KEY_RSA_PKCS1;
	if (request.mechanism == KEY_RSA_PSS) {
		request.mgf_digest = s->mgf[0] ? s->mgf : s->digest;
		request.salt_length = signing_salt_length(s);
		if (request.salt_length < 0)
			return provider_failed(s->provider, E_PERM, "no such salt length with this RSA key");
	}
	if (!delegated_call(s->key, s->provider->calls.sign, &request, &out))
		return 0;
	ok = out.len && out.len <= sigsize && verifies(s, &request, &out);
	if (ok) {
		memcpy(sig, out.data, out.len);
		*siglen = out.len;
	} else {
		provider_failed(s->provider, E_TEMP, "the key's holder returned a signature that does not fit the certificate");
	}
	buf_wipe(&out);
	return ok;
}

static int digest_sign_init(void *ctx, const char *digest, void *keydata, const OSSL_PARAM params[])
{
	struct signing *s = ctx;
	EVP_MD *md;
	int ok;

	if (!sign_init(ctx, keydata, NULL))
		return 0;
	if (digest && *digest && !signing_set_digest(s, digest))
		return 0;
	if (!signing_set_params(s, params))
		return 0;
	if (!s->digest[0] && !signing_set_digest(s, "SHA256"))
		return 0;
	if (!s->hash && !(s->hash = EVP_MD_CTX_new()))
		return 0;
	md = EVP_MD_fetch(s->provider->ctx, s->digest, NULL);
	ok = md && EVP_DigestInit_ex2(s->hash, md, NULL) == 1;
	EVP_MD_free(md);
	return ok;
}

static int digest_sign_update(void *ctx, const unsigned char *data, size_t n)
{
	struct signing *s = ctx;

	return s && s->hash && EVP_DigestUpdate(s->hash, data, n) == 1;
}

static int digest_sign_final(void *ctx, unsigned char *sig, size_t *siglen, size_t sigsize)
{
	struct signing *s = ctx;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!s || !s->hash)
		return 0;
	if (sig && EVP_DigestFinal_ex(s->hash, digest, &n) != 1)
		return 0;
	return sign_digest(s, sig, siglen, sigsize, digest, n);
}

#define SIGN_FUNCTIONS \
	{ OSSL_FUNC_SIGNATURE_FREECTX, FUNCTION(sign_free) }, \
	{ OSSL_FUNC_SIGNATURE_DUPCTX, FUNCTION(sign_dup) }, \
	{ OSSL_FUNC_SIGNATURE_SIGN_INIT, FUNCTION(sign_init) }, \
	{ OSSL_FUNC_SIGNATURE_SIGN, FUNCTION(sign_digest) }, \
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, FUNCTION(digest_sign_init) }, \
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, FUNCTION(digest_sign_update) }, \
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, FUNCTION(digest_sign_final) }, \
	{ OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, FUNCTION(signing_get_params) }, \
	{ OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, FUNCTION(signing_gettable) }, \
	{ OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, FUNCTION(signing_set_params) }, \
	{ OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, FUNCTION(signing_settable) }

const OSSL_DISPATCH delegate_rsa_sign_functions[] = {
	{ OSSL_FUNC_SIGNATURE_NEWCTX, FUNCTION(rsa_new) },
	SIGN_FUNCTIONS,
	{ 0, NULL },
};

const OSSL_DISPATCH delegate_ecdsa_functions[] = {
	{ OSSL_FUNC_SIGNATURE_NEWCTX, FUNCTION(ecdsa_new) },
	SIGN_FUNCTIONS,
	{ 0, NULL },
};
