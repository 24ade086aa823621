/* area_crl.c - the compact form of revocation lists: what is found in it, its bounds, and that damage never hides an entry */
#include "test.h"

#include <openssl/x509.h>
#include <string.h>

#include "common/crl.h"
#include "lib/openssl.h"

/* ---- a list, built ---- */

static void tlv(struct buf *out, int tag, const void *content, size_t n)
{
	buf_addch(out, (char)tag);
	if (n >= 128) {
		buf_addch(out, (char)(n < 65536 ? 0x82 : 0x83));
		if (n >= 65536)
			buf_addch(out, (char)(n >> 16));
		buf_addch(out, (char)(n >> 8));
	}
	buf_addch(out, (char)(n & 0xff));
	buf_add(out, content, n);
}

static void wrap(struct buf *b, int tag)
{
	struct buf out = BUF_INIT;

	tlv(&out, tag, buf_str(b), b->len);
	buf_release(b);
	*b = out;
}

static void add_entry(struct buf *entries, const void *serial, size_t n)
{
	struct buf entry = BUF_INIT;

	tlv(&entry, 0x02, serial, n);
	tlv(&entry, 0x17, "261122000000Z", 13);
	wrap(&entry, 0x30);
	buf_add(entries, entry.data, entry.len);
	buf_release(&entry);
}

/* Issuer CN=i; a signature of nothing. */
static void finish(struct buf *entries, struct buf *der)
{
	static const unsigned char name[] = { 0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 6, 3, 0x55, 4, 3, 0x0c, 1, 'i' };
	static const unsigned char algorithm[] = { 0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2 };
	struct buf tbs = BUF_INIT;

	tlv(&tbs, 0x02, "\1", 1);
	buf_add(&tbs, algorithm, sizeof(algorithm));
	buf_add(&tbs, name, sizeof(name));
	tlv(&tbs, 0x17, "261122000000Z", 13);
	tlv(&tbs, 0x18, "20501231235959Z", 15);
	if (entries->len) {
		wrap(entries, 0x30);
		buf_add(&tbs, entries->data, entries->len);
	}
	wrap(&tbs, 0x30);
	buf_add(&tbs, algorithm, sizeof(algorithm));
	tlv(&tbs, 0x03, "\0sig", 4);
	wrap(&tbs, 0x30);
	buf_release(entries);
	*der = tbs;
}

static X509_NAME *issuer(void)
{
	X509_NAME *name = X509_NAME_new();

	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"I", -1, -1, 0); /* case does not count */
	return name;
}

static int find(struct span form, const void *serial, size_t n)
{
	struct buf der = BUF_INIT;
	const unsigned char *p;
	X509_NAME *name = issuer();
	ASN1_INTEGER *number;
	struct crl_entry e;
	struct crl list;
	int rc = E_TEMP;

	tlv(&der, 0x02, serial, n);
	p = (const unsigned char *)der.data;
	number = d2i_ASN1_INTEGER(NULL, &p, (long)der.len);
	assert_non_null(number);
	if (crl_view(form, &list))
		rc = crl_find(&list, name, number, &e);
	if (rc == 1)
		assert_true(e.reason == -1);
	ASN1_INTEGER_free(number);
	X509_NAME_free(name);
	buf_release(&der);
	return rc;
}

/* ---- tests ---- */

static void signs_and_lengths(void **state)
{
	static const struct { const char *bytes; size_t n; bool listed; } serials[] = {
		{ "\x80", 1, true }, { "\0\x80", 2, false },         /* -128 and 128 */
		{ "\0\xff", 2, true }, { "\xff", 1, false },         /* 255 and -1 */
		{ "\x7f", 1, true }, { "\0", 1, true }, { "\1", 1, false },
		{ "12345678901234567890123456789012", 32, true },    /* the longest that is kept */
		{ "02345678901234567890123456789012", 32, false },
		{ "123456789012345678901234567890123", 33, false },
	};
	struct buf entries = BUF_INIT, der, form = BUF_INIT;

	for (size_t i = 0; i < sizeof(serials) / sizeof(*serials); i++)
		if (serials[i].listed || serials[i].n == 33)
			add_entry(&entries, serials[i].bytes, serials[i].n);
	finish(&entries, &der);
	assert_int_equal(crl_digest(span_from(der.data, der.len), &form, NULL), 0);
	for (size_t i = 0; i < sizeof(serials) / sizeof(*serials); i++)
		assert_int_equal(find(span_from(form.data, form.len), serials[i].bytes, serials[i].n), serials[i].listed);
	buf_release(&der);
	buf_release(&form);
}

