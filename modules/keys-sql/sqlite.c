/* sqlite.c - an SQLite file as the database: the embedded default, for one machine
 *
 * Its rollback journal is left on: readers only take a lock, nothing beside the file is needed to read it, and a
 * file that cannot be written serves as well.
 */
#include <errno.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys-sql/database.h"
#include "lib/fs.h"

#define READ_ONLY "?mode=ro"
#define STEPS_BETWEEN_LOOKS 10000 /* of SQLite's machine, until the clock is looked at: under a millisecond */

struct sqlite {
	struct database base;
	sqlite3 *handle;
	sqlite3_stmt *prepared[STATEMENTS];
	sqlite3_stmt *current; /* NULL: nothing is asked */
};

static const struct {
	int code;
	enum database_problem problem;
	int rc;
} problems[] = {
	{ SQLITE_BUSY, PROBLEM_BUSY, E_TEMP },
	{ SQLITE_LOCKED, PROBLEM_BUSY, E_TEMP },
	{ SQLITE_READONLY, PROBLEM_READ_ONLY, E_TEMP },
	{ SQLITE_NOTADB, PROBLEM_OTHER, E_CONFIG },
	{ SQLITE_CORRUPT, PROBLEM_OTHER, E_CONFIG },
	{ SQLITE_CANTOPEN, PROBLEM_OTHER, E_CONFIG },
	{ SQLITE_PERM, PROBLEM_OTHER, E_CONFIG },
};

static int failed(struct sqlite *db, int code, struct error *err)
{
	int rc = E_TEMP;

	db->base.problem = PROBLEM_OTHER;
	for (size_t i = 0; i < sizeof(problems) / sizeof(*problems); i++)
		if (problems[i].code == (code & 0xff)) {
			db->base.problem = problems[i].problem;
			rc = problems[i].rc;
		}
	/* a reader finds what a killed writer has left, and may not clear it away */
	if (sqlite3_extended_errcode(db->handle) == SQLITE_READONLY_ROLLBACK)
		return error_set(err, E_TEMP, "%s: a process was killed while it wrote here; the next one that opens it without %s, such as "
				 "keys-sql -check, sets it right", db->base.name, READ_ONLY);
	/* its words for a progress handler that says stop */
	return error_set(err, rc, "%s: %s", db->base.name, code == SQLITE_INTERRUPT ? "no answer in time" : sqlite3_errmsg(db->handle));
}

static int stop_when_over(void *ctx)
{
	return deadline_over(((const struct sqlite *)ctx)->base.until);
}

/* ---- the file ---- */

/* What root made, the account of postern could not use. */
static int check_folder(const char *path, struct error *err)
{
	char *folder = mem_strdup(path);
	int rc;

	*(strrchr(folder, '/') == folder ? folder + 1 : strrchr(folder, '/')) = '\0';
	rc = fs_check_user(folder, err);
	free(folder);
	return rc;
}

/* Whoever can write to it says who can read our mail. */
static int check_file(const char *path, bool create, struct error *err)
{
	struct stat st;

	if (path[0] != '/')
		return error_set(err, E_CONFIG, "keys_sql_database: sqlite: needs an absolute path");
	if (stat(path, &st) < 0) {
		if (errno == ENOENT && create)
			return check_folder(path, err);
		return error_set(err, errno == ENOENT || errno == EACCES ? E_CONFIG : E_TEMP, "%s: %s%s", path, strerror(errno),
				 errno == ENOENT ? "; keys-sql -migrate makes it" : "");
	}
	if (!S_ISREG(st.st_mode))
		return error_set(err, E_CONFIG, "%s: not a file", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return error_set(err, E_CONFIG, "%s: belongs to uid %u, and this runs as uid %u; run it as that user", path, (unsigned)st.st_uid,
				 (unsigned)geteuid());
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, E_CONFIG, "%s: mode %04o lets others write to it; chmod 600", path, (unsigned)st.st_mode & 07777);
	return 0;
}

/* A file is data here: nothing in it is run. */
static void defend(sqlite3 *handle)
{
	sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
#ifdef SQLITE_DBCONFIG_DEFENSIVE
	sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
#endif
#ifdef SQLITE_DBCONFIG_TRUSTED_SCHEMA
	sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
#endif
#ifdef SQLITE_DBCONFIG_ENABLE_VIEW
	sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
#endif
}

