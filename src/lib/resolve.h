/* resolve.h - a host's name into addresses, within the deadline */
#ifndef POSTERN_LIB_RESOLVE_H
#define POSTERN_LIB_RESOLVE_H

#include <sys/socket.h>

#include "lib/deadline.h"
#include "lib/error.h"

#define ENDPOINTS_MAX 8

struct endpoint {
	struct sockaddr_storage address;
	socklen_t length;
};

/* Fills out[0 .. *n - 1], in the order to be tried.  Numeric addresses take no look-up; names are looked up by
 * getaddrinfo(3) in a child, because nothing else can bound its time.  E_TEMP and the reason. */
int resolve(const char *host, const char *port, deadline until, struct endpoint out[ENDPOINTS_MAX], size_t *n,
	    struct error *err);

#endif
