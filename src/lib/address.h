/* address.h - mail addresses and domains as the envelope has them
 *
 * Only what is safe on a command line, in a pattern and in a log is an
 * address here (RFC 5321 section 4.1.2, dot-string or quoted-string local
 * part, without the characters that shells, MTAs and file names trip over).
 */
#ifndef POSTERN_LIB_ADDRESS_H
#define POSTERN_LIB_ADDRESS_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/mem.h"

#define ADDRESS_MAX 320 /* 64 + 1 + 255, RFC 5321 section 4.5.3.1 */

/* local@domain, no angle brackets.  UTF-8 is accepted (RFC 6531) when it is well formed.
 * E_PERM and the reason otherwise: empty, over-long, a leading '-', control characters, blanks,
 * no domain, two @ outside quotes, a shell's or router's characters (| < > ( ) ; , : \ ` $ " unless
 * the whole local part is a quoted-string of plain characters). */
int address_check(const char *address, struct error *err);

/* The same mailbox without quotes around a local part that needs none (RFC 5321 section 4.1.2), or the address as it is: "bob"@x is
 * bob@x, so that no rule about bob is evaded by two characters.  What is left in quotes is what a router or a command would read
 * otherwise without them. */
const char *address_unquoted(struct arena *a, const char *address);

/* The same mailbox with its domain in A-labels, if that is not ASCII (RFC 5891 section 4.4).  E_PERM: a label of it cannot be one. */
int address_to_ascii(struct arena *a, const char **address, struct error *err);

/* The part behind the last @, or "" if there is none.  Points into address. */
const char *address_domain(const char *address);

/* Same mailbox for us: ASCII case-insensitive, the domain in A-labels or in U-labels, every other byte equal; no trimming. */
bool address_equal(const char *a, const char *b);

/* Appends the one form in which addresses are kept and looked up: ASCII in lower case, the domain in A-labels.  "@domain" is fine. */
void address_form(struct span address, struct buf *out);

/* Well-formed UTF-8 (RFC 3629); NUL is allowed. */
bool utf8_valid(struct span s);

/* Bytes of the character at p (NUL-terminated) if it looks like nothing or turns what follows around: C1 controls, U+200B to 200F,
 * U+2028 to 202E, U+2060 to 206F; else 0. */
size_t utf8_invisible(const char *p);

/* Bytes of the character at p (NUL-terminated) that may stand in a line as it is; 0: a control character, an invisible one, or no UTF-8. */
size_t utf8_plain(const char *p);

/* One entry of local_domains: "example.org" is itself only, ".example.org" is every
 * subdomain (not itself); either in A-labels or U-labels. */
bool domain_matches(const char *domain, const char *entry);

#endif
