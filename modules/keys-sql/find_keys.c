/* find_keys.c - "find-keys": which of our keys sign for an address, which open a message
 *
 * Only certificates are looked at; no private key is fetched here.
 */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <time.h>

#include "common/certificate.h"
#include "common/keys_answer.h"
#include "common/keys_order.h"
#include "common/marks.h"
#include "keys-sql/keys_sql.h"
#include "lib/address.h"

#define ROWS_MAX 256 /* more than any statement gives */

struct row {
	struct span der;
	const char *sha256, *source, *public_key;
	bool domain;
};

struct search {
	struct server *s;
	struct database *db;
	struct xml_writer *w;
	struct error *err;
	struct row rows[ROWS_MAX];
	size_t n, found;
};

/* Columns der, sha256, source, public_key from this one on. */
static struct row *take_row(struct search *q, int column)
{
	struct arena *arena = &q->s->arena;
	struct row *r = &q->rows[q->n++];

	r->der = database_copy(q->db, column, arena);
	r->sha256 = database_text(q->db, column + 1, arena);
	r->source = database_text(q->db, column + 2, arena);
	r->public_key = database_text(q->db, column + 3, arena);
	r->domain = false;
	return r;
}

/* ---- the chain that is sent along ---- */

static bool is_self_issued(const struct certificate_parts *c)
{
	return span_eq(c->issuer, c->subject);
}

static bool in_chain(const struct span *chain, size_t n, struct span der)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq(chain[i], der))
			return true;
	return false;
}

/* The column is a hash: the names themselves decide (RFC 5280 section 7.1). */
static bool same_name(struct span a, struct span b)
{
	const unsigned char *p = (const unsigned char *)a.p, *q = (const unsigned char *)b.p;
	X509_NAME *one = d2i_X509_NAME(NULL, &p, (long)a.n), *other = d2i_X509_NAME(NULL, &q, (long)b.n);
	bool same = one && other && X509_NAME_cmp(one, other) == 0;

	X509_NAME_free(one);
	X509_NAME_free(other);
	ERR_clear_error();
	return same;
}

static int add_issuers(struct search *q, struct span name, struct span *chain, size_t *n)
{
	const char *subject = record_of_name(&q->s->arena, name);
	const struct value values[] = { value_text(subject ? subject : "") };
	struct certificate_parts above;
	int rc = database_ask(q->db, FIND_ISSUERS, values, q->err);

	while (rc >= 0 && (rc = database_step(q->db, q->err)) > 0) {
		struct span der = database_column(q->db, 0);

		if (*n < KEYS_CHAIN_MAX && certificate_parts(der, &above) && !is_self_issued(&above) &&
		    same_name(above.subject, name) && !in_chain(chain, *n, der) && certificate_is_readable(der))
			chain[(*n)++] = database_copy(q->db, 0, &q->s->arena);
	}
	database_end(q->db);
	return rc;
}

/* Intermediate certificates from "private" and "ca", upwards; the root is the reader's own business. */
static int find_chain(struct search *q, struct span leaf, struct span *chain, size_t *n)
{
	struct certificate_parts parts;
	int rc = 0;

	*n = 0;
	for (size_t next = 0; certificate_parts(leaf, &parts) && !is_self_issued(&parts) && rc == 0; leaf = chain[next++]) {
		rc = add_issuers(q, parts.issuer, chain, n);
		if (next >= *n)
			break;
	}
	return rc;
}

/* ---- the answer ---- */

static const struct known_key *remember(struct server *s, const struct row *r)
{
	struct keys_sql_state *state = s->state;
	struct known_key *k;

	for (k = state->keys; k; k = k->next)
		if (span_eq(k->der, r->der))
			return k;
	k = arena_alloc(&state->arena, sizeof(*k));
	snprintf(k->id, sizeof(k->id), "k%u-%08x", ++state->nkeys, (unsigned)(mark_hash(r->der.p, r->der.n) & 0xffffffffu));
	k->public_key = arena_strdup(&state->arena, r->public_key);
	k->source = keys_sql_source(&state->arena, r->sha256, r->source);
	k->der = span_from(arena_memdup(&state->arena, r->der.p, r->der.n), r->der.n);
	k->next = state->keys;
	state->keys = k;
	return k;
}

static int offer(struct search *q, const struct row *r, size_t which)
{
	struct span chain[KEYS_CHAIN_MAX];
	const struct known_key *k;
	size_t n;
	int rc;

	if (q->found >= KEYS_MAX)
		return 0;
	rc = find_chain(q, r->der, chain, &n);
	if (rc < 0)
		return rc;
	k = remember(q->s, r);
	keys_answer_key(q->s, q->w, &(struct keys_own){ k->id, k->source, which, k->der, chain, n });
	q->found++;
	return 0;
}

