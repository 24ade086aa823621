/* openssl.h - OpenSSL, started with what we use of it */
#ifndef POSTERN_LIB_OPENSSL_H
#define POSTERN_LIB_OPENSSL_H

#include <openssl/types.h>

/* Starts libcrypto: no configuration file, no cipher that has an OID, nothing to be cleaned up at exit.  To be called before
 * anything else of OpenSSL; again is harmless. */
void openssl_start(void);
/* The same, and the ciphers of S/MIME have their OIDs. */
void openssl_start_with_ciphers(void);

/* Random numbers from a hash instead of a block cipher (both NIST SP 800-90A), in this context (NULL: the default one) and
 * before it has given any: for programs that need no cipher. */
void openssl_random_by_hash(OSSL_LIB_CTX *ctx);

#endif
