/* base64.c - RFC 4648 section 4, for the module protocol and for MIME bodies */
#include "lib/base64.h"

#include <string.h>

#include "lib/error.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define NONE 64 /* not in the alphabet */

/* Values in the alphabet of all bytes. */
static const unsigned char values[256] = {
#define N8 NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE
	N8, N8, N8, N8, N8, NONE, NONE, NONE, 62, NONE, NONE, NONE, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NONE, NONE, NONE, NONE, NONE, NONE,
	NONE, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, NONE, NONE, NONE, NONE, NONE,
	NONE, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, NONE, NONE, NONE, NONE, NONE,
	N8, N8, N8, N8, N8, N8, N8, N8, N8, N8, N8, N8, N8, N8, N8, N8,
#undef N8
};

/* The last one or two bytes, with padding. */
static void encode_rest(const unsigned char *s, size_t n, char *to)
{
	unsigned v = (unsigned)s[0] << 16 | (n > 1 ? (unsigned)s[1] << 8 : 0);

	to[0] = alphabet[v >> 18];
	to[1] = alphabet[v >> 12 & 63];
	to[2] = n > 1 ? alphabet[v >> 6 & 63] : '=';
	to[3] = '=';
}

/* Encodes one line without a break, of n bytes, into room for it; returns what is behind it. */
static char *encode_line(const unsigned char *s, size_t n, char *to)
{
	for (; n >= 3; n -= 3, s += 3, to += 4) {
		unsigned v = (unsigned)s[0] << 16 | (unsigned)s[1] << 8 | s[2];

		to[0] = alphabet[v >> 18];
		to[1] = alphabet[v >> 12 & 63];
		to[2] = alphabet[v >> 6 & 63];
		to[3] = alphabet[v & 63];
	}
	if (n)
		encode_rest(s, n, to);
	return n ? to + 4 : to;
}

void base64_encode(struct buf *out, const void *p, size_t n, size_t line, const char *eol)
{
	const unsigned char *s = p;
	size_t most = line >= 4 ? line / 4 * 3 : line ? 3 : n; /* bytes of a line */

	while (n) {
		size_t now = n < most ? n : most;
		char *end;

		buf_reserve(out, now / 3 * 4 + 4);
		end = encode_line(s, now, out->data + out->len);
		out->len = (size_t)(end - out->data);
		*end = '\0';
		if (line)
			buf_addstr(out, eol);
		s += now;
		n -= now;
	}
}

/* Decodes whole quanta as long as nothing else stands between; returns how many bytes of in it took. */
static size_t decode_quanta(struct span in, struct buf *out)
{
	const unsigned char *s = (const unsigned char *)in.p, *end = s + in.n / 4 * 4;
	char *to = out->data + out->len;

	for (; s < end; s += 4, to += 3) {
		unsigned a = values[s[0]], b = values[s[1]], c = values[s[2]], d = values[s[3]];

		if ((a | b | c | d) & NONE)
			break;
		to[0] = (char)(a << 2 | b >> 4);
		to[1] = (char)(b << 4 | c >> 2);
		to[2] = (char)(c << 6 | d);
	}
	out->len = (size_t)(to - out->data);
	return (size_t)((const char *)s - in.p);
}

int base64_decode(struct buf *out, struct span in, bool strict)
{
	unsigned quantum = 0;
	int have = 0, pads = 0;

	buf_reserve(out, in.n / 4 * 3 + 3);
	for (size_t i = 0; i < in.n; i++) {
		unsigned char c;
		unsigned v;

		if (!have && !pads)
			i += decode_quanta(span_sub(in, i, in.n), out);
		if (i == in.n)
			break;
		c = (unsigned char)in.p[i];
		v = values[c];
		if (ascii_space(c))
			continue;
		if (c == '=' && (have == 2 || have == 3)) {
			pads++;
			if (have + pads == 4 && !strict)
				break;
			if (have + pads > 4)
				return E_PERM;
			continue;
		}
		if (v == NONE && !strict)
			continue;
		if (v == NONE || pads)
			return E_PERM;
		quantum = quantum << 6 | v;
		if (++have == 4) {
			const char three[3] = { (char)(quantum >> 16), (char)(quantum >> 8), (char)quantum };

			buf_add(out, three, 3);
			quantum = 0;
			have = 0;
		}
	}
	if (strict && ((have && have + pads != 4) || have == 1 ||
		       (have == 2 && (quantum & 0xf)) || (have == 3 && (quantum & 3))))
		return E_PERM;
	out->data[out->len] = '\0';
	if (have >= 2)
		buf_addch(out, (char)(quantum >> (have == 2 ? 4 : 10)));
	if (have == 3)
		buf_addch(out, (char)(quantum >> 2));
	return 0;
}
