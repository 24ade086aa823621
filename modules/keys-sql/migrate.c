/* migrate.c - "keys-sql -migrate": the files of etc/sql, in order, each in one transaction
 *
 * A file NNN-NAME.sql brings version NNN - 1 to NNN and writes that into schema_versions itself, so that a DBA can run it by hand.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>

#include "keys-sql/command.h"
#include "lib/fs.h"

#define SCRIPT_MAX ((size_t)1 << 20)

/* The file of this version; NULL: there is none. */
static char *find_file(struct command *c, int version, struct error *err)
{
	DIR *folder = opendir(keys_sql.migrations);
	char prefix[16], *found = NULL;
	struct dirent *entry;
	int rc;

	if (!folder) {
		error_set(err, E_CONFIG, "%s: %s", keys_sql.migrations, strerror(errno));
		return NULL;
	}
	snprintf(prefix, sizeof(prefix), "%03d-", version);
	while ((rc = fs_next(folder, keys_sql.migrations, &entry, err)) == 0 && entry) {
		size_t n = strlen(entry->d_name);

		if (!found && strncmp(entry->d_name, prefix, strlen(prefix)) == 0 && n > 4 && strcmp(entry->d_name + n - 4, ".sql") == 0)
			found = arena_printf(&c->arena, "%s/%s", keys_sql.migrations, entry->d_name);
	}
	closedir(folder);
	if (rc < 0)
		return NULL;
	if (!found)
		error_set(err, E_CONFIG, "%s: no file %s*.sql in it", keys_sql.migrations, prefix);
	return found;
}

static int run_file(struct command *c, const char *file, int version, struct error *err)
{
	struct buf text = BUF_INIT;
	int after, rc = fs_read(file, SCRIPT_MAX, &text, err);

	if (rc == 0)
		rc = database_script(c->db, buf_str(&text), err);
	if (rc == 0)
		rc = database_version(c->db, &after, err);
	if (rc == 0 && after != version)
		rc = error_set(err, E_CONFIG, "it left schema version %d", after);
	if (rc < 0)
		error_prefix(err, "%s", file);
	buf_release(&text);
	return rc;
}

/* The version is asked inside the transaction: somebody else may be migrating. */
static int step(struct command *c, int *version, struct error *err)
{
	char *file = NULL;
	int rc = database_transaction(c->db, TRANSACTION_MIGRATE, err);

	if (rc < 0)
		return rc;
	rc = database_version(c->db, version, err);
	if (rc == 0 && *version == 0 && c->db->problem == PROBLEM_NO_SCHEMA) { /* which ended PostgreSQL's transaction */
		rc = database_transaction(c->db, TRANSACTION_ROLLBACK, err);
		if (rc == 0)
			rc = database_transaction(c->db, TRANSACTION_MIGRATE, err);
	}
	if (rc == 0 && *version < SCHEMA_VERSION) {
		file = find_file(c, *version + 1, err);
		rc = file ? run_file(c, file, *version + 1, err) : err->code;
	}
	if (rc == 0)
		rc = database_transaction(c->db, TRANSACTION_COMMIT, err);
	else
		database_transaction(c->db, TRANSACTION_ROLLBACK, NULL);
	if (rc == 0 && file)
		printf("%s: applied\n", file);
	return rc;
}

/* Two that begin with an empty database both see none. */
static bool somebody_else_did(struct command *c, int version)
{
	struct error err;
	int now;

	return database_version(c->db, &now, &err) == 0 && now > version;
}

int command_migrate(struct command *c)
{
	struct error err = { 0 };
	int version = 0, before, rc;

	do {
		before = version;
		rc = step(c, &version, &err);
		if (rc < 0 && somebody_else_did(c, version)) {
			before = -1;
			rc = 0;
		}
	} while (rc == 0 && (version < SCHEMA_VERSION || version != before));
	if (rc == 0)
		rc = database_check_schema(c->db, &err);
	if (rc < 0)
		return command_failed(EXIT_LATER, &err);
	printf("%s: schema version %d\n", c->db->name, version);
	return EXIT_FINE;
}
