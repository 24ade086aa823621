/* direction.h - which way each recipient's copy goes (DESIGN: incoming, outgoing, returning from the scanner) */
#ifndef POSTERN_DIRECTION_H
#define POSTERN_DIRECTION_H

#include "envelope.h"

enum route {
	ROUTE_INCOMING,  /* outside to a local domain: open */
	ROUTE_OUTGOING,  /* inside to elsewhere: rules, sign, encrypt */
	ROUTE_INSIDE,    /* inside to a local domain: as it came */
	ROUTE_RETURNING, /* scanner to a local domain: has been opened before */
	ROUTE_RELAYING,  /* outside to outside: refused */
};
#define ROUTES 5

enum route route_of(const struct config *c, enum origin origin, const char *recipient);

/* The recipients of one route, in order. */
size_t route_recipients(const struct config *c, const struct envelope *e, enum route route, const char **out);

/* Which module roles the envelope can need, as a bit set of 1u << ROLE_..., and what each may do (narrowing). */
unsigned route_roles(const struct config *c, const struct envelope *e, const char *narrow[3]);

/* Whether no mail server may return the message to its sender: it comes from the scanner, so it may be opened, and the sender is
 * not one of ours. */
bool must_not_return(const struct config *c, const struct envelope *e, const char *sender);

const char *route_name(enum route r);

#endif
