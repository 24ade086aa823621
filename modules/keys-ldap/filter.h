/* filter.h - search filters (RFC 4515) from the operator's templates and strangers' values */
#ifndef POSTERN_KEYS_LDAP_FILTER_H
#define POSTERN_KEYS_LDAP_FILTER_H

#include "common/identifier.h"
#include "lib/buf.h"
#include "lib/error.h"

/* E_CONFIG: after a % in the template there is another letter than one of these (or %). */
int filter_check(const char *template, const char *letters, struct error *err);

/* Fills the template with the address (%s), its part before the @ (%u) and its domain (%d); every byte that could mean something
 * in a filter, or is not plain ASCII, becomes \XX.  An internationalised domain is asked for with A-labels or with U-labels. */
void filter_address(const char *template, const char *address, struct buf *out);

/* The same with a certificate's issuer (%i, RFC 4514; quotation marks doubled, as an assertion of RFC 4523 wants them) and its
 * serial number (%n decimal, %x hexadecimal without leading zeros); E_PERM: there is no such text. */
int filter_serial(const char *template, const struct identifier *id, struct buf *out, struct error *err);

/* The same with a key identifier (%b its bytes, %x in hexadecimal). */
void filter_key_id(const char *template, const struct identifier *id, struct buf *out);

#endif
