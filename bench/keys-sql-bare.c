/* keys-sql-bare.c - the bare library calls that bench/keys-sql compares keys-sql with: open, prepare, ask each address, take the rows
 *
 *   keys-sql-bare DATABASE [-pipeline] <FRAMES     DATABASE: a file of SQLite, or a connection string with a "=";
 *                                                  -pipeline: up to 50 of a request in one go (PostgreSQL), else one by one
 *   keys-sql-bare -statement                       prints the module's own statement
 *
 * No XML, no base64, nothing is kept.
 */
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdbool.h>

#include "bare.h"
#include "keys-sql/statements.h"

#define AT_ONCE 50 /* as in the requests to the module */

static char *request;
static size_t rows, bytes; /* of the answer to it */

static int failed(const char *what)
{
	fprintf(stderr, "keys-sql-bare: %s\n", what);
	return 1;
}

static bool next_request(void)
{
	if (bytes)
		bare_answer(bytes, rows);
	else if (request)
		bare_answer(0, 1); /* the first, which asks for nothing */
	rows = bytes = 0;
	return (request = bare_next());
}

static char *next(void)
{
	return bare_item(&request, "<address>");
}

static int ask_sqlite(const char *file)
{
	sqlite3_stmt *s;
	sqlite3 *db;

	if (sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v3(db, statements[FIND_ADDRESS].text, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) != SQLITE_OK)
		return failed(sqlite3_errmsg(db));
	while (next_request())
		for (char *address; (address = next());) {
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
	int rc = 0;

	for (char *address; rc == 0 && (address = next());) {
		const char *const values[] = { address, strchr(address, '@') };

		rc = take(db, PQexecPrepared(db, "find", 2, values, NULL, NULL, 1));
	}
	return rc;
}

#ifdef LIBPQ_HAS_PIPELINING
/* So many in one go as a request of the module's has. */
static int ask_pipeline(PGconn *db)
{
	char *address = next();
	int n, rc = 0;

	while (address && rc == 0) {
		for (n = 0; n < AT_ONCE && address; n++, address = next()) {
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
#else
static int ask_pipeline(PGconn *db)
{
	(void)db;
	return failed("this libpq has no pipeline mode");
}

static int PQenterPipelineMode(PGconn *db)
{
	(void)db;
	return 0;
}
#endif

static int ask_postgresql(const char *string, bool pipeline)
{
	PGconn *db = PQconnectdb(string);
	int rc = 0;

	if (PQstatus(db) != CONNECTION_OK)
		return failed(PQerrorMessage(db));
	PQclear(PQprepare(db, "find", statements[FIND_ADDRESS].text, 0, NULL));
	if (pipeline)
		PQenterPipelineMode(db);
	while (rc == 0 && next_request())
		rc = pipeline ? ask_pipeline(db) : ask_each(db);
	PQfinish(db);
	return rc;
}

int main(int argc, char **argv)
{
	if (argc != 2 && argc != 3)
		return failed("which database?");
	if (strcmp(argv[1], "-statement") == 0)
		return puts(statements[FIND_ADDRESS].text) < 0;
	return strchr(argv[1], '=') ? ask_postgresql(argv[1], argc == 3) : ask_sqlite(argv[1]);
}