static void sqlite_close(struct database *base)
{
	struct sqlite *db = (struct sqlite *)base;

	for (size_t i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(db->prepared[i]);
	sqlite3_close(db->handle);
	free(db->base.name);
	free(db);
}

static int sqlite_open(const struct database_settings *settings, deadline until, struct database **out, struct error *err)
{
	const char *place = settings->where + strlen(database_sqlite.prefix);
	bool read_only = span_of(place).n > strlen(READ_ONLY) && strcmp(place + strlen(place) - strlen(READ_ONLY), READ_ONLY) == 0;
	struct sqlite *db = mem_alloc(sizeof(*db));
	char *path = mem_strdup(place);
	mode_t mask = umask(077);
	int rc, code;

	if (read_only)
		path[strlen(path) - strlen(READ_ONLY)] = '\0';
	db->base.driver = &database_sqlite;
	db->base.name = path;
	db->base.until = until;
	rc = check_file(path, settings->create && !read_only, err);
	if (rc == 0) {
		code = sqlite3_open_v2(path, &db->handle, (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
				       (settings->create && !read_only ? SQLITE_OPEN_CREATE : 0) | SQLITE_OPEN_NOMUTEX, NULL);
		if (code != SQLITE_OK)
			rc = failed(db, code, err);
	}
	umask(mask);
	if (rc < 0) {
		sqlite_close(&db->base);
		return rc;
	}
	defend(db->handle);
	sqlite3_progress_handler(db->handle, STEPS_BETWEEN_LOOKS, stop_when_over, db);
	*out = &db->base;
	return 0;
}

/* ---- statements ---- */

static void sqlite_end(struct database *base)
{
	struct sqlite *db = (struct sqlite *)base;

	if (db->current) {
		sqlite3_reset(db->current);
		sqlite3_clear_bindings(db->current);
	}
	db->current = NULL;
}

static int prepare(struct sqlite *db, enum statement which, struct error *err)
{
	int code, rc;

	if (db->prepared[which])
		return 0;
	code = sqlite3_prepare_v3(db->handle, statements[which].text, -1, SQLITE_PREPARE_PERSISTENT, &db->prepared[which], NULL);
	if (code == SQLITE_OK)
		return 0;
	rc = failed(db, code, err);
	if (code == SQLITE_ERROR) /* our statements are right: it is the tables that are not */
		db->base.problem = PROBLEM_NO_SCHEMA;
	return rc;
}

/* "$1" is a name for SQLite, which numbers names in the order in which they come. */
static int bind(struct sqlite *db, enum statement which, const struct value *values, struct error *err)
{
	for (unsigned i = 0; i < statements[which].values; i++) {
		char name[16];
		int at, code;

		snprintf(name, sizeof(name), "$%u", i + 1);
		at = sqlite3_bind_parameter_index(db->current, name);
		code = values[i].bytes ? sqlite3_bind_blob64(db->current, at, values[i].p, values[i].n, SQLITE_STATIC) :
					 sqlite3_bind_text64(db->current, at, values[i].p, values[i].n, SQLITE_STATIC, SQLITE_UTF8);
		if (code != SQLITE_OK)
			return failed(db, code, err);
	}
	return 0;
}

static int sqlite_ask(struct database *base, enum statement which, const struct value *values, struct error *err)
{
	struct sqlite *db = (struct sqlite *)base;
	int rc;

	sqlite3_busy_timeout(db->handle, deadline_left(db->base.until));
	rc = prepare(db, which, err);
	if (rc < 0)
		return rc;
	db->current = db->prepared[which];
	rc = bind(db, which, values, err);
	if (rc < 0)
		sqlite_end(base);
	return rc;
}

static int sqlite_step(struct database *base, struct error *err)
{
	struct sqlite *db = (struct sqlite *)base;
	int code = db->current ? sqlite3_step(db->current) : SQLITE_DONE, rc;

	if (code == SQLITE_ROW)
		return 1;
	rc = code == SQLITE_DONE ? 0 : failed(db, code, err);
	sqlite_end(base);
	return rc;
}

static struct span sqlite_column(const struct database *base, int i)
{
	const struct sqlite *db = (const struct sqlite *)base;
	const void *p = sqlite3_column_blob(db->current, i);

	return span_from(p ? p : "", p ? (size_t)sqlite3_column_bytes(db->current, i) : 0);
}

/* ---- more than one statement ---- */

static int sqlite_script(struct database *base, const char *text, struct error *err)
{
	struct sqlite *db = (struct sqlite *)base;
	int code;

	sqlite3_busy_timeout(db->handle, deadline_left(db->base.until));
	code = sqlite3_exec(db->handle, text, NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : failed(db, code, err);
}

/* IMMEDIATE: who waits for the lock at the beginning never loses what it has done. */
static int sqlite_transaction(struct database *base, enum transaction what, struct error *err)
{
	static const char *const texts[] = {
		[TRANSACTION_BEGIN] = "BEGIN IMMEDIATE", [TRANSACTION_COMMIT] = "COMMIT", [TRANSACTION_ROLLBACK] = "ROLLBACK",
		[TRANSACTION_MIGRATE] = "BEGIN EXCLUSIVE",
	};

	return sqlite_script(base, texts[what], err);
}

const struct database_driver database_sqlite = {
	.prefix = "sqlite:",
	.open = sqlite_open,
	.close = sqlite_close,
	.ask = sqlite_ask,
	.step = sqlite_step,
	.column = sqlite_column,
	.end = sqlite_end,
	.transaction = sqlite_transaction,
	.script = sqlite_script,
};
