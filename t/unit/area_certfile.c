/* area_certfile.c - one file, any format: what is found in it, where, and what is said of broken ones */
#include "test.h"

#include <openssl/pem.h>
#include <string.h>

#include "common/certfile.h"
#include "lib/base64.h"

static struct buf der = BUF_INIT; /* a certificate */

static int make_certificate(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	unsigned char *p = NULL;
	int n;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"x", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_sign(x, key, EVP_sha256());
	n = i2d_X509(x, &p);
	buf_add(&der, p, (size_t)n);
	OPENSSL_free(p);
	X509_free(x);
	EVP_PKEY_free(key);
	return 0;
}

static void add_pem(struct buf *out, const char *label)
{
	buf_addf(out, "-----BEGIN %s-----\n", label);
	base64_encode(out, der.data, der.len, 64, "\n");
	buf_addf(out, "-----END %s-----\n", label);
}

static struct span all(const struct buf *b)
{
	return span_from(buf_str(b), b->len);
}

/* Every object can be fetched again from where it was found. */
static void assert_reads(const struct buf *b, size_t objects, size_t keys)
{
	struct certfile f;
	struct error err = { 0 };

	if (certfile_read(all(b), NULL, &f, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(f.n, objects);
	assert_int_equal(f.keys, keys);
	for (size_t i = 0; i < f.n; i++) {
		const struct certfile_object *o = &f.items[i];
		struct buf again = BUF_INIT;

		assert_true(span_eq(o->der, all(&der)));
		if (o->form == CERTFILE_INNER)
			continue;
		assert_int_equal(certfile_decode(o->form, span_sub(all(b), o->offset, o->offset + o->length), &again), 0);
		assert_true(span_eq(all(&again), o->der));
		buf_release(&again);
	}
	certfile_release(&f);
}

static void formats(void **state)
{
	static const char *const labels[] = { "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE" };
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < 3; i++) {
		buf_addf(&b, "text %zu\r\n", i);
		add_pem(&b, labels[i]);
	}
	buf_addstr(&b, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n-----BEGIN EC PARAMETERS-----\nAAAA\n"
		       "-----END EC PARAMETERS-----");
	assert_reads(&b, 3, 1);
	buf_clear(&b);
	buf_addstr(&b, "\xef\xbb\xbf");
	add_pem(&b, "CERTIFICATE");
	assert_reads(&b, 1, 0);
	buf_clear(&b);
	buf_add(&b, der.data, der.len);
	assert_reads(&b, 1, 0);
	buf_add(&b, der.data, der.len);
	assert_reads(&b, 2, 0);
	buf_clear(&b);
	base64_encode(&b, der.data, der.len, 76, "\r\n");
	assert_reads(&b, 1, 0);
	buf_release(&b);
}

/* Byte by byte: what is cut off is never a certificate, and always says why. */
static void cut_off(void **state)
{
	struct buf pem = BUF_INIT;
	struct certfile f;

	add_pem(&pem, "CERTIFICATE");
	for (size_t i = 0; i < pem.len - 1; i++) {
		struct error err = { 0 };

		assert_int_equal(certfile_read(span_sub(all(&pem), 0, i), NULL, &f, &err), E_PERM);
		assert_int_equal(f.n, 0);
		assert_true(*err.text);
		certfile_release(&f);
	}
	for (size_t i = 0; i < der.len; i++) {
		assert_int_equal(certfile_read(span_sub(all(&der), 0, i), NULL, &f, NULL), E_PERM);
		assert_int_equal(f.n, 0);
		certfile_release(&f);
	}
	buf_release(&pem);
}

/* The good ones of a file with a bad one are there. */
static void one_bad(void **state)
{
	struct buf b = BUF_INIT;
	struct certfile f;
	struct error err = { 0 };

	add_pem(&b, "CERTIFICATE");
	buf_addstr(&b, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
	add_pem(&b, "CERTIFICATE");
	assert_int_equal(certfile_read(all(&b), NULL, &f, &err), E_PERM);
	assert_int_equal(f.n, 2);
	assert_non_null(strstr(err.text, "after object 1"));
	certfile_release(&f);
	buf_release(&b);
}

static void as_many_as_allowed(void **state)
{
	struct buf b = BUF_INIT;
	struct certfile f;

	for (size_t i = 0; i < CERTFILE_OBJECTS_MAX; i++)
		buf_add(&b, der.data, der.len);
	assert_int_equal(certfile_read(all(&b), NULL, &f, NULL), 0);
	assert_int_equal(f.n, CERTFILE_OBJECTS_MAX);
	certfile_release(&f);
	buf_add(&b, der.data, der.len);
	assert_int_equal(certfile_read(all(&b), NULL, &f, NULL), E_LIMIT);
	assert_int_equal(f.n, CERTFILE_OBJECTS_MAX);
	certfile_release(&f);
	buf_release(&b);
}

static void release(void)
{
	buf_release(&der);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		cmocka_unit_test(cut_off),
		cmocka_unit_test(one_bad),
		cmocka_unit_test(as_many_as_allowed),
	};
	int rc = cmocka_run_group_tests(tests, make_certificate, NULL);

	release();
	return rc;
}
