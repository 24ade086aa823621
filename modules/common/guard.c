/* guard.c - a broken index costs one message a deferral, not every message */
#include "common/guard.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const int signals[] = { SIGSEGV, SIGBUS, SIGABRT };
#define NSIGNALS (sizeof(signals) / sizeof(*signals))

/* Process-wide, as signal handlers are.  They stay from the first index on, because questions are many and setting three
 * handlers for each costs more than the question; outside they do what was done before. */
static struct {
	int depth;
	bool set;
	char place[4096], aside[4096 + 32];
	struct sigaction before[NSIGNALS];
} guard;

static void put_aside(int signal_number)
{
	static const char text[] = "index: broken, put aside; it will be built anew\n";

	if (guard.depth > 0) {
		rename(guard.place, guard.aside);
		(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	}
	for (size_t i = 0; i < NSIGNALS; i++)
		sigaction(signals[i], &guard.before[i], NULL);
	raise(signal_number);
}

static void set_handlers(void)
{
	struct sigaction action = { .sa_handler = put_aside };

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < NSIGNALS; i++)
		sigaction(signals[i], &action, &guard.before[i]);
	guard.set = true;
}

void guard_enter(const char *place)
{
	if (guard.depth++ > 0)
		return;
	if (strcmp(guard.place, place) != 0) {
		snprintf(guard.place, sizeof(guard.place), "%s", place);
		snprintf(guard.aside, sizeof(guard.aside), "%s.broken.%d", place, (int)getpid());
	}
	if (!guard.set)
		set_handlers();
}

void guard_leave(void)
{
	if (guard.depth > 0)
		guard.depth--;
}
