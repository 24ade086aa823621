/* find_keys.h - what the parts of "find-keys" share */
#ifndef POSTERN_KEYS_FILE_FIND_KEYS_H
#define POSTERN_KEYS_FILE_FIND_KEYS_H

#include "common/keys_answer.h"
#include "keys-file/keys_file.h"

#define KEYLESS_MAX 16

struct search {
	struct server *s;
	struct xml_writer *w;
	struct error *err;
	size_t found;
	const char *address; /* to sign for; NULL: to decrypt */
	const char *exposed; /* a file that would have served, were it ours alone */
	const struct area_entry *keyless[KEYLESS_MAX]; /* certificates that would have served, were there keys with them */
	size_t nkeyless;
	const char *passed;  /* the first that may not sign, for people; NULL: none */
};

/* ---- locked.c ---- */

/* Whether a certificate is what is looked for; *which: for which recipient. */
typedef bool locked_fits(const void *wanted, struct span der, size_t *which);

/* If a passphrase was given: what the files have that it opens. */
int locked_search(struct search *q, locked_fits *fits, const void *wanted);

/* Nothing (better) was found: 0, or the refusal "passphrase-needed" where it may be in a file that is locked.  known_only: it is. */
int locked_refuse(struct search *q, bool known_only);

#endif
