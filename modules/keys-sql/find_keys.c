/* find_keys.c - "find-keys": which of our keys sign for an address, which open a message
 *
 * Only certificates are looked at; no private key is fetched here.
 */
#include <time.h>

#include "common/keys_answer.h"
#include "common/keys_order.h"
#include "keys-sql/keys_sql.h"
#include "lib/address.h"

#define ROWS_MAX 256 /* more than any statement gives */

struct row {
	struct span der;
	const char *sha256, *source, *public_key;
	const char *purpose; /* to sign: "any", "decrypt", "" (there is no key) */
	bool domain;
	bool meant;          /* it is what its columns say */
};

struct search {
	struct server *s;
	struct database *db;
	struct xml_writer *w;
	struct error *err;
	struct row rows[ROWS_MAX];
	size_t n, found;
	const char *passed; /* the first that may not sign, for people; NULL: none */
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
	r->domain = r->meant = false;
	return r;
}

static const char *source_of(const struct search *q, const struct row *r)
{
	return keys_sql_source(&q->s->arena, r->sha256, r->source);
}

/* ---- the chain that is sent along ---- */

static int add_issuers(struct search *q, struct span name, struct keys_chain *chain)
{
	const char *subject = record_of_name(&q->s->arena, name);
	const struct value values[] = { value_text(subject ? subject : "") };
	int rc = database_ask(q->db, FIND_ISSUERS, values, q->err);

	while (rc >= 0 && (rc = database_step(q->db, q->err)) > 0)
		if (!keys_chain_add(chain, database_copy(q->db, 0, &q->s->arena), name))
			keys_sql_complain(q->s, keys_sql_source(&q->s->arena, database_text(q->db, 1, &q->s->arena),
					  database_text(q->db, 2, &q->s->arena)), "not the issuer's certificate that its columns say, left out of the chain");
	database_end(q->db);
	return rc;
}

/* Intermediate certificates from "private" and "ca". */
static int find_chain(struct search *q, struct span leaf, struct keys_chain *chain)
{
	struct span issuer;
	int rc = 0;

	keys_chain_begin(chain, leaf);
	while (rc == 0 && keys_chain_next(chain, &issuer))
		rc = add_issuers(q, issuer, chain);
	return rc;
}

/* ---- the answer ---- */

static int offer(struct search *q, const struct row *r, size_t which)
{
	struct keys_sql_state *state = q->s->state;
	const struct known_key *k;
	struct keys_chain chain;
	int rc;

	if (q->found >= KEYS_MAX)
		return 0;
	rc = find_chain(q, r->der, &chain);
	if (rc < 0)
		return rc;
	k = known_keys_add(&state->keys, r->der, source_of(q, r), span_of(r->public_key));
	keys_answer_key(q->s, q->w, &(struct keys_own){ k->id, k->source, which, k->certificate, &chain });
	q->found++;
	return 0;
}

/* ---- to sign ---- */

/* Whether it does not sign, which is said: with the answer, for -explain, and where nothing signs in the refusal. */
static bool pass_over(struct search *q, const struct row *r, bool may_sign)
{
	const char *why;

	if (may_sign && strcmp(r->purpose, "any") == 0)
		return false;
	why = keys_answer_passed(q->s, q->w, source_of(q, r),
				 !*r->purpose ? PASSED_NO_KEY : strcmp(r->purpose, "any") != 0 ? PASSED_DECRYPT_ONLY : PASSED_USAGE);
	q->passed = q->passed ? q->passed : why;
	return true;
}

static size_t candidates(struct search *q, struct keys_candidate *out)
{
	size_t n = 0;

	for (size_t i = 0; i < q->n; i++) {
		const struct row *r = &q->rows[i];

		if (!keys_candidate_read(r->der, NULL, &out[n])) {
			keys_sql_complain(q->s, source_of(q, r), "no certificate, though it stands there for one of ours, passed over");
			continue;
		}
		if (pass_over(q, r, out[n].may_sign))
			continue;
		out[n].own = r;
		out[n++].domain = r->domain;
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
		struct row *r = take_row(q, 1);

		r->domain = !span_eqstr(database_column(q->db, 0), lower);
		r->purpose = database_text(q->db, 5, &q->s->arena);
	}
	database_end(q->db);
	if (rc < 0)
		return rc;
	n = candidates(q, list);
	for (size_t i = 0; i < n && rc >= 0; i++)
		rc = offer(q, list[i].own, 0);
	return rc < 0 ? rc : q->found ? 0 : error_set(q->err, E_NOTFOUND, "no key in %s signs for this address%s%s", q->db->name,
									     q->passed ? "; " : "", q->passed ? q->passed : "");
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
			if (identifier_matches(ids[i], q->rows[k].der)) {
				q->rows[k].meant = true;
				rc = offer(q, &q->rows[k], which + i);
			}
	for (size_t k = 0; k < q->n && rc == 0; k++)
		if (!q->rows[k].meant)
			keys_sql_complain(q->s, source_of(q, &q->rows[k]), "not the certificate that its columns say, passed over");
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
