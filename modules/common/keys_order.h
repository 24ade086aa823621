/* keys_order.h - which of several certificates comes first, and which serves an address at all */
#ifndef POSTERN_COMMON_KEYS_ORDER_H
#define POSTERN_COMMON_KEYS_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

enum keys_purpose { KEYS_TO_ENCRYPT, KEYS_TO_SIGN };

struct keys_candidate {
	struct span der;               /* as given */
	const void *own;               /* the caller's: its file, row, slot */
	int64_t not_before, not_after; /* seconds since the epoch */
	bool domain;                   /* it serves "@domain", not this very address */
	bool may_sign, may_encrypt;    /* by its keyUsage */
	bool is_ca;
};

/* Reads what a DER certificate says.  address: it must name this address (subjectAltName, emailAddress of the subject), or
 * "@domain"; NULL: not compared.  false: it is no certificate, or of somebody else. */
bool keys_candidate_read(struct span der, const char *address, struct keys_candidate *out);

/* Puts the best first and drops copies and what may not be used for the purpose; returns how many are left.
 * To encrypt, one of the address itself is better than one of its domain, then one that is valid (at now, seconds since the epoch);
 * to sign, a valid one is better than one of the address itself.  Then newer ones come first, then the order stays. */
size_t keys_order(struct keys_candidate *list, size_t n, enum keys_purpose purpose, int64_t now);

/* Whether a file of the area "private" (its directory) is kept to decrypt mail of the past only: it stands in the sub-folder decrypt-only. */
bool keys_archived(const char *directory, const char *file);

#endif
