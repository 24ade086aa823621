/* journal.h - what has been handed over already, so that a retry sends each recipient the message once
 *
 * One empty file per (message, kind, recipient) below SPOOL/journal, named by a hash; written after the peer
 * has accepted, made durable with one fsync of the directory; removed when the carrier's copy is finished (exit 0).
 * The window for a duplicate is between the peer's acceptance and that fsync.
 */
#ifndef POSTERN_DELIVER_JOURNAL_H
#define POSTERN_DELIVER_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/deadline.h"
#include "lib/error.h"
#include "lib/mem.h"

struct journal {
	const char *directory;
	const char *message; /* identity: queue id and SHA-256 of the content, hex, as the plan record has it */
	int fd;              /* of the directory */
	int lock;            /* -1: none */
};

int journal_open(struct arena *a, const char *spool, const char *message, struct journal *out, struct error *err);
/* The same in another directory of the spool. */
int journal_open_in(struct arena *a, const char *spool, const char *name, const char *message, struct journal *out,
		    struct error *err);
void journal_release(struct journal *j); /* and its locks */

/* From here to journal_release no other process works for these recipients of this message: one whose mail server was killed may
 * still be at it.  Others of the same message may be served by others at the same time.  One byte each of a file that is there
 * anyway: nothing to tidy up, nothing to write.  For more than a thousand recipients the whole message is locked.  E_TEMP: another process has one of them, until the end of the wait. */
int journal_lock(struct journal *j, const char *const *recipients, size_t n, deadline until, struct error *err);

/* kind: "mail", "scan", "dsn", "notice".  An entry that is asked for is young again: a mail server may try for weeks. */
int journal_has(const struct journal *j, const char *kind, const char *recipient, bool *has, struct error *err);
int journal_add(struct journal *j, const char *kind, const char *const *recipients, size_t n, struct error *err);
/* The message is finished: forgets these. */
void journal_forget(struct journal *j, const char *kind, const char *const *recipients, size_t n);
/* Removes entries that nobody has made or asked for within this time; cheap, called now and then. */
void journal_sweep(struct journal *j, uint64_t seconds);

#endif
