/* base64.h - RFC 4648 section 4, for the module protocol and for MIME bodies */
#ifndef POSTERN_LIB_BASE64_H
#define POSTERN_LIB_BASE64_H

#include "lib/buf.h"

/* Appends the encoding of n bytes to *out.  line > 0: a break eol after every
 * line characters (76 for MIME) and at the end. */
void base64_encode(struct buf *out, const void *p, size_t n, size_t line, const char *eol);

/* Appends the decoded bytes.  White space is skipped.  strict: anything else
 * outside the alphabet, missing padding or bits after the end is E_PERM;
 * lenient (MIME, RFC 2045 6.8): foreign characters are skipped, decoding ends at the
 * first padded quantum.  Returns 0 or E_PERM; the output is then undefined. */
int base64_decode(struct buf *out, struct span in, bool strict);

#endif
