/* delegate_sign_params.c - what kind of signature is asked for: digest, padding, mask, salt; what the key itself asks for (RFC 4055
 * section 3.1); and the AlgorithmIdentifier that says it all to the recipient (RFC 4056, RFC 5754)
 */
#include <limits.h>
#include <openssl/asn1t.h>
#include <openssl/core_names.h>
#include <openssl/objects.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "lib/mem.h"
#include "smime/delegate_sign.h"

/* ---- setting ---- */

int signing_set_digest(struct signing *s, const char *name)
{
	char known[DIGEST_NAME_MAX];
	size_t size;

	if (!provider_digest(s->provider, name, known, &size))
		return provider_failed(s->provider, E_PERM, "unsupported digest");
	if (s->restricted && strcmp(known, s->only_digest) != 0)
		return provider_failed(s->provider, E_PERM, "the RSA-PSS key allows another digest only");
	memcpy(s->digest, known, sizeof(known));
	s->digest_size = size;
	return 1;
}

static int set_mgf(struct signing *s, const char *name)
{
	char known[DIGEST_NAME_MAX];

	if (!provider_digest(s->provider, name, known, NULL))
		return provider_failed(s->provider, E_PERM, "unsupported digest of the mask");
	if (s->restricted && strcmp(known, s->only_mgf) != 0)
		return provider_failed(s->provider, E_PERM, "the RSA-PSS key allows another digest of the mask only");
	memcpy(s->mgf, known, sizeof(known));
	return 1;
}

/* The restrictions of an id-RSASSA-PSS key with parameters become the defaults. */
static int read_restrictions(struct signing *s)
{
	char digest[DIGEST_NAME_MAX] = "SHA1", mgf[DIGEST_NAME_MAX] = "SHA1"; /* RFC 4055: where absent */
	int salt = 0;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_PKEY_PARAM_RSA_PSS_SALTLEN, &salt),
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_RSA_DIGEST, digest, sizeof(digest)),
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_RSA_MGF1_DIGEST, mgf, sizeof(mgf)),
		OSSL_PARAM_construct_end(),
	};

	s->padding = RSA_PKCS1_PSS_PADDING;
	if (EVP_PKEY_get_params(s->key->public, params) != 1 || !OSSL_PARAM_modified(&params[0]))
		return 1;
	if (!provider_digest(s->provider, digest, s->only_digest, NULL) ||
	    !provider_digest(s->provider, mgf, s->only_mgf, NULL))
		return provider_failed(s->provider, E_PERM, "unsupported digest in the RSA-PSS key's parameters");
	s->restricted = true;
	s->least_salt = salt;
	s->salt = salt;
	return signing_set_digest(s, s->only_digest) && set_mgf(s, s->only_mgf);
}

int signing_reset(struct signing *s, struct delegated *key)
{
	delegated_hold(key);
	delegated_release(s->key); /* which may be the same */
	s->key = key;
	s->padding = RSA_PKCS1_PADDING;
	s->salt = RSA_PSS_SALTLEN_DIGEST;
	s->digest[0] = s->mgf[0] = '\0';
	s->restricted = false;
	s->least_salt = 0;
	return delegated_is_private(s->key) && (strcmp(s->key->type, "RSA-PSS") != 0 || read_restrictions(s));
}

static int set_padding(struct signing *s, const OSSL_PARAM *p)
{
	const char *word = NULL;
	int mode = 0;

	if (p->data_type == OSSL_PARAM_UTF8_STRING) {
		if (!OSSL_PARAM_get_utf8_string_ptr(p, &word))
			return 0;
		mode = ascii_caseeq(word, OSSL_PKEY_RSA_PAD_MODE_PSS) ? RSA_PKCS1_PSS_PADDING :
		       ascii_caseeq(word, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) ? RSA_PKCS1_PADDING : 0;
	} else if (!OSSL_PARAM_get_int(p, &mode)) {
		return 0;
	}
	if (mode != RSA_PKCS1_PSS_PADDING &&
	    (mode != RSA_PKCS1_PADDING || strcmp(s->key->type, "RSA-PSS") == 0))
		return provider_failed(s->provider, E_PERM, "unsupported padding for this key");
	s->padding = mode;
	return 1;
}

