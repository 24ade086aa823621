/* guard.c - a broken index costs one message a deferral, not every message */
#include "common/guard.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const int signals[] = { SIGSEGV, SIGBUS, SIGABRT };
#define NSIGNALS (sizeof(signals) / sizeof(*signals))

/* Process-wide, as signal handlers are. */
static struct {
	int depth;
	char place[4096], aside[4096 + 32];
	struct sigaction before[NSIGNALS];
} guard;

static void put_aside(int signal_number)
{
	static const char text[] = "index: broken, put aside; it will be built anew\n";

	rename(guard.place, guard.aside);
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	for (size_t i = 0; i < NSIGNALS; i++)
		sigaction(signals[i], &guard.before[i], NULL);
	raise(signal_number);
}

void guard_enter(const char *place)
{
	struct sigaction action = { .sa_handler = put_aside };

	if (guard.depth++ > 0)
		return;
	snprintf(guard.place, sizeof(guard.place), "%s", place);
	snprintf(guard.aside, sizeof(guard.aside), "%s.broken.%d", place, (int)getpid());
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < NSIGNALS; i++)
		sigaction(signals[i], &action, &guard.before[i]);
}

void guard_leave(void)
{
	if (guard.depth == 0 || --guard.depth > 0)
		return;
	for (size_t i = 0; i < NSIGNALS; i++)
		sigaction(signals[i], &guard.before[i], NULL);
}
