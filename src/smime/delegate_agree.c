/* delegate_agree.c - ECDH of the delegating provider (OSSL_OP_KEYEXCH; RFC 5753, SEC 1)
 *
 * The key's holder returns the raw shared secret; the key derivation of CMS (ANSI X9.63) and the
 * cofactor are applied here, so that a holder needs to know plain ECDH only.
 */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/kdf.h>
#include <openssl/objects.h>
#include <openssl/params.h>
#include <openssl/x509.h>
#include <string.h>

#include "lib/mem.h"
#include "smime/delegate_key.h"

#define POINT_MAX 512 /* an uncompressed point of the largest named curve (571 bits) has 145 bytes */
#define OUTPUT_MAX 1024

struct agreement {
	struct provider *provider;
	struct delegated *key, *peer;
	bool cofactor;
	bool kdf;
	char kdf_digest[DIGEST_NAME_MAX];
	char *ukm;                   /* the KDF's SharedInfo */
	size_t nukm, kdf_size;
};

static void *agree_new(void *provctx)
{
	struct agreement *a = mem_alloc(sizeof(*a));

	a->provider = provctx;
	return a;
}

static void agree_free(void *ctx)
{
	struct agreement *a = ctx;

	if (!a)
		return;
	delegated_release(a->key);
	delegated_release(a->peer);
	if (a->ukm)
		mem_wipe(a->ukm, a->nukm);
	free(a->ukm);
	free(a);
}

/* ---- parameters ---- */

static int set_kdf(struct agreement *a, const OSSL_PARAM *p)
{
	const char *name;

	if (!OSSL_PARAM_get_utf8_string_ptr(p, &name))
		return 0;
	if (name[0] && strcmp(name, OSSL_KDF_NAME_X963KDF) != 0)
		return provider_failed(a->provider, E_PERM, "unsupported key derivation");
	a->kdf = name[0] != '\0';
	return 1;
}

static int set_cofactor(struct agreement *a, const OSSL_PARAM *p)
{
	int mode;

	if (!OSSL_PARAM_get_int(p, &mode) || mode < -1 || mode > 1)
		return 0;
	a->cofactor = mode == 1;
	return 1;
}

static int set_ukm(struct agreement *a, const OSSL_PARAM *p)
{
	const void *bytes;
	size_t n;

	if (!OSSL_PARAM_get_octet_string_ptr(p, &bytes, &n))
		return 0;
	free(a->ukm);
	a->ukm = mem_alloc(n + 1);
	if (n)
		memcpy(a->ukm, bytes, n);
	a->nukm = n;
	return 1;
}

static int agree_set_params(void *ctx, const OSSL_PARAM params[])
{
	struct agreement *a = ctx;
	const OSSL_PARAM *p;
	const char *name;

	if (!a)
		return 0;
	if (!params)
		return 1;
	if ((p = OSSL_PARAM_locate_const(params, OSSL_EXCHANGE_PARAM_EC_ECDH_COFACTOR_MODE)) && !set_cofactor(a, p))
		return 0;
	if ((p = OSSL_PARAM_locate_const(params, OSSL_EXCHANGE_PARAM_KDF_TYPE)) && !set_kdf(a, p))
		return 0;
	if ((p = OSSL_PARAM_locate_const(params, OSSL_EXCHANGE_PARAM_KDF_DIGEST)) &&
	    (!OSSL_PARAM_get_utf8_string_ptr(p, &name) || !provider_digest(a->provider, name, a->kdf_digest, NULL)))
		return provider_failed(a->provider, E_PERM, "unsupported digest for key derivation");
	if ((p = OSSL_PARAM_locate_const(params, OSSL_EXCHANGE_PARAM_KDF_OUTLEN)) &&
	    (!OSSL_PARAM_get_size_t(p, &a->kdf_size) || a->kdf_size > OUTPUT_MAX))
		return 0;
	if ((p = OSSL_PARAM_locate_const(params, OSSL_EXCHANGE_PARAM_KDF_UKM)) && !set_ukm(a, p))
		return 0;
	return 1;
}

