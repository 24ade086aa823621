/* conversation.h - one conversation with the module that is checked, byte for byte as the checker wants it
 *
 * Postern's own side of the protocol says nothing wrong; a checker must be able to.  So only the starting of the
 * process is shared with postern, and what goes over the pipes is said here.
 */
#ifndef POSTERN_MODULE_CHECK_CONVERSATION_H
#define POSTERN_MODULE_CHECK_CONVERSATION_H

#include "lib/buf.h"
#include "lib/deadline.h"
#include "lib/xml.h"
#include "module/module.h"

struct conversation {
	struct module process;   /* its pid and pipes */
	struct buf log;          /* what it wrote on standard error, up to LOG_KEPT bytes */
	size_t log_bytes, log_lines, log_longest;
	struct xml_document *document; /* the last one that was read */
	struct span text;        /* its bytes, until the next is read */
	deadline until;
	char problem[600];       /* why the last call did not succeed */
};

/* What came of waiting for a document. */
enum heard {
	HEARD_DOCUMENT,  /* conversation.document */
	HEARD_END,       /* end of its output, between frames */
	HEARD_JUNK,      /* no frame, or no document: problem says which */
	HEARD_NOTHING,   /* the time is over */
};

/* Starts the program.  false and problem: it cannot be started. */
bool conversation_start(struct conversation *v, const char *path, int milliseconds);
/* Writes bytes as they are, reading the log meanwhile.  false: it reads no more (which may be what was wanted). */
bool conversation_write(struct conversation *v, struct span bytes);
bool conversation_say(struct conversation *v, const char *document); /* as a frame */
enum heard conversation_hear(struct conversation *v);
/* Ends its input. */
void conversation_finish(struct conversation *v);
/* Waits for its end.  The exit status; -1 where a signal ended it; -2 where it did not end in time and was killed. */
int conversation_wait(struct conversation *v);
/* Whether processes of its group outlived it; they are killed.  After conversation_wait(). */
bool conversation_left_something(struct conversation *v);
/* Kills what still runs, frees everything; at any time. */
void conversation_end(struct conversation *v);

#endif
