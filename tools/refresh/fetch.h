/* fetch.h - many small files from servers nobody vouches for, at once and within bounds
 *
 * http and https by libcurl, ldap and ldaps by a process each (ldap.h).  Whatever a server does, a fetch ends: bytes, time,
 * redirections, protocols and addresses are bounded (struct refresh_options), and a server that does not answer three times
 * running is not waited for again.  What comes back is bytes; whether to believe them is the caller's business.
 */
#ifndef POSTERN_REFRESH_FETCH_H
#define POSTERN_REFRESH_FETCH_H

#include "lib/buf.h"
#include "lib/deadline.h"
#include "lib/error.h"
#include "refresh/options.h"

struct fetch {
	const char *url;             /* borrowed, as all that goes in */
	struct span post;            /* n > 0: sent by POST */
	const char *post_type;
	const char *accept;          /* NULL: anything */
	const char *etag, *modified; /* of what is there already; NULL: none */
	size_t limit;                /* bytes; 0: refresh_size_limit */
	void (*done)(struct fetch *f); /* called once; may add others */
	void *of;                    /* the caller's */

	/* the outcome */
	int rc;                      /* 0; E_TEMP, E_LIMIT, E_NOTFOUND (404, no such entry), E_PERM (never: protocol, address) */
	struct error error;
	bool unchanged;              /* 304: nothing is newer */
	struct buf body;
	char *new_etag, *new_modified; /* NULL: none */
	struct fetch *next;          /* the fetcher's */
};

void fetch_release(struct fetch *f); /* the outcome's memory; not f */

struct fetcher;

/* options is kept.  E_CONFIG: libcurl cannot start. */
int fetcher_new(const struct refresh_options *options, struct fetcher **out, struct error *err);
void fetcher_free(struct fetcher *f); /* NULL is fine */

/* Whether an address can be asked at all: one of the four protocols, a host, no user, no blank, no control character. */
int fetch_check_url(const char *url, struct error *err);

/* Queues it; f lives until done() was called. */
void fetcher_add(struct fetcher *fr, struct fetch *f);

/* Fetches until the queue is empty; what is left at the deadline fails with E_TEMP.  each (may be NULL) is called now and then. */
void fetcher_run(struct fetcher *fr, deadline until, void (*each)(void *ctx), void *ctx);

uint64_t fetcher_bytes(const struct fetcher *fr); /* received so far */

#endif