static int agree_get_params(void *ctx, OSSL_PARAM params[])
{
	struct agreement *a = ctx;
	OSSL_PARAM *p;

	if (!a)
		return 0;
	if ((p = OSSL_PARAM_locate(params, OSSL_EXCHANGE_PARAM_EC_ECDH_COFACTOR_MODE)) && !OSSL_PARAM_set_int(p, a->cofactor))
		return 0;
	if ((p = OSSL_PARAM_locate(params, OSSL_EXCHANGE_PARAM_KDF_TYPE)) &&
	    !OSSL_PARAM_set_utf8_string(p, a->kdf ? OSSL_KDF_NAME_X963KDF : ""))
		return 0;
	if ((p = OSSL_PARAM_locate(params, OSSL_EXCHANGE_PARAM_KDF_DIGEST)) && !OSSL_PARAM_set_utf8_string(p, a->kdf_digest))
		return 0;
	if ((p = OSSL_PARAM_locate(params, OSSL_EXCHANGE_PARAM_KDF_OUTLEN)) && !OSSL_PARAM_set_size_t(p, a->kdf_size))
		return 0;
	return 1;
}

static const OSSL_PARAM parameters[] = {
	OSSL_PARAM_int(OSSL_EXCHANGE_PARAM_EC_ECDH_COFACTOR_MODE, NULL),
	OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_TYPE, NULL, 0),
	OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_DIGEST, NULL, 0),
	OSSL_PARAM_size_t(OSSL_EXCHANGE_PARAM_KDF_OUTLEN, NULL),
	OSSL_PARAM_octet_string(OSSL_EXCHANGE_PARAM_KDF_UKM, NULL, 0),
	OSSL_PARAM_END,
};

static const OSSL_PARAM *agree_params(void *ctx, void *provctx)
{
	return parameters;
}

/* ---- the peer's key ---- */

/* h times the point, for cofactor mode (SEC 1 3.3.2): the holder's d times that is the agreed point. */
static int multiply_by_cofactor(struct provider *p, int curve, unsigned char *point, size_t *n)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name_ex(p->ctx, NULL, curve);
	EC_POINT *q = group ? EC_POINT_new(group) : NULL;
	BN_CTX *bn = BN_CTX_new_ex(p->ctx);
	int ok = 0;

	if (!q || !bn)
		goto out;
	if (BN_is_one(EC_GROUP_get0_cofactor(group))) {
		ok = 1;
		goto out;
	}
	if (EC_POINT_oct2point(group, q, point, *n, bn) != 1 ||
	    EC_POINT_mul(group, q, NULL, q, EC_GROUP_get0_cofactor(group), bn) != 1 || EC_POINT_is_at_infinity(group, q))
		goto out;
	*n = EC_POINT_point2oct(group, q, POINT_CONVERSION_UNCOMPRESSED, point, POINT_MAX, bn);
	ok = *n > 0;
out:
	BN_CTX_free(bn);
	EC_POINT_free(q);
	EC_GROUP_free(group);
	return ok;
}

/* SubjectPublicKeyInfo of the peer with a named curve (RFC 5480 2); by hand, as an encoder costs more than ECDH. */
static int peer_info(const struct agreement *a, unsigned char **der)
{
	char group[64];
	unsigned char point[POINT_MAX];
	size_t n = 0;
	int curve, length = -1;
	X509_PUBKEY *info = NULL;
	unsigned char *copy = NULL;

	if (EVP_PKEY_get_utf8_string_param(a->peer->public, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL) != 1 ||
	    (curve = OBJ_txt2nid(group)) == NID_undef ||
	    EVP_PKEY_get_octet_string_param(a->peer->public, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) != 1)
		return -1;
	if (a->cofactor && !multiply_by_cofactor(a->provider, curve, point, &n))
		return -1;
	if (!(info = X509_PUBKEY_new_ex(a->provider->ctx, NULL)) || !(copy = OPENSSL_memdup(point, n)))
		goto out;
	if (X509_PUBKEY_set0_param(info, OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT, OBJ_nid2obj(curve), copy,
				   (int)n) != 1)
		goto out;
	copy = NULL;
	length = i2d_X509_PUBKEY(info, der);
out:
	OPENSSL_free(copy);
	X509_PUBKEY_free(info);
	return length;
}

/* ---- operations ---- */

static int agree_init(void *ctx, void *keydata, const OSSL_PARAM params[])
{
	struct agreement *a = ctx;

	if (!a || !keydata)
		return 0;
	delegated_release(a->key);
	a->key = delegated_hold(keydata);
	delegated_release(a->peer);
	a->peer = NULL;
	if (!delegated_is_private(a->key))
		return 0;
	return agree_set_params(a, params);
}

