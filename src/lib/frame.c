/* frame.c - one document of the module protocol on a pipe (postern-modules(7)) */
#include "lib/frame.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/error.h"
#include "lib/mem.h"

#define DIGITS_MAX 10
#define PIECE ((size_t)2 * 1024) /* most documents are shorter; for long ones the room doubles */

void frame_reader_init(struct frame_reader *r, int fd, size_t max)
{
	*r = (struct frame_reader){ .fd = fd, .max = max };
}

void frame_reader_release(struct frame_reader *r)
{
	buf_wipe(&r->input);
}

ptrdiff_t frame_parse(struct span input, size_t max, struct span *document, struct error *err)
{
	ptrdiff_t digits = span_find(span_sub(input, 0, DIGITS_MAX + 1), '\n');
	uint64_t size;

	*document = span_from(NULL, 0);
	for (size_t i = 0; i < input.n && i <= DIGITS_MAX && input.p[i] != '\n'; i++)
		if (!ascii_digit((unsigned char)input.p[i]))
			return error_set(err, E_PERM, "not a frame: byte 0x%02x in the length",
					 (unsigned char)input.p[i]);
	if (digits < 0 && input.n > DIGITS_MAX)
		return error_set(err, E_PERM, "not a frame: the length has more than %d digits", DIGITS_MAX);
	if (digits < 0)
		return 0;
	if (digits == 0 || input.p[0] == '0')
		return error_set(err, E_PERM, "not a frame: the length is empty or begins with 0");
	if (!span_number(span_sub(input, 0, (size_t)digits), UINT64_MAX, &size) || size > max)
		return error_set(err, E_LIMIT, "frame of %.*s bytes, the limit is %zu", (int)digits, input.p, max);
	if (input.n - (size_t)digits - 1 < size)
		return 0;
	*document = span_sub(input, (size_t)digits + 1, (size_t)digits + 1 + size);
	return digits + 1 + (ptrdiff_t)size;
}

static int wait_for(int fd, short events, deadline until, struct error *err)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int n = poll(&p, 1, deadline_left(until));

		if (n > 0)
			return 0;
		if (n == 0)
			return error_set(err, E_TEMP, "no answer in time");
		if (errno != EINTR)
			return error_set(err, E_TEMP, "poll: %s", strerror(errno));
	}
}

/* Input begins with a frame again.  Documents may hold secrets: the bytes left behind are overwritten. */
void frame_drop(struct frame_reader *r)
{
	size_t left = r->input.len - r->taken;

	if (!r->taken)
		return;
	memmove(r->input.data, r->input.data + r->taken, left);
	mem_wipe(r->input.data + left, r->taken);
	r->input.len = left;
	r->taken = 0;
}

int frame_next(struct frame_reader *r, struct span *document, struct error *err)
{
	ptrdiff_t used;

	frame_drop(r);
	used = frame_parse(span_from(r->input.data, r->input.len), r->max, document, err);
	if (used < 0)
		return (int)used;
	r->taken = (size_t)used;
	return used > 0;
}

bool frame_idle(const struct frame_reader *r)
{
	return r->input.len == r->taken;
}

int frame_fill(struct frame_reader *r, struct error *err)
{
	ssize_t n;

	frame_drop(r);
	buf_reserve(&r->input, PIECE);
	n = read(r->fd, r->input.data + r->input.len, r->input.cap - r->input.len - 1);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n < 0)
		return error_set(err, E_TEMP, "read: %s", strerror(errno));
	if (n == 0)
		return r->input.len ? error_set(err, E_TEMP, "end of file inside a frame")
				    : error_set(err, E_NOTFOUND, "end of file");
	r->input.len += (size_t)n;
	return 1;
}

int frame_read(struct frame_reader *r, deadline until, struct span *document, struct error *err)
{
	for (;;) {
		int rc = frame_next(r, document, err);

		if (rc != 0)
			return rc < 0 ? rc : 0;
		if (wait_for(r->fd, POLLIN, until, err) < 0)
			return E_TEMP;
		rc = frame_fill(r, err);
		if (rc < 0)
			return rc;
	}
}

void frame_append(struct buf *out, struct span document)
{
	buf_addf(out, "%zu\n", document.n);
	buf_add(out, document.p, document.n);
}

/* What is still to be written: the length, the document. */
struct pieces {
	struct iovec items[2];
	int first;
};

static void count_written(struct pieces *p, size_t n)
{
	for (; p->first < 2 && n >= p->items[p->first].iov_len; p->first++)
		n -= p->items[p->first].iov_len;
	if (p->first < 2) {
		p->items[p->first].iov_base = (char *)p->items[p->first].iov_base + n;
		p->items[p->first].iov_len -= n;
	}
}

/* Whether the kernel (before 6.4, for pipes) or the kind of file cannot promise not to wait. */
static bool may_wait(int error)
{
	return error == EOPNOTSUPP || error == ENOSYS || error == EINVAL || error == ESPIPE;
}

int frame_write(int fd, struct span document, deadline until, struct error *err)
{
	char length[32];
	struct pieces p = { .items = { { length, (size_t)snprintf(length, sizeof(length), "%zu\n", document.n) },
				       { (char *)(uintptr_t)document.p, document.n } } };
	bool at_once = true; /* there is room nearly always, and what has not got it is never waited for in the write itself */
	bool waited = false;

	while (p.first < 2) {
		ssize_t k = at_once ? pwritev2(fd, p.items + p.first, 2 - p.first, -1, RWF_NOWAIT)
				    : writev(fd, p.items + p.first, 2 - p.first);

		if (k >= 0) {
			count_written(&p, (size_t)k);
			waited = false;
		} else if (errno == EAGAIN || (at_once && may_wait(errno))) {
			at_once = at_once && errno == EAGAIN && !waited;
			waited = true;
			if (wait_for(fd, POLLOUT, until, err) < 0)
				return E_TEMP;
		} else if (errno != EINTR) {
			return error_set(err, errno == EPIPE ? E_NOTFOUND : E_TEMP, "write: %s", strerror(errno));
		}
	}
	return 0;
}
