/* returned.h - who has had what came back from the scanner, so that a copy that comes twice is delivered once (SPOOL/returned)
 *
 * A mark is an entry like the journal's, by the token's id and the recipient, and by Message-ID, sender and recipient for copies whose
 * token got lost; it stays for hold_lifetime.  The window for a duplicate is the journal's.
 */
#ifndef POSTERN_DELIVER_RETURNED_H
#define POSTERN_DELIVER_RETURNED_H

#include "deliver/journal.h"
#include "lib/deadline.h"

struct returned {
	struct journal by_token, by_message;
	int lock;
};

/* Waits for other processes that have a copy of the same message (id), until the deadline.  E_TEMP */
int returned_open(struct arena *a, const char *spool, const char *id, const char *message_id, const char *sender, deadline until,
		  struct returned *out, struct error *err);
void returned_close(struct returned *r);

int returned_has(struct arena *a, const struct returned *r, const char *recipient, bool *has, struct error *err);
int returned_add(struct arena *a, struct returned *r, const char *const *recipients, size_t n, struct error *err);

/* Whether a message of this Message-ID and sender has reached the recipient from a hold. */
int returned_had_message(struct arena *a, const char *spool, const char *message_id, const char *sender, const char *recipient,
			 bool *has, struct error *err);

/* Removes old marks; cheap. */
void returned_sweep(struct returned *r, uint64_t milliseconds);

#endif
