/* write.c - header fields as we write them (RFC 5322 section 2.2.3, RFC 2047)
 *
 * A fold stands only where a blank stood and begins with a space: some readers take a line that begins with a
 * tab as a new field or show the tab.
 */
#include "lib/base64.h"
#include "mime/charset.h"
#include "mime/header.h"

#define LINE 78     /* wanted, RFC 5322 section 2.1.1 */
#define LINE_LIMIT 998
#define WORD 75     /* an encoded word, RFC 2047 section 2 */
#define WORD_FRAME 12 /* =?UTF-8?Q? and ?= */

struct writer {
	struct buf *out;
	const char *eol;
	size_t column;
};

static void put(struct writer *w, struct span s)
{
	buf_add(w->out, s.p, s.n);
	w->column += s.n;
}

static void fold(struct writer *w)
{
	buf_addstr(w->out, w->eol);
	w->column = 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t blanks(struct span s, size_t at)
{
	while (at < s.n && is_blank(s.p[at]))
		at++;
	return at;
}

static size_t nonblanks(struct span s, size_t at)
{
	while (at < s.n && !is_blank(s.p[at]))
		at++;
	return at;
}

static bool must_encode(struct span token)
{
	if (token.n > LINE_LIMIT - 100 || (token.n >= 2 && memmem(token.p, token.n, "=?", 2)))
		return true;
	for (size_t i = 0; i < token.n; i++)
		if ((unsigned char)token.p[i] >= 0x7f || (unsigned char)token.p[i] < ' ')
			return true;
	return false;
}

/* Blanks before a token: on a new line when the token would pass the limit, but never a line of blanks only. */
static void put_gap(struct writer *w, struct span gap, size_t token, bool first)
{
	if (!first && w->column + gap.n + token > LINE) {
		fold(w);
		put(w, span_of(" "));
		gap = span_sub(gap, 1, gap.n);
	}
	put(w, gap);
}

static bool q_plain(unsigned char c)
{
	return ascii_alpha(c) || ascii_digit(c) || (c && strchr("!*+-/", c)); /* RFC 2047 section 5 (3) */
}

static size_t q_cost(const char *p, size_t n)
{
	size_t cost = 0;

	for (size_t i = 0; i < n; i++)
		cost += q_plain((unsigned char)p[i]) || p[i] == ' ' ? 1 : 3;
	return cost;
}

static void q_put(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (q_plain((unsigned char)s.p[i]))
			buf_addch(out, s.p[i]);
		else if (s.p[i] == ' ')
			buf_addch(out, '_');
		else
			buf_addf(out, "=%02X", (unsigned char)s.p[i]);
	}
}

/* Bytes of s that fit an encoded word of room columns, whole characters only, at least one. */
static size_t fitting(struct span s, bool q, size_t room)
{
	size_t n = 0, cost = 0;

	while (n < s.n) {
		size_t k = utf8_length(s.p + n, s.n - n);

		cost = q ? cost + q_cost(s.p + n, k) : (n + k + 2) / 3 * 4;
		if (n && WORD_FRAME + cost > room)
			break;
		n += k;
	}
	return n;
}

static void put_word(struct writer *w, struct span s, bool q)
{
	struct buf b = BUF_INIT;

	buf_addf(&b, "=?UTF-8?%c?", q ? 'Q' : 'B');
	if (q)
		q_put(&b, s);
	else
		base64_encode(&b, s.p, s.n, 0, "");
	buf_addstr(&b, "?=");
	put(w, span_from(b.data, b.len));
	buf_release(&b);
}

/* Encoded words for s, UTF-8, one a line; the column stands behind the blank before the first. */
static void put_words(struct writer *w, struct span s)
{
	bool q = q_cost(s.p, s.n) <= (s.n + 2) / 3 * 4;

	for (bool first = true; s.n; first = false) {
		size_t n, room;

		if (!first) {
			fold(w);
			put(w, span_of(" "));
		}
		room = w->column + 20 < LINE ? LINE - w->column : 20;
		n = fitting(s, q, room < WORD ? room : WORD);
		put_word(w, span_sub(s, 0, n), q);
		s = span_sub(s, n, s.n);
	}
}

