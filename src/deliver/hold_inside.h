/* hold_inside.h - what writing and reading holds share; of no use outside this folder */
#ifndef POSTERN_DELIVER_HOLD_INSIDE_H
#define POSTERN_DELIVER_HOLD_INSIDE_H

#include <dirent.h>

#include "deliver/hold.h"
#include "lib/buf.h"

#define HOLD_SUFFIX ".hold" /* of a record */
#define HOLD_STAMP "swept" /* its time is the last sweep's; it is locked by whoever changes records */
#define HOLD_RECORD_MAX ((size_t)64 * 1024 * 1024) /* of a million recipients */

/* Appends "name: value"; the value becomes one line, so that text from outside cannot add a field. */
void hold_add_field(struct buf *b, const char *name, const char *value);

/* Appends those of the modules (with one blank between; NULL: none) that do not stand there already.  false: all do. */
bool hold_add_modules(struct buf *record, const char *modules);

/* The mail server may hand over one message in several processes at once, each for some of its recipients, and its copies come back in
 * others: records are read and written by one after the other.  The lock ends with the descriptor.  E_NOTFOUND, E_TEMP */
int hold_lock(const char *directory, struct error *err);

/* ---- hold_index.c: what waits for its copy is found by these, see there ---- */

#define HOLD_SLOTS 256 /* holds that one key finds */

struct hold_key {
	const char *kind;  /* "message-id", "content" */
	const char *value; /* "": nothing has it */
	const char *sender;
};

void hold_index_add(struct arena *a, const char *directory, const char *id, const struct hold_key *k);
void hold_index_remove(struct arena *a, const char *directory, const char *id, const struct hold_key *k);
/* ids: room for HOLD_SLOTS.  What they lead to may be gone, or another's. */
size_t hold_index_find(struct arena *a, const char *directory, const struct hold_key *k, const char **ids);
/* Removes the name if it is a link that has led nowhere for long. */
void hold_index_tidy(DIR *dir, const char *name);

const char *hold_path(struct arena *a, const char *spool, const char *id, const char *suffix);

#endif
