/* openssl.h - OpenSSL, started with what we use of it */
#ifndef POSTERN_LIB_OPENSSL_H
#define POSTERN_LIB_OPENSSL_H

#include <openssl/types.h>
#include <stdbool.h>

#include "lib/buf.h"

/* Starts libcrypto: no configuration file, nothing to be cleaned up at exit.  To be called before anything else of OpenSSL; again
 * is harmless, as it is of those below. */
void openssl_begin(void);
/* The same, and digests have their OIDs. */
void openssl_start(void);
/* The same, and the ciphers of S/MIME have their OIDs. */
void openssl_start_with_ciphers(void);

/* Loads into this context (NULL: the default one) what nearly every message needs of the default provider: RSA, elliptic
 * curves, SHA-1 and SHA-2, AES; random numbers come from a hash (NIST SP 800-90A).  To be called before the context is used,
 * and before openssl_start(): a context that is new learns by heart all names that are known by then.  false: OpenSSL cannot. */
bool openssl_load(OSSL_LIB_CTX *ctx);
/* Before a context that had it is freed. */
void openssl_unload(OSSL_LIB_CTX *ctx);
/* Adds the rest; again is harmless.  Called before anything is read whose algorithms others chose. */
void openssl_complete(OSSL_LIB_CTX *ctx);
/* The same, unless this digest (NID) is there from the start. */
void openssl_complete_for_digest(OSSL_LIB_CTX *ctx, int nid);

/* Takes one certificate off the front of der; NULL, and nothing taken: there is none.  If its key is of a rare kind the
 * context is completed. */
X509 *openssl_certificate(OSSL_LIB_CTX *ctx, struct span *der);

/* The key in a SubjectPublicKeyInfo of one of the most common forms (P-256, P-384, P-521, RSA with 2048, 3072, 4096 bits and the exponent
 * 65537, in DER), in the default context; the caller's.  NULL: not one of them, or no good one; nothing is left in OpenSSL's errors. */
EVP_PKEY *openssl_common_key(struct span der);

/* The text of an error's reason; NULL if it has none. */
const char *openssl_reason(unsigned long code);

#endif
