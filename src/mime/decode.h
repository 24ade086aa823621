/* decode.h - quoted-printable (RFC 2045 section 6.7) */
#ifndef POSTERN_MIME_DECODE_H
#define POSTERN_MIME_DECODE_H

#include "mime/entity.h"

/* Appends the decoded bytes; never fails: what is no encoding stays as it is. */
void qp_decode(struct buf *out, struct span in);

/* Appends text encoded: lines of at most 76 columns with CRLF, CRLF and LF of the input being line breaks, or with
 * binary every CR and LF encoded; a "From " at the start of a line, a lone dot and blanks at the end of one are encoded. */
void qp_encode(struct buf *out, struct span in, bool binary);

#endif
