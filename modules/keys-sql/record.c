/* record.c - a certificate as rows: what it is found by, in the form the columns have */
#include <openssl/err.h>
#include <time.h>

#include "common/certificate.h"
#include "common/marks.h"
#include "keys-sql/keys_sql.h"
#include "lib/address.h"
#include "lib/digest.h"

/* Longer serial numbers and key identifiers, which only strangers make, stand as a hash: an index has no room for them. */
#define HEX_MAX 64

static const char *hex_of(struct arena *arena, const void *p, size_t n)
{
	const unsigned char *bytes = p;
	char *out = arena_alloc(arena, 2 * HEX_MAX + sizeof("sha256-"));
	struct digest d;

	if (n > HEX_MAX) {
		digest_init(&d);
		digest_add(&d, p, n);
		memcpy(out, "sha256-", 7);
		digest_hex(&d, out + 7);
		return out;
	}
	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	return out;
}

/* A hash narrows the search; who asks compares the names themselves. */
static const char *name_of(struct arena *arena, const X509_NAME *name)
{
	struct mark m;

	mark_name(&m, MARK_SUBJECT, name);
	return hex_of(arena, m.bytes + 1, m.n - 1);
}

static const char *issuer_serial_of(struct arena *arena, const X509_NAME *issuer, const ASN1_INTEGER *serial)
{
	return arena_printf(arena, "%s:%s", name_of(arena, issuer),
			    hex_of(arena, ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)));
}

/* content: of the SubjectPublicKeyInfo; its header belongs to what others hash, too. */
static const char *public_key_of(struct arena *arena, struct span content)
{
	unsigned char header[6] = { 0x30 };
	size_t n = 1, bytes = content.n > 0xffff ? 3 : content.n > 0xff ? 2 : 1;
	char *out = arena_alloc(arena, DIGEST_HEX + 1);
	struct digest d;

	if (content.n > 0x7f)
		header[n++] = (unsigned char)(0x80 | bytes);
	while (bytes--)
		header[n++] = (unsigned char)(content.n >> 8 * bytes);
	digest_init(&d);
	digest_add(&d, header, n);
	digest_add(&d, content.p, content.n);
	digest_hex(&d, out);
	return out;
}

void record_time(int64_t when, char out[RECORD_TIME])
{
	time_t t = when;
	struct tm tm;

	snprintf(out, RECORD_TIME, "0000-01-01T00:00:00Z");
	if (!gmtime_r(&t, &tm) || tm.tm_year < -1900 || tm.tm_year >= 8100)
		return;
	snprintf(out, 5, "%04u", (unsigned)(tm.tm_year + 1900) % 10000u);
	strftime(out + 4, RECORD_TIME - 4, "-%m-%dT%H:%M:%SZ", &tm);
}

char *record_address(struct arena *arena, const char *address)
{
	struct buf form = BUF_INIT;
	char *out;

	address_form(span_of(address), &form);
	out = arena_strdup(arena, buf_str(&form));
	buf_release(&form);
	return out;
}

/* A database holds text: what is not UTF-8 is nobody's address. */
static void read_addresses(struct arena *arena, struct certificate *c, const char *domain, struct record *out)
{
	struct buf marks = BUF_INIT;
	struct span list, mark;
	size_t most = domain != NULL;

	marks_of_addresses(c, &marks);
	for (list = span_from(buf_str(&marks), marks.len); marks_next(&list, &mark); )
		most++;
	out->addresses = arena_array(arena, most + 1, sizeof(*out->addresses));
	out->naddresses = 0;
	for (list = span_from(buf_str(&marks), marks.len); marks_next(&list, &mark); )
		if (mark.n > 1 && mark.p[0] == MARK_ADDRESS && utf8_valid(mark))
			out->addresses[out->naddresses++] = arena_strndup(arena, mark.p + 1, mark.n - 1);
	if (domain)
		out->addresses[out->naddresses++] = record_address(arena, domain);
	buf_release(&marks);
}

int record_read(struct arena *arena, struct span der, const char *domain, struct record *out, struct error *err)
{
	struct certificate *c = certificate_parse(der);
	struct buf id = BUF_INIT;
	struct digest d;

	*out = (struct record){ .der = der };
	if (!c)
		return error_set(err, E_PERM, "not a certificate in DER");
	digest_init(&d);
	digest_add(&d, der.p, der.n);
	digest_hex(&d, out->sha256);
	certificate_key_id(c, &id);
	out->key_id = hex_of(arena, buf_str(&id), id.len);
	out->issuer_serial = issuer_serial_of(arena, certificate_issuer(c), certificate_serial(c));
	out->subject = name_of(arena, certificate_subject(c));
	out->public_key = public_key_of(arena, c->parts.public_key);
	record_time(c->not_before, out->not_before);
	record_time(c->not_after, out->not_after);
	read_addresses(arena, c, domain, out);
	buf_release(&id);
	certificate_free(c);
	ERR_clear_error();
	return 0;
}

const char *record_of_identifier(struct arena *arena, const struct identifier *id)
{
	if (id->serial)
		return issuer_serial_of(arena, id->issuer, id->serial);
	return hex_of(arena, buf_str(&id->key_id), id->key_id.len);
}

const char *record_of_name(struct arena *arena, struct span name)
{
	const unsigned char *p = (const unsigned char *)name.p;
	X509_NAME *parsed = d2i_X509_NAME(NULL, &p, (long)name.n);
	const char *out = parsed ? name_of(arena, parsed) : NULL;

	X509_NAME_free(parsed);
	ERR_clear_error();
	return out;
}

int record_add(struct database *db, const struct record *r, const char *area, const char *source, struct error *err)
{
	char now[RECORD_TIME];
	int rc;

	record_time(time(NULL), now);
	rc = database_run(db, ADD_CERTIFICATE, (const struct value[]){
		value_text(r->sha256), value_bytes(r->der), value_text(r->issuer_serial), value_text(r->key_id), value_text(r->subject),
		value_text(r->public_key), value_text(r->not_before), value_text(r->not_after), value_text(now) }, err);
	for (size_t i = 0; i < r->naddresses && rc == 0; i++)
		rc = database_run(db, ADD_ADDRESS, (const struct value[]){ value_text(r->addresses[i]), value_text(r->sha256) }, err);
	if (rc == 0)
		rc = database_run(db, ADD_PLACE, (const struct value[]){ value_text(r->sha256), value_text(area), value_text(source),
				  value_text(now) }, err);
	return rc;
}
