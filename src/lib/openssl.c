/* openssl.c - OpenSSL, started with what we use of it
 *
 * Left to itself, libcrypto reads a configuration file, loads the texts of all its errors and registers the names of some
 * 170 ciphers and 60 digests, which every library context then learns anew: a third of all instructions in a process that
 * makes or checks one signature.  S/MIME needs twenty ciphers, and whoever checks certificates none.  Others have no OID here,
 * and in everything that is built on it.
 */
#include "lib/openssl.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>

static const EVP_CIPHER *(*const ciphers[])(void) = {
	EVP_aes_128_cbc,      EVP_aes_192_cbc,      EVP_aes_256_cbc,      EVP_aes_128_gcm,       EVP_aes_192_gcm,
	EVP_aes_256_gcm,      EVP_aes_128_wrap,     EVP_aes_192_wrap,     EVP_aes_256_wrap,      EVP_des_ede3_cbc,
	EVP_des_ede3_wrap,    EVP_camellia_128_cbc, EVP_camellia_192_cbc, EVP_camellia_256_cbc,  EVP_rc2_cbc,
	EVP_rc2_64_cbc,       EVP_rc2_40_cbc,       EVP_des_cbc,
};

/* What certificates and messages name by OID; under one name each, the provider knows the others. */
static const EVP_MD *(*const digests[])(void) = {
	EVP_md5,      EVP_sha1,     EVP_sha224,   EVP_sha256,   EVP_sha384,   EVP_sha512,   EVP_sha512_224, EVP_sha512_256,
	EVP_sha3_224, EVP_sha3_256, EVP_sha3_384, EVP_sha3_512, EVP_shake128, EVP_shake256, EVP_ripemd160,  EVP_sm3,
#ifndef OPENSSL_NO_MD4
	EVP_md4, /* known enough to be called weak */
#endif
#ifndef OPENSSL_NO_MDC2
	EVP_mdc2,
#endif
};

/* The whole of OpenSSL's texts at once; hidden in the shared library. */
extern int ossl_err_load_crypto_strings(void) __attribute__((weak));

void openssl_begin(void)
{
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_ADD_ALL_DIGESTS |
			    OPENSSL_INIT_NO_ATEXIT | (ossl_err_load_crypto_strings ? OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS : 0), NULL);
}

void openssl_start(void)
{
	openssl_begin();
	for (size_t i = 0; i < sizeof(digests) / sizeof(*digests); i++)
		OBJ_NAME_add(OBJ_nid2sn(EVP_MD_get_type(digests[i]())), OBJ_NAME_TYPE_MD_METH, (const char *)digests[i]());
}

void openssl_start_with_ciphers(void)
{
	openssl_start();
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(*ciphers); i++)
		EVP_add_cipher(ciphers[i]());
}

const char *openssl_reason(unsigned long code)
{
	static bool loaded;

	if (!code)
		return NULL;
	if (!loaded && ossl_err_load_crypto_strings)
		ossl_err_load_crypto_strings();
	loaded = true;
	return ERR_reason_error_string(code);
}
