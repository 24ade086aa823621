/* smime_delegate.c - keys that live elsewhere sign, unwrap and agree through OpenSSL's EVP and CMS */
#include "test.h"

#include <openssl/bn.h>
#include <openssl/cms.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "../helper/softkey.h"
#include "lib/openssl.h"

struct pair {
	const char *type;    /* "RSA", "RSA-PSS", "EC" */
	unsigned bits;       /* RSA */
	const char *curve;   /* EC */
	struct softkey soft; /* the real key */
	X509 *certificate;   /* made in the default library context */
	EVP_PKEY *key;       /* delegated */
};

static struct pair pairs[] = {
	{ "RSA", 2048, NULL, { 0 }, NULL, NULL },          { "RSA", 3072, NULL, { 0 }, NULL, NULL },
	{ "RSA", 4096, NULL, { 0 }, NULL, NULL },          { "RSA-PSS", 2048, NULL, { 0 }, NULL, NULL },
	{ "EC", 0, "P-256", { 0 }, NULL, NULL },           { "EC", 0, "P-384", { 0 }, NULL, NULL },
	{ "EC", 0, "P-521", { 0 }, NULL, NULL },           { "EC", 0, "brainpoolP256r1", { 0 }, NULL, NULL },
	{ "EC", 0, "brainpoolP384r1", { 0 }, NULL, NULL }, { "EC", 0, "brainpoolP512r1", { 0 }, NULL, NULL },
};
#define NPAIRS (sizeof(pairs) / sizeof(*pairs))
#define RSA_2048 (&pairs[0])
#define PSS_2048 (&pairs[3])
#define P_256 (&pairs[4])

static struct softkeys keys;
static struct delegate *delegate;
static const char text[] = "Content-Type: text/plain\r\n\r\nseven seals\r\n";

static int setup(void **state)
{
	static char ids[NPAIRS][16];
	struct key_calls calls = softkey_calls(&keys);
	struct error err;

	/* A broken configuration file that must never be looked at. */
	setenv("OPENSSL_CONF", "/nonexistent/directory/openssl.cnf", 1);
	if (delegate_new(&calls, &delegate, &err) < 0)
		return -1;
	for (size_t i = 0; i < NPAIRS; i++) {
		struct pair *p = &pairs[i];

		snprintf(ids[i], sizeof(ids[i]), "key-%zu", i);
		p->soft = (struct softkey){ keys.first, ids[i], softkey_generate(p->type, p->bits, p->curve) };
		keys.first = &p->soft;
		p->certificate = softkey_certify(p->soft.key, "test", (long)i + 1, NULL);
		if (delegate_key(delegate, p->certificate, ids[i], &p->key, &err) < 0) {
			print_error("%s\n", err.text);
			return -1;
		}
	}
	return 0;
}

static int teardown(void **state)
{
	for (size_t i = 0; i < NPAIRS; i++) {
		EVP_PKEY_free(pairs[i].key);
		EVP_PKEY_free(pairs[i].soft.key);
		X509_free(pairs[i].certificate);
	}
	delegate_free(delegate);
	return 0;
}

static int each_test(void **state)
{
	keys.fail = 0;
	keys.calls = 0;
	ERR_clear_error();
	return 0;
}

/* ---- keys ---- */

static void keys_look_like_their_certificates(void **state)
{
	for (size_t i = 0; i < NPAIRS; i++) {
		struct pair *p = &pairs[i];
		EVP_PKEY *public = X509_get0_pubkey(p->certificate);

		assert_true(EVP_PKEY_is_a(p->key, p->type));
		assert_int_equal(EVP_PKEY_get_bits(p->key), EVP_PKEY_get_bits(public));
		assert_int_equal(EVP_PKEY_get_size(p->key), EVP_PKEY_get_size(public));
		assert_int_equal(EVP_PKEY_get_security_bits(p->key), EVP_PKEY_get_security_bits(public));
		assert_int_equal(EVP_PKEY_eq(p->key, public), 1);
		assert_int_equal(EVP_PKEY_eq(public, p->key), 1);
		assert_int_equal(X509_check_private_key(p->certificate, p->key), 1);
		assert_int_not_equal(X509_check_private_key(pairs[(i + 1) % NPAIRS].certificate, p->key), 1);
		ERR_clear_error();
	}
	assert_int_equal(keys.calls, 0);
}

