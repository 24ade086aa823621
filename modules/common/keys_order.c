/* keys_order.c - which of several certificates comes first, and which serves an address at all */
#include "common/keys_order.h"

#include <string.h>

#include "common/certificate.h"
#include "common/marks.h"

/* ---- reading ---- */

static bool has_mark(struct span list, const struct mark *m)
{
	struct span mark;

	while (marks_next(&list, &mark))
		if (m->n && span_eq(mark, span_from(m->bytes, m->n)))
			return true;
	return false;
}

static bool serves(struct certificate *c, const char *address, bool *domain)
{
	struct buf list = BUF_INIT;
	struct mark own, whole;
	bool found;

	marks_of_addresses(c, &list);
	mark_address(&own, address);
	mark_domain(&whole, address);
	found = has_mark(span_from(buf_str(&list), list.len), &own);
	*domain = !found && has_mark(span_from(buf_str(&list), list.len), &whole);
	buf_release(&list);
	return found || *domain;
}

bool keys_candidate_read(struct span der, const char *address, struct keys_candidate *out)
{
	struct certificate *c = certificate_parse(der);
	bool good = c;

	*out = (struct keys_candidate){ .der = der };
	if (c && address)
		good = serves(c, address, &out->domain);
	if (good) {
		out->not_before = c->not_before;
		out->not_after = c->not_after;
		out->may_sign = certificate_may_sign(c);
		out->may_encrypt = certificate_may_encrypt(c);
		out->is_ca = certificate_is_ca(c);
	}
	certificate_free(c);
	return good;
}

/* ---- sorting ---- */

static bool usable(const struct keys_candidate *c, enum keys_purpose purpose)
{
	return purpose == KEYS_TO_SIGN ? c->may_sign : c->may_encrypt;
}

/* The smaller the better. */
static int class_of(const struct keys_candidate *c, enum keys_purpose purpose, int64_t now)
{
	bool invalid = now < c->not_before || c->not_after < now;

	return purpose == KEYS_TO_SIGN ? 2 * invalid + c->domain : 2 * c->domain + invalid;
}

static bool is_better(const struct keys_candidate *a, const struct keys_candidate *b, enum keys_purpose purpose, int64_t now)
{
	int of_a = class_of(a, purpose, now), of_b = class_of(b, purpose, now);

	return of_a != of_b ? of_a < of_b : a->not_before > b->not_before;
}

static bool is_copy(const struct keys_candidate *list, size_t n, struct span der)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq(list[i].der, der))
			return true;
	return false;
}

/* By insertion: lists are short, and equal ones must stay as they are. */
size_t keys_order(struct keys_candidate *list, size_t n, enum keys_purpose purpose, int64_t now)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		struct keys_candidate c = list[i];
		size_t k = left;

		if (!usable(&c, purpose) || is_copy(list, left, c.der))
			continue;
		for (; k && is_better(&c, &list[k - 1], purpose, now); k--)
			list[k] = list[k - 1];
		list[k] = c;
		left++;
	}
	return left;
}

bool keys_archived(const char *directory, const char *file)
{
	static const char archive[] = "decrypt-only/";
	size_t n = strlen(directory) + 1;

	return strlen(file) > n && strncmp(file + n, archive, sizeof(archive) - 1) == 0;
}
