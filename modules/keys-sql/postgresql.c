/* postgresql.c - a PostgreSQL server as the database: for several nodes
 *
 * Connecting waits in libpq, which knows how to go from a dead host to the next one; everything after it waits here, for the
 * deadline.  Who answers too late is not asked again: what would come then belongs to another question.
 */
#include <poll.h>
#include <unistd.h>

#include "keys-sql/database.h"
#include "keys-sql/libpq.h"
#include "lib/log.h"

#define PARAMETERS_MAX 20

struct postgresql {
	struct database base;
	const struct libpq *pq;
	PGconn *connection;
	bool asked[STATEMENTS], prepared[STATEMENTS];
	bool busy;        /* results are to come */
	PGresult *result; /* the rows that are here */
	int row, rows;
	uint64_t timeout;
};

/* SQLSTATEs and classes (PostgreSQL, appendix A): what begins so. */
static const struct {
	const char *state;
	enum database_problem problem;
	int rc;
} problems[] = {
	{ "40001", PROBLEM_BUSY, E_TEMP },      /* serialization_failure */
	{ "40P01", PROBLEM_BUSY, E_TEMP },      /* deadlock_detected */
	{ "55P03", PROBLEM_BUSY, E_TEMP },      /* lock_not_available */
	{ "25006", PROBLEM_READ_ONLY, E_TEMP }, /* read_only_sql_transaction */
	{ "0A000", PROBLEM_READ_ONLY, E_TEMP }, /* a standby has no serializable transactions */
	{ "42501", PROBLEM_READ_ONLY, E_CONFIG }, /* insufficient_privilege */
	{ "42P01", PROBLEM_NO_SCHEMA, E_CONFIG }, /* undefined_table */
	{ "42703", PROBLEM_NO_SCHEMA, E_CONFIG }, /* undefined_column */
	{ "08", PROBLEM_GONE, E_TEMP },         /* connection exceptions */
	{ "57P", PROBLEM_GONE, E_TEMP },        /* the server is shut down */
	{ "28", PROBLEM_GONE, E_CONFIG },       /* invalid authorization */
};

/* libpq has lines, we have one. */
static int say(struct postgresql *db, int rc, const char *why, struct error *err)
{
	struct buf text = BUF_INIT;
	struct span s = span_trim(span_of(why));

	for (size_t i = 0; i < s.n; i++)
		buf_addch(&text, ascii_space(s.p[i]) ? ' ' : s.p[i]);
	error_set(err, rc, "%s: %s", db->base.name, buf_str(&text));
	buf_release(&text);
	return rc;
}

static int gone(struct postgresql *db, const char *why, struct error *err)
{
	db->base.problem = PROBLEM_GONE;
	return say(db, E_TEMP, why, err);
}

static int failed(struct postgresql *db, const PGresult *result, struct error *err)
{
	const char *state = db->pq->PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = db->pq->PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	int rc = E_TEMP;

	if (db->pq->PQstatus(db->connection) == CONNECTION_BAD)
		return gone(db, text ? text : db->pq->PQerrorMessage(db->connection), err);
	db->base.problem = PROBLEM_OTHER;
	for (size_t i = 0; state && i < sizeof(problems) / sizeof(*problems); i++)
		if (strncmp(state, problems[i].state, strlen(problems[i].state)) == 0) {
			db->base.problem = problems[i].problem;
			rc = problems[i].rc;
			break;
		}
	return say(db, rc, text ? text : db->pq->PQresultErrorMessage(result), err);
}

/* ---- connecting ---- */

static void note(void *ctx, const char *text)
{
	log_debug("%s: %.*s", ((const struct postgresql *)ctx)->base.name, (int)strcspn(text, "\n"), text);
}

/* A configuration others may read is no place for a password.  hosts: how many libpq will try. */
static int check_string(const struct libpq *pq, const char *string, unsigned *hosts, struct error *err)
{
	char *problem = NULL;
	PQconninfoOption *all = pq->PQconninfoParse(string, &problem);
	int rc = 0;

	*hosts = 1;
	if (!all)
		rc = error_set(err, E_CONFIG, "keys_sql_database: %s", problem ? problem : "not a connection string");
	for (const PQconninfoOption *o = all; o && o->keyword; o++) {
		if (o->val && *o->val && strcmp(o->keyword, "password") == 0)
			rc = error_set(err, E_CONFIG, "keys_sql_database holds a password; it belongs into keys_sql_password_file");
		if (o->val && strcmp(o->keyword, "host") == 0)
			for (const char *p = o->val; *p; p++)
				*hosts += *p == ',';
	}
	pq->PQfreemem(problem);
	pq->PQconninfoFree(all);
	return rc;
}

