/* content.h - what a message says, apart from how it is written: to see whether a scanner has changed it */
#ifndef POSTERN_CONTENT_H
#define POSTERN_CONTENT_H

#include "lib/digest.h"
#include "mime/entity.h"

#define CONTENT_HEX DIGEST_HEX

/* SHA-256 of the Subject and of all parts: their order, nesting, types, file names and decoded contents with LF line breaks.
 * The same for what a mail server may do on the way (other transfer encodings and boundaries, folding, line breaks, line
 * breaks at the end, new header fields); different for whatever a reader would see.  subject: the field's value, folded or
 * not; message: an entity or a message.  E_LIMIT past a limit of MIME. */
int content_digest(struct arena *a, struct span subject, struct span message, const struct mime_limits *limits,
		   char out[CONTENT_HEX + 1], struct error *err);

#endif