static void certificates_of_our_own_context(void **state)
{
	unsigned char *der = NULL;
	int n = i2d_X509(P_256->certificate, &der);
	struct span bytes = span_from(der, (size_t)n);
	EVP_PKEY *key = NULL;
	X509 *certificate;
	struct error err;

	(void)state;
	certificate = openssl_certificate(delegate_context(delegate), &bytes);
	assert_non_null(certificate);
	assert_int_equal(delegate_key(delegate, certificate, "x", &key, &err), 0);
	assert_int_equal(EVP_PKEY_eq(key, P_256->key), 1);
	EVP_PKEY_free(key);
	X509_free(certificate);
	OPENSSL_free(der);
}

static void private_half_is_not_exported(void **state)
{
	OSSL_PARAM *params = NULL;

	assert_int_equal(EVP_PKEY_todata(RSA_2048->key, EVP_PKEY_PUBLIC_KEY, &params), 1);
	assert_non_null(OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_RSA_N));
	assert_null(OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_RSA_D));
	OSSL_PARAM_free(params);
	params = NULL;
	assert_int_not_equal(EVP_PKEY_todata(RSA_2048->key, EVP_PKEY_KEYPAIR, &params), 1);
	assert_int_not_equal(EVP_PKEY_todata(P_256->key, EVP_PKEY_KEYPAIR, &params), 1);
}

static void other_key_types_are_named(void **state)
{
	EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), *key;
	X509 *certificate = X509_new();
	struct error err;

	X509_set_pubkey(certificate, ed);
	assert_int_equal(delegate_key(delegate, certificate, "x", &key, &err), E_PERM);
	assert_null(key);
	assert_non_null(strstr(err.text, "ED25519"));
	X509_free(certificate);
	EVP_PKEY_free(ed);
}

static void ordinary_keys_work_beside_them(void **state)
{
	OSSL_LIB_CTX *ctx = delegate_context(delegate);
	EVP_PKEY *key = EVP_PKEY_Q_keygen(ctx, NULL, "EC", "P-256");
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char sig[256];
	size_t n = sizeof(sig);

	assert_non_null(key);
	assert_int_equal(EVP_DigestSignInit_ex(md, NULL, "SHA256", ctx, NULL, key, NULL), 1);
	assert_int_equal(EVP_DigestSign(md, sig, &n, (const unsigned char *)text, sizeof(text)), 1);
	assert_int_equal(keys.calls, 0);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
}

/* ---- signatures with EVP ---- */

