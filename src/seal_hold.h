/* seal_hold.h - what proves that this site has held a message, for whom, and from whom
 *
 * Going on with a held message may sign in somebody's name, so neither another site's hold nor one that was changed may
 * pass for ours: a MAC with mac_key_file over the id, the message and the envelope, one for each recipient.
 */
#ifndef POSTERN_SEAL_HOLD_H
#define POSTERN_SEAL_HOLD_H

#include "deliver/hold.h"
#include "lib/buf.h"

struct hold_seal {
	const char *id, *digest;            /* of the message, hexadecimal */
	const char *sender, *client, *reason;
};

/* *out in hexadecimal, in the arena. */
int hold_seal(struct arena *a, struct span key, const struct hold_seal *s, const char *recipient, const char **out, struct error *err);

/* The message that was read from the hold is the one that this site has held, for all who wait.  The modules that it is to be given to
 * are not sealed: they are looked up among the configured ones, which are all trusted.  E_PERM if it is not; key may be empty. */
int hold_check_seals(struct arena *a, struct span key, const char *digest, const struct held *h, struct error *err);

#endif
