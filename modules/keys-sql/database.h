/* database.h - a database, as far as this module needs one: statements with values, rows, transactions
 *
 * Two drivers stand behind it (sqlite.c, postgresql.c).  A statement is one of statements.h, prepared when it is first
 * asked; a value never becomes part of a statement's text.  One statement is asked at a time.
 */
#ifndef POSTERN_KEYS_SQL_DATABASE_H
#define POSTERN_KEYS_SQL_DATABASE_H

#include <stdbool.h>

#include "keys-sql/statements.h"
#include "lib/buf.h"
#include "lib/deadline.h"
#include "lib/error.h"
#include "lib/mem.h"

struct value {
	const void *p;
	size_t n;
	bool bytes; /* else text: UTF-8 without NUL */
};

static inline struct value value_text(const char *s) { return (struct value){ s, strlen(s), false }; }
static inline struct value value_bytes(struct span s) { return (struct value){ s.p ? s.p : "", s.n, true }; }

/* What was wrong, where the caller has an answer to it. */
enum database_problem {
	PROBLEM_NONE,
	PROBLEM_BUSY,      /* others were faster: the whole transaction may be tried again */
	PROBLEM_READ_ONLY, /* nothing can be stored here */
	PROBLEM_NO_SCHEMA, /* a table is not there */
	PROBLEM_GONE,      /* the connection is of no more use */
	PROBLEM_OTHER,
};

enum transaction { TRANSACTION_BEGIN, TRANSACTION_COMMIT, TRANSACTION_ROLLBACK, TRANSACTION_MIGRATE };

struct database_settings {
	const char *where;    /* "sqlite:/PATH[?mode=ro]", "postgresql:CONNECTION STRING" or "postgresql://URI" */
	const char *password; /* NULL: none */
	uint64_t timeout;     /* milliseconds that the server may take for one statement; 0: as long as it takes */
	bool create;          /* the operator wants a new one, if there is none */
};

struct database;

struct database_driver {
	const char *prefix;
	int (*open)(const struct database_settings *settings, deadline until, struct database **out, struct error *err);
	void (*close)(struct database *db);
	int (*ask)(struct database *db, enum statement which, const struct value *values, struct error *err);
	/* NULL where a database's pipelines is always false */
	int (*send_each)(struct database *db, enum statement which, const struct value *values, size_t n, struct error *err);
	int (*next)(struct database *db, enum statement which, struct error *err);
	int (*step)(struct database *db, struct error *err);
	struct span (*column)(const struct database *db, int i);
	void (*end)(struct database *db);
	int (*transaction)(struct database *db, enum transaction what, struct error *err);
	int (*script)(struct database *db, const char *text, struct error *err);
};

extern const struct database_driver database_sqlite, database_postgresql;

/* What drivers have in front of their own. */
struct database {
	const struct database_driver *driver;
	char *name;                    /* for people; no password in it */
	enum database_problem problem; /* of the last error */
	deadline until;                /* for what is asked next */
	bool pipelines;                /* it can be asked many questions in one go */
	struct {
		enum statement which;
		const struct value *values; /* of those that are not asked yet */
		bool sent;                  /* all are */
	} each;
};

/* E_TEMP: it is not there now; E_CONFIG: what the settings say cannot be.  *out is closed with database_close.  The schema is
 * not looked at. */
int database_open(const struct database_settings *settings, deadline until, struct database **out, struct error *err);
void database_close(struct database *db); /* NULL is fine */

/* 0, or E_CONFIG with what to do: the schema is none, too old or too new. */
int database_check_schema(struct database *db, struct error *err);
/* *version 0: there is no schema. */
int database_version(struct database *db, int *version, struct error *err);

/* Asks; the rows are taken with database_step: 1, a row; 0, no more; E_TEMP.  values must stay until the end; as many as the
 * statement has.  database_end forgets the rows that were not taken; it is harmless at any time. */
int database_ask(struct database *db, enum statement which, const struct value *values, struct error *err);
int database_step(struct database *db, struct error *err);
struct span database_column(const struct database *db, int i); /* until the next step */
char *database_text(const struct database *db, int i, struct arena *arena);
struct span database_copy(const struct database *db, int i, struct arena *arena);
void database_end(struct database *db);

/* Asks the same statement n times, in one go where the database can; values: those of the first, then of the second, ...  They must
 * stay until the end.  database_next goes to the rows of the first question, then of the second, and so on: as often as n. */
int database_ask_each(struct database *db, enum statement which, const struct value *values, size_t n, struct error *err);
int database_next(struct database *db, struct error *err);

/* One that has no rows. */
int database_run(struct database *db, enum statement which, const struct value *values, struct error *err);

/* Several statements that hold a text of the operator's: a migration. */
int database_script(struct database *db, const char *text, struct error *err);
int database_transaction(struct database *db, enum transaction what, struct error *err);

/* Runs work in a transaction that sees, and leaves, the database as if it were alone; again and again while others are
 * faster, until the deadline.  work's code if it fails: then nothing was changed. */
int database_alone(struct database *db, int (*work)(void *ctx, struct error *err), void *ctx, struct error *err);

#endif
