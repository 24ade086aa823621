/* directory.c - one directory: a connection, opened when it is first needed, to the first of its replicas that answers */
#include "keys-ldap/directory.h"

#include <stdlib.h>
#include <string.h>

#include "keys-ldap/failure.h"

#define VALUES_MAX 512        /* of one answer */
#define AWAY_MS 30000         /* so long nobody knocks again */
#define NOTES_MAX ((size_t)8192)
#define AT_ONCE ((size_t)50)  /* questions without an answer; slapd hangs up at a hundred */

struct directory {
	const struct directory_options *o;
	struct connection connection;
	size_t replica;           /* the one in use, or to be tried first */
	bool no_base;             /* the last answer was that there is no base */
	struct error failed;      /* code 0: not known to be away */
	deadline failed_until;
	struct arena arena;       /* of answers */
	struct buf notes;
};

struct directory *directory_new(const struct directory_options *o)
{
	struct directory *d = mem_alloc(sizeof(*d));

	d->o = o;
	return d;
}

void directory_free(struct directory *d)
{
	if (!d)
		return;
	connection_close(&d->connection);
	directory_forget(d);
	buf_release(&d->notes);
	free(d);
}

const char *directory_name(const struct directory *d)
{
	return d->connection.uri ? d->connection.uri : *d->o->name ? d->o->name : d->o->uri.items[d->replica];
}

const char *directory_notes(const struct directory *d)
{
	return buf_str(&d->notes);
}

void directory_forget(struct directory *d)
{
	arena_release(&d->arena);
	buf_clear(&d->notes);
}

/* What is true of many answers is said once. */
static void note(struct directory *d, const char *who, const char *text)
{
	struct buf line = BUF_INIT;

	buf_addf(&line, "%s%s%s\n", who, *who ? ": " : "", text);
	if (d->notes.len < NOTES_MAX && !strstr(buf_str(&d->notes), buf_str(&line)))
		buf_add(&d->notes, line.data, line.len);
	buf_release(&line);
}

/* ---- an entry ---- */

struct collecting {
	struct query *query;
	size_t cap, bytes;
};

static const char *without_options(struct arena *a, const char *attribute)
{
	return arena_strndup(a, attribute, strcspn(attribute, ";"));
}

static bool take_value(struct directory *d, struct collecting *c, const char *dn, const char *attribute, const struct berval *v)
{
	struct query *q = c->query;

	if (q->n >= VALUES_MAX || v->bv_len > d->o->answer_limit - c->bytes) {
		if (!q->cut)
			note(d, directory_name(d), arena_printf(&d->arena, "one answer has more than answer_limit or %d values; the rest is "
						"passed over", VALUES_MAX));
		q->cut = true;
		return false;
	}
	if (q->n == c->cap) {
		struct value *more = arena_array(&d->arena, c->cap = c->cap ? 2 * c->cap : 8, sizeof(*more));

		if (q->n)
			memcpy(more, q->values, q->n * sizeof(*more));
		q->values = more;
	}
	c->bytes += v->bv_len;
	q->values[q->n++] = (struct value){ dn, attribute, span_from(arena_memdup(&d->arena, v->bv_val, v->bv_len), v->bv_len) };
	return true;
}

static void take_entry(struct directory *d, struct collecting *c, LDAPMessage *entry)
{
	LDAP *ld = d->connection.ld;
	BerElement *at = NULL;
	char *name = ldap_get_dn(ld, entry);
	const char *dn = arena_strdup(&d->arena, name ? name : "");

	ldap_memfree(name);
	for (name = ldap_first_attribute(ld, entry, &at); name; name = ldap_next_attribute(ld, entry, at)) {
		struct berval **values = ldap_get_values_len(ld, entry, name);
		const char *attribute = without_options(&d->arena, name);

		for (size_t i = 0; values && values[i] && take_value(d, c, dn, attribute, values[i]); i++)
			;
		ldap_value_free_len(values);
		ldap_memfree(name);
	}
	ber_free(at, 0);
}

