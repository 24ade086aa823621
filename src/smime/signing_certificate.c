/* signing_certificate.c - which certificate the signer says is his (RFC 2634 5.4, RFC 5035)
 *
 * What points to the certificate in a SignerInfo is not signed.  Whoever gets a certificate for somebody else's public key could have
 * his messages taken for his own; this signed attribute says whose they are.
 */
#include "smime/ber.h"
#include "smime/layer.h"

static EVP_MD *digest_of(OSSL_LIB_CTX *ctx, struct span der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509_ALGOR *algorithm = d2i_X509_ALGOR(NULL, &p, (long)der.n);
	const ASN1_OBJECT *oid = NULL;
	char name[80] = "";
	EVP_MD *md;

	if (algorithm)
		X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
	if (oid)
		OBJ_obj2txt(name, sizeof(name), oid, 1);
	md = EVP_MD_fetch(ctx, name, NULL);
	X509_ALGOR_free(algorithm);
	return md;
}

/* The first certificate of the list is the signer's.  *md: how it was digested, caller frees; NULL: in a way we do not know. */
static bool read_first(OSSL_LIB_CTX *ctx, struct span der, const char *usual, EVP_MD **md, struct span *hash)
{
	struct ber all, list, one, algorithm, octets;
	bool told;

	if (!ber_expect(&der, BER_SEQUENCE, &all) || !ber_expect(&all.content, BER_SEQUENCE, &list) ||
	    !ber_expect(&list.content, BER_SEQUENCE, &one))
		return false;
	told = ber_expect(&one.content, BER_SEQUENCE, &algorithm);
	if (!ber_expect(&one.content, BER_OCTETS, &octets))
		return false;
	*hash = octets.content;
	*md = told ? digest_of(ctx, algorithm.whole) : EVP_MD_fetch(ctx, usual, NULL);
	return true;
}

static bool fits(OSSL_LIB_CTX *ctx, struct span der, const char *usual, const X509 *certificate)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	struct span hash;
	EVP_MD *md = NULL;
	bool same = read_first(ctx, der, usual, &md, &hash);

	if (md)
		same = X509_digest(certificate, md, digest, &n) == 1 && span_eq(hash, span_from(digest, n));
	EVP_MD_free(md);
	return same;
}

bool signing_certificate_fits(OSSL_LIB_CTX *ctx, CMS_SignerInfo *info, const X509 *certificate)
{
	static const struct {
		int nid;
		const char *usual;
	} attributes[] = { { NID_id_smime_aa_signingCertificate, "SHA1" }, { NID_id_smime_aa_signingCertificateV2, "SHA256" } };

	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++) {
		ASN1_STRING *value;

		if (CMS_signed_get_attr_by_NID(info, attributes[i].nid, -1) < 0)
			continue;
		value = CMS_signed_get0_data_by_OBJ(info, OBJ_nid2obj(attributes[i].nid), -3, V_ASN1_SEQUENCE);
		if (!value || !fits(ctx, span_from(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)),
				    attributes[i].usual, certificate))
			return false;
	}
	return true;
}
