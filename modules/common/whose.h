/* whose.h - a certificate in words for people: whose it is, and until when */
#ifndef POSTERN_COMMON_WHOSE_H
#define POSTERN_COMMON_WHOSE_H

#include "lib/server.h"

/* In the request's arena: "a@example.org, valid until 2027-01-31". */
const char *keys_whose(struct server *s, struct span certificate_der);

#endif
