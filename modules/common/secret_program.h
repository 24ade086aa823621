/* secret_program.h - a secret that a program says on its standard output */
#ifndef POSTERN_COMMON_SECRET_PROGRAM_H
#define POSTERN_COMMON_SECRET_PROGRAM_H

#include "lib/buf.h"
#include "lib/error.h"

/* command: the absolute path and arguments, with blanks between; nothing is quoted or expanded.  Appends all it says, at most
 * SECRET_MAX bytes, to out (the caller wipes it).  Its standard input is empty, its standard error is ours, its environment PATH (of the system),
 * LC_ALL=C, HOME=/, SHELL and CREDENTIALS_DIRECTORY where that is set; it and what it leaves in
 * its process group is killed when SECRET_PROGRAM_MS are over.  Errors as secret_read. */
int secret_program_read(const char *command, struct buf *out, struct error *err);

#endif
