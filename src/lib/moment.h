/* moment.h - points in time as the protocol, the logs and the command lines write them: 2026-11-22T10:00:00Z */
#ifndef POSTERN_LIB_MOMENT_H
#define POSTERN_LIB_MOMENT_H

#include <time.h>

#include "lib/error.h"

#define MOMENT_TEXT 32

/* RFC 3339 in UTC with whole seconds and a final Z, nothing else.  E_PERM otherwise, or where there is no such moment. */
int moment_read(const char *text, time_t *out, struct error *err);

/* "" where the year has more than four digits. */
void moment_text(time_t when, char out[MOMENT_TEXT]);

#endif
