/* pseudonym.h - words that stand for addresses in the verify log, for as long as they may be understood
 *
 * A pseudonym is "~", the day its key began, a dot, and the first 16 bytes of an HMAC-SHA-256 of the text in lower case, in hexadecimal:
 * "~2026-11-19.9f86d081884c7d659a2feaa0c55ad015".  Keys lie in SPOOL/privacy, one for each week (each log_privacy_days, where that is less),
 * and are destroyed log_privacy_days after they began: then nobody can tell any more what a pseudonym stood for, nor whether two of
 * different keys stand for the same.
 */
#ifndef POSTERN_CHECK_PATH_PSEUDONYM_H
#define POSTERN_CHECK_PATH_PSEUDONYM_H

#include <stdint.h>
#include <time.h>

#include "lib/buf.h"
#include "lib/error.h"

#define PSEUDONYM_KEY 32
#define PSEUDONYM_TEXT 48

struct pseudonym_key {
	char begins[16];      /* 2026-11-19 */
	unsigned char bytes[PSEUDONYM_KEY];
};

/* The key of now, made if there is none; destroys those that are over.  E_CONFIG: one is there that others may read; E_TEMP. */
int pseudonym_key(const char *spool, uint64_t days, time_t now, struct pseudonym_key *out, struct error *err);

/* Calls fn for each key there is, those that are over not among them. */
int pseudonym_each(const char *spool, uint64_t days, time_t now, void (*fn)(void *ctx, const struct pseudonym_key *key), void *ctx,
		   struct error *err);

void pseudonym_text(const struct pseudonym_key *key, const char *text, char out[PSEUDONYM_TEXT]);

/* Appends text with a pseudonym in place of everything that looks like a mail address. */
void pseudonym_scrub(const struct pseudonym_key *key, const char *text, struct buf *out);

void pseudonym_wipe(struct pseudonym_key *key);

#endif
