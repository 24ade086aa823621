/* mailbox.h - mail addresses of certificates, compared: ASCII and internationalised (RFC 5280 section 7.5, RFC 9598) */
#ifndef POSTERN_CHECK_PATH_MAILBOX_H
#define POSTERN_CHECK_PATH_MAILBOX_H

#include <stdbool.h>

#include "lib/buf.h"

/* The same in whatever form. */
bool mailbox_same_domain(struct span a, struct span b);

/* Same mailbox: local parts equal but for ASCII case, domains the same in whatever form. */
bool mailbox_equal(struct span a, struct span b);

/* Whether a constraint on rfc822Names (RFC 5280 section 4.2.1.10: a mailbox, a host, or a domain with a dot in front)
 * covers the mailbox. */
bool mailbox_within(struct span mailbox, struct span constraint);

#endif