static void head(void **state)
{
	struct buf entries = BUF_INIT, der, form = BUF_INIT;
	X509_NAME *name = issuer();
	struct crl list;

	finish(&entries, &der);
	assert_int_equal(crl_digest(span_from(der.data, der.len), &form, NULL), 0);
	assert_true(crl_view(span_from(form.data, form.len), &list));
	assert_int_equal(list.head.this_update, 1795305600);
	assert_int_equal(list.head.next_update, 2556143999);
	assert_int_equal(list.head.entries, 0);
	assert_int_equal(list.head.tbs_hash_size, 32);
	assert_int_equal(list.extensions.n, 0);
	assert_true(crl_issuer_is(&list, name));
	assert_int_equal(find(span_from(form.data, form.len), "\1", 1), 0);
	X509_NAME_free(name);
	buf_release(&der);
	buf_release(&form);
}

static void cut_off(void **state)
{
	struct buf entries = BUF_INIT, der, form = BUF_INIT;

	for (char c = 1; c < 20; c++)
		add_entry(&entries, &c, 1);
	finish(&entries, &der);
	for (size_t n = 0; n < der.len; n++)
		assert_int_equal(crl_digest(span_from(der.data, n), &form, NULL), E_PERM);
	buf_addch(&der, '\0');
	assert_int_equal(crl_digest(span_from(der.data, der.len), &form, NULL), E_PERM);
	assert_int_equal(form.len, 0);
	buf_release(&der);
}

#define MANY 5000

static uint32_t even(uint32_t i) { return i * 1000; }
static uint32_t at_random(uint32_t i) { return i * 2654435761u >> 1; }
static uint32_t crowded(uint32_t i) { return i < MANY - 10 ? i : i * 100000; }
static uint32_t one_far_away(uint32_t i) { return i ? 0x7f000000 + i : 1; }
static uint32_t same(uint32_t i) { return i / MANY + 77; }

/* Six octets that begin with 5a; valid until the next call. */
static const char *number(uint32_t n)
{
	static char bytes[6];

	bytes[0] = 0x5a;
	for (int i = 5; i > 0; i--, n >>= 8)
		bytes[i] = (char)n;
	return bytes;
}

/* Among many, however they are spread: each that is listed is found, and none beside it. */
static void spread(void **state)
{
	static const struct { const char *name; uint32_t (*nth)(uint32_t i); } spreads[] = {
		{ "even", even }, { "at random", at_random }, { "crowded at the start", crowded }, { "one far away", one_far_away }, { "all the same", same },
	};

	for (size_t s = 0; s < sizeof(spreads) / sizeof(*spreads); s++) {
		struct buf entries = BUF_INIT, der, form = BUF_INIT;
		struct span whole;

		for (uint32_t i = 0; i < MANY; i++)
			add_entry(&entries, number(2 * spreads[s].nth(i)), 6);
		finish(&entries, &der);
		assert_int_equal(crl_digest(span_from(der.data, der.len), &form, NULL), 0);
		whole = span_from(form.data, form.len);
		for (uint32_t i = 0; i < MANY; i += 97) {
			assert_int_equal(find(whole, number(2 * spreads[s].nth(i)), 6), 1);
			assert_int_equal(find(whole, number(2 * spreads[s].nth(i) + 1), 6), 0);
		}
		assert_int_equal(find(whole, "\1", 1), 0);
		assert_int_equal(find(whole, "\x59\xff\xff\xff\xff\xff", 6), 0);
		assert_int_equal(find(whole, "\x7f\xff\xff\xff\xff\xff", 6), 0);
		assert_int_equal(find(whole, "\xff", 1), 0);
		buf_release(&der);
		buf_release(&form);
	}
}

/* Every byte of the form in turn: the entry is found or the form is damaged, but it never looks as if it were not there. */
static void damage(void **state)
{
	struct buf entries = BUF_INIT, der, form = BUF_INIT;
	unsigned char serial[2];

	for (unsigned i = 0; i < 150; i++) {
		serial[0] = (unsigned char)(1 + i * 37 % 100);
		serial[1] = (unsigned char)i;
		add_entry(&entries, serial, 2);
	}
	finish(&entries, &der);
	assert_int_equal(crl_digest(span_from(der.data, der.len), &form, NULL), 0);
	for (size_t i = 0; i < form.len; i++) {
		struct span damaged = span_from(form.data, form.len);

		form.data[i] ^= (char)(1 << i % 8);
		for (unsigned n = i % 10; n < 150; n += 10) {
			int rc;

			serial[0] = (unsigned char)(1 + n * 37 % 100);
			serial[1] = (unsigned char)n;
			rc = find(damaged, serial, 2);
			assert_true(rc == 1 || rc == E_TEMP);
			serial[0] = 101;
			rc = find(damaged, serial, 2);
			assert_true(rc == 0 || rc == E_TEMP);
		}
		form.data[i] ^= (char)(1 << i % 8);
	}
	for (size_t n = 0; n < form.len; n += 7)
		assert_int_equal(find(span_from(form.data, n), serial, 2), E_TEMP);
	buf_release(&der);
	buf_release(&form);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_and_lengths), cmocka_unit_test(head), cmocka_unit_test(cut_off), cmocka_unit_test(spread), cmocka_unit_test(damage),
	};

	openssl_start();
	openssl_load(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
