/* mailbox.c - mail addresses of certificates, compared
 *
 * One domain can be written with U-labels ("bücher.example") and with A-labels ("xn--bcher-kva.example"); certificates, the
 * constraints of CAs and mail have either.  Both become the former (lib/idn.h).
 */
#include "check-path/mailbox.h"

#include <string.h>

#include "lib/idn.h"

bool mailbox_same_domain(struct span a, struct span b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	bool same;

	if (a.n == b.n && a.n && idn_plain(a) && idn_plain(b) && memcmp(a.p, b.p, a.n) == 0)
		return true;
	same = idn_unicode(a, &x) && idn_unicode(b, &y) && x.len == y.len && memcmp(x.data, y.data, x.len) == 0;

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
	bool is = idn_unicode(domain, &x) && idn_unicode(span_sub(parent, 1, parent.n), &y) && x.len > y.len + 1 &&
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
