/* plan.h - the finished list of what is to be done with one message, computed before any effect
 *
 * The child makes it, the record carries it to the parent, the parent carries
 * it out (or prints it, with -explain).  Everything lives in an arena.
 */
#ifndef POSTERN_PLAN_H
#define POSTERN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/mem.h"
#include "outcome.h"

enum segment_source { FROM_MESSAGE, FROM_OUTPUT }; /* the spooled message, or what the child wrote */

struct plan_segment {
	enum segment_source source;
	uint64_t offset, length;
};

/* What came back from the scanner may be the sign to deliver the original that is held. */
enum original {
	ORIGINAL_NO,   /* the output is what is delivered */
	ORIGINAL_HELD, /* the held message is; should it be lost, the output is kept in its place */
	ORIGINAL_SEEK, /* the held message is if there is one with this Message-ID, sender and recipient, else the output */
};

/* One message for a set of recipients to one destination. */
struct plan_output {
	struct plan_output *next;
	const char *kind;         /* "mail", "scan" (a copy for the scanner): counted apart in the journal */
	const char *destination;  /* "external", "scanner", "internal", or a name of via_NAME */
	const char *sender;
	const char **recipients;
	size_t n;
	struct plan_segment *segments;
	size_t nsegments;
	bool eight_bit;
	bool once;                /* has a token: a copy that comes back again is not delivered again */
	bool sealed;              /* encrypted by us for its recipients */
	enum original original;
	const char *why;          /* for -explain and the log, one line */
};

/* A recipient that cannot be served: for good (status 5.x.x), or for now (4.x.x): then the others are, and the mail server tries again. */
struct plan_failure {
	struct plan_failure *next;
	const char *address, *status, *text;
};

struct plan_notice {
	struct plan_notice *next;
	const char *subject, *text; /* text: paragraphs; '\n' allowed */
};

struct plan_hold {
	const char *reason, *text;
	const char **recipients;
	size_t n;
	struct plan_output *content; /* what is kept, finished for delivery; NULL: the message as it came */
	const char *digest;          /* content_digest() of the copy that the scanner gets; "" */
	const char *locked;          /* HOLD_LOCKED: the modules that want a passphrase, with one blank between; "" */
};

/* How the scanner's answer is known: once in a plan. */
struct plan_back {
	const char *id;              /* of the token; "" : without one */
	const char *host, *node;     /* where it was made; "" */
	const char *digest;          /* content_digest() of what came back */
};

/* A recipient for whom nothing is to be done. */
struct plan_done {
	struct plan_done *next;
	const char *address;
};

struct plan_note { /* a line for the log (and -explain) */
	struct plan_note *next;
	const char *text;
};

struct plan {
	const char *sender;          /* as found; "" : null */
	const char *message_id;      /* "" if none; printable */
	uint64_t header_offset, header_length; /* of the message's header section, for notifications */
	bool automatic;              /* a report, an automatic answer, or a mail of our own: no notices about it */
	struct outcome outcome;      /* code EXIT_DONE: carry it out; else: refuse or defer the whole message */
	struct plan_output *outputs;
	struct plan_failure *failures;
	struct plan_notice *notices;
	struct plan_hold *hold;      /* NULL: none */
	struct plan_back *back;      /* NULL: the message does not come from the scanner */
	struct plan_done *dones;
	struct plan_note *notes;
	/* the ends of the lists, for adding to them */
	struct plan_output *last_output;
	struct plan_failure *last_failure;
	struct plan_notice *last_notice;
	struct plan_note *last_note;
	struct plan_done *last_done;
	struct arena *arena;
};

void plan_init(struct plan *p, struct arena *a);
struct plan_output *plan_add_output(struct plan *p, const char *kind, const char *destination, const char *sender,
				    const char *const *recipients, size_t n, const char *why);
/* An output that is in no list: to be kept in a hold. */
struct plan_output *plan_make_output(struct plan *p, const char *destination, const char *sender);
/* Appends a segment; one that continues the last is joined to it. */
void plan_add_segment(struct plan *p, struct plan_output *o, enum segment_source source, uint64_t offset, uint64_t length);
void plan_add_failure(struct plan *p, const char *address, const char *status, const char *text);
/* The first recipient who must wait; NULL: none. */
const struct plan_failure *plan_waiting(const struct plan *p);
void plan_add_notice(struct plan *p, const char *subject, const char *text);
void plan_set_hold(struct plan *p, const char *reason, const char *text, const char *const *recipients, size_t n);
/* Whether what is held waits for its copy to come back from the scanner. */
bool plan_holds_for_scan(const struct plan *p);
/* A name as one word of letters, digits, "-", "_" and "."; others become "_". */
const char *plan_word(struct arena *a, const char *name);
void plan_set_back(struct plan *p, const char *id, const char *host, const char *node, const char *digest);
void plan_add_done(struct plan *p, const char *address);
void plan_note(struct plan *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The plan could not be finished: the error becomes its outcome, and what it had so far is dropped, because the
 * bytes it refers to may never have been written. */
void plan_break_off(struct plan *p, const struct error *err);

#endif
