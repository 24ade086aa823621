/* wire.c - a connection to an SMTP or LMTP server: commands out, replies in, nothing past the deadline */
#include "deliver/wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "deliver/copy.h"
#include "lib/resolve.h"

#define SEND_AT ((size_t)64 * 1024)

static int fail(struct wire *w, const char *status, struct error *err, const char *text)
{
	w->trouble = status;
	return error_set(err, E_TEMP, "%s", text);
}

static int wait_for(struct wire *w, short events, deadline until, struct error *err)
{
	struct pollfd p = { .fd = w->fd, .events = events };

	for (;;) {
		int k = poll(&p, 1, deadline_left(until));

		if (k > 0)
			return 0;
		if (k == 0)
			return fail(w, "4.4.2", err, "no answer in time");
		if (errno != EINTR)
			return fail(w, "4.3.0", err, strerror(errno));
	}
}

static int connect_to(struct wire *w, const struct sockaddr *address, socklen_t length, deadline until, struct error *err)
{
	int on = 1, problem = 0;
	socklen_t size = sizeof(problem);

	w->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (w->fd < 0)
		return fail(w, "4.3.0", err, strerror(errno));
	if (address->sa_family != AF_UNIX)
		setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(w->fd, address, length) < 0) {
		problem = errno;
		if (problem == EINPROGRESS || problem == EINTR) {
			if (wait_for(w, POLLOUT, until, err) < 0) {
				wire_close(w);
				return fail(w, "4.4.1", err, "no connection in time");
			}
			if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &problem, &size) < 0)
				problem = errno;
		}
	}
	if (!problem)
		return 0;
	wire_close(w);
	return fail(w, "4.4.1", err, strerror(problem));
}

static int open_local(struct wire *w, const char *path, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, path, strlen(path)); /* its length was checked by the parser */
	return connect_to(w, (const struct sockaddr *)&address, sizeof(address), w->until, err);
}

/* Each address gets an even share of the time, so that one that is silent leaves some for the next. */
static int open_host(struct wire *w, const char *host, const char *port, struct error *err)
{
	struct endpoint e[ENDPOINTS_MAX];
	size_t n;
	int rc = resolve(host, port, w->until, e, &n, err);

	w->trouble = "4.4.3";
	for (size_t i = 0; i < n; i++) {
		deadline share = deadline_in(deadline_left(w->until) / (int)(n - i));

		rc = connect_to(w, (const struct sockaddr *)&e[i].address, e[i].length, share, err);
		if (rc == 0)
			break;
	}
	return rc;
}

int wire_open(struct wire *w, const struct destination *d, deadline until, struct error *err)
{
	*w = (struct wire){ .fd = -1, .until = until, .trouble = "" };
	return d->path ? open_local(w, d->path, err) : open_host(w, d->host, d->port, err);
}

void wire_close(struct wire *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	buf_release(&w->out);
}

static int out_of_turn(struct wire *w, struct error *err)
{
	return fail(w, "4.5.0", err, "the peer speaks out of turn");
}

/* Nothing may be here before we have said something: it would be taken for the reply to that. */
static int expect_silence(struct wire *w, struct error *err)
{
	char byte;
	ssize_t k = recv(w->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (k == 0)
		return fail(w, "4.4.2", err, "connection closed by the peer");
	return k > 0 ? out_of_turn(w, err) : 0;
}

int wire_flush(struct wire *w, struct error *err)
{
	size_t sent = 0;

	if (w->out.len && w->at < w->n)
		return out_of_turn(w, err);
	while (sent < w->out.len) {
		ssize_t k = send(w->fd, w->out.data + sent, w->out.len - sent, MSG_NOSIGNAL);

		if (k >= 0) {
			sent += (size_t)k;
			if (deadline_over(w->until))
				return fail(w, "4.4.2", err, "not done in time");
		} else if (errno == EAGAIN) {
			if (wait_for(w, POLLOUT, w->until, err) < 0)
				return E_TEMP;
		} else if (errno != EINTR) {
			return fail(w, "4.4.2", err, strerror(errno));
		}
	}
	buf_clear(&w->out);
	return 0;
}

/* Buffered; sent when enough has gathered or by wire_flush(). */
static int put(struct wire *w, const void *p, size_t n, struct error *err)
{
	buf_add(&w->out, p, n);
	return w->out.len < SEND_AT ? 0 : wire_flush(w, err);
}

int wire_putf(struct wire *w, struct error *err, const char *fmt, ...)
{
	char line[1100]; /* an address is at most 320 bytes, checked before */
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line))
		return fail(w, "4.3.0", err, "a command would be too long");
	return put(w, line, (size_t)n, err);
}

static int fill(struct wire *w, struct error *err)
{
	for (;;) {
		ssize_t k = recv(w->fd, w->in, sizeof(w->in), 0);

		if (k > 0) {
			w->at = 0;
			w->n = (size_t)k;
			return 0;
		}
		if (k == 0)
			return fail(w, "4.4.2", err, "connection closed by the peer");
		if (errno == EAGAIN) {
			if (wait_for(w, POLLIN, w->until, err) < 0)
				return E_TEMP;
		} else if (errno != EINTR) {
			return fail(w, "4.4.2", err, strerror(errno));
		}
		if (deadline_over(w->until))
			return fail(w, "4.4.2", err, "no answer in time");
	}
}

