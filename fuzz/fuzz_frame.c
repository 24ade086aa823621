/* fuzz_frame.c - any bytes as frames: in one piece and byte by byte the same comes out */
#include <stdlib.h>
#include <string.h>

#include "lib/frame.h"

#define MAX 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is understood of the first n bytes: the documents' bytes, their number, how it ended. */
struct reading {
	struct buf documents;
	size_t n, used;
	int rc;
};

static void read_all(struct reading *r, struct span input)
{
	struct span document;
	ptrdiff_t used;

	while ((used = frame_parse(span_sub(input, r->used, input.n), MAX, &document, NULL)) > 0) {
		if (document.n > MAX || document.n == 0 || document.n >= (size_t)used || r->used + (size_t)used > input.n)
			abort();
		buf_add(&r->documents, document.p, document.n);
		r->used += (size_t)used;
		r->n++;
	}
	r->rc = (int)used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reading whole = { .n = 0 }, slow = { .n = 0 };
	struct buf again = BUF_INIT;

	read_all(&whole, span_from(data, size));
	for (size_t i = 0; i <= size && slow.rc == 0; i++)
		read_all(&slow, span_from(data, i));
	if (slow.n != whole.n || slow.used != whole.used || slow.rc != whole.rc || slow.documents.len != whole.documents.len ||
	    (whole.documents.len && memcmp(slow.documents.data, whole.documents.data, whole.documents.len) != 0))
		abort();
	if (whole.n == 1) { /* what is written is what was read */
		frame_append(&again, span_from(whole.documents.data, whole.documents.len));
		if (again.len != whole.used || memcmp(again.data, data, again.len) != 0)
			abort();
	}
	buf_release(&whole.documents);
	buf_release(&slow.documents);
	buf_release(&again);
	return 0;
}
