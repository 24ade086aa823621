/* log.c - what modules write to their standard error, in our log under their name
 *
 * A module's log is text from outside: lines are cut and counted, so that a module gone wild fills
 * neither the disk nor forges a line.  The pipe is read to its end in any case: a module must not stand still because
 * nobody listens.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "module/parts.h"

#define PIECE 8192
#define ROUNDS 16 /* pieces of one module per call: a flood must not keep us from everything else */

/* Takes "warning: " and the like off the front. */
static enum log_level take_level(const char **text)
{
	const char *colon = strstr(*text, ": ");
	char word[16];
	enum log_level level;
	size_t n = colon ? (size_t)(colon - *text) : sizeof(word);

	if (n >= sizeof(word))
		return LOG_LEVEL_WARNING;
	memcpy(word, *text, n);
	word[n] = '\0';
	if (log_level_parse(word, &level) < 0)
		return LOG_LEVEL_WARNING;
	*text = colon + 2;
	return level;
}

/* For the rest the log itself cares. */
static void replace_nul(struct buf *line)
{
	for (size_t i = 0; i < line->len; i++)
		if (!line->data[i])
			line->data[i] = '?';
}

static void end_line(struct module *p)
{
	const char *text;
	enum log_level level;

	replace_nul(&p->line);
	text = buf_str(&p->line);
	level = take_level(&text);
	if (p->lines < MODULE_LOG_LINES && *text)
		log_line(level, "%s: %s%s", p->name, text, p->line_cut ? " ..." : "");
	else if (p->lines == MODULE_LOG_LINES)
		log_warning("%s: more than %d lines for one message, the rest is dropped", p->name, MODULE_LOG_LINES);
	if (*text && p->lines <= MODULE_LOG_LINES)
		p->lines++;
	p->line_cut = false;
	buf_clear(&p->line);
}

static void take(struct module *p, struct span piece)
{
	while (piece.n) {
		ptrdiff_t end = span_find(piece, '\n');
		size_t n = end < 0 ? piece.n : (size_t)end;
		size_t room = MODULE_LOG_LINE - p->line.len;

		buf_add(&p->line, piece.p, n < room ? n : room);
		if (n > room)
			p->line_cut = true;
		if (end >= 0)
			end_line(p);
		piece = span_sub(piece, n + 1, piece.n);
	}
}

static void read_log(struct module *p)
{
	char piece[PIECE];

	for (int i = 0; i < ROUNDS && p->log >= 0; i++) {
		ssize_t n = read(p->log, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close(p->log);
			p->log = -1;
			if (p->line.len)
				end_line(p);
			return;
		}
		take(p, span_from(piece, (size_t)n));
	}
}

void module_log_end(struct module *p)
{
	if (p->log >= 0)
		read_log(p);
	if (p->line.len)
		end_line(p);
	if (p->log >= 0)
		close(p->log);
	p->log = -1;
	buf_release(&p->line);
}

void modules_log(struct modules *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->items[i].log >= 0)
			read_log(&m->items[i]);
}

size_t modules_log_poll(const struct modules *m, struct pollfd *p, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n && n < max; i++)
		if (m->items[i].log >= 0)
			p[n++] = (struct pollfd){ .fd = m->items[i].log, .events = POLLIN };
	return n;
}
