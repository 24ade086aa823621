/* find_certificates.c - "find-certificates": by address, to encrypt; by identifier, to verify */
#include "common/keys_answer.h"
#include "keys-ldap/filter.h"
#include "keys-ldap/keys_ldap.h"
#include "keys-ldap/values.h"
#include "lib/address.h"

#define ADDRESSES_MAX 10000

static const char *const *attributes_of(struct arena *a, const struct directory_options *o)
{
	const char **list = arena_array(a, o->attributes.n + 1, sizeof(*list));

	memcpy(list, o->attributes.items, o->attributes.n * sizeof(*list));
	return list;
}

static void write_found(struct server *s, struct xml_writer *w, struct directory *d, const char *address, const struct found *found,
			size_t n)
{
	size_t most = keys_answer_room(s, w);

	for (size_t i = 0; i < n && i < most; i++) {
		const struct keys_candidate *c = &found[i].candidate;
		const struct value *v = found[i].value;
		bool bundle = address && !c->domain && c->der.n != v->bytes.n;
		const struct keys_found f = {
			.der = c->der, .address = address, .area = "public", .source = value_source(&s->arena, directory_name(d), v),
			.match = !address ? "id" : c->domain ? "domain" : "address",
			.capabilities = bundle ? value_capabilities(&s->arena, v->bytes, c->der) : NULL,
		};

		keys_answer_certificate(s, w, &f);
	}
}

/* ---- by address ---- */

struct wanted {
	const char *address;
	bool served;
	size_t *query;                /* for each directory: which of its queries, from 1; 0: it is not asked */
};

struct search {
	struct server *s;
	struct keys_ldap *state;
	struct xml_writer *w;
	struct wanted *wanted;
	size_t n, found;
	struct task *tasks;           /* one for each directory */
	struct error failed;          /* of the first directory that did not answer */
	struct error *err;
};

static bool serves_domain(const struct directory_options *o, const char *address)
{
	for (size_t i = 0; i < o->domains.n; i++)
		if (domain_matches(address_domain(address), o->domains.items[i]))
			return true;
	return o->domains.n == 0;
}

static struct absent *absent_from(struct server *s, size_t which)
{
	struct keys_ldap *state = s->state;

	if (!state->absent[which].opened)
		state->absent[which].known = absent_open(s->config->spool, &state->options[which]);
	state->absent[which].opened = true;
	return state->absent[which].known;
}

/* The questions to one directory: for whom nothing was found yet, and who is not known to have nothing. */
static void prepare(struct search *q, size_t which, deadline until)
{
	const struct directory_options *o = &q->state->options[which];
	const char *const *attributes = attributes_of(&q->s->arena, o);
	struct task *t = &q->tasks[which];

	*t = (struct task){ .directory = q->state->directories[which], .until = until };
	t->queries = arena_array(&q->s->arena, q->n, sizeof(*t->queries));
	for (size_t i = 0; i < q->n; i++) {
		struct wanted *a = &q->wanted[i];
		struct buf filter = BUF_INIT;

		if (a->served || !serves_domain(o, a->address) || absent_is(absent_from(q->s, which), a->address))
			continue;
		filter_address(o->filter, a->address, &filter);
		t->queries[t->n++] = (struct query){ .filter = arena_strdup(&q->s->arena, buf_str(&filter)), .attributes = attributes };
		a->query[which] = t->n;
		buf_release(&filter);
	}
}

/* What the directory said about one address. */
static int take_answer(struct search *q, size_t which, struct wanted *a)
{
	struct directory *d = q->tasks[which].directory;
	const struct query *query = &q->tasks[which].queries[a->query[which] - 1];
	struct found *found;
	size_t n = values_for_address(&q->s->arena, query, directory_name(d), a->address, &found);

	if (n == 0 && query->cut)
		return error_set(q->err, E_CONFIG, "%s: not all that was found for %s could be looked at; see the log, size_limit, "
				 "answer_limit and referrals", directory_name(d), a->address);
	if (n == 0)
		absent_set(absent_from(q->s, which), a->address);
	write_found(q->s, q->w, d, a->address, found, n);
	a->served = n > 0;
	q->found += n;
	return 0;
}

static int take_answers(struct search *q, size_t which)
{
	struct task *t = &q->tasks[which];
	int rc = 0;

	if (t->err.code) {
		struct error why = { 0 };

		if (ask_failed(t, &q->state->options[which], &why) < 0 && !q->failed.code)
			q->failed = why;
		return 0;
	}
	for (size_t i = 0; i < q->n && rc == 0; i++)
		if (!q->wanted[i].served && q->wanted[i].query[which])
			rc = take_answer(q, which, &q->wanted[i]);
	return rc;
}

