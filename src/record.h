/* record.h - the plan on its way from the child to the parent
 *
 * Lines "word value": plain enough that the parent, which believes the child
 * nothing it could not have been told by the message, reads it with a table
 * and checks every value against the envelope it knows.
 *
 *   plan 1                      sender a@b            message-id <x@y>
 *   header OFFSET LENGTH        automatic yes         outcome CODE STATUS TEXT
 *   output KIND DESTINATION     from a@b   to x@y   segment message|output OFFSET LENGTH   eight-bit yes   why TEXT
 *                               once yes   sealed yes   original held|seek
 *   failure ADDRESS   status STATUS   text TEXT   notice SUBJECT   text TEXT   done ADDRESS   note TEXT
 *   hold REASON TEXT   held x@y   kept DIGEST|- (then its segment and eight-bit lines)
 *   back ID|- HOST|- NODE|- DIGEST
 *   end
 */
#ifndef POSTERN_RECORD_H
#define POSTERN_RECORD_H

#include "envelope.h"
#include "lib/buf.h"
#include "plan.h"

/* Behind "original", by enum original. */
extern const char *const record_originals[];

void record_write(const struct plan *p, struct buf *out);

struct record_limits {
	uint64_t message, output; /* sizes of the two files that segments may point into */
};

/* E_TEMP for anything that is not a whole, proper record. */
int record_read(struct span bytes, struct arena *a, const struct record_limits *limits, struct plan *out, struct error *err);

/* The plan speaks of this envelope's recipients only, of each at most once per kind, and leaves none out; all its mail is from
 * the sender, and goes to the side to which the route of its recipients leads.  E_TEMP says what does not fit. */
int record_check(const struct plan *p, const struct config *c, const struct envelope *e, struct error *err);

#endif
