/* header.c - the header section of an entity: where fields begin and end (RFC 5322 section 2.2)
 *
 * Everything after this file looks at spans of the message.  A line ends with LF or CRLF; a CR alone is
 * a byte like any other, because two parsers that disagree about it see two messages.
 */
#include "mime/header.h"

#include "mime/charset.h"

/* End of the line at `at`, behind its break. */
static size_t line_end(struct span s, size_t at)
{
	ptrdiff_t k = span_find(span_sub(s, at, s.n), '\n');

	return k < 0 ? s.n : at + (size_t)k + 1;
}

static size_t without_break(struct span s, size_t from, size_t to)
{
	if (to > from && s.p[to - 1] == '\n') {
		to--;
		if (to > from && s.p[to - 1] == '\r')
			to--;
	}
	return to;
}

/* Length of the field name at the start of a line and the place of its colon; 0: no field.  Blanks
 * before the colon are obsolete but seen (RFC 5322 section 4.5.3). */
static size_t name_length(struct span line, size_t *colon)
{
	size_t n = 0;

	while (n < line.n && line.p[n] > 0x20 && line.p[n] < 0x7f && line.p[n] != ':')
		n++;
	*colon = n;
	while (*colon < line.n && (line.p[*colon] == ' ' || line.p[*colon] == '\t'))
		(*colon)++;
	return *colon < line.n && line.p[*colon] == ':' ? n : 0;
}

static struct header_field *next_field(struct arena *a, struct header *h, size_t *room)
{
	if (h->n == *room) {
		struct header_field *more = arena_array(a, *room * 2 + 16, sizeof(*more));

		if (h->n)
			memcpy(more, h->fields, h->n * sizeof(*more));
		h->fields = more;
		*room = *room * 2 + 16;
	}
	return &h->fields[h->n++];
}

static void finish_field(struct span input, struct header_field *f, size_t end)
{
	size_t from = (size_t)(f->value.p - input.p);

	f->whole.n = end - (size_t)(f->whole.p - input.p);
	f->value.n = without_break(input, from, end) - from;
}

static const char *first_break(struct span input)
{
	ptrdiff_t lf = span_find(input, '\n');

	return lf > 0 && input.p[lf - 1] == '\r' ? "\r\n" : "\n";
}

int header_parse(struct arena *a, struct span input, size_t limit, struct header *out, struct error *err)
{
	struct header_field *field = NULL;
	size_t at = 0, end, room = 0;

	*out = (struct header){ .eol = first_break(input) };
	for (; at < input.n; at = end) {
		size_t colon, n;
		struct span line;

		end = line_end(input, at);
		line = span_sub(input, at, without_break(input, at, end));
		if (line.n == 0)
			break;
		if (end > limit)
			return error_set(err, E_LIMIT, "header section has more than %zu bytes", limit);
		if (field && (line.p[0] == ' ' || line.p[0] == '\t'))
			continue;
		n = name_length(line, &colon);
		if (!n) {
			out->garbage = true;
			break;
		}
		if (field)
			finish_field(input, field, at);
		field = next_field(a, out, &room);
		field->name = span_sub(line, 0, n);
		field->value.p = line.p + colon + 1;
		field->whole.p = line.p;
	}
	if (field)
		finish_field(input, field, at);
	out->bytes = span_sub(input, 0, at);
	out->body = at < input.n && !out->garbage ? line_end(input, at) : at;
	return 0;
}

/* The first word, with the blanks that are in quotes.  For the null sender Sendmail writes nothing: two blanks and the date. */
static struct span mbox_address(struct span line)
{
	struct span s = span_trim(line);
	bool quoted = false;
	size_t n = 0;

	for (; n < s.n && (quoted || (s.p[n] != ' ' && s.p[n] != '\t')); n++) {
		if (s.p[n] == '"')
			quoted = !quoted;
		else if (quoted && s.p[n] == '\\' && n + 1 < s.n)
			n++;
	}
	s.n = n;
	return s.p != line.p && span_find(s, '@') < 0 ? span_sub(s, 0, 0) : s;
}

size_t mbox_from_line(struct arena *a, struct span input, const char **sender)
{
	struct span line = input;
	size_t end;

	if (sender)
		*sender = "";
	if (span_casestarts(line, ">"))
		line = span_sub(line, 1, line.n);
	if (line.n < 5 || memcmp(line.p, "From ", 5) != 0)
		return 0;
	end = line_end(input, 0);
	if (!sender)
		return end;
	line = mbox_address(span_from(line.p + 5, (size_t)(input.p + end - line.p) - 5));
	if (line.n >= 2 && line.p[0] == '<' && line.p[line.n - 1] == '>')
		line = span_sub(line, 1, line.n - 1);
	if (!span_caseeq(line, "MAILER-DAEMON"))
		*sender = header_unfold(a, line);
	return end;
}

const struct header_field *header_find(const struct header *h, const char *name, const struct header_field *after)
{
	for (size_t i = after ? (size_t)(after - h->fields) + 1 : 0; i < h->n; i++)
		if (span_caseeq(h->fields[i].name, name))
			return &h->fields[i];
	return NULL;
}

size_t header_count(const struct header *h, const char *name)
{
	size_t n = 0;

	for (const struct header_field *f = NULL; (f = header_find(h, name, f)) != NULL;)
		n++;
	return n;
}

char *header_unfold(struct arena *a, struct span value)
{
	struct buf b = BUF_INIT;
	char *s;

	value = span_trim(value);
	buf_reserve(&b, value.n);
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (c == '\n' || (c == '\r' && i + 1 < value.n && value.p[i + 1] == '\n'))
			continue;
		if (c == '\0')
			buf_addstr(&b, UTF8_REPLACEMENT);
		else
			buf_addch(&b, c == '\r' ? ' ' : c);
	}
	s = arena_strndup(a, buf_str(&b), b.len);
	buf_release(&b);
	return s;
}
