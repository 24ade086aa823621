/* marks.c - by what a certificate or revocation list is found */
#include "common/marks.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "lib/address.h"

#define FNV_START 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

uint64_t mark_hash_more(uint64_t h, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * FNV_PRIME;
	return h;
}

uint64_t mark_hash(const void *p, size_t n)
{
	return mark_hash_more(FNV_START, p, n);
}

/* ---- single marks ---- */

static void set_hash(struct mark *m, enum mark_kind kind, uint64_t h)
{
	m->bytes[0] = (char)kind;
	memcpy(m->bytes + 1, &h, sizeof(h));
	m->n = 1 + sizeof(h);
}

static void set_address(struct mark *m, struct span address)
{
	struct buf form = BUF_INIT;

	m->n = 0;
	if (address.n == 0 || address.n > ADDRESS_MAX)
		return;
	address_form(address, &form);
	if (form.len < MARK_MAX) {
		m->bytes[0] = MARK_ADDRESS;
		memcpy(m->bytes + 1, form.data, form.len);
		m->n = 1 + form.len;
	}
	buf_release(&form);
}

void mark_address(struct mark *m, const char *address)
{
	set_address(m, span_of(address));
}

void mark_domain(struct mark *m, const char *address)
{
	const char *at = strrchr(address, '@');

	set_address(m, span_of(at ? at : ""));
}

void mark_exact(struct mark *m, struct span der)
{
	set_hash(m, MARK_EXACT, mark_hash(der.p, der.n));
}

void mark_key_id(struct mark *m, struct span id)
{
	set_hash(m, MARK_KEY_ID, mark_hash(id.p, id.n));
}

/* ---- names: equal for X509_NAME_cmp must be equal here ---- */

/* One value as X509_NAME_cmp sees it: lower case, blanks trimmed and collapsed, whatever the string type. */
static uint64_t hash_value(uint64_t h, const ASN1_STRING *value)
{
	unsigned char *text = NULL;
	int n = ASN1_STRING_to_UTF8(&text, value);
	bool blank = false, begun = false;

	if (n < 0) { /* no character string: as it stands */
		ERR_clear_error();
		return mark_hash_more(h, ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
	}
	for (int i = 0; i < n; i++) {
		unsigned char c = (unsigned char)ascii_lower(text[i]);

		if (ascii_space(c) || c == '\v' || c == '\f') {
			blank = begun;
			continue;
		}
		if (blank)
			h = mark_hash_more(h, " ", 1);
		h = mark_hash_more(h, &c, 1);
		blank = false;
		begun = true;
	}
	OPENSSL_free(text);
	return h;
}

/* A sum, because the values of one RDN are a set. */
static uint64_t hash_name(const X509_NAME *name)
{
	uint64_t sum = FNV_START;

	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
		const ASN1_OBJECT *type = X509_NAME_ENTRY_get_object(entry);
		uint64_t h = mark_hash_more(FNV_START, OBJ_get0_data(type), OBJ_length(type));

		sum += hash_value(h, X509_NAME_ENTRY_get_data(entry));
	}
	return sum;
}

void mark_name(struct mark *m, enum mark_kind kind, const X509_NAME *name)
{
	set_hash(m, kind, hash_name(name));
}

void mark_serial(struct mark *m, const X509_NAME *issuer, const ASN1_INTEGER *serial)
{
	uint64_t h = hash_name(issuer);

	set_hash(m, MARK_SERIAL, mark_hash_more(h, ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)));
}

/* ---- all marks of an object ---- */

static void add(struct buf *out, const struct mark *m)
{
	if (m->n == 0)
		return;
	buf_addch(out, (char)(m->n >> 8));
	buf_addch(out, (char)(m->n & 0xff));
	buf_add(out, m->bytes, m->n);
}

bool marks_next(struct span *list, struct span *mark)
{
	size_t n;

	if (list->n < 2)
		return false;
	n = (size_t)(unsigned char)list->p[0] << 8 | (unsigned char)list->p[1];
	if (n > list->n - 2)
		return false;
	*mark = span_from(list->p + 2, n);
	*list = span_sub(*list, 2 + n, list->n);
	return true;
}

/* text: an address as a certificate has it.  What holds control characters (NUL above all) is no address. */
static void add_address(struct buf *out, const ASN1_STRING *text)
{
	struct span s = span_from(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
	struct mark m;

	if (span_find(s, '@') < 0)
		return;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= 0x20 || s.p[i] == 0x7f)
			return;
	set_address(&m, s);
	add(out, &m);
}

/* RFC 9598: id-on-SmtpUTF8Mailbox, 1.3.6.1.5.5.7.8.9 */
static bool is_utf8_mailbox(const OTHERNAME *other)
{
	static const unsigned char oid[] = { 0x2b, 6, 1, 5, 5, 7, 8, 9 };

	return OBJ_length(other->type_id) == sizeof(oid) && memcmp(OBJ_get0_data(other->type_id), oid, sizeof(oid)) == 0 &&
	       other->value->type == V_ASN1_UTF8STRING;
}

static void add_alternative_names(const struct certificate *c, struct buf *out)
{
	GENERAL_NAMES *names = certificate_extension(c, NID_subject_alt_name);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_EMAIL)
			add_address(out, name->d.rfc822Name);
		else if (name->type == GEN_OTHERNAME && is_utf8_mailbox(name->d.otherName))
			add_address(out, name->d.otherName->value->value.utf8string);
	}
	GENERAL_NAMES_free(names);
}

/* Nearly no subject has one any more (RFC 8550 section 3): only one that may is parsed. */
static void add_subject_addresses(struct certificate *c, struct buf *out)
{
	const ASN1_OBJECT *type = OBJ_nid2obj(NID_pkcs9_emailAddress);
	const X509_NAME *subject;
	int at = -1;

	if (!memmem(c->parts.subject.p, c->parts.subject.n, OBJ_get0_data(type), OBJ_length(type)))
		return;
	subject = certificate_subject(c);
	while ((at = X509_NAME_get_index_by_NID(subject, NID_pkcs9_emailAddress, at)) >= 0)
		add_address(out, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

static void add_hashes(struct certificate *c, struct span der, struct buf *out)
{
	struct buf id = BUF_INIT;
	struct mark m;

	mark_exact(&m, der);
	add(out, &m);
	mark_serial(&m, certificate_issuer(c), certificate_serial(c));
	add(out, &m);
	mark_name(&m, MARK_SUBJECT, certificate_subject(c));
	add(out, &m);
	certificate_key_id(c, &id);
	mark_key_id(&m, span_from(buf_str(&id), id.len));
	add(out, &m);
	buf_release(&id);
}

void marks_of_addresses(struct certificate *c, struct buf *out)
{
	add_alternative_names(c, out);
	add_subject_addresses(c, out);
	ERR_clear_error();
}

void marks_of_certificate(struct certificate *c, struct span der, const char *domain, struct buf *out)
{
	struct mark m;

	add_hashes(c, der, out);
	marks_of_addresses(c, out);
	if (domain) {
		mark_domain(&m, domain);
		add(out, &m);
	}
}

void marks_of_crl(const struct crl *crl, struct span der, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)crl->issuer.p;
	X509_NAME *issuer = d2i_X509_NAME(NULL, &p, (long)crl->issuer.n);
	struct mark m;

	mark_exact(&m, der);
	add(out, &m);
	if (issuer) {
		mark_name(&m, MARK_CRL, issuer);
		add(out, &m);
	}
	X509_NAME_free(issuer);
	ERR_clear_error();
}
