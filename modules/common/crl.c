/* crl.c - asking the compact form of a revocation list */
#include "common/crl.h"

#include <openssl/err.h>
#include <string.h>

#include "common/certificate.h"
#include "common/crl_inside.h"
#include "common/marks.h"

static bool head_is_whole(struct span form, const struct crl_head *h)
{
	static const char zero[sizeof(h->head_checksum)];
	size_t hole = offsetof(struct crl_head, head_checksum);
	uint64_t sum;

	if (memcmp(h->magic, CRL_MAGIC, sizeof(h->magic)) != 0 || h->entries_at > form.n || h->width > CRL_WIDTH_MAX ||
	    (uint64_t)sizeof(*h) + h->issuer + h->algorithm + h->signature + h->extensions + h->issuers + h->tbs != h->entries_at ||
	    h->tbs_hash_size > CRL_TBS_HASH_MAX)
		return false;
	sum = mark_hash(form.p, hole);
	sum = mark_hash_more(sum, zero, sizeof(zero));
	sum = mark_hash_more(sum, form.p + hole + sizeof(zero), (size_t)h->entries_at - hole - sizeof(zero));
	return sum == h->head_checksum;
}

static struct span take(struct span *rest, size_t n)
{
	struct span s = span_sub(*rest, 0, n);

	*rest = span_sub(*rest, n, rest->n);
	return s;
}

bool crl_view(struct span form, struct crl *out)
{
	struct span rest;

	*out = (struct crl){ .form = form };
	if (form.n < sizeof(out->head))
		return false;
	memcpy(&out->head, form.p, sizeof(out->head));
	if (!head_is_whole(form, &out->head))
		return false;
	rest = span_sub(form, sizeof(out->head), (size_t)out->head.entries_at);
	out->issuer = take(&rest, out->head.issuer);
	out->algorithm = take(&rest, out->head.algorithm);
	out->signature = take(&rest, out->head.signature);
	out->extensions = take(&rest, out->head.extensions);
	out->issuers = take(&rest, out->head.issuers);
	out->tbs = take(&rest, out->head.tbs);
	return true;
}

static bool same_name(struct span der, const X509_NAME *name)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509_NAME *other = d2i_X509_NAME(NULL, &p, (long)der.n);
	bool same = other && X509_NAME_cmp(other, name) == 0;

	if (!other)
		ERR_clear_error();
	X509_NAME_free(other);
	return same;
}

bool crl_issuer_is(const struct crl *c, const X509_NAME *name)
{
	return same_name(c->issuer, name);
}

/* The name of certificate issuer 1, 2, ... of an indirect list. */
static bool issuer_is(const struct crl *c, uint32_t number, const X509_NAME *name)
{
	struct span rest = c->issuers;

	if (number == 0)
		return same_name(c->issuer, name);
	for (; number > 1 && rest.n; number--) {
		size_t n = der_element(rest);

		rest = span_sub(rest, n ? n : rest.n, rest.n);
	}
	return rest.n && same_name(span_sub(rest, 0, der_element(rest)), name);
}

/* ---- the table ---- */

struct table {
	const struct crl *c;
	const char *records, *sums;
	size_t size, n;
};

static bool open_table(const struct crl *c, struct table *t)
{
	uint64_t n = c->head.entries, blocks = (n + CRL_BLOCK - 1) / CRL_BLOCK;
	size_t size = crl_record_size(&c->head);

	if (n > SIZE_MAX / 64 || c->head.entries_at + n * size + blocks * sizeof(uint64_t) != c->form.n)
		return false;
	*t = (struct table){ c, c->form.p + c->head.entries_at, c->form.p + c->head.entries_at + n * size, size, (size_t)n };
	return true;
}

static const char *record(const struct table *t, size_t i)
{
	return t->records + i * t->size;
}

/* The block that holds this entry is as it was written. */
static bool block_is_whole(const struct table *t, size_t i)
{
	size_t block = i / CRL_BLOCK, from = block * CRL_BLOCK, to = from + CRL_BLOCK < t->n ? from + CRL_BLOCK : t->n;
	uint64_t sum;

	memcpy(&sum, t->sums + block * sizeof(sum), sizeof(sum));
	return mark_hash(record(t, from), (to - from) * t->size) == sum;
}

