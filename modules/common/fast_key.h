/* fast_key.h - a private key from its numbers, without OpenSSL's decoders
 *
 * Looking for a decoder for a key costs OpenSSL 3.0 three times what signing with it does.  The two common kinds are so
 * simple that they are read here (RFC 8017 A.1.2, RFC 5915); everything else goes the long way.
 */
#ifndef POSTERN_COMMON_FAST_KEY_H
#define POSTERN_COMMON_FAST_KEY_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "lib/buf.h"

/* What a SubjectPublicKeyInfo or PrivateKeyInfo says: the algorithm (content of the OID), its parameters (one element or
 * nothing) and the key: RSAPublicKey, point, RSAPrivateKey, ECPrivateKey. */
struct key_info {
	struct span algorithm, parameters, key;
};

bool key_info_public(struct span spki_content, struct key_info *out);
/* OpenSSL's short name of the curve that the key is on; NULL: it is on none, or on one without a name. */
const char *key_info_curve(const struct key_info *k);
bool key_info_private(struct span pkcs8, struct key_info *out);
/* The older forms say the algorithm in the PEM label: "RSA PRIVATE KEY", "EC PRIVATE KEY". */
bool key_info_older(struct span label, struct span der, struct key_info *out);

/* The key if it is the private half of public.  *unsure: this is not the place to tell, go the long way. */
EVP_PKEY *fast_key(const struct key_info *private, const struct key_info *public, bool *unsure);

#endif
