/* encode.c - quoted-printable as no transport changes it (RFC 2045 section 6.7, RFC 2049 section 3) */
#include "mime/decode.h"

#define COLUMNS 76

/* One line without its break. */
static void encode_line(struct buf *out, struct span line)
{
	size_t column = 0, width;

	for (size_t i = 0; i < line.n; i++) {
		unsigned char c = (unsigned char)line.p[i];
		bool last = i + 1 == line.n;
		bool coded = c > '~' || c == '=' || (c < ' ' && c != '\t') || (last && (c == ' ' || c == '\t'));
		struct span rest = span_sub(line, i, line.n);

		width = coded ? 3 : 1;
		if (column + width + !last > COLUMNS) { /* room for the = of a soft break */
			buf_addstr(out, "=\r\n");
			column = 0;
		}
		if (column == 0) /* "From " and "--" for mail programs, "." for SMTP */
			coded |= c == '.' || (rest.n >= 2 && memcmp(rest.p, "--", 2) == 0) ||
				 (rest.n >= 5 && memcmp(rest.p, "From ", 5) == 0);
		if (coded)
			buf_addf(out, "=%02X", c);
		else
			buf_addch(out, (char)c);
		column += coded ? 3 : 1;
	}
}

/* Bytes before the next CRLF, in.n if there is none. */
static size_t line_length(struct span in)
{
	for (size_t from = 0; from < in.n;) {
		ptrdiff_t lf = span_find(span_sub(in, from, in.n), '\n');

		if (lf < 0)
			break;
		from += (size_t)lf;
		if (from > 0 && in.p[from - 1] == '\r')
			return from - 1;
		from++;
	}
	return in.n;
}

void qp_encode(struct buf *out, struct span in)
{
	while (in.n) {
		size_t n = line_length(in);

		encode_line(out, span_sub(in, 0, n));
		if (n < in.n)
			buf_addstr(out, "\r\n");
		in = span_sub(in, n + 2, in.n);
	}
}
