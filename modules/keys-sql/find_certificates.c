/* find_certificates.c - "find-certificates": of partners and our own people, by address; of anybody, by identifier */
#include "common/certificate.h"
#include "common/keys_answer.h"
#include "common/keys_order.h"
#include "keys-sql/keys_sql.h"
#include "lib/address.h"
#include "lib/base64.h"

#define QUESTIONS_AT_ONCE 100

struct question {
	const char *address, *lower;
};

struct found {
	struct keys_found answer;
	struct found *next;
};

static bool is_listed(const struct found *list, struct span der)
{
	for (; list; list = list->next)
		if (span_eq(list->answer.der, der))
			return true;
	return false;
}

/* Adds what is in another area, too, only once: the rows come with the best first. */
static void append(struct server *s, struct found ***end, const struct found *list, const struct keys_found *f)
{
	if (is_listed(list, f->der))
		return;
	**end = arena_alloc(&s->arena, sizeof(***end));
	(**end)->answer = *f;
	*end = &(**end)->next;
}

/* What the owner of an address can read; NULL: it is not known. */
static const char *capabilities_of(struct server *s, const char *address, struct span der)
{
	struct buf text = BUF_INIT;
	const char *out;

	if (der.n > CAPABILITIES_MAX)
		keys_sql_complain(s, "capabilities", arena_printf(&s->arena, "the row of %s is too long, passed over", address));
	if (der.n == 0 || der.n > CAPABILITIES_MAX)
		return NULL;
	base64_encode(&text, der.p, der.n, 0, "");
	out = arena_strdup(&s->arena, buf_str(&text));
	buf_release(&text);
	return out;
}

/* Returns how many. */
static size_t write_found(struct server *s, struct xml_writer *w, const struct found *list)
{
	size_t most = keys_answer_room(s, w), count = 0;

	for (; list && count < most; list = list->next)
		if (keys_answer_certificate(s, w, &list->answer))
			count++;
	return count;
}

/* ---- by address ---- */

static void read_by_address(struct server *s, const struct database *db, const char *address, const char *lower, struct keys_found *f)
{
	bool own = span_eqstr(database_column(db, 0), lower);

	*f = (struct keys_found){
		.der = database_copy(db, 2, &s->arena), .address = address, .area = database_text(db, 1, &s->arena),
		.source = keys_sql_source(&s->arena, database_text(db, 3, &s->arena), database_text(db, 4, &s->arena)),
		.match = own ? "address" : "domain", .capabilities = own ? capabilities_of(s, lower, database_column(db, 5)) : NULL,
	};
}

/* Cheap, and true of nearly all: a certificate with the address in its bytes. */
static bool looks_right(struct span der, const char *address)
{
	return certificate_is_readable(der) && (!address || memmem(der.p, der.n, address, strlen(address)));
}

/* What somebody wrote into the tables by hand may be anything: what is passed over here is looked for in the next source.  A row for a
 * domain may name any certificate.  lower: the address, in its one form. */
static bool is_right(struct server *s, const struct keys_found *f, const char *lower, bool own)
{
	struct keys_candidate c;

	if (looks_right(f->der, own ? lower : NULL) || keys_candidate_read(f->der, own ? f->address : NULL, &c))
		return true;
	keys_sql_complain(s, f->source, arena_printf(&s->arena, "%s %s, passed over", keys_candidate_read(f->der, NULL, &c) ?
			  "a certificate that does not name" : "no certificate, though it stands there for", f->address));
	return false;
}

static int take_rows(struct server *s, struct database *db, const struct question *q, struct xml_writer *w, size_t *count,
		     struct error *err)
{
	struct found *list = NULL, **end = &list;
	struct keys_found f;
	int rc = database_next(db, err);

	while (rc >= 0 && (rc = database_step(db, err)) > 0) {
		read_by_address(s, db, q->address, q->lower, &f);
		if (is_right(s, &f, q->lower, strcmp(f.match, "address") == 0))
			append(s, &end, list, &f);
	}
	if (rc == 0)
		*count += write_found(s, w, list);
	return rc;
}

/* All of these in one go: a message to many costs as many answers, but one round trip. */
static int find_some(struct server *s, struct database *db, const struct question *questions, size_t n, struct xml_writer *w,
		     size_t *count, struct error *err)
{
	struct value values[2 * QUESTIONS_AT_ONCE];
	int rc;

	for (size_t i = 0; i < n; i++) {
		values[2 * i] = value_text(questions[i].lower);
		values[2 * i + 1] = value_text(arena_printf(&s->arena, "@%s", address_domain(questions[i].lower)));
	}
	rc = database_ask_each(db, FIND_ADDRESS, values, n, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = take_rows(s, db, &questions[i], w, count, err);
	database_end(db);
	return rc;
}

static int read_question(struct server *s, const struct xml *address, struct question *out, struct error *err)
{
	struct buf text = BUF_INIT;

	xml_text(address, &text);
	out->address = arena_strdup(&s->arena, buf_str(&text));
	out->lower = record_address(&s->arena, out->address);
	buf_release(&text);
	if (!*out->address || strlen(out->address) > ADDRESS_MAX)
		return error_set(err, E_PERM, "<address> is empty or too long");
	return 0;
}

static int find_by_address(struct server *s, struct database *db, const struct xml *address, struct xml_writer *w, size_t *count,
			   struct error *err)
{
	struct question questions[QUESTIONS_AT_ONCE];
	size_t n = 0;
	int rc = 0;

	while (address && rc == 0) {
		rc = read_question(s, address, &questions[n++], err);
		address = xml_next(address, "address");
		if (rc == 0 && (n == QUESTIONS_AT_ONCE || !address)) {
			rc = find_some(s, db, questions, n, w, count, err);
			n = 0;
		}
	}
	return rc;
}

/* ---- by identifier ---- */

static int find_by_identifier(struct server *s, struct database *db, const struct xml *by, struct xml_writer *w, size_t *count,
			      struct error *err)
{
	struct value values[IDENTIFIERS_AT_ONCE];
	struct found *list = NULL, **end = &list;
	struct identifier *id;
	int rc = identifier_read(&s->arena, by, &id, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < IDENTIFIERS_AT_ONCE; i++)
		values[i] = value_text(i ? values[0].p : record_of_identifier(&s->arena, id));
	rc = database_ask(db, FIND_IDENTIFIERS, values, err);
	while (rc >= 0 && (rc = database_step(db, err)) > 0) {
		const struct keys_found f = {
			.der = database_copy(db, 1, &s->arena), .area = database_text(db, 0, &s->arena), .match = "id",
			.source = keys_sql_source(&s->arena, database_text(db, 2, &s->arena), database_text(db, 3, &s->arena)),
		};

		if (identifier_matches(id, f.der))
			append(s, &end, list, &f);
		else
			keys_sql_complain(s, f.source, "not the certificate that its columns say, passed over");
	}
	database_end(db);
	if (rc == 0)
		*count += write_found(s, w, list);
	identifier_release(id);
	return rc;
}

int find_certificates(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	const struct xml *by = xml_first(request, "by"), *address = xml_first(request, "address");
	struct database *db;
	size_t count = 0;
	int rc;

	if (!by == !address)
		return error_set(err, E_PERM, "<find-certificates> wants <address> or one <by>");
	rc = keys_sql_database(s, &db, err);
	if (rc == 0 && by)
		rc = find_by_identifier(s, db, by, w, &count, err);
	if (rc == 0 && address)
		rc = find_by_address(s, db, address, w, &count, err);
	if (rc == 0 && count == 0)
		rc = error_set(err, E_NOTFOUND, "no such certificate in %s", db->name);
	return rc;
}
