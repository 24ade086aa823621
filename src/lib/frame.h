/* frame.h - one document of the module protocol on a pipe (postern-modules(7))
 *
 * A frame is the document's length in decimal (1 to 10 digits, no sign, no
 * leading zero), a newline, and exactly that many bytes.
 */
#ifndef POSTERN_LIB_FRAME_H
#define POSTERN_LIB_FRAME_H

#include "lib/buf.h"
#include "lib/deadline.h"
#include "lib/error.h"

#define FRAME_MAX_DEFAULT ((size_t)1024 * 1024)

struct frame_reader {
	int fd;
	size_t max;       /* bytes of a document; E_LIMIT past it */
	struct buf input; /* read but not yet consumed */
	size_t taken;     /* bytes at its front that the caller was given last */
};

void frame_reader_init(struct frame_reader *r, int fd, size_t max);
void frame_reader_release(struct frame_reader *r); /* does not close fd */

/* Waits for one whole frame; *document points into the reader's memory until the next call.
 * E_NOTFOUND at end of file between frames; E_TEMP: end of file inside a frame, I/O error,
 * deadline over; E_PERM: not a frame; E_LIMIT: announced size over max (nothing of it is read). */
int frame_read(struct frame_reader *r, deadline until, struct span *document, struct error *err);

/* Takes a frame off the front of in-memory bytes: the parser behind frame_read, also for fuzzing.
 * Returns bytes consumed (> 0), 0 when more input is needed, or E_PERM / E_LIMIT. */
ptrdiff_t frame_parse(struct span input, size_t max, struct span *document, struct error *err);

/* The two halves of frame_read, for callers that poll several descriptors themselves.
 * frame_next: takes the next frame out of what was read: 1 and *document (until the next call), 0: more is
 * needed, or E_PERM / E_LIMIT.  What was handed out before is overwritten.
 * frame_fill: one read: 1 something came, 0 not now (non-blocking descriptor), E_NOTFOUND end of file between
 * frames, E_TEMP end of file inside a frame or I/O error. */
int frame_next(struct frame_reader *r, struct span *document, struct error *err);
int frame_fill(struct frame_reader *r, struct error *err);
void frame_drop(struct frame_reader *r); /* overwrites the document handed out last: it is not needed any more */
bool frame_idle(const struct frame_reader *r); /* nothing is left behind the document handed out last */

/* Appends a document as a frame to what is to be written. */
void frame_append(struct buf *out, struct span document);

/* Writes one frame; the descriptor may be non-blocking.  E_TEMP on error or deadline, E_NOTFOUND when nobody reads it any more. */
int frame_write(int fd, struct span document, deadline until, struct error *err);

#endif
