/* pkcs12.h - what is in a PKCS#12 file (RFC 7292), bag by bag
 *
 * PKCS12_parse gives one key and one certificate; files with several pairs, with the CA before the leaf, with
 * RC2-40 (only in OpenSSL's legacy provider) and with either kind of empty passphrase exist.
 */
#ifndef POSTERN_COMMON_PKCS12_H
#define POSTERN_COMMON_PKCS12_H

#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "lib/buf.h"
#include "lib/error.h"

struct pkcs12_visitor {
	int (*certificate)(void *ctx, X509 *certificate);        /* may be NULL; the certificate is freed afterwards */
	int (*private_key)(void *ctx, const PKCS8_PRIV_KEY_INFO *key); /* may be NULL; freed afterwards */
	int (*sealed_key)(void *ctx);                            /* may be NULL; there is a key, which is not opened */
	void *ctx;
};

/* Calls the visitor for everything in the file; ends at the first negative answer.  passphrase is tried first, then
 * the empty one.  E_CONFIG: none of them fits; E_PERM: broken, or an algorithm OpenSSL does not have. */
int pkcs12_visit(struct span der, const char *passphrase, const struct pkcs12_visitor *v, struct error *err);

#endif
