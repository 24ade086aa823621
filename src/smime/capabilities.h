/* capabilities.h - SMIMECapabilities: what partners say they can read, and what we say (RFC 8551 2.5.2) */
#ifndef POSTERN_SMIME_CAPABILITIES_H
#define POSTERN_SMIME_CAPABILITIES_H

#include <openssl/x509.h>

#include "lib/buf.h"
#include "lib/profile.h"

/* The content ciphers we write, strongest first: bit i of a set is cipher i of this table. */
struct content_cipher {
	const char *name;  /* OpenSSL's, "aes-256-gcm" */
	int nid;
	bool aead;
};
#define CONTENT_CIPHERS 4
extern const struct content_cipher content_ciphers[CONTENT_CIPHERS];

struct capabilities {
	unsigned ciphers;          /* 0: said nothing of ciphers that we write */
	const char *oaep_digest;   /* "sha256": RSAES-OAEP with this digest for label and mask; NULL: not said */
};

/* der comes from a partner: anything malformed reads as nothing said at all. */
void capabilities_read(struct span der, struct capabilities *out);

/* What a signature says of us, who read everything we write: the profile's cipher first.  rsa: the signer's
 * key is an RSA key.  Free with sk_X509_ALGOR_pop_free(..., X509_ALGOR_free); NULL: out of memory. */
STACK_OF(X509_ALGOR) *capabilities_ours(const struct profile *profile, bool rsa);

#endif