/* One line up to LF, without CR LF; what is over REPLY_LINE_MAX is dropped, and no more than dropped_max of that. */
static int read_line(struct wire *w, struct buf *line, struct error *err)
{
	static const size_t dropped_max = 64 * REPLY_LINE_MAX;
	size_t seen = 0;

	buf_clear(line);
	for (;;) {
		const char *from, *lf;
		size_t n, room;

		if (w->at == w->n && fill(w, err) < 0)
			return E_TEMP;
		if (deadline_over(w->until)) /* a peer that drips bytes for ever */
			return fail(w, "4.4.2", err, "no answer in time");
		from = w->in + w->at;
		n = w->n - w->at;
		lf = memchr(from, '\n', n);
		if (lf)
			n = (size_t)(lf - from);
		room = REPLY_LINE_MAX - line->len;
		buf_add(line, from, n < room ? n : room);
		w->at += n + (lf != NULL);
		seen += n;
		if (lf)
			break;
		if (seen > dropped_max)
			return fail(w, "4.5.0", err, "the peer's reply has no end");
	}
	if (line->len && line->data[line->len - 1] == '\r')
		line->len--;
	return 0;
}

bool reply_line_parse(struct span line, int *code, bool *last, struct span *text)
{
	if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5')
		return false;
	if (!ascii_digit((unsigned char)line.p[1]) || !ascii_digit((unsigned char)line.p[2]))
		return false;
	if (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-')
		return false;
	*code = (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + (line.p[2] - '0');
	*last = line.n == 3 || line.p[3] == ' ';
	*text = span_sub(line, 4, line.n);
	return true;
}

static int not_a_reply(struct wire *w, struct span line, struct error *err)
{
	char said[TEXT_MAX + 1];

	text_make_line(line, said);
	w->trouble = "4.5.0";
	return error_set(err, E_TEMP, "the peer said what is no reply: \"%.100s\"", said);
}

/* The text of a further line, without the status that is repeated on each (RFC 2034). */
static void add_text(struct buf *all, struct span text, char class, char status[STATUS_MAX])
{
	char again[STATUS_MAX];

	if (!*status)
		status_parse(text, class, status);
	else if (status_parse(text, class, again) && strcmp(again, status) == 0)
		text = span_sub(text, strlen(again), text.n);
	if (all->len > 2 * TEXT_MAX)
		return;
	buf_addch(all, ' ');
	buf_add(all, text.p, text.n);
}

static int read_reply(struct wire *w, struct reply *out, reply_line_call *each, void *arg, struct buf *line, struct buf *all,
		      struct error *err)
{
	bool last = false;

	for (size_t i = 0; !last; i++) {
		struct span text;
		int code;

		if (i == REPLY_LINES_MAX)
			return fail(w, "4.5.0", err, "the peer's reply has too many lines");
		if (read_line(w, line, err) < 0)
			return E_TEMP;
		if (!reply_line_parse(span_from(line->data, line->len), &code, &last, &text) || (i && code != out->code))
			return not_a_reply(w, span_from(line->data, line->len), err);
		out->code = code;
		if (!i)
			buf_addf(all, "%d", code);
		add_text(all, text, (char)('0' + code / 100), out->status);
		if (each)
			each(arg, i, text);
	}
	return 0;
}

int wire_reply(struct wire *w, struct reply *out, reply_line_call *each, void *arg, struct error *err)
{
	struct buf line = BUF_INIT, all = BUF_INIT;
	int rc;

	*out = (struct reply){ .code = 0 };
	rc = wire_flush(w, err);
	if (rc == 0)
		rc = read_reply(w, out, each, arg, &line, &all, err);
	text_make_line(span_from(all.data, all.len), out->text);
	if (!*out->status)
		snprintf(out->status, sizeof(out->status), "%c.0.0", '0' + out->code / 100);
	buf_release(&line);
	buf_release(&all);
	return rc;
}

struct stuffing {
	struct wire *w;
	bool line_start; /* the next byte begins a line */
	bool after_cr;   /* a LF now belongs to the CR before it */
};

static int put_line_break(struct stuffing *s, struct error *err)
{
	s->line_start = true;
	return put(s->w, "\r\n", 2, err);
}

static int put_text(struct stuffing *s, const char *p, size_t n, struct error *err)
{
	if (s->line_start && *p == '.' && put(s->w, ".", 1, err) < 0)
		return E_TEMP;
	s->line_start = s->after_cr = false;
	return put(s->w, p, n, err);
}

static size_t text_length(const char *p, size_t n)
{
	size_t k = 0;

	while (k < n && p[k] != '\n' && p[k] != '\r')
		k++;
	return k;
}

static int put_piece(struct stuffing *s, const char *p, size_t n, struct error *err)
{
	int rc = 0;

	while (n && rc == 0) {
		size_t k = text_length(p, n);

		if (k) {
			rc = put_text(s, p, k, err);
		} else {
			k = 1;
			if (*p == '\r' || !s->after_cr)
				rc = put_line_break(s, err);
			s->after_cr = *p == '\r';
		}
		p += k;
		n -= k;
	}
	return rc;
}

int wire_put_message(struct wire *w, const struct segment *segments, size_t n, struct error *err)
{
	struct segment_reader r = { .segments = segments, .n = n };
	struct stuffing s = { .w = w, .line_start = true };
	char *piece = mem_resize(NULL, COPY_PIECE);
	ssize_t k;
	int rc = 0;

	while (rc == 0 && (k = segment_read(&r, piece, COPY_PIECE, err)) != 0)
		rc = k < 0 ? fail(w, "4.3.0", NULL, "") : put_piece(&s, piece, (size_t)k, err);
	free(piece);
	if (rc == 0 && !s.line_start)
		rc = put_line_break(&s, err);
	if (rc == 0)
		rc = wire_flush(w, err);
	if (rc == 0)
		rc = expect_silence(w, err); /* an acceptance of what is not complete would lose mail */
	return rc == 0 ? put(w, ".\r\n", 3, err) : rc;
}
