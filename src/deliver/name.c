/* name.c - file names for things that have long or foreign names */
#include "deliver/name.h"

#include <string.h>

#include "lib/digest.h"

_Static_assert(NAME_HEX == DIGEST_HEX, "a name is a digest");

void name_hash(const char *const *strings, size_t n, char out[NAME_HEX + 1])
{
	struct digest d;

	digest_init(&d);
	for (size_t i = 0; i < n; i++)
		digest_add(&d, strings[i], strlen(strings[i]) + 1);
	digest_hex(&d, out);
}
