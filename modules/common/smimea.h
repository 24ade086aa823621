/* smimea.h - certificates in the DNS: owner names and record data (RFC 8162, RFC 6698 section 2.1) */
#ifndef POSTERN_COMMON_SMIMEA_H
#define POSTERN_COMMON_SMIMEA_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/error.h"

#define SMIMEA_TYPE 53 /* of the resource record */

enum { SMIMEA_PKIX_TA, SMIMEA_PKIX_EE, SMIMEA_DANE_TA, SMIMEA_DANE_EE, SMIMEA_USAGES };
enum { SMIMEA_CERTIFICATE, SMIMEA_PUBLIC_KEY, SMIMEA_SELECTORS };
enum { SMIMEA_EXACT, SMIMEA_SHA256, SMIMEA_SHA512, SMIMEA_MATCHINGS };

struct smimea {
	unsigned usage, selector, matching;
	struct span data; /* points into the record */
};

/* Appends the name at which an address's records stand: the first 28 bytes of the SHA-256 of its local part in hex, "_smimecert", its
 * domain (RFC 8162 section 3).  Quotes around a local part do not count, its case does.  U-labels of the domain
 * become A-labels.  E_PERM: no address, or a domain that cannot be asked for (a literal). */
int smimea_name(const char *address, struct buf *out, struct error *err);

/* Record data taken apart.  false: too short, or a word of a later version. */
bool smimea_read(struct span record, struct smimea *out);

/* Appends the record data for a certificate (DER).  E_PERM: it is none. */
int smimea_make(struct span certificate, unsigned usage, unsigned selector, unsigned matching, struct buf *out, struct error *err);

#endif
