/* tally.h - how many notices went out in this window, and what is waiting for a digest (SPOOL/notices) */
#ifndef POSTERN_DELIVER_TALLY_H
#define POSTERN_DELIVER_TALLY_H

#include "lib/buf.h"
#include "lib/config.h"

#define TALLY_LINES_MAX 200 /* events that have a line in the digest; of more only the number is kept */

/* The state, read and written only between tally_lock() and tally_unlock(). */
struct tally {
	int lock;              /* descriptor; -1: not locked */
	struct buf directory;
	int64_t begin;         /* of the window, milliseconds since 1970; 0: none yet */
	uint64_t sent;         /* in this window */
	uint64_t events;       /* waiting */
	uint64_t due;          /* of these, from windows that are over */
	uint64_t due_lines;    /* lines of those, the first ones */
	struct buf lines;      /* one a waiting event, at most TALLY_LINES_MAX */
};

/* Makes the directory if need be, waits for the lock, reads the state and closes a window that is over. */
int tally_lock(struct tally *t, const struct config *c, struct error *err);
int tally_save(struct tally *t, struct error *err);
void tally_unlock(struct tally *t); /* also frees */

/* Another event waits; line: one line, without its break. */
void tally_add(struct tally *t, const char *line);
/* The first n events with their lines have been reported. */
void tally_drop(struct tally *t, uint64_t events, uint64_t lines);
/* The bytes of the first `lines` lines. */
struct span tally_lines(const struct tally *t, uint64_t lines);

/* False if nothing waits: one stat(2), no lock. */
bool tally_has_events(const struct config *c);

#endif
