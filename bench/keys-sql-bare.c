/* keys-sql-bare.c - the bare library calls that bench/keys-sql compares keys-sql with: open, prepare, ask each address, take the rows
 *
 *   keys-sql-bare DATABASE STATEMENT <ADDRESSES       DATABASE: a file of SQLite, or a connection string with a "="
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

static int ask_postgresql(const char *string)
{
	PGconn *db = PQconnectdb(string);
	char address[400];

	if (PQstatus(db) != CONNECTION_OK)
		return failed(PQerrorMessage(db));
	PQclear(PQprepare(db, "find", statements[FIND_ADDRESS].text, 0, NULL));
	while (next(address, sizeof(address))) {
		const char *const values[] = { address, strchr(address, '@') };
		PGresult *r = PQexecPrepared(db, "find", 2, values, NULL, NULL, 1);

		if (PQresultStatus(r) != PGRES_TUPLES_OK)
			return failed(PQerrorMessage(db));
		for (int i = 0; i < PQntuples(r); i++, rows++)
			bytes += PQgetvalue(r, i, 2) ? (size_t)PQgetlength(r, i, 2) : 0;
		PQclear(r);
	}
	PQfinish(db);
	return 0;
}

int main(int argc, char **argv)
{
	int rc;

	if (argc != 2)
		return failed("which database?");
	if (strcmp(argv[1], "-statement") == 0)
		return puts(statements[FIND_ADDRESS].text) < 0;
	rc = strchr(argv[1], '=') ? ask_postgresql(argv[1]) : ask_sqlite(argv[1]);
	printf("%zu rows, %zu bytes\n", rows, bytes);
	return rc;
}
