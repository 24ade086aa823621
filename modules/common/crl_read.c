/* crl_read.c - a revocation list from its DER into the compact form (crl.h) */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <string.h>

#include "common/certificate.h"
#include "common/crl_inside.h"
#include "common/marks.h"
#include "lib/mem.h"
#include "lib/openssl.h"

enum {
	TAG_BOOLEAN = 0x01,
	TAG_INTEGER = 0x02,
	TAG_BIT_STRING = 0x03,
	TAG_OCTET_STRING = 0x04,
	TAG_OID = 0x06,
	TAG_ENUMERATED = 0x0a,
	TAG_UTC_TIME = 0x17,
	TAG_GENERALIZED_TIME = 0x18,
	TAG_SEQUENCE = 0x30,
	TAG_EXTENSIONS = 0xa0,
	TAG_DIRECTORY_NAME = 0xa4,
};

#define ISSUERS_MAX 65536
#define TBS_KEPT_MAX ((size_t)1 << 20)

/* Everything known of the list while it is read. */
struct reader {
	struct crl_head head;
	struct span tbs, issuer, algorithm, signature, extensions, revoked;
	struct buf issuers;           /* DER Names of certificate issuers; number 0 is the list's own and not in it */
	struct issuer_slot {
		uint64_t hash;
		uint32_t at, n, number;
	} *slots;                     /* an open hash; number 0: free */
	size_t nslots;
	uint32_t nissuers, issuer_now;
	struct error *err;
};

static int broken(struct reader *r, const char *what)
{
	return error_set(r->err, E_PERM, "revocation list: %s", what);
}

/* ---- times ---- */

static bool two_digits(const char **p, int *out)
{
	if (!ascii_digit((*p)[0]) || !ascii_digit((*p)[1]))
		return false;
	*out = ((*p)[0] - '0') * 10 + ((*p)[1] - '0');
	*p += 2;
	return true;
}

/* Days since 1970-01-01 in the Gregorian calendar. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400, in_era = y - era * 400;
	int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

/* Takes a Time as RFC 5280 sections 5.1.2.4 and 4.1.2.5 have it: to the second, in UTC. */
static bool take_time(struct span *rest, int64_t *out)
{
	struct span s;
	const char *p;
	int part[5], century = 0, year;

	*out = 0;
	if (der_take(rest, TAG_GENERALIZED_TIME, NULL, &s)) {
		p = s.p;
		if (s.n != 15 || !two_digits(&p, &century) || !two_digits(&p, &year))
			return false;
		year += century * 100;
	} else {
		if (!der_take(rest, TAG_UTC_TIME, NULL, &s) || s.n != 13)
			return false;
		p = s.p;
		if (!two_digits(&p, &year))
			return false;
		year += year < 50 ? 2000 : 1900;
	}
	for (int i = 0; i < 5; i++)
		if (!two_digits(&p, &part[i]))
			return false;
	if (*p != 'Z' || part[0] < 1 || part[0] > 12 || part[1] < 1 || part[1] > 31 || part[2] > 23 || part[3] > 59 ||
	    part[4] > 60)
		return false;
	*out = days_of(year, part[0], part[1]) * 86400 + part[2] * 3600 + part[3] * 60 + part[4];
	return true;
}

static bool is_time(struct span rest)
{
	return rest.n && ((unsigned char)rest.p[0] == TAG_UTC_TIME || (unsigned char)rest.p[0] == TAG_GENERALIZED_TIME);
}

/* ---- entries ---- */

struct entry {
	struct span serial; /* two's complement, as DER has it */
	int64_t date;
	int reason;
};

static void reserve_slots(struct reader *r)
{
	struct issuer_slot *old = r->slots;
	size_t n = r->nslots;

	if (r->nissuers * 2 < n)
		return;
	r->nslots = n ? n * 2 : 16;
	r->slots = mem_array(r->nslots, sizeof(*r->slots));
	for (size_t i = 0; i < n; i++) {
		size_t at = old[i].hash % r->nslots;

		if (!old[i].number)
			continue;
		while (r->slots[at].number)
			at = (at + 1) % r->nslots;
		r->slots[at] = old[i];
	}
	free(old);
}

