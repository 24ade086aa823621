/* job.h - one message from start to end: receive, start modules, plan in the child, hand over or explain */
#ifndef POSTERN_JOB_H
#define POSTERN_JOB_H

#include "lib/config.h"
#include "options.h"
#include "outcome.h"

void job_run(const struct config *c, const struct options *o, struct outcome *out);

#endif
