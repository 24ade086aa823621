/* given.h - a PIN that a person has given, and never a wrong one twice: what became of it at a token */
#ifndef POSTERN_KEYS_PKCS11_GIVEN_H
#define POSTERN_KEYS_PKCS11_GIVEN_H

#include "lib/buf.h"
#include "lib/error.h"

struct given {
	const char *path;   /* of what is remembered of one token; the caller's, here and below */
	struct buf text;    /* what stands there */
	struct buf line;    /* what this PIN would be remembered by */
};

/* Before an attempt, which is written down.  0: it may be tried; E_PERM: the token has refused it before; E_CONFIG: an attempt did not
 * end, or too many are remembered; E_TEMP.  given_release in either case. */
int given_begin(struct given *g, const char *path, const char *pin, struct error *err);
/* The attempt ended.  refused: this PIN is wrong. */
int given_end(struct given *g, bool refused, struct error *err);
void given_release(struct given *g);

#endif
