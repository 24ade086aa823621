/* seal_sign.c - the signing half of sealing (RFC 8551 2.4, 2.5, 3.5; RFC 5652 5) */
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "smime/capabilities.h"
#include "smime/seal_entity.h"

static const struct { /* by length */
	const char *name, *micalg; /* RFC 8551 3.5.3.2 */
	const EVP_MD *(*md)(void);
} digests[] = {
	{ "sha256", "sha-256", EVP_sha256 },
	{ "sha384", "sha-384", EVP_sha384 },
	{ "sha512", "sha-512", EVP_sha512 },
};
#define NDIGESTS (sizeof(digests) / sizeof(*digests))

/* Index in digests, or NDIGESTS. */
static size_t digest_index(const char *name)
{
	size_t i;

	for (i = 0; i < NDIGESTS; i++)
		if (ascii_caseeq(digests[i].name, name))
			break;
	return i;
}

/* Whether it is an id-RSASSA-PSS key with parameters (RFC 4055 3.1): these name its one digest and its salt. */
static bool is_restricted(EVP_PKEY *key, char digest[64])
{
	return EVP_PKEY_is_a(key, "RSA-PSS") && EVP_PKEY_get_default_digest_name(key, digest, 64) == 2;
}

/* The profile's, but never shorter than an EC key's own strength (RFC 5480 4; gpgsm refuses others). */
static size_t choose_digest(OSSL_LIB_CTX *ctx, EVP_PKEY *key, const struct profile *profile)
{
	char mandatory[64] = "";
	size_t i = NDIGESTS;
	EVP_MD *md;

	if (EVP_PKEY_is_a(key, "EC")) {
		size_t least = EVP_PKEY_get_bits(key) >= 512 ? 2 : EVP_PKEY_get_bits(key) >= 384 ? 1 : 0;

		i = digest_index(profile->digest);
		return i < least ? least : i;
	}
	if (!is_restricted(key, mandatory))
		return digest_index(profile->digest);
	/* OpenSSL gives any of the names it knows, "SHA2-384" here. */
	if ((md = EVP_MD_fetch(ctx, mandatory, NULL)))
		i = digest_index(OBJ_nid2ln(EVP_MD_get_type(md)));
	EVP_MD_free(md);
	return i;
}

/* The salt is as long as the digest, as readers expect (RFC 4056 2.2), unless the key asks for another. */
static int set_pss(CMS_SignerInfo *si, EVP_PKEY *key)
{
	EVP_PKEY_CTX *pctx = CMS_SignerInfo_get0_pkey_ctx(si);
	char digest[64] = "";

	if (is_restricted(key, digest))
		return 1;
	return EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static int add_capabilities(CMS_SignerInfo *si, const struct profile *profile, bool rsa)
{
	STACK_OF(X509_ALGOR) *list = capabilities_ours(profile, rsa);
	int ok = list && CMS_add_smimecap(si, list) == 1;

	sk_X509_ALGOR_pop_free(list, X509_ALGOR_free);
	return ok;
}

/* The signer's own certificate is in already; a chain may repeat it. */
static int add_chain(CMS_ContentInfo *cms, const struct signer *signer)
{
	for (int i = 0; i < sk_X509_num(signer->chain); i++) {
		X509 *certificate = sk_X509_value(signer->chain, i);
		bool known = X509_cmp(certificate, signer->certificate) == 0;

		for (int k = 0; k < i && !known; k++)
			known = X509_cmp(certificate, sk_X509_value(signer->chain, k)) == 0;
		if (!known && CMS_add1_cert(cms, certificate) != 1)
			return 0;
	}
	return 1;
}

static int check_signer(const struct signer *signer, struct error *err)
{
	EVP_PKEY *public = X509_get0_pubkey(signer->certificate);

	if (!public)
		return seal_unfit(err, signer->certificate, "its public key cannot be read");
	if (!EVP_PKEY_is_a(public, "RSA") && !EVP_PKEY_is_a(public, "RSA-PSS") && !EVP_PKEY_is_a(public, "EC"))
		return seal_unfit(err, signer->certificate, "unsupported: signature with this type of key");
	if (!(X509_get_key_usage(signer->certificate) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))
		return seal_unfit(err, signer->certificate, "its key usage does not allow signatures");
	if (X509_check_private_key(signer->certificate, signer->key) != 1)
		return seal_unfit(err, signer->certificate, "the key does not belong to it");
	return 0;
}

/* The holder's own reason goes before OpenSSL's "failed". */
static int signing_failed(OSSL_LIB_CTX *ctx, struct error *err)
{
	const struct error *delegated = delegate_error_in(ctx);

	if (!delegated || !delegated->code)
		return seal_failed(err, E_TEMP, "cannot sign");
	ERR_clear_error();
	return error_set(err, delegated->code, "cannot sign: %s", delegated->text);
}

static CMS_ContentInfo *make_signed(OSSL_LIB_CTX *ctx, struct span entity, const struct signer *signer,
				    const struct profile *profile, const EVP_MD *md)
{
	bool rsa = !EVP_PKEY_is_a(signer->key, "EC");
	bool pss = EVP_PKEY_is_a(signer->key, "RSA-PSS") || (rsa && profile->pss);
	unsigned flags = CMS_BINARY | CMS_PARTIAL | (profile->opaque ? 0 : CMS_DETACHED);
	CMS_ContentInfo *cms = CMS_sign_ex(NULL, NULL, NULL, NULL, flags, ctx, NULL);
	BIO *in = BIO_new_mem_buf(entity.n ? entity.p : "", (int)entity.n);
	CMS_SignerInfo *si = NULL;
	int ok = 0;

	if (cms && in)
		si = CMS_add1_signer(cms, signer->certificate, signer->key, md, CMS_NOSMIMECAP | (pss ? CMS_KEY_PARAM : 0));
	ok = si && (!pss || set_pss(si, signer->key)) && add_capabilities(si, profile, rsa) && add_chain(cms, signer) &&
	     CMS_final(cms, in, NULL, flags) == 1;
	BIO_free(in);
	if (ok)
		return cms;
	CMS_ContentInfo_free(cms);
	return NULL;
}

int seal_sign(OSSL_LIB_CTX *ctx, struct span entity, const struct signer *signer, const struct profile *profile,
	      struct buf *out, struct error *err)
{
	CMS_ContentInfo *cms;
	size_t digest;
	int rc;

	if (entity.n > INT32_MAX / 2)
		return error_set(err, E_LIMIT, "an entity of %zu bytes is too large to be signed", entity.n);
	if ((rc = check_signer(signer, err)) < 0)
		return rc;
	if ((digest = choose_digest(ctx, signer->key, profile)) == NDIGESTS)
		return seal_unfit(err, signer->certificate, "unsupported: the digest that its key or the profile asks for");
	if (!(cms = make_signed(ctx, entity, signer, profile, digests[digest].md())))
		return signing_failed(ctx, err);
	return profile->opaque ? entity_write_cms(cms, "signed-data", out, err) :
				 entity_write_signed(entity, digests[digest].micalg, cms, out, err);
}