static int verify(const struct pair *p, const char *md, int pss, const unsigned char *sig, size_t n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	int ok = EVP_DigestVerifyInit_ex(ctx, &pctx, md, NULL, NULL, X509_get0_pubkey(p->certificate), NULL) == 1;

	if (ok && pss)
		ok = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1;
	ok = ok && EVP_DigestVerify(ctx, sig, n, (const unsigned char *)text, sizeof(text)) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

static int sign(const struct pair *p, const char *md, int pss, int salt, const char *mgf, unsigned char *sig, size_t *n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	int ok = EVP_DigestSignInit_ex(ctx, &pctx, md, delegate_context(delegate), NULL, p->key, NULL) == 1;

	if (ok && pss)
		ok = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, salt) == 1 &&
		     (!mgf || EVP_PKEY_CTX_set_rsa_mgf1_md_name(pctx, mgf, NULL) == 1);
	ok = ok && EVP_DigestSign(ctx, sig, n, (const unsigned char *)text, sizeof(text)) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

static void every_key_signs(void **state)
{
	static const char *const digests[] = { "SHA1", "SHA224", "SHA256", "SHA384", "SHA512", "SHA3-256" };

	openssl_complete(delegate_context(delegate));
	for (size_t i = 0; i < NPAIRS; i++)
		for (size_t d = 0; d < sizeof(digests) / sizeof(*digests); d++) {
			const struct pair *p = &pairs[i];
			int pss = strcmp(p->type, "RSA-PSS") == 0;
			unsigned char sig[1024];
			size_t n = sizeof(sig);

			assert_true(sign(p, digests[d], pss, RSA_PSS_SALTLEN_DIGEST, NULL, sig, &n));
			assert_true(verify(p, digests[d], pss, sig, n));
			assert_true(ascii_caseeq(keys.digest, digests[d]));
			assert_int_equal(keys.last.mechanism, p->curve ? KEY_ECDSA : pss ? KEY_RSA_PSS : KEY_RSA_PKCS1);
			assert_int_equal(delegate_error(delegate)->code, 0);
			sig[n / 2] ^= 1;
			assert_false(verify(p, digests[d], pss, sig, n));
			ERR_clear_error();
		}
	assert_int_equal(keys.calls, NPAIRS * 6);
}

static void pss_with_any_salt_and_mask(void **state)
{
	static const struct { int salt, bytes; const char *mgf; } cases[] = {
		{ RSA_PSS_SALTLEN_DIGEST, 32, NULL }, { RSA_PSS_SALTLEN_MAX, 256 - 32 - 2, NULL },
		{ RSA_PSS_SALTLEN_AUTO, 256 - 32 - 2, NULL }, { 0, 0, NULL }, { 20, 20, NULL }, { 20, 20, "sha1" },
		{ 222, 222, "sha512" },
	};
	unsigned char sig[1024];
	size_t n;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		n = sizeof(sig);
		assert_true(sign(RSA_2048, "sha256", 1, cases[i].salt, cases[i].mgf, sig, &n));
		assert_int_equal(keys.last.salt_length, cases[i].bytes);
		assert_string_equal(keys.last.mgf_digest, cases[i].mgf ? cases[i].mgf : "sha256");
		if (!cases[i].mgf)
			assert_true(verify(RSA_2048, "sha256", 1, sig, n));
	}
	n = sizeof(sig);
	assert_false(sign(RSA_2048, "sha256", 1, 223, NULL, sig, &n));
	assert_int_equal(delegate_error(delegate)->code, E_PERM);
}

static void plain_signing_of_a_digest(void **state)
{
	unsigned char digest[32] = { 1, 2, 3 }, sig[512];
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(delegate_context(delegate), RSA_2048->key, NULL);
	EVP_PKEY_CTX *check = EVP_PKEY_CTX_new_from_pkey(NULL, X509_get0_pubkey(RSA_2048->certificate), NULL);
	size_t n = sizeof(sig);

	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()), 1);
	assert_int_equal(EVP_PKEY_sign(ctx, sig, &n, digest, sizeof(digest)), 1);
	assert_int_equal(EVP_PKEY_verify_init(check), 1);
	assert_int_equal(EVP_PKEY_CTX_set_signature_md(check, EVP_sha256()), 1);
	assert_int_equal(EVP_PKEY_verify(check, sig, n, digest, sizeof(digest)), 1);
	n = sizeof(sig);
	assert_int_not_equal(EVP_PKEY_sign(ctx, sig, &n, digest, sizeof(digest) - 1), 1);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_CTX_free(check);
}

/* RFC 4055 3.1: parameters in the certificate's key bind the digest, the mask and the shortest salt. */
static void restricted_pss_key(void **state)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	struct pair p = { .type = "RSA-PSS", .soft = { keys.first, "restricted", NULL } };
	unsigned char sig[512];
	struct error err;
	size_t n;

	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_keygen_md(ctx, EVP_sha384()), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md(ctx, EVP_sha384()), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_keygen_saltlen(ctx, 40), 1);
	assert_int_equal(EVP_PKEY_generate(ctx, &p.soft.key), 1);
	EVP_PKEY_CTX_free(ctx);
	p.certificate = X509_new();
	X509_set_pubkey(p.certificate, p.soft.key);
	keys.first = &p.soft;
	assert_int_equal(delegate_key(delegate, p.certificate, "restricted", &p.key, &err), 0);

	n = sizeof(sig);
	assert_false(sign(&p, "sha256", 1, 40, NULL, sig, &n));
	assert_int_equal(delegate_error(delegate)->code, E_PERM);
	n = sizeof(sig);
	assert_false(sign(&p, "sha384", 1, 39, NULL, sig, &n));
	n = sizeof(sig);
	assert_false(sign(&p, "sha384", 1, 40, "sha256", sig, &n));
	n = sizeof(sig);
	assert_true(sign(&p, "sha384", 1, 40, NULL, sig, &n));
	assert_true(verify(&p, "sha384", 1, sig, n));
	assert_string_equal(keys.mgf_digest, "sha384");

	keys.first = p.soft.next;
	EVP_PKEY_free(p.key);
	EVP_PKEY_free(p.soft.key);
	X509_free(p.certificate);
}

