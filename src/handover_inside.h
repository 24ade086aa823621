/* handover_inside.h - what the parts of handing over share: outputs, what came back from the scanner, reports */
#ifndef POSTERN_HANDOVER_INSIDE_H
#define POSTERN_HANDOVER_INSIDE_H

#include "deliver/destination.h"
#include "deliver/journal.h"
#include "deliver/report.h"
#include "deliver/returned.h"
#include "handover.h"

struct incident { /* a notice of which the plan does not know */
	struct incident *next;
	const char *subject, *text;
};

struct carrying {
	const struct handover *h;
	struct journal journal;
	struct outcome *out;
	struct outcome temporary;      /* the first temporary trouble; code EXIT_DONE: none */
	struct failed_recipient *failed;
	size_t nfailed;
	size_t told;                   /* recipients of whom the sender has heard in an earlier attempt: dealt with */
	size_t served;                 /* recipients that got their mail, are held, or had before */
	struct incident *incidents;
	const char *kind;              /* of the output being delivered, for the journal */
};

void note_temporary(struct carrying *c, const char *status, const char *text);
void note_failure(struct carrying *c, const char *address, const char *status, const char *text);
void note_incident(struct carrying *c, const char *subject, const char *text);

/* ---- handover.c ---- */

int find_destination(struct arena *a, const struct config *c, const struct plan_output *o, struct destination *d,
		     struct error *err);
struct segment *segments_of(const struct handover *h, const struct plan_output *o);
/* Delivers to whom the journal does not know. */
void deliver_output(struct carrying *c, const struct plan_output *o);
/* Logs and counts what became of each recipient. */
void count_states(struct carrying *c, const struct plan_output *o, const struct parcel *p);

/* ---- handover_hold.c ---- */

/* The plan's hold.  False: it could not be kept, and what depends on it must wait. */
bool keep_held(struct carrying *c);
/* A resumed message of which some wait for another passphrase, or all of it. */
bool still_locked(const struct handover *h);
bool nothing_unlocked(const struct handover *h);
/* The others have been served. */
void keep_locked(struct carrying *c);
/* All have. */
void end_hold(struct carrying *c);
/* A copy that came back and cannot go on: kept in the hold as o has it, and the administrator is told. */
bool keep_returned(struct carrying *c, const struct plan_output *o, const char *const *recipients, size_t n, const char *reason,
		   const char *text);
/* Whether the mail server must not return the message to its sender: it comes from the scanner, so it may be opened, and the sender
 * is not one of ours. */
bool must_not_return(const struct config *c, const struct envelope *e, const struct plan *p);
/* The whole message would be refused, and must not be: it is held for those inside. */
void keep_refused(struct carrying *c);

/* ---- handover_back.c ---- */

/* An output of what came back from the scanner: delivers once, and the original where that is wanted. */
void deliver_back(struct carrying *c, const struct plan_output *o);
/* These will never get what came back: they need not be waited for. */
void settle_back(struct carrying *c, const char *const *recipients, size_t n);

/* ---- handover_report.c ---- */

/* Whether the recipient was in a notification to the sender already; trouble counts as no. */
bool sender_was_told(struct carrying *c, const char *address);
void notify_sender(struct carrying *c);
/* These have to wait for somebody; the sender is told once. */
void notify_of_delay(struct carrying *c, const char *const *recipients, size_t n, const char *text);
void send_notices(struct carrying *c);
void forget_reports(struct carrying *c);

#endif
