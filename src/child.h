/* child.h - the wall: stages that parse the message run in a forked child that holds nothing else
 *
 * The child gets the message, a scratch and an output file, its module
 * conversations, the log and a pipe for the plan record.  If it crashes, hangs
 * or says something odd, the message is deferred and nothing has happened.
 *
 * It opens nothing, with two exceptions that load code or tables of the system
 * when a message needs them: iconv's converter for a charset in a header field
 * (gconv-modules.cache and one module) and, for RC2 and the like, OpenSSL's
 * legacy provider (legacy.so with the shared libcrypto and its linker cache).
 */
#ifndef POSTERN_CHILD_H
#define POSTERN_CHILD_H

#include "work.h"

/* Runs routes_plan in a child and brings the plan back.  w->plan is filled in the parent; *output_size: bytes in
 * w->output_fd.  E_TEMP: crash, deadline, bad record. */
int child_run(struct work *w, struct error *err);

#endif
