/* floor.h - how strong keys and signatures must be at least: named sets, built in or in a file (check-path(8), FLOORS) */
#ifndef POSTERN_CHECK_PATH_FLOOR_H
#define POSTERN_CHECK_PATH_FLOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/mem.h"

/* Lists are words with blanks between; a last `*' in a word stands for any characters.  0 and "": no demand. */
struct floor {
	const char *name;
	uint64_t rsa_bits, ec_bits;  /* DSA and DH keys are measured as RSA's */
	uint64_t rsa_exponent;       /* the least public one */
	uint64_t leaf_days;          /* the longest validity of a certificate that is no CA's */
	const char *keys;            /* "rsa ec ed25519" */
	const char *curves;          /* OpenSSL's names, or P-256 */
	const char *hashes;          /* of signatures in certificates and on messages */
	const char *weak_hashes;     /* on messages only: neither good nor bad */
};

/* Finds a floor by name (case does not count) in the text of a file, or among those that are built in.  E_CONFIG with FILE:LINE
 * for anything in the text that is not understood, or if there is no such floor.  Strings live in the arena or for ever. */
int floor_parse(struct arena *a, const char *file, struct span text, const char *name, struct floor *out, struct error *err);
/* The same, from the file; "": none. */
int floor_find(struct arena *a, const char *file, const char *name, struct floor *out, struct error *err);

/* Whether each word of a list of hashes is or begins the name of one; E_CONFIG naming the word. */
int floor_check_hashes(const char *hashes, struct error *err);

/* Whether a word of the list fits. */
bool floor_lists(const char *list, const char *word);
/* The same for a curve (NID). */
bool floor_lists_curve(const char *curves, int nid);

#endif
