/* values.h - certificates out of what directories have in their attributes */
#ifndef POSTERN_KEYS_LDAP_VALUES_H
#define POSTERN_KEYS_LDAP_VALUES_H

#include "common/identifier.h"
#include "common/keys_order.h"
#include "keys-ldap/directory.h"

#define VALUE_MAX ((size_t)256 * 1024) /* bytes; a bundle with its chain has ten */

struct found {
	struct keys_candidate candidate;  /* own: this struct's value */
	const struct value *value;
};

/* The certificates in the values that serve the address (keys_order.h), the best to encrypt to first, without copies.  What is
 * no certificate, or somebody else's, is logged, one line for each value.  source: of the directory, for the log.  Everything lives
 * in the arena. */
size_t values_for_address(struct arena *arena, const struct query *q, const char *source, const char *address, struct found **out);

/* The same by identifier. */
size_t values_for_identifier(struct arena *arena, const struct query *q, const char *source, const struct identifier *id,
			     struct found **out);

/* "SOURCE/DN" as people would look for it. */
const char *value_source(struct arena *arena, const char *source, const struct value *v);

/* What the owner of the certificate can read (RFC 8551 2.5.2): the SMIMECapabilities in a SignedData (userSMIMECertificate, RFC 2798
 * 2.8) that this certificate's key has signed, base64; NULL: none. */
const char *value_capabilities(struct arena *arena, struct span signed_data, struct span certificate);

#endif
