/* connect.c - a connection to one of PostgreSQL's hosts, within the deadline
 *
 * libpq goes from host to host by itself, but knows no limit below two seconds for an address, nor one for all of them or for
 * looking a name up.  So each address is a connection of its own here, begun and waited for until its part of the time is over.
 */
#include "keys-sql/connect.h"

#include <netdb.h>
#include <poll.h>

#include "lib/resolve.h"

#define HOSTS_MAX 64
#define PORT "5432"

/* What the connection string says; NULL: nothing. */
struct target {
	const char *hosts, *addresses, *ports, *session, *database;
};

struct connecting {
	const struct libpq *pq;
	const struct database_settings *settings;
	const char *string;
	struct target target;
	struct arena arena;
	struct buf why; /* each host's reason */
	PGconn *connection;
};

/* One of the hosts; NULL: libpq's own default. */
struct host {
	const char *name, *address, *port;
};

/* ---- the connection string ---- */

static const struct {
	const char *keyword;
	size_t at;
} wanted[] = {
	{ "host", offsetof(struct target, hosts) },
	{ "hostaddr", offsetof(struct target, addresses) },
	{ "port", offsetof(struct target, ports) },
	{ "target_session_attrs", offsetof(struct target, session) },
	{ "dbname", offsetof(struct target, database) },
};

/* A configuration others may read is no place for a password. */
static int read_string(struct connecting *c, struct error *err)
{
	char *problem = NULL;
	PQconninfoOption *all = c->pq->PQconninfoParse(c->string, &problem);
	int rc = 0;

	if (!all)
		rc = error_set(err, E_CONFIG, "keys_sql_database: %s", problem ? problem : "not a connection string");
	for (const PQconninfoOption *o = all; o && o->keyword; o++) {
		if (o->val && *o->val && strcmp(o->keyword, "password") == 0)
			rc = error_set(err, E_CONFIG, "keys_sql_database holds a password; it belongs into keys_sql_password_file");
		for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
			if (o->val && *o->val && strcmp(o->keyword, wanted[i].keyword) == 0)
				*(const char **)((char *)&c->target + wanted[i].at) = arena_strdup(&c->arena, o->val);
	}
	c->pq->PQfreemem(problem);
	c->pq->PQconninfoFree(all);
	return rc;
}

static size_t count(const char *list)
{
	size_t n = list != NULL;

	for (; list && *list; list++)
		n += *list == ',';
	return n;
}

/* The nth of a list; NULL: empty, or there is none. */
static const char *nth(struct connecting *c, const char *list, size_t n)
{
	size_t length;

	for (; list && n; n--)
		list = strchr(list, ',') ? strchr(list, ',') + 1 : NULL;
	length = list ? strcspn(list, ",") : 0;
	return length ? arena_strndup(&c->arena, list, length) : NULL;
}

/* Lists that do not fit together are left as they are: libpq says what is wrong with them. */
static size_t list_hosts(struct connecting *c, struct host hosts[HOSTS_MAX])
{
	const struct target *t = &c->target;
	size_t n = t->addresses ? count(t->addresses) : count(t->hosts);

	hosts[0] = (struct host){ NULL, NULL, NULL };
	if (n == 0 || n > HOSTS_MAX || (t->hosts && count(t->hosts) != n) || (count(t->ports) > 1 && count(t->ports) != n))
		return 1;
	for (size_t i = 0; i < n; i++)
		hosts[i] = (struct host){ nth(c, t->hosts, i), nth(c, t->addresses, i), nth(c, t->ports, count(t->ports) > 1 ? i : 0) };
	return n;
}

/* ---- one address ---- */

static void note_why(struct connecting *c, const struct host *h, const char *why)
{
	struct span s = span_trim(span_of(why));

	buf_addstr(&c->why, c->why.len ? "; " : "");
	if (h)
		buf_addf(&c->why, "%s: ", h->name ? h->name : h->address ? h->address : "the default host");
	for (size_t i = 0; i < s.n; i++) /* libpq has lines, we have one */
		buf_addch(&c->why, ascii_space(s.p[i]) ? ' ' : s.p[i]);
}

