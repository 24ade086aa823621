/* fuzz_certinput.c - a file that somebody hands to postern-cert verify or show */
#include <stdint.h>

#include <openssl/crypto.h>

#include "cert/describe.h"
#include "cert/input.h"
#include "lib/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void describe_one(struct arena *a, struct span der)
{
	struct description d;
	struct json j = { 0 };

	describe(a, der, &d);
	describe_key(a, der);
	json_open(&j, NULL, '{');
	describe_json(&j, &d);
	json_close(&j, '}');
	for (size_t i = 0; i < j.out.len; i++)
		if ((unsigned char)j.out.data[i] < 0x20)
			abort();
	buf_release(&j.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = ARENA_INIT;
	struct input in = { 0 };
	struct span first;

	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	log_set_level(LOG_LEVEL_ERROR);
	if (input_take_first(&a, "input", span_from(data, size), &first, &in, NULL) == 0 && !first.p)
		abort();
	if (first.p)
		describe_one(&a, first);
	for (size_t i = 0; i < in.ncertificates; i++)
		describe_one(&a, in.certificates[i].der);
	arena_release(&a);
	return 0;
}
