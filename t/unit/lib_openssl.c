/* lib_openssl.c - the default provider in two halves: nothing is lost, nothing is in both, and what is rare is found when met */
#include "test.h"
#include <openssl/decoder.h>
#include <openssl/encoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include "lib/openssl.h"

static OSSL_LIB_CTX *lean_context(void)
{
	OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();

	assert_non_null(ctx);
	assert_true(openssl_load(ctx));
	return ctx;
}

static void free_context(OSSL_LIB_CTX *ctx)
{
	openssl_unload(ctx);
	OSSL_LIB_CTX_free(ctx);
}

static bool is_lean(OSSL_LIB_CTX *ctx)
{
	return OSSL_PROVIDER_available(ctx, "lean");
}

static bool has_digest(OSSL_LIB_CTX *ctx, const char *name)
{
	EVP_MD *md = EVP_MD_fetch(ctx, name, NULL);

	EVP_MD_free(md);
	ERR_clear_error();
	return md != NULL;
}

static bool has_cipher(OSSL_LIB_CTX *ctx, const char *name)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(ctx, name, NULL);

	EVP_CIPHER_free(cipher);
	ERR_clear_error();
	return cipher != NULL;
}

/* ---- what there is ---- */

/* Each kind of operation, counted: a name for the message, and how to walk through all that a context has. */
#define WALK(type) \
	static void count_##type(EVP_##type *a, void *n) \
	{ \
		(void)a; \
		++*(int *)n; \
	} \
	static int walk_##type(OSSL_LIB_CTX *ctx) \
	{ \
		int n = 0; \
		EVP_##type##_do_all_provided(ctx, count_##type, &n); \
		return n; \
	}
WALK(MD)
WALK(CIPHER)
WALK(MAC)
WALK(KDF)
WALK(RAND)
WALK(KEYMGMT)
WALK(KEYEXCH)
WALK(SIGNATURE)
WALK(ASYM_CIPHER)
WALK(KEM)

static void count_decoder(OSSL_DECODER *a, void *n)
{
	(void)a;
	++*(int *)n;
}

static int walk_decoders(OSSL_LIB_CTX *ctx)
{
	int n = 0;

	OSSL_DECODER_do_all_provided(ctx, count_decoder, &n);
	return n;
}

static void count_encoder(OSSL_ENCODER *a, void *n)
{
	(void)a;
	++*(int *)n;
}

static int walk_encoders(OSSL_LIB_CTX *ctx)
{
	int n = 0;

	OSSL_ENCODER_do_all_provided(ctx, count_encoder, &n);
	return n;
}

static int (*const walks[])(OSSL_LIB_CTX *) = {
	walk_MD, walk_CIPHER, walk_MAC, walk_KDF, walk_RAND, walk_KEYMGMT, walk_KEYEXCH, walk_SIGNATURE, walk_ASYM_CIPHER, walk_KEM,
	walk_decoders, walk_encoders,
};

static void both_halves_are_the_whole(void **state)
{
	OSSL_LIB_CTX *plain = OSSL_LIB_CTX_new(), *halves = lean_context();
	OSSL_PROVIDER *all = OSSL_PROVIDER_load(plain, "default");
	bool lean = is_lean(halves);

	assert_non_null(all);
	if (lean)
		assert_true(walk_MD(halves) < walk_MD(plain));
	openssl_complete(halves);
	openssl_complete(halves); /* again is harmless */
	for (size_t i = 0; i < sizeof(walks) / sizeof(*walks); i++)
		assert_int_equal(walks[i](halves), walks[i](plain));
	OSSL_PROVIDER_unload(all);
	OSSL_LIB_CTX_free(plain);
	free_context(halves);
}

static void common_things_are_there(void **state)
{
	static const char *const digests[] = { "SHA1", "SHA224", "SHA256", "sha384", "SHA512" };
	static const char *const ciphers[] = { "aes-128-cbc", "aes-256-cbc", "aes-128-gcm", "aes-256-gcm", "id-aes128-wrap",
					       "id-aes192-wrap", "id-aes256-wrap" };
	OSSL_LIB_CTX *ctx = lean_context();
	unsigned char one[32] = { 0 }, other[32] = { 0 };

	for (size_t i = 0; i < sizeof(digests) / sizeof(*digests); i++)
		assert_true(has_digest(ctx, digests[i]));
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(*ciphers); i++)
		assert_true(has_cipher(ctx, ciphers[i]));
	assert_int_equal(RAND_bytes_ex(ctx, one, sizeof(one), 0), 1);
	assert_int_equal(RAND_priv_bytes_ex(ctx, other, sizeof(other), 0), 1);
	assert_memory_not_equal(one, other, sizeof(one));
	assert_int_equal(OSSL_PROVIDER_available(ctx, "rest"), 0);
	free_context(ctx);
}

