/* report.h - what was found out, for people and for scripts */
#ifndef POSTERN_MODULE_CHECK_REPORT_H
#define POSTERN_MODULE_CHECK_REPORT_H

#include "lib/json.h"
#include "module-check/check.h"

struct report {
	bool json, strict;
	struct json out;
	bool colours;            /* on a terminal */
	const char *chapter;     /* the last one's name */
	size_t passed, failed, advice, not_asked;
};

void report_begin(struct report *r, const struct checker *c);
void report_point(struct report *r, const struct point *p, enum outcome outcome, const char *why);
/* true: nothing failed that matters. */
bool report_end(struct report *r);

#endif
