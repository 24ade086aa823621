/* canonical_header.c - header fields of what is signed */
#include "mime/canonical_header.h"

#include "lib/address.h"
#include "mime/charset.h"
#include "mime/lines.h"

#define CHUNK 48 /* bytes of a parameter in one RFC 2231 piece */

/* Lines as they stand, but none may look like the end of the header. */
static void copy_field(const struct header_field *f, struct buf *out)
{
	struct span rest = f->value;

	buf_add(out, f->name.p, f->name.n);
	buf_addch(out, ':');
	for (bool first = true; rest.n || first; first = false) {
		ptrdiff_t lf = span_find(rest, '\n');
		struct span line = span_sub(rest, 0, lf < 0 ? rest.n : (size_t)lf);

		while (line.n && ascii_space((unsigned char)line.p[line.n - 1]))
			line.n--;
		if (line.n || first) {
			buf_add(out, line.p, line.n);
			buf_addstr(out, "\r\n");
		}
		rest = span_sub(rest, lf < 0 ? rest.n : (size_t)lf + 1, rest.n);
	}
}

static bool attribute_char(unsigned char c)
{
	return ascii_alpha(c) || ascii_digit(c) || (c && strchr("!#$&+-.^_`{}~", c)); /* RFC 2231 section 7 */
}

static void add_percent(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (attribute_char((unsigned char)s.p[i]))
			buf_addch(out, s.p[i]);
		else
			buf_addf(out, "%%%02X", (unsigned char)s.p[i]);
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			return false;
	return true;
}

static void add_quoted(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, "; %s=\"", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			buf_addch(out, '\\');
		buf_addch(out, *value);
	}
	buf_addch(out, '"');
}

static void add_parameter(struct buf *out, const struct parameter *p)
{
	/* bytes without a charset that are no UTF-8: nothing is lost when they are called Latin-1 */
	bool raw = strstr(p->value, UTF8_REPLACEMENT) && !utf8_valid(p->raw);
	struct span value = raw ? p->raw : span_of(p->value);
	size_t piece = 0;

	if (!is_ascii(p->name))
		return;
	if (is_ascii(p->value) && strlen(p->value) < 900) {
		add_quoted(out, p->name, p->value);
		return;
	}
	for (bool one = value.n <= CHUNK; value.n; piece++) {
		buf_addf(out, "; %s", p->name);
		if (!one)
			buf_addf(out, "*%zu", piece);
		buf_addf(out, "*=%s", piece ? "" : raw ? "iso-8859-1''" : "utf-8''");
		add_percent(out, span_sub(value, 0, CHUNK));
		value = span_sub(value, CHUNK, value.n);
	}
}

static void rewrite_parameters(struct arena *a, const char *name, struct span value, struct buf *out)
{
	struct header_value v;
	struct buf b = BUF_INIT;

	header_value_parse(a, value, &v);
	buf_addstr(&b, v.text);
	for (size_t i = 0; i < v.n; i++)
		add_parameter(&b, &v.parameters[i]);
	header_write_raw(out, name, buf_str(&b), "\r\n");
	buf_release(&b);
}

static void rewrite_field(const struct header_field *f, struct buf *out)
{
	struct arena a = ARENA_INIT;
	const char *name = arena_strndup(&a, f->name.p, f->name.n);

	if (ascii_caseeq(name, "Content-Type") || ascii_caseeq(name, "Content-Disposition"))
		rewrite_parameters(&a, name, f->value, out);
	else
		header_write(out, name, header_decode(&a, f->value), "\r\n");
	arena_release(&a);
}

static void write_field(const struct header_field *f, struct buf *out)
{
	struct lines l;

	lines_inspect(f->whole, &l);
	if (*lines_not_7bit(&l))
		rewrite_field(f, out);
	else
		copy_field(f, out);
}

/* For a root without a Content-Type: what its body says about itself (RFC 1428 for the last). */
static void add_type(const struct entity *e, struct buf *out)
{
	struct buf text = BUF_INIT;
	struct lines l;
	const char *charset = "us-ascii";

	if (entity_decode(e, &text, NULL) == 0) {
		struct span s = span_from(buf_str(&text), text.len);

		lines_inspect(s, &l);
		if (l.high)
			charset = utf8_valid(s) ? "utf-8" : "unknown-8bit";
	}
	buf_addf(out, "Content-Type: text/plain; charset=%s\r\n", charset);
	buf_release(&text);
}

void canonical_header(const struct entity *e, bool root, const char *encoding, struct buf *out)
{
	bool written = !encoding || !*encoding;

	for (size_t i = 0; i < e->header.n; i++) {
		const struct header_field *f = &e->header.fields[i];

		if (root && (!span_casestarts(f->name, "Content-") || span_caseeq(f->name, "Content-Length")))
			continue;
		if (!encoding || !span_caseeq(f->name, "Content-Transfer-Encoding")) {
			write_field(f, out);
		} else if (!written) {
			buf_addf(out, "Content-Transfer-Encoding: %s\r\n", encoding);
			written = true;
		}
	}
	if (root && !header_find(&e->header, "Content-Type", NULL))
		add_type(e, out);
	if (!written)
		buf_addf(out, "Content-Transfer-Encoding: %s\r\n", encoding);
}
