/* fuzz_profiles.c - the profiles file, and what partners say of themselves: capabilities in DER */
#include <assert.h>
#include <stdint.h>

#include "smime/capabilities.h"
#include "lib/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena arena = ARENA_INIT;
	struct capabilities said;
	struct profile profile;
	struct error err = { 0 };
	int rc;

	capabilities_read(span_from(data, n), &said);
	assert(said.ciphers < 1u << CONTENT_CIPHERS);

	rc = profile_parse(&arena, "profiles", span_from(data, n), "mine", &profile, &err);
	assert(rc == 0 || rc == E_CONFIG || rc == E_NOTFOUND);
	if (rc == 0)
		assert(profile.name && profile.cipher && profile.digest && profile.key_wrap && profile.kdf_digest &&
		       profile.oaep_digest && profile.rsa_bits_least >= 0 && profile.rsa_bits_least <= 16384);
	else
		assert(err.text[0]);
	arena_release(&arena);
	return 0;
}
