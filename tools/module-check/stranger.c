/* stranger.c - a certificate of nobody, and how messages name certificates (RFC 5652 section 10.2.4) */
#include "module-check/stranger.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

static bool fill(X509 *x, EVP_PKEY *key)
{
	X509_NAME *name = X509_get_subject_name(x);
	unsigned char serial[8];

	return RAND_bytes(serial, sizeof(serial)) == 1 && X509_set_version(x, X509_VERSION_3) &&
	       ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), ((uint64_t)serial[0] << 24 | serial[1] << 16 | serial[2] << 8 | serial[3]) + 1) &&
	       X509_gmtime_adj(X509_getm_notBefore(x), -3600) && X509_gmtime_adj(X509_getm_notAfter(x), 3600) &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"Stranger", -1, -1, 0) &&
	       X509_NAME_add_entry_by_txt(name, "emailAddress", MBSTRING_ASC, (const unsigned char *)"stranger@check.invalid", -1, -1, 0) &&
	       X509_set_issuer_name(x, name) && X509_set_pubkey(x, key) && X509_sign(x, key, EVP_sha256());
}

X509 *stranger(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();

	if (!key || !x || !fill(x, key)) {
		X509_free(x);
		x = NULL;
	}
	EVP_PKEY_free(key);
	return x;
}

struct certificate_id identifier_of(struct arena *arena, X509 *x)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
	size_t digits = (size_t)ASN1_STRING_length(serial);
	const unsigned char *value = ASN1_STRING_get0_data(serial);
	unsigned char *name = NULL, *content = arena_alloc(arena, digits + 1);
	struct certificate_id id = { 0 };
	int n = i2d_X509_NAME(X509_get_issuer_name(x), &name);
	bool zero = digits && value[0] >= 0x80; /* the content of an INTEGER has a sign bit */

	if (n > 0)
		id.issuer = span_from(arena_memdup(arena, name, (size_t)n), (size_t)n);
	for (size_t i = 0; i < digits; i++)
		content[zero + i] = value[i];
	id.serial = span_from(content, digits + zero);
	OPENSSL_free(name);
	return id;
}
