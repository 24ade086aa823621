/* handover_inside.h - what the parts of handing over share
 *
 * One way: handover.c calls all the others; back and hold deliver and keep; all of them write into the account, from which at last
 * the reports are made.  A part calls only what stands above it here.
 */
#ifndef POSTERN_HANDOVER_INSIDE_H
#define POSTERN_HANDOVER_INSIDE_H

#include "deliver/destination.h"
#include "deliver/hold.h"
#include "deliver/journal.h"
#include "deliver/report.h"
#include "handover.h"

/* ---- handover_account.c ---- */

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
	const struct plan_hold *delayed; /* these have to wait for somebody, and the sender is to hear of it; NULL: none */
	struct incident *incidents;
	const char *kind;              /* of the output being delivered, for the journal */
};

/* Whether the recipient was in a notification to the sender already; trouble counts as no. */
bool was_told(struct carrying *c, const char *address);
void note_temporary(struct carrying *c, const char *status, const char *text);
/* Puts into the journal what has been done.  Where it cannot, it is done all the same: when the rest goes well the mail server forgets
 * the message, and to defer it for this would be to do it twice. */
void record_done(struct carrying *c, const char *kind, const char *const *addresses, size_t n);
void note_failure(struct carrying *c, const char *address, const char *status, const char *text);
void note_incident(struct carrying *c, const char *subject, const char *text);
/* Logs and counts what became of each recipient. */
void count_states(struct carrying *c, const struct plan_output *o, const struct parcel *p);

/* ---- handover_output.c ---- */

int find_destination(struct arena *a, const struct config *c, const struct plan_output *o, struct destination *d,
		     struct error *err);
struct segment *segments_of(const struct handover *h, const struct plan_output *o);
/* Delivers to whom the journal does not know. */
void deliver_output(struct carrying *c, const struct plan_output *o);

/* ---- handover_hold.c ---- */

/* The plan's hold.  False: it could not be kept, and what depends on it must wait. */
bool keep_held(struct carrying *c);
/* A resumed message of which some wait for another passphrase, or all of it. */
bool still_locked(const struct handover *h);
bool nothing_unlocked(const struct handover *h);
/* Nobody has been served: says why, and who is to get the next passphrase. */
void refuse_locked(struct handover *h, struct outcome *out);
/* The others have been served. */
void keep_locked(struct carrying *c);
/* All have. */
void end_hold(struct carrying *c);
/* A copy that came back and cannot go on: kept in the hold as o has it, and the administrator is told. */
bool keep_returned(struct carrying *c, const struct plan_output *o, const char *const *recipients, size_t n, const char *reason,
		   const char *text);
/* The whole message would be refused, and must not be: it is held for those inside. */
void keep_refused(struct carrying *c);
/* These will never get what came back from the scanner: they need not be waited for. */
void settle_back(struct carrying *c, const char *const *recipients, size_t n);

/* ---- handover_back.c ---- */

/* An output of what came back from the scanner: delivers once, and the original where that is wanted. */
void deliver_back(struct carrying *c, const struct plan_output *o);

/* ---- handover_report.c ---- */

/* The sender hears once of each recipient that cannot be served.  False: not yet. */
bool notify_sender(struct carrying *c);
/* ... and once of those who have to wait. */
void notify_of_delay(struct carrying *c);
void send_notices(struct carrying *c);
void forget_reports(struct carrying *c);

#endif