/* ---- CMS ---- */

static int cms_signs(const struct pair *p, const EVP_MD *md, int pss)
{
	OSSL_LIB_CTX *ctx = delegate_context(delegate);
	BIO *in = BIO_new_mem_buf(text, sizeof(text) - 1), *der = BIO_new(BIO_s_mem());
	CMS_ContentInfo *cms = CMS_sign_ex(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY, ctx, NULL), *read = NULL;
	CMS_SignerInfo *si = CMS_add1_signer(cms, p->certificate, p->key, md, CMS_BINARY | (pss ? CMS_KEY_PARAM : 0));
	int ok = si != NULL;

	if (ok && pss)
		ok = EVP_PKEY_CTX_set_rsa_padding(CMS_SignerInfo_get0_pkey_ctx(si), RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(CMS_SignerInfo_get0_pkey_ctx(si), RSA_PSS_SALTLEN_DIGEST) == 1;
	ok = ok && CMS_final(cms, in, NULL, CMS_BINARY) == 1 && i2d_CMS_bio(der, cms) == 1;
	ok = ok && (read = d2i_CMS_bio(der, NULL)) &&
	     CMS_verify(read, NULL, NULL, NULL, NULL, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) == 1;
	CMS_ContentInfo_free(read);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	BIO_free(der);
	return ok;
}

static void cms_signatures(void **state)
{
	for (size_t i = 0; i < NPAIRS; i++) {
		int pss = strcmp(pairs[i].type, "RSA-PSS") == 0;

		assert_true(cms_signs(&pairs[i], EVP_sha256(), pss));
		assert_true(cms_signs(&pairs[i], EVP_sha512(), pss));
		if (!pairs[i].curve)
			assert_true(cms_signs(&pairs[i], EVP_sha384(), 1));
		ERR_clear_error();
	}
}

struct envelope {
	int oaep;
	const EVP_MD *oaep_md, *mgf_md;
	const char *label;
	const EVP_MD *kdf_md;
	int cofactor;
	const EVP_CIPHER *cipher;
};

static int parameters(CMS_RecipientInfo *ri, const struct envelope *e)
{
	EVP_PKEY_CTX *pctx = CMS_RecipientInfo_get0_pkey_ctx(ri);

	if (e->oaep)
		return EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
		       EVP_PKEY_CTX_set_rsa_oaep_md(pctx, e->oaep_md) == 1 &&
		       EVP_PKEY_CTX_set_rsa_mgf1_md(pctx, e->mgf_md) == 1 &&
		       (!e->label || EVP_PKEY_CTX_set0_rsa_oaep_label(pctx, OPENSSL_strdup(e->label), (int)strlen(e->label)) == 1);
	if (e->kdf_md && EVP_PKEY_CTX_set_ecdh_kdf_md(pctx, e->kdf_md) != 1)
		return 0;
	return !e->cofactor || EVP_PKEY_CTX_set_ecdh_cofactor_mode(pctx, 1) == 1;
}

/* Written with the default provider, then parsed as one that came by mail. */
static CMS_ContentInfo *envelope(const struct pair *p, const struct envelope *e)
{
	OSSL_LIB_CTX *ctx = delegate_context(delegate);
	BIO *in = BIO_new_mem_buf(text, sizeof(text) - 1), *der = BIO_new(BIO_s_mem());
	bool aead = EVP_CIPHER_get_mode(e->cipher) == EVP_CIPH_GCM_MODE;
	CMS_ContentInfo *cms = aead ? CMS_AuthEnvelopedData_create(e->cipher) : CMS_EnvelopedData_create(e->cipher);
	CMS_ContentInfo *read = CMS_ContentInfo_new_ex(ctx, NULL);
	CMS_RecipientInfo *ri = CMS_add1_recipient_cert(cms, p->certificate, CMS_KEY_PARAM);

	assert_non_null(ri);
	assert_true(parameters(ri, e));
	assert_int_equal(CMS_set_detached(cms, 0), 1);
	assert_int_equal(CMS_final(cms, in, NULL, CMS_BINARY), 1);
	assert_int_equal(i2d_CMS_bio(der, cms), 1);
	assert_non_null(d2i_CMS_bio(der, &read));
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	BIO_free(der);
	return read;
}

static int opens(CMS_ContentInfo *cms, EVP_PKEY *key, X509 *certificate)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *data;
	int ok = CMS_decrypt(cms, key, certificate, NULL, out, CMS_BINARY) == 1;

	if (ok) {
		long n = BIO_get_mem_data(out, &data);

		ok = n == (long)sizeof(text) - 1 && memcmp(data, text, (size_t)n) == 0;
	}
	BIO_free(out);
	return ok;
}

