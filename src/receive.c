/* receive.c - standard input into an unlinked file: in the spool, or in memory if the first piece is all of it */
#include "receive.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/digest.h"
#include "lib/fs.h"

#define PIECE ((size_t)64 * 1024)
#define FROM_LINE_MAX ((size_t)1024)

struct reading {
	struct received *out;
	struct digest hash;
	bool past_from_line; /* hashing has begun */
	uint64_t limit;
};

static ssize_t read_some(int from, char *p, size_t n, deadline until, struct error *err)
{
	struct pollfd pfd = { .fd = from, .events = POLLIN };

	for (;;) {
		int ready = poll(&pfd, 1, deadline_left(until));
		ssize_t k;

		if (ready == 0)
			return error_set(err, E_TEMP, "message did not arrive before the deadline");
		if (ready < 0 && errno == EINTR)
			continue;
		k = read(from, p, n);
		if (k < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		return k < 0 ? error_set(err, E_TEMP, "reading the message: %s", strerror(errno)) : k;
	}
}

/* Postfix and Sendmail put the time of the attempt into the From line: it is not part of the identity. */
static void hash(struct reading *r, const char *p, size_t n)
{
	if (!r->past_from_line && n >= 5 && memcmp(p, "From ", 5) == 0) {
		const char *end = memchr(p, '\n', n > FROM_LINE_MAX ? FROM_LINE_MAX : n);

		if (end) {
			n -= (size_t)(end + 1 - p);
			p = end + 1;
		}
	}
	r->past_from_line = true;
	digest_add(&r->hash, p, n);
}

/* The first piece is filled up, so that the From line is seen whole. */
static ssize_t fill(int from, char *p, size_t n, deadline until, struct error *err)
{
	size_t have = 0;

	while (have < n) {
		ssize_t k = read_some(from, p + have, n - have, until, err);

		if (k < 0)
			return k;
		if (k == 0)
			break;
		have += (size_t)k;
	}
	return (ssize_t)have;
}

int receive(int from, const char *spool, uint64_t limit, deadline until, struct received *out, struct error *err)
{
	struct reading r = { .out = out, .limit = limit };
	char piece[PIECE];
	bool too_big = false;

	*out = (struct received){ .fd = -1 };
	digest_init(&r.hash);
	for (;;) {
		ssize_t n = fill(from, piece, sizeof(piece), until, err);

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		too_big = too_big || out->size + (uint64_t)n > limit;
		if (too_big)
			continue;
		hash(&r, piece, (size_t)n);
		if (out->fd < 0) {
			out->small = (size_t)n < sizeof(piece);
			out->fd = out->small ? fs_temporary_small(spool, err) : fs_temporary(spool, err);
		}
		if (out->fd < 0)
			return out->fd;
		if (fs_write_all(out->fd, piece, (size_t)n, err) < 0)
			return error_prefix(err, "spool %s", spool);
		out->size += (uint64_t)n;
	}
	if (too_big)
		return error_set(err, E_LIMIT, "message is bigger than message_size_limit (%llu bytes)",
				 (unsigned long long)limit);
	if (!out->size)
		return error_set(err, E_PERM, "message is empty");
	digest_hex(&r.hash, out->digest);
	return 0;
}
