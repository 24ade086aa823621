/* handover.h - the last stage, and the only one with effects: destinations, journal, reports, holds */
#ifndef POSTERN_HANDOVER_H
#define POSTERN_HANDOVER_H

#include "envelope.h"
#include "lib/buf.h"
#include "lib/deadline.h"
#include "plan.h"

struct handover {
	struct arena *arena;
	const struct config *config;
	const struct envelope *envelope;
	const struct plan *plan;
	const char *identity;       /* of the message, for the journal */
	const char *digest;         /* of the message */
	int message_fd, output_fd;
	deadline until;
	struct span mac_key;
	struct resumption *resumed; /* -resume; NULL: not that */
};

/* Carries the plan out and says how the run ends. */
void handover_run(struct handover *h, struct outcome *out);

/* What handover_run would say if every destination accepted: -explain's exit code. */
void handover_foresee(const struct config *c, const struct envelope *e, const struct plan *p, struct outcome *out);

#endif
