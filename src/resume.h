/* resume.h - goes on with a message that waits for the passphrase of a key (postern -resume) */
#ifndef POSTERN_RESUME_H
#define POSTERN_RESUME_H

#include "lib/config.h"
#include "options.h"
#include "outcome.h"

void resume_run(const struct config *c, const struct options *o, struct outcome *out);

#endif