/* The number of this certificate issuer, from 1 up; 0: too many. */
static uint32_t number_of(struct reader *r, struct span name)
{
	uint64_t hash = mark_hash(name.p, name.n);
	size_t at;

	reserve_slots(r);
	for (at = hash % r->nslots; r->slots[at].number; at = (at + 1) % r->nslots) {
		const struct issuer_slot *s = &r->slots[at];

		if (s->hash == hash && span_eq(span_from(r->issuers.data + s->at, s->n), name))
			return s->number;
	}
	if (r->nissuers >= ISSUERS_MAX || r->issuers.len + name.n > UINT32_MAX)
		return 0;
	r->slots[at] = (struct issuer_slot){ hash, (uint32_t)r->issuers.len, (uint32_t)name.n, ++r->nissuers };
	buf_add(&r->issuers, name.p, name.n);
	return r->nissuers;
}

/* CertificateIssuer: from here on, until another one (RFC 5280 section 5.3.3).  One that is no directoryName is nobody's. */
static bool take_issuer(struct reader *r, struct span value)
{
	struct span names, name, one;

	if (!der_take(&value, TAG_SEQUENCE, NULL, &names))
		return false;
	while (names.n) {
		size_t n = der_element(names);

		if (n == 0)
			return false;
		if (der_take(&names, TAG_DIRECTORY_NAME, NULL, &name)) {
			if (!der_take(&name, TAG_SEQUENCE, &one, NULL))
				return false;
			r->issuer_now = number_of(r, one);
			return r->issuer_now != 0;
		}
		names = span_sub(names, n, names.n);
	}
	return false;
}

static bool take_extension(struct reader *r, struct span extension, struct entry *e)
{
	struct span oid, critical = { NULL, 0 }, value, reason;
	bool is_critical;

	if (!der_take(&extension, TAG_OID, NULL, &oid))
		return false;
	der_take(&extension, TAG_BOOLEAN, NULL, &critical);
	is_critical = critical.n && critical.p[0];
	if (!der_take(&extension, TAG_OCTET_STRING, NULL, &value) || extension.n)
		return false;
	if (oid.n == 3 && oid.p[0] == 0x55 && oid.p[1] == 0x1d) { /* 2.5.29.x */
		switch (oid.p[2]) {
		case 21: /* reasonCode */
			if (!der_take(&value, TAG_ENUMERATED, NULL, &reason) || reason.n != 1)
				return false;
			e->reason = (unsigned char)reason.p[0];
			return true;
		case 29: /* certificateIssuer */
			return take_issuer(r, value);
		case 23: /* holdInstructionCode */
		case 24: /* invalidityDate */
			return true;
		}
	}
	if (is_critical)
		r->head.flags |= CRL_CRITICAL_ENTRY;
	return true;
}

static bool take_entry(struct reader *r, struct span *rest, struct entry *e)
{
	struct span entry, extensions, one;

	*e = (struct entry){ .reason = -1 };
	if (!der_take(rest, TAG_SEQUENCE, NULL, &entry) || !der_take(&entry, TAG_INTEGER, NULL, &e->serial) ||
	    e->serial.n == 0 || !is_time(entry))
		return false;
	if (!take_time(&entry, &e->date)) { /* what is revoked is revoked, whenever that was */
		size_t n = der_element(entry);

		if (n == 0)
			return false;
		entry = span_sub(entry, n, entry.n);
	}
	if (entry.n == 0)
		return true;
	if (!der_take(&entry, TAG_SEQUENCE, NULL, &extensions) || entry.n)
		return false;
	while (extensions.n)
		if (!der_take(&extensions, TAG_SEQUENCE, NULL, &one) || !take_extension(r, one, e))
			return false;
	return true;
}

