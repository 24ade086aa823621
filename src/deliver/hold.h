/* hold.h - messages kept back until something returns (SPOOL/hold) */
#ifndef POSTERN_DELIVER_HOLD_H
#define POSTERN_DELIVER_HOLD_H

#include "deliver/parcel.h"

struct hold {
	const char *queue_id, *sender, *client;
	const char *const *recipients;
	size_t n;
	const char *reason;  /* a word: "undecryptable", "invalid-signature", "scan" */
	const char *text;    /* one line for people */
	const char *message_id;
};

/* Keeps the message durably: SPOOL/hold/ID.eml and SPOOL/hold/ID.hold ("name: value" lines; recipients one a line), written
 * under temporary names, fsynced, renamed, the .hold last.  *id: in the arena; the same message (identity) held twice has the same id and
 * is kept once. */
int hold_keep(struct arena *a, const char *spool, const char *identity, const struct hold *h, const struct segment *segments,
	      size_t nsegments, const char **id, struct error *err);

#endif
