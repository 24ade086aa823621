/* servant.h - a process that asks the areas on root's behalf
 *
 * Areas belong to root, their index belongs to the user of the spool.  Root does not read a database that another user could
 * have written, and another user cannot write to root's areas: so a process that becomes that user answers questions.
 */
#ifndef POSTERN_CERT_SERVANT_H
#define POSTERN_CERT_SERVANT_H

#include <sys/types.h>

#include "lib/buf.h"
#include "lib/config.h"
#include "lib/error.h"

struct servant {
	int fd;     /* -1: none */
	pid_t pid;
};

/* Starts the process (see owner_differs()); it becomes the spool's user, calls serve with its end of a socket and ends. */
int servant_start(const struct config *config, struct servant *s, void (*serve)(void *ctx, int fd), void *ctx, struct error *err);
void servant_end(struct servant *s);

/* One message each way: a length and so many bytes.  false: the other one is gone. */
bool servant_send(int fd, struct span message);
bool servant_receive(int fd, struct buf *out); /* replaces what is in out */

#endif
