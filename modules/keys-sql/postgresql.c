/* postgresql.c - a PostgreSQL server as the database: for several nodes
 *
 * Everything waits here, and no longer than to the deadline.  Who answers too late is not asked again: what would come then
 * belongs to another question.  The same statement for many values goes in one go (libpq's pipeline mode), where libpq can.
 */
#include <poll.h>
#include <unistd.h>

#include "keys-sql/connect.h"
#include "lib/log.h"

#define PARAMETERS_MAX 20

struct postgresql {
	struct database base;
	const struct libpq *pq;
	PGconn *connection;
	bool asked[STATEMENTS], prepared[STATEMENTS];
	bool pipeline;    /* several questions are under way */
	bool preparing;   /* the first answer of the pipeline is not of a question */
	bool busy;        /* results are to come */
	PGresult *result; /* the rows that are here */
	int row, rows;
};

/* SQLSTATEs and classes (PostgreSQL, appendix A): what begins so. */
static const struct {
	const char *state;
	enum database_problem problem;
	int rc;
	const char *text; /* in the place of the server's; NULL: none */
} problems[] = {
	{ "40001", PROBLEM_BUSY, E_TEMP, NULL },      /* serialization_failure */
	{ "40P01", PROBLEM_BUSY, E_TEMP, NULL },      /* deadlock_detected */
	{ "55P03", PROBLEM_BUSY, E_TEMP, NULL },      /* lock_not_available */
	{ "25006", PROBLEM_READ_ONLY, E_TEMP, NULL }, /* read_only_sql_transaction */
	{ "0A000", PROBLEM_READ_ONLY, E_TEMP, "this server is a replica, where nothing can be stored" }, /* nor is anything serializable */
	{ "42501", PROBLEM_READ_ONLY, E_CONFIG, NULL }, /* insufficient_privilege */
	{ "42P01", PROBLEM_NO_SCHEMA, E_CONFIG, NULL }, /* undefined_table */
	{ "42703", PROBLEM_NO_SCHEMA, E_CONFIG, NULL }, /* undefined_column */
	{ "08", PROBLEM_GONE, E_TEMP, NULL },         /* connection exceptions */
	{ "57P", PROBLEM_GONE, E_TEMP, NULL },        /* the server is shut down */
	{ "28", PROBLEM_GONE, E_CONFIG, NULL },       /* invalid authorization */
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
			text = problems[i].text ? problems[i].text : text;
			break;
		}
	return say(db, rc, text ? text : db->pq->PQresultErrorMessage(result), err);
}

/* ---- opening ---- */

static void note(void *ctx, const char *text)
{
	log_debug("%s: %.*s", ((const struct postgresql *)ctx)->base.name, (int)strcspn(text, "\n"), text);
}

static void postgresql_close(struct database *base)
{
	struct postgresql *db = (struct postgresql *)base;

	db->pq->PQclear(db->result);
	db->pq->PQfinish(db->connection); /* NULL is fine */
	free(db->base.name);
	free(db);
}

static int postgresql_open(const struct database_settings *settings, deadline until, struct database **out, struct error *err)
{
	const struct libpq *pq = libpq_load(err);
	struct postgresql *db;
	int rc = E_CONFIG;

	if (!pq)
		return rc;
	db = mem_alloc(sizeof(*db));
	db->base.driver = &database_postgresql;
	db->base.until = until;
	db->base.pipelines = pq->pipelines;
	db->pq = pq;
	rc = connect_to_server(pq, settings, until, &db->connection, &db->base.name, err);
	if (rc == 0 && pq->PQsetnonblocking(db->connection, 1) < 0)
		rc = gone(db, pq->PQerrorMessage(db->connection), err);
	if (rc < 0) {
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

static void forget_rows(struct postgresql *db)
{
	db->pq->PQclear(db->result);
	db->result = NULL;
	db->row = -1;
	db->rows = 0;
}

/* The next result: 1, it is there; 0, the question is answered. */
static int next_result(struct postgresql *db, struct error *err)
{
	int rc = 0;

	forget_rows(db);
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

/* Passes over what was asked and is not wanted any more. */
static void end_pipeline(struct postgresql *db)
{
	bool empty = false;
	int rc = 0;

	while (rc >= 0) {
		db->busy = true;
		rc = next_result(db, NULL);
		if (rc > 0 && db->pq->PQresultStatus(db->result) == PIPELINE_SYNC)
			break;
		if (rc == 0 && empty) /* two in a row: nothing comes any more */
			rc = gone(db, "the connection was lost", NULL);
		empty = rc == 0;
	}
	db->busy = db->pipeline = false;
	if (rc > 0 && !db->pq->PQexitPipelineMode(db->connection))
		gone(db, db->pq->PQerrorMessage(db->connection), NULL);
}

static void postgresql_end(struct database *base)
{
	struct postgresql *db = (struct postgresql *)base;

	if (db->busy && db->base.problem != PROBLEM_GONE)
		take_results(db, NULL);
	if (db->pipeline && db->base.problem != PROBLEM_GONE)
		end_pipeline(db);
	forget_rows(db);
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

static int postgresql_send_each(struct database *base, enum statement which, const struct value *values, size_t n, struct error *err)
{
	struct postgresql *db = (struct postgresql *)base;
	const struct statement_text *s = &statements[which];
	struct parameters p;
	int rc, sent = db->pq->PQenterPipelineMode(db->connection);

	db->pipeline = sent;
	db->preparing = !db->prepared[which];
	if (sent && db->preparing)
		sent = db->pq->PQsendPrepare(db->connection, s->name, s->text, 0, NULL);
	for (; sent && n; n--, values += s->values) {
		fill(&p, which, values);
		sent = db->pq->PQsendQueryPrepared(db->connection, s->name, p.n, p.values, p.lengths, p.formats, 1);
	}
	if (sent)
		sent = db->pq->PQpipelineSync(db->connection);
	db->asked[which] = true;
	rc = send_all(db, sent, err);
	db->busy = false; /* no answer is begun */
	return rc;
}

/* The questions' answers come in their order. */
static int postgresql_next(struct database *base, enum statement which, struct error *err)
{
	struct postgresql *db = (struct postgresql *)base;
	int rc = db->busy ? take_results(db, err) : 0;

	db->busy = true;
	if (rc == 0 && db->preparing) {
		rc = take_results(db, err);
		db->prepared[which] = rc == 0;
		db->preparing = false;
		db->busy = true;
	}
	forget_rows(db);
	return rc;
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
	.send_each = postgresql_send_each,
	.next = postgresql_next,
	.step = postgresql_step,
	.column = postgresql_column,
	.end = postgresql_end,
	.transaction = postgresql_transaction,
	.script = postgresql_script,
};
