/* lines.c - line breaks, and what lines would suffer on the way */
#include "mime/lines.h"

#include "mime/canonical.h"

static void inspect_line(struct span line, struct lines *out)
{
	for (size_t i = 0; i < line.n; i++) {
		unsigned char c = (unsigned char)line.p[i];

		out->high += c >= 0x80;
		out->nul |= c == 0;
		out->lone_cr |= c == '\r';
	}
	out->overlong |= line.n > LINES_LONGEST;
	out->trailing_blank |= line.n && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t');
	out->from |= line.n >= 5 && memcmp(line.p, "From ", 5) == 0;
}

void lines_inspect(struct span s, struct lines *out)
{
	*out = (struct lines){ 0 };
	while (s.n) {
		ptrdiff_t lf = span_find(s, '\n');
		size_t n = lf < 0 ? s.n : (size_t)lf, end = lf < 0 ? s.n : n + 1;

		if (lf > 0 && s.p[n - 1] == '\r')
			n--;
		inspect_line(span_sub(s, 0, n), out);
		s = span_sub(s, end, s.n);
	}
}

const char *lines_not_7bit(const struct lines *l)
{
	return l->nul ? "NUL bytes" : l->high ? "8-bit bytes" : l->lone_cr ? "a CR without LF" :
	       l->overlong ? "a line of more than 998 bytes" : "";
}

bool lines_fragile(const struct lines *l)
{
	return l->nul || l->high || l->lone_cr || l->overlong || l->trailing_blank || l->from;
}

/* Appends s with each line break as eol. */
static void replace_breaks(struct span s, const char *eol, struct buf *out)
{
	buf_reserve(out, s.n);
	while (s.n) {
		ptrdiff_t lf = span_find(s, '\n');
		size_t n = lf < 0 ? s.n : (size_t)lf;

		if (lf > 0 && s.p[n - 1] == '\r')
			buf_add(out, s.p, n - 1);
		else
			buf_add(out, s.p, n);
		if (lf >= 0)
			buf_addstr(out, eol);
		s = span_sub(s, lf < 0 ? s.n : n + 1, s.n);
	}
}

void canonical_lines(struct span s, struct buf *out)
{
	replace_breaks(s, "\r\n", out);
}

void convert_lines(struct span s, const char *eol, struct buf *out)
{
	replace_breaks(s, strcmp(eol, "\n") == 0 ? "\n" : "\r\n", out);
}
