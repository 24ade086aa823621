/* database.c - what is the same for all databases */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "keys-sql/database.h"
#include "lib/log.h"

static const struct database_driver *const drivers[] = { &database_sqlite, &database_postgresql };

int database_open(const struct database_settings *settings, deadline until, struct database **out, struct error *err)
{
	*out = NULL;
	for (size_t i = 0; i < sizeof(drivers) / sizeof(*drivers); i++)
		if (strncmp(settings->where, drivers[i]->prefix, strlen(drivers[i]->prefix)) == 0)
			return drivers[i]->open(settings, until, out, err);
	return error_set(err, E_CONFIG, "keys_sql_database: neither sqlite:/PATH nor postgresql:CONNECTION STRING");
}

void database_close(struct database *db)
{
	if (db)
		db->driver->close(db);
}

static int begin(struct database *db, struct error *err)
{
	db->driver->end(db);
	if (db->problem == PROBLEM_GONE)
		return error_set(err, E_TEMP, "%s: the connection was lost", db->name);
	db->problem = PROBLEM_NONE;
	if (deadline_over(db->until))
		return error_set(err, E_TEMP, "%s: no time left to ask", db->name);
	return 0;
}

int database_ask(struct database *db, enum statement which, const struct value *values, struct error *err)
{
	int rc = begin(db, err);

	return rc < 0 ? rc : db->driver->ask(db, which, values, err);
}

int database_ask_each(struct database *db, enum statement which, const struct value *values, size_t n, struct error *err)
{
	int rc = begin(db, err);

	db->each.which = which;
	db->each.values = values;
	db->each.sent = db->pipelines && n > 1;
	return rc < 0 || !db->each.sent ? rc : db->driver->send_each(db, which, values, n, err);
}

int database_next(struct database *db, struct error *err)
{
	const struct value *values = db->each.values;

	if (db->each.sent)
		return db->driver->next(db, db->each.which, err);
	db->each.values += statements[db->each.which].values;
	return database_ask(db, db->each.which, values, err);
}

int database_step(struct database *db, struct error *err)
{
	return db->driver->step(db, err);
}

struct span database_column(const struct database *db, int i)
{
	return db->driver->column(db, i);
}

char *database_text(const struct database *db, int i, struct arena *arena)
{
	struct span s = database_column(db, i);

	return arena_strndup(arena, s.p, s.n);
}

struct span database_copy(const struct database *db, int i, struct arena *arena)
{
	struct span s = database_column(db, i);

	return span_from(arena_memdup(arena, s.p, s.n), s.n);
}

void database_end(struct database *db)
{
	db->driver->end(db);
}

int database_run(struct database *db, enum statement which, const struct value *values, struct error *err)
{
	int rc = database_ask(db, which, values, err);

	if (rc == 0)
		rc = database_step(db, err);
	database_end(db);
	return rc < 0 ? rc : 0;
}

int database_script(struct database *db, const char *text, struct error *err)
{
	db->driver->end(db);
	db->problem = PROBLEM_NONE;
	return db->driver->script(db, text, err);
}

int database_transaction(struct database *db, enum transaction what, struct error *err)
{
	db->driver->end(db);
	if (db->problem == PROBLEM_GONE)
		return error_set(err, E_TEMP, "%s: the connection was lost", db->name);
	db->problem = PROBLEM_NONE;
	return db->driver->transaction(db, what, err);
}

/* ---- the schema ---- */

int database_version(struct database *db, int *version, struct error *err)
{
	uint64_t n = 0;
	int rc = database_ask(db, ASK_VERSION, NULL, err);

	*version = 0;
	if (rc == 0)
		rc = database_step(db, err);
	if (rc > 0 && !span_number(database_column(db, 0), 1000000, &n))
		rc = error_set(err, E_CONFIG, "%s: schema_versions holds no number", db->name);
	database_end(db);
	*version = (int)n;
	return rc < 0 && db->problem != PROBLEM_NO_SCHEMA ? rc : 0;
}

int database_check_schema(struct database *db, struct error *err)
{
	int version, rc = database_version(db, &version, err);

	if (rc < 0 || version == SCHEMA_VERSION)
		return rc;
	if (version == 0)
		return error_set(err, E_CONFIG, "%s: no schema of Postern; run keys-sql -migrate (keys-sql(8))", db->name);
	if (version < SCHEMA_VERSION)
		return error_set(err, E_CONFIG, "%s: schema version %d is too old, version %d is needed; run keys-sql -migrate (keys-sql(8))", db->name,
				 version, SCHEMA_VERSION);
	return error_set(err, E_CONFIG, "%s: schema version %d is newer than this program knows (%d); install the Postern that it was "
			 "made for", db->name, version, SCHEMA_VERSION);
}

/* ---- alone ---- */

static int attempt(struct database *db, int (*work)(void *ctx, struct error *err), void *ctx, struct error *err)
{
	enum database_problem problem;
	int rc = database_transaction(db, TRANSACTION_BEGIN, err);

	if (rc < 0)
		return rc;
	rc = work(ctx, err);
	if (rc == 0)
		rc = database_transaction(db, TRANSACTION_COMMIT, err);
	if (rc < 0) {
		problem = db->problem;
		database_transaction(db, TRANSACTION_ROLLBACK, NULL);
		db->problem = problem;
	}
	return rc;
}

/* Of different length for each process: else they would meet again. */
static void pause_before(unsigned attempts, deadline until)
{
	unsigned most = 10u << (attempts < 6 ? attempts : 6);
	int left = deadline_left(until), ms = (int)(1 + ((unsigned)getpid() * 2654435761u >> 8) % most);

	poll(NULL, 0, ms < left ? ms : left);
}

int database_alone(struct database *db, int (*work)(void *ctx, struct error *err), void *ctx, struct error *err)
{
	unsigned attempts = 0;
	int rc;

	while ((rc = attempt(db, work, ctx, err)) < 0 && db->problem == PROBLEM_BUSY && !deadline_over(db->until)) {
		log_debug("%s: again, others were faster", db->name);
		pause_before(++attempts, db->until);
	}
	return rc;
}
