/* moment.h - points in time as the protocol, the logs and the command lines write them: 2026-11-22T10:00:00Z */
#ifndef POSTERN_LIB_MOMENT_H
#define POSTERN_LIB_MOMENT_H

#include <time.h>

#include "lib/error.h"

#define MOMENT_TEXT 32

/* In UTC, as timegm(3) and gmtime_r(3), which read the file of the local time zone first.  tm: month and time of day in their ranges;
 * tm_yday and tm_isdst are 0. */
time_t moment_of(const struct tm *tm);
void moment_split(time_t when, struct tm *tm);

/* RFC 3339 in UTC with whole seconds and a final Z, nothing else.  E_PERM otherwise, or where there is no such moment. */
int moment_read(const char *text, time_t *out, struct error *err);

/* "" where the year has more than four digits. */
void moment_text(time_t when, char out[MOMENT_TEXT]);

#endif
