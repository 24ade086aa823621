/* config_inside.h - what the parts of reading postern.conf share: config.c reads the file, config_value.c one value by its type,
 * config_foreign.c judges names that are in no table, config_group.c knows groups of options
 */
#ifndef POSTERN_LIB_CONFIG_INSIDE_H
#define POSTERN_LIB_CONFIG_INSIDE_H

#include "lib/config.h"

/* One table and the struct it fills. */
struct config_target {
	const struct config_option *options;
	size_t n;
	void *base;
	unsigned *line_of; /* 0: not set in the file */
};

struct config_reading {
	struct config *config;
	struct config_target targets[2];
	size_t ntargets;
	struct { const char *name, *value; unsigned line; } *foreign;
	size_t nforeign;
	unsigned line;
};

/* ---- config_value.c ---- */

/* Replaces ${config_directory}; any other ${...} stays (destinations have their own). */
char *config_expand(struct config *c, const char *value);

/* Sets one option of the struct at base, as the file says it. */
int config_set(struct config *c, const struct config_option *o, void *base, const char *text, struct error *err);

/* ---- config_foreign.c ---- */

/* An assignment to an option of no table, to be judged when all is read; via_NAME is known at once. */
int config_keep_foreign(struct config_reading *r, const char *name, const char *value, struct error *err);

/* Whether each of them belongs to a configured module, a tool, or a group of the reader's own table. */
int config_judge_foreign(struct config_reading *r, struct error *err);

/* ---- config_group.c ---- */

/* What all names of a module's own table begin with, up to an underscore: "check_path_"; its length. */
size_t config_prefix(const struct config_option *own, size_t n);

/* Whether name is an option of one of the groups that the struct at base names. */
bool config_is_grouped(const struct config_option *own, size_t n, const void *base, const char *name);

#endif
