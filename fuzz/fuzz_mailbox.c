/* fuzz_mailbox.c - domains with A-labels and U-labels, and constraints on mailboxes: two texts, a NUL between */
#include <stdint.h>
#include <string.h>

#include "check-path/mailbox.h"
#include "lib/address.h"
#include "lib/idn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = memchr(data, 0, size);
	size_t n = nul ? (size_t)(nul - data) : size;
	struct span a = span_from(data, n), b = nul ? span_from(nul + 1, size - n - 1) : a;
	struct buf once = BUF_INIT, twice = BUF_INIT, label = BUF_INIT, again = BUF_INIT;

	if (mailbox_equal(a, b) != mailbox_equal(b, a))
		abort();
	mailbox_within(a, b);
	if (idn_unicode(a, &once)) {
		if (!utf8_valid(span_from(once.data, once.len)))
			abort();
		/* what was made the same once stays so, unless it looks like an A-label only now */
		if (idn_unicode(span_from(once.data, once.len), &twice) && !memmem(once.data, once.len, "xn--", 4) &&
		    !span_eq(span_from(once.data, once.len), span_from(twice.data, twice.len)))
			abort();
	}
	/* what is encoded decodes to itself, in lower case */
	if (!idn_plain(a) && idn_encode(a, &label) && label.len <= 59 && (!idn_decode(span_from(label.data, label.len), &again) || again.len != n))
		abort();
	buf_release(&label);
	buf_release(&again);
	buf_release(&once);
	buf_release(&twice);
	return 0;
}
