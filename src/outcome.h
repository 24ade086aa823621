/* outcome.h - how a run ends: one table of exit codes and the line the mail server shows (RFC 3463, sysexits)
 *
 * Postfix takes 71 and 75 as temporary and bounces on everything else, so only a deliberate permanent refusal
 * ends with another code than 0 and 75.
 */
#ifndef POSTERN_OUTCOME_H
#define POSTERN_OUTCOME_H

#include "lib/error.h"

enum {
	EXIT_DONE = 0,
	EXIT_NO_USER = 67,     /* EX_NOUSER: 5.1.x, an address */
	EXIT_UNAVAILABLE = 69, /* EX_UNAVAILABLE: any other refusal */
	EXIT_DEFER = 75,       /* EX_TEMPFAIL */
	EXIT_NO_PERMISSION = 77, /* EX_NOPERM: 5.7.x, a rule or a right */
};

struct outcome {
	int code;           /* one of the above */
	char status[12];    /* "4.3.0", "5.7.1"; "" when done */
	char text[480];     /* one line */
};

void outcome_done(struct outcome *o);
void outcome_defer(struct outcome *o, const char *status, const char *text);
void outcome_refuse(struct outcome *o, const char *status, const char *text); /* the code follows from the status */
/* From a library's error: E_PERM and E_LIMIT refuse, everything else defers. */
void outcome_error(struct outcome *o, const struct error *err);

/* Prints "4.x.y reason" (nothing when done) and returns the exit code. */
int outcome_say(const struct outcome *o);

#endif
