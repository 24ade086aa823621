/* delegate_unwrap.c - RSA key transport of the delegating provider: PKCS#1 v1.5, OAEP (OSSL_OP_ASYM_CIPHER)
 *
 * RSA v1.5 must never tell anybody whether the padding was right (RFC 3218).  A permanent failure of
 * such an unwrap is therefore not kept for delegate_error(): CMS goes on with a random content key, and
 * the message fails as one with a wrong key does.
 */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <string.h>

#include "lib/mem.h"
#include "smime/delegate_key.h"

struct unwrapping {
	struct provider *provider;
	struct delegated *key;
	int padding;                  /* RSA_PKCS1_PADDING, RSA_PKCS1_OAEP_PADDING */
	char digest[DIGEST_NAME_MAX]; /* OAEP; "" is SHA-1, RFC 8017's default */
	char mgf[DIGEST_NAME_MAX];    /* "": as digest */
	char *label;
	size_t nlabel;
};

static void *unwrap_new(void *provctx)
{
	struct unwrapping *u = mem_alloc(sizeof(*u));

	u->provider = provctx;
	return u;
}

static void unwrap_free(void *ctx)
{
	struct unwrapping *u = ctx;

	if (!u)
		return;
	delegated_release(u->key);
	free(u->label);
	free(u);
}

static int set_padding(struct unwrapping *u, const OSSL_PARAM *p)
{
	const char *word = NULL;
	int mode = 0;

	if (p->data_type == OSSL_PARAM_UTF8_STRING) {
		if (!OSSL_PARAM_get_utf8_string_ptr(p, &word))
			return 0;
		mode = ascii_caseeq(word, OSSL_PKEY_RSA_PAD_MODE_OAEP) ? RSA_PKCS1_OAEP_PADDING :
		       ascii_caseeq(word, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) ? RSA_PKCS1_PADDING : 0;
	} else if (!OSSL_PARAM_get_int(p, &mode)) {
		return 0;
	}
	if (mode != RSA_PKCS1_PADDING && mode != RSA_PKCS1_OAEP_PADDING)
		return provider_failed(u->provider, E_PERM, "unsupported padding for RSA key transport");
	u->padding = mode;
	return 1;
}

static int set_digest(struct unwrapping *u, const OSSL_PARAM *p, char known[DIGEST_NAME_MAX])
{
	const char *name;

	if (!OSSL_PARAM_get_utf8_string_ptr(p, &name) || !provider_digest(u->provider, name, known, NULL))
		return provider_failed(u->provider, E_PERM, "unsupported digest for OAEP");
	return 1;
}

static int set_label(struct unwrapping *u, const OSSL_PARAM *p)
{
	const void *bytes;
	size_t n;

	if (!OSSL_PARAM_get_octet_string_ptr(p, &bytes, &n))
		return 0;
	free(u->label);
	u->label = mem_alloc(n + 1);
	if (n)
		memcpy(u->label, bytes, n);
	u->nlabel = n;
	return 1;
}

static int unwrap_set_params(void *ctx, const OSSL_PARAM params[])
{
	struct unwrapping *u = ctx;
	const OSSL_PARAM *p;

	if (!u)
		return 0;
	if (!params)
		return 1;
	if ((p = OSSL_PARAM_locate_const(params, OSSL_ASYM_CIPHER_PARAM_PAD_MODE)) && !set_padding(u, p))
		return 0;
	if ((p = OSSL_PARAM_locate_const(params, OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST)) && !set_digest(u, p, u->digest))
		return 0;
	if ((p = OSSL_PARAM_locate_const(params, OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST)) && !set_digest(u, p, u->mgf))
		return 0;
	if ((p = OSSL_PARAM_locate_const(params, OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL)) && !set_label(u, p))
		return 0;
	return 1;
}

static const OSSL_PARAM *unwrap_settable(void *ctx, void *provctx)
{
	static const OSSL_PARAM settable[] = {
		OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, NULL, 0),
		OSSL_PARAM_END,
	};

	return settable;
}

