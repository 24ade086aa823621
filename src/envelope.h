/* envelope.h - who sends to whom, and from where (the envelope of RFC 5321, never the header) */
#ifndef POSTERN_ENVELOPE_H
#define POSTERN_ENVELOPE_H

#include "lib/buf.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "options.h"

enum origin { ORIGIN_OUTSIDE, ORIGIN_INSIDE, ORIGIN_SCANNER };

struct envelope {
	const char *sender;      /* "" : null sender */
	bool sender_known;       /* false until -sender or the message has told */
	const char *hostname;    /* ours: its MAILER-DAEMON is the null sender; may be NULL */
	const char *client;      /* as given, for logs */
	enum origin origin;
	const char **recipients; /* checked; without duplicates */
	size_t n;
	const char **ill_formed; /* refused with 5.1.3, reason in why */
	const char **why;
	size_t nill;
	const char *queue_id;    /* printable, at most 60 characters; "" if none */
};

/* From the command line.  E_PERM: sender or every recipient ill-formed (status 5.1.x; the caller refuses);
 * E_LIMIT: too many recipients; E_CONFIG: the client address is none. */
int envelope_from_options(struct arena *a, const struct config *c, const struct options *o, struct envelope *out,
			  struct error *err);

/* Takes the sender from the mbox From line or Return-Path where -sender was not given.  message: as on standard input.
 * *skip: length of the mbox line, which is not part of the message. */
int envelope_sender_from(struct arena *a, struct envelope *e, struct span message, size_t header_limit, size_t *skip,
			 struct error *err);

#endif
