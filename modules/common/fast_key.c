/* fast_key.c - a private key from its numbers, without OpenSSL's decoders */
#include "common/fast_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>

#include "common/certificate.h"

enum { TAG_INTEGER = 0x02, TAG_BIT_STRING = 0x03, TAG_OCTETS = 0x04, TAG_OID = 0x06, TAG_SEQUENCE = 0x30, TAG_PUBLIC = 0xa1 };

static const unsigned char oid_rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };
static const unsigned char oid_ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };

static bool is_algorithm(const struct key_info *k, const unsigned char *oid, size_t n)
{
	return k->algorithm.n == n && memcmp(k->algorithm.p, oid, n) == 0;
}

#define IS(k, oid) is_algorithm(k, oid, sizeof(oid))

/* ---- taking apart ---- */

static bool read_algorithm(struct span *rest, struct key_info *out)
{
	struct span algorithm;

	if (!der_take(rest, TAG_SEQUENCE, NULL, &algorithm) || !der_take(&algorithm, TAG_OID, NULL, &out->algorithm))
		return false;
	out->parameters = algorithm;
	return true;
}

bool key_info_public(struct span spki, struct key_info *out)
{
	if (!read_algorithm(&spki, out) || !der_take(&spki, TAG_BIT_STRING, NULL, &out->key) || out->key.n < 1)
		return false;
	out->key = span_sub(out->key, 1, out->key.n);
	return true;
}

bool key_info_private(struct span pkcs8, struct key_info *out)
{
	struct span rest;

	return der_take(&pkcs8, TAG_SEQUENCE, NULL, &rest) && der_take(&rest, TAG_INTEGER, NULL, NULL) &&
	       read_algorithm(&rest, out) && der_take(&rest, TAG_OCTETS, NULL, &out->key);
}

bool key_info_older(struct span label, struct span der, struct key_info *out)
{
	bool rsa = span_eqstr(label, "RSA PRIVATE KEY");

	*out = (struct key_info){ rsa ? span_from(oid_rsa, sizeof(oid_rsa)) : span_from(oid_ec, sizeof(oid_ec)),
				  span_from(NULL, 0), der };
	return rsa || span_eqstr(label, "EC PRIVATE KEY");
}

/* ---- putting together ---- */

#define NUMBERS_MAX 9

struct builder {
	OSSL_PARAM_BLD *params;
	BIGNUM *numbers[NUMBERS_MAX];
	size_t n;
};

static bool push_number(struct builder *b, const char *name, struct span bytes)
{
	BIGNUM *number = BN_secure_new();

	if (!number || !BN_bin2bn((const unsigned char *)bytes.p, (int)bytes.n, number)) {
		BN_clear_free(number);
		return false;
	}
	BN_set_flags(number, BN_FLG_CONSTTIME);
	b->numbers[b->n++] = number;
	return OSSL_PARAM_BLD_push_BN(b->params, name, number);
}

static EVP_PKEY *build(struct builder *b, const char *type)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b->params);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) <= 0 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) <= 0)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

static void builder_release(struct builder *b)
{
	for (size_t i = 0; i < b->n; i++)
		BN_clear_free(b->numbers[i]);
	OSSL_PARAM_BLD_free(b->params);
	ERR_clear_error();
}

/* ---- RSA ---- */

static const char *const rsa_names[] = {
	OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1,
	OSSL_PKEY_PARAM_RSA_FACTOR2, OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2,
	OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};
#define RSA_NUMBERS (sizeof(rsa_names) / sizeof(*rsa_names))

/* Modulus and exponent stand the same way in both halves. */
static bool same_rsa(const struct span *numbers, struct span public)
{
	struct span rest, n, e;

	return der_take(&public, TAG_SEQUENCE, NULL, &rest) && der_take(&rest, TAG_INTEGER, NULL, &n) &&
	       der_take(&rest, TAG_INTEGER, NULL, &e) && span_eq(n, numbers[0]) && span_eq(e, numbers[1]);
}

static EVP_PKEY *fast_rsa(const struct key_info *private, const struct key_info *public, bool *unsure)
{
	struct builder b = { OSSL_PARAM_BLD_new(), { NULL }, 0 };
	struct span key = private->key, rest, version, numbers[RSA_NUMBERS];
	EVP_PKEY *out = NULL;
	bool good = b.params && der_take(&key, TAG_SEQUENCE, NULL, &rest) && der_take(&rest, TAG_INTEGER, NULL, &version);

	for (size_t i = 0; i < RSA_NUMBERS && good; i++)
		good = der_take(&rest, TAG_INTEGER, NULL, &numbers[i]);
	*unsure = !good || rest.n; /* more than two primes */
	if (!*unsure && same_rsa(numbers, public->key)) {
		for (size_t i = 0; i < RSA_NUMBERS && good; i++)
			good = push_number(&b, rsa_names[i], numbers[i]);
		out = good ? build(&b, "RSA") : NULL;
		*unsure = !out;
	}
	builder_release(&b);
	return out;
}

/* ---- elliptic curves ---- */

const char *key_info_curve(const struct key_info *k)
{
	const unsigned char *p = (const unsigned char *)k->parameters.p;
	ASN1_OBJECT *oid = IS(k, oid_ec) ? d2i_ASN1_OBJECT(NULL, &p, (long)k->parameters.n) : NULL;
	int nid = oid ? OBJ_obj2nid(oid) : NID_undef;

	ASN1_OBJECT_free(oid);
	return nid == NID_undef ? NULL : OBJ_nid2sn(nid);
}

/* The public point must stand in the private key (most have it), or only arithmetic can tell. */
static EVP_PKEY *fast_ec(const struct key_info *private, const struct key_info *public, bool *unsure)
{
	struct builder b = { OSSL_PARAM_BLD_new(), { NULL }, 0 };
	const char *curve = key_info_curve(public);
	struct span key = private->key, rest, secret, skip, point = { NULL, 0 };
	EVP_PKEY *out = NULL;
	bool good = b.params && curve && der_take(&key, TAG_SEQUENCE, NULL, &rest) &&
		    der_take(&rest, TAG_INTEGER, NULL, NULL) && der_take(&rest, TAG_OCTETS, NULL, &secret);

	if (good)
		der_take(&rest, 0xa0, NULL, NULL); /* the curve, once more */
	good = good && der_take(&rest, TAG_PUBLIC, NULL, &skip) && der_take(&skip, TAG_BIT_STRING, NULL, &point) && point.n > 1;
	*unsure = !good || point.n - 1 != public->key.n;
	if (!*unsure && memcmp(point.p + 1, public->key.p, public->key.n) == 0) {
		good = OSSL_PARAM_BLD_push_utf8_string(b.params, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) &&
		       OSSL_PARAM_BLD_push_octet_string(b.params, OSSL_PKEY_PARAM_PUB_KEY, public->key.p, public->key.n) &&
		       push_number(&b, OSSL_PKEY_PARAM_PRIV_KEY, secret);
		out = good ? build(&b, "EC") : NULL;
		*unsure = !out;
	}
	builder_release(&b);
	return out;
}

EVP_PKEY *fast_key(const struct key_info *private, const struct key_info *public, bool *unsure)
{
	*unsure = false;
	if (IS(private, oid_rsa) && IS(public, oid_rsa))
		return fast_rsa(private, public, unsure);
	if (IS(private, oid_ec) && IS(public, oid_ec))
		return fast_ec(private, public, unsure);
	*unsure = !(IS(private, oid_rsa) && IS(public, oid_ec)) && !(IS(private, oid_ec) && IS(public, oid_rsa));
	return NULL;
}
