/* known.h - whether an area holds a certificate already, under whatever name */
#ifndef POSTERN_CERT_KNOWN_H
#define POSTERN_CERT_KNOWN_H

#include "lib/buf.h"
#include "lib/config.h"
#include "lib/error.h"

struct known;

/* As the area is now: later changes do not count.  config and area must outlive it. */
int known_open(const struct config *config, const char *area, struct known **out, struct error *err);
int known_is(struct known *k, struct span der, bool *is, struct error *err);
/* After changes: brings the index up to date, so that the next message need not. */
void known_finish(struct known *k);
void known_close(struct known *k); /* NULL is fine */

#endif
