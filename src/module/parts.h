/* parts.h - what the files of this folder share, and nobody else */
#ifndef POSTERN_MODULE_PARTS_H
#define POSTERN_MODULE_PARTS_H

#include "module/module.h"

/* Reads what is left of a module's log, ends a line without an end, closes the pipe. */
void module_log_end(struct module *p);

/* Whether word stands in a blank-separated list. */
bool module_lists(const char *list, const char *word);

#endif