static void rare_things_come_when_asked_for(void **state)
{
	OSSL_LIB_CTX *ctx = lean_context();

	openssl_complete_for_digest(ctx, NID_sha512);
	if (is_lean(ctx)) {
		assert_false(has_digest(ctx, "SHA3-256"));
		assert_false(has_cipher(ctx, "camellia-128-cbc"));
	}
	openssl_complete_for_digest(ctx, NID_sha3_256);
	assert_true(has_digest(ctx, "SHA3-256"));
	assert_true(has_cipher(ctx, "camellia-128-cbc"));
	assert_true(has_digest(ctx, "SHA256"));
	free_context(ctx);
}

/* ---- certificates ---- */

/* A self-signed certificate in DER, made in a context of its own. */
static struct span make_certificate(const char *type, const char *curve)
{
	OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();
	EVP_PKEY *key = curve ? EVP_PKEY_Q_keygen(ctx, NULL, type, curve) : EVP_PKEY_Q_keygen(ctx, NULL, type);
	X509 *x = X509_new_ex(ctx, NULL);
	unsigned char *der = NULL;
	int n;

	assert_non_null(key);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_true(X509_sign(x, key, curve ? EVP_sha256() : NULL) > 0);
	n = i2d_X509(x, &der);
	assert_true(n > 0);
	X509_free(x);
	EVP_PKEY_free(key);
	OSSL_LIB_CTX_free(ctx);
	return span_from((char *)der, (size_t)n);
}

static void every_key_is_read(void **state)
{
	static const struct { const char *type, *curve; bool rare; } keys[] = {
		{ "EC", "P-256", false }, { "EC", "brainpoolP384r1", false }, { "ED25519", NULL, true }, { "ED448", NULL, true },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		OSSL_LIB_CTX *ctx = lean_context();
		struct span whole = make_certificate(keys[i].type, keys[i].curve), der = whole;
		bool lean = is_lean(ctx);
		X509 *x = openssl_certificate(ctx, &der);

		assert_non_null(x);
		assert_int_equal(der.n, 0);
		assert_true(EVP_PKEY_is_a(X509_get0_pubkey(x), keys[i].type));
		assert_int_equal(X509_verify(x, X509_get0_pubkey(x)), 1);
		if (lean)
			assert_int_equal(OSSL_PROVIDER_available(ctx, "rest"), keys[i].rare);
		assert_int_equal(ERR_peek_error(), 0);
		X509_free(x);
		free_context(ctx);
		OPENSSL_free((void *)(uintptr_t)whole.p);
	}
}

static void one_is_taken_off_the_front(void **state)
{
	OSSL_LIB_CTX *ctx = lean_context();
	struct span whole = make_certificate("EC", "P-256"), der;
	struct buf two = BUF_INIT;
	X509 *x;

	buf_add(&two, whole.p, whole.n);
	buf_addstr(&two, "behind");
	der = span_from(two.data, two.len);
	x = openssl_certificate(ctx, &der);
	assert_non_null(x);
	assert_true(span_eqstr(der, "behind"));
	assert_null(openssl_certificate(ctx, &der));
	assert_true(span_eqstr(der, "behind"));
	for (size_t n = 0; n < whole.n; n++) {
		der = span_sub(whole, 0, n);
		assert_null(openssl_certificate(ctx, &der));
		assert_int_equal(der.n, n);
	}
	ERR_clear_error();
	X509_free(x);
	buf_release(&two);
	OPENSSL_free((void *)(uintptr_t)whole.p);
	free_context(ctx);
}

/* ---- public keys ---- */

