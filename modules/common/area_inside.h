/* area_inside.h - what the parts of an area share: area*.c ask, refresh.c keeps the index fresh, ingest.c reads files */
#ifndef POSTERN_COMMON_AREA_INSIDE_H
#define POSTERN_COMMON_AREA_INSIDE_H

#include "common/area.h"
#include "common/index.h"
#include "common/records.h"

struct area {
	char *name, *directory;
	const struct config *config;
	struct index *index;
	bool is_private;
	bool frozen;             /* see area_freeze() */
	char *passphrase;        /* of PKCS#12 files in "private"; NULL: none, or not read yet */
	bool passphrase_read;
};

/* The whole path of what stands below the area; in the arena. */
static inline char *area_path(struct arena *arena, const struct area *a, const char *path)
{
	return arena_printf(arena, "%s/%s", a->directory, path);
}

/* Files of an area: bigger ones are no certificate files. */
#define AREA_FILE_MAX ((size_t)16 << 20)
#define AREA_CRL_MAX ((size_t)128 << 20)

/* ---- ingest.c: inside a write transaction ---- */

/* Makes the index say what the file holds now; a file that is gone leaves it.  path: "NAME" or "SUB/NAME" below the area.
 * Only an index that cannot be written is an error; a bad file is logged and recorded. */
int ingest_file(struct area *a, struct meta_record *m, const char *path, struct error *err);

/* ---- refresh.c ---- */

/* Without a transaction: compares folders and watched files with the index and brings it up to date. */
int area_refresh(struct area *a, struct error *err);
/* Looks at these files again, whatever the folders say. */
int area_reread(struct area *a, char *const *paths, size_t n, struct error *err);
/* Looks at every file, now or if that was not done lately.  *changed: ask again. */
enum sweep { SWEEP_NOW, SWEEP_NOT_TOO_OFTEN };
int area_sweep(struct area *a, enum sweep when, bool *changed, struct error *err);

#endif