/* What stands before dbname are defaults that the connection string may change. */
static PGconn *connect_to(const struct libpq *pq, const char *string, const struct database_settings *settings, unsigned hosts,
			  deadline until)
{
	unsigned seconds = (unsigned)deadline_left(until) / 1000 / hosts;
	char connect_timeout[16], tcp_timeout[16], options[64];
	const char *const keywords[] = { "sslmode", "gssencmode", "application_name", "connect_timeout", "tcp_user_timeout", "options",
					 "dbname", "client_encoding", "password", NULL };
	const char *const values[] = { "verify-full", "disable", "postern keys-sql", connect_timeout, tcp_timeout, options,
				       string, "UTF8", settings->password, NULL };

	snprintf(connect_timeout, sizeof(connect_timeout), "%u", seconds < 2 ? 2 : seconds);
	snprintf(tcp_timeout, sizeof(tcp_timeout), "%llu", (unsigned long long)settings->timeout);
	snprintf(options, sizeof(options), "-c statement_timeout=%llu", (unsigned long long)settings->timeout);
	return pq->PQconnectdbParams(keywords, values, 1);
}

static void postgresql_close(struct database *base)
{
	struct postgresql *db = (struct postgresql *)base;

	db->pq->PQclear(db->result);
	db->pq->PQfinish(db->connection);
	free(db->base.name);
	free(db);
}

static char *name_of(const struct libpq *pq, PGconn *connection)
{
	struct buf name = BUF_INIT;
	const char *host = pq->PQhost(connection), *what = pq->PQdb(connection);

	buf_addf(&name, "postgresql:%s@%s", what ? what : "", host ? host : "");
	return name.data;
}

static int postgresql_open(const struct database_settings *settings, deadline until, struct database **out, struct error *err)
{
	const char *prefix = database_postgresql.prefix, *string = settings->where + strlen(prefix);
	const struct libpq *pq = libpq_load(err);
	struct postgresql *db;
	unsigned hosts;
	int rc = pq ? 0 : E_CONFIG;

	if (strncmp(string, "//", 2) == 0)
		string = settings->where; /* libpq's own form: postgresql://... */
	if (rc == 0)
		rc = check_string(pq, string, &hosts, err);
	if (rc < 0)
		return rc;
	db = mem_alloc(sizeof(*db));
	db->base.driver = &database_postgresql;
	db->base.until = until;
	db->pq = pq;
	db->timeout = settings->timeout;
	db->connection = connect_to(pq, string, settings, hosts, until);
	db->base.name = name_of(pq, db->connection);
	if (pq->PQstatus(db->connection) != CONNECTION_OK || pq->PQsetnonblocking(db->connection, 1) < 0) {
		rc = gone(db, pq->PQerrorMessage(db->connection), err);
		postgresql_close(&db->base);
		return rc;
	}
	pq->PQsetNoticeProcessor(db->connection, note, db);
	*out = &db->base;
	return 0;
}

/* ---- waiting ---- */

static int wait_for(struct postgresql *db, short events, struct error *err)
{
	struct pollfd p = { .fd = db->pq->PQsocket(db->connection), .events = events };
	int n;

	do
		n = poll(&p, 1, deadline_left(db->base.until));
	while (n < 0 && !deadline_over(db->base.until));
	if (n > 0 && (!(p.revents & (POLLIN | POLLHUP | POLLERR)) || db->pq->PQconsumeInput(db->connection)))
		return 0;
	return gone(db, n > 0 ? db->pq->PQerrorMessage(db->connection) : "no answer in time", err);
}

static int send_all(struct postgresql *db, int sent, struct error *err)
{
	int left, rc = sent ? 0 : gone(db, db->pq->PQerrorMessage(db->connection), err);

	db->busy = sent;
	while (rc == 0 && (left = db->pq->PQflush(db->connection)) != 0)
		rc = left < 0 ? gone(db, db->pq->PQerrorMessage(db->connection), err) : wait_for(db, POLLIN | POLLOUT, err);
	return rc;
}

/* The next result: 1, it is there; 0, the question is answered. */
static int next_result(struct postgresql *db, struct error *err)
{
	int rc = 0;

	db->pq->PQclear(db->result);
	db->result = NULL;
	db->row = -1;
	db->rows = 0;
	while (rc == 0 && db->busy && db->pq->PQisBusy(db->connection))
		rc = wait_for(db, POLLIN, err);
	if (rc < 0 || !db->busy)
		return rc;
	db->result = db->pq->PQgetResult(db->connection);
	db->busy = db->result != NULL;
	return db->busy;
}

