/* digest.c - SHA-256 for names and identities, without starting a library */
#include "lib/digest.h"

#include <openssl/sha.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static SHA256_CTX *context(struct digest *d)
{
	_Static_assert(sizeof(SHA256_CTX) <= sizeof(d->state), "room for SHA256_CTX");
	return (SHA256_CTX *)(void *)&d->state;
}

void digest_init(struct digest *d)
{
	SHA256_Init(context(d));
}

void digest_add(struct digest *d, const void *p, size_t n)
{
	SHA256_Update(context(d), p, n);
}

void digest_hex(struct digest *d, char out[DIGEST_HEX + 1])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char md[SHA256_DIGEST_LENGTH];

	SHA256_Final(md, context(d));
	for (size_t i = 0; i < sizeof(md); i++) {
		out[2 * i] = digits[md[i] >> 4];
		out[2 * i + 1] = digits[md[i] & 15];
	}
	out[DIGEST_HEX] = '\0';
}
