/* certfile.c - the certificates and revocation lists in one file, whatever its format */
#include "common/certfile.h"

#include <openssl/cms.h>
#include <openssl/err.h>

#include "common/pkcs12.h"
#include "lib/base64.h"

#define ASN1_SEQUENCE 0x30
#define ASN1_INTEGER_TAG 0x02
#define ASN1_OID_TAG 0x06

/* Where a DER object came from. */
struct origin {
	enum certfile_form form;
	size_t offset, length;
};

struct reader {
	struct certfile *out;
	const char *passphrase;
	struct error *err; /* the first complaint; code 0: none */
};

/* ---- DER ---- */

/* The tag of the first element inside the outer SEQUENCE tells the formats apart; -1 if there is none.  BER's
 * indefinite length is allowed here: old PKCS#7 and PKCS#12 files have it. */
static int inner_tag(struct span s)
{
	size_t header, content;

	if (s.n < 3 || (unsigned char)s.p[0] != ASN1_SEQUENCE)
		return -1;
	if ((unsigned char)s.p[1] == 0x80)
		return (unsigned char)s.p[2];
	if (!der_header(s, &header, &content) || s.n <= header)
		return -1;
	return (unsigned char)s.p[header];
}

/* ---- what was found ---- */

static int complain(struct reader *r, int code, const char *text)
{
	ERR_clear_error();
	if (r->err->code == 0 && r->out->n)
		error_set(r->err, code, "after object %zu: %s", r->out->n, text);
	else if (r->err->code == 0)
		error_set(r->err, code, "%s", text);
	return code;
}

static struct certfile_object *add_object(struct reader *r, enum certfile_type type, const struct origin *o)
{
	struct certfile *f = r->out;
	struct certfile_object *object;

	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 4;
		f->items = mem_resize(f->items, f->cap * sizeof(*f->items));
	}
	object = &f->items[f->n++];
	*object = (struct certfile_object){ .type = type, .form = o->form, .offset = o->offset, .length = o->length };
	return object;
}

/* With an issuer that can be read, so that it can be found. */
static bool is_crl(struct span der, struct buf *form)
{
	const unsigned char *p;
	struct crl list;
	X509_NAME *issuer;

	if (crl_digest(der, form, NULL) < 0 || !crl_view(span_from(form->data, form->len), &list))
		return false;
	p = (const unsigned char *)list.issuer.p;
	issuer = d2i_X509_NAME(NULL, &p, (long)list.issuer.n);
	X509_NAME_free(issuer);
	return issuer != NULL;
}

/* One certificate or list; der is exactly one element. */
static int add_signed_object(struct reader *r, struct span bytes, const struct origin *o)
{
	struct span der = span_from(arena_memdup(&r->out->arena, bytes.p, bytes.n), bytes.n);
	struct certificate *certificate;
	struct buf crl = BUF_INIT;
	struct certfile_object *object;

	if (r->out->n >= CERTFILE_OBJECTS_MAX)
		return complain(r, E_LIMIT, "too many objects in one file");
	certificate = certificate_parse(der);
	if (!certificate && !is_crl(der, &crl)) {
		buf_release(&crl);
		return complain(r, E_PERM, "neither a certificate nor a revocation list");
	}
	ERR_clear_error();
	object = add_object(r, certificate ? CERTFILE_CERTIFICATE : CERTFILE_CRL, o);
	object->certificate = certificate;
	object->crl = crl;
	object->der = der;
	return 0;
}

/* ---- containers ---- */

/* der: from i2d_..., n its result; freed here. */
static int add_inner(struct reader *r, unsigned char *der, int n)
{
	static const struct origin inner = { CERTFILE_INNER, 0, 0 };
	int rc;

	if (n <= 0)
		return complain(r, E_PERM, "cannot be written as DER");
	rc = add_signed_object(r, span_from(der, (size_t)n), &inner);
	OPENSSL_free(der);
	return rc;
}

static int add_certificate(void *ctx, X509 *certificate)
{
	unsigned char *der = NULL;
	int n = i2d_X509(certificate, &der);

	return add_inner(ctx, der, n);
}

static int add_crl(struct reader *r, X509_CRL *crl)
{
	unsigned char *der = NULL;
	int n = i2d_X509_CRL(crl, &der);

	return add_inner(r, der, n);
}

