/* charset.c - text in any charset as UTF-8 that can be shown, logged and put into XML */
#include "mime/charset.h"

#include <errno.h>
#include <iconv.h>

int hex_digit(int c)
{
	if (ascii_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Least second byte, its greatest, length: RFC 3629 section 4. */
static size_t lead(unsigned char c, unsigned char *least, unsigned char *most)
{
	*least = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	*most = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef)
		return 3;
	return c >= 0xf0 && c <= 0xf4 ? 4 : 0;
}

size_t utf8_length(const char *p, size_t n)
{
	const unsigned char *s = (const unsigned char *)p;
	unsigned char least, most;
	size_t k = n ? lead(s[0], &least, &most) : 0;

	if (!k || k > n || (k > 1 && (s[1] < least || s[1] > most)))
		return 0;
	for (size_t i = 2; i < k; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return k;
}

static bool showable(const char *p, size_t k)
{
	unsigned char c = (unsigned char)p[0];

	if (k == 1)
		return (c >= 0x20 && c != 0x7f) || c == '\t';
	return k != 3 || (memcmp(p, "\xef\xbf\xbe", 3) != 0 && memcmp(p, "\xef\xbf\xbf", 3) != 0);
}

void text_append(struct buf *out, struct span bytes)
{
	for (size_t i = 0; i < bytes.n;) {
		size_t k = utf8_length(bytes.p + i, bytes.n - i);

		if (bytes.p[i] == '\r' || bytes.p[i] == '\n')
			buf_addch(out, ' ');
		else if (k && showable(bytes.p + i, k))
			buf_add(out, bytes.p + i, k);
		else
			buf_addstr(out, UTF8_REPLACEMENT);
		i += k ? k : 1;
	}
}

static bool plain_ascii(struct span bytes)
{
	for (size_t i = 0; i < bytes.n; i++)
		if (bytes.p[i] < 0x20 || bytes.p[i] > 0x7e)
			return false;
	return true;
}

static void from_latin1(struct buf *out, struct span bytes)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < bytes.n; i++) {
		unsigned char c = (unsigned char)bytes.p[i];

		if (c >= 0x80)
			buf_addch(&b, (char)(0xc0 | c >> 6));
		buf_addch(&b, (char)(c < 0x80 ? c : 0x80 | (c & 0x3f)));
	}
	text_append(out, span_from(b.data, b.len));
	buf_release(&b);
}

static void from_iconv(struct buf *out, iconv_t cd, struct span bytes)
{
	struct buf b = BUF_INIT;
	char *in = (char *)bytes.p, block[512];
	size_t left = bytes.n;

	for (bool flush = false;;) {
		char *to = block;
		size_t room = sizeof(block);
		size_t rc = iconv(cd, flush ? NULL : &in, &left, &to, &room);

		buf_add(&b, block, sizeof(block) - room);
		if (rc == (size_t)-1 && errno == E2BIG)
			continue;
		if (flush)
			break;
		if (rc == (size_t)-1) {
			buf_addstr(&b, UTF8_REPLACEMENT);
			iconv(cd, NULL, NULL, NULL, NULL);
			if (left) {
				in++;
				left--;
			}
		}
		if (!left)
			flush = true;
	}
	text_append(out, span_from(b.data, b.len));
	buf_release(&b);
}

/* A final * stands for any digits and letters.  Rare converters of the C library have had memory errors: not here. */
static const char *const known[] = { "iso-8859-*", "iso8859-*", "windows-125*", "windows-874", "cp125*", "koi8-r", "koi8-u",
	"gb2312", "gbk", "gb18030", "big5", "euc-jp", "euc-kr", "shift_jis", "iso-2022-jp", "utf-7", "utf-16", "utf-16le", "utf-16be",
	"macintosh", "tis-620" };

static bool is_known(struct span name)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t n = strlen(known[i]);
		bool open = known[i][n - 1] == '*';

		if (open ? name.n >= n && name.n <= n + 1 && memcmp(name.p, known[i], n - 1) == 0 : span_eqstr(name, known[i]))
			return true;
	}
	return false;
}

static bool open_iconv(struct span charset, iconv_t *cd)
{
	char name[40];

	if (!charset.n || charset.n >= sizeof(name))
		return false;
	for (size_t i = 0; i < charset.n; i++) {
		name[i] = (char)ascii_lower((unsigned char)charset.p[i]);
		/* a slash would be an option to iconv, such as //IGNORE */
		if (!ascii_alpha(name[i]) && !ascii_digit(name[i]) && name[i] != '-' && name[i] != '_')
			return false;
	}
	name[charset.n] = '\0';
	if (!is_known(span_of(name)))
		return false;
	*cd = iconv_open("UTF-8", name);
	return *cd != (iconv_t)-1;
}

bool text_convert(struct buf *out, struct span charset, struct span bytes)
{
	iconv_t cd;

	if (span_caseeq(charset, "utf-8") || span_caseeq(charset, "utf8") || span_caseeq(charset, "us-ascii") ||
	    span_caseeq(charset, "ascii")) {
		text_append(out, bytes);
	} else if (span_caseeq(charset, "iso-8859-1")) {
		from_latin1(out, bytes);
	} else if (open_iconv(charset, &cd)) {
		from_iconv(out, cd, bytes);
		iconv_close(cd);
	} else if (plain_ascii(bytes)) {
		text_append(out, bytes);
	} else {
		return false;
	}
	return true;
}
