/* deadline.h - a point in time by which work must be done (monotonic clock) */
#ifndef POSTERN_LIB_DEADLINE_H
#define POSTERN_LIB_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

typedef int64_t deadline; /* milliseconds of CLOCK_MONOTONIC */

deadline deadline_in(int64_t milliseconds);
deadline deadline_earlier(deadline a, deadline b);
int deadline_left(deadline d); /* milliseconds, 0 when over; fits poll(2) */
bool deadline_over(deadline d);

#endif
