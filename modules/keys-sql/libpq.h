/* libpq.h - PostgreSQL's library, loaded when a database is PostgreSQL's
 *
 * It brings two dozen libraries along (TLS, Kerberos, LDAP), and loading them costs every process 5 ms of CPU, a third of what
 * a message costs.  Who keeps keys in SQLite does not pay for that.
 */
#ifndef POSTERN_KEYS_SQL_LIBPQ_H
#define POSTERN_KEYS_SQL_LIBPQ_H

#include <libpq-fe.h>

#include "lib/error.h"

#define LIBPQ_FUNCTIONS(F) \
	F(PQconninfoParse) F(PQconninfoFree) F(PQfreemem) F(PQconnectdbParams) F(PQfinish) F(PQstatus) F(PQerrorMessage) F(PQdb) F(PQhost) \
	F(PQsetNoticeProcessor) F(PQsetnonblocking) F(PQsocket) F(PQflush) F(PQconsumeInput) F(PQisBusy) F(PQgetResult) \
	F(PQsendQuery) F(PQsendQueryParams) F(PQsendPrepare) F(PQsendQueryPrepared) F(PQsetSingleRowMode) \
	F(PQresultStatus) F(PQresultErrorField) F(PQresultErrorMessage) F(PQntuples) F(PQgetvalue) F(PQgetlength) F(PQclear)

/* Each function of libpq by its own name: libpq->PQclear(result). */
struct libpq {
#define LIBPQ_MEMBER(f) __typeof__(&f) f;
	LIBPQ_FUNCTIONS(LIBPQ_MEMBER)
#undef LIBPQ_MEMBER
};

/* NULL and E_CONFIG in *err: it is not installed, or too old.  Loaded once, for the life of the process. */
const struct libpq *libpq_load(struct error *err);

#endif