static int set_salt(struct signing *s, const OSSL_PARAM *p)
{
	static const struct { const char *word; int value; } words[] = {
		{ OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST, RSA_PSS_SALTLEN_DIGEST },
		{ OSSL_PKEY_RSA_PSS_SALT_LEN_MAX, RSA_PSS_SALTLEN_MAX },
		{ OSSL_PKEY_RSA_PSS_SALT_LEN_AUTO, RSA_PSS_SALTLEN_MAX },
	};
	const char *text = NULL;
	uint64_t number;
	int value;

	if (p->data_type != OSSL_PARAM_UTF8_STRING) {
		if (!OSSL_PARAM_get_int(p, &value) || value < RSA_PSS_SALTLEN_MAX)
			return 0;
		s->salt = value == RSA_PSS_SALTLEN_AUTO ? RSA_PSS_SALTLEN_MAX : value;
		return 1;
	}
	if (!OSSL_PARAM_get_utf8_string_ptr(p, &text))
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(text, words[i].word) == 0) {
			s->salt = words[i].value;
			return 1;
		}
	if (!span_number(span_of(text), INT_MAX, &number))
		return 0;
	s->salt = (int)number;
	return 1;
}

int signing_set_params(void *ctx, const OSSL_PARAM params[])
{
	struct signing *s = ctx;
	const OSSL_PARAM *p;
	const char *name;

	if (!s || !s->key)
		return 0;
	if (!params)
		return 1;
	if ((p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST)) &&
	    (!OSSL_PARAM_get_utf8_string_ptr(p, &name) || !signing_set_digest(s, name)))
		return 0;
	if (!s->is_rsa)
		return 1;
	if ((p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE)) && !set_padding(s, p))
		return 0;
	if ((p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST)) &&
	    (!OSSL_PARAM_get_utf8_string_ptr(p, &name) || !set_mgf(s, name)))
		return 0;
	if ((p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN)) && !set_salt(s, p))
		return 0;
	return 1;
}
/* ---- what is sent along, and told ---- */

int signing_salt_length(const struct signing *s)
{
	int room = (EVP_PKEY_get_bits(s->key->public) - 1 + 7) / 8 - (int)s->digest_size - 2; /* RFC 8017 9.1.1 */
	int salt = s->salt == RSA_PSS_SALTLEN_DIGEST ? (int)s->digest_size :
		   s->salt == RSA_PSS_SALTLEN_MAX    ? room :
						       s->salt;

	return salt < 0 || salt > room || salt < s->least_salt ? -1 : salt;
}

/* A DigestAlgorithmIdentifier as RSASSA-PSS-params have it; NULL for SHA-1, the default that DER leaves out. */
static X509_ALGOR *algorithm_of(const char *digest)
{
	int nid = OBJ_txt2nid(digest);
	X509_ALGOR *a = nid == NID_sha1 || nid == NID_undef ? NULL : X509_ALGOR_new();

	if (a)
		X509_ALGOR_set0(a, OBJ_nid2obj(nid), V_ASN1_NULL, NULL);
	return a;
}