static int read_cms(struct reader *r, struct span der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.n);
	STACK_OF(X509) *certificates;
	STACK_OF(X509_CRL) *crls;
	int rc = 0;

	if (!cms)
		return complain(r, E_PERM, "broken PKCS#7 or CMS structure");
	certificates = CMS_get1_certs(cms);
	crls = CMS_get1_crls(cms);
	for (int i = 0; i < sk_X509_num(certificates) && rc == 0; i++)
		rc = add_certificate(r, sk_X509_value(certificates, i));
	for (int i = 0; i < sk_X509_CRL_num(crls) && rc == 0; i++)
		rc = add_crl(r, sk_X509_CRL_value(crls, i));
	if (rc == 0 && sk_X509_num(certificates) <= 0 && sk_X509_CRL_num(crls) <= 0)
		rc = complain(r, E_PERM, "PKCS#7 or CMS structure without certificates");
	ERR_clear_error();
	sk_X509_pop_free(certificates, X509_free);
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	CMS_ContentInfo_free(cms);
	return rc;
}

static int count_key(void *ctx)
{
	struct reader *r = ctx;

	r->out->keys++;
	return 0;
}

static int read_pkcs12(struct reader *r, struct span der)
{
	const struct pkcs12_visitor visitor = { add_certificate, NULL, count_key, r };
	struct error why = { 0 };
	int rc = pkcs12_visit(der, r->passphrase, &visitor, &why);

	if (rc == E_CONFIG)
		r->out->locked = true;
	return rc < 0 ? complain(r, rc, why.text) : 0;
}

/* ---- DER ---- */

/* The whole of s, one element or several; o tells how to fetch s again, its elements at their offsets. */
static int read_der(struct reader *r, struct span s, const struct origin *o)
{
	size_t at = 0;
	int rc = 0;

	switch (inner_tag(s)) {
	case ASN1_OID_TAG:
		return read_cms(r, s);
	case ASN1_INTEGER_TAG:
		return read_pkcs12(r, s);
	case ASN1_SEQUENCE:
		break;
	default:
		return complain(r, E_PERM, "no certificate, revocation list, PKCS#7 or PKCS#12");
	}
	while (at < s.n && rc != E_LIMIT) {
		struct span rest = span_sub(s, at, s.n);
		size_t n = der_element(rest);
		struct origin here = { o->form, o->offset + at, n };

		if (n == 0)
			return complain(r, E_PERM, "cut off or not DER");
		if (o->form == CERTFILE_BASE64)
			here = at == 0 ? *o : (struct origin){ CERTFILE_INNER, 0, 0 };
		rc = add_signed_object(r, span_sub(rest, 0, n), &here);
		at += n;
	}
	return rc;
}

/* ---- PEM ---- */

#define BEGIN "-----BEGIN "
#define DASHES "-----"

/* The first place at or behind from where what stands at the start of a line; NULL if none. */
static const char *find_line(struct span text, size_t from, const char *what)
{
	const char *end = text.p + text.n, *p = text.p + from;
	size_t n = strlen(what);

	while (p < end && (p = memmem(p, (size_t)(end - p), what, n))) {
		if (p == text.p || p[-1] == '\n' || p[-1] == '\r' || (unsigned char)p[-1] == 0xbf)
			return p;
		p++;
	}
	return NULL;
}