/* A SubjectPublicKeyInfo: a new key on this curve, or RSA with a modulus of so many octets, the first of them as said. */
static size_t make_public(const char *curve, unsigned modulus, unsigned char first, unsigned long exponent, unsigned char **der)
{
	OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();
	unsigned char bytes[512];
	EVP_PKEY *key = curve ? EVP_PKEY_Q_keygen(ctx, NULL, "EC", curve) : NULL;
	int n;

	if (!curve) {
		OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
		EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(ctx, "RSA", NULL);
		BIGNUM *number = BN_new(), *e = BN_new();
		OSSL_PARAM *params;

		assert_int_equal(RAND_bytes(bytes, (int)modulus), 1);
		bytes[0] = first;
		bytes[modulus - 1] |= 1;
		BN_bin2bn(bytes, (int)modulus, number);
		BN_set_word(e, exponent);
		OSSL_PARAM_BLD_push_BN(b, "n", number);
		OSSL_PARAM_BLD_push_BN(b, "e", e);
		params = OSSL_PARAM_BLD_to_param(b);
		EVP_PKEY_fromdata_init(c);
		assert_int_equal(EVP_PKEY_fromdata(c, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
		OSSL_PARAM_free(params);
		OSSL_PARAM_BLD_free(b);
		EVP_PKEY_CTX_free(c);
		BN_free(number);
		BN_free(e);
	}
	*der = NULL;
	n = i2d_PUBKEY(key, der);
	assert_true(n > 0);
	EVP_PKEY_free(key);
	OSSL_LIB_CTX_free(ctx);
	return (size_t)n;
}

static int number_of(const EVP_PKEY *key, const char *name)
{
	int n = -1;

	return EVP_PKEY_get_int_param(key, name, &n) ? n : -1;
}

static void assert_same_key(EVP_PKEY *a, EVP_PKEY *b)
{
	static const char *const numbers[] = { "bits", "security-bits", "max-size", "decoded-from-explicit", "use-cofactor-flag" };
	static const char *const words[] = { "group", "encoding", "point-format", "default-digest" };
	unsigned char *x = NULL, *y = NULL;
	int n = i2d_PUBKEY(a, &x);

	assert_true(n > 0);
	assert_int_equal(n, i2d_PUBKEY(b, &y));
	assert_memory_equal(x, y, n);
	assert_string_equal(EVP_PKEY_get0_type_name(a), EVP_PKEY_get0_type_name(b));
	assert_int_equal(EVP_PKEY_get_base_id(a), EVP_PKEY_get_base_id(b));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		assert_int_equal(number_of(a, numbers[i]), number_of(b, numbers[i]));
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		char of_a[80] = "", of_b[80] = "";

		assert_int_equal(EVP_PKEY_get_utf8_string_param(a, words[i], of_a, sizeof(of_a), NULL),
				 EVP_PKEY_get_utf8_string_param(b, words[i], of_b, sizeof(of_b), NULL));
		assert_string_equal(of_a, of_b);
	}
	OPENSSL_free(x);
	OPENSSL_free(y);
}

/* In the default context our way, where the form is a common one, in any other OpenSSL's: they must agree. */
static bool read_both_ways(OSSL_LIB_CTX *ctx, const unsigned char *der, size_t n)
{
	const unsigned char *p = der, *q = der;
	EVP_PKEY *ours = d2i_PUBKEY_ex(NULL, &p, (long)n, NULL, NULL), *theirs = d2i_PUBKEY_ex(NULL, &q, (long)n, ctx, NULL);
	bool read = ours != NULL;

	assert_int_equal(ours != NULL, theirs != NULL);
	assert_ptr_equal(p, q);
	if (ours)
		assert_same_key(ours, theirs);
	EVP_PKEY_free(ours);
	EVP_PKEY_free(theirs);
	ERR_clear_error();
	return read;
}

static void public_keys_are_read_as_openssl_does(void **state)
{
	static const struct { const char *curve; unsigned modulus; unsigned char first; unsigned long exponent; bool common; } keys[] = {
		{ "P-256", 0, 0, 0, true }, { "P-384", 0, 0, 0, true }, { "P-521", 0, 0, 0, true }, { "brainpoolP256r1", 0, 0, 0, false },
		{ "secp256k1", 0, 0, 0, false }, { NULL, 256, 0x80, 65537, true }, { NULL, 384, 0xff, 65537, true },
		{ NULL, 512, 0xc1, 65537, true }, { NULL, 256, 0xc1, 3, false }, { NULL, 256, 0x7f, 65537, false }, { NULL, 256, 0, 65537, false },
		{ NULL, 255, 0x80, 65537, false }, { NULL, 257, 0x80, 65537, false }, { NULL, 128, 0x80, 65537, false },
	};
	OSSL_LIB_CTX *ctx = lean_context();

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		unsigned char *der, longer[600] = { 0 };
		size_t n = make_public(keys[i].curve, keys[i].modulus, keys[i].first, keys[i].exponent, &der);
		EVP_PKEY *common = openssl_common_key(span_from(der, n));

		assert_int_equal(common != NULL, keys[i].common);
		EVP_PKEY_free(common);
		assert_true(read_both_ways(ctx, der, n));
		memcpy(longer, der, n);
		read_both_ways(ctx, longer, n + 1);
		read_both_ways(ctx, der, n - 1);
		for (size_t at = 0; at < n; at += at < 48 || at > n - 6 ? 1 : 29) {
			der[at] ^= (unsigned char)(1 << (at + i) % 8);
			read_both_ways(ctx, der, n);
			der[at] ^= (unsigned char)(1 << (at + i) % 8);
		}
		OPENSSL_free(der);
	}
	free_context(ctx);
}

/* ---- texts ---- */

static void reasons_have_texts(void **state)
{
	EVP_PKEY *key;
	const unsigned char junk[] = { 0x30, 0x03, 0x02, 0x01 }, *p = junk;
	const char *reason;

	ERR_clear_error();
	key = d2i_PUBKEY(NULL, &p, sizeof(junk));
	assert_null(key);
	reason = openssl_reason(ERR_peek_error());
	assert_non_null(reason);
	assert_true(strlen(reason) > 3);
	assert_null(openssl_reason(0));
	ERR_clear_error();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_halves_are_the_whole),
		cmocka_unit_test(common_things_are_there),
		cmocka_unit_test(rare_things_come_when_asked_for),
		cmocka_unit_test(every_key_is_read),
		cmocka_unit_test(one_is_taken_off_the_front),
		cmocka_unit_test(public_keys_are_read_as_openssl_does),
		cmocka_unit_test(reasons_have_texts),
	};

	openssl_start();
	return cmocka_run_group_tests_name("lib_openssl", tests, NULL, NULL);
}
