/* parcel.h - what is handed over: an envelope and the pieces of files that make up a message */
#ifndef POSTERN_DELIVER_PARCEL_H
#define POSTERN_DELIVER_PARCEL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/deadline.h"
#include "lib/error.h"
#include "lib/mem.h"

struct segment {
	int fd;          /* borrowed; read with pread(2) or copied with copy_file_range(2), never mapped whole */
	off_t offset;
	uint64_t length;
};

enum recipient_state { RECIPIENT_PENDING, RECIPIENT_ACCEPTED, RECIPIENT_TEMPORARY, RECIPIENT_REFUSED };

struct parcel_recipient {
	const char *address;
	enum recipient_state state;
	const char *status;  /* RFC 3463 "5.1.1", in the arena; "" while pending */
	const char *text;    /* what the peer said, one line; "" */
};

struct parcel {
	const char *sender;  /* "" : null sender */
	struct parcel_recipient *recipients;
	size_t n;
	const struct segment *segments; /* concatenated: the message in one line-break convention, LF or CRLF */
	size_t nsegments;
	bool eight_bit;      /* the content has 8-bit bytes: BODY=8BITMIME where the peer has it */
};

#endif