/* Four octets behind those that the first and the last entry have in common. */
static uint32_t leading(const char *serial, size_t common, size_t width)
{
	uint32_t n = 0;

	for (size_t i = common; i < common + sizeof(n); i++)
		n = n << 8 | (i < width ? (unsigned char)serial[i] : 0);
	return n;
}

/* Where the serial number stands if the numbers are spread evenly, as those made at random are: halving would touch a page that no
 * other question has touched with each of its first steps. */
static size_t guess(const struct table *t, const char *serial)
{
	size_t width = t->c->head.width, common = 0;
	const char *first = record(t, 0), *last = record(t, t->n - 1);
	uint32_t low, high, wanted;
	int order;

	while (common < width && first[common] == last[common])
		common++;
	order = memcmp(serial, first, common);
	low = leading(first, common, width);
	high = leading(last, common, width);
	wanted = leading(serial, common, width);
	if (order < 0 || (order == 0 && wanted <= low))
		return 0;
	if (order > 0 || wanted >= high)
		return t->n;
	return (size_t)((uint64_t)(wanted - low) * t->n / (high - low));
}

static bool is_below(const struct table *t, size_t i, const char *serial)
{
	return memcmp(record(t, i), serial, t->c->head.width) < 0;
}

#define REACH 512 /* entries; among a million made at random a guess is wrong by fewer than a thousand */

/* The first entry that is not below the serial number: around the guess, as far as it takes, and there by halving.  A damaged entry
 * that sends the search astray ends beside the place where it stops: both neighbours are looked at. */
static bool find_first(const struct table *t, const char *serial, size_t *out)
{
	size_t at = t->n ? guess(t, serial) : 0, reach = REACH, low, high;

	for (;; reach *= 2) {
		low = at > reach ? at - reach : 0;
		high = t->n - at > reach ? at + reach : t->n;
		if ((low == 0 || is_below(t, low - 1, serial)) && (high == t->n || !is_below(t, high, serial)))
			break;
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (is_below(t, middle, serial))
			low = middle + 1;
		else
			high = middle;
	}
	*out = low;
	return (low == t->n || block_is_whole(t, low)) && (low == 0 || block_is_whole(t, low - 1));
}

static void read_entry(const struct table *t, size_t i, struct crl_entry *out, uint32_t *issuer)
{
	const char *p = record(t, i) + t->c->head.width;
	uint32_t date;

	memcpy(&date, p, sizeof(date));
	memcpy(issuer, p + 4, sizeof(*issuer));
	out->revoked_at = (time_t)date;
	out->reason = (signed char)p[8];
}

/* Of several entries for one certificate any other than removeFromCRL counts. */
static int gravest(const struct table *t, size_t i, const char *serial, const X509_NAME *issuer, struct crl_entry *out)
{
	struct crl_entry e;
	size_t first = i;
	uint32_t number;
	int found = 0;

	for (; i < t->n && memcmp(record(t, i), serial, t->c->head.width) == 0; i++) {
		if ((i == first || i % CRL_BLOCK == 0) && !block_is_whole(t, i)) /* each block once */
			return E_TEMP;
		read_entry(t, i, &e, &number);
		if (!issuer_is(t->c, number, issuer))
			continue;
		if (!found || out->reason == CRL_REASON_REMOVE)
			*out = e;
		found = 1;
	}
	return found;
}

/* The number as DER has its content; empty: longer than any that a list keeps. */
static struct span content_of(const ASN1_INTEGER *serial, unsigned char **der)
{
	int n = i2d_ASN1_INTEGER(serial, der);
	struct span s = span_from(*der, n > 0 ? (size_t)n : 0), content;

	return der_take(&s, 0x02, NULL, &content) ? content : span_from(NULL, 0);
}

int crl_find(const struct crl *c, const X509_NAME *issuer, const ASN1_INTEGER *serial, struct crl_entry *out)
{
	unsigned char *der = NULL;
	struct span number = content_of(serial, &der);
	char wanted[CRL_WIDTH_MAX];
	struct table t;
	size_t first;
	int rc = 0;

	*out = (struct crl_entry){ 0, -1 };
	if (!open_table(c, &t)) {
		rc = E_TEMP;
	} else if (number.n && number.n <= c->head.width) {
		crl_widen(number, c->head.width, wanted);
		rc = find_first(&t, wanted, &first) ? gravest(&t, first, wanted, issuer, out) : E_TEMP;
	}
	OPENSSL_free(der);
	return rc;
}
