/* exchange.c - documents over a module's pipes
 *
 * Writing and reading go on at the same time: a module may fill its output while we still write, and neither side
 * waits for the other.  Every wait is bounded by module_timeout and the message's deadline.  There is one way to be
 * right, and everything else breaks the module for the rest of the message: what it might mean by a strange
 * answer is nobody's guess.
 */
#include "module/exchange.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"

int module_break(struct module *p, const char *operation, const char *reason, struct error *err)
{
	error_set(&p->why, E_TEMP, "module %s: %s: %s", p->name, operation, reason);
	p->broken = true;
	p->killed = true;
	log_error("%s", p->why.text);
	if (p->pid > 0)
		kill(-p->pid, SIGKILL);
	return error_set(err, E_TEMP, "%s", p->why.text);
}

int exchange_broke(struct exchange *x, struct error *err, const char *fmt, ...)
{
	char reason[sizeof(err->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	return module_break(x->p, x->operation, reason, err);
}

static void restart_clock(struct exchange *x)
{
	deadline mine = deadline_in((int64_t)x->m->config->module_timeout);

	x->until = deadline_earlier(mine, x->m->until);
	x->by_message = x->m->until <= mine;
}

static int late(struct exchange *x, struct error *err)
{
	uint64_t ms = x->m->config->module_timeout;

	if (x->by_message)
		return exchange_broke(x, err, "no answer before the message's deadline");
	if (ms % 1000)
		return exchange_broke(x, err, "no answer within %llums", (unsigned long long)ms);
	return exchange_broke(x, err, "no answer within %llus", (unsigned long long)ms / 1000);
}

/* ---- bytes ---- */

static int write_some(struct exchange *x, struct error *err)
{
	ssize_t n = write(x->p->to, x->out.data + x->written, x->out.len - x->written);

	if (n >= 0)
		x->written += (size_t)n;
	else if (errno == EPIPE)
		return exchange_broke(x, err, "it has ended or closed its input");
	else if (errno != EAGAIN && errno != EINTR)
		return exchange_broke(x, err, "write: %s", strerror(errno));
	return 0;
}

int exchange_read(struct exchange *x, struct error *err)
{
	struct error why = { 0 };
	int rc = frame_fill(&x->p->in, &why);

	if (rc == E_NOTFOUND)
		return exchange_broke(x, err, "it has ended or closed its output without an answer");
	return rc < 0 ? exchange_broke(x, err, "%s", why.text) : 0;
}

/* One wait and what it brought: bytes out, bytes in, and the log where that is ours to read. */
static int pump(struct exchange *x, struct error *err)
{
	struct pollfd p[2 + 16] = { { .fd = x->p->from, .events = POLLIN } };
	nfds_t n = 1;
	nfds_t logs = 0;
	int ready;

	if (x->written < x->out.len) {
		if (write_some(x, err) < 0)
			return E_TEMP;
		if (x->written < x->out.len)
			p[n++] = (struct pollfd){ .fd = x->p->to, .events = POLLOUT };
	}
	if (x->logs)
		logs = modules_log_poll(x->m, p + n, 16);
	ready = poll(p, n + logs, deadline_left(x->until));
	if (ready < 0 && errno != EINTR)
		return exchange_broke(x, err, "poll: %s", strerror(errno));
	if (ready == 0)
		return late(x, err);
	for (nfds_t i = 0; i < logs; i++)
		if (p[n + i].revents) {
			modules_log(x->m);
			break;
		}
	return p[0].revents ? exchange_read(x, err) : deadline_over(x->until) ? late(x, err) : 0;
}

int exchange_next(struct exchange *x, struct xml_document **doc, struct error *err)
{
	struct error why = { 0 };
	struct span bytes;

	*doc = NULL;
	restart_clock(x);
	for (;;) {
		int rc = frame_next(&x->p->in, &bytes, &why);

		if (rc > 0)
			break;
		if (rc < 0)
			return exchange_broke(x, err, "%s", why.text);
		if (pump(x, err) < 0)
			return E_TEMP;
	}
	return xml_parse(bytes, doc, &why) < 0 ? exchange_broke(x, err, "%s", why.text) : 0;
}
