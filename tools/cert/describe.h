/* describe.h - what people want to know of a certificate */
#ifndef POSTERN_CERT_DESCRIBE_H
#define POSTERN_CERT_DESCRIBE_H

#include "lib/digest.h"
#include "lib/json.h"
#include "lib/mem.h"

/* In the arena; "" and 0 where it cannot be read. */
struct description {
	const char *subject, *issuer, *serial;
	time_t not_before, not_after;
	const char **addresses;   /* in lower case */
	size_t naddresses;
	char sha256[DIGEST_HEX + 1];
};

/* false: not a certificate (sha256 is set all the same). */
bool describe(struct arena *a, struct span der, struct description *out);

/* "RSA 2048 bits"; "unknown". */
const char *describe_key(struct arena *a, struct span der);

void describe_json(struct json *j, const struct description *d); /* members of an open object */

/* Control characters, and those that show nothing or turn what follows around, become '?': names are anybody's. */
void make_printable(char *text);
const char *printable(struct arena *a, const char *text); /* a copy */

#endif
