/* log.c - where a line about the mail goes */
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/buf.h"
#include "lib/moment.h"

#define LINE_MAX_BYTES 2048

static const struct {
	const char *name;
	int syslog_priority;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", LOG_ERR },
	[LOG_LEVEL_WARNING] = { "warning", LOG_WARNING },
	[LOG_LEVEL_INFO] = { "info", LOG_INFO },
	[LOG_LEVEL_DEBUG] = { "debug", LOG_DEBUG },
};

static struct {
	enum log_level level;
	int fd; /* -1: syslog */
	bool bare; /* for postern's ears: it knows the rest */
	char program[64];
	char queue_id[64];
	void (*sink)(void *arg, enum log_level level, const char *text);
	void *sink_arg;
} state = { LOG_LEVEL_INFO, STDERR_FILENO, false, "postern", "", NULL, NULL };

int log_open(const char *where, const char *program, struct error *err)
{
	snprintf(state.program, sizeof(state.program), "%s", program);
	state.fd = STDERR_FILENO;
	state.sink = NULL;
	state.bare = ascii_caseeq(where, "module");
	if (state.bare || ascii_caseeq(where, "stderr"))
		return 0;
	if (ascii_caseeq(where, "syslog")) {
		openlog(state.program, LOG_PID, LOG_MAIL);
		state.fd = -1;
		return 0;
	}
	int fd = open(where, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0)
		return error_set(err, E_CONFIG, "log file %s: %s", where, strerror(errno));
	state.fd = fd;
	return 0;
}

void log_reopen(void)
{
	if (state.fd >= 0)
		return;
	closelog();
	openlog(state.program, LOG_PID | LOG_NDELAY, LOG_MAIL);
}

int log_descriptor(void)
{
	return state.fd;
}

void log_divert(void (*sink)(void *arg, enum log_level level, const char *text), void *arg)
{
	state.sink = sink;
	state.sink_arg = arg;
}

void log_set_level(enum log_level level)
{
	state.level = level;
}

void log_set_queue_id(const char *id)
{
	snprintf(state.queue_id, sizeof(state.queue_id), "%s", id ? id : "");
}

int log_level_parse(const char *word, enum log_level *level)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (ascii_caseeq(word, levels[i].name)) {
			*level = (enum log_level)i;
			return 0;
		}
	return E_CONFIG;
}

/* What is no character, or one that could make a line look like something else, stands there as its bytes: \xNN.  Line breaks and tabs are
 * blanks: our own texts have some. */
static void make_printable(const char *s, char out[LINE_MAX_BYTES])
{
	char *to = out, *end = out + LINE_MAX_BYTES - sizeof("\\xNN");

	while (*s && to < end) {
		size_t n = utf8_plain(s);

		if (*s == '\n' || *s == '\t')
			*to++ = ' ';
		else if (n)
			to = mempcpy(to, s, n);
		else
			to += snprintf(to, sizeof("\\xNN"), "\\x%02x", (unsigned char)*s);
		s += n ? n : 1;
	}
	*to = '\0';
}

/* One write per line: lines of concurrent processes in one file stay whole. */
static void write_line(enum log_level level, const char *text)
{
	char line[LINE_MAX_BYTES + 200];
	char stamp[MOMENT_TEXT];
	int n;

	moment_text(time(NULL), stamp);
	if (state.bare)
		n = snprintf(line, sizeof(line), "%s: %s\n", levels[level].name, text);
	else
		n = snprintf(line, sizeof(line), "%s %s[%d] %s: %s%s%s\n", stamp, state.program, (int)getpid(),
			     levels[level].name, state.queue_id, *state.queue_id ? ": " : "", text);
	if (n > (int)sizeof(line) - 1) {
		n = (int)sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	(void)!write(state.fd, line, (size_t)n);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char said[LINE_MAX_BYTES], text[LINE_MAX_BYTES];
	va_list ap;

	if (level > state.level)
		return;
	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
	make_printable(said, text);
	if (state.sink)
		state.sink(state.sink_arg, level, text);
	else if (state.fd < 0)
		syslog(levels[level].syslog_priority, "%s%s%s", state.queue_id,
		       *state.queue_id ? ": " : "", text);
	else
		write_line(level, text);
}
