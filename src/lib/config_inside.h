/* config_inside.h - what the parts of reading postern.conf share: config.c reads, config_group.c knows groups of options */
#ifndef POSTERN_LIB_CONFIG_INSIDE_H
#define POSTERN_LIB_CONFIG_INSIDE_H

#include "lib/config.h"

/* config.c: sets one option of the struct at base, as the file says it. */
int config_set(struct config *c, const struct config_option *o, void *base, const char *text, struct error *err);

/* ---- config_group.c ---- */

/* What all names of a module's own table begin with, up to an underscore: "check_path_"; its length. */
size_t config_prefix(const struct config_option *own, size_t n);

/* Whether name is an option of one of the groups that the struct at base names. */
bool config_is_grouped(const struct config_option *own, size_t n, const void *base, const char *name);

#endif
