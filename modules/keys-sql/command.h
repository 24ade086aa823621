/* command.h - what the operator's commands share */
#ifndef POSTERN_KEYS_SQL_COMMAND_H
#define POSTERN_KEYS_SQL_COMMAND_H

#include "keys-sql/keys_sql.h"

enum { EXIT_FINE = 0, EXIT_SOME_FAILED = 1, EXIT_USAGE_ERROR = 64, EXIT_LATER = 75 };

struct command {
	const char *file;      /* -c */
	const char *area;      /* -area; NULL: not given */
	const char *domain;    /* -domain "@partner.example" */
	bool json, clear, decrypt_only;
	char **operands;
	size_t noperands;
	struct config *config;
	struct database *db;
	struct arena arena;
};

/* Each returns an exit status; what is wrong stands on standard error. */
int command_migrate(struct command *c);
int command_import(struct command *c);
int command_list(struct command *c);
int command_check(struct command *c);

/* One line on standard error; returns status. */
int command_failed(int status, const struct error *err);

/* A question of the operator's may take its time. */
#define COMMAND_TIMEOUT_MS ((int64_t)3600 * 1000)

#endif
