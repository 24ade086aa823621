/* conversation.c - the pipes of a module that is checked */
#include "module-check/conversation.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "module/parts.h"

#define LOG_KEPT ((size_t)64 * 1024)
#define SHOWN ((size_t)48) /* bytes of what a module said */
#define NAP 5 /* milliseconds between looks at a process that is about to end */

struct quotation {
	char text[4 * SHOWN + 4];
};

static void close_pipe(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

bool conversation_start(struct conversation *v, const char *path, int milliseconds)
{
	struct arena arena = ARENA_INIT;
	struct error err = { 0 };
	int rc;

	*v = (struct conversation){ .process = { .name = path, .pid = -1, .to = -1, .from = -1, .log = -1 } };
	v->until = deadline_in(milliseconds);
	rc = module_run(&v->process, path, module_environment(&arena), &err);
	frame_reader_init(&v->process.in, v->process.from, FRAME_MAX_DEFAULT);
	arena_release(&arena);
	snprintf(v->problem, sizeof(v->problem), "%s", err.text);
	return rc == 0;
}

static void note_lines(struct conversation *v, struct span bytes)
{
	v->log_bytes += bytes.n;
	while (bytes.n) {
		ptrdiff_t end = span_find(bytes, '\n');
		size_t n = end < 0 ? bytes.n : (size_t)end;

		if (n > v->log_longest)
			v->log_longest = n;
		v->log_lines++;
		bytes = span_sub(bytes, n + 1, bytes.n);
	}
}

static void read_log(struct conversation *v)
{
	char bytes[4096];
	ssize_t n;

	while (v->process.log >= 0 && (n = read(v->process.log, bytes, sizeof(bytes))) != -1) {
		if (n == 0) {
			close_pipe(&v->process.log);
			return;
		}
		note_lines(v, span_from(bytes, (size_t)n));
		if (v->log.len < LOG_KEPT)
			buf_add(&v->log, bytes, (size_t)n);
	}
}

/* Sleeps until one of the pipes can go on.  false: the time is over. */
static bool wait_for(struct conversation *v, bool to_write)
{
	struct pollfd p[] = {
		{ .fd = v->process.log, .events = POLLIN },
		{ .fd = to_write ? v->process.to : v->process.from, .events = to_write ? POLLOUT : POLLIN },
	};

	if (deadline_over(v->until))
		return false;
	poll(p, 2, deadline_left(v->until));
	read_log(v);
	return true;
}

bool conversation_write(struct conversation *v, struct span bytes)
{
	while (bytes.n) {
		ssize_t n = write(v->process.to, bytes.p, bytes.n);

		if (n >= 0)
			bytes = span_sub(bytes, (size_t)n, bytes.n);
		else if (errno != EAGAIN && errno != EINTR)
			return false;
		else if (!wait_for(v, true))
			return false;
	}
	return true;
}

bool conversation_say(struct conversation *v, const char *document)
{
	struct buf frame = BUF_INIT;
	bool said;

	frame_append(&frame, span_of(document));
	said = conversation_write(v, span_from(frame.data, frame.len));
	buf_release(&frame);
	return said;
}

/* What has been said, as its author would know it again: quoted, the line ends visible, cut. */
static const char *quoted(struct span bytes, struct quotation *q)
{
	size_t at = 0;

	for (size_t i = 0; i < bytes.n && i < SHOWN; i++) {
		unsigned char c = (unsigned char)bytes.p[i];
		char *to = q->text + at;

		if (c >= 0x20 && c < 0x7f)
			at += (size_t)snprintf(to, sizeof(q->text) - at, "%c", c);
		else if (c == '\n')
			at += (size_t)snprintf(to, sizeof(q->text) - at, "\\n");
		else
			at += (size_t)snprintf(to, sizeof(q->text) - at, "\\x%02x", c);
	}
	snprintf(q->text + at, sizeof(q->text) - at, "%s", bytes.n > SHOWN ? "..." : "");
	return q->text;
}

/* Bytes that are no whole frame yet, or none at all. */
static struct span pending(const struct conversation *v)
{
	const struct frame_reader *in = &v->process.in;

	return span_from(in->input.data + in->taken, in->input.len - in->taken);
}

static enum heard no_frame(struct conversation *v, const struct error *err)
{
	struct quotation q;

	if (err->code == E_LIMIT)
		snprintf(v->problem, sizeof(v->problem), "%s", err->text);
	else
		snprintf(v->problem, sizeof(v->problem), "it wrote \"%s\" where the length of a frame is due: %s", quoted(pending(v), &q),
			 err->text);
	return HEARD_JUNK;
}

static enum heard cut_short(struct conversation *v, const struct error *err)
{
	struct quotation q;

	snprintf(v->problem, sizeof(v->problem), "its output: %s; what came of it begins \"%s\"", err->text, quoted(pending(v), &q));
	return HEARD_JUNK;
}

static enum heard nothing_came(struct conversation *v)
{
	struct span some = pending(v);
	struct quotation q;

	if (some.n)
		snprintf(v->problem, sizeof(v->problem), "%zu bytes came in time, which are less than a frame: \"%s\"; the length is that of the "
			 "document, in bytes", some.n, quoted(some, &q));
	else
		snprintf(v->problem, sizeof(v->problem), "nothing came in time; output has to be flushed behind each frame");
	return HEARD_NOTHING;
}

static enum heard no_document(struct conversation *v, const struct error *err)
{
	struct quotation q;

	snprintf(v->problem, sizeof(v->problem), "a frame of %zu bytes with no document in it, \"%s\": %s", v->text.n, quoted(v->text, &q), err->text);
	return HEARD_JUNK;
}

enum heard conversation_hear(struct conversation *v)
{
	struct error err = { 0 };
	int rc;

	xml_free(v->document);
	v->document = NULL;
	while ((rc = frame_next(&v->process.in, &v->text, &err)) == 0) {
		rc = frame_fill(&v->process.in, &err);
		if (rc == E_NOTFOUND)
			return HEARD_END;
		if (rc < 0)
			return cut_short(v, &err);
		if (rc == 0 && !wait_for(v, false))
			return nothing_came(v);
	}
	if (rc < 0)
		return no_frame(v, &err);
	rc = xml_parse(v->text, &v->document, &err);
	return rc < 0 ? no_document(v, &err) : HEARD_DOCUMENT;
}

void conversation_finish(struct conversation *v)
{
	close_pipe(&v->process.to);
}

int conversation_wait(struct conversation *v)
{
	int status = 0;
	pid_t ended;

	conversation_finish(v);
	while ((ended = waitpid(v->process.pid, &status, WNOHANG)) == 0 && !deadline_over(v->until)) {
		struct pollfd p = { .fd = v->process.log, .events = POLLIN };

		poll(&p, 1, NAP);
		read_log(v);
	}
	if (ended == 0) {
		kill(-v->process.pid, SIGKILL);
		waitpid(v->process.pid, &status, 0);
		v->process.pid = -1;
		snprintf(v->problem, sizeof(v->problem), "it did not end and had to be killed");
		return -2;
	}
	read_log(v);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool conversation_left_something(struct conversation *v)
{
	bool left = v->process.pid > 0 && kill(-v->process.pid, SIGKILL) == 0;

	v->process.pid = -1;
	return left;
}

void conversation_end(struct conversation *v)
{
	if (v->process.pid > 0) {
		kill(-v->process.pid, SIGKILL);
		waitpid(v->process.pid, NULL, 0);
	}
	close_pipe(&v->process.to);
	close_pipe(&v->process.from);
	close_pipe(&v->process.log);
	frame_reader_release(&v->process.in);
	xml_free(v->document);
	buf_release(&v->log);
	*v = (struct conversation){ .process = { .pid = -1, .to = -1, .from = -1, .log = -1 } };
}
