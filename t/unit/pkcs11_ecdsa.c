/* ECDSA signatures as PKCS#11 has them, in DER: the same bytes as OpenSSL writes */
#include "test.h"

#include <openssl/ec.h>

#include "keys-pkcs11/ecdsa.h"

static void same_as_openssl(const unsigned char *raw, size_t n)
{
	int half = (int)(n / 2);
	ECDSA_SIG *signature = ECDSA_SIG_new();
	unsigned char *der = NULL;
	struct buf out = BUF_INIT;
	int length;

	assert_true(ECDSA_SIG_set0(signature, BN_bin2bn(raw, half, NULL), BN_bin2bn(raw + half, half, NULL)));
	length = i2d_ECDSA_SIG(signature, &der);
	assert_true(length > 0);
	assert_true(ecdsa_signature_der(span_from(raw, n), &out));
	assert_int_equal(out.len, length);
	assert_memory_equal(out.data, der, out.len);
	OPENSSL_free(der);
	ECDSA_SIG_free(signature);
	buf_release(&out);
}

static void test_numbers(void **state)
{
	static const struct {
		size_t half;
		unsigned char first, second; /* bytes of both numbers; the others are 0x5a */
	} cases[] = {
		{ 32, 0x01, 0x5a }, { 32, 0x7f, 0x5a }, { 32, 0x80, 0x5a }, { 32, 0xff, 0xff }, { 32, 0x00, 0x7f }, { 32, 0x00, 0x80 },
		{ 32, 0x00, 0x00 }, { 48, 0x80, 0x5a }, { 61, 0x5a, 0x5a }, { 61, 0x80, 0x5a }, { 62, 0x5a, 0x5a }, { 66, 0x01, 0x5a },
		{ 66, 0x00, 0x80 }, { 66, 0xff, 0x5a }, { 1, 0x05, 0x5a }, { 2, 0x00, 0x01 },
	};
	unsigned char raw[132];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		memset(raw, 0x5a, sizeof(raw));
		raw[0] = raw[cases[i].half] = cases[i].first;
		if (cases[i].half > 1)
			raw[1] = raw[cases[i].half + 1] = cases[i].second;
		same_as_openssl(raw, 2 * cases[i].half);
	}
}

static void test_none(void **state)
{
	static const size_t lengths[] = { 0, 1, 3, 63, 131, 134 };
	struct buf out = BUF_INIT;
	unsigned char raw[134];

	(void)state;
	memset(raw, 0x5a, sizeof(raw));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
		assert_false(ecdsa_signature_der(span_from(raw, lengths[i]), &out));
	memset(raw, 0, 32);
	assert_false(ecdsa_signature_der(span_from(raw, 64), &out));
	memset(raw, 0x5a, 32);
	memset(raw + 32, 0, 32);
	assert_false(ecdsa_signature_der(span_from(raw, 64), &out));
	assert_int_equal(out.len, 0);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_numbers), cmocka_unit_test(test_none) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