static int agree_set_peer(void *ctx, void *keydata)
{
	struct agreement *a = ctx;
	struct delegated *peer = keydata;

	if (!a || !a->key || !peer || !peer->public || !peer->has_point)
		return 0;
	if (EVP_PKEY_parameters_eq(a->key->public, peer->public) != 1)
		return provider_failed(a->provider, E_PERM, "the sender's key is on another curve");
	delegated_release(a->peer);
	a->peer = delegated_hold(peer);
	return 1;
}

static int derive(struct agreement *a, struct span secret, unsigned char *out, size_t n)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, a->kdf_digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, (void *)(uintptr_t)secret.p, secret.n),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, a->ukm, a->nukm),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(a->provider->ctx, OSSL_KDF_NAME_X963KDF, NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	int ok;

	if (!a->ukm)
		params[2] = OSSL_PARAM_construct_end();
	ok = ctx && EVP_KDF_derive(ctx, out, n, params) == 1;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok ? 1 : provider_failed(a->provider, E_PERM, "key derivation failed");
}

/* Length of the raw secret: of the field (SEC 1 3.3.1). */
static size_t secret_size(const struct agreement *a)
{
	unsigned char point[POINT_MAX];
	size_t n = 0;

	if (EVP_PKEY_get_octet_string_param(a->key->public, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) != 1 || !n)
		return 0;
	return point[0] == POINT_CONVERSION_UNCOMPRESSED ? (n - 1) / 2 : n - 1;
}

static int finish(struct agreement *a, struct span secret, unsigned char *out, size_t *outlen)
{
	if (secret.n != secret_size(a))
		return provider_failed(a->provider, E_TEMP, "the key's holder returned a secret of a wrong length");
	if (!a->kdf) {
		memcpy(out, secret.p, secret.n);
		*outlen = secret.n;
		return 1;
	}
	*outlen = a->kdf_size;
	return derive(a, secret, out, a->kdf_size);
}

static int agree(void *ctx, unsigned char *out, size_t *outlen, size_t outsize)
{
	struct agreement *a = ctx;
	struct key_request request = { .mechanism = KEY_ECDH };
	struct buf secret = BUF_INIT;
	unsigned char *info = NULL;
	size_t size;
	int n, ok = 0;

	if (!a || !a->key || !a->peer)
		return 0;
	size = a->kdf ? a->kdf_size : secret_size(a);
	if (!out) {
		*outlen = size;
		return 1;
	}
	if (!size || outsize < size || (a->kdf && !a->kdf_digest[0]))
		return 0;
	if ((n = peer_info(a, &info)) <= 0)
		return provider_failed(a->provider, E_PERM, "unsupported: the sender's key is not on a named curve");
	request.input = span_from(info, (size_t)n);
	if (delegated_call(a->key, a->provider->calls.agree, &request, &secret))
		ok = finish(a, span_from(secret.data, secret.len), out, outlen);
	buf_wipe(&secret);
	OPENSSL_free(info);
	return ok;
}

const OSSL_DISPATCH delegate_agree_functions[] = {
	{ OSSL_FUNC_KEYEXCH_NEWCTX, FUNCTION(agree_new) },
	{ OSSL_FUNC_KEYEXCH_FREECTX, FUNCTION(agree_free) },
	{ OSSL_FUNC_KEYEXCH_INIT, FUNCTION(agree_init) },
	{ OSSL_FUNC_KEYEXCH_SET_PEER, FUNCTION(agree_set_peer) },
	{ OSSL_FUNC_KEYEXCH_DERIVE, FUNCTION(agree) },
	{ OSSL_FUNC_KEYEXCH_SET_CTX_PARAMS, FUNCTION(agree_set_params) },
	{ OSSL_FUNC_KEYEXCH_SETTABLE_CTX_PARAMS, FUNCTION(agree_params) },
	{ OSSL_FUNC_KEYEXCH_GET_CTX_PARAMS, FUNCTION(agree_get_params) },
	{ OSSL_FUNC_KEYEXCH_GETTABLE_CTX_PARAMS, FUNCTION(agree_params) },
	{ 0, NULL },
};
