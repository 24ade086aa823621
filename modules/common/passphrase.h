/* passphrase.h - the one passphrase for all private files (passphrase_file) */
#ifndef POSTERN_COMMON_PASSPHRASE_H
#define POSTERN_COMMON_PASSPHRASE_H

#include "common/area.h"

/* Reads the first line of the file into *out (wipe it with free_passphrase).  No such file is 0 with NULL.
 * E_CONFIG: others may read it. */
int passphrase_read(const char *path, char **out, struct error *err);
void passphrase_free(char *passphrase); /* NULL is fine */

/* The area's, read when first needed; NULL if there is none or it cannot be used, which is logged. */
const char *area_passphrase(struct area *a);
void area_forget_passphrase(struct area *a);

#endif