/* ---- to sign ---- */

static size_t candidates(struct search *q, struct keys_candidate *out)
{
	size_t n = 0;

	for (size_t i = 0; i < q->n; i++) {
		if (!keys_candidate_read(q->rows[i].der, NULL, &out[n]))
			continue;
		out[n].own = &q->rows[i];
		out[n++].domain = q->rows[i].domain;
	}
	return keys_order(out, n, KEYS_TO_SIGN, time(NULL));
}

static int find_to_sign(struct search *q, const struct xml *request)
{
	const char *address = xml_attr_or(request, "address", ""), *lower = record_address(&q->s->arena, address);
	const struct value values[] = { value_text(lower), value_text(arena_printf(&q->s->arena, "@%s", address_domain(lower))) };
	struct keys_candidate *list = arena_array(&q->s->arena, ROWS_MAX, sizeof(*list));
	size_t n;
	int rc;

	if (!*address || strlen(address) > ADDRESS_MAX)
		return error_set(q->err, E_PERM, "<find-keys for=\"sign\"> wants an address");
	rc = database_ask(q->db, FIND_SIGNERS, values, q->err);
	while (rc >= 0 && q->n < ROWS_MAX && (rc = database_step(q->db, q->err)) > 0) {
		bool own = span_eqstr(database_column(q->db, 0), lower);

		take_row(q, 1)->domain = !own;
	}
	database_end(q->db);
	if (rc < 0)
		return rc;
	n = candidates(q, list);
	for (size_t i = 0; i < n && rc >= 0; i++)
		rc = offer(q, list[i].own, 0);
	return rc < 0 ? rc : q->found ? 0 : error_set(q->err, E_NOTFOUND, "no key in %s signs for this address", q->db->name);
}

/* ---- to decrypt ---- */

/* Some of the recipients in one question. */
static int ask_some(struct search *q, struct identifier *const *ids, size_t n)
{
	struct value values[IDENTIFIERS_AT_ONCE];
	int rc;

	q->n = 0;
	for (size_t i = 0; i < IDENTIFIERS_AT_ONCE; i++)
		values[i] = i < n ? value_text(record_of_identifier(&q->s->arena, ids[i])) : values[0];
	rc = database_ask(q->db, FIND_RECIPIENTS, values, q->err);
	while (rc >= 0 && q->n < ROWS_MAX && (rc = database_step(q->db, q->err)) > 0)
		take_row(q, 0);
	database_end(q->db);
	return rc < 0 ? rc : 0;
}

static int offer_some(struct search *q, struct identifier *const *ids, size_t n, size_t which)
{
	int rc = ask_some(q, ids, n);

	for (size_t i = 0; i < n && rc == 0; i++)
		for (size_t k = 0; k < q->n && rc == 0; k++)
			if (identifier_matches(ids[i], q->rows[k].der))
				rc = offer(q, &q->rows[k], which + i);
	return rc;
}

static int find_to_decrypt(struct search *q, const struct xml *request)
{
	const struct xml *recipient = xml_first(request, "recipient");
	struct identifier *ids[IDENTIFIERS_AT_ONCE];
	size_t which = 0, n = 0;
	int rc = 0;

	if (!recipient)
		return error_set(q->err, E_PERM, "<find-keys for=\"decrypt\"> wants <recipient>");
	while (recipient && rc == 0) {
		if (which + n >= KEYS_RECIPIENTS_MAX)
			rc = error_set(q->err, E_LIMIT, "more than %d recipients", KEYS_RECIPIENTS_MAX);
		else
			rc = identifier_read(&q->s->arena, recipient, &ids[n], q->err);
		n += rc == 0;
		recipient = xml_next(recipient, "recipient");
		if (rc == 0 && (n == IDENTIFIERS_AT_ONCE || !recipient))
			rc = offer_some(q, ids, n, which);
		if (rc < 0 || n == IDENTIFIERS_AT_ONCE || !recipient) {
			for (size_t i = 0; i < n; i++)
				identifier_release(ids[i]);
			which += n;
			n = 0;
		}
	}
	return rc < 0 ? rc : q->found ? 0 : error_set(q->err, E_NOTFOUND, "no key in %s is one of the message's recipients", q->db->name);
}

int find_keys(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	struct search q = { .s = s, .w = w, .err = err };
	const char *purpose = xml_attr_or(request, "for", "");
	int rc = keys_sql_database(s, &q.db, err);

	if (rc < 0)
		return rc;
	if (strcmp(purpose, "sign") == 0)
		return find_to_sign(&q, request);
	if (strcmp(purpose, "decrypt") == 0)
		return find_to_decrypt(&q, request);
	return error_set(err, E_PERM, "<find-keys for=\"%s\">: sign or decrypt", purpose);
}