/* Takes results to the end; the first failure is the one that counts. */
static int take_results(struct postgresql *db, struct error *err)
{
	int rc = 0, more;

	while ((more = next_result(db, rc == 0 ? err : NULL)) > 0) {
		ExecStatusType status = db->pq->PQresultStatus(db->result);

		if (rc == 0 && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_SINGLE_TUPLE)
			rc = failed(db, db->result, err);
	}
	return rc < 0 ? rc : more;
}

static void postgresql_end(struct database *base)
{
	struct postgresql *db = (struct postgresql *)base;

	if (db->busy && db->base.problem != PROBLEM_GONE)
		take_results(db, NULL);
	db->pq->PQclear(db->result);
	db->result = NULL;
	db->row = -1;
	db->rows = 0;
}

/* ---- statements ---- */

struct parameters {
	const char *values[PARAMETERS_MAX];
	int lengths[PARAMETERS_MAX], formats[PARAMETERS_MAX];
	int n;
};

static void fill(struct parameters *p, enum statement which, const struct value *values)
{
	p->n = (int)statements[which].values;
	for (int i = 0; i < p->n; i++) {
		p->values[i] = values[i].p;
		p->lengths[i] = (int)values[i].n;
		p->formats[i] = values[i].bytes; /* text ends with NUL and needs no length */
	}
}

/* The first time a statement goes with its values, in one round trip: most messages ask it once.  The second time it is prepared. */
static int postgresql_ask(struct database *base, enum statement which, const struct value *values, struct error *err)
{
	struct postgresql *db = (struct postgresql *)base;
	const struct statement_text *s = &statements[which];
	struct parameters p;
	int sent, rc = 0;

	fill(&p, which, values);
	if (db->asked[which] && !db->prepared[which]) {
		rc = send_all(db, db->pq->PQsendPrepare(db->connection, s->name, s->text, 0, NULL), err);
		if (rc == 0)
			rc = take_results(db, err);
		db->prepared[which] = rc == 0;
	}
	if (rc < 0)
		return rc;
	sent = db->prepared[which] ?
		db->pq->PQsendQueryPrepared(db->connection, s->name, p.n, p.values, p.lengths, p.formats, 1) :
		db->pq->PQsendQueryParams(db->connection, s->text, p.n, NULL, p.values, p.lengths, p.formats, 1);
	if (sent && s->long_list)
		db->pq->PQsetSingleRowMode(db->connection);
	db->asked[which] = true;
	return send_all(db, sent, err);
}

static int postgresql_step(struct database *base, struct error *err)
{
	struct postgresql *db = (struct postgresql *)base;
	ExecStatusType status;
	int rc;

	if (++db->row < db->rows)
		return 1;
	while ((rc = next_result(db, err)) > 0) {
		status = db->pq->PQresultStatus(db->result);
		if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_SINGLE_TUPLE) {
			rc = failed(db, db->result, err);
			if (db->base.problem != PROBLEM_GONE)
				take_results(db, NULL);
			return rc;
		}
		db->rows = db->pq->PQntuples(db->result);
		db->row = 0;
		if (db->rows > 0)
			return 1;
	}
	return rc;
}

static struct span postgresql_column(const struct database *base, int i)
{
	const struct postgresql *db = (const struct postgresql *)base;

	return span_from(db->pq->PQgetvalue(db->result, db->row, i), (size_t)db->pq->PQgetlength(db->result, db->row, i));
}

/* ---- more than one statement ---- */

static int postgresql_script(struct database *base, const char *text, struct error *err)
{
	struct postgresql *db = (struct postgresql *)base;
	int rc = send_all(db, db->pq->PQsendQuery(db->connection, text), err);

	return rc < 0 ? rc : take_results(db, err);
}

static int postgresql_transaction(struct database *base, enum transaction what, struct error *err)
{
	static const char *const texts[] = {
		[TRANSACTION_BEGIN] = "BEGIN ISOLATION LEVEL SERIALIZABLE",
		[TRANSACTION_COMMIT] = "COMMIT",
		[TRANSACTION_ROLLBACK] = "ROLLBACK",
		/* one at a time: the number is the word "postern" */
		[TRANSACTION_MIGRATE] = "BEGIN; SELECT pg_advisory_xact_lock(31647739056321134)",
	};

	return postgresql_script(base, texts[what], err);
}

const struct database_driver database_postgresql = {
	.prefix = "postgresql:",
	.open = postgresql_open,
	.close = postgresql_close,
	.ask = postgresql_ask,
	.step = postgresql_step,
	.column = postgresql_column,
	.end = postgresql_end,
	.transaction = postgresql_transaction,
	.script = postgresql_script,
};
