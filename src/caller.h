/* caller.h - whether somebody still waits for our exit status */
#ifndef POSTERN_CALLER_H
#define POSTERN_CALLER_H

#include <stdbool.h>

/* A mail server that is stopped kills its delivery agent, but not us: Postfix's pipe(8) starts us in a session of our own.  When it is
 * back it tries the message again.  What we handed over and forgot meanwhile would come twice, and what we have read
 * may be half a message.  So: nothing is handed over any more, and the journal stays for the next attempt. */

/* The kernel kills us when the caller dies, if the caller may: pipe(8), which works as another user than we, may not. */
void caller_follow(void);
/* True when our standard output is a pipe that nobody reads. */
bool caller_is_gone(void);

#endif
