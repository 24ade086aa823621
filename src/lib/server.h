/* server.h - the module's side of the module protocol (postern-modules(7))
 *
 * A module is a table of operations and one call from main.  Frames, the
 * handshake, narrowing, ids, refusals and unknown operations are dealt with
 * here; a handler only reads its request and writes the inside of a <result>.
 */
#ifndef POSTERN_LIB_SERVER_H
#define POSTERN_LIB_SERVER_H

#include "lib/config.h"
#include "lib/deadline.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/xml.h"

struct server {
	const struct server_role *role;
	struct config *config;     /* the tenant's file, already read */
	const char *queue_id;      /* "" if none */
	deadline until;            /* the conversation's */
	struct arena arena;        /* released after every request */
	void *state;               /* the module's own, from role->start */
	const char *code;          /* a handler may set the <refused> code before it fails; NULL: by error code */
};

struct server_operation {
	const char *name;
	/* Reads the request element, writes children of <result> with xml_open ... xml_close.
	 * 0, or a negative code and *err: then what it wrote is dropped and
	 * <refused kind=... code=...>err text</refused> is sent (E_TEMP, E_CONFIG: temporary; else permanent;
	 * E_NOTFOUND has code "not-found"). */
	int (*handle)(struct server *s, const struct xml *request, struct xml_writer *answer, struct error *err);
};

struct server_role {
	const char *program;  /* "keys-file" */
	const char *role;     /* "rules", "keys", "check" */
	const struct server_operation *operations;
	size_t noperations;
	/* After the handshake, before the first request; a failure is logged and answered to every request. */
	int (*start)(struct server *s, struct error *err);
	void (*stop)(struct server *s); /* may be NULL */
	const struct config_option *options; /* the module's own names ("keys_file_..."); may be NULL */
	size_t noptions;
	void *options_base;   /* the struct they fill */
	bool foreign;         /* it calls libraries that may print: for them standard output is the log */
	const char *help;     /* for -help: what it does, one paragraph */
	/* What else its command line can do, for people ("-check FILE"); may be NULL.  Called with all of argv when
	 * argv[1] is an option server_main does not know; the option's name without its one or two dashes is in
	 * option.  Returns the exit code, or -1 if it does not know the option either. */
	int (*command)(const char *option, int argc, char **argv);
};

/* By when what somebody else is asked for must be there, so that the module answers before postern takes it for silent. */
deadline server_answer_until(const struct server *s);

/* main of a module: "-help", "-version", the role's own options, else the conversation on descriptors 0 and 1.
 * Returns the exit code (0 after a clean end of input). */
int server_main(const struct server_role *role, int argc, char **argv);

#endif