/* What stands before dbname are defaults that the connection string may change; what stands behind it counts. */
static PGconn *begin(const struct connecting *c, const struct host *h, const char *session)
{
	char tcp_timeout[24], options[64];
	const char *keywords[14] = { "sslmode", "gssencmode", "application_name", "tcp_user_timeout", "options", "dbname", "client_encoding" };
	const char *values[14] = { "verify-full", "disable", "postern keys-sql", tcp_timeout, options, c->string, "UTF8" };
	const struct { const char *keyword, *value; } more[] = {
		{ "password", c->settings->password }, { "host", h->name }, { "hostaddr", h->address }, { "port", h->port },
		{ "target_session_attrs", session },
	};
	size_t n = 7;

	for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++)
		if (more[i].value) {
			keywords[n] = more[i].keyword;
			values[n++] = more[i].value;
		}
	snprintf(tcp_timeout, sizeof(tcp_timeout), "%llu", (unsigned long long)c->settings->timeout);
	snprintf(options, sizeof(options), "-c statement_timeout=%llu", (unsigned long long)c->settings->timeout);
	return c->pq->PQconnectStartParams(keywords, values, 1);
}

/* Waits for what libpq waits for; its socket may be another one each time. */
static PostgresPollingStatusType poll_until(const struct connecting *c, PGconn *connection, deadline until)
{
	PostgresPollingStatusType status = c->pq->PQstatus(connection) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;

	while (status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING) {
		struct pollfd p = { .fd = c->pq->PQsocket(connection), .events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT };
		int n = poll(&p, 1, deadline_left(until));

		if (n == 0 || (n < 0 && deadline_over(until)))
			break;
		if (n > 0)
			status = c->pq->PQconnectPoll(connection);
	}
	return status;
}

static bool try_address(struct connecting *c, const struct host *h, const char *session, deadline until)
{
	PGconn *connection = begin(c, h, session);
	PostgresPollingStatusType status = poll_until(c, connection, until);

	if (status == PGRES_POLLING_OK) {
		c->connection = connection;
		return true;
	}
	if (status == PGRES_POLLING_FAILED)
		note_why(c, NULL, c->pq->PQerrorMessage(connection));
	else
		note_why(c, h, "no answer in time");
	c->pq->PQfinish(connection);
	return false;
}

/* ---- all hosts ---- */

static deadline part_of(deadline until, size_t parts)
{
	return deadline_in(deadline_left(until) / (int64_t)parts);
}

/* A host's name may have several addresses; what is none, or a number, has not. */
static bool try_host(struct connecting *c, const struct host *h, const char *session, deadline until)
{
	struct endpoint endpoints[ENDPOINTS_MAX];
	struct error err = { 0 };
	char number[NI_MAXHOST];
	size_t n;

	if (!h->name || h->address || h->name[0] == '/' || h->name[0] == '@')
		return try_address(c, h, session, until);
	if (resolve(h->name, PORT, until, endpoints, &n, &err) < 0) {
		note_why(c, h, err.text);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		struct host one = { h->name, number, h->port };

		if (getnameinfo((const struct sockaddr *)&endpoints[i].address, endpoints[i].length, number, sizeof(number), NULL, 0,
				NI_NUMERICHOST) == 0 && try_address(c, &one, session, part_of(until, n - i)))
			return true;
	}
	return false;
}

/* "prefer-standby" is two rounds: any standby, then anything (libpq does the same over all hosts). */
static bool try_all(struct connecting *c, deadline until)
{
	bool twice = c->target.session && strcmp(c->target.session, "prefer-standby") == 0;
	struct host hosts[HOSTS_MAX];
	size_t n = list_hosts(c, hosts), attempts = n * (twice ? 2 : 1);

	for (size_t i = 0; i < attempts; i++)
		if (try_host(c, &hosts[i % n], !twice ? NULL : i < n ? "standby" : "any", part_of(until, attempts - i)))
			return true;
	return false;
}

static char *name_of(const struct connecting *c)
{
	const char *host = c->connection ? c->pq->PQhost(c->connection) : c->target.hosts ? c->target.hosts : c->target.addresses;
	const char *what = c->connection ? c->pq->PQdb(c->connection) : c->target.database;
	struct buf name = BUF_INIT;

	buf_addf(&name, "postgresql:%s@%s", what ? what : "", host ? host : "");
	return name.data;
}

int connect_to_server(const struct libpq *pq, const struct database_settings *settings, deadline until, PGconn **out, char **name,
		      struct error *err)
{
	const char *string = settings->where + strlen(database_postgresql.prefix);
	struct connecting c = { .pq = pq, .settings = settings, .string = string };
	int rc;

	*out = NULL;
	*name = NULL;
	if (strncmp(string, "//", 2) == 0)
		c.string = settings->where; /* libpq's own form: postgresql://... */
	rc = read_string(&c, err);
	if (rc == 0) {
		try_all(&c, until);
		*out = c.connection;
		*name = name_of(&c);
		if (!c.connection)
			rc = error_set(err, E_TEMP, "%s: %s", *name, buf_str(&c.why));
	}
	buf_release(&c.why);
	arena_release(&c.arena);
	return rc;
}
