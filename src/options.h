/* options.h - the command line of postern(8) */
#ifndef POSTERN_OPTIONS_H
#define POSTERN_OPTIONS_H

#include "lib/error.h"

enum command {
	COMMAND_DELIVER, COMMAND_EXPLAIN, COMMAND_CHECK, COMMAND_VERIFY_RESULT, COMMAND_GET, COMMAND_HOLDS, COMMAND_RELEASE,
	COMMAND_DISCARD, COMMAND_VERSION, COMMAND_HELP
};

struct options {
	enum command command;
	const char *config;          /* -c */
	const char *client;          /* -client; NULL: not given */
	const char *sender;          /* -sender; NULL: not given */
	const char *hold;            /* behind -release, -discard; NULL: not given */
	const char *queue_id;        /* -queue-id; "" */
	const char *const *recipients; /* behind -readmail */
	size_t nrecipients;
	const char *const *names;    /* behind -get */
	size_t nnames;
};

/* One or two dashes.  E_CONFIG and the reason for anything it does not know. */
int options_parse(int argc, char **argv, struct options *out, struct error *err);

extern const char options_help[];

#endif
