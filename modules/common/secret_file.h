/* secret_file.h - a password, PIN or passphrase out of a file */
#ifndef POSTERN_COMMON_SECRET_FILE_H
#define POSTERN_COMMON_SECRET_FILE_H

#include "lib/error.h"

/* The first line of the file, without its end; wiped and freed by secret_free.  E_NOTFOUND: there is no such file; E_CONFIG: it is
 * not ours (or root's) alone, mode 0600 or less; E_LIMIT: no password is that long. */
int secret_read(const char *path, char **out, struct error *err);
void secret_free(char *secret); /* NULL is fine */

#endif
