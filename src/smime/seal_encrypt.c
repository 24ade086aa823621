/* seal_encrypt.c - the encrypting half of sealing (RFC 8551 2.3, 2.7, 3.3, 3.4; RFC 5652 6, 5083, 5084, 5753, 8017)
 *
 * Each recipient's own key type decides how the content key travels; the cipher is one for all of them.
 */
#include <openssl/cms.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "lib/mem.h"
#include "smime/capabilities.h"
#include "smime/seal_entity.h"

#define ANY_CIPHER ((1u << CONTENT_CIPHERS) - 1)

/* ---- which certificates */

static int check_usage(X509 *certificate, uint32_t wanted, const char *why, struct error *err)
{
	if (X509_get_key_usage(certificate) & wanted) /* all bits where there is no such extension */
		return 0;
	return seal_unfit(err, certificate, why);
}

static int check_bits(X509 *certificate, int bits, int least, const char *type, const struct profile *profile,
		      struct error *err)
{
	char why[160];

	if (bits >= least)
		return 0;
	snprintf(why, sizeof(why), "%s key of %d bits, profile %.64s wants %d at least", type, bits, profile->name, least);
	return seal_unfit(err, certificate, why);
}

int seal_check_recipient(X509 *certificate, const struct profile *profile, struct error *err)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate);
	int rc;

	if (!key)
		return seal_unfit(err, certificate, "its public key cannot be read");
	if (EVP_PKEY_is_a(key, "RSA")) {
		rc = check_usage(certificate, KU_KEY_ENCIPHERMENT, "its key usage does not allow key encipherment", err);
		return rc ? rc : check_bits(certificate, EVP_PKEY_get_bits(key), profile->rsa_bits_least, "RSA", profile, err);
	}
	if (EVP_PKEY_is_a(key, "EC")) {
		rc = check_usage(certificate, KU_KEY_AGREEMENT, "its key usage does not allow key agreement", err);
		return rc ? rc : check_bits(certificate, EVP_PKEY_get_bits(key), profile->ec_bits_least, "EC", profile, err);
	}
	if (EVP_PKEY_is_a(key, "RSA-PSS"))
		return seal_unfit(err, certificate, "its RSA-PSS key is for signatures only");
	return seal_unfit(err, certificate, "unsupported: encryption to this type of key");
}

/* ---- which cipher */

static unsigned cipher_bit(const char *name)
{
	for (unsigned i = 0; i < CONTENT_CIPHERS; i++)
		if (strcmp(content_ciphers[i].name, name) == 0)
			return 1u << i;
	return 0;
}

/* The strongest that all recipients can read.  Of one who never said anything, or nothing we could use, we
 * suppose what RFC 8551 2.7.1 lets us: the profile's cipher, and AES-CBC. */
static const struct content_cipher *choose_cipher(const struct capabilities *theirs, size_t n, const struct profile *profile)
{
	unsigned own = cipher_bit(profile->cipher);
	unsigned common = profile->adaptive ? ANY_CIPHER : own;

	for (size_t i = 0; i < n && profile->adaptive; i++)
		common &= theirs[i].ciphers ? theirs[i].ciphers : own | cipher_bit("aes-256-cbc") | cipher_bit("aes-128-cbc");
	if (!common)
		common = own;
	for (unsigned i = 0; i < CONTENT_CIPHERS; i++)
		if (common & 1u << i)
			return &content_ciphers[i];
	return NULL;
}

/* ---- recipients */

static int set_oaep(EVP_PKEY_CTX *pctx, const char *digest)
{
	return EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md_name(pctx, digest, NULL) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md_name(pctx, digest, NULL) == 1;
}

static int add_rsa(CMS_ContentInfo *cms, X509 *certificate, const char *oaep)
{
	CMS_RecipientInfo *ri = CMS_add1_recipient_cert(cms, certificate, oaep ? CMS_KEY_PARAM : 0);

	return ri && (!oaep || set_oaep(CMS_RecipientInfo_get0_pkey_ctx(ri), oaep));
}

