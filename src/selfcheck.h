/* selfcheck.h - postern -check: configuration, keys, areas, modules, destinations, one line each */
#ifndef POSTERN_SELFCHECK_H
#define POSTERN_SELFCHECK_H

#include "lib/config.h"

/* Prints "ok", "warning" and "error" lines; returns the number of errors. */
int selfcheck_run(const struct config *c);

#endif