/* Without what DER would leave out. */
static struct span shortest(struct span serial)
{
	while (serial.n > 1 && ((serial.p[0] == 0 && !(serial.p[1] & 0x80)) ||
				((unsigned char)serial.p[0] == 0xff && serial.p[1] & 0x80)))
		serial = span_sub(serial, 1, serial.n);
	return serial;
}

/* How many entries and how long the serial numbers.  No certificate with a longer one is ever asked about. */
static int measure(struct reader *r)
{
	struct span rest = r->revoked, entry, serial;

	while (rest.n) {
		if (!der_take(&rest, TAG_SEQUENCE, NULL, &entry) || !der_take(&entry, TAG_INTEGER, NULL, &serial))
			return broken(r, "an entry cannot be read");
		serial = shortest(serial);
		if (serial.n > CRL_WIDTH_MAX)
			continue;
		r->head.entries++;
		if (serial.n > r->head.width)
			r->head.width = (uint32_t)serial.n;
	}
	return 0;
}

static void put_record(char *at, uint32_t width, const struct entry *e, uint32_t issuer)
{
	uint32_t date = e->date <= 0 ? 0 : e->date > UINT32_MAX ? UINT32_MAX : (uint32_t)e->date;

	crl_widen(e->serial, width, at);
	at += width;
	memcpy(at, &date, sizeof(date));
	memcpy(at + 4, &issuer, sizeof(issuer));
	at[8] = (char)(e->reason < 0 ? -1 : e->reason > 100 ? 100 : e->reason);
}

static int by_record(const void *a, const void *b, void *size)
{
	return memcmp(a, b, *(const size_t *)size);
}

static int put_entries(struct reader *r, struct buf *out)
{
	size_t size = crl_record_size(&r->head), all = size * (size_t)r->head.entries, n = 0;
	struct span rest = r->revoked;
	bool sorted = true;
	char *to;

	buf_reserve(out, all + 1);
	to = out->data + out->len;
	while (rest.n) {
		struct entry e;

		if (!take_entry(r, &rest, &e))
			return broken(r, "an entry cannot be read");
		e.serial = shortest(e.serial);
		if (e.serial.n > CRL_WIDTH_MAX)
			continue;
		put_record(to + n * size, r->head.width, &e, r->issuer_now);
		sorted = sorted && (n == 0 || memcmp(to + (n - 1) * size, to + n * size, r->head.width) <= 0);
		n++;
	}
	if (!sorted)
		qsort_r(to, n, size, by_record, &size);
	out->len += all;
	return 0;
}

static void put_checksums(const struct reader *r, struct buf *out, size_t entries_at)
{
	size_t block = crl_record_size(&r->head) * CRL_BLOCK, end = out->len;

	for (size_t at = entries_at; at < end; at += block) {
		uint64_t sum = mark_hash(out->data + at, end - at < block ? end - at : block);

		buf_add(out, &sum, sizeof(sum));
	}
}

/* ---- the list ---- */

static int read_tbs(struct reader *r)
{
	struct span whole = r->tbs, rest, inside, version, explicit;

	if (!der_take(&whole, TAG_SEQUENCE, NULL, &rest))
		return broken(r, "it is none");
	if (!der_take(&rest, TAG_INTEGER, NULL, &version))
		r->head.flags |= CRL_VERSION_1;
	else if (version.n != 1 || version.p[0] != 1)
		return broken(r, "unknown version");
	if (!der_take(&rest, TAG_SEQUENCE, &inside, NULL) || !der_take(&rest, TAG_SEQUENCE, &r->issuer, NULL))
		return broken(r, "it is none");
	if (!span_eq(inside, r->algorithm))
		r->head.flags |= CRL_TWO_ALGORITHMS;
	if (!take_time(&rest, &r->head.this_update) || (is_time(rest) && !take_time(&rest, &r->head.next_update)))
		return broken(r, "its times cannot be read");
	der_take(&rest, TAG_SEQUENCE, NULL, &r->revoked);
	if (rest.n && (!der_take(&rest, TAG_EXTENSIONS, NULL, &explicit) ||
		       !der_take(&explicit, TAG_SEQUENCE, &r->extensions, NULL) || explicit.n || rest.n))
		return broken(r, "its extensions cannot be read");
	return 0;
}

