/* deadline.c - a point in time by which work must be done (monotonic clock) */
#include "lib/deadline.h"

#include <limits.h>
#include <time.h>

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

deadline deadline_in(int64_t milliseconds)
{
	return now() + milliseconds;
}

deadline deadline_earlier(deadline a, deadline b)
{
	return a < b ? a : b;
}

int deadline_left(deadline d)
{
	int64_t left = d - now();

	return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

bool deadline_over(deadline d)
{
	return deadline_left(d) == 0;
}
