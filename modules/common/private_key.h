/* private_key.h - the private key of a certificate, out of bytes in any of the usual forms
 *
 * PEM: keys and certificates in any order, PKCS#8 (plain or encrypted) and the older forms; PKCS#12, in DER or PEM armour.
 * The key is chosen by the public key of the certificate, never by its place.
 */
#ifndef POSTERN_COMMON_PRIVATE_KEY_H
#define POSTERN_COMMON_PRIVATE_KEY_H

#include <openssl/evp.h>

#include "lib/buf.h"
#include "lib/error.h"

/* bytes: what holds keys, its name (for errors: a file, an entry of a directory); certificate: DER; passphrase: NULL if there is
 * none.  Free *out.  Failures are E_CONFIG with *code (the <refused> code, may not be NULL): "passphrase-needed", something in it
 * does not open with the passphrase; "no-key", nothing in it belongs to the certificate.  E_PERM: the certificate is broken. */
int private_key_find(struct span bytes, const char *name, struct span certificate, const char *passphrase, EVP_PKEY **out,
		     const char **code, struct error *err);

/* OpenSSL's memory that is locked and left out of dumps; again is harmless. */
void keys_start_secure_memory(void);

#endif
