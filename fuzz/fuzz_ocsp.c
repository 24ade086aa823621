/* fuzz_ocsp.c - files of the OCSP cache, and the answers in them about a certificate that no responder has signed for */
#include <openssl/ocsp.h>
#include <stdint.h>

#include "common/ocsp_answer.h"
#include "common/ocsp_cache.h"
#include "lib/openssl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A self-signed certificate: nobody but the fuzzer knows its key, and it forgets it. */
static X509 *certificate(void)
{
	static X509 *x;
	EVP_PKEY *key;

	if (x)
		return x;
	openssl_start();
	key = EVP_EC_gen("P-256");
	x = X509_new();
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"x", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_sign(x, key, EVP_sha256());
	EVP_PKEY_free(key);
	return x;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ocsp_rules rules = { .now = 1790000000, .time = 1790000000, .skew = 300, .age = 86400 };
	struct span bytes = span_from(data, size);
	struct ocsp_cached kept;
	struct ocsp_answer a;
	X509 *x = certificate();

	if (ocsp_cache_parse(bytes, &kept, NULL) == 0) {
		if (kept.answer.p + kept.answer.n != bytes.p + bytes.n || !kept.answer.n)
			abort();
		bytes = kept.answer;
	}
	ocsp_is_about(bytes, x, x);
	if (ocsp_answer_read(bytes, x, x, &rules, &a, NULL) == 0)
		abort();
	return 0;
}
