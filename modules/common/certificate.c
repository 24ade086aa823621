/* certificate.c - a certificate read as far as finding it needs */
#include "common/certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "lib/mem.h"

enum {
	TAG_BOOLEAN = 0x01,
	TAG_INTEGER = 0x02,
	TAG_BIT_STRING = 0x03,
	TAG_OCTET_STRING = 0x04,
	TAG_OBJECT = 0x06,
	TAG_SEQUENCE = 0x30,
	TAG_VERSION = 0xa0,
	TAG_ISSUER_ID = 0x81,
	TAG_SUBJECT_ID = 0x82,
	TAG_EXTENSIONS = 0xa3,
};

/* ---- DER ---- */

bool der_header(struct span s, size_t *header, size_t *content)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t more, n = 0;

	if (s.n < 2 || (p[0] & 0x1f) == 0x1f)
		return false;
	more = p[1] & 0x80 ? p[1] & 0x7fu : 0;
	if (p[1] == 0x80 || more > 4 || s.n < 2 + more)
		return false;
	for (size_t i = 0; i < more; i++)
		n = n << 8 | p[2 + i];
	*header = 2 + more;
	*content = more ? n : p[1];
	return true;
}

size_t der_element(struct span s)
{
	size_t header, content;

	if (!der_header(s, &header, &content) || content > s.n - header)
		return 0;
	return header + content;
}

bool der_take(struct span *rest, unsigned char tag, struct span *whole, struct span *content)
{
	size_t header, inside;

	if (rest->n == 0 || (unsigned char)rest->p[0] != tag || !der_header(*rest, &header, &inside) || inside > rest->n - header)
		return false;
	if (whole)
		*whole = span_from(rest->p, header + inside);
	if (content)
		*content = span_from(rest->p + header, inside);
	*rest = span_from(rest->p + header + inside, rest->n - header - inside);
	return true;
}

#define DEPTH_MAX 32 /* levels; a certificate has ten */

static bool length_is_shortest(size_t header, size_t content)
{
	return header == 2 ? content < 0x80 : content >= 0x80 && content >> 8 * (header - 3);
}

/* X.690 section 11.1 */
static bool is_boolean(struct span content)
{
	return content.n == 1 && (content.p[0] == 0 || (unsigned char)content.p[0] == 0xff);
}

static bool are_strict(struct span rest, unsigned depth)
{
	while (rest.n) {
		size_t header, content, n = der_element(rest);

		if (!n || !der_header(rest, &header, &content) || !length_is_shortest(header, content))
			return false;
		if (rest.p[0] == TAG_BOOLEAN && !is_boolean(span_sub(rest, header, n)))
			return false;
		if (rest.p[0] & 0x20 && (depth == DEPTH_MAX || !are_strict(span_sub(rest, header, n), depth + 1)))
			return false;
		rest = span_sub(rest, n, rest.n);
	}
	return true;
}

bool der_is_strict(struct span s)
{
	return s.n && der_element(s) == s.n && are_strict(s, 0);
}

static bool take_extensions(struct span *rest, struct span *out)
{
	struct span explicit;

	*out = span_from(NULL, 0);
	if (rest->n == 0)
		return true;
	return der_take(rest, TAG_EXTENSIONS, NULL, &explicit) && der_take(&explicit, TAG_SEQUENCE, out, NULL) && explicit.n == 0;
}

static bool read_tbs(struct span rest, struct certificate_parts *out)
{
	der_take(&rest, TAG_VERSION, NULL, NULL); /* version 1 has none */
	if (!der_take(&rest, TAG_INTEGER, &out->serial, NULL) ||
	    !der_take(&rest, TAG_SEQUENCE, NULL, NULL) || /* signature */
	    !der_take(&rest, TAG_SEQUENCE, &out->issuer, NULL) ||
	    !der_take(&rest, TAG_SEQUENCE, NULL, &out->validity) ||
	    !der_take(&rest, TAG_SEQUENCE, &out->subject, NULL) ||
	    !der_take(&rest, TAG_SEQUENCE, NULL, &out->public_key))
		return false;
	der_take(&rest, TAG_ISSUER_ID, NULL, NULL);
	der_take(&rest, TAG_SUBJECT_ID, NULL, NULL);
	return take_extensions(&rest, &out->extensions) && rest.n == 0;
}

bool certificate_parts(struct span der, struct certificate_parts *out)
{
	struct span certificate, tbs;

	return der_take(&der, TAG_SEQUENCE, NULL, &certificate) && der.n == 0 &&
	       der_take(&certificate, TAG_SEQUENCE, NULL, &tbs) && read_tbs(tbs, out) &&
	       der_take(&certificate, TAG_SEQUENCE, NULL, NULL) && der_take(&certificate, TAG_BIT_STRING, NULL, NULL) &&
	       certificate.n == 0;
}

/* ---- extensions (RFC 5280 section 4.1) ---- */

static bool take_extension(struct span *list, struct span *type, struct span *value)
{
	struct span one;

	if (!der_take(list, TAG_SEQUENCE, NULL, &one) || !der_take(&one, TAG_OBJECT, NULL, type))
		return false;
	der_take(&one, TAG_BOOLEAN, NULL, NULL); /* critical */
	return der_take(&one, TAG_OCTET_STRING, NULL, value) && one.n == 0;
}

static struct span extension_list(struct span extensions)
{
	struct span list = extensions;