int pem_next(struct span text, size_t *at, struct pem_block *out, struct error *err)
{
	const char *begin = find_line(text, *at, BEGIN), *label, *dashes, *end;
	char line[100];

	*out = (struct pem_block){ { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
	if (!begin)
		return E_NOTFOUND;
	label = begin + strlen(BEGIN);
	dashes = memmem(label, (size_t)(text.p + text.n - label), DASHES, strlen(DASHES));
	if (!dashes || dashes - label > 60)
		return error_set(err, E_PERM, "PEM block without a whole first line");
	snprintf(line, sizeof(line), "-----END %.*s-----", (int)(dashes - label), label);
	end = find_line(text, (size_t)(dashes - text.p), line);
	if (!end)
		return error_set(err, E_PERM, "PEM block %.*s has no end", (int)(dashes - label), label);
	out->label = span_from(label, (size_t)(dashes - label));
	out->body = span_from(dashes + strlen(DASHES), (size_t)(end - dashes) - strlen(DASHES));
	out->whole = span_from(begin, (size_t)(end - begin) + strlen(line));
	*at = (size_t)(end - text.p) + strlen(line);
	return 0;
}

int pem_decode(const struct pem_block *b, struct buf *out)
{
	struct span body = b->body;
	const char *blank;

	if (memchr(body.p, ':', body.n)) { /* RFC 1421 headers end at an empty line */
		blank = memmem(body.p, body.n, "\n\n", 2);
		if (!blank)
			blank = memmem(body.p, body.n, "\n\r\n", 3);
		if (!blank)
			return E_PERM;
		body = span_sub(body, (size_t)(blank - body.p), body.n);
	}
	return base64_decode(out, body, true);
}

struct span pem_or_der(struct span bytes, struct buf *room)
{
	struct pem_block b;
	size_t at = 0;

	buf_clear(room);
	if (pem_next(bytes, &at, &b, NULL) == 0 && pem_decode(&b, room) == 0)
		bytes = span_from(buf_str(room), room->len);
	return bytes;
}

int certfile_decode(enum certfile_form form, struct span bytes, struct buf *der)
{
	size_t start = der->len, n;

	if (form == CERTFILE_RAW)
		buf_add(der, bytes.p, bytes.n);
	else if (form != CERTFILE_BASE64 || base64_decode(der, bytes, true) < 0)
		return E_PERM;
	n = der_element(span_from(der->data + start, der->len - start));
	if (n == 0)
		return E_PERM;
	der->len = start + n;
	return 0;
}

/* PEM labels.  What is not here (parameters, public keys) is passed over. */
static const struct {
	const char *label;
	enum { PEM_SIGNED, PEM_DER, PEM_KEY } kind;
} pem_labels[] = {
	{ "CERTIFICATE", PEM_DER },         { "X509 CERTIFICATE", PEM_SIGNED }, { "TRUSTED CERTIFICATE", PEM_SIGNED },
	{ "X509 CRL", PEM_SIGNED },         { "PKCS7", PEM_DER },               { "PKCS #7 SIGNED DATA", PEM_DER },
	{ "CMS", PEM_DER },                 { "PKCS12", PEM_DER },              { "PRIVATE KEY", PEM_KEY },
	{ "ENCRYPTED PRIVATE KEY", PEM_KEY }, { "RSA PRIVATE KEY", PEM_KEY },   { "EC PRIVATE KEY", PEM_KEY },
	{ "DSA PRIVATE KEY", PEM_KEY },
};

static void read_block(struct reader *r, struct span file, const struct pem_block *b, int kind)
{
	struct origin o = { CERTFILE_BASE64, (size_t)(b->body.p - file.p), b->body.n };
	struct buf der = BUF_INIT;
	struct span s;

	if (pem_decode(b, &der) < 0) {
		complain(r, E_PERM, "PEM block is not base64");
	} else {
		s = span_from(buf_str(&der), der.len);
		if (kind == PEM_SIGNED) /* something else may stand behind the certificate */
			s.n = der_element(s);
		if (memchr(b->body.p, ':', b->body.n))
			o.form = CERTFILE_INNER;
		read_der(r, s, &o);
	}
	buf_wipe(&der);
}

static void read_pem(struct reader *r, struct span file)
{
	struct error why = { 0 };
	struct pem_block b;
	size_t at = 0;
	int rc;

	while ((rc = pem_next(file, &at, &b, &why)) == 0 && r->out->n < CERTFILE_OBJECTS_MAX)
		for (size_t i = 0; i < sizeof(pem_labels) / sizeof(*pem_labels); i++) {
			if (!span_eqstr(b.label, pem_labels[i].label))
				continue;
			if (pem_labels[i].kind == PEM_KEY)
				r->out->keys++;
			else
				read_block(r, file, &b, pem_labels[i].kind);
		}
	if (rc == E_PERM)
		complain(r, E_PERM, why.text);
	else if (rc == 0)
		complain(r, E_LIMIT, "too many objects in one file");
}

static void read_bare_base64(struct reader *r, struct span file)
{
	const struct origin o = { CERTFILE_BASE64, 0, file.n };
	struct buf der = BUF_INIT;

	if (base64_decode(&der, file, true) == 0 && der.len > 0)
		read_der(r, span_from(der.data, der.len), &o);
	else
		complain(r, E_PERM, "no certificate, revocation list, PKCS#7 or PKCS#12");
	buf_wipe(&der);
}

int certfile_read(struct span bytes, const char *passphrase, struct certfile *out, struct error *err)
{
	const struct origin whole = { CERTFILE_RAW, 0, bytes.n };
	struct error why = { 0 };
	struct reader r = { out, passphrase, &why };

	*out = (struct certfile){ NULL, 0, 0, 0, false, ARENA_INIT };
	if (bytes.n == 0)
		return error_set(err, E_PERM, "the file is empty");
	if (find_line(bytes, 0, BEGIN))
		read_pem(&r, bytes);
	else if ((unsigned char)bytes.p[0] == ASN1_SEQUENCE && inner_tag(bytes) >= 0)
		read_der(&r, bytes, &whole);
	else
		read_bare_base64(&r, bytes);
	if (why.code == 0 && out->n == 0 && out->keys == 0)
		error_set(&why, E_PERM, "no certificate in it");
	if (why.code)
		return error_set(err, why.code, "%s", why.text);
	return 0;
}

void certfile_release(struct certfile *f)
{
	for (size_t i = 0; i < f->n; i++) {
		certificate_free(f->items[i].certificate);
		buf_release(&f->items[i].crl);
	}
	free(f->items);
	arena_release(&f->arena);
	*f = (struct certfile){ NULL, 0, 0, 0, false, ARENA_INIT };
}