/* The way the opening half goes: one RecipientInfo, its key, then the content. */
static int opens_by_recipient(CMS_ContentInfo *cms, EVP_PKEY *key)
{
	CMS_RecipientInfo *ri = sk_CMS_RecipientInfo_value(CMS_get0_RecipientInfos(cms), 0);
	int ok;

	if (CMS_RecipientInfo_type(ri) == CMS_RECIPINFO_TRANS) {
		EVP_PKEY_up_ref(key);
		CMS_RecipientInfo_set0_pkey(ri, key);
		ok = CMS_RecipientInfo_decrypt(cms, ri) == 1;
		CMS_RecipientInfo_set0_pkey(ri, NULL);
	} else {
		ok = CMS_RecipientInfo_kari_set0_pkey(ri, key) == 1 &&
		     CMS_RecipientInfo_kari_decrypt(cms, ri,
			     sk_CMS_RecipientEncryptedKey_value(CMS_RecipientInfo_kari_get0_reks(ri), 0)) == 1;
	}
	return ok && opens(cms, NULL, NULL);
}

static void check_envelope(const struct pair *p, const struct envelope *e)
{
	CMS_ContentInfo *cms = envelope(p, e);

	assert_true(opens(cms, p->key, p->certificate));
	assert_int_equal(delegate_error(delegate)->code, 0);
	CMS_ContentInfo_free(cms);
	cms = envelope(p, e);
	assert_true(opens_by_recipient(cms, p->key));
	CMS_ContentInfo_free(cms);
}

static void cms_key_transport(void **state)
{
	const EVP_MD *const digests[] = { EVP_sha1(), EVP_sha256(), EVP_sha384(), EVP_sha512() };

	for (size_t i = 0; i < 3; i++)
		check_envelope(&pairs[i], &(struct envelope){ .cipher = EVP_aes_256_cbc() });
	for (size_t h = 0; h < 4; h++)
		for (size_t g = 0; g < 4; g++) {
			check_envelope(RSA_2048, &(struct envelope){ .oaep = 1, .oaep_md = digests[h], .mgf_md = digests[g],
				.label = g ? "label" : NULL, .cipher = g % 2 ? EVP_aes_128_gcm() : EVP_aes_128_cbc() });
			assert_int_equal(keys.last.mechanism, KEY_RSA_OAEP);
			assert_true(ascii_caseeq(keys.digest, OBJ_nid2ln(EVP_MD_get_type(digests[h]))));
			assert_true(ascii_caseeq(keys.mgf_digest, OBJ_nid2ln(EVP_MD_get_type(digests[g]))));
		}
}