static int add_ec(OSSL_LIB_CTX *ctx, CMS_ContentInfo *cms, X509 *certificate, const struct profile *profile)
{
	CMS_RecipientInfo *ri = CMS_add1_recipient_cert(cms, certificate, CMS_KEY_PARAM);
	EVP_CIPHER *wrap = EVP_CIPHER_fetch(ctx, profile->key_wrap, NULL);
	EVP_MD *md = EVP_MD_fetch(ctx, profile->kdf_digest, NULL);
	int ok = ri && wrap && md && EVP_PKEY_CTX_set_ecdh_kdf_md(CMS_RecipientInfo_get0_pkey_ctx(ri), md) == 1 &&
		 EVP_EncryptInit_ex(CMS_RecipientInfo_kari_get0_ctx(ri), wrap, NULL, NULL, NULL) == 1;

	EVP_MD_free(md);
	EVP_CIPHER_free(wrap);
	return ok;
}

static int add_recipient(OSSL_LIB_CTX *ctx, CMS_ContentInfo *cms, const struct sealed_for *to,
			 const struct capabilities *theirs, const struct profile *profile)
{
	const char *oaep = profile->oaep ? profile->oaep_digest : profile->adaptive ? theirs->oaep_digest : NULL;

	return EVP_PKEY_is_a(X509_get0_pubkey(to->certificate), "EC") ? add_ec(ctx, cms, to->certificate, profile) :
									 add_rsa(cms, to->certificate, oaep);
}

static int make_enveloped(OSSL_LIB_CTX *ctx, struct span entity, const struct sealed_for *recipients, size_t n,
			  const struct capabilities *theirs, const struct profile *profile,
			  const struct content_cipher *cipher, CMS_ContentInfo **out, struct error *err)
{
	EVP_CIPHER *algorithm = EVP_CIPHER_fetch(ctx, cipher->name, NULL);
	BIO *in = BIO_new_mem_buf(entity.n ? entity.p : "", (int)entity.n);
	CMS_ContentInfo *cms = NULL;
	int rc = 0;

	*out = NULL;
	if (algorithm)
		cms = cipher->aead ? CMS_AuthEnvelopedData_create_ex(algorithm, ctx, NULL) :
				     CMS_EnvelopedData_create_ex(algorithm, ctx, NULL);
	if (!cms || !in || CMS_set_detached(cms, 0) != 1)
		rc = seal_failed(err, E_TEMP, "cannot start to encrypt");
	for (size_t i = 0; i < n && !rc; i++)
		if (!add_recipient(ctx, cms, &recipients[i], &theirs[i], profile)) {
			seal_unfit(err, recipients[i].certificate, "OpenSSL cannot encrypt to its key");
			rc = E_PERM;
		}
	if (!rc && CMS_final(cms, in, NULL, CMS_BINARY) != 1)
		rc = seal_failed(err, E_TEMP, "cannot encrypt");
	BIO_free(in);
	EVP_CIPHER_free(algorithm);
	if (rc)
		CMS_ContentInfo_free(cms);
	else
		*out = cms;
	return rc;
}

int seal_encrypt(OSSL_LIB_CTX *ctx, struct span entity, const struct sealed_for *recipients, size_t n,
		 const struct profile *profile, struct buf *out, const char **used, struct error *err)
{
	struct capabilities *theirs = NULL;
	const struct content_cipher *cipher;
	CMS_ContentInfo *cms = NULL;
	int rc;

	if (used)
		*used = "";
	if (!n)
		return error_set(err, E_PERM, "nobody to encrypt to");
	if (entity.n > INT32_MAX / 2)
		return error_set(err, E_LIMIT, "an entity of %zu bytes is too large to be encrypted", entity.n);
	for (size_t i = 0; i < n; i++)
		if ((rc = seal_check_recipient(recipients[i].certificate, profile, err)) < 0)
			return rc;
	theirs = mem_array(n, sizeof(*theirs));
	for (size_t i = 0; i < n; i++)
		capabilities_read(recipients[i].capabilities, &theirs[i]);
	if (!(cipher = choose_cipher(theirs, n, profile)))
		rc = error_set(err, E_PERM, "unsupported: cipher %s of profile %s", profile->cipher, profile->name);
	else
		rc = make_enveloped(ctx, entity, recipients, n, theirs, profile, cipher, &cms, err);
	free(theirs);
	if (rc < 0)
		return rc;
	rc = entity_write_cms(cms, cipher->aead ? "authEnveloped-data" : "enveloped-data", out, err);
	if (rc == 0 && used)
		*used = cipher->name;
	return rc;
}
