/* delegate.h - private keys that live in another process
 *
 * An OpenSSL provider whose key objects hold the public key and a name; every
 * private operation is a call of the functions below, which the program joins
 * to the keys module (src/module).  Nothing here knows about modules, and no
 * private key is ever in this process.
 */
#ifndef POSTERN_SMIME_DELEGATE_H
#define POSTERN_SMIME_DELEGATE_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "lib/buf.h"
#include "lib/error.h"

enum key_mechanism {
	KEY_RSA_PKCS1,  /* sign: digest is put into a DigestInfo by the key's holder; unwrap: RFC 8017 7.2 */
	KEY_RSA_PSS,    /* sign */
	KEY_RSA_OAEP,   /* unwrap */
	KEY_ECDSA,      /* sign; DER ECDSA-Sig-Value */
	KEY_ECDH,       /* agree */
};

struct key_request {
	enum key_mechanism mechanism;
	const char *digest;      /* sign: of the data, "sha256"; OAEP: of the label; OpenSSL's lower-case short name */
	const char *mgf_digest;  /* PSS, OAEP */
	int salt_length;         /* PSS, bytes */
	struct span label;       /* OAEP */
	struct span input;       /* sign: the digest value; unwrap: the encrypted key; agree: the peer's
	                            SubjectPublicKeyInfo in DER */
};

struct key_calls {
	/* Each appends the result to *out (signature, content key, shared secret: wiped by the caller). */
	int (*sign)(void *ctx, const char *key_id, const struct key_request *, struct buf *out, struct error *);
	int (*unwrap)(void *ctx, const char *key_id, const struct key_request *, struct buf *out, struct error *);
	int (*agree)(void *ctx, const char *key_id, const struct key_request *, struct buf *out, struct error *);
	void *ctx;
};

struct delegate; /* the provider in an OSSL_LIB_CTX of its own */

/* calls are used as long as the delegate lives. */
int delegate_new(const struct key_calls *calls, struct delegate **out, struct error *err);
void delegate_free(struct delegate *d); /* NULL is fine */
OSSL_LIB_CTX *delegate_context(struct delegate *d); /* default + postern provider, no configuration file read */

/* The key of a certificate, of any context, as an EVP_PKEY whose private part is key_id.  Free with EVP_PKEY_free. */
int delegate_key(struct delegate *d, X509 *certificate, const char *key_id, EVP_PKEY **out, struct error *err);

/* Why the last delegated operation failed (a CMS call only says "failed"); code 0 if none has.  A permanent
 * failure of an RSA v1.5 unwrap is never told (RFC 3218): it must look like a wrong content key. */
const struct error *delegate_error(const struct delegate *d);
/* The same for who has the library context only; NULL if it is not a delegate's. */
const struct error *delegate_error_in(OSSL_LIB_CTX *ctx);

#endif
