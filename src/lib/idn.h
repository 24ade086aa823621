/* idn.h - internationalised domains: U-labels and A-labels (RFC 3492, RFC 5890) */
#ifndef POSTERN_LIB_IDN_H
#define POSTERN_LIB_IDN_H

#include "lib/buf.h"

/* Nothing but ASCII in it: its domain has one form. */
bool idn_plain(struct span s);

/* Both append a domain of U-labels, A-labels or both as one text, in which all ways to write it are the same: ASCII in lower case; A-labels
 * decoded, or U-labels encoded.  false, and something half: it has a label that cannot be one (over-long; for idn_unicode also
 * empty, "xn--" that decodes to nothing or to ASCII), or is no UTF-8. */
bool idn_unicode(struct span domain, struct buf *out);
bool idn_ascii(struct span domain, struct buf *out);

/* RFC 3492: appends the decoded text of what follows "xn--", as UTF-8; false: it cannot be decoded. */
bool idn_decode(struct span label, struct buf *out);
/* Appends what follows "xn--" for a label, capital letters taken for small ones, which may be longer than a label is; false: no UTF-8, or
 * more than 63 characters. */
bool idn_encode(struct span label, struct buf *out);

#endif
