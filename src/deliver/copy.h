/* copy.h - the pieces of a message into a descriptor, never a whole message in memory */
#ifndef POSTERN_DELIVER_COPY_H
#define POSTERN_DELIVER_COPY_H

#include "deliver/parcel.h"

#define COPY_PIECE ((size_t)64 * 1024)

/* A position in the concatenated segments; {segments, n} is the start. */
struct segment_reader {
	const struct segment *segments;
	size_t n;
	size_t at;     /* index of the current segment */
	uint64_t done; /* bytes of it already taken */
};

/* Up to n of the next bytes.  Returns how many, 0 at the end; E_TEMP when a file cannot be read or is shorter
 * than its segment says (such a message must never go out). */
ssize_t segment_read(struct segment_reader *r, void *p, size_t n, struct error *err);

uint64_t segments_length(const struct segment *segments, size_t n);

/* "\r\n" if the first line of the message ends so, else "\n"; a literal. */
int segments_eol(const struct segment *segments, size_t n, const char **eol, struct error *err);

/* All of it into a file: copy_file_range(2), else pread and write. */
int copy_to_file(int out, const struct segment *segments, size_t n, struct error *err);

#endif