static void cms_key_agreement(void **state)
{
	const EVP_MD *const digests[] = { EVP_sha1(), EVP_sha224(), EVP_sha256(), EVP_sha384(), EVP_sha512() };

	for (size_t i = 4; i < NPAIRS; i++)
		for (size_t h = 0; h < 5; h++)
			check_envelope(&pairs[i], &(struct envelope){ .kdf_md = digests[h], .cofactor = h % 2,
				.cipher = h % 2 ? EVP_aes_128_cbc() : EVP_aes_256_gcm() });
	assert_int_equal(keys.last.mechanism, KEY_ECDH);
}

/* Only a curve with a cofactor shows whether cofactor mode is applied: sect233k1 has 4. */
static void cofactor_is_applied(void **state)
{
	EVP_PKEY *real = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "sect233k1"), *key = NULL;
	X509 *certificate = softkey_certify(real, "test", 99, NULL);
	struct softkey soft = { keys.first, "sect", real };
	struct pair p = { .type = "EC" };
	struct error err;

	keys.first = &soft;
	assert_int_equal(delegate_key(delegate, certificate, "sect", &key, &err), 0);
	p.key = key;
	p.certificate = certificate;
	for (int cofactor = 0; cofactor < 2; cofactor++)
		check_envelope(&p, &(struct envelope){ .kdf_md = EVP_sha256(), .cofactor = cofactor, .cipher = EVP_aes_128_cbc() });
	keys.first = soft.next;
	EVP_PKEY_free(key);
	EVP_PKEY_free(real);
	X509_free(certificate);
}

/* ---- failures ---- */

static void errors_of_calls_can_be_read(void **state)
{
	static const int codes[] = { E_TEMP, E_LIMIT, E_NOTFOUND, E_CONFIG, E_PERM };
	unsigned char sig[1024];

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		size_t n = sizeof(sig);
		CMS_ContentInfo *cms;

		keys.fail = codes[i];
		keys.fail_text = "the smart card is away";
		assert_false(sign(RSA_2048, "sha256", 0, 0, NULL, sig, &n));
		assert_int_equal(delegate_error(delegate)->code, codes[i]);
		assert_string_equal(delegate_error(delegate)->text, "the smart card is away");
		assert_false(cms_signs(P_256, EVP_sha256(), 0));
		assert_int_equal(delegate_error(delegate)->code, codes[i]);

		cms = envelope(RSA_2048, &(struct envelope){ .oaep = 1, .oaep_md = EVP_sha256(), .mgf_md = EVP_sha256(),
							      .cipher = EVP_aes_128_cbc() });
		assert_false(opens(cms, RSA_2048->key, RSA_2048->certificate));
		assert_int_equal(delegate_error(delegate)->code, codes[i]);
		CMS_ContentInfo_free(cms);
		cms = envelope(P_256, &(struct envelope){ .cipher = EVP_aes_128_cbc() });
		assert_false(opens(cms, P_256->key, P_256->certificate));
		assert_int_equal(delegate_error(delegate)->code, codes[i]);
		assert_string_equal(delegate_error(delegate)->text, "the smart card is away");
		CMS_ContentInfo_free(cms);

		keys.fail = 0;
		n = sizeof(sig);
		assert_true(sign(RSA_2048, "sha256", 0, 0, NULL, sig, &n));
		assert_int_equal(delegate_error(delegate)->code, 0);
	}
}

/* RFC 3218: a wrong padding of v1.5 looks like a wrong content key; what has nothing to do with it is told. */
static void v15_unwrap_is_no_oracle(void **state)
{
	static const int codes[] = { E_PERM, E_TEMP };

	for (size_t i = 0; i < 2; i++) {
		CMS_ContentInfo *cms = envelope(RSA_2048, &(struct envelope){ .cipher = EVP_aes_256_cbc() });

		keys.fail = codes[i];
		keys.fail_text = "padding check failed";
		assert_int_equal(CMS_decrypt_set1_pkey(cms, RSA_2048->key, RSA_2048->certificate), 1);
		assert_int_equal(ERR_peek_error(), 0);
		assert_int_equal(delegate_error(delegate)->code, codes[i] == E_PERM ? 0 : codes[i]);
		assert_false(opens(cms, NULL, NULL));
		keys.fail = 0;
		CMS_ContentInfo_free(cms);
		ERR_clear_error();
	}
}

