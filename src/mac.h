/* mac.h - header fields that nobody else can write: "name=value; name=value; ... mac=..." with a keyed MAC (RFC 2104)
 *
 * One text without blanks is what the MAC is of; on the wire it is folded at will.  Each kind of field has a label, so that
 * none can stand for another.
 */
#ifndef POSTERN_MAC_H
#define POSTERN_MAC_H

#include <openssl/types.h>

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "mime/header.h"

#define MAC_BYTES 32

struct mac_kind {
	const char *field; /* its name */
	const char *label; /* what the MAC begins with */
	size_t longest;    /* of the text without blanks and MAC; 0: as long as a header may be */
};

/* Appends ";name=value"; nothing for an empty value.  What could end a value, hide in a header or fold is written as %XX. */
void mac_add_value(struct buf *out, const char *name, const char *value);

/* Appends the field with the text and its MAC. */
int mac_write(struct buf *out, OSSL_LIB_CTX *ctx, struct span key, const struct mac_kind *kind, const char *text, const char *eol,
	      struct error *err);

/* The text of the one field of that kind.  E_NOTFOUND: there is none; E_PERM: more than one, too long, or not ours. */
int mac_read(struct arena *a, OSSL_LIB_CTX *ctx, struct span key, const struct mac_kind *kind, const struct header *h,
	     const char **text, struct error *err);

/* The value of that name, as it was written; "" if the text has none. */
const char *mac_value(struct arena *a, const char *text, const char *name);

/* HMAC-SHA256 of label and text. */
int mac_of(OSSL_LIB_CTX *ctx, struct span key, const char *label, struct span text, unsigned char out[MAC_BYTES],
	   struct error *err);

#endif