static int unwrap_get_params(void *ctx, OSSL_PARAM params[])
{
	struct unwrapping *u = ctx;
	OSSL_PARAM *p = params ? OSSL_PARAM_locate(params, OSSL_ASYM_CIPHER_PARAM_PAD_MODE) : NULL;
	bool oaep = u && u->padding == RSA_PKCS1_OAEP_PADDING;

	if (!p)
		return u != NULL;
	if (p->data_type == OSSL_PARAM_UTF8_STRING)
		return OSSL_PARAM_set_utf8_string(p, oaep ? OSSL_PKEY_RSA_PAD_MODE_OAEP : OSSL_PKEY_RSA_PAD_MODE_PKCSV15);
	return OSSL_PARAM_set_int(p, u->padding);
}

static const OSSL_PARAM *unwrap_gettable(void *ctx, void *provctx)
{
	static const OSSL_PARAM gettable[] = {
		OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_END,
	};

	return gettable;
}

static int unwrap_init(void *ctx, void *keydata, const OSSL_PARAM params[])
{
	struct unwrapping *u = ctx;

	if (!u || !keydata)
		return 0;
	delegated_release(u->key);
	u->key = delegated_hold(keydata);
	u->padding = RSA_PKCS1_PADDING;
	if (!delegated_is_private(u->key))
		return 0;
	return unwrap_set_params(u, params);
}

static int unwrap(void *ctx, unsigned char *out, size_t *outlen, size_t outsize, const unsigned char *in, size_t n)
{
	struct unwrapping *u = ctx;
	size_t most = (size_t)EVP_PKEY_get_size(u->key->public);
	bool oaep = u->padding == RSA_PKCS1_OAEP_PADDING;
	struct key_request request = { .mechanism = oaep ? KEY_RSA_OAEP : KEY_RSA_PKCS1, .input = span_from(in, n) };
	struct buf secret = BUF_INIT;
	int ok;

	if (!out) {
		*outlen = most;
		return 1;
	}
	if (oaep) {
		request.digest = u->digest[0] ? u->digest : "sha1";
		request.mgf_digest = u->mgf[0] ? u->mgf : request.digest;
		request.label = span_from(u->label, u->nlabel);
	}
	/* The holder gets the encrypted key even if its length cannot be right: it alone says why not. */
	if (!delegated_call(u->key, u->provider->calls.unwrap, &request, &secret)) {
		if (!oaep && u->provider->error.code == E_PERM)
			u->provider->error = (struct error){ 0 };
		return 0;
	}
	ok = secret.len && secret.len <= most && secret.len <= outsize;
	if (ok) {
		memcpy(out, secret.data, secret.len);
		*outlen = secret.len;
	}
	buf_wipe(&secret);
	return ok;
}

const OSSL_DISPATCH delegate_unwrap_functions[] = {
	{ OSSL_FUNC_ASYM_CIPHER_NEWCTX, FUNCTION(unwrap_new) },
	{ OSSL_FUNC_ASYM_CIPHER_FREECTX, FUNCTION(unwrap_free) },
	{ OSSL_FUNC_ASYM_CIPHER_DECRYPT_INIT, FUNCTION(unwrap_init) },
	{ OSSL_FUNC_ASYM_CIPHER_DECRYPT, FUNCTION(unwrap) },
	{ OSSL_FUNC_ASYM_CIPHER_GET_CTX_PARAMS, FUNCTION(unwrap_get_params) },
	{ OSSL_FUNC_ASYM_CIPHER_GETTABLE_CTX_PARAMS, FUNCTION(unwrap_gettable) },
	{ OSSL_FUNC_ASYM_CIPHER_SET_CTX_PARAMS, FUNCTION(unwrap_set_params) },
	{ OSSL_FUNC_ASYM_CIPHER_SETTABLE_CTX_PARAMS, FUNCTION(unwrap_settable) },
	{ 0, NULL },
};