/* RSASSA-PSS-params, RFC 4055 3.1 */
static ASN1_STRING *pss_parameters(const struct signing *s)
{
	const char *mgf = s->mgf[0] ? s->mgf : s->digest;
	RSA_PSS_PARAMS *pss = RSA_PSS_PARAMS_new();
	ASN1_STRING *packed = NULL, *mask = NULL;
	X509_ALGOR *mgf_hash = NULL;
	int salt = signing_salt_length(s);

	if (!pss || salt < 0)
		goto out;
	pss->hashAlgorithm = algorithm_of(s->digest);
	if ((mgf_hash = algorithm_of(mgf))) {
		if (!ASN1_item_pack(mgf_hash, ASN1_ITEM_rptr(X509_ALGOR), &mask) || !(pss->maskGenAlgorithm = X509_ALGOR_new()))
			goto out;
		X509_ALGOR_set0(pss->maskGenAlgorithm, OBJ_nid2obj(NID_mgf1), V_ASN1_SEQUENCE, mask);
		mask = NULL;
	}
	if (salt != 20 && (!(pss->saltLength = ASN1_INTEGER_new()) || !ASN1_INTEGER_set(pss->saltLength, salt)))
		goto out;
	packed = ASN1_item_pack(pss, ASN1_ITEM_rptr(RSA_PSS_PARAMS), NULL);
out:
	ASN1_STRING_free(mask);
	X509_ALGOR_free(mgf_hash);
	RSA_PSS_PARAMS_free(pss);
	return packed;
}

/* The signature's AlgorithmIdentifier in DER: CMS puts it into the SignerInfo. */
static int get_algorithm(const struct signing *s, OSSL_PARAM *p)
{
	X509_ALGOR *a = X509_ALGOR_new();
	unsigned char *der = NULL;
	int ok = 0, n, nid = NID_undef;

	if (!a || !s->digest[0])
		goto out;
	if (s->is_rsa && s->padding == RSA_PKCS1_PSS_PADDING) {
		ASN1_STRING *parameters = pss_parameters(s);

		if (!parameters)
			goto out;
		X509_ALGOR_set0(a, OBJ_nid2obj(NID_rsassaPss), V_ASN1_SEQUENCE, parameters);
	} else {
		if (!OBJ_find_sigid_by_algs(&nid, OBJ_txt2nid(s->digest),
					    s->is_rsa ? NID_rsaEncryption : NID_X9_62_id_ecPublicKey))
			goto out;
		X509_ALGOR_set0(a, OBJ_nid2obj(nid), s->is_rsa ? V_ASN1_NULL : V_ASN1_UNDEF, NULL);
	}
	n = i2d_X509_ALGOR(a, &der);
	ok = n > 0 && OSSL_PARAM_set_octet_string(p, der, (size_t)n);
out:
	OPENSSL_free(der);
	X509_ALGOR_free(a);
	return ok;
}

static int set_text_or_number(OSSL_PARAM *p, const char *text, int number)
{
	return p->data_type == OSSL_PARAM_UTF8_STRING ? OSSL_PARAM_set_utf8_string(p, text) : OSSL_PARAM_set_int(p, number);
}

int signing_get_params(void *ctx, OSSL_PARAM params[])
{
	struct signing *s = ctx;
	OSSL_PARAM *p;
	char salt[12];

	if (!s || !s->key || !params)
		return 0;
	if ((p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID)) && !get_algorithm(s, p))
		return 0;
	if ((p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_DIGEST)) && !OSSL_PARAM_set_utf8_string(p, s->digest))
		return 0;
	if (!s->is_rsa)
		return 1;
	if ((p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_PAD_MODE)) &&
	    !set_text_or_number(p, s->padding == RSA_PKCS1_PSS_PADDING ? OSSL_PKEY_RSA_PAD_MODE_PSS :
									  OSSL_PKEY_RSA_PAD_MODE_PKCSV15, s->padding))
		return 0;
	if ((p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST)) &&
	    !OSSL_PARAM_set_utf8_string(p, s->mgf[0] ? s->mgf : s->digest))
		return 0;
	snprintf(salt, sizeof(salt), "%d", s->salt);
	if ((p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN)) && !set_text_or_number(p, salt, s->salt))
		return 0;
	return 1;
}

const OSSL_PARAM *signing_settable(void *ctx, void *provctx)
{
	static const OSSL_PARAM settable[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PROPERTIES, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_PROPERTIES, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_END,
	};

	return settable;
}

const OSSL_PARAM *signing_gettable(void *ctx, void *provctx)
{
	static const OSSL_PARAM gettable[] = {
		OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_END,
	};

	return gettable;
}
