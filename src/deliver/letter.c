/* letter.c - what mail of our own is made of */
#include "deliver/letter.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "lib/base64.h"

#define COLUMNS ((size_t)72)
#define QP_COLUMNS ((size_t)75)
#define PLAIN_LINE_MAX ((size_t)900) /* RFC 5322 section 2.1.1 allows 998 */
#define WORD_BYTES ((size_t)42)      /* of an encoded word: 56 characters of base64 and its frame are below 75 */

const char *letter_host(const struct config *c)
{
	static char own[256];

	if (c->hostname && *c->hostname)
		return c->hostname;
	if (gethostname(own, sizeof(own) - 1) < 0 || !*own)
		return "localhost";
	return own;
}

void letter_unique(char out[33])
{
	unsigned char bytes[16] = { 0 };

	if (getrandom(bytes, sizeof(bytes), 0) < 0) {
		struct timespec now;

		clock_gettime(CLOCK_REALTIME, &now);
		memcpy(bytes, &now, sizeof(bytes) < sizeof(now) ? sizeof(bytes) : sizeof(now));
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

void letter_time(char out[24])
{
	time_t now = time(NULL);
	struct tm tm;

	out[0] = '\0';
	if (gmtime_r(&now, &tm))
		strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* RFC 5322 section 3.3, in English whatever the locale. */
static void add_date(struct buf *b)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm))
		buf_addf(b, "Date: %s, %d %s %d %02d:%02d:%02d +0000\n", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
			 tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static bool is_plain(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			return false;
	return true;
}

/* Encoded words, cut between characters, folded. */
static void add_encoded(struct buf *b, const char *text)
{
	struct span rest = span_of(text);

	while (rest.n) {
		size_t n = rest.n < WORD_BYTES ? rest.n : WORD_BYTES;

		while (n > 1 && n < rest.n && ((unsigned char)rest.p[n] & 0xc0) == 0x80)
			n--;
		buf_addstr(b, rest.p == text ? "=?utf-8?B?" : "\n =?utf-8?B?");
		base64_encode(b, rest.p, n, 0, "");
		buf_addstr(b, "?=");
		rest = span_sub(rest, n, rest.n);
	}
}

void letter_start(struct buf *b, const struct config *c, const char *to, const char *subject, const char *submitted)
{
	const char *host = letter_host(c);
	char unique[33];

	letter_unique(unique);
	buf_addf(b, "From: \"Mail gateway at %s\" <postmaster@%s>\nTo: ", host, host);
	if (is_plain(to)) {
		buf_addf(b, "<%s>\n", to);
	} else {
		add_encoded(b, to);
		buf_addstr(b, ":;\n");
	}
	buf_addstr(b, "Subject: ");
	if (is_plain(subject))
		buf_addstr(b, subject);
	else
		add_encoded(b, subject);
	buf_addch(b, '\n');
	add_date(b);
	buf_addf(b, "Message-ID: <%s@%s>\nAuto-Submitted: %s\nMIME-Version: 1.0\n", unique, host, submitted);
}

static bool needs_encoding(struct span text)
{
	size_t column = 0;

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		column = c == '\n' ? 0 : column + 1;
		if (c >= 0x7f || (c < 0x20 && c != '\n' && c != '\t') || column > PLAIN_LINE_MAX)
			return true;
	}
	return false;
}

static bool is_literal(struct span text, size_t i)
{
	unsigned char c = (unsigned char)text.p[i];
	bool line_end = i + 1 == text.n || text.p[i + 1] == '\n';

	if (c == ' ' || c == '\t')
		return !line_end;
	return c > 0x20 && c < 0x7f && c != '=';
}

static void add_quoted_printable(struct buf *b, struct span text)
{
	size_t column = 0;

	for (size_t i = 0; i < text.n; i++) {
		size_t width = is_literal(text, i) ? 1 : 3;

		if (text.p[i] == '\n') {
			buf_addch(b, '\n');
			column = 0;
			continue;
		}
		if (column + width > QP_COLUMNS) {
			buf_addstr(b, "=\n");
			column = 0;
		}
		if (width == 1)
			buf_addch(b, text.p[i]);
		else
			buf_addf(b, "=%02X", (unsigned char)text.p[i]);
		column += width;
	}
}

void letter_body(struct buf *b, const char *type, struct span text)
{
	if (!needs_encoding(text)) {
		buf_addf(b, "Content-Type: %s; charset=us-ascii\nContent-Transfer-Encoding: 7bit\n\n", type);
		buf_add(b, text.p, text.n);
		return;
	}
	buf_addf(b, "Content-Type: %s; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n", type);
	add_quoted_printable(b, text);
}

/* Columns are characters: continuation bytes of UTF-8 take none. */
static size_t width_of(const char *p, size_t n)
{
	size_t width = 0;

	for (size_t i = 0; i < n; i++)
		width += ((unsigned char)p[i] & 0xc0) != 0x80;
	return width;
}

static bool is_gap(char c)
{
	return c && ((unsigned char)c <= 0x20 || c == 0x7f);
}

void letter_wrap(struct buf *b, const char *indent, const char *text)
{
	size_t column = 0;

	for (;;) {
		size_t n = 0, width;

		while (is_gap(*text))
			text++;
		while (text[n] && !is_gap(text[n]))
			n++;
		if (!n)
			break;
		width = width_of(text, n);
		if (column && column + 1 + width > COLUMNS) {
			buf_addch(b, '\n');
			column = 0;
		}
		if (column) {
			buf_addch(b, ' ');
			column++;
		} else {
			buf_addstr(b, indent);
			column = strlen(indent);
		}
		buf_add(b, text, n);
		column += width;
		text += n;
	}
	buf_addch(b, '\n');
}
