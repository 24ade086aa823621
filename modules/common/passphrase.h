/* passphrase.h - the one passphrase for all private files (passphrase_file) */
#ifndef POSTERN_COMMON_PASSPHRASE_H
#define POSTERN_COMMON_PASSPHRASE_H

#include "common/area.h"

/* As secret_read (secret_file.h), but no such file is 0 with NULL: a site need not have one. */
int passphrase_read(const char *path, char **out, struct error *err);

/* The area's, read when first needed; NULL if there is none or it cannot be used, which is logged. */
const char *area_passphrase(struct area *a);
void area_forget_passphrase(struct area *a);

#endif
