/* hold.h - messages kept back until something returns (SPOOL/hold) */
#ifndef POSTERN_DELIVER_HOLD_H
#define POSTERN_DELIVER_HOLD_H

#include "deliver/parcel.h"
#include "lib/lookup.h"

#define HOLD_ID 24          /* hexadecimal digits: 96 bits of the identity's SHA-256 */
#define HOLD_SCAN "scan"    /* the reason of what waits for its copy to come back from the scanner */
#define HOLD_LOCKED "passphrase-needed" /* ... of what waits for somebody who knows the passphrase of a key */

struct hold {
	const char *queue_id, *sender, *client;
	const char *const *recipients;
	size_t n;
	const char *reason;  /* a word: "undecryptable", "invalid-signature", "scan", ... */
	const char *text;    /* one line for people */
	const char *message_id;
	const char *content; /* digest of what the scanner got; NULL or "" */
	const char *const *seals; /* by recipient: what proves that we have held it for him; NULL: none */
	const char *locked;  /* HOLD_LOCKED: the modules that want a passphrase, with one blank between; NULL or "" */
	bool finished;       /* it is what would be delivered; else it is as it came */
	bool eight_bit;
};

/* The name that a message of this identity has in the hold. */
void hold_name(const char *identity, char out[HOLD_ID + 1]);

/* Keeps the message durably: SPOOL/hold/ID.eml and SPOOL/hold/ID.hold ("name: value" lines; recipients one a line), written
 * under temporary names, fsynced, renamed, the .hold last.  *id: in the arena; the same message (identity) held twice has the same id and
 * is kept once. */
int hold_keep(struct arena *a, const char *spool, const char *identity, const struct hold *h, const struct segment *segments,
	      size_t nsegments, const char **id, struct error *err);

/* ---- what is held ---- */

struct held {
	const char *id, *time; /* "2026-01-31T12:00:00Z" */
	const char *queue_id, *sender, *client, *reason, *text, *message_id, *content; /* as above; "" */
	bool finished, eight_bit, told;
	const char **recipients;
	bool *served;          /* by recipient */
	size_t n, waiting;     /* how many are not served */
	struct lookup lookup;  /* of the recipients in lower case */
	const char **seals;    /* in no order */
	size_t nseals;
	const char **modules;  /* that have wanted a passphrase; holds may be older than this, and have none */
	size_t nmodules;
	size_t tried;          /* how often a wrong passphrase was given ... */
	const char *tried_last;/* ... and when for the last time; "" */
};

/* E_NOTFOUND: there is none of that id (which may come from anywhere); E_TEMP. */
int hold_read(struct arena *a, const char *spool, const char *id, struct held *out, struct error *err);

/* Its index; -1: it is none of the recipients.  Letter case does not count. */
ptrdiff_t held_find(struct arena *a, const struct held *h, const char *recipient);

/* The ids of all holds, in no order. */
int hold_list(struct arena *a, const char *spool, const char ***ids, size_t *n, struct error *err);

/* What came back without saying what it is. */
struct hold_wanted {
	const char *message_id, *sender, *content; /* "": unknown */
	const char *const *recipients;
	size_t n;
};

/* By recipient the hold of reason "scan" from this sender that waits for him, or NULL: of this Message-ID, and where there are several,
 * with this content; else of this content, for a scanner may have written another Message-ID.  out: n, all NULL.  However many
 * are held, it looks at no more than a few hundred.  E_TEMP */
int hold_search(struct arena *a, const char *spool, const struct hold_wanted *w, const struct held **out, struct error *err);

/* The message, to be read; the caller closes it.  E_NOTFOUND, E_TEMP. */
int hold_open(struct arena *a, const char *spool, const char *id, int *fd, uint64_t *size, struct error *err);

/* These have been dealt with; when all have, the hold is removed.  One that is gone already is fine. */
int hold_settle(struct arena *a, const char *spool, const char *id, const char *const *recipients, size_t n, struct error *err);

/* Removed, whoever still waits. */
int hold_remove(struct arena *a, const char *spool, const char *id, struct error *err);

/* The administrator has been told that nothing came back. */
int hold_mark_told(struct arena *a, const char *spool, const char *id, struct error *err);

/* A wrong passphrase was given. */
int hold_mark_tried(struct arena *a, const char *spool, const char *id, struct error *err);

/* These modules (with one blank between) want a passphrase as well. */
int hold_add_locked(struct arena *a, const char *spool, const char *id, const char *modules, struct error *err);

/* ---- now and then ---- */

/* Whether a sweep is due: true once in a while for one process, see hold_sweep.c; a directory that is not there needs none. */
bool hold_sweep_is_due(struct arena *a, const char *spool);

/* Seconds since the message was held; 0 if it is not there. */
uint64_t hold_age(struct arena *a, const char *spool, const char *id);

#endif
