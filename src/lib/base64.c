/* base64.c - RFC 4648 section 4, for the module protocol and for MIME bodies */
#include "lib/base64.h"

#include <string.h>

#include "lib/error.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* -1: not in the alphabet */
static int value_of(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

void base64_encode(struct buf *out, const void *p, size_t n, size_t line, const char *eol)
{
	const unsigned char *s = p;
	size_t column = 0;

	buf_reserve(out, n / 3 * 4 + 4 + (line ? n / line * 4 : 0));
	for (size_t i = 0; i < n; i += 3) {
		unsigned v = (unsigned)s[i] << 16 | (i + 1 < n ? (unsigned)s[i + 1] << 8 : 0) |
			     (i + 2 < n ? s[i + 2] : 0);
		char quad[4] = { alphabet[v >> 18], alphabet[v >> 12 & 63],
				 i + 1 < n ? alphabet[v >> 6 & 63] : '=',
				 i + 2 < n ? alphabet[v & 63] : '=' };

		buf_add(out, quad, 4);
		column += 4;
		if (line && (column + 4 > line || i + 3 >= n)) {
			buf_addstr(out, eol);
			column = 0;
		}
	}
}

int base64_decode(struct buf *out, struct span in, bool strict)
{
	unsigned quantum = 0;
	int have = 0, pads = 0;

	buf_reserve(out, in.n / 4 * 3 + 3);
	for (size_t i = 0; i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];
		int v = value_of(c);

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
		if (v < 0 && !strict)
			continue;
		if (v < 0 || pads)
			return E_PERM;
		quantum = quantum << 6 | (unsigned)v;
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
	if (have >= 2)
		buf_addch(out, (char)(quantum >> (have == 2 ? 4 : 10)));
	if (have == 3)
		buf_addch(out, (char)(quantum >> 2));
	return 0;
}
