/* index.h - the cache behind an area: an LMDB file of keys and values
 *
 * It stands in SPOOL/index/AREA, mode 0600, and is only a cache: it may be deleted at any time, and one that is broken
 * or of another version is put aside and built again.  Many processes use it at once; LMDB serialises the writers,
 * and a process that dies in the middle of writing leaves the state before.  Where the spool cannot be used the same
 * index is built in memory for this process alone, with one warning.
 *
 * What the keys and values mean is said in records.h.
 */
#ifndef POSTERN_COMMON_INDEX_H
#define POSTERN_COMMON_INDEX_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/error.h"

struct index;

/* area: its name; directory: the folder it indexes (an index of another folder is built anew).  Never fails for want of
 * a usable spool; E_TEMP if memory cannot serve either. */
int index_open(const char *spool, const char *area, const char *directory, struct index **out, struct error *err);
void index_close(struct index *ix); /* NULL is fine */
bool index_in_memory(const struct index *ix);

/* One transaction at a time.  A reader sees one moment's state; a writer waits for other writers. */
int index_begin(struct index *ix, bool write, struct error *err);
int index_commit(struct index *ix, struct error *err);
void index_abort(struct index *ix); /* without a transaction: nothing */

/* Values are valid until the transaction ends or (in a writer) something is written.  0, E_NOTFOUND, E_TEMP. */
int index_get(struct index *ix, struct span key, struct span *value);
int index_put(struct index *ix, struct span key, struct span value, struct error *err);
int index_delete(struct index *ix, struct span key); /* absent is fine */

/* What was read makes no sense: the file is put aside for the next process to build anew.  Returns E_TEMP. */
int index_damaged(struct index *ix, const char *what, struct error *err);

/* Calls fn for each key that begins with prefix, in byte order, until it answers other than 0; that is returned.
 * fn must not write. */
int index_each(struct index *ix, struct span prefix, int (*fn)(void *ctx, struct span key, struct span value), void *ctx,
	       struct error *err);

#endif
