/* keys_chain.h - the issuers' certificates that are sent along with a signature, the nearest first
 *
 * Where they are looked for is the module's business:
 *	keys_chain_begin(&c, leaf);
 *	while (keys_chain_next(&c, &issuer))
 *		for (each certificate that may be it)
 *			keys_chain_add(&c, der, issuer);
 */
#ifndef POSTERN_COMMON_KEYS_CHAIN_H
#define POSTERN_COMMON_KEYS_CHAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"

#define KEYS_CHAIN_MAX 8

struct keys_chain {
	struct span items[KEYS_CHAIN_MAX]; /* DER; the bytes are the caller's */
	size_t n;
	struct span leaf;
	size_t asked;                      /* of leaf and items: whose issuer was looked for */
};

void keys_chain_begin(struct keys_chain *c, struct span leaf);
/* The name (DER) of whom to look for next; false: all was looked for. */
bool keys_chain_next(struct keys_chain *c, struct span *issuer);
/* Adds a certificate of this subject, if there is room, and it is not there yet, and no root: that is the reader's own business.
 * false: it is of another subject, or cannot be read. */
bool keys_chain_add(struct keys_chain *c, struct span der, struct span subject);

#endif