/* A directory that did not answer does no harm to those who were found elsewhere. */
static int judge(struct search *q)
{
	bool missing = false;

	for (size_t i = 0; i < q->n; i++)
		missing = missing || !q->wanted[i].served;
	if (missing && q->failed.code)
		return error_set(q->err, q->failed.code, "%s", q->failed.text);
	return q->found ? 0 : error_set(q->err, E_NOTFOUND, "no certificate in %s", q->state->n > 1 ? "any of the directories" :
					directory_name(q->state->directories[0]));
}

static int read_addresses(struct search *q, const struct xml *address)
{
	size_t cap = 0;

	for (const struct xml *e = address; e; e = xml_next(e, "address"))
		cap++;
	if (cap > ADDRESSES_MAX)
		return error_set(q->err, E_LIMIT, "more than %d addresses", ADDRESSES_MAX);
	q->wanted = arena_array(&q->s->arena, cap, sizeof(*q->wanted));
	for (const struct xml *e = address; e; e = xml_next(e, "address")) {
		struct wanted *a = &q->wanted[q->n++];
		struct buf text = BUF_INIT;

		xml_text(e, &text);
		a->address = arena_strdup(&q->s->arena, buf_str(&text));
		a->query = arena_array(&q->s->arena, q->state->n, sizeof(*a->query));
		buf_release(&text);
		if (!*a->address || strlen(a->address) > ADDRESS_MAX)
			return error_set(q->err, E_PERM, "<address> is empty or too long");
	}
	return 0;
}

static int find_by_address(struct search *q, const struct xml *address)
{
	deadline until = server_answer_until(q->s);
	int rc = read_addresses(q, address);

	q->tasks = arena_array(&q->s->arena, q->state->n, sizeof(*q->tasks));
	if (rc == 0 && q->state->parallel) {
		for (size_t i = 0; i < q->state->n; i++)
			prepare(q, i, until);
		ask_directories(q->tasks, q->state->n, true);
	}
	for (size_t i = 0; i < q->state->n && rc == 0; i++) {
		if (!q->state->parallel) {
			prepare(q, i, until);
			ask_directories(&q->tasks[i], 1, false);
		}
		rc = take_answers(q, i);
	}
	return rc < 0 ? rc : judge(q);
}

/* ---- by identifier ---- */

/* 1: the directory cannot be asked for that. */
static int prepare_identifier(struct server *s, struct task *t, const struct directory_options *o, const struct identifier *id,
			      struct error *err)
{
	const char *template = id->serial ? o->serial_filter : o->key_id_filter;
	struct buf filter = BUF_INIT;
	int rc = 0;

	if (!*template)
		return 1;
	if (id->serial)
		rc = filter_serial(template, id, &filter, err);
	else
		filter_key_id(template, id, &filter);
	t->queries = arena_alloc(&s->arena, sizeof(*t->queries));
	t->queries[0] = (struct query){ .filter = arena_strdup(&s->arena, buf_str(&filter)), .attributes = attributes_of(&s->arena, o) };
	t->n = rc == 0;
	buf_release(&filter);
	return rc;
}

static int find_in_one(struct search *q, size_t which, const struct identifier *id, deadline until)
{
	const struct directory_options *o = &q->state->options[which];
	struct task t = { .directory = q->state->directories[which], .until = until };
	struct found *found;
	size_t n;
	int rc = prepare_identifier(q->s, &t, o, id, q->err);

	if (rc)
		return rc < 0 ? rc : 0;
	ask_directories(&t, 1, false);
	if (t.err.code)
		return ask_failed(&t, o, q->err);
	n = values_for_identifier(&q->s->arena, t.queries, directory_name(t.directory), id, &found);
	if (n == 0 && t.queries->cut)
		return error_set(q->err, E_CONFIG, "%s: not all that was found could be looked at; see the log, size_limit, answer_limit "
				 "and referrals", directory_name(t.directory));
	write_found(q->s, q->w, t.directory, NULL, found, n);
	q->found += n;
	return 0;
}

static int find_by_identifier(struct search *q, const struct xml *by)
{
	deadline until = server_answer_until(q->s);
	struct identifier *id;
	int rc = identifier_read(&q->s->arena, by, &id, q->err);

	for (size_t i = 0; i < q->state->n && rc == 0 && !q->found; i++)
		rc = find_in_one(q, i, id, until);
	identifier_release(id);
	if (rc == 0 && !q->found)
		rc = error_set(q->err, E_NOTFOUND, "no such certificate where it can be asked for");
	return rc;
}

int find_certificates(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	const struct xml *by = xml_first(request, "by"), *address = xml_first(request, "address");
	struct search q = { .s = s, .state = s->state, .w = w, .err = err };
	int rc;

	if (!by == !address)
		return error_set(err, E_PERM, "<find-certificates> wants <address> or one <by>");
	rc = by ? find_by_identifier(&q, by) : find_by_address(&q, address);
	for (size_t i = 0; i < q.state->n; i++)
		directory_forget(q.state->directories[i]);
	return rc;
}
