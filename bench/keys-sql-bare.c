/* keys-sql-bare.c - the bare library calls that bench/keys-sql compares keys-sql with: open, prepare, ask each address, take the rows
 *
 *   keys-sql-bare DATABASE [-pipeline] <ADDRESSES     DATABASE: a file of SQLite, or a connection string with a "=";
 *                                                     -pipeline: 50 in one go (PostgreSQL), else one by one
 *   keys-sql-bare -statement                          prints the module's own statement
 *
 * No protocol, no XML, no base64, nothing is kept.
 */
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys-sql/statements.h"

#define AT_ONCE 50 /* as in the requests to the module */

static size_t rows, bytes;

static int failed(const char *what)
{
	fprintf(stderr, "keys-sql-bare: %s\n", what);
	return 1;
}

static bool next(char *address, size_t size)
{
	if (!fgets(address, (int)size, stdin))
		return false;
	address[strcspn(address, "\n")] = '\0';
	return true;
}

static int ask_sqlite(const char *file)
{
	char address[400];
	sqlite3_stmt *s;
	sqlite3 *db;

	if (sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v3(db, statements[FIND_ADDRESS].text, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) != SQLITE_OK)
		return failed(sqlite3_errmsg(db));
	while (next(address, sizeof(address))) {
		sqlite3_bind_text(s, 1, address, -1, SQLITE_STATIC);
		sqlite3_bind_text(s, 2, strchr(address, '@'), -1, SQLITE_STATIC);
		for (; sqlite3_step(s) == SQLITE_ROW; rows++)
			bytes += sqlite3_column_blob(s, 2) ? (size_t)sqlite3_column_bytes(s, 2) : 0;
		sqlite3_reset(s);
	}
	sqlite3_finalize(s);
	sqlite3_close(db);
	return 0;
}

static int take(PGconn *db, PGresult *r)
{
	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		return failed(PQerrorMessage(db));
	for (int i = 0; i < PQntuples(r); i++, rows++)
		bytes += PQgetvalue(r, i, 2) ? (size_t)PQgetlength(r, i, 2) : 0;
	PQclear(r);
	return 0;
}

/* One by one. */
static int ask_each(PGconn *db)
{
	char address[400];
	int rc = 0;

	while (rc == 0 && next(address, sizeof(address))) {
		const char *const values[] = { address, strchr(address, '@') };

		rc = take(db, PQexecPrepared(db, "find", 2, values, NULL, NULL, 1));
	}
	return rc;
}

#ifdef LIBPQ_HAS_PIPELINING
/* So many in one go as a request of the module's has. */
static int ask_pipeline(PGconn *db)
{
	char address[400];
	bool more = true;
	int n, rc = 0;

	PQenterPipelineMode(db);
	while (more && rc == 0) {
		for (n = 0; n < AT_ONCE && (more = next(address, sizeof(address))); n++) {
			const char *const values[] = { address, strchr(address, '@') };

			PQsendQueryPrepared(db, "find", 2, values, NULL, NULL, 1);
		}
		PQpipelineSync(db);
		for (; n && rc == 0; n--) {
			rc = take(db, PQgetResult(db));
			PQclear(PQgetResult(db)); /* NULL: the answer's end */
		}
		PQclear(PQgetResult(db)); /* the pipeline's */
	}
	return rc;
}
#endif

static int ask_postgresql(const char *string, bool pipeline)
{
	PGconn *db = PQconnectdb(string);
	int rc;

	if (PQstatus(db) != CONNECTION_OK)
		return failed(PQerrorMessage(db));
	PQclear(PQprepare(db, "find", statements[FIND_ADDRESS].text, 0, NULL));
#ifdef LIBPQ_HAS_PIPELINING
	rc = pipeline ? ask_pipeline(db) : ask_each(db);
#else
	rc = pipeline ? failed("this libpq has no pipeline mode") : ask_each(db);
#endif
	PQfinish(db);
	return rc;
}

int main(int argc, char **argv)
{
	int rc;

	if (argc != 2 && argc != 3)
		return failed("which database?");
	if (strcmp(argv[1], "-statement") == 0)
		return puts(statements[FIND_ADDRESS].text) < 0;
	rc = strchr(argv[1], '=') ? ask_postgresql(argv[1], argc == 3) : ask_sqlite(argv[1]);
	printf("%zu rows, %zu bytes\n", rows, bytes);
	return rc;
}
