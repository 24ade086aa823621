/* owner names and data of SMIMEA records */
#include "common/smimea.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "test.h"

static void name_is(const char *address, const char *expected)
{
	struct buf name = BUF_INIT;

	assert_int_equal(smimea_name(address, &name, NULL), 0);
	assert_string_equal(buf_str(&name), expected);
	buf_release(&name);
}

static void test_names(void **state)
{
	/* the hash of RFC 7929 section 3 is the same */
	name_is("hugh@example.com", "c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._smimecert.example.com");
	name_is("hugh@b\xc3\xbc" "cher.example", "c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._smimecert.xn--bcher-kva.example");
	name_is("\"hugh\"@example.com", "c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._smimecert.example.com");
	name_is("\"h\\ugh\"@example.com", "c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._smimecert.example.com");
}

static void test_no_names(void **state)
{
	static const char *const bad[] = { "", "hugh", "@example.com", "hugh@", "hugh@[192.0.2.1]", "hugh@ex ample.com", "hugh@example..com",
					   "hugh@.example.com", "hugh@\xff.example", "hugh@a/b",
					   "x@abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz01.example" };
	struct buf name = BUF_INIT;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct error err = { 0 };

		assert_int_equal(smimea_name(bad[i], &name, &err), E_PERM);
		assert_int_equal(name.len, 0);
	}
	buf_release(&name);
	name_is("hugh@abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0.example",
		"c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._smimecert."
		"abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0.example");
}

static void test_long_domains(void **state)
{
	char address[300] = "hugh@";
	struct buf name = BUF_INIT;

	for (size_t i = 5; i < 5 + 180; i++)
		address[i] = i % 60 == 59 ? '.' : 'x';
	address[5 + 180] = '\0';
	assert_int_equal(smimea_name(address, &name, NULL), 0);
	assert_true(name.len <= 253);
	address[5 + 180] = 'x';
	assert_int_equal(smimea_name(address, &name, NULL), E_PERM);
	buf_release(&name);
}

static struct buf certificate(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	struct buf der = BUF_INIT;
	unsigned char *p = NULL;
	int n;

	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	n = i2d_X509(x, &p);
	assert_true(n > 0);
	buf_add(&der, p, (size_t)n);
	OPENSSL_free(p);
	X509_free(x);
	EVP_PKEY_free(key);
	return der;
}

/* What the record must hold: RFC 6698 section 2.1, by OpenSSL. */
static void expected(struct span certificate, unsigned selector, unsigned matching, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)certificate.p;
	X509 *x = d2i_X509(NULL, &p, (long)certificate.n);
	unsigned char *der = NULL, hash[EVP_MAX_MD_SIZE];
	int n = selector == SMIMEA_CERTIFICATE ? i2d_X509(x, &der) : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	unsigned nhash;

	assert_true(n > 0);
	if (matching == SMIMEA_EXACT) {
		buf_add(out, der, (size_t)n);
	} else {
		EVP_Digest(der, (size_t)n, hash, &nhash, matching == SMIMEA_SHA256 ? EVP_sha256() : EVP_sha512(), NULL);
		buf_add(out, hash, nhash);
	}
	OPENSSL_free(der);
	X509_free(x);
}

static void test_records(void **state)
{
	struct buf one = certificate();

	for (unsigned usage = 0; usage < SMIMEA_USAGES; usage++)
		for (unsigned selector = 0; selector < SMIMEA_SELECTORS; selector++)
			for (unsigned matching = 0; matching < SMIMEA_MATCHINGS; matching++) {
				struct buf record = BUF_INIT, data = BUF_INIT;
				struct smimea r;

				assert_int_equal(smimea_make(span_from(one.data, one.len), usage, selector, matching, &record, NULL), 0);
				assert_true(smimea_read(span_from(record.data, record.len), &r));
				assert_int_equal(r.usage, usage);
				assert_int_equal(r.selector, selector);
				assert_int_equal(r.matching, matching);
				expected(span_from(one.data, one.len), selector, matching, &data);
				assert_true(span_eq(r.data, span_from(data.data, data.len)));
				buf_release(&record);
				buf_release(&data);
			}
	buf_release(&one);
}

/* SubjectPublicKeyInfo is an element with its header, as other tools publish it. */
static void test_public_key(void **state)
{
	struct buf der = certificate(), record = BUF_INIT;
	const unsigned char *p = (const unsigned char *)der.data;
	X509 *x = d2i_X509(NULL, &p, (long)der.len);
	unsigned char *spki = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);

	assert_int_equal(smimea_make(span_from(der.data, der.len), 3, SMIMEA_PUBLIC_KEY, SMIMEA_EXACT, &record, NULL), 0);
	assert_int_equal(record.len, n + 3);
	assert_memory_equal(record.data + 3, spki, n);
	OPENSSL_free(spki);
	X509_free(x);
	buf_release(&der);
	buf_release(&record);
}

static void test_no_records(void **state)
{
	static const char *const bad[] = { "", "\3", "\3\0", "\3\0\0", "\4\0\0x", "\3\2\0x", "\3\0\3x", "\377\377\377x" };
	struct buf record = BUF_INIT;
	struct smimea r;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(smimea_read(span_from(bad[i], i < 4 ? i : 4), &r));
	assert_true(smimea_read(span_from("\3\1\2x", 4), &r));
	assert_int_equal(smimea_make(span_of("nothing"), 3, 0, 0, &record, NULL), E_PERM);
	assert_int_equal(record.len, 0);
	buf_release(&record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names), cmocka_unit_test(test_no_names), cmocka_unit_test(test_long_domains),
		cmocka_unit_test(test_records), cmocka_unit_test(test_public_key), cmocka_unit_test(test_no_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
