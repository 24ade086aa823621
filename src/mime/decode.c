/* decode.c - bodies without their transfer encoding (RFC 2045 section 6), as mail programs read them */
#include "mime/decode.h"

#include "lib/base64.h"
#include "mime/charset.h"

/* One line: text without its break; soft says whether its break is part of the encoding. */
static void qp_line(struct buf *out, struct span line, bool *soft)
{
	*soft = false;
	while (line.n && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t'))
		line.n--; /* added on the way (section 6.7 rule 3) */
	if (line.n && line.p[line.n - 1] == '=') {
		*soft = true;
		line.n--;
	}
	for (size_t i = 0; i < line.n;) {
		const char *equals = memchr(line.p + i, '=', line.n - i);
		size_t to = equals ? (size_t)(equals - line.p) : line.n;
		int high = to + 2 < line.n ? hex_digit((unsigned char)line.p[to + 1]) : -1;
		int low = high >= 0 ? hex_digit((unsigned char)line.p[to + 2]) : -1;

		buf_add(out, line.p + i, to - i);
		if (low >= 0)
			buf_addch(out, (char)(high << 4 | low));
		else if (to < line.n)
			buf_addch(out, '=');
		i = to + (low >= 0 ? 3 : 1);
	}
}

void qp_decode(struct buf *out, struct span in)
{
	buf_reserve(out, in.n);
	for (size_t at = 0, end; at < in.n; at = end) {
		const char *lf = memchr(in.p + at, '\n', in.n - at);
		size_t stop = lf ? (size_t)(lf - in.p) : in.n;
		bool soft;

		end = lf ? stop + 1 : in.n;
		if (lf && stop > at && in.p[stop - 1] == '\r')
			stop--;
		qp_line(out, span_sub(in, at, stop), &soft);
		if (!soft)
			buf_add(out, in.p + stop, end - stop);
	}
}

/* Padding ends the data, whatever follows (RFC 2045 section 6.8). */
static void base64_lenient(struct buf *out, struct span in)
{
	ptrdiff_t pad = span_find(in, '=');

	base64_decode(out, span_sub(in, 0, pad < 0 ? in.n : (size_t)pad), false);
}

int entity_decode(const struct entity *e, struct buf *out, struct error *err)
{
	bool composite = e->first != NULL;

	if (!composite && e->encoding == ENCODING_BASE64)
		base64_lenient(out, e->body);
	else if (!composite && e->encoding == ENCODING_QP)
		qp_decode(out, e->body);
	else
		buf_add(out, e->body.p, e->body.n);
	return 0;
}
