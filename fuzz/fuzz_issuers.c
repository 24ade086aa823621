/* fuzz_issuers.c - files of policies by issuer */
#include <stdint.h>

#include "check-path/issuers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct issuer_policy otherwise = { .where = "otherwise" };
	struct error err = { 0 };
	struct issuers *t;

	if (issuers_parse((const char *)data, size, "F", &t, &err) == 0) {
		if (!*issuers_find(t, "CN=Sub,O=Partner,C=DE", &otherwise).where)
			abort();
		issuers_free(t);
	} else if (!err.text[0] || t) {
		abort();
	}
	return 0;
}
