/* list_keys.c - "list-keys": all our own keys, piece by piece, for who looks after their life
 *
 * Where the next piece begins is a fingerprint: rows that come or go meanwhile move nothing.
 */
#include "common/keys_answer.h"
#include "common/keys_order.h"
#include "keys-sql/keys_sql.h"

static void write_own(struct server *s, struct database *db, struct xml_writer *w)
{
	struct span der = database_column(db, 0);
	const char *source = keys_sql_source(&s->arena, database_text(db, 1, &s->arena), database_text(db, 2, &s->arena));
	struct keys_candidate c;

	if (der.n > KEYS_CERTIFICATE_MAX || !keys_candidate_read(der, NULL, &c)) {
		keys_sql_complain(s, source, "no certificate, though it stands there for one of ours, passed over");
		return;
	}
	xml_open(w, "own");
	xml_put(w, "source", keys_printable(s, source));
	xml_put(w, "use", c.may_sign && span_eqstr(database_column(db, 3), "any") ? "sign" : "decrypt");
	xml_put_binary(w, der.p, der.n);
	xml_close(w);
}

int list_keys(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	const char *from = xml_attr_or(request, "from", ""), *last = NULL;
	const struct value values[] = { value_text(strcmp(from, "0") == 0 ? "" : from) };
	struct database *db;
	int rc = keys_sql_database(s, &db, err);

	if (rc == 0)
		rc = database_ask(db, LIST_OWN, values, err);
	while (rc >= 0 && w->out.len < s->config->frame_limit / 2 && (rc = database_step(db, err)) > 0) {
		write_own(s, db, w);
		last = database_text(db, 1, &s->arena);
	}
	if (rc < 0)
		return rc;
	database_end(db);
	if (last) {
		xml_open(w, "more");
		xml_put(w, "from", last);
		xml_close(w);
	}
	return 0;
}
