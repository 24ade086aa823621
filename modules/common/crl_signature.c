/* crl_signature.c - who signed a revocation list, from the hash that was made when it was read */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>

#include "common/crl_inside.h"
#include "lib/openssl.h"

static X509_ALGOR *parse_algorithm(struct span der)
{
	const unsigned char *p = (const unsigned char *)der.p;

	return d2i_X509_ALGOR(NULL, &p, (long)der.n);
}

static int nid_of(const X509_ALGOR *a)
{
	const ASN1_OBJECT *oid;

	X509_ALGOR_get0(&oid, NULL, NULL, a);
	return OBJ_obj2nid(oid);
}

/* RFC 4055 section 3.1; what is left out has a default. */
struct pss {
	int hash, mask_hash, salt;
};

static int mask_hash(const X509_ALGOR *mask)
{
	const void *value;
	int type, nid = NID_undef;
	X509_ALGOR *inner;

	if (!mask)
		return NID_sha1;
	X509_ALGOR_get0(NULL, &type, &value, mask);
	if (nid_of(mask) != NID_mgf1 || type != V_ASN1_SEQUENCE)
		return NID_undef;
	inner = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(X509_ALGOR), mask->parameter);
	if (inner)
		nid = nid_of(inner);
	X509_ALGOR_free(inner);
	return nid;
}

static bool read_pss(const X509_ALGOR *a, struct pss *out)
{
	const void *value;
	int type;
	RSA_PSS_PARAMS *p;
	int64_t salt = 20, trailer = 1;

	X509_ALGOR_get0(NULL, &type, &value, a);
	if (type != V_ASN1_SEQUENCE)
		return false;
	p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS), a->parameter);
	if (!p)
		return false;
	out->hash = p->hashAlgorithm ? nid_of(p->hashAlgorithm) : NID_sha1;
	out->mask_hash = mask_hash(p->maskGenAlgorithm);
	if ((p->saltLength && !ASN1_INTEGER_get_int64(&salt, p->saltLength)) ||
	    (p->trailerField && !ASN1_INTEGER_get_int64(&trailer, p->trailerField)))
		salt = -1;
	RSA_PSS_PARAMS_free(p);
	out->salt = salt >= 0 && salt <= 512 ? (int)salt : -1;
	return out->salt >= 0 && trailer == 1 && out->mask_hash != NID_undef;
}

static int hash_nid(const X509_ALGOR *a, int *key_type)
{
	int digest = NID_undef;
	struct pss pss;

	if (!OBJ_find_sigid_algs(nid_of(a), &digest, key_type))
		return NID_undef;
	if (nid_of(a) == NID_rsassaPss)
		return read_pss(a, &pss) ? pss.hash : NID_undef;
	return digest;
}

static int digest_of(struct span algorithm)
{
	X509_ALGOR *a = parse_algorithm(algorithm);
	int key_type, nid = a ? hash_nid(a, &key_type) : NID_undef;

	X509_ALGOR_free(a);
	ERR_clear_error();
	return nid;
}

int crl_signature_digest(const struct crl *c)
{
	return digest_of(c->algorithm);
}

const EVP_MD *crl_signature_hash(struct span algorithm)
{
	int nid = digest_of(algorithm);

	if (nid == NID_undef)
		return NULL;
	openssl_complete_for_digest(NULL, nid);
	return EVP_get_digestbynid(nid);
}

/* rsaEncryption keys make both kinds of RSA signatures, RSA-PSS keys one. */
static bool key_fits(int signature, int key_type, const EVP_PKEY *key)
{
	int have = EVP_PKEY_get_base_id(key);

	if (signature == NID_rsassaPss)
		return have == EVP_PKEY_RSA || have == EVP_PKEY_RSA_PSS;
	return have == key_type || (have == EVP_PKEY_EC && key_type == NID_X9_62_id_ecPublicKey);
}

static bool set_padding(EVP_PKEY_CTX *ctx, const X509_ALGOR *a, const EVP_PKEY *key, const EVP_MD *md)
{
	struct pss pss;

	if (EVP_PKEY_CTX_set_signature_md(ctx, md) <= 0)
		return false;
	if (nid_of(a) != NID_rsassaPss)
		return EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
	return read_pss(a, &pss) && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_get_digestbynid(pss.mask_hash)) > 0 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, pss.salt) > 0;
}

static int verify_hash(const struct crl *c, const X509_ALGOR *a, EVP_PKEY *key, const EVP_MD *md)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	int rc = -1;

	if (ctx && EVP_PKEY_verify_init(ctx) > 0 && set_padding(ctx, a, key, md))
		rc = EVP_PKEY_verify(ctx, (const unsigned char *)c->signature.p, c->signature.n, c->head.tbs_hash,
				     c->head.tbs_hash_size) == 1;
	EVP_PKEY_CTX_free(ctx);
	return rc;
}

static int verify_text(const struct crl *c, EVP_PKEY *key)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int rc = -1;

	if (ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) > 0)
		rc = EVP_DigestVerify(ctx, (const unsigned char *)c->signature.p, c->signature.n,
				      (const unsigned char *)c->tbs.p, c->tbs.n) == 1;
	EVP_MD_CTX_free(ctx);
	return rc;
}

int crl_signature_is(const struct crl *c, EVP_PKEY *key)
{
	X509_ALGOR *a = parse_algorithm(c->algorithm);
	const EVP_MD *md = a ? crl_signature_hash(c->algorithm) : NULL;
	int key_type = NID_undef, rc = -1;

	if (a && OBJ_find_sigid_algs(nid_of(a), NULL, &key_type) && !key_fits(nid_of(a), key_type, key))
		rc = 0;
	else if (md && c->head.tbs_hash_size == (uint32_t)EVP_MD_get_size(md))
		rc = verify_hash(c, a, key, md);
	else if (a && c->tbs.n && (nid_of(a) == NID_ED25519 || nid_of(a) == NID_ED448))
		rc = verify_text(c, key);
	X509_ALGOR_free(a);
	ERR_clear_error();
	return rc;
}
