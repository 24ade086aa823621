/* secret_file.h - a password, PIN or passphrase: out of a file, a credential of systemd, or what a program says
 *
 * Where it comes from is written in one option (CONFIG_SECRET of lib/config.h):
 *   /PATH                  a file
 *   credential:NAME        the file NAME in $CREDENTIALS_DIRECTORY (systemd.exec(5))
 *   program:/PATH ARG...   what this program, run without a shell, writes to its standard output
 */
#ifndef POSTERN_COMMON_SECRET_FILE_H
#define POSTERN_COMMON_SECRET_FILE_H

#include "lib/error.h"

#define SECRET_MAX ((size_t)4096)  /* bytes of a file or an output */
#define SECRET_PROGRAM_MS 10000    /* the longest a program may take */

/* The first line, without its end; wiped and freed by secret_free.  E_NOTFOUND: there is no such file; E_CONFIG: it is not ours (or
 * root's) alone, mode 0600 or less; no such credential or program; the first line is empty, there is a NUL before its end, or
 * there are more than SECRET_MAX bytes; E_TEMP: the program failed, or was too slow. */
int secret_read(const char *source, char **out, struct error *err);
void secret_free(char *secret); /* NULL is fine */

/* The file that says whether another secret may be read now: the file itself, the credential's, the program's.  Caller frees. */
char *secret_path(const char *source);

#endif
