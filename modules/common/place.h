/* place.h - puts certificates into an area the way an operator would: by copying files
 *
 * A file is written under a hidden name, which areas pass over, made durable, and then renamed: it is there whole or not at
 * all, and nothing is ever overwritten.  Its name is the SHA-256 of the certificate, so the same one finds its place taken.
 * A large area has a sub-folder for each first two digits of these names: a folder whose names have to be read again
 * after each change must not have a million of them.
 */
#ifndef POSTERN_COMMON_PLACE_H
#define POSTERN_COMMON_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/digest.h"
#include "lib/error.h"
#include "lib/mem.h"

/* Areas of more files get their new ones in sub-folders. */
#define PLACE_FLAT_MAX 4096

struct place;

/* directory: an area's; made if it is not there.  Files get its owner, mode 0644.  E_PERM: who runs this could not give them
 * this owner; E_TEMP: I/O. */
int place_open(const char *directory, struct place **out, struct error *err);
/* What was added and not committed is gone. */
void place_close(struct place *p); /* NULL is fine */

/* der: a certificate or (crl) a revocation list.  *known: it is there already under the name of its content, or was added before.
 * *path (may be NULL): where it is or will be; lives until the next commit. */
int place_add(struct place *p, struct span der, bool crl, bool *known, const char **path, struct error *err);
/* Makes everything added durable, then visible. */
int place_commit(struct place *p, struct error *err);
/* Added and not yet committed. */
size_t place_waiting(const struct place *p);

/* Takes a file out of its area into the hidden folder .forgotten beside it, where it does no harm and can be taken back from. */
int place_forget(const char *file, struct error *err);

/* The folder for the file of this certificate: of an area of so many files, or where it is there already, the sub-folder, which is made.
 * In the arena. */
char *place_folder(struct arena *arena, const char *directory, size_t files, struct span der);

#endif
