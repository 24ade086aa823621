/* selfcheck_inside.h - what the parts of postern -check share */
#ifndef POSTERN_SELFCHECK_INSIDE_H
#define POSTERN_SELFCHECK_INSIDE_H

#include "lib/config.h"
#include "lib/mem.h"

struct checking {
	const struct config *config;
	struct arena arena;
	int errors, warnings;
};

enum grade { OK, WARNING, ERROR };

/* One line of the report, counted. */
void selfcheck_say(struct checking *k, enum grade grade, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#define say selfcheck_say

/* The modules start, answer, and do what they are for: rules, certificates, our own keys and what they are worth. */
void selfcheck_modules(struct checking *k);

#endif
