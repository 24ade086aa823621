/* libpq.h - PostgreSQL's library, loaded when a database is PostgreSQL's
 *
 * It brings two dozen libraries along (TLS, Kerberos, LDAP), and loading them costs every process 5 ms of CPU, a third of what
 * a message costs.  Who keeps keys in SQLite does not pay for that.
 */
#ifndef POSTERN_KEYS_SQL_LIBPQ_H
#define POSTERN_KEYS_SQL_LIBPQ_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "lib/error.h"

#define LIBPQ_FUNCTIONS(F) \
	F(PQconninfoParse) F(PQconninfoFree) F(PQfreemem) F(PQconnectStartParams) F(PQconnectPoll) F(PQfinish) F(PQstatus) F(PQerrorMessage) F(PQdb) F(PQhost) \
	F(PQsetNoticeProcessor) F(PQsetnonblocking) F(PQsocket) F(PQflush) F(PQconsumeInput) F(PQisBusy) F(PQgetResult) \
	F(PQsendQuery) F(PQsendQueryParams) F(PQsendPrepare) F(PQsendQueryPrepared) F(PQsetSingleRowMode) \
	F(PQresultStatus) F(PQresultErrorField) F(PQresultErrorMessage) F(PQntuples) F(PQgetvalue) F(PQgetlength) F(PQclear)

/* Since libpq 14. */
#ifdef LIBPQ_HAS_PIPELINING
#define PIPELINE_SYNC PGRES_PIPELINE_SYNC
#else
#define PIPELINE_SYNC 10
int PQenterPipelineMode(PGconn *connection);
int PQexitPipelineMode(PGconn *connection);
int PQpipelineSync(PGconn *connection);
#endif
#define LIBPQ_PIPELINE_FUNCTIONS(F) F(PQenterPipelineMode) F(PQexitPipelineMode) F(PQpipelineSync)

/* Each function of libpq by its own name: libpq->PQclear(result). */
struct libpq {
	bool pipelines; /* it has the functions for them; else these are NULL */
#define LIBPQ_MEMBER(f) __typeof__(&f) f;
	LIBPQ_FUNCTIONS(LIBPQ_MEMBER)
	LIBPQ_PIPELINE_FUNCTIONS(LIBPQ_MEMBER)
#undef LIBPQ_MEMBER
};

/* NULL and E_CONFIG in *err: it is not installed, or too old.  Loaded once, for the life of the process. */
const struct libpq *libpq_load(struct error *err);

#endif
