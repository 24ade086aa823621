/* json.c - one JSON document (RFC 8259) on standard output */
#include "lib/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/address.h"
#include "lib/moment.h"

#define FLUSH_AT ((size_t)64 * 1024)

static void write_out(struct json *j)
{
	fwrite(buf_str(&j->out), 1, j->out.len, stdout);
	buf_clear(&j->out);
}

/* The bytes of the character at p; 0: not one. */
static size_t character(const unsigned char *p)
{
	size_t n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;

	return strnlen((const char *)p, n) == n && utf8_valid(span_from(p, n)) ? n : 0;
}

static void add_string(struct buf *out, const char *text)
{
	buf_addch(out, '"');
	for (const unsigned char *p = (const unsigned char *)text; *p;) {
		size_t n = character(p);

		if (*p == '"' || *p == '\\')
			buf_addf(out, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			buf_addf(out, "\\u%04x", *p);
		else if (n == 2 && *p == 0xc2 && p[1] < 0xa0) /* C1: a terminal's orders */
			buf_addf(out, "\\u%04x", p[1]);
		else if (n)
			buf_add(out, p, n);
		else
			buf_addstr(out, "\\ufffd");
		p += n ? n : 1;
	}
	buf_addch(out, '"');
}

static void begin(struct json *j, const char *name)
{
	if (j->begun)
		buf_addch(&j->out, ',');
	if (j->out.len > FLUSH_AT)
		write_out(j);
	if (name) {
		add_string(&j->out, name);
		buf_addch(&j->out, ':');
	}
	j->begun = true;
}

void json_open(struct json *j, const char *name, char bracket)
{
	begin(j, name);
	buf_addch(&j->out, bracket);
	j->begun = false;
}

void json_close(struct json *j, char bracket)
{
	buf_addch(&j->out, bracket);
	j->begun = true;
}

void json_text(struct json *j, const char *name, const char *value)
{
	begin(j, name);
	add_string(&j->out, value);
}

void json_number(struct json *j, const char *name, int64_t value)
{
	begin(j, name);
	buf_addf(&j->out, "%" PRId64, value);
}

void json_time(struct json *j, const char *name, time_t when)
{
	char text[MOMENT_TEXT];

	moment_text(when, text);
	begin(j, name);
	if (when)
		add_string(&j->out, text);
	else
		buf_addstr(&j->out, "null");
}

void json_end(struct json *j)
{
	buf_addch(&j->out, '\n');
	write_out(j);
	buf_release(&j->out);
	j->begun = false;
}
