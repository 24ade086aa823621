/* buf.c - a growing byte buffer, and views of bytes that others own */
#include "lib/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

void buf_reserve(struct buf *b, size_t n)
{
	size_t need;

	if (__builtin_add_overflow(b->len, n, &need) || __builtin_add_overflow(need, 1, &need))
		need = SIZE_MAX; /* cannot be had: the out-of-memory handler speaks */
	if (need <= b->cap)
		return;
	if (need < SIZE_MAX / 2 && need < b->cap * 2)
		need = b->cap * 2;
	if (need < 64)
		need = 64;
	b->data = mem_resize(b->data, need);
	b->cap = need;
	b->data[b->len] = '\0';
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	buf_reserve(b, n);
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void buf_addstr(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addch(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n <= 0)
		return;
	buf_reserve(b, (size_t)n);
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

void buf_release(struct buf *b)
{
	free(b->data);
	*b = (struct buf)BUF_INIT;
}

void buf_wipe(struct buf *b)
{
	if (b->data)
		mem_wipe(b->data, b->cap);
	buf_release(b);
}

struct span span_from(const void *p, size_t n)
{
	return (struct span){ p, n };
}

struct span span_of(const char *s)
{
	return span_from(s, strlen(s));
}

struct span span_sub(struct span s, size_t from, size_t to)
{
	if (to > s.n)
		to = s.n;
	if (from > to)
		from = to;
	return span_from(s.p ? s.p + from : NULL, to - from);
}

struct span span_trim(struct span s)
{
	while (s.n && ascii_space((unsigned char)s.p[0]))
		s = span_sub(s, 1, s.n);
	while (s.n && ascii_space((unsigned char)s.p[s.n - 1]))
		s.n--;
	return s;
}

bool span_eq(struct span a, struct span b)
{
	return a.n == b.n && (!a.n || memcmp(a.p, b.p, a.n) == 0);
}

bool span_eqstr(struct span a, const char *s)
{
	return span_eq(a, span_of(s));
}

bool span_casestarts(struct span a, const char *prefix)
{
	size_t i = 0;

	for (; prefix[i]; i++)
		if (i >= a.n || ascii_lower((unsigned char)a.p[i]) != ascii_lower((unsigned char)prefix[i]))
			return false;
	return true;
}

bool span_caseeq(struct span a, const char *s)
{
	return a.n == strlen(s) && span_casestarts(a, s);
}

ptrdiff_t span_find(struct span a, char c)
{
	const char *hit = a.n ? memchr(a.p, c, a.n) : NULL;

	return hit ? hit - a.p : -1;
}

bool ascii_caseeq(const char *a, const char *b)
{
	return span_caseeq(span_of(a), b);
}

bool word_listed(const char *list, const char *word)
{
	struct span rest = span_of(list);

	while (rest.n) {
		ptrdiff_t blank = span_find(rest, ' ');
		size_t n = blank < 0 ? rest.n : (size_t)blank;

		if (span_eqstr(span_sub(rest, 0, n), word))
			return true;
		rest = span_sub(rest, n + 1, rest.n);
	}
	return false;
}

bool span_number(struct span s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	*out = 0;
	if (!s.n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_digit((unsigned char)s.p[i]) ||
		    __builtin_mul_overflow(v, (uint64_t)10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v) || v > max)
			return false;
	}
	*out = v;
	return true;
}
