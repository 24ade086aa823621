/* identifier.h - a certificate as a request names it: <by> and <recipient> of postern-modules(7), RFC 5652 section 10.2.4 and 6.2.1 */
#ifndef POSTERN_COMMON_IDENTIFIER_H
#define POSTERN_COMMON_IDENTIFIER_H

#include <openssl/x509.h>

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/xml.h"

/* Issuer and serial number, or the key identifier, or both. */
struct identifier {
	X509_NAME *issuer;
	ASN1_INTEGER *serial; /* NULL: neither of the two */
	struct buf key_id;    /* empty: none */
};

/* The attributes issuer (DER Name in base64) and serial (the INTEGER's content in hex), or key-id (hex).  The struct itself is
 * in the arena; what it holds is given back by identifier_release.  E_PERM: broken, or neither is there. */
int identifier_read(struct arena *arena, const struct xml *e, struct identifier **out, struct error *err);
void identifier_release(struct identifier *id); /* NULL is fine */

/* Whether the certificate is the one that is meant: by issuer and serial number if they are known (names compared as RFC 5280
 * section 7.1 says), else by key identifier (certificate_key_id).  What is no certificate is not. */
bool identifier_matches(const struct identifier *id, struct span certificate_der);

#endif
