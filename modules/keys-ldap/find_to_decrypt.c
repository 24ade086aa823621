/* find_to_decrypt.c - "find-keys" for a message that came: the key of one of its recipients, of whom there may be thousands
 *
 * There is no address: the entries with a recipient's certificate are asked for first, many recipients in one search, then all
 * entries that may hold a key.  An entry whose userCertificate is the recipient's is opened before the others.
 */
#include "common/keys_answer.h"
#include "keys-ldap/filter.h"
#include "keys-ldap/find_keys.h"

#define RECIPIENTS_AT_ONCE 50          /* in one search */
#define FILTER_MAX ((size_t)32 * 1024) /* bytes of a filter, until no more is added: names may be long, and servers have limits */

struct recipients {
	struct identifier **ids;
	size_t n;
};

/* Which of the recipients the certificate is; r->n: none. */
static size_t recipient_of(const struct recipients *r, struct span certificate)
{
	size_t i = 0;

	while (i < r->n && !identifier_matches(r->ids[i], certificate))
		i++;
	return i;
}

static const struct opened *try_value(struct search *q, const struct value *v, const char *source, const struct recipients *r)
{
	const struct opened *o = keys_open(q, v, source);

	for (size_t i = 0; i < o->file.n; i++) {
		size_t which = o->file.items[i].certificate ? recipient_of(r, o->file.items[i].der) : r->n;

		if (which < r->n)
			keys_write(q, o, &o->file.items[i], which);
	}
	return o;
}

/* Whose certificates the entry shows beside its keys. */
enum shown { SHOWS_RECIPIENT, SHOWS_NONE, SHOWS_OTHERS };

static enum shown shown_by(const struct query *query, const char *dn, const struct recipients *r)
{
	enum shown shown = SHOWS_NONE;

	for (size_t i = 0; i < query->n; i++) {
		if (keys_is_pkcs12(&query->values[i]) || strcmp(query->values[i].dn, dn) != 0)
			continue;
		if (recipient_of(r, query->values[i].bytes) < r->n)
			return SHOWS_RECIPIENT;
		shown = SHOWS_OTHERS;
	}
	return shown;
}

/* What is locked where only others' certificates are shown is not what is looked for. */
static void try_values(struct search *q, size_t which, const struct query *query, const struct recipients *r)
{
	const char *source = directory_name(q->state->directories[which]);

	for (int pass = 0; pass < 2 && !q->found; pass++)
		for (size_t i = 0; i < query->n; i++) {
			const struct value *v = &query->values[i];
			enum shown shown;

			if (!keys_is_pkcs12(v) || ((shown = shown_by(query, v->dn, r)) == SHOWS_RECIPIENT) != (pass == 0))
				continue;
			if (shown == SHOWS_OTHERS)
				try_value(q, v, source, r);
			else
				keys_note_locked(q, try_value(q, v, source, r));
		}
}

/* The filter for a recipient's entry in the arena; NULL: there is none for such.  A sender's oddity about one recipient is no reason
 * not to look for the others. */
static const char *filter_of(struct search *q, const struct directory_options *o, const struct identifier *id)
{
	const char *template = id->serial ? o->serial_filter : o->key_id_filter, *out = NULL;
	struct buf filter = BUF_INIT;
	int rc = 0;

	if (id->serial)
		rc = filter_serial(template, id, &filter, NULL);
	else
		filter_key_id(template, id, &filter);
	if (rc == 0 && *template)
		out = arena_strdup(&q->s->arena, buf_str(&filter));
	buf_release(&filter);
	return out;
}

/* ---- asking ---- */

/* A filter for some of them, from *from on, in the arena; NULL: for none that is left.  An entry is looked for once, so that no more
 * come than may, unless somebody has two. */
static const char *filter_of_some(struct search *q, const struct directory_options *o, const struct recipients *r, size_t *from)
{
	size_t most = o->size_limit < RECIPIENTS_AT_ONCE ? o->size_limit : RECIPIENTS_AT_ONCE, n = 0;
	struct buf filter = BUF_INIT;
	const char *out = NULL, *one;

	for (; *from < r->n && n < most && filter.len < FILTER_MAX; ++*from) {
		one = filter_of(q, o, r->ids[*from]);
		if (one)
			buf_addf(&filter, *one == '(' ? "%s" : "(%s)", one);
		n += one != NULL;
	}
	if (n)
		out = arena_printf(&q->s->arena, n > 1 ? "(|%s)" : "%s", buf_str(&filter));
	buf_release(&filter);
	return out;
}

static int ask_for_recipients(struct search *q, size_t which, const struct recipients *r)
{
	struct query *queries = arena_array(&q->s->arena, r->n, sizeof(*queries));
	size_t n = 0;
	int rc = 0;

	for (size_t from = 0; from < r->n; ) {
		queries[n].filter = filter_of_some(q, &q->state->options[which], r, &from);
		n += queries[n].filter != NULL;
	}
	if (n)
		rc = keys_ask(q, which, queries, n);
	for (size_t i = 0; i < n && rc == 0; i++)
		try_values(q, which, &queries[i], r);
	return rc;
}

static int find_in_one(struct search *q, size_t which, const struct recipients *r)
{
	struct query query = { .filter = q->state->options[which].own_filter };
	int rc = ask_for_recipients(q, which, r);

	if (rc < 0 || q->found || !*query.filter)
		return rc;
	rc = keys_ask(q, which, &query, 1);
	if (rc == 0)
		try_values(q, which, &query, r);
	return rc;
}

static int find_for(struct search *q, const struct recipients *r)
{
	int rc = 0;

	for (size_t i = 0; i < q->state->n && rc == 0 && !q->found; i++)
		if (q->state->options[i].private)
			rc = find_in_one(q, i, r);
	return rc < 0 ? rc : q->found ? 0 : keys_nothing_found(q, "is one of the message's recipients");
}

int keys_to_decrypt(struct search *q, const struct xml *request)
{
	const struct xml *e = xml_first(request, "recipient");
	struct recipients r = { arena_array(&q->s->arena, KEYS_RECIPIENTS_MAX, sizeof(*r.ids)), 0 };
	int rc = 0;

	if (!e)
		return error_set(q->err, E_PERM, "<find-keys for=\"decrypt\"> wants <recipient>");
	for (; e && rc == 0; e = xml_next(e, "recipient")) {
		if (r.n >= KEYS_RECIPIENTS_MAX)
			rc = error_set(q->err, E_LIMIT, "more than %d recipients", KEYS_RECIPIENTS_MAX);
		else
			rc = identifier_read(&q->s->arena, e, &r.ids[r.n], q->err);
		r.n += rc == 0;
	}
	if (rc == 0)
		rc = find_for(q, &r);
	for (size_t i = 0; i < r.n; i++)
		identifier_release(r.ids[i]);
	return rc;
}
