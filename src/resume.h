/* resume.h - goes on with a message that waits for the passphrase of a key (postern -resume) */
#ifndef POSTERN_RESUME_H
#define POSTERN_RESUME_H

#include "deliver/hold.h"
#include "lib/buf.h"
#include "lib/config.h"
#include "options.h"
#include "outcome.h"

#define PASSPHRASE_MAX ((size_t)1024)

/* What a resumed message has that others have not. */
struct resumption {
	const struct held *held;
	struct buf passphrase;
	bool wrong;            /* set at the end: it opened nothing */
};

void resume_run(const struct config *c, const struct options *o, struct outcome *out);

/* The message that was read from the hold is the one that this site has held, for all who wait.  E_PERM, with the outcome
 * set, if not; mac_key may be empty. */
int resume_check(struct arena *a, struct span mac_key, const char *digest, const struct held *h, struct outcome *out,
		 struct error *err);

#endif
