/* work.h - one message in the child: its bytes, its output, its cryptography
 *
 * The child holds the message, a scratch file, the output file and the module
 * conversations; it opens nothing else.
 */
#ifndef POSTERN_WORK_H
#define POSTERN_WORK_H

#include "envelope.h"
#include "lib/deadline.h"
#include "lib/profile.h"
#include "mime/entity.h"
#include "module/module.h"
#include "plan.h"
#include "smime/delegate.h"

struct work {
	struct arena *arena;
	const struct config *config;
	struct envelope *envelope;
	struct modules *modules;
	struct span mac_key;       /* empty when smime_engine is 0 */
	struct span profiles;      /* text of profiles_file; read before the child is there */
	int message_fd, scratch_fd, output_fd;
	uint64_t message_size;
	deadline until;
	const char *id;            /* the message's name, for its token: see token.h */
	struct plan *plan;         /* the result */
	bool trial;                /* -explain: nothing is to be stored */
	bool released;             /* -release: what cannot be opened goes on as it is */

	/* set by routes_plan */
	struct span file;          /* the spooled bytes, mapped */
	struct span message;       /* behind an mbox From line */
	struct header header;      /* of message */
	uint64_t output_size;      /* bytes written to output_fd so far */
	struct delegate *delegate; /* made when first needed, ends with the process */
	struct error problem;      /* the first write error on output_fd; checked once at the end */
};

/* Adds bytes to an output: as a range of the message where they lie in it, else by writing them to the output file. */
void work_emit(struct work *w, struct plan_output *o, struct span bytes);

/* The library context for all cryptography of this message, with the delegating provider; from the first call on it is also the
 * default one.  Before certificates are asked for, so that they belong to it. */
int work_crypto(struct work *w, OSSL_LIB_CTX **ctx, struct error *err);

/* The algorithms of that name; E_NOTFOUND: there is none, E_CONFIG: the file is bad. */
int work_profile(const struct work *w, const char *name, struct profile *out, struct error *err);

struct mime_limits work_mime_limits(const struct work *w);

#endif
