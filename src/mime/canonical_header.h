/* canonical_header.h - header fields of what is signed */
#ifndef POSTERN_MIME_CANONICAL_HEADER_H
#define POSTERN_MIME_CANONICAL_HEADER_H

#include "mime/entity.h"

/* Appends the fields of e with CRLF, without the empty line: every field of a part; of the entity that is signed
 * (root) only Content-*, and a Content-Type if there was none (a Content-Length would be wrong later and is left
 * out).  What is not 7-bit is written anew by RFC 2047 and 2231, lines of blanks are left out.  encoding: replaces the
 * Content-Transfer-Encoding; NULL leaves it as it is, "" leaves it out. */
void canonical_header(const struct entity *e, bool root, const char *encoding, struct buf *out);

#endif
