/* canonical.h - the form of an entity that is signed (RFC 8551 section 3.1) */
#ifndef POSTERN_MIME_CANONICAL_H
#define POSTERN_MIME_CANONICAL_H

#include "mime/entity.h"

/* Appends the MIME entity of a message, or of a part of it, as it is to be signed or encrypted: its Content-* fields
 * (and only these, with "Content-Type: text/plain; charset=us-ascii" or utf-8 if absent) and its body, CRLF line breaks
 * throughout, 7-bit: 8-bit and binary leaves become quoted-printable or base64, lines over 998 bytes too, trailing
 * blanks and lines beginning "From " are protected; a multipart keeps its boundary, preamble and epilogue of the root
 * are left out.  Parts that are themselves signed or encrypted (multipart/signed, application/pkcs7-mime,
 * multipart/encrypted, application/pgp-*), message/rfc822 and other message/ parts, and parts of unknown transfer
 * encoding are not changed apart from line breaks; 8-bit bytes in multiparts and message/ parts stay and are labelled 8bit
 * up to the root; other parts that are not 7-bit, NUL, a lone CR or an over-long line are E_PERM.
 * text/calendar and application/ms-tnef keep type, parameters and decoded bytes. */
int canonical_entity(const struct entity *root, struct buf *out, struct error *err);

/* The same entity where that fails: its own bytes with CRLF line breaks, 8-bit or whatever they are.  It survives
 * transport only inside of base64: as content of SignedData or EnvelopedData. */
void canonical_as_is(const struct entity *root, struct buf *out);

/* Appends s with every bare LF as CRLF; CRLF stays, and so does a CR that is not before an LF. */
void canonical_lines(struct span s, struct buf *out);
/* Appends s with CRLF as LF (for eol "\n") or canonical_lines (for "\r\n"). */
void convert_lines(struct span s, const char *eol, struct buf *out);

#endif
