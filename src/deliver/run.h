/* run.h - starts a program, gives it the message, keeps the beginning of what it says */
#ifndef POSTERN_DELIVER_RUN_H
#define POSTERN_DELIVER_RUN_H

#include "deliver/parcel.h"
#include "lib/buf.h"

#define RUN_OUTPUT_MAX ((size_t)4096)

struct run_result {
	int status;        /* as waitpid(2) gives it */
	bool fed;          /* the program has read the whole message */
	struct buf output; /* the first RUN_OUTPUT_MAX bytes of stdout and stderr together; release it */
};

/* Runs argv[0] (a path, no search, no shell) with a clean environment, its own process group and no
 * descriptor of ours but 0, 1 and 2; 0 is a file with the whole message, which stays whole if we die.  Returns 0 when it ended by itself; E_TEMP when it could not be started, when
 * the message could not be read, or when the deadline passed (the group is then ended and reaped). */
int run_program(const char *const *argv, const struct segment *segments, size_t n, deadline until,
		struct run_result *out, struct error *err);

#endif
