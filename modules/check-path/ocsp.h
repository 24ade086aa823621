/* ocsp.h - what the parts of asking OCSP responders share; inside this module only */
#ifndef POSTERN_CHECK_PATH_OCSP_H
#define POSTERN_CHECK_PATH_OCSP_H

#include "check-path/checking.h"

enum { CHECK_OCSP_NO, CHECK_OCSP_CACHED, CHECK_OCSP_LIVE };
enum { CHECK_NONCE_NO, CHECK_NONCE_OPTIONAL, CHECK_NONCE_REQUIRE };

/* What a process remembers from question to question. */
struct ocsp_memory {
	bool looked, cache;       /* whether there is a cache at all */
	int64_t spent;            /* milliseconds waited for responders */
	struct silent {
		struct silent *next;
		char *url;            /* did not answer: not asked again */
	} *silent;
};

void ocsp_forget(struct ocsp_memory *m); /* NULL is fine */

/* ocsp_live.c: sends the request to the responder at url and waits for at most so many milliseconds.  Appends the answer, which
 * nobody has looked at yet.  E_TEMP: none came. */
int ocsp_ask(const struct config *config, const char *url, struct span request, int64_t milliseconds, struct buf *answer,
	     struct error *err);

#endif
