/* module.h - postern's side of the module protocol: start, talk to, narrow, reap (postern-modules(7))
 *
 * The parent starts the processes and reaps them; the conversations' pipes are
 * inherited by the forked child, which talks.  Anything but a proper answer
 * is breakage: E_TEMP, the message is deferred, the module is killed.
 */
#ifndef POSTERN_MODULE_MODULE_H
#define POSTERN_MODULE_MODULE_H

#include <sys/types.h>

#include "lib/config.h"
#include "lib/deadline.h"
#include "lib/error.h"
#include "lib/frame.h"
#include "lib/xml.h"

enum module_role { ROLE_RULES, ROLE_KEYS, ROLE_CHECK };

struct module {
	const char *name;          /* "keys-file", as configured */
	enum module_role role;
	pid_t pid;                 /* -1: not running */
	int to, from, log;         /* pipes: its stdin, stdout, stderr; close-on-exec; -1: closed */
	struct frame_reader in;
	unsigned next_id;
	bool greeted;              /* handshake done */
	bool broken;               /* no further use; every call fails */
	const char *operations;    /* what it said it can do */
};

/* All modules of one message, by role in the order of the configuration. */
struct modules {
	struct module *items;
	size_t n;
	const struct config *config;
	const char *queue_id;
	const char *narrow[3];     /* by role: blank-separated operations this conversation may use */
	deadline until;
	struct arena arena;
};

/* ---- the parent ---- */

/* Starts the modules of the roles in the bit set (1u << ROLE_...): posix_spawn, descriptors 0, 1, 2 only, working directory /,
 * a clean environment (PATH, LANG=C.UTF-8, TZ), own process group, died-with-parent signal.  The hello is written at once, so
 * that a module is ready when it is asked.  E_CONFIG with the module's name and path if one can not be started. */
int modules_start(struct modules *m, const struct config *config, unsigned roles, const char *const narrow[3],
		  const char *queue_id, deadline until, struct error *err);
/* Logs, under the module's name, what has arrived on the log pipes; call when poll says so, and before reaping. */
void modules_log(struct modules *m);
/* Ends them: closes the pipes, waits up to grace milliseconds, then SIGKILL to the group; reaps; logs a status that is not 0. */
void modules_stop(struct modules *m, int grace);

/* ---- the child ---- */

/* Asks the modules of a role in order until one answers other than <refused code="not-found"> or "unknown-operation".
 * write fills the request (xml_open of the operation with id is already done).  On success *answer holds the <result>
 * (xml_free it).  E_NOTFOUND: all said not-found.  E_PERM: refused for good (text in err).  E_TEMP: everything else. */
typedef int module_writer(struct xml_writer *w, void *arg);
int modules_ask(struct modules *m, enum module_role role, const char *operation, module_writer *write, void *arg,
		struct xml_document **answer, const char **module_name, struct error *err);
/* Asks one named module (keys stay with the module that offered them). */
int modules_ask_one(struct modules *m, const char *module_name, const char *operation, module_writer *write, void *arg,
		    struct xml_document **answer, struct error *err);

#endif
