/* search.h - a look for certificates of ours; for search.c and find_*.c alone */
#ifndef POSTERN_KEYS_PKCS11_SEARCH_H
#define POSTERN_KEYS_PKCS11_SEARCH_H

#include "common/identifier.h"
#include "common/keys_answer.h"
#include "common/keys_order.h"
#include "keys-pkcs11/keys_pkcs11.h"

#define CANDIDATES_MAX 128

struct found_key {
	const struct own_key *key;
	const char *source;
	size_t which;
};

struct search {
	struct server *s;
	struct pkcs11 *p;
	struct error *err;
	const char *address;            /* one of the two is asked for */
	const struct identifier *id;
	struct keys_candidate list[CANDIDATES_MAX];
	size_t n;
	bool any;                       /* there were certificates that serve */
	struct found_key keys[KEYS_MAX];
	size_t nkeys;
	const char *archived[KEYS_MAX]; /* files of certificates that serve, but are kept to decrypt only */
	size_t narchived;
	struct error failed;            /* of a key that could not be looked for */
	const char *failed_code;
};

/* Add to the list what serves the address, or is what the identifier says: of one area, and of all tokens.  What is kept to decrypt only
 * is noted instead, if an address is asked for.  A token whose certificates cannot be read is noted as failed, and the others are asked. */
int search_area(struct search *q, enum pkcs11_area which);
int search_tokens(struct search *q);

/* Notes why something could not be looked at, with the server's code; the first reason stays. */
void search_failed(struct search *q, const struct error *err);
/* Whether it stands in the list before n, too. */
bool search_is_copy(const struct search *q, size_t n);

#endif
