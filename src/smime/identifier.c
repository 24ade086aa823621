/* identifier.c - how CMS names certificates and algorithms, as plain bytes and words (RFC 5652 10.2.4) */
#include <openssl/objects.h>

#include "smime/ber.h"
#include "smime/layer.h"

static struct span serial_bytes(struct arena *a, const ASN1_INTEGER *serial)
{
	unsigned char *der = NULL;
	int n = i2d_ASN1_INTEGER(serial, &der);
	struct span rest = span_from(der, n > 0 ? (size_t)n : 0);
	struct ber e;
	struct span out = { 0 };

	if (ber_expect(&rest, BER_INTEGER, &e))
		out = span_from(arena_memdup(a, e.content.p, e.content.n), e.content.n);
	OPENSSL_free(der);
	return out;
}

static struct span name_bytes(struct arena *a, const X509_NAME *name)
{
	unsigned char *der = NULL;
	int n = i2d_X509_NAME(name, &der);
	struct span out = { 0 };

	if (n > 0)
		out = span_from(arena_memdup(a, der, (size_t)n), (size_t)n);
	OPENSSL_free(der);
	return out;
}

void identifier_make(struct arena *a, const X509_NAME *issuer, const ASN1_INTEGER *serial,
		     const ASN1_OCTET_STRING *key_id, struct certificate_id *out)
{
	*out = (struct certificate_id){ 0 };
	if (issuer && serial) {
		out->issuer = name_bytes(a, issuer);
		out->serial = serial_bytes(a, serial);
	}
	if (key_id) {
		size_t n = (size_t)ASN1_STRING_length(key_id);

		out->key_id = span_from(arena_memdup(a, ASN1_STRING_get0_data(key_id), n), n);
	}
}

const char *algorithm_name(struct arena *a, const ASN1_OBJECT *oid)
{
	int nid = oid ? OBJ_obj2nid(oid) : NID_undef;
	char text[128] = "?";
	char *name;

	if (oid)
		OBJ_obj2txt(text, sizeof(text), oid, 1);
	name = arena_strdup(a, nid == NID_undef ? text : OBJ_nid2ln(nid));
	for (char *c = name; *c; c++)
		*c = (char)ascii_lower((unsigned char)*c);
	return name;
}
