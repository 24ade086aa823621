/* ber.c - reading BER one element at a time, without copies (X.690) */
#include "smime/ber.h"

#define CONSTRUCTED 0x20

struct head {
	unsigned char tag;
	size_t size;     /* of identifier and length octets */
	size_t length;   /* of the content */
	bool indefinite;
};

static int read_length(struct span s, struct head *h)
{
	unsigned char first;

	if (h->size >= s.n)
		return E_PERM;
	first = (unsigned char)s.p[h->size++];
	if (first == 0x80) {
		h->indefinite = true;
		return h->tag & CONSTRUCTED ? 0 : E_PERM;
	}
	if (!(first & 0x80)) {
		h->length = first;
		return 0;
	}
	first &= 0x7f;
	if (first > sizeof(size_t) || first > s.n - h->size)
		return E_PERM;
	while (first--)
		h->length = h->length << 8 | (unsigned char)s.p[h->size++];
	return 0;
}

static int read_head(struct span s, struct head *h)
{
	*h = (struct head){ 0 };
	if (!s.n)
		return E_PERM;
	h->tag = (unsigned char)s.p[h->size++];
	if ((h->tag & 0x1f) == 0x1f) {
		do {
			if (h->size >= s.n || h->size > 5)
				return E_PERM;
		} while ((unsigned char)s.p[h->size++] & 0x80);
	}
	if (read_length(s, h) < 0)
		return E_PERM;
	return h->indefinite || h->length <= s.n - h->size ? 0 : E_PERM;
}

/* Where the content of an indefinite-length element ends: at its end-of-contents octets.  open counts the levels. */
static int find_end(struct span s, size_t from, size_t *end)
{
	size_t open = 1, at = from;

	for (;;) {
		struct head h;

		if (read_head(span_sub(s, at, s.n), &h) < 0)
			return E_PERM;
		if (h.tag == 0 && h.length == 0 && h.size == 2) {
			if (--open == 0)
				break;
			at += 2;
		} else if (h.indefinite) {
			open++;
			at += h.size;
		} else {
			at += h.size + h.length;
		}
	}
	*end = at;
	return 0;
}

int ber_next(struct span *rest, struct ber *out)
{
	struct head h;
	size_t end;

	*out = (struct ber){ 0 };
	if (!rest->n)
		return 0;
	if (read_head(*rest, &h) < 0)
		return E_PERM;
	if (!h.indefinite)
		end = h.size + h.length;
	else if (find_end(*rest, h.size, &end) < 0)
		return E_PERM;
	out->tag = h.tag;
	out->content = span_sub(*rest, h.size, end);
	out->whole = span_sub(*rest, 0, end + (h.indefinite ? 2 : 0));
	*rest = span_sub(*rest, out->whole.n, rest->n);
	return 1;
}

bool ber_expect(struct span *rest, unsigned char tag, struct ber *out)
{
	struct span after = *rest;

	if (ber_next(&after, out) != 1 || out->tag != tag)
		return false;
	*rest = after;
	return true;
}

bool ber_optional(struct span *rest, unsigned char tag, struct ber *out)
{
	struct span after = *rest;

	if (ber_next(&after, out) != 1 || (out->tag | CONSTRUCTED) != (tag | CONSTRUCTED)) {
		*out = (struct ber){ 0 };
		return false;
	}
	*rest = after;
	return true;
}

bool ber_number(const struct ber *e, unsigned max, unsigned *out)
{
	unsigned value = 0;

	*out = 0;
	if (e->tag != BER_INTEGER || !e->content.n || e->content.n > 4 || (unsigned char)e->content.p[0] & 0x80)
		return false;
	for (size_t i = 0; i < e->content.n; i++)
		value = value << 8 | (unsigned char)e->content.p[i];
	*out = value;
	return value <= max;
}
