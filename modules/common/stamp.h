/* stamp.h - when a file or folder was changed last, and how far that can be relied on */
#ifndef POSTERN_COMMON_STAMP_H
#define POSTERN_COMMON_STAMP_H

#include "common/records.h"
#include "lib/error.h"

int64_t now_nanoseconds(void);

/* All zero if the file does not exist; links are followed.  E_CONFIG: cannot be told. */
int stamp_path(const char *path, struct stamp *out, bool *is_folder, struct error *err);

/* Of the file that says whether another secret may be read now (secret_path); all zero if that cannot be told. */
void stamp_secret(const char *source, struct stamp *out);

/* A change right after the one at `changed' may carry the same time: what was read at `at' is not to be relied on. */
bool is_racy(const struct stamp *s, int64_t at, bool folder);

#endif
