/* openssl_keys.c - the public keys that nearly every certificate has, read without looking for a decoder
 *
 * libcrypto reads the key of each certificate as soon as it reads the certificate, and asks all decoders for it that its providers have:
 * five times what it takes to make the key from its numbers.  The SubjectPublicKeyInfo (RFC 5280 section 4.1) of a common key has one
 * form only in DER: so many fixed octets, the numbers, fixed octets again.  What has this form to the last octet is given to
 * EVP_PKEY_fromdata(), which checks what a decoder would (that the point is on the curve); everything else goes OpenSSL's way.  The linker
 * puts these functions before OpenSSL's (--wrap, in configure.ac), where libcrypto's archive is linked.
 */
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/openssl.h"

OSSL_DECODER_CTX *__real_OSSL_DECODER_CTX_new_for_pkey(EVP_PKEY **key, const char *type, const char *structure, const char *algorithm,
						       int selection, OSSL_LIB_CTX *ctx, const char *properties) __attribute__((weak));
OSSL_DECODER_CTX *__wrap_OSSL_DECODER_CTX_new_for_pkey(EVP_PKEY **key, const char *type, const char *structure, const char *algorithm,
						       int selection, OSSL_LIB_CTX *ctx, const char *properties);
int __real_OSSL_DECODER_from_data(OSSL_DECODER_CTX *decoder, const unsigned char **data, size_t *n) __attribute__((weak));
int __wrap_OSSL_DECODER_from_data(OSSL_DECODER_CTX *decoder, const unsigned char **data, size_t *n);

/* ---- forms ---- */

#define EC_KEY_OID "\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
#define RSA_KEY "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"
static const char exponent_65537[] = { 2, 3, 1, 0, 1 };
#define OCTETS(s) s, sizeof(s) - 1

/* A point is not compressed (RFC 5480 section 2.2), or a modulus has its highest bit set and the usual exponent (RFC 8017 A.1.1). */
static const struct form {
	const char *curve; /* NULL: RSA */
	const char *before;
	size_t nbefore, n; /* n: octets of both coordinates, or of the modulus */
} forms[] = {
	{ "prime256v1", OCTETS("\x30\x59\x30\x13" EC_KEY_OID "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04"), 64 },
	{ "secp384r1", OCTETS("\x30\x76\x30\x10" EC_KEY_OID "\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00\x04"), 96 },
	{ "secp521r1", OCTETS("\x30\x81\x9b\x30\x10" EC_KEY_OID "\x06\x05\x2b\x81\x04\x00\x23\x03\x81\x86\x00\x04"), 132 },
	{ NULL, OCTETS("\x30\x82\x01\x22" RSA_KEY "\x03\x82\x01\x0f\x00\x30\x82\x01\x0a\x02\x82\x01\x01\x00"), 256 },
	{ NULL, OCTETS("\x30\x82\x01\xa2" RSA_KEY "\x03\x82\x01\x8f\x00\x30\x82\x01\x8a\x02\x82\x01\x81\x00"), 384 },
	{ NULL, OCTETS("\x30\x82\x02\x22" RSA_KEY "\x03\x82\x02\x0f\x00\x30\x82\x02\x0a\x02\x82\x02\x01\x00"), 512 },
};

static bool has_form(struct span der, const struct form *f)
{
	struct span rest;

	if (der.n < f->nbefore + f->n || memcmp(der.p, f->before, f->nbefore) != 0)
		return false;
	rest = span_sub(der, f->nbefore + f->n, der.n);
	return f->curve ? rest.n == 0
			: span_eq(rest, span_from(exponent_65537, sizeof(exponent_65537))) && der.p[f->nbefore] & 0x80;
}

static EVP_PKEY *make(const char *type, OSSL_PARAM *numbers)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (!ctx || EVP_PKEY_fromdata_init(ctx) <= 0 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, numbers) <= 0)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *make_ec(const struct form *f, struct span point)
{
	OSSL_PARAM numbers[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)f->curve, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point.p, point.n),
		OSSL_PARAM_construct_end(),
	};

	return make("EC", numbers);
}

/* Numbers are in the processor's order of octets. */
static EVP_PKEY *make_rsa(struct span modulus)
{
	unsigned char native[512];
	unsigned exponent = 65537;
	OSSL_PARAM numbers[] = {
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, native, modulus.n),
		OSSL_PARAM_construct_uint(OSSL_PKEY_PARAM_RSA_E, &exponent),
		OSSL_PARAM_construct_end(),
	};
	BIGNUM *n = BN_bin2bn((const unsigned char *)modulus.p, (int)modulus.n, NULL);
	EVP_PKEY *key = n && BN_bn2nativepad(n, native, (int)modulus.n) == (int)modulus.n ? make("RSA", numbers) : NULL;

	BN_free(n);
	return key;
}

EVP_PKEY *openssl_common_key(struct span der)
{
	EVP_PKEY *key = NULL;

	ERR_set_mark();
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms) && !key; i++) {
		const struct form *f = &forms[i];

		if (has_form(der, f)) /* the point with the octet that says how it is written */
			key = f->curve ? make_ec(f, span_sub(der, f->nbefore - 1, der.n)) : make_rsa(span_sub(der, f->nbefore, f->nbefore + f->n));
	}
	ERR_pop_to_mark();
	return key;
}

/* ---- in OpenSSL's place ---- */

/* What the decoder was wanted for that was not made; its place is held by one that can nothing.  A process has one thread, and
 * d2i_X509_PUBKEY() asks for a decoder and uses it at once. */
static struct {
	OSSL_DECODER_CTX *decoder;
	EVP_PKEY **key;
	const char *algorithm;
} wanted;

OSSL_DECODER_CTX *__wrap_OSSL_DECODER_CTX_new_for_pkey(EVP_PKEY **key, const char *type, const char *structure, const char *algorithm,
						       int selection, OSSL_LIB_CTX *ctx, const char *properties)
{
	bool ours = key && !*key && type && structure && algorithm && strcmp(type, "DER") == 0 &&
		    strcmp(structure, "SubjectPublicKeyInfo") == 0 && selection == EVP_PKEY_PUBLIC_KEY && !ctx && !properties &&
		    (strcmp(algorithm, "id-ecPublicKey") == 0 || strcmp(algorithm, "rsaEncryption") == 0);

	if (!ours)
		return __real_OSSL_DECODER_CTX_new_for_pkey(key, type, structure, algorithm, selection, ctx, properties);
	wanted.decoder = OSSL_DECODER_CTX_new();
	wanted.key = key;
	wanted.algorithm = algorithm;
	return wanted.decoder;
}

int __wrap_OSSL_DECODER_from_data(OSSL_DECODER_CTX *decoder, const unsigned char **data, size_t *n)
{
	OSSL_DECODER_CTX *real;
	int good;

	if (!decoder || decoder != wanted.decoder)
		return __real_OSSL_DECODER_from_data(decoder, data, n);
	wanted.decoder = NULL;
	*wanted.key = openssl_common_key(span_from(*data, *n));
	if (*wanted.key) {
		*data += *n;
		*n = 0;
		return 1;
	}
	real = __real_OSSL_DECODER_CTX_new_for_pkey(wanted.key, "DER", "SubjectPublicKeyInfo", wanted.algorithm, EVP_PKEY_PUBLIC_KEY,
						    NULL, NULL);
	good = real && __real_OSSL_DECODER_from_data(real, data, n);
	OSSL_DECODER_CTX_free(real);
	return good;
}
