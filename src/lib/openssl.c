/* openssl.c - OpenSSL, started with what we use of it
 *
 * Left to itself, libcrypto reads a configuration file and registers the names of some 170 ciphers, which every library
 * context then learns anew: a third of all instructions in a process that makes or checks one signature.  S/MIME
 * needs twenty, and whoever checks certificates none.  Others have no OID here, and in everything that is built on it.
 */
#include "lib/openssl.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

static const EVP_CIPHER *(*const ciphers[])(void) = {
	EVP_aes_128_cbc,      EVP_aes_192_cbc,      EVP_aes_256_cbc,      EVP_aes_128_gcm,       EVP_aes_192_gcm,
	EVP_aes_256_gcm,      EVP_aes_128_wrap,     EVP_aes_192_wrap,     EVP_aes_256_wrap,      EVP_des_ede3_cbc,
	EVP_des_ede3_wrap,    EVP_camellia_128_cbc, EVP_camellia_192_cbc, EVP_camellia_256_cbc,  EVP_rc2_cbc,
	EVP_rc2_64_cbc,       EVP_rc2_40_cbc,       EVP_des_cbc,
};

void openssl_start(void)
{
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_ATEXIT, NULL);
}

void openssl_start_with_ciphers(void)
{
	openssl_start();
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(*ciphers); i++)
		EVP_add_cipher(ciphers[i]());
}

void openssl_random_by_hash(OSSL_LIB_CTX *ctx)
{
	RAND_set_DRBG_type(ctx, "HASH-DRBG", NULL, NULL, "SHA256");
}
