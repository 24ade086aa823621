/* fuzz_refresh_state.c - what postern-refresh remembers: any file is read, and what was read is written and read the same */
#include <stdint.h>

#include "refresh/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state a = { 0 }, b = { 0 };
	struct buf first = BUF_INIT, second = BUF_INIT;

	state_parse(&a, span_from(data, size));
	for (size_t i = 0; i < a.records.cap; i++)
		if (a.records.entries[i].key)
			((struct state_record *)a.records.entries[i].value)->used = true;
	state_format(&a, 0, &first);
	if (state_parse(&b, span_from(first.data, first.len)) != 0 || b.records.n != a.records.n)
		abort();
	state_format(&b, 0, &second);
	if (first.len != second.len)
		abort();
	state_release(&a);
	state_release(&b);
	buf_release(&first);
	buf_release(&second);
	return 0;
}
