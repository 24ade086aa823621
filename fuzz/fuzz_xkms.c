/* fuzz_xkms.c - any bytes as a relay's answer; a verdict always has its reason */
#include <stdlib.h>
#include <string.h>

#include "check-xkms/xkms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No signer is configured here: signatures are xmlsec's. */
int xkms_signature_check(void *document, void *result, struct error *err)
{
	(void)document, (void)result, (void)err;
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct xkms_options options = { .signer = "" };
	struct arena arena = ARENA_INIT;
	struct error err = { 0 };
	struct xkms_result out;
	int rc = xkms_response(&options, span_from(data, size), "_q", span_of("x"), &arena, &out, &err);

	if (rc == 0 ? (out.verdict == CHECK_VALID) != !*out.reason : !*err.text)
		abort();
	arena_release(&arena);
	return 0;
}