	der_take(&extensions, TAG_SEQUENCE, NULL, &list);
	return list;
}

/* What cannot be walked could not be found either, and its restrictions would not be seen. */
static bool can_be_walked(struct span extensions)
{
	struct span list = extension_list(extensions), type, value;

	while (list.n)
		if (!take_extension(&list, &type, &value))
			return false;
	return true;
}

/* false: it is not there, or more than once. */
static bool find_extension(struct span extensions, struct span wanted, struct span *out)
{
	struct span list = extension_list(extensions), type, value;
	size_t n = 0;

	while (take_extension(&list, &type, &value))
		if (span_eq(type, wanted) && n++ == 0)
			*out = value;
	return n == 1;
}

/* ---- parsing ---- */

static bool read_time(struct span *rest, int64_t *out)
{
	const unsigned char *p = (const unsigned char *)rest->p;
	size_t n = der_element(*rest);
	ASN1_TIME *t = n ? d2i_ASN1_TIME(NULL, &p, (long)n) : NULL;
	struct tm tm;
	bool good = t && ASN1_TIME_to_tm(t, &tm);

	*out = good ? (int64_t)timegm(&tm) : 0;
	ASN1_TIME_free(t);
	*rest = span_sub(*rest, n, rest->n);
	return good;
}

struct certificate *certificate_parse(struct span der)
{
	struct certificate *c = mem_alloc(sizeof(*c));
	struct span validity;

	if (certificate_parts(der, &c->parts)) {
		validity = c->parts.validity;
		if (can_be_walked(c->parts.extensions) && read_time(&validity, &c->not_before) && read_time(&validity, &c->not_after) &&
		    certificate_is_readable(der))
			return c;
	}
	ERR_clear_error();
	certificate_free(c);
	return NULL;
}

void certificate_free(struct certificate *c)
{
	if (!c)
		return;
	X509_NAME_free(c->issuer);
	X509_NAME_free(c->subject);
	ASN1_INTEGER_free(c->serial);
	free(c);
}

static const X509_NAME *name_of(X509_NAME **name, struct span der)
{
	const unsigned char *p = (const unsigned char *)der.p;

	return *name ? *name : d2i_X509_NAME(name, &p, (long)der.n);
}

const X509_NAME *certificate_issuer(struct certificate *c)
{
	return name_of(&c->issuer, c->parts.issuer);
}

const X509_NAME *certificate_subject(struct certificate *c)
{
	return name_of(&c->subject, c->parts.subject);
}

const ASN1_INTEGER *certificate_serial(struct certificate *c)
{
	const unsigned char *p = (const unsigned char *)c->parts.serial.p;

	return c->serial ? c->serial : d2i_ASN1_INTEGER(&c->serial, &p, (long)c->parts.serial.n);
}

void *certificate_extension(const struct certificate *c, int nid)
{
	const X509V3_EXT_METHOD *method = X509V3_EXT_get_nid(nid);
	const ASN1_OBJECT *type = OBJ_nid2obj(nid);
	const unsigned char *p;
	struct span value;

	if (!method || !find_extension(c->parts.extensions, span_from(OBJ_get0_data(type), OBJ_length(type)), &value))
		return NULL;
	p = (const unsigned char *)value.p;
	return ASN1_item_d2i(NULL, &p, (long)value.n, ASN1_ITEM_ptr(method->it));
}

enum { DIGITAL_SIGNATURE = 0, NON_REPUDIATION = 1, KEY_ENCIPHERMENT = 2, KEY_AGREEMENT = 4 }; /* RFC 5280 4.2.1.3 */

static bool has_usage(const struct certificate *c, int one, int other)
{
	ASN1_BIT_STRING *usage = certificate_extension(c, NID_key_usage);
	bool has = !usage || ASN1_BIT_STRING_get_bit(usage, one) || ASN1_BIT_STRING_get_bit(usage, other);

	ASN1_BIT_STRING_free(usage);
	return has;
}

bool certificate_may_sign(const struct certificate *c)
{
	return has_usage(c, DIGITAL_SIGNATURE, NON_REPUDIATION);
}

bool certificate_may_encrypt(const struct certificate *c)
{
	return has_usage(c, KEY_ENCIPHERMENT, KEY_AGREEMENT);
}

bool certificate_is_ca(const struct certificate *c)
{
	BASIC_CONSTRAINTS *b = certificate_extension(c, NID_basic_constraints);
	bool ca = b && b->ca;

	BASIC_CONSTRAINTS_free(b);
	return ca;
}

/* The bits of the public key, without its algorithm. */
static struct span key_bits(const struct certificate *c)
{
	struct span rest = c->parts.public_key, bits;

	if (!der_take(&rest, TAG_SEQUENCE, NULL, NULL) || !der_take(&rest, TAG_BIT_STRING, NULL, &bits) || bits.n == 0)
		return span_from(NULL, 0);
	return span_sub(bits, 1, bits.n); /* without the number of unused bits */
}

void certificate_key_id(const struct certificate *c, struct buf *out)
{
	ASN1_OCTET_STRING *id = certificate_extension(c, NID_subject_key_identifier);
	struct span bits = key_bits(c);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (id)
		buf_add(out, ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id));
	else if (EVP_Digest(bits.p, bits.n, digest, &n, EVP_sha1(), NULL))
		buf_add(out, digest, n);
	ASN1_OCTET_STRING_free(id);
	ERR_clear_error();
}
