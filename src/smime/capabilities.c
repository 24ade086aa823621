/* capabilities.c - SMIMECapabilities, read and written (RFC 8551 2.5.2, RFC 3560 5, RFC 5753 7.1) */
#include "smime/capabilities.h"

#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <string.h>

#include "smime/ber.h"

#define CAPABILITIES_MAX 200

const struct content_cipher content_ciphers[CONTENT_CIPHERS] = {
	{ "aes-256-gcm", NID_aes_256_gcm, true },
	{ "aes-128-gcm", NID_aes_128_gcm, true },
	{ "aes-256-cbc", NID_aes_256_cbc, false },
	{ "aes-128-cbc", NID_aes_128_cbc, false },
};

static const struct {
	const char *name;
	int nid;
} oaep_digests[] = {
	{ "sha1", NID_sha1 },     { "sha224", NID_sha224 }, { "sha256", NID_sha256 },
	{ "sha384", NID_sha384 }, { "sha512", NID_sha512 },
};

/* Compares with the registered encoding; nothing is looked up by what came from outside. */
static bool is_oid(struct span content, int nid)
{
	const ASN1_OBJECT *known = OBJ_nid2obj(nid);

	return known && content.n == OBJ_length(known) && memcmp(content.p, OBJ_get0_data(known), content.n) == 0;
}

/* The digest of an AlgorithmIdentifier { OID, NULL OPTIONAL }; NULL if we do not know it. */
static const char *read_digest(struct span algorithm)
{
	struct ber oid, parameters;
	int rc;

	if (!ber_expect(&algorithm, BER_OID, &oid))
		return NULL;
	rc = ber_next(&algorithm, &parameters);
	if (rc < 0 || (rc == 1 && (parameters.tag != 0x05 || parameters.content.n)) || algorithm.n)
		return NULL;
	for (size_t i = 0; i < sizeof(oaep_digests) / sizeof(*oaep_digests); i++)
		if (is_oid(oid.content, oaep_digests[i].nid))
			return oaep_digests[i].name;
	return NULL;
}

/* RSAES-OAEP-params with one digest for label and mask and an empty label, else NULL (RFC 4055 4.1). */
static const char *read_oaep(struct span rest)
{
	const char *digest = "sha1", *mask = "sha1";
	struct ber parameters, field, algorithm, oid;

	if (!rest.n)
		return digest; /* seen in the field: no parameters, meaning the defaults */
	if (!ber_expect(&rest, BER_SEQUENCE, &parameters) || rest.n)
		return NULL;
	rest = parameters.content;
	if (ber_expect(&rest, BER_CONTEXT_CONSTRUCTED + 0, &field)) {
		if (!ber_expect(&field.content, BER_SEQUENCE, &algorithm) || field.content.n)
			return NULL;
		digest = read_digest(algorithm.content);
	}
	if (ber_expect(&rest, BER_CONTEXT_CONSTRUCTED + 1, &field)) {
		if (!ber_expect(&field.content, BER_SEQUENCE, &algorithm) || field.content.n ||
		    !ber_expect(&algorithm.content, BER_OID, &oid) || !is_oid(oid.content, NID_mgf1) ||
		    !ber_expect(&algorithm.content, BER_SEQUENCE, &field) || algorithm.content.n)
			return NULL;
		mask = read_digest(field.content);
	}
	if (rest.n || !digest || !mask || strcmp(digest, mask) != 0)
		return NULL;
	return digest;
}

static bool read_one(struct span capability, struct capabilities *out)
{
	struct ber oid;

	if (!ber_expect(&capability, BER_OID, &oid))
		return false;
	for (unsigned i = 0; i < CONTENT_CIPHERS; i++)
		if (is_oid(oid.content, content_ciphers[i].nid))
			out->ciphers |= 1u << i;
	if (!out->oaep_digest && is_oid(oid.content, NID_rsaesOaep))
		out->oaep_digest = read_oaep(capability);
	return true;
}

void capabilities_read(struct span der, struct capabilities *out)
{
	struct ber list, capability;
	size_t n = 0;
	int rc;

	*out = (struct capabilities){ 0 };
	if (!ber_expect(&der, BER_SEQUENCE, &list) || der.n)
		return;
	while ((rc = ber_next(&list.content, &capability)) == 1)
		if (capability.tag != BER_SEQUENCE || ++n > CAPABILITIES_MAX || !read_one(capability.content, out)) {
			rc = E_PERM;
			break;
		}
	if (rc < 0)
		*out = (struct capabilities){ 0 };
}

/* ---- ours ---- */

static bool add(STACK_OF(X509_ALGOR) *list, int nid, int type, void *parameters)
{
	X509_ALGOR *a = X509_ALGOR_new();

	if (a && X509_ALGOR_set0(a, OBJ_nid2obj(nid), type, parameters) && sk_X509_ALGOR_push(list, a))
		return true;
	X509_ALGOR_free(a);
	return false;
}

/* From bytes we know to be right: RFC 3560 section 5 has them for RSAES-OAEP. */
static bool add_packed(STACK_OF(X509_ALGOR) *list, int nid, const unsigned char *parameters, int n)
{
	ASN1_STRING *s = ASN1_STRING_new();

	if (s && ASN1_STRING_set(s, parameters, n) && add(list, nid, V_ASN1_SEQUENCE, s))
		return true;
	ASN1_STRING_free(s);
	return false;
}

/* { [0] { sha256, NULL }, [1] { mgf1, { sha256, NULL } } } */
static const unsigned char oaep_sha256[] = {
	0x30, 0x2b, 0xa0, 0x0d, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
	0xa1, 0x1a, 0x30, 0x18, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08,
	0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
};
/* KeyWrapAlgorithm, RFC 5753 7.1 */
static const unsigned char wrap_aes256[] = { 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2d };
static const unsigned char wrap_aes128[] = { 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x05 };

static bool add_ciphers(STACK_OF(X509_ALGOR) *list, const char *first)
{
	bool ok = true;

	for (unsigned i = 0; i < CONTENT_CIPHERS; i++)
		if (strcmp(content_ciphers[i].name, first) == 0)
			ok = add(list, content_ciphers[i].nid, V_ASN1_UNDEF, NULL);
	/* Behind the profile's own those that every reader knows: a partner may take them in this order. */
	for (unsigned n = 0; ok && n < CONTENT_CIPHERS; n++) {
		unsigned i = (n + 2) % CONTENT_CIPHERS;

		if (strcmp(content_ciphers[i].name, first) != 0)
			ok = add(list, content_ciphers[i].nid, V_ASN1_UNDEF, NULL);
	}
	return ok;
}

STACK_OF(X509_ALGOR) *capabilities_ours(const struct profile *profile, bool rsa)
{
	STACK_OF(X509_ALGOR) *list = sk_X509_ALGOR_new_null();
	bool ok = list && add_ciphers(list, profile->cipher);

	if (ok && rsa)
		ok = add_packed(list, NID_rsaesOaep, oaep_sha256, sizeof(oaep_sha256));
	else if (ok)
		ok = add_packed(list, NID_dhSinglePass_stdDH_sha256kdf_scheme, wrap_aes256, sizeof(wrap_aes256)) &&
		     add_packed(list, NID_dhSinglePass_stdDH_sha256kdf_scheme, wrap_aes128, sizeof(wrap_aes128));
	if (ok)
		return list;
	sk_X509_ALGOR_pop_free(list, X509_ALGOR_free);
	return NULL;
}
