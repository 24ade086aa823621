/* state.h - what postern-refresh remembers from run to run: SPOOL/refresh/state
 *
 * One line for each thing that is fetched: when it was asked for last, until when its server is left alone after failures, of
 * which time the file is that was put in place, and what the server called it.  It is a memory, not the truth: without it
 * everything is asked for again.
 */
#ifndef POSTERN_REFRESH_STATE_H
#define POSTERN_REFRESH_STATE_H

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "refresh/set.h"

/* Times are seconds since the epoch, 0: none.  Strings live in the state. */
struct state_record {
	const char *key;              /* "crl http://..." */
	int64_t checked;              /* last asked with success */
	int64_t retry;                /* not before */
	unsigned failures;            /* running */
	int64_t this_update, next_update; /* of the file in place */
	const char *etag, *modified;  /* "" none */
	bool used;                    /* in this run; others are forgotten after a month */
};

struct state {
	struct set records;           /* values: struct state_record */
	struct arena arena;
};

#define STATE_RECORDS_MAX ((size_t)1000000)

/* Takes the text apart; a line that is none is passed over (returned: how many). */
size_t state_parse(struct state *s, struct span text);
/* E_TEMP: I/O.  A file that is not there is an empty state. */
int state_read(struct state *s, const char *path, struct error *err);
/* now: to forget what has not been used for a month. */
void state_format(const struct state *s, int64_t now, struct buf *out);
int state_write(const struct state *s, const char *path, int64_t now, struct error *err);
void state_release(struct state *s);

/* The record of this key, made if there is none; marked as used.  Keys with a tab or a control character are refused: NULL. */
struct state_record *state_get(struct state *s, const char *key);

/* After a failure: not again for five minutes, then ten, twenty, up to a day. */
void state_failed(struct state_record *r, int64_t now);
void state_succeeded(struct state_record *r, int64_t now);

/* Copies the text, if it may stand in the file; else "". */
const char *state_text(struct state *s, const char *text);

#endif
