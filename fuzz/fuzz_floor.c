/* fuzz_floor.c - files of floors */
#include <stdint.h>

#include "check-path/floor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = ARENA_INIT;
	struct error err = { 0 };
	struct floor f;

	if (floor_parse(&a, "F", span_from(data, size), "a", &f, &err) == 0) {
		floor_lists(f.hashes ? f.hashes : "", "sha256");
		floor_lists_curve(f.curves ? f.curves : "", 415);
	} else if (err.code != E_CONFIG) {
		abort();
	}
	arena_release(&a);
	return 0;
}
