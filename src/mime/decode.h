/* decode.h - quoted-printable (RFC 2045 section 6.7) */
#ifndef POSTERN_MIME_DECODE_H
#define POSTERN_MIME_DECODE_H

#include "mime/entity.h"

/* Appends the decoded bytes; never fails: what is no encoding stays as it is. */
void qp_decode(struct buf *out, struct span in);

/* Appends text with CRLF line breaks encoded, in lines of at most 76 columns; a CR or LF alone is a byte like others.
 * Whatever a transport may change is encoded: blanks at the end of a line, "From " and "." at its start, and "--", so
 * that no line can become a boundary. */
void qp_encode(struct buf *out, struct span in);

#endif