static int short_answer(void *ctx, const char *id, const struct key_request *r, struct buf *out, struct error *err)
{
	buf_addstr(out, "short");
	return 0;
}

static int silent_failure(void *ctx, const char *id, const struct key_request *r, struct buf *out, struct error *err)
{
	return E_TEMP;
}

/* A delegate with calls of its own for the certificate of p: signs and agrees; returns the last error. */
static struct error with_calls(const struct key_calls *calls, const struct pair *p)
{
	struct delegate *d;
	struct error err = { 0 };
	struct pair other = *p;
	struct delegate *before = delegate;
	unsigned char sig[1024];
	size_t n = sizeof(sig);

	assert_int_equal(delegate_new(calls, &d, &err), 0);
	assert_int_equal(delegate_key(d, p->certificate, "x", &other.key, &err), 0);
	delegate = d;
	assert_false(sign(&other, "sha256", 0, 0, NULL, sig, &n));
	delegate = before;
	err = *delegate_error(d);
	EVP_PKEY_free(other.key);
	delegate_free(d);
	return err;
}

static int other_key(void *ctx, const char *id, const struct key_request *r, struct buf *out, struct error *err)
{
	return softkey_calls(&keys).sign(&keys, ctx, r, out, err);
}

static void bad_answers_of_the_holder(void **state)
{
	assert_int_equal(with_calls(&(struct key_calls){ .sign = short_answer }, RSA_2048).code, E_TEMP);
	assert_int_equal(with_calls(&(struct key_calls){ .sign = silent_failure }, RSA_2048).code, E_TEMP);
	assert_int_equal(with_calls(&(struct key_calls){ .sign = NULL }, P_256).code, E_PERM);
	/* a signature, but by another key: of RSA-3072, of P-384, of another curve of the same size */
	assert_int_equal(with_calls(&(struct key_calls){ .sign = other_key, .ctx = (void *)"key-1" }, RSA_2048).code, E_TEMP);
	assert_int_equal(with_calls(&(struct key_calls){ .sign = other_key, .ctx = (void *)"key-5" }, P_256).code, E_TEMP);
	assert_int_equal(with_calls(&(struct key_calls){ .sign = other_key, .ctx = (void *)"key-7" }, P_256).code, E_TEMP);
}

static void no_configuration_is_read(void **state)
{
	/* setup() named a configuration file that does not exist; reading it would have left an error, and
	 * the default context must not have any provider but the fallback. */
	assert_int_equal(OSSL_PROVIDER_available(delegate_context(delegate), "postern"), 1);
	assert_true(OSSL_PROVIDER_available(delegate_context(delegate), "default") ||
		    OSSL_PROVIDER_available(delegate_context(delegate), "lean"));
	assert_int_equal(OSSL_PROVIDER_available(NULL, "postern"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(keys_look_like_their_certificates, each_test),
		cmocka_unit_test_setup(certificates_of_our_own_context, each_test),
		cmocka_unit_test_setup(private_half_is_not_exported, each_test),
		cmocka_unit_test_setup(other_key_types_are_named, each_test),
		cmocka_unit_test_setup(ordinary_keys_work_beside_them, each_test),
		cmocka_unit_test_setup(every_key_signs, each_test),
		cmocka_unit_test_setup(pss_with_any_salt_and_mask, each_test),
		cmocka_unit_test_setup(plain_signing_of_a_digest, each_test),
		cmocka_unit_test_setup(restricted_pss_key, each_test),
		cmocka_unit_test_setup(cms_signatures, each_test),
		cmocka_unit_test_setup(cms_key_transport, each_test),
		cmocka_unit_test_setup(cms_key_agreement, each_test),
		cmocka_unit_test_setup(cofactor_is_applied, each_test),
		cmocka_unit_test_setup(errors_of_calls_can_be_read, each_test),
		cmocka_unit_test_setup(v15_unwrap_is_no_oracle, each_test),
		cmocka_unit_test_setup(bad_answers_of_the_holder, each_test),
		cmocka_unit_test_setup(no_configuration_is_read, each_test),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
