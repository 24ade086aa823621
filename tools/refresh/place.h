/* place.h - where what was fetched goes: the sub-folder "fetched" of an area, and the lock that keeps runs apart */
#ifndef POSTERN_REFRESH_PLACE_H
#define POSTERN_REFRESH_PLACE_H

#include <sys/types.h>

#include "lib/buf.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/mem.h"

#define PLACE_FOLDER "fetched" /* below AREAS/crl and AREAS/ca */

/* AREAS/AREA/fetched/NAME: host and a hash of the whole address, so that a person sees whose it is.  In the arena. */
char *place_path(struct arena *a, const struct config *c, const char *area, const char *url, const char *suffix);

/* The content whole or not at all, whatever happens: a hidden file, fsync, rename.  Makes the folder. */
int place_file(const char *path, struct span content, mode_t mode, struct error *err);

/* Removes hidden files that a run left behind when it was killed.  Only with the lock. */
void place_clean(const struct config *c, const char *area);

/* SPOOL/refresh/lock, until the process ends.  E_LIMIT: another run has it.  Makes SPOOL/refresh. */
int place_lock(const struct config *c, struct error *err);

#endif
