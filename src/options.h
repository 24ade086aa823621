/* options.h - the command line of postern(8) */
#ifndef POSTERN_OPTIONS_H
#define POSTERN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"

enum command {
	COMMAND_DELIVER, COMMAND_EXPLAIN, COMMAND_CHECK, COMMAND_VERIFY_RESULT, COMMAND_GET, COMMAND_HOLDS, COMMAND_RELEASE,
	COMMAND_RESUME, COMMAND_EXPIRING, COMMAND_DISCARD, COMMAND_VERSION, COMMAND_HELP
};

struct resumption;

struct options {
	enum command command;
	const char *config;          /* -c */
	const char *client;          /* -client; NULL: not given */
	const char *sender;          /* -sender; NULL: not given */
	const char *hold;            /* behind -release, -resume, -discard; NULL: not given */
	const char *passphrase_fd;   /* -passphrase-fd; NULL: not given */
	const char *queue_id;        /* -queue-id; "" */
	const char *const *recipients; /* behind -readmail */
	size_t nrecipients;
	const char *const *names;    /* behind -get */
	size_t nnames;
	/* of a held message that is worked on again */
	bool released;               /* -release: whatever is wrong with it */
	struct resumption *resumed;  /* -resume; NULL: not that */
};

/* One or two dashes.  E_CONFIG and the reason for anything it does not know. */
int options_parse(int argc, char **argv, struct options *out, struct error *err);

extern const char options_help[];

#endif
