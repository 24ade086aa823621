/* area_find.c - certificates and revocation lists of an area, by what they are looked for */
#include <openssl/err.h>

#include "common/area_question.h"

int area_find_address(struct area *a, struct arena *arena, const char *address, struct area_list *out, struct error *err)
{
	struct question q = question_of(a, arena, out, err);

	mark_address(&q.marks[0], address);
	if (*address != '@')
		mark_domain(&q.marks[1], address);
	return question_ask(&q, question_collect_marks);
}

static bool same_name(struct span der, const X509_NAME *name)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509_NAME *other = d2i_X509_NAME(NULL, &p, (long)der.n);
	bool same = other && X509_NAME_cmp(other, name) == 0;

	X509_NAME_free(other);
	return same;
}

static bool same_serial(struct span der, const ASN1_INTEGER *serial)
{
	const unsigned char *p = (const unsigned char *)der.p;
	ASN1_INTEGER *other = d2i_ASN1_INTEGER(NULL, &p, (long)der.n);
	bool same = other && ASN1_INTEGER_cmp(other, serial) == 0;

	ASN1_INTEGER_free(other);
	return same;
}

static bool fits_serial(const struct question *q, const struct area_entry *e)
{
	struct certificate_parts parts;

	return certificate_parts(e->der, &parts) && same_name(parts.issuer, q->wanted[0]) &&
	       same_serial(parts.serial, q->wanted[1]);
}

int area_find_serial(struct area *a, struct arena *arena, const X509_NAME *issuer, const ASN1_INTEGER *serial,
		     struct area_list *out, struct error *err)
{
	struct question q = question_of(a, arena, out, err);

	mark_serial(&q.marks[0], issuer, serial);
	q.wanted[0] = issuer;
	q.wanted[1] = serial;
	q.fits = fits_serial;
	return question_ask(&q, question_collect_marks);
}

static bool fits_key_id(const struct question *q, const struct area_entry *e)
{
	const struct span *wanted = q->wanted[0];
	struct certificate *certificate = certificate_parse(e->der);
	struct buf id = BUF_INIT;
	bool fits = false;

	if (certificate) {
		certificate_key_id(certificate, &id);
		fits = span_eq(span_from(buf_str(&id), id.len), *wanted);
	}
	buf_release(&id);
	certificate_free(certificate);
	return fits;
}

int area_find_key_id(struct area *a, struct arena *arena, struct span key_id, struct area_list *out, struct error *err)
{
	struct question q = question_of(a, arena, out, err);

	mark_key_id(&q.marks[0], key_id);
	q.wanted[0] = &key_id;
	q.fits = fits_key_id;
	return question_ask(&q, question_collect_marks);
}

static bool fits_subject(const struct question *q, const struct area_entry *e)
{
	struct certificate_parts parts;

	return certificate_parts(e->der, &parts) && same_name(parts.subject, q->wanted[0]);
}

int area_find_subject(struct area *a, struct arena *arena, const X509_NAME *subject, struct area_list *out, struct error *err)
{
	struct question q = question_of(a, arena, out, err);

	mark_name(&q.marks[0], MARK_SUBJECT, subject);
	q.wanted[0] = subject;
	q.fits = fits_subject;
	return question_ask(&q, question_collect_marks);
}

static bool fits_exact(const struct question *q, const struct area_entry *e)
{
	return span_eq(*(const struct span *)q->wanted[0], e->der);
}

int area_find_exact(struct area *a, struct arena *arena, struct span der, struct area_list *out, struct error *err)
{
	struct question q = question_of(a, arena, out, err);

	mark_exact(&q.marks[0], der);
	q.wanted[0] = &der;
	q.fits = fits_exact;
	q.keep_copies = true;
	return question_ask(&q, question_collect_marks);
}

/* Entries with the mark number i. */
static int collect_mark(struct question *q, int i)
{
	struct record_key k;
	int rc;

	key_mark_prefix(&k, span_from(q->marks[i].bytes, q->marks[i].n));
	rc = index_each(q->area->index, key_span(&k), question_collect, q, q->err);
	return rc < 0 ? rc : 0;
}

/* Those that have the key identifier, which are few, and the name; if there are none, all with the name. */
static int collect_issuers(struct question *q)
{
	struct record_key k;
	struct span nothing;
	size_t kept = 0;
	int rc = q->marks[1].n ? collect_mark(q, 1) : 0;

	for (size_t i = 0; rc == 0 && i < q->ncandidates; i++) {
		key_mark(&k, span_from(q->marks[0].bytes, q->marks[0].n), q->candidates[i].id);
		if (index_get(q->area->index, key_span(&k), &nothing) == 0)
			q->candidates[kept++] = q->candidates[i];
	}
	q->ncandidates = kept;
	return rc < 0 || kept ? rc : collect_mark(q, 0);
}

int area_find_issuers(struct area *a, struct arena *arena, const X509_NAME *subject, struct span key_id,
		      struct area_list *out, struct error *err)
{
	struct question q = question_of(a, arena, out, err);

	mark_name(&q.marks[0], MARK_SUBJECT, subject);
	if (key_id.n)
		mark_key_id(&q.marks[1], key_id);
	q.wanted[0] = subject;
	q.fits = fits_subject;
	return question_ask(&q, collect_issuers);
}

int area_find_crls(struct area *a, struct arena *arena, const X509_NAME *issuer, struct area_crls *out, struct error *err)
{
	struct area_list none;
	struct question q = question_of(a, arena, &none, err);

	*out = (struct area_crls){ NULL, 0 };
	mark_name(&q.marks[0], MARK_CRL, issuer);
	q.wanted[0] = issuer;
	q.crls = out;
	q.max = AREA_CRLS_MAX;
	return question_ask(&q, question_collect_marks);
}

/* The candidates behind the first q->skip. */
static int collect_some(struct question *q)
{
	int rc = index_each(q->area->index, span_from("C", 1), question_collect_range, q, q->err);

	return rc < 0 ? rc : 0;
}

int area_find_some(struct area *a, struct arena *arena, size_t from, size_t most, struct area_list *out, struct error *err)
{
	struct question q = question_of(a, arena, out, err);

	q.from = from;
	q.max = most;
	q.keep_copies = true;
	return question_ask(&q, collect_some);
}

int area_search_crl(struct area *a, const struct area_crl *in, const X509_NAME *issuer, const ASN1_INTEGER *serial,
		    struct crl_entry *out, struct error *err)
{
	struct record_key k;
	struct span form;
	struct crl list;
	int rc = index_begin(a->index, false, err);

	if (rc < 0)
		return rc;
	key_list(&k, in->id);
	if (index_get(a->index, key_span(&k), &form) < 0 || !crl_view(form, &list) ||
	    memcmp(list.head.hash, in->list.head.hash, CRL_HASH_SIZE) != 0)
		rc = error_set(err, E_TEMP, "%s: replaced while it was looked at", in->file);
	else if ((rc = crl_find(&list, issuer, serial, out)) < 0)
		rc = index_damaged(a->index, "a revocation list is damaged", err);
	index_abort(a->index);
	return rc;
}
