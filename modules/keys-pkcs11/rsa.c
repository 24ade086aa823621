/* rsa.c - RSA on a token (RFC 8017), with what a token lacks done here around its bare RSA
 *
 * Many tokens know PSS and OAEP with SHA-1 only, or with one digest for label and mask, or not at all.  Then the token does
 * the bare operation (CKM_RSA_X_509) and the padding is OpenSSL's, whose check of OAEP takes the same time whatever it finds.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* the paddings by themselves have no newer names */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "common/key_request.h"
#include "keys-pkcs11/keys_pkcs11.h"

#define MODULUS_MAX (16384 / 8)

static size_t modulus_size(const struct operation *o)
{
	return o->key->size <= MODULUS_MAX ? o->key->size : 0;
}

/* ---- names of digests ---- */

static const struct {
	int nid;
	CK_MECHANISM_TYPE digest;
	CK_RSA_PKCS_MGF_TYPE mgf;
} digests[] = {
	{ NID_sha1, CKM_SHA_1, CKG_MGF1_SHA1 },
	{ NID_sha224, CKM_SHA224, CKG_MGF1_SHA224 },
	{ NID_sha256, CKM_SHA256, CKG_MGF1_SHA256 },
	{ NID_sha384, CKM_SHA384, CKG_MGF1_SHA384 },
	{ NID_sha512, CKM_SHA512, CKG_MGF1_SHA512 },
};

static bool find_names(const EVP_MD *digest, const EVP_MD *mgf, CK_MECHANISM_TYPE *hash, CK_RSA_PKCS_MGF_TYPE *mask)
{
	*hash = 0;
	*mask = 0;
	for (size_t i = 0; i < sizeof(digests) / sizeof(*digests); i++) {
		if (digests[i].nid == EVP_MD_get_type(digest))
			*hash = digests[i].digest;
		if (digests[i].nid == EVP_MD_get_type(mgf))
			*mask = digests[i].mgf;
	}
	return *hash && *mask;
}

/* ---- the bare operation ---- */

static CK_RV raw_sign(struct operation *o, struct span block)
{
	CK_MECHANISM m = { CKM_RSA_X_509, NULL, 0 };

	return operate_sign(o, &m, block, &o->out);
}

/* ---- signatures ---- */

/* RFC 8017 section 9.2, note 1: the digest's name and value as DER. */
static bool digest_info(const struct key_request *r, struct buf *out)
{
	X509_SIG *info = X509_SIG_new();
	unsigned char *der = NULL;
	X509_ALGOR *algorithm;
	ASN1_OCTET_STRING *value;
	int n = 0;

	if (info) {
		X509_SIG_getm(info, &algorithm, &value);
		if (X509_ALGOR_set0(algorithm, OBJ_nid2obj(EVP_MD_get_type(r->digest)), V_ASN1_NULL, NULL) &&
		    ASN1_OCTET_STRING_set(value, (const unsigned char *)r->input.data, (int)r->input.len))
			n = i2d_X509_SIG(info, &der);
	}
	if (n > 0)
		buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	X509_SIG_free(info);
	return n > 0;
}

CK_RV rsa_sign_pkcs1(struct operation *o)
{
	CK_MECHANISM m = { CKM_RSA_PKCS, NULL, 0 };
	struct buf info = BUF_INIT;
	size_t size = modulus_size(o);
	unsigned char block[MODULUS_MAX];
	CK_RV rv = CKR_MECHANISM_INVALID;

	if (!digest_info(o->request, &info))
		return CKR_MECHANISM_PARAM_INVALID;
	if (token_has_mechanism(o->key->token, m.mechanism))
		rv = operate_sign(o, &m, span_from(info.data, info.len), &o->out);
	if (is_unsupported(o, rv) && RSA_padding_add_PKCS1_type_1(block, (int)size, (unsigned char *)info.data, (int)info.len) > 0)
		rv = raw_sign(o, span_from(block, size));
	buf_release(&info);
	return rv;
}

/* RSA_padding_add_PKCS1_PSS_mgf1 takes the size from a key of the old kind. */
static RSA *old_key(EVP_PKEY *public)
{
	BIGNUM *n = NULL, *e = NULL;
	RSA *rsa = RSA_new();

	if (rsa && EVP_PKEY_get_bn_param(public, OSSL_PKEY_PARAM_RSA_N, &n) > 0 &&
	    EVP_PKEY_get_bn_param(public, OSSL_PKEY_PARAM_RSA_E, &e) > 0 && RSA_set0_key(rsa, n, e, NULL))
		return rsa;
	BN_free(n);
	BN_free(e);
	RSA_free(rsa);
	return NULL;
}

static CK_RV padded_pss(struct operation *o)
{
	const struct key_request *r = o->request;
	RSA *rsa = old_key(o->key->public);
	unsigned char block[MODULUS_MAX];
	size_t size = modulus_size(o);
	CK_RV rv = CKR_DATA_LEN_RANGE;

	if (rsa && size && RSA_padding_add_PKCS1_PSS_mgf1(rsa, block, (const unsigned char *)r->input.data, r->digest, r->mgf,
							  (int)r->salt_length) > 0)
		rv = raw_sign(o, span_from(block, size));
	RSA_free(rsa);
	return rv;
}

