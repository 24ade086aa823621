/* kind.h - what the kinds of destinations share; of no use outside this folder */
#ifndef POSTERN_DELIVER_KIND_H
#define POSTERN_DELIVER_KIND_H

#include "deliver/destination.h"
#include "lib/buf.h"

/* One call of destination_deliver(). */
struct delivery {
	struct arena *arena;
	const struct destination *to;
	const char *helo;
	struct parcel *p;
	deadline until;
	accepted_call *accepted;
	void *arg;
	struct error failed; /* first failure of accepted(); the states stand all the same */
};

struct kind {
	enum destination_kind kind;
	const char *scheme; /* "maildir:" */
	/* rest: what stands behind the scheme, not empty; kind and text are set already. */
	int (*parse)(struct arena *a, const char *rest, struct destination *out, struct error *err);
	/* Gives every pending recipient a state. */
	void (*deliver)(struct delivery *d);
	int (*probe)(const struct destination *d, const char *helo, deadline until, struct error *err);
};

extern const struct kind kind_maildir, kind_smtp, kind_lmtp, kind_command;

/* Sets the state of one recipient; status and text are copied, text made one printable line. */
void delivery_settle(struct delivery *d, struct parcel_recipient *r, enum recipient_state state, const char *status,
		     const char *text);
/* The same for all that are still pending. */
void delivery_settle_pending(struct delivery *d, enum recipient_state state, const char *status, const char *text);
/* These n were taken over just now: sets their states and calls accepted() with all of them. */
void delivery_accept(struct delivery *d, struct parcel_recipient *const *list, size_t n, const char *status,
		     const char *text);
/* Pointers to the pending recipients, in the arena; *n of them. */
struct parcel_recipient **delivery_pending(struct delivery *d, size_t *n);

/* A peer's words as one printable line of at most TEXT_MAX bytes: line breaks and control characters become
 * blanks, runs of them one; bytes that are not UTF-8 become '?'. */
#define TEXT_MAX 400
void text_make_line(struct span s, char out[TEXT_MAX + 1]);

/* An RFC 3463 status at the front of s with this class ("5.1.1 no such user", '5'): copied into out and true. */
#define STATUS_MAX 12
bool status_parse(struct span s, char class, char out[STATUS_MAX]);

#endif