/* ---- an answer ---- */

static int end_of_answer(struct directory *d, struct query *q, LDAPMessage *done, struct error *err)
{
	struct connection *c = &d->connection;
	char *diagnostic = NULL;
	int result = LDAP_DECODING_ERROR;

	if (ldap_parse_result(c->ld, done, &result, NULL, &diagnostic, NULL, NULL, 0) != LDAP_SUCCESS)
		result = LDAP_DECODING_ERROR;
	d->no_base = result == LDAP_NO_SUCH_OBJECT;
	q->answered = result == LDAP_SUCCESS || result == LDAP_SIZELIMIT_EXCEEDED;
	q->cut = q->cut || result == LDAP_SIZELIMIT_EXCEEDED;
	if (!q->answered)
		failure_set(c, STEP_SEARCH, result, diagnostic ? diagnostic : "", err);
	ldap_memfree(diagnostic);
	return q->answered ? 0 : err->code;
}

/* The URL is the server's: struct error makes a line of it. */
static void note_reference(struct directory *d, char *const *urls)
{
	bool follow = d->o->referrals == REFERRALS_FOLLOW;
	struct error text;

	error_set(&text, E_TEMP, "%s: part of the directory is at %s, which %s", directory_name(d), urls && *urls ? *urls : "another server",
		  follow ? "cannot be asked" : "is not asked (referrals = no)");
	note(d, "", text.text);
}

/* A referral to another server for a part of what was searched (RFC 4511 section 4.5.3). */
static void take_reference(struct directory *d, struct query *q, LDAPMessage *message)
{
	char **urls = NULL;

	if (d->o->referrals == REFERRALS_IGNORE)
		return;
	if (ldap_parse_reference(d->connection.ld, message, &urls, NULL, 0) != LDAP_SUCCESS)
		urls = NULL;
	if (!connection_follows(&d->connection, urls)) {
		if (!q->cut)
			note_reference(d, urls);
		q->cut = true;
	}
	ldap_memvfree((void **)urls);
}

/* One message of it; 0: it was the last, 1: there are more. */
static int take_message(struct directory *d, struct collecting *c, LDAPMessage *message, struct error *err)
{
	switch (ldap_msgtype(message)) {
	case LDAP_RES_SEARCH_ENTRY:
		take_entry(d, c, message);
		return 1;
	case LDAP_RES_SEARCH_REFERENCE:
		take_reference(d, c->query, message);
		return 1;
	case LDAP_RES_SEARCH_RESULT:
		return end_of_answer(d, c->query, message, err);
	default:
		return 1;
	}
}

static int no_message(struct directory *d, int type, struct error *err)
{
	struct connection *c = &d->connection;
	int result = LDAP_OTHER;

	if (type == 0)
		return error_set(err, E_TEMP, "%s: search: no answer in time (search_timeout)", c->uri);
	ldap_get_option(c->ld, LDAP_OPT_RESULT_CODE, &result);
	failure_set(c, STEP_SEARCH, result, NULL, err);
	return err->code = E_TEMP; /* the connection broke, or nonsense came */
}

static int collect(struct directory *d, int id, struct query *q, deadline until, struct error *err)
{
	struct collecting c = { q, 0, 0 };
	LDAPMessage *message = NULL;
	int rc = 1;

	q->n = 0;
	q->cut = false;
	until = d->connection.until = deadline_earlier(until, deadline_in((int64_t)d->o->search_timeout));
	while (rc == 1) {
		int ms = deadline_left(until), type;
		struct timeval left = { ms / 1000, ms % 1000 * 1000 };

		type = ldap_result(d->connection.ld, id, LDAP_MSG_ONE, &left, &message);
		rc = type > 0 ? take_message(d, &c, message, err) : no_message(d, type, err);
		ldap_msgfree(message);
		message = NULL;
		if (rc == 1 && deadline_over(until))
			rc = no_message(d, 0, err);
	}
	return rc;
}

