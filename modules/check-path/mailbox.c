/* mailbox.c - mail addresses of certificates, compared
 *
 * One domain can be written with U-labels ("bücher.example") and with A-labels ("xn--bcher-kva.example"); certificates, the
 * constraints of CAs and mail have either.  Both become the former.  Nothing is mapped or normalised: a U-label has one
 * form only (RFC 5890 section 2.3.2.1), and what is not in it is not equal.
 */
#include "check-path/mailbox.h"

#include <string.h>

#include "lib/address.h"

#define LABEL_MAX 63
#define DOMAIN_MAX 1024 /* octets, U-labels are longer than the 255 of what they stand for */

/* ---- RFC 3492 ---- */

enum { BASE = 36, T_MIN = 1, T_MAX = 26, SKEW = 38, DAMP = 700, INITIAL_BIAS = 72, INITIAL_N = 128 };

static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / points;
	for (; delta > (BASE - T_MIN) * T_MAX / 2; k += BASE)
		delta /= BASE - T_MIN;
	return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static bool has_foreign(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return true;
	return false;
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

/* One generalised variable-length integer, added to *i. */
static bool take_delta(struct span *rest, uint32_t bias, uint32_t *i)
{
	uint64_t weight = 1, sum = *i;

	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;
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

bool mailbox_punycode(struct span label, struct buf *out)
{
	uint32_t points[LABEL_MAX], n = INITIAL_N, i = 0, bias = INITIAL_BIAS;
	size_t count = 0, basic = label.n;
	bool good = true;

	while (basic > 0 && label.p[basic - 1] != '-')
		basic--;
	if (label.n > LABEL_MAX || has_foreign(label))
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

/* ---- domains ---- */

static void add_lower(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_addch(out, (char)ascii_lower((unsigned char)s.p[i]));
}

static bool add_label(struct buf *out, struct span label)
{
	size_t start = out->len;

	if (label.n == 0 || (label.n > LABEL_MAX && !has_foreign(label)))
		return false;
	if (!span_casestarts(label, "xn--")) {
		add_lower(out, label);
		return true;
	}
	/* one that decodes to ASCII would be a second way to write that */
	return mailbox_punycode(span_sub(label, 4, label.n), out) &&
	       has_foreign(span_from(out->data + start, out->len - start));
}

bool mailbox_domain(struct span domain, struct buf *out)
{
	bool good = domain.n > 0 && domain.n <= DOMAIN_MAX && utf8_valid(domain) && !memchr(domain.p, '\0', domain.n);

	while (good) {
		ptrdiff_t dot = span_find(domain, '.');

		good = add_label(out, dot < 0 ? domain : span_sub(domain, 0, (size_t)dot));
		if (dot < 0)
			break;
		buf_addch(out, '.');
		domain = span_sub(domain, (size_t)dot + 1, domain.n);
	}
	return good;
}

bool mailbox_same_domain(struct span a, struct span b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	bool same;

	if (a.n == b.n && a.n && !has_foreign(a) && !has_foreign(b) && memcmp(a.p, b.p, a.n) == 0)
		return true;
	same = mailbox_domain(a, &x) && mailbox_domain(b, &y) && x.len == y.len && memcmp(x.data, y.data, x.len) == 0;

	buf_release(&x);
	buf_release(&y);
	return same;
}

/* ---- mailboxes ---- */

/* At the last @; false: there is none. */
static bool split(struct span mailbox, struct span *local, struct span *domain)
{
	size_t at = mailbox.n;

	while (at > 0 && mailbox.p[at - 1] != '@')
		at--;
	if (at == 0)
		return false;
	*local = span_sub(mailbox, 0, at - 1);
	*domain = span_sub(mailbox, at, mailbox.n);
	return true;
}

static bool same_local(struct span a, struct span b)
{
	bool same = a.n == b.n;

	for (size_t i = 0; i < a.n && same; i++)
		same = a.p[i] && ascii_lower((unsigned char)a.p[i]) == ascii_lower((unsigned char)b.p[i]);
	return same;
}

bool mailbox_equal(struct span a, struct span b)
{
	struct span local[2], domain[2];

	return split(a, &local[0], &domain[0]) && split(b, &local[1], &domain[1]) && same_local(local[0], local[1]) &&
	       mailbox_same_domain(domain[0], domain[1]);
}

/* .example covers what has at least one more label. */
static bool below(struct span domain, struct span parent)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	bool is = mailbox_domain(domain, &x) && mailbox_domain(span_sub(parent, 1, parent.n), &y) && x.len > y.len + 1 &&
		  x.data[x.len - y.len - 1] == '.' && memcmp(x.data + x.len - y.len, y.data, y.len) == 0;

	buf_release(&x);
	buf_release(&y);
	return is;
}

bool mailbox_within(struct span mailbox, struct span constraint)
{
	struct span local, domain, wanted_local, wanted_domain;

	if (!split(mailbox, &local, &domain) || constraint.n == 0)
		return false;
	if (split(constraint, &wanted_local, &wanted_domain))
		return span_eq(local, wanted_local) && mailbox_same_domain(domain, wanted_domain);
	return constraint.p[0] == '.' ? below(domain, constraint) : mailbox_same_domain(domain, constraint);
}
