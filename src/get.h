/* get.h - postern -get: values of the configuration, for the tools that look after a site */
#ifndef POSTERN_GET_H
#define POSTERN_GET_H

#include "lib/config.h"
#include "outcome.h"

/* Prints the value of each name, one a line, see config_text(); nothing at all if one of them is unknown. */
void get_run(const struct config *c, const char *const *names, size_t n, struct outcome *out);

#endif
