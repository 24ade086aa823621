/* fuzz_record.c - the plan record, which the parent reads from a child that a message may have taken over */
#include <stdint.h>
#include <stdlib.h>

#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct record_limits limits = { .message = 1000, .output = 1000 };
	const char *to[] = { "a@b.example", "c@d.example" };
	const char *local[] = { "b.example" };
	const struct config c = { .local_domains = { .items = local, .n = 1 } };
	struct envelope e = { .recipients = to, .n = 2, .sender = "" };
	struct arena a = ARENA_INIT;
	struct plan p;

	if (record_read(span_from(data, n), &a, &limits, &p, NULL) == 0 && record_check(&p, &c, &e, NULL) == 0) {
		for (const struct plan_output *o = p.outputs; o; o = o->next)
			for (size_t i = 0; i < o->nsegments; i++)
				if (o->segments[i].offset + o->segments[i].length > 1000)
					abort();
	}
	arena_release(&a);
	return 0;
}
