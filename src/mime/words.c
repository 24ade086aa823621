/* words.c - encoded words (RFC 2047) as the most tolerant reader would show them
 *
 * A tag that a sender hides in a Subject must be found, so this decodes whatever some mail program
 * decodes: words inside other text, blanks and question marks inside a word, a character split
 * between two words.
 */
#include "lib/base64.h"
#include "mime/charset.h"
#include "mime/header.h"

struct word {
	struct span charset, text;
	char encoding; /* 'b' or 'q' */
	size_t end;    /* behind the final ?= */
};

struct decoder {
	struct span in;
	size_t close;      /* place of the next "?=" at or behind where it was looked for; in.n: none */
	struct buf *out;
	struct buf bytes;  /* of words of one charset that follow each other: a character may be split between them */
	struct span charset, original;
	struct span gap;   /* white space behind them */
};

/* The next two bytes a b at or behind `from`, else the end. */
static size_t find_pair(struct span s, size_t from, char a, char b)
{
	while (from < s.n) {
		ptrdiff_t k = span_find(span_sub(s, from, s.n), a);

		if (k < 0)
			break;
		from += (size_t)k;
		if (from + 1 < s.n && s.p[from + 1] == b)
			return from;
		from++;
	}
	return s.n;
}

/* Remembered between calls, so that looking for the ends of a thousand half words stays linear. */
static size_t find_close(struct decoder *d, size_t from)
{
	if (d->close < from || d->close == (size_t)-1)
		d->close = find_pair(d->in, from, '?', '=');
	return d->close;
}

static bool word_at(struct decoder *d, size_t at, struct word *w)
{
	struct span rest = span_sub(d->in, at + 2, at + 2 + 80);
	ptrdiff_t mark = span_find(rest, '?'), language;
	size_t close, text = at + 2 + (size_t)mark + 3;

	if (mark <= 0 || text > d->in.n || rest.n < (size_t)mark + 3 || rest.p[mark + 2] != '?')
		return false;
	w->encoding = (char)ascii_lower((unsigned char)rest.p[mark + 1]);
	if (w->encoding != 'b' && w->encoding != 'q')
		return false;
	w->charset = span_sub(rest, 0, (size_t)mark);
	language = span_find(w->charset, '*'); /* RFC 2231 section 5 */
	if (language >= 0)
		w->charset.n = (size_t)language;
	for (size_t i = 0; i < w->charset.n; i++)
		if (w->charset.p[i] <= ' ' || w->charset.p[i] > '~' || w->charset.p[i] == '=')
			return false;
	close = find_close(d, text);
	if (close >= d->in.n)
		return false;
	w->text = span_sub(d->in, text, close);
	w->end = close + 2;
	return true;
}

static void q_decode(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		int high = s.p[i] == '=' && i + 2 < s.n ? hex_digit((unsigned char)s.p[i + 1]) : -1;
		int low = high >= 0 ? hex_digit((unsigned char)s.p[i + 2]) : -1;

		if (low >= 0) {
			buf_addch(out, (char)(high << 4 | low));
			i += 2;
		} else {
			buf_addch(out, s.p[i] == '_' ? ' ' : s.p[i]);
		}
	}
}

/* Decodes each padded piece: mail programs go on behind padding in the middle. */
static void b_decode(struct buf *out, struct span s)
{
	while (s.n) {
		ptrdiff_t pad = span_find(s, '=');
		size_t n = pad < 0 ? s.n : (size_t)pad;

		base64_decode(out, span_sub(s, 0, n), false);
		while (n < s.n && s.p[n] == '=')
			n++;
		s = span_sub(s, n, s.n);
	}
}

static void flush(struct decoder *d)
{
	if (d->original.n && !text_convert(d->out, d->charset, span_from(d->bytes.data, d->bytes.len))) {
		text_append(d->out, d->original);
		text_append(d->out, d->gap);
	}
	buf_clear(&d->bytes);
	d->original = span_from(NULL, 0);
}

static bool same_charset(struct span a, struct span b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower((unsigned char)a.p[i]) != ascii_lower((unsigned char)b.p[i]))
			return false;
	return true;
}

static void take(struct decoder *d, size_t at, const struct word *w)
{
	if (!d->original.n || !same_charset(d->charset, w->charset)) {
		flush(d);
		d->charset = w->charset;
		d->original = span_sub(d->in, at, at);
	}
	d->original.n = (size_t)(d->in.p + w->end - d->original.p);
	if (w->encoding == 'q')
		q_decode(&d->bytes, w->text);
	else
		b_decode(&d->bytes, w->text);
}

static bool blank(struct span s)
{
	return span_trim(s).n == 0;
}

static void decode(struct decoder *d)
{
	size_t plain = 0, at = 0; /* plain: start of text not yet written */
	struct word w;

	for (;;) {
		at = find_pair(d->in, at, '=', '?');
		if (at >= d->in.n)
			break;
		if (!word_at(d, at, &w)) {
			at += 2;
			continue;
		}
		/* white space between two words is not shown (RFC 2047 section 6.2) */
		d->gap = span_sub(d->in, plain, at);
		if (!d->original.n || !blank(d->gap)) {
			struct span between = d->gap;

			d->gap.n = 0;
			flush(d);
			text_append(d->out, between);
		}
		take(d, at, &w);
		plain = at = w.end;
		d->gap.n = 0;
	}
	flush(d);
	text_append(d->out, span_sub(d->in, plain, d->in.n));
}

char *header_decode(struct arena *a, struct span value)
{
	char *unfolded = header_unfold(a, value), *s;
	struct buf out = BUF_INIT;
	struct decoder d = { .in = span_of(unfolded), .close = (size_t)-1, .out = &out };

	decode(&d);
	s = arena_strndup(a, buf_str(&out), out.len);
	buf_release(&d.bytes);
	buf_release(&out);
	return s;
}