/* ---- questions ---- */

static int send_query(struct directory *d, const struct query *q, int *id, struct error *err)
{
	static const int scopes[] = { LDAP_SCOPE_BASE, LDAP_SCOPE_ONELEVEL, LDAP_SCOPE_SUBTREE };
	struct timeval limit = { (time_t)(d->o->search_timeout + 999) / 1000, 0 };
	char *attributes[ATTRIBUTES_MAX + 4] = { NULL };
	int result;

	for (size_t i = 0; i < ATTRIBUTES_MAX + 3 && q->attributes[i]; i++)
		attributes[i] = (char *)(uintptr_t)q->attributes[i];
	result = ldap_search_ext(d->connection.ld, d->o->base, scopes[d->o->scope], q->filter, attributes, 0, NULL, NULL, &limit,
				 (int)d->o->size_limit, id);
	return result == LDAP_SUCCESS ? 0 : failure_set(&d->connection, STEP_SEARCH, result, NULL, err);
}

/* All of these that have no answer yet: first sent, then collected. */
static int run_some(struct directory *d, struct query *queries, size_t n, deadline until, struct error *err)
{
	int ids[AT_ONCE] = { 0 };
	int rc = 0;

	d->connection.until = deadline_earlier(until, deadline_in((int64_t)d->o->search_timeout));
	for (size_t i = 0; i < n && rc == 0; i++)
		if (!queries[i].answered)
			rc = send_query(d, &queries[i], &ids[i], err);
	for (size_t i = 0; i < n && rc == 0; i++)
		if (!queries[i].answered)
			rc = collect(d, ids[i], &queries[i], until, err);
	return rc;
}

static int run(struct directory *d, struct query *queries, size_t n, deadline until, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i += AT_ONCE)
		rc = run_some(d, queries + i, n - i < AT_ONCE ? n - i : AT_ONCE, until, err);
	if (rc < 0) /* what is still to come would only be in the way */
		connection_close(&d->connection);
	return rc;
}

/* ---- replicas ---- */

static int remember(struct directory *d, const struct error *err)
{
	d->failed = *err;
	d->failed_until = deadline_in(AWAY_MS);
	return err->code;
}

static bool is_known_to_be_away(struct directory *d, struct error *err)
{
	if (d->failed.code == E_TEMP && deadline_over(d->failed_until))
		d->failed.code = 0;
	if (d->failed.code)
		*err = d->failed;
	return d->failed.code;
}

static void next_replica(struct directory *d)
{
	d->replica = (d->replica + 1) % d->o->uri.n;
}

/* A replica without the base may be empty, because it is new: that is a mistake of the configuration only if all say so. */
static bool another_may_know(const struct directory *d, int rc)
{
	return rc == E_TEMP || (rc == E_CONFIG && d->no_base);
}

int directory_ask(struct directory *d, struct query *queries, size_t n, deadline until, struct error *err)
{
	int rc = E_TEMP;

	if (is_known_to_be_away(d, err))
		return err->code;
	if (d->connection.ld) {
		rc = run(d, queries, n, until, err);
		if (!another_may_know(d, rc))
			return rc;
		next_replica(d); /* or this one again, by a new connection */
	}
	for (size_t i = 0; i < d->o->uri.n && another_may_know(d, rc); i++) {
		if (i) {
			note(d, "", err->text); /* it names the replica */
			next_replica(d);
		}
		if (deadline_over(until))
			return i ? err->code : error_set(err, E_TEMP, "%s: no time is left to ask", directory_name(d));
		rc = connection_open(&d->connection, d->o, d->o->uri.items[d->replica], until, err);
		if (rc == E_CONFIG)
			return remember(d, err);
		if (rc == 0)
			rc = run(d, queries, n, until, err);
	}
	if (rc == 0)
		err->code = 0; /* replicas before this one may have left theirs */
	return rc == E_TEMP ? remember(d, err) : rc;
}
