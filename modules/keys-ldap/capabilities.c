/* capabilities.c - what partners say in a directory to be able to read
 *
 * A SignedData without content; the SMIMECapabilities are in the signed attributes.  They are believed where the certificate's
 * own key has signed them: who only can write into the directory could else talk us into a weak cipher.
 */
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "keys-ldap/values.h"
#include "lib/base64.h"
#include "lib/openssl.h"

#define CAPABILITIES_MAX 8192

static const ASN1_STRING *signed_by(CMS_SignerInfo *si, X509 *certificate)
{
	if (CMS_SignerInfo_cert_cmp(si, certificate) != 0)
		return NULL;
	CMS_SignerInfo_set1_signer_cert(si, certificate);
	if (CMS_SignerInfo_verify(si) != 1)
		return NULL;
	return CMS_signed_get0_data_by_OBJ(si, OBJ_nid2obj(NID_SMIMECapabilities), -3, V_ASN1_SEQUENCE);
}

static const char *encode(struct arena *arena, const ASN1_STRING *der)
{
	struct buf text = BUF_INIT;
	const char *out = NULL;
	int n = der ? ASN1_STRING_length(der) : 0;

	if (n > 0 && n <= CAPABILITIES_MAX) {
		base64_encode(&text, ASN1_STRING_get0_data(der), (size_t)n, 0, "");
		out = arena_strdup(arena, buf_str(&text));
	}
	buf_release(&text);
	return out;
}

const char *value_capabilities(struct arena *arena, struct span signed_data, struct span certificate)
{
	const unsigned char *p = (const unsigned char *)signed_data.p, *c = (const unsigned char *)certificate.p;
	CMS_ContentInfo *cms = NULL;
	STACK_OF(CMS_SignerInfo) *signers;
	X509 *x = NULL;
	const char *out = NULL;

	openssl_complete(NULL); /* who signed it chose the algorithms */
	cms = d2i_CMS_ContentInfo(NULL, &p, (long)signed_data.n);
	if (cms && OBJ_obj2nid(CMS_get0_type(cms)) == NID_pkcs7_signed)
		x = d2i_X509(NULL, &c, (long)certificate.n);
	signers = x ? CMS_get0_SignerInfos(cms) : NULL;
	for (int i = 0; i < sk_CMS_SignerInfo_num(signers) && i < 4 && !out; i++)
		out = encode(arena, signed_by(sk_CMS_SignerInfo_value(signers, i), x));
	X509_free(x);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return out;
}
