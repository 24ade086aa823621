/* receive.h - standard input into an unlinked file, in the spool or in memory */
#ifndef POSTERN_RECEIVE_H
#define POSTERN_RECEIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/deadline.h"
#include "lib/error.h"

struct received {
	int fd;            /* read-write, unlinked; the caller closes it */
	bool small;        /* less than 64 KB: kept in memory */
	uint64_t size;     /* bytes, an mbox From line included */
	char digest[65];   /* SHA-256 of the bytes behind the mbox From line, hex: the message's identity */
};

/* Reads until end of file.  E_LIMIT past limit bytes (the rest is read and thrown away, so that the mail
 * server sees a clean end), E_TEMP on I/O errors or when the deadline is over. */
int receive(int from, const char *spool, uint64_t limit, deadline until, struct received *out, struct error *err);

#endif
