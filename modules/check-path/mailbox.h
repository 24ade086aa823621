/* mailbox.h - mail addresses of certificates, compared: ASCII and internationalised (RFC 5280 section 7.5, RFC 9598) */
#ifndef POSTERN_CHECK_PATH_MAILBOX_H
#define POSTERN_CHECK_PATH_MAILBOX_H

#include <stdbool.h>

#include "lib/buf.h"

/* A domain of U-labels, A-labels or both, as one text for all ways to write it: ASCII in lower case, A-labels decoded.
 * false: it has a label that cannot be one (empty, over-long, "xn--" that decodes to nothing or to ASCII), or is no UTF-8. */
bool mailbox_domain(struct span domain, struct buf *out);

/* RFC 3492: appends the decoded text of what follows "xn--", as UTF-8; false: it cannot be decoded. */
bool mailbox_punycode(struct span label, struct buf *out);

/* The same in whatever form. */
bool mailbox_same_domain(struct span a, struct span b);

/* Same mailbox: local parts equal but for ASCII case, domains the same in whatever form. */
bool mailbox_equal(struct span a, struct span b);

/* Whether a constraint on rfc822Names (RFC 5280 section 4.2.1.10: a mailbox, a host, or a domain with a dot in front)
 * covers the mailbox. */
bool mailbox_within(struct span mailbox, struct span constraint);

#endif