/* End of the run of tokens from `at` that must all be encoded; what is between them is encoded with them. */
static size_t encoded_run(struct span s, size_t at)
{
	size_t end = nonblanks(s, at);

	for (;;) {
		size_t next = blanks(s, end), to = nonblanks(s, next);

		if (next == to || !must_encode(span_sub(s, next, to)))
			return end;
		end = to;
	}
}

static void put_unstructured(struct writer *w, struct span s)
{
	for (size_t at = 0, from, end; at < s.n; at = end) {
		bool encode;
		struct span token;

		from = blanks(s, at);
		end = nonblanks(s, from);
		encode = must_encode(span_sub(s, from, end));
		if (encode)
			end = encoded_run(s, from);
		token = span_sub(s, from, end);
		put_gap(w, span_sub(s, at, from), encode ? WORD_FRAME + 24 : token.n, at == 0);
		if (encode)
			put_words(w, token);
		else
			put(w, token);
	}
}

static void begin(struct writer *w, const char *name)
{
	put(w, span_of(name));
	put(w, span_of(": "));
}

void header_write(struct buf *out, const char *name, const char *value, const char *eol)
{
	struct writer w = { .out = out, .eol = eol };
	struct buf clean = BUF_INIT;

	for (struct span v = span_trim(span_of(value)); v.n;) {
		size_t k = utf8_length(v.p, v.n);

		if (v.p[0] == '\r' || v.p[0] == '\n')
			buf_addch(&clean, '?');
		else if (k)
			buf_add(&clean, v.p, k);
		else
			buf_addstr(&clean, UTF8_REPLACEMENT);
		v = span_sub(v, k ? k : 1, v.n);
	}
	begin(&w, name);
	put_unstructured(&w, span_from(buf_str(&clean), clean.len));
	buf_addstr(out, eol);
	buf_release(&clean);
}

/* A token no line can hold is cut: there is no better way to keep RFC 5322's 998 bytes. */
static void put_token(struct writer *w, struct span token)
{
	while (w->column + token.n > LINE_LIMIT) {
		size_t n = LINE_LIMIT - w->column;

		put(w, span_sub(token, 0, n));
		token = span_sub(token, n, token.n);
		fold(w);
		put(w, span_of(" "));
	}
	put(w, token);
}

void header_write_raw(struct buf *out, const char *name, const char *value, const char *eol)
{
	struct writer w = { .out = out, .eol = eol };
	struct buf clean = BUF_INIT;
	struct span s = span_trim(span_of(value));

	for (size_t i = 0; i < s.n; i++)
		buf_addch(&clean, s.p[i] == '\t' || (s.p[i] >= ' ' && s.p[i] < 0x7f) ? s.p[i] : '?');
	s = span_from(buf_str(&clean), clean.len);
	begin(&w, name);
	for (size_t at = 0, from, end; at < s.n; at = end) {
		from = blanks(s, at);
		end = nonblanks(s, from);
		put_gap(&w, span_sub(s, at, from), end - from, at == 0);
		put_token(&w, span_sub(s, from, end));
	}
	buf_addstr(out, eol);
	buf_release(&clean);
}

void header_tidy(struct span lines, struct buf *out)
{
	while (lines.n) {
		ptrdiff_t lf = span_find(lines, '\n');
		size_t end = lf < 0 ? lines.n : (size_t)lf + 1, from = out->len;

		for (size_t i = 0; i < end; i++) {
			bool lone = lines.p[i] == '\r' && (i + 1 == lines.n || lines.p[i + 1] != '\n');

			buf_addch(out, lone || !lines.p[i] ? ' ' : lines.p[i]);
		}
		if (!span_trim(span_from(out->data + from, out->len - from)).n)
			out->len = from;
		lines = span_sub(lines, end, lines.n);
	}
}
