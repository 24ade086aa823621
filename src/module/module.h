/* module.h - postern's side of the module protocol: start, talk to, narrow, reap (postern-modules(7))
 *
 * The parent starts the processes and reaps them; the conversations' pipes are
 * inherited by the forked child, which talks.  Anything but a proper answer
 * is breakage: E_TEMP, the message is deferred, the module is killed.
 */
#ifndef POSTERN_MODULE_MODULE_H
#define POSTERN_MODULE_MODULE_H

#include <poll.h>
#include <sys/types.h>

#include "lib/config.h"
#include "lib/deadline.h"
#include "lib/error.h"
#include "lib/frame.h"
#include "lib/xml.h"

enum module_role { ROLE_RULES, ROLE_KEYS, ROLE_CHECK };
#define MODULE_ROLES 3
const char *module_role_name(enum module_role role); /* "rules", "keys", "check" */

struct module {
	const char *name;          /* "keys-file", as configured */
	enum module_role role;
	pid_t pid;                 /* -1: not running */
	int to, from, log;         /* pipes: its stdin, stdout, stderr; close-on-exec, non-blocking; -1: closed */
	struct frame_reader in;
	unsigned next_id;
	bool greeted;              /* handshake done */
	bool broken;               /* no further use; every call fails with why */
	struct error why;
	const char *operations;    /* what it said it can do */
	struct buf line;           /* of its log: begun, not yet ended */
	bool line_cut;             /* what follows up to the line's end is dropped */
	unsigned lines;            /* logged so far; past MODULE_LOG_LINES they are dropped */
	bool killed;               /* by us: its status says nothing new */
	bool locked;               /* it has wanted a passphrase (passphrase-needed) that nobody has given */
};

#define MODULE_LOG_LINES 200   /* of one module for one message */
#define MODULE_LOG_LINE 1000   /* bytes of one line */

/* All modules of one message, by role in the order of the configuration. */
struct modules {
	struct module *items;
	size_t n;
	const struct config *config;
	const char *queue_id;
	const char *narrow[MODULE_ROLES]; /* by role: blank-separated operations this conversation may use; NULL: none */
	deadline until;
	pid_t owner;               /* the process that started them: it reads the log pipes */
	struct arena arena;
};

/* ---- the parent ---- */

/* Modules that are in the running program as well: where the file to be executed is the running one, they are forked only, with
 * what stands in memory then (inside.c).  programs: for the life of the process, the last has no name; argv: main's.  Without this
 * call, and after one with NULL, every module is executed. */
typedef int module_main(int argc, char **argv);
struct module_program {
	const char *name; /* the last part of its path */
	module_main *main;
};
void modules_inside(const struct module_program *programs, char **argv);

/* Starts the modules of the roles in the bit set (1u << ROLE_...), which must find no secret of ours in memory: no shell, no PATH; descriptors 0, 1, 2 only, working
 * directory /, a clean environment (PATH, LANG=C.UTF-8, TZ if we have one), own process group, killed when we die.  The
 * hello is written at once, so that a module is ready when it is asked.  A name without a slash stands in
 * module_directory, an absolute path is taken as it is, anything else is refused.
 * Sets SIGPIPE to be ignored.  E_CONFIG with the module's name and path if one can not be started,
 * E_TEMP if the system can not now; then none is left running. */
int modules_start(struct modules *m, const struct config *config, unsigned roles, const char *const narrow[MODULE_ROLES],
		  const char *queue_id, deadline until, struct error *err);
/* Logs, under the module's name, what has arrived on the log pipes: printable, MODULE_LOG_LINES of MODULE_LOG_LINE bytes.
 * A line may begin with "error: ", "warning: ", "info: " or "debug: "; without it is a warning.  Call when poll says so; a
 * module that cannot write its log stands still. */
void modules_log(struct modules *m);
/* Fills p (room for max) with the log pipes that are open, for POLLIN; returns how many. */
size_t modules_log_poll(const struct modules *m, struct pollfd *p, size_t max);
/* Ends them: closes the pipes, waits up to grace milliseconds, then SIGKILL to the group; reaps; logs a status that is not 0
 * (and every death by signal).  What a module left behind in its process group is killed too.  Releases everything. */
void modules_stop(struct modules *m, int grace);

/* ---- the child ---- */

/* Asks the modules of a role in order until one answers other than <refused code="not-found"> or "unknown-operation".
 * One that does not know the operation is passed over; where none knows it that is E_TEMP, never "not found".
 * write fills the request (xml_open of the operation with id is already done).  On success *answer holds the <result>
 * (xml_free it).  E_NOTFOUND: all said not-found.  E_PERM: refused for good (text in err).  E_LIMIT: the
 * request is longer than frame_limit.  E_LOCKED: a key of role keys wants a passphrase.  E_TEMP: everything else. */
typedef int module_writer(struct xml_writer *w, void *arg);
int modules_ask(struct modules *m, enum module_role role, const char *operation, module_writer *write, void *arg,
		struct xml_document **answer, const char **module_name, struct error *err);
/* The same question n times without waiting in between; args[i] is given to write.  answers[i] and names[i] (may be NULL) are
 * set; an answer is NULL where all modules said not-found.  On failure no answer is left. */
int modules_ask_many(struct modules *m, enum module_role role, const char *operation, module_writer *write, void *const *args,
		     size_t n, struct xml_document **answers, const char **names, struct error *err);
/* Asks one named module (keys stay with the module that offered them). */
int modules_ask_one(struct modules *m, const char *module_name, const char *operation, module_writer *write, void *arg,
		    struct xml_document **answer, struct error *err);

/* Completes the handshake with every module, for those who want to know that all are there (-check); asking does it
 * by itself. */
int modules_greet(struct modules *m, struct error *err);
/* After the last question: a module that has said more than it was asked, or that has ended, has broken the protocol: E_TEMP. */
int modules_quiet(struct modules *m, struct error *err);
/* An answer whose frame was good but whose content is not: the module is broken from here on, killed; E_TEMP and why. */
int modules_broken(struct modules *m, const char *module_name, const char *operation, struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

#endif