static int read_list(struct reader *r, struct span der)
{
	struct span list;

	if (!der_take(&der, TAG_SEQUENCE, NULL, &list) || der.n || !der_take(&list, TAG_SEQUENCE, &r->tbs, NULL) ||
	    !der_take(&list, TAG_SEQUENCE, &r->algorithm, NULL) || !der_take(&list, TAG_BIT_STRING, NULL, &r->signature) ||
	    list.n || r->signature.n == 0 || r->signature.p[0])
		return broken(r, "it is none");
	r->signature = span_sub(r->signature, 1, r->signature.n);
	return read_tbs(r);
}

/* The hash that the signature is about; where the algorithm takes the text itself, the text is kept. */
static int hash_tbs(struct reader *r, struct span der, struct span *kept)
{
	const EVP_MD *md = crl_signature_hash(r->algorithm);
	unsigned n = 0;

	if (!EVP_Digest(der.p, der.n, r->head.hash, NULL, EVP_sha256(), NULL))
		return error_set(r->err, E_TEMP, "revocation list: it cannot be hashed");
	if (md && EVP_MD_get_size(md) <= CRL_TBS_HASH_MAX && EVP_Digest(r->tbs.p, r->tbs.n, r->head.tbs_hash, &n, md, NULL))
		r->head.tbs_hash_size = n;
	else if (r->tbs.n <= TBS_KEPT_MAX)
		*kept = r->tbs;
	ERR_clear_error();
	return 0;
}

static int put_form(struct reader *r, struct span der, struct buf *out)
{
	struct span kept = { NULL, 0 };
	struct buf entries = BUF_INIT;
	size_t start = out->len, entries_at;
	int rc = measure(r);

	if (rc == 0)
		rc = put_entries(r, &entries);
	if (rc == 0)
		rc = hash_tbs(r, der, &kept);
	if (rc == 0 && (r->issuer.n > UINT16_MAX || r->algorithm.n > UINT16_MAX || r->signature.n > UINT16_MAX ||
			r->extensions.n > (1u << 20)))
		rc = error_set(r->err, E_LIMIT, "revocation list: more than can be kept");
	if (rc == 0) {
		r->head.issuer = (uint32_t)r->issuer.n;
		r->head.algorithm = (uint32_t)r->algorithm.n;
		r->head.signature = (uint32_t)r->signature.n;
		r->head.extensions = (uint32_t)r->extensions.n;
		r->head.issuers = (uint32_t)r->issuers.len;
		r->head.tbs = (uint32_t)kept.n;
		memcpy(r->head.magic, CRL_MAGIC, sizeof(r->head.magic));
		entries_at = sizeof(r->head) + r->issuer.n + r->algorithm.n + r->signature.n + r->extensions.n +
			     r->issuers.len + kept.n;
		r->head.entries_at = entries_at;
		buf_add(out, &r->head, sizeof(r->head));
		buf_add(out, r->issuer.p, r->issuer.n);
		buf_add(out, r->algorithm.p, r->algorithm.n);
		buf_add(out, r->signature.p, r->signature.n);
		buf_add(out, r->extensions.p, r->extensions.n);
		buf_add(out, r->issuers.data, r->issuers.len);
		buf_add(out, kept.p, kept.n);
		r->head.head_checksum = mark_hash(out->data + start, entries_at);
		memcpy(out->data + start, &r->head, sizeof(r->head));
		buf_add(out, entries.data, entries.len);
		put_checksums(r, out, start + entries_at);
	}
	buf_release(&entries);
	return rc;
}

int crl_digest(struct span der, struct buf *out, struct error *err)
{
	struct reader r = { .err = err };
	int rc = read_list(&r, der);

	if (rc == 0)
		rc = put_form(&r, der, out);
	buf_release(&r.issuers);
	free(r.slots);
	return rc;
}
