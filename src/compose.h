/* compose.h - puts an output together: the message's own header with a few fields changed, and a body
 *
 * What is not changed is a range of the message, byte for byte; but a new body has fields above it that every program reads alike.
 */
#ifndef POSTERN_COMPOSE_H
#define POSTERN_COMPOSE_H

#include "result.h"
#include "work.h"

/* An entity that takes the place of the message's MIME fields and body. */
struct replacement {
	struct header header;  /* its Content-* fields are taken */
	struct span entity;    /* all of it, as it was given */
	struct span body;      /* in the message's line-break convention */
};

/* Converts entity (any line breaks) to the message's line breaks and splits it.  Memory: the arena, which may
 * be released when the output is written; a binary body stays as it is (RFC 2045 section 2.9), where it is. */
int compose_replacement(struct work *w, struct arena *a, struct span entity, struct replacement *out, struct error *err);

bool compose_is_binary(const struct header *h); /* Content-Transfer-Encoding: binary */

struct edit {
	const struct replacement *replacement; /* NULL: MIME fields and body stay */
	const char *subject;                   /* NULL: the Subject stays */
	bool keep_reserved;                    /* X-Postern-* but the token, our Authentication-Results stay */
	const char *also;                      /* a node of ours: its Authentication-Results go like ours; NULL: none */
	bool blind;                            /* Bcc and Resent-Bcc go (RFC 5322 section 3.6.3) */
	bool tidy;                             /* also without a new body: what stands in top speaks for it */
	struct span top;                       /* fields put first */
};

/* top, fields and body, appended to o. */
void compose_write(struct work *w, struct plan_output *o, const struct edit *e);

/* Writes the result fields for this edit into *top. */
int compose_result(struct work *w, const struct result *r, const struct replacement *replacement, struct buf *top,
		   struct error *err);

#endif