CK_RV rsa_sign_pss(struct operation *o)
{
	const struct key_request *r = o->request;
	CK_RSA_PKCS_PSS_PARAMS params = { .sLen = r->salt_length };
	CK_MECHANISM m = { CKM_RSA_PKCS_PSS, &params, sizeof(params) };
	CK_RV rv = CKR_MECHANISM_INVALID;

	if (token_has_mechanism(o->key->token, m.mechanism) && find_names(r->digest, r->mgf, &params.hashAlg, &params.mgf))
		rv = operate_sign(o, &m, span_from(r->input.data, r->input.len), &o->out);
	return is_unsupported(o, rv) ? padded_pss(o) : rv;
}

/* ---- encrypted keys ---- */

/* Bytes in front that a stranger left out or put in would make tokens answer in different ways. */
static bool whole_block(const struct operation *o)
{
	return o->request->input.len == modulus_size(o);
}

static CK_RV raw_decrypt(struct operation *o, unsigned char *block, size_t size)
{
	CK_MECHANISM m = { CKM_RSA_X_509, NULL, 0 };
	struct buf plain = BUF_INIT;
	CK_RV rv = operate_decrypt(o, &m, span_from(o->request->input.data, o->request->input.len), &plain);

	memset(block, 0, size);
	if (rv == CKR_OK && plain.len > size)
		rv = CKR_ENCRYPTED_DATA_INVALID;
	if (rv == CKR_OK) /* some tokens leave out zeros in front */
		memcpy(block + size - plain.len, buf_str(&plain), plain.len);
	buf_wipe(&plain);
	return rv;
}

static CK_RV unpad_pkcs1(struct operation *o)
{
	unsigned char block[MODULUS_MAX], out[MODULUS_MAX];
	size_t size = modulus_size(o);
	CK_RV rv = raw_decrypt(o, block, size);
	int n = -1;

	if (rv == CKR_OK)
		n = RSA_padding_check_PKCS1_type_2(out, (int)size, block, (int)size, (int)size);
	if (n > 0)
		buf_add(&o->out, out, (size_t)n);
	OPENSSL_cleanse(block, sizeof(block));
	OPENSSL_cleanse(out, sizeof(out));
	return rv != CKR_OK ? rv : n > 0 ? CKR_OK : CKR_ENCRYPTED_DATA_INVALID;
}

CK_RV rsa_unwrap_pkcs1(struct operation *o)
{
	CK_MECHANISM m = { CKM_RSA_PKCS, NULL, 0 };
	CK_RV rv = CKR_MECHANISM_INVALID;

	if (!whole_block(o))
		return CKR_ENCRYPTED_DATA_LEN_RANGE;
	if (token_has_mechanism(o->key->token, m.mechanism))
		rv = operate_decrypt(o, &m, span_from(o->request->input.data, o->request->input.len), &o->out);
	return is_unsupported(o, rv) ? unpad_pkcs1(o) : rv;
}

static CK_RV unpad_oaep(struct operation *o)
{
	const struct key_request *r = o->request;
	unsigned char block[MODULUS_MAX], out[MODULUS_MAX];
	size_t size = modulus_size(o);
	CK_RV rv = raw_decrypt(o, block, size);
	int n = -1;

	if (rv == CKR_OK)
		n = RSA_padding_check_PKCS1_OAEP_mgf1(out, (int)size, block, (int)size, (int)size, (const unsigned char *)r->label.data,
						      (int)r->label.len, r->digest, r->mgf);
	if (n > 0)
		buf_add(&o->out, out, (size_t)n);
	OPENSSL_cleanse(block, sizeof(block));
	OPENSSL_cleanse(out, sizeof(out));
	return rv != CKR_OK ? rv : n > 0 ? CKR_OK : CKR_ENCRYPTED_DATA_INVALID;
}

/* Some tokens take a label and do not look at it (SoftHSM 2.6): with one, OpenSSL's check is the better one. */
static bool token_does_label(const struct operation *o, CK_MECHANISM_TYPE oaep)
{
	struct token *t = o->key->token;

	return token_has_mechanism(t, oaep) && (!o->request->label.len || !token_has_mechanism(t, CKM_RSA_X_509));
}

CK_RV rsa_unwrap_oaep(struct operation *o)
{
	const struct key_request *r = o->request;
	CK_RSA_PKCS_OAEP_PARAMS params = { .source = CKZ_DATA_SPECIFIED, .pSourceData = r->label.len ? r->label.data : NULL,
					   .ulSourceDataLen = r->label.len };
	CK_MECHANISM m = { CKM_RSA_PKCS_OAEP, &params, sizeof(params) };
	CK_RV rv = CKR_MECHANISM_INVALID;

	if (!whole_block(o))
		return CKR_ENCRYPTED_DATA_LEN_RANGE;
	if (token_does_label(o, m.mechanism) && find_names(r->digest, r->mgf, &params.hashAlg, &params.mgf))
		rv = operate_decrypt(o, &m, span_from(r->input.data, r->input.len), &o->out);
	return is_unsupported(o, rv) ? unpad_oaep(o) : rv;
}
