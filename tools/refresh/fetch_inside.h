/* fetch_inside.h - what fetching by libcurl and by LDAP share */
#ifndef POSTERN_REFRESH_FETCH_INSIDE_H
#define POSTERN_REFRESH_FETCH_INSIDE_H

#include <curl/curl.h>

#include "lib/mem.h"
#include "refresh/fetch.h"

/* How often a server did not answer, running. */
struct server_record {
	struct server_record *next;
	const char *name;
	unsigned failures;
};

struct ldap_child;

struct fetcher {
	const struct refresh_options *options;
	CURLM *multi;
	struct transfer *transfers;   /* options->parallel of them */
	struct fetch *queue, *last;
	struct ldap_child *children;
	size_t active;                /* begun and not finished, by either way */
	uint64_t started, bytes, held;
	bool no_answer;               /* the fetch being finished met silence, not an error */
	struct server_record *servers;
	struct arena arena;
};


/* Appends to the body within all bounds; false and *err set. */
bool fetch_take(struct fetcher *fr, struct fetch *f, const void *p, size_t n, struct error *err);

/* The fetch, which was active, is over. */
void fetch_finish(struct fetcher *fr, struct fetch *f, int rc);

#endif
