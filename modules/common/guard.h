/* guard.h - a broken index costs one message a deferral, not every message
 *
 * LMDB trusts its file: pages of nonsense (a failing disk) can make it crash.  While the index is in use, SIGSEGV,
 * SIGBUS and SIGABRT first put the file aside, then do what they always do; the next process builds it anew.
 */
#ifndef POSTERN_COMMON_GUARD_H
#define POSTERN_COMMON_GUARD_H

void guard_enter(const char *place); /* folder to put aside */
void guard_leave(void);              /* as often as entered */

#endif
