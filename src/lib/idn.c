/* idn.c - internationalised domains: U-labels and A-labels
 *
 * One domain can be written with U-labels ("bücher.example") and with A-labels ("xn--bcher-kva.example").  Nothing is mapped or
 * normalised but the capital letters that people type: a U-label has one form only (RFC 5890 section 2.3.2.1), and what is not in it is
 * another one.
 */
#include "lib/idn.h"

#include <string.h>

#include "lib/address.h"

#define LABEL_MAX 63
#define DOMAIN_MAX 1024 /* octets, U-labels are longer than the 255 of what they stand for */

/* ---- RFC 3492 ---- */

enum { BASE = 36, T_MIN = 1, T_MAX = 26, SKEW = 38, DAMP = 700, INITIAL_BIAS = 72, INITIAL_N = 128 };

static uint32_t adapt(uint64_t delta, uint32_t points, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / points;
	for (; delta > (BASE - T_MIN) * T_MAX / 2; k += BASE)
		delta /= BASE - T_MIN;
	return k + (uint32_t)((BASE - T_MIN + 1) * delta / (delta + SKEW));
}

bool idn_plain(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

static int digit(unsigned char c)
{
	if (ascii_digit(c))
		return c - '0' + 26;
	return ascii_alpha(c) ? ascii_lower(c) - 'a' : -1;
}

static bool add_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_addch(out, (char)c);
	} else if (c < 0x800) {
		buf_addch(out, (char)(0xc0 | c >> 6));
		buf_addch(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_addch(out, (char)(0xe0 | c >> 12));
		buf_addch(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_addch(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_addch(out, (char)(0xf0 | c >> 18));
		buf_addch(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_addch(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_addch(out, (char)(0x80 | (c & 0x3f)));
	}
	return c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

/* The threshold between "the last digit" and "more follow". */
static uint32_t threshold(uint32_t k, uint32_t bias)
{
	return k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;
}

/* One generalised variable-length integer, added to *i. */
static bool take_delta(struct span *rest, uint32_t bias, uint32_t *i)
{
	uint64_t weight = 1, sum = *i;

	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = threshold(k, bias);
		int d = rest->n ? digit((unsigned char)rest->p[0]) : -1;

		if (d < 0)
			return false;
		*rest = span_sub(*rest, 1, rest->n);
		sum += (uint64_t)d * weight;
		if (sum > UINT32_MAX)
			return false;
		if ((uint32_t)d < t)
			break;
		weight *= BASE - t;
		if (weight > UINT32_MAX)
			return false;
	}
	*i = (uint32_t)sum;
	return true;
}

bool idn_decode(struct span label, struct buf *out)
{
	uint32_t points[LABEL_MAX], n = INITIAL_N, i = 0, bias = INITIAL_BIAS;
	size_t count = 0, basic = label.n;
	bool good = true;

	while (basic > 0 && label.p[basic - 1] != '-')
		basic--;
	if (label.n > LABEL_MAX || !idn_plain(label))
		return false;
	for (; count + 1 < basic; count++)
		points[count] = (unsigned char)ascii_lower((unsigned char)label.p[count]);
	label = span_sub(label, basic, label.n);
	while (label.n) {
		uint32_t before = i, length = (uint32_t)count + 1;

		if (count == LABEL_MAX || !take_delta(&label, bias, &i))
			return false;
		bias = adapt(i - before, length, before == 0);
		if (i / length > 0x10ffff - n)
			return false;
		n += i / length;
		i %= length;
		memmove(points + i + 1, points + i, (count - i) * sizeof(*points));
		points[i++] = n;
		count++;
	}
	for (size_t j = 0; j < count && good; j++)
		good = add_utf8(out, points[j]);
	return good && count;
}

static void add_delta(uint64_t delta, uint32_t bias, struct buf *out)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	uint32_t k = BASE, t;

	for (; delta >= (t = threshold(k, bias)); k += BASE) {
		buf_addch(out, digits[t + (delta - t) % (BASE - t)]);
		delta = (delta - t) / (BASE - t);
	}
	buf_addch(out, digits[delta]);
}

/* Capitals of alphabets in which domains are written (RFC 5895 section 2.1): from the first to the last of them, every step-th, the small
 * one stands delta behind. */
static const struct {
	uint32_t first, last, step, delta;
} capitals[] = {
	{ 'A', 'Z', 1, 0x20 },
	/* Latin */
	{ 0xc0, 0xd6, 1, 0x20 }, { 0xd8, 0xde, 1, 0x20 }, { 0x100, 0x12e, 2, 1 }, { 0x132, 0x136, 2, 1 }, { 0x139, 0x147, 2, 1 }, { 0x14a, 0x176, 2, 1 }, { 0x179, 0x17d, 2, 1 },
	{ 0x1a0, 0x1a0, 1, 1 }, { 0x1af, 0x1af, 1, 1 }, { 0x218, 0x21a, 2, 1 }, { 0x1e00, 0x1e94, 2, 1 }, { 0x1ea0, 0x1efe, 2, 1 },
	/* Greek */
	{ 0x386, 0x386, 1, 0x26 }, { 0x388, 0x38a, 1, 0x25 }, { 0x38c, 0x38c, 1, 0x40 }, { 0x38e, 0x38f, 1, 0x3f }, { 0x391, 0x3a1, 1, 0x20 },
	{ 0x3a3, 0x3ab, 1, 0x20 },
	/* Cyrillic */
	{ 0x400, 0x40f, 1, 0x50 }, { 0x410, 0x42f, 1, 0x20 }, { 0x460, 0x480, 2, 1 }, { 0x48a, 0x4be, 2, 1 }, { 0x4d0, 0x52e, 2, 1 },
};

static uint32_t small(uint32_t c)
{
	for (size_t i = 0; i < sizeof(capitals) / sizeof(*capitals); i++)
		if (c >= capitals[i].first && c <= capitals[i].last)
			return (c - capitals[i].first) % capitals[i].step ? c : c + capitals[i].delta;
	return c;
}

/* Well-formed UTF-8 in characters; 0: more than a label has. */
static size_t read_points(struct span s, uint32_t points[LABEL_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x80 && c < 0xc0) {
			points[n - 1] = points[n - 1] << 6 | (c & 0x3f);
			continue;
		}
		if (n == LABEL_MAX)
			return 0;
		points[n++] = c < 0x80 ? c : c < 0xe0 ? c & 0x1f : c < 0xf0 ? c & 0x0f : c & 0x07;
	}
	for (size_t i = 0; i < n; i++)
		points[i] = small(points[i]);
	return n;
}

static uint32_t least_from(const uint32_t *points, size_t count, uint32_t n)
{
	uint32_t least = UINT32_MAX;

	for (size_t i = 0; i < count; i++)
		if (points[i] >= n && points[i] < least)
			least = points[i];
	return least;
}

bool idn_encode(struct span label, struct buf *out)
{
	uint32_t points[LABEL_MAX], n = INITIAL_N, bias = INITIAL_BIAS, done = 0, basic;
	size_t count = utf8_valid(label) ? read_points(label, points) : 0;
	uint64_t delta = 0;

	for (size_t i = 0; i < count; i++)
		if (points[i] < INITIAL_N) {
			buf_addch(out, (char)points[i]);
			done++;
		}
	basic = done;
	if (basic)
		buf_addch(out, '-');
	while (done < count) {
		uint32_t next = least_from(points, count, n);

		delta += (uint64_t)(next - n) * (done + 1);
		n = next;
		for (size_t i = 0; i < count; i++) {
			delta += points[i] < n;
			if (points[i] != n)
				continue;
			add_delta(delta, bias, out);
			bias = adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
		delta++;
		n++;
	}
	return count;
}

/* ---- domains ---- */

static void add_lower(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_addch(out, (char)ascii_lower((unsigned char)s.p[i]));
}

static bool add_unicode(struct span label, struct buf *out)
{
	size_t start = out->len;

	if (label.n == 0 || (label.n > LABEL_MAX && idn_plain(label)))
		return false;
	if (!span_casestarts(label, "xn--")) {
		add_lower(out, label);
		return true;
	}
	/* one that decodes to ASCII would be a second way to write that */
	return idn_decode(span_sub(label, 4, label.n), out) && !idn_plain(span_from(out->data + start, out->len - start));
}

static bool add_ascii(struct span label, struct buf *out)
{
	size_t start = out->len;

	if (idn_plain(label)) {
		add_lower(out, label);
		return true;
	}
	buf_addstr(out, "xn--");
	return idn_encode(label, out) && out->len - start <= LABEL_MAX;
}

static bool each_label(struct span domain, bool (*add)(struct span label, struct buf *out), struct buf *out)
{
	bool good = domain.n > 0 && domain.n <= DOMAIN_MAX && utf8_valid(domain) && !memchr(domain.p, '\0', domain.n);

	while (good) {
		ptrdiff_t dot = span_find(domain, '.');

		good = add(dot < 0 ? domain : span_sub(domain, 0, (size_t)dot), out);
		if (dot < 0)
			break;
		buf_addch(out, '.');
		domain = span_sub(domain, (size_t)dot + 1, domain.n);
	}
	return good;
}

bool idn_unicode(struct span domain, struct buf *out)
{
	return each_label(domain, add_unicode, out);
}

bool idn_ascii(struct span domain, struct buf *out)
{
	return each_label(domain, add_ascii, out);
}
