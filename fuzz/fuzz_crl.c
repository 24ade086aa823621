/* fuzz_crl.c - revocation lists, as anybody's server may send them, and their compact form when a disk has damaged it
 *
 * What OpenSSL finds in a list that both can read must be found in the form, too.
 */
#include <stdint.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "common/crl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An entry without extensions of its own is one of the list's issuer, if none before it named another. */
static void compare(const struct crl *list, const X509_CRL *other)
{
	STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED((X509_CRL *)(uintptr_t)other);
	struct crl_entry e;

	for (int i = 0; i < sk_X509_REVOKED_num(all) && i < 20; i++) {
		const X509_REVOKED *r = sk_X509_REVOKED_value(all, i);
		const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(r);

		if (X509_REVOKED_get_ext_count(r))
			return;
		if (ASN1_STRING_length(serial) <= 20 && crl_find(list, X509_CRL_get_issuer(other), serial, &e) != 1)
			abort();
	}
}

static void ask(const struct crl *list)
{
	static const long numbers[] = { 0, 1, -1, 127, 128, 65536, 0x1234 };
	X509_NAME *name = X509_NAME_new();
	struct crl_entry e;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		ASN1_INTEGER *serial = ASN1_INTEGER_new();

		ASN1_INTEGER_set(serial, numbers[i]);
		crl_find(list, name, serial, &e);
		ASN1_INTEGER_free(serial);
	}
	X509_NAME_free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned char *p = data;
	struct buf form = BUF_INIT;
	struct crl list;
	X509_CRL *other;

	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	if (crl_digest(span_from(data, size), &form, NULL) == 0) {
		if (!crl_view(span_from(form.data, form.len), &list))
			abort();
		ask(&list);
		other = d2i_X509_CRL(NULL, &p, (long)size);
		if (other)
			compare(&list, other);
		X509_CRL_free(other);
		ERR_clear_error();
		if (size > 3) { /* a damaged one: never more than "damaged" */
			form.data[(data[size - 1] << 8 | data[size - 2]) % form.len] ^= (char)(data[size - 3] | 1);
			if (crl_view(span_from(form.data, form.len), &list))
				ask(&list);
			if (crl_view(span_from(form.data, form.len * data[size - 3] / 256), &list))
				ask(&list);
		}
	}
	buf_release(&form);
	return 0;
}
