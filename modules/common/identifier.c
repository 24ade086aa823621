/* identifier.c - certificates by issuer and serial number or by key identifier (RFC 5652 section 10.2.4, 6.2.1) */
#include "common/identifier.h"

#include <openssl/bn.h>
#include <openssl/err.h>

#include "common/certificate.h"
#include "lib/base64.h"

#define IDENTIFIER_MAX 4096 /* bytes of a serial number or key identifier */

static int hex_digit(int c)
{
	c = ascii_lower(c);
	return ascii_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int decode_hex(const char *name, const char *hex, struct buf *out, struct error *err)
{
	size_t n = strlen(hex);

	if (n % 2 || n > 2 * IDENTIFIER_MAX)
		return error_set(err, E_PERM, "%s: not an even number of hexadecimal digits", name);
	for (size_t i = 0; i < n; i += 2) {
		int high = hex_digit((unsigned char)hex[i]), low = hex_digit((unsigned char)hex[i + 1]);

		if (high < 0 || low < 0)
			return error_set(err, E_PERM, "%s: not hexadecimal", name);
		buf_addch(out, (char)(high << 4 | low));
	}
	return 0;
}

/* hex: the content bytes of the INTEGER, two's complement. */
static int read_serial(const char *hex, ASN1_INTEGER **out, struct error *err)
{
	struct buf bytes = BUF_INIT, der = BUF_INIT;
	const unsigned char *p;
	int rc = decode_hex("serial", hex, &bytes, err);

	if (rc == 0 && (bytes.len == 0 || bytes.len > 0xffff))
		rc = error_set(err, E_PERM, "serial: no number");
	if (rc == 0) {
		const unsigned char header[4] = { 0x02, 0x82, (unsigned char)(bytes.len >> 8), (unsigned char)bytes.len };

		buf_add(&der, header, sizeof(header));
		buf_add(&der, bytes.data, bytes.len);
		p = (const unsigned char *)der.data;
		*out = d2i_ASN1_INTEGER(NULL, &p, (long)der.len);
		if (!*out)
			rc = error_set(err, E_PERM, "serial: no number");
	}
	buf_release(&bytes);
	buf_release(&der);
	return rc;
}

static int read_issuer(const char *base64, X509_NAME **out, struct error *err)
{
	struct buf der = BUF_INIT;
	const unsigned char *p;
	int rc = base64_decode(&der, span_of(base64), true);

	p = (const unsigned char *)buf_str(&der);
	if (rc == 0)
		*out = d2i_X509_NAME(NULL, &p, (long)der.len);
	buf_release(&der);
	return *out ? 0 : error_set(err, E_PERM, "issuer: not a name in base64");
}

int identifier_read(struct arena *arena, const struct xml *e, struct identifier **out, struct error *err)
{
	const char *issuer = xml_attr_or(e, "issuer", ""), *serial = xml_attr_or(e, "serial", "");
	const char *key_id = xml_attr_or(e, "key-id", "");
	struct identifier *id = arena_alloc(arena, sizeof(*id));
	int rc = 0;

	*out = NULL;
	if (*issuer && *serial) {
		rc = read_issuer(issuer, &id->issuer, err);
		if (rc == 0)
			rc = read_serial(serial, &id->serial, err);
	}
	if (rc == 0 && *key_id)
		rc = decode_hex("key-id", key_id, &id->key_id, err);
	if (rc == 0 && !id->serial && !id->key_id.len)
		rc = error_set(err, E_PERM, "<%s> has neither issuer and serial nor key-id", xml_name(e));
	ERR_clear_error();
	if (rc == 0)
		*out = id;
	else
		identifier_release(id);
	return rc;
}

void identifier_release(struct identifier *id)
{
	if (!id)
		return;
	X509_NAME_free(id->issuer);
	ASN1_INTEGER_free(id->serial);
	buf_release(&id->key_id);
}

static bool same_key_id(const struct identifier *id, const struct certificate *c)
{
	struct buf own = BUF_INIT;
	bool same;

	certificate_key_id(c, &own);
	same = own.len && span_eq(span_from(own.data, own.len), span_from(buf_str(&id->key_id), id->key_id.len));
	buf_release(&own);
	return same;
}

bool identifier_matches(const struct identifier *id, struct span der)
{
	struct certificate *c = certificate_parse(der);
	bool matches = false;

	if (c && id->serial)
		matches = ASN1_INTEGER_cmp(certificate_serial(c), id->serial) == 0 && X509_NAME_cmp(certificate_issuer(c), id->issuer) == 0;
	else if (c)
		matches = same_key_id(id, c);
	certificate_free(c);
	ERR_clear_error();
	return matches;
}
