/* charset.h - text in any charset as UTF-8 that can be shown, logged and put into XML */
#ifndef POSTERN_MIME_CHARSET_H
#define POSTERN_MIME_CHARSET_H

#include "lib/buf.h"

#define UTF8_REPLACEMENT "\xef\xbf\xbd"

int hex_digit(int c); /* 0 to 15, -1 for what is none */

/* Length of the well-formed UTF-8 sequence (RFC 3629) at p, 0 if there is none in n bytes. */
size_t utf8_length(const char *p, size_t n);

/* Appends bytes that should be UTF-8: CR and LF become blanks; what is ill-formed, a control character other than
 * HTAB, or U+FFFE and U+FFFF (no XML text) becomes U+FFFD. */
void text_append(struct buf *out, struct span bytes);

/* Appends bytes of a charset as text_append does.  Only charsets that mail uses are given to iconv(3), which
 * would otherwise load whatever a sender names.  Bytes the charset does not have become U+FFFD.
 * false, nothing appended: charset unknown and the bytes not all printable ASCII. */
bool text_convert(struct buf *out, struct span charset, struct span bytes);

#endif
