/* ber.h - reading BER one element at a time, without copies (X.690)
 *
 * What CMS structures claim about themselves is looked at before OpenSSL sees
 * them; only what that needs is here.
 */
#ifndef POSTERN_SMIME_BER_H
#define POSTERN_SMIME_BER_H

#include "lib/buf.h"
#include "lib/error.h"

enum {
	BER_INTEGER = 0x02,
	BER_OCTETS = 0x04,
	BER_OID = 0x06,
	BER_SEQUENCE = 0x30,
	BER_SET = 0x31,
	BER_CONTEXT = 0x80,     /* [0] primitive; + number */
	BER_CONTEXT_CONSTRUCTED = 0xa0,
};

struct ber {
	unsigned char tag;    /* the identifier octet; 0x1f in the low bits: a high tag number */
	struct span content;  /* without the end-of-contents of an indefinite length */
	struct span whole;    /* with identifier and length */
};

/* Takes the next element off *rest.  1: there was one; 0: *rest is empty; E_PERM: not BER.
 * Linear in the element's length, whatever the nesting. */
int ber_next(struct span *rest, struct ber *out);

/* As above, but the element must be there and have this tag; else false and *rest stays. */
bool ber_expect(struct span *rest, unsigned char tag, struct ber *out);

/* Takes the next element if it has this tag or its primitive/constructed twin (tags of strings in BER). */
bool ber_optional(struct span *rest, unsigned char tag, struct ber *out);

/* A non-negative INTEGER's value, at most max; false otherwise. */
bool ber_number(const struct ber *e, unsigned max, unsigned *out);

#endif
