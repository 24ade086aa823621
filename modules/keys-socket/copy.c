/* copy.c - bytes from standard input to a socket, and from there to standard output */
#include "keys-socket/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/mem.h"

#define PIECE ((size_t)64 * 1024)

/* What was read at one end and not yet written at the other. */
struct way {
	int from, to;
	char bytes[PIECE];
	size_t begin, end;
	bool over;         /* nothing more comes */
};

static bool is_empty(const struct way *w)
{
	return w->begin == w->end;
}

/* 0, or E_TEMP: an end is broken. */
static int read_piece(struct way *w, struct error *err)
{
	ssize_t n = read(w->from, w->bytes, sizeof(w->bytes));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n < 0 && errno != ECONNRESET)
		return error_set(err, E_TEMP, "read: %s", strerror(errno));
	w->begin = 0;
	w->end = n > 0 ? (size_t)n : 0;
	w->over = n <= 0;
	return 0;
}

static int write_piece(struct way *w, struct error *err)
{
	ssize_t n = write(w->to, w->bytes + w->begin, w->end - w->begin);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n < 0)
		return error_set(err, E_TEMP, "write: %s", strerror(errno));
	w->begin += (size_t)n;
	if (is_empty(w))
		mem_wipe(w->bytes, w->end);
	return 0;
}

static struct pollfd waits_for(const struct way *w)
{
	if (!is_empty(w))
		return (struct pollfd){ .fd = w->to, .events = POLLOUT };
	return (struct pollfd){ .fd = w->over ? -1 : w->from, .events = POLLIN };
}

static int serve(struct way *w, short happened, struct error *err)
{
	if (!happened)
		return 0;
	return is_empty(w) ? read_piece(w, err) : write_piece(w, err);
}

static int run(struct way *out, struct way *back, struct error *err)
{
	bool passed_on = false;
	int rc = 0;

	while (rc == 0 && !(back->over && is_empty(back))) {
		struct pollfd p[] = { waits_for(out), waits_for(back) };

		if (out->over && is_empty(out) && !passed_on) {
			shutdown(out->to, SHUT_WR);
			passed_on = true;
		}
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return error_set(err, E_TEMP, "poll: %s", strerror(errno));
		rc = serve(back, p[1].revents, err);
		if (rc == 0)
			rc = serve(out, p[0].revents, err);
	}
	return rc;
}

/* The service may have closed its end already: what it said before is still to be read. */
static int send_all(int fd, struct span s, struct error *err)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, E_TEMP, "write: %s", strerror(errno));
		s = span_sub(s, (size_t)n, s.n);
	}
	return 0;
}

int copy_both_ways(struct frame_reader *in, struct span first, int socket, struct error *err)
{
	struct way *out = mem_alloc(sizeof(*out)), *back = mem_alloc(sizeof(*back));
	struct buf begin = BUF_INIT;
	int rc;

	frame_append(&begin, first);
	buf_add(&begin, in->input.data + in->taken, in->input.len - in->taken);
	rc = send_all(socket, span_from(begin.data, begin.len), err);
	out->from = STDIN_FILENO;
	back->to = STDOUT_FILENO;
	out->to = back->from = socket;
	fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
	fcntl(socket, F_SETFL, O_NONBLOCK);
	if (rc == 0)
		rc = run(out, back, err);
	buf_wipe(&begin);
	mem_wipe(out, sizeof(*out));
	mem_wipe(back, sizeof(*back));
	free(out);
	free(back);
	return rc;
}
