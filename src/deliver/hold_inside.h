/* hold_inside.h - what writing and reading holds share; of no use outside this folder */
#ifndef POSTERN_DELIVER_HOLD_INSIDE_H
#define POSTERN_DELIVER_HOLD_INSIDE_H

#include "deliver/hold.h"
#include "lib/buf.h"

#define HOLD_RECORD_MAX ((size_t)64 * 1024 * 1024) /* of a million recipients */

/* Appends "name: value"; the value becomes one line, so that text from outside cannot add a field. */
void hold_add_field(struct buf *b, const char *name, const char *value);

/* The mail server may hand over one message in several processes at once, each for some of its recipients, and its copies come back in
 * others: records are read and written by one after the other.  The lock ends with the descriptor.  E_NOTFOUND, E_TEMP */
int hold_lock(const char *directory, struct error *err);

const char *hold_path(struct arena *a, const char *spool, const char *id, const char *suffix);

#endif
