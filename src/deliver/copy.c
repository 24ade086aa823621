/* copy.c - the pieces of a message into a descriptor, never a whole message in memory
 *
 * The kernel moves the bytes where it can; everywhere else a buffer of 64 KB does.  Nothing is mapped, so
 * a truncated file is an error and not a signal.
 */
#include "deliver/copy.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fs.h"

#define KERNEL_PIECE ((uint64_t)16 * 1024 * 1024)

static bool at_end(struct segment_reader *r)
{
	while (r->at < r->n && r->done == r->segments[r->at].length) {
		r->at++;
		r->done = 0;
	}
	return r->at == r->n;
}

/* The file offset of the next byte and how many follow in this segment, at most `most`. */
static size_t next_piece(const struct segment_reader *r, uint64_t most, off_t *offset)
{
	const struct segment *s = &r->segments[r->at];
	uint64_t left = s->length - r->done;

	*offset = s->offset + (off_t)r->done;
	return (size_t)(left < most ? left : most);
}

static int truncated(struct error *err)
{
	return error_set(err, E_TEMP, "the message's file is shorter than it was");
}

ssize_t segment_read(struct segment_reader *r, void *p, size_t n, struct error *err)
{
	size_t taken = 0;

	while (taken < n && !at_end(r)) {
		off_t offset;
		size_t want = next_piece(r, n - taken, &offset);
		ssize_t k = pread(r->segments[r->at].fd, (char *)p + taken, want, offset);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return error_set(err, E_TEMP, "reading the message: %s", strerror(errno));
		if (k == 0)
			return truncated(err);
		r->done += (uint64_t)k;
		taken += (size_t)k;
	}
	return (ssize_t)taken;
}

uint64_t segments_length(const struct segment *segments, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += segments[i].length;
	return sum;
}

int segments_eol(const struct segment *segments, size_t n, const char **eol, struct error *err)
{
	struct segment_reader r = { .segments = segments, .n = n };
	char *piece = mem_resize(NULL, COPY_PIECE);
	ssize_t k = segment_read(&r, piece, COPY_PIECE, err);
	const char *lf = k > 0 ? memchr(piece, '\n', (size_t)k) : NULL;

	*eol = lf && lf > piece && lf[-1] == '\r' ? "\r\n" : "\n";
	free(piece);
	return k < 0 ? E_TEMP : 0;
}

static int copy_rest_by_hand(int out, struct segment_reader *r, struct error *err)
{
	char *piece = mem_resize(NULL, COPY_PIECE);
	ssize_t k;
	int rc = 0;

	while (rc == 0 && (k = segment_read(r, piece, COPY_PIECE, err)) != 0)
		rc = k < 0 ? E_TEMP : fs_write_all(out, piece, (size_t)k, err);
	free(piece);
	return rc;
}

int copy_to_file(int out, const struct segment *segments, size_t n, struct error *err)
{
	struct segment_reader r = { .segments = segments, .n = n };

	while (!at_end(&r)) {
		off_t offset;
		size_t want = next_piece(&r, KERNEL_PIECE, &offset);
		ssize_t k = copy_file_range(segments[r.at].fd, &offset, out, NULL, want, 0);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0) /* another file system, an old kernel, or really an error: then that says so */
			return copy_rest_by_hand(out, &r, err);
		r.done += (uint64_t)k;
	}
	return 0;
}
