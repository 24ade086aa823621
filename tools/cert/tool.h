/* tool.h - postern-cert(8): what its commands share */
#ifndef POSTERN_CERT_TOOL_H
#define POSTERN_CERT_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "check-path/check.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/mem.h"

/* How a command ends; for scripts, so for ever. */
enum {
	EXIT_GOOD = 0,       /* valid, done, found */
	EXIT_BAD = 1,        /* invalid; not found; something was skipped or expires */
	EXIT_UNKNOWN = 2,    /* no verdict */
	EXIT_USAGE = 64,
	EXIT_DATA = 65,      /* a file that holds nothing of the kind */
	EXIT_NO_INPUT = 66,  /* a file that cannot be read */
	EXIT_DENIED = 77,    /* who runs it must not write there */
	EXIT_TEMPORARY = 75,
	EXIT_CONFIGURATION = 78,
};

struct words {
	const char **items;
	size_t n;
};

struct tool {
	const struct command *command;
	const char **arguments;   /* behind the command */
	size_t narguments;
	/* options */
	const char *config_file, *area, *purpose, *at, *address, *passphrase_file, *record;
	struct words anchors, untrusted, crls, ocsp, policies, settings;
	bool json, explicit_policy, inhibit_mapping, inhibit_any, all, conflicts, replace, unchecked, quiet, generic;
	/* made of them */
	struct config *config;
	struct check_policy policy;
	struct arena arena;
	struct site *site;        /* see site.h */
};

struct command {
	const char *name;
	const char *arguments;    /* as in the help */
	size_t least, most;       /* number of arguments */
	bool needs_config;        /* read before run is called */
	int (*run)(struct tool *t); /* an exit code */
	const char *help;
};

/* ---- options.c ---- */

/* E_PERM: wrong usage. */
int options_read(struct tool *t, int argc, char **argv, struct error *err);
void options_help(void);

/* ---- main.c ---- */

extern const struct command commands[];
extern const size_t ncommands;

/* The exit code that goes with an error's code. */
int exit_of(int code);
/* Says it on standard error and returns exit_of(err->code). */
int complain(const struct error *err);

/* Reads -c FILE, or the postern.conf of this machine, into t->config (main() frees it) and t->policy.  E_CONFIG, E_TEMP. */
int read_config(struct tool *t, struct error *err);
/* No -c FILE, and this machine has no postern.conf. */
bool has_no_site(const struct tool *t);

/* ---- the commands ---- */

int run_list(struct tool *t);
int run_show(struct tool *t);
int run_find(struct tool *t);
int run_verify(struct tool *t);
int run_import(struct tool *t);
int run_publish(struct tool *t);
int run_trust(struct tool *t);
int run_distrust(struct tool *t);
int run_forget(struct tool *t);
int run_expiring(struct tool *t);
int run_pseudonym(struct tool *t);
int run_smimea(struct tool *t);

#endif
