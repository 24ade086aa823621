/* store.c - "store-certificate": a certificate that came by mail, into "seen" (or "public")
 *
 * The same rules as keys-file has: nothing is ever replaced; where the address has another certificate in use, the new one waits
 * in "seen" for the administrator, and that is said once.
 */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <time.h>

#include "common/keys_answer.h"
#include "keys-sql/keys_sql.h"
#include "lib/address.h"
#include "lib/base64.h"
#include "lib/log.h"
#include "lib/openssl.h"

struct storing {
	struct server *s;
	struct database *db;
	struct record record;
	const char *address;       /* in lower case */
	const char *wanted;        /* area */
	struct buf der, capabilities;
	char said[RECORD_TIME];
	/* what became of it */
	const char *area, *state, *other, *other_sha256;
};

/* ---- the request ---- */

/* What claims to be said in the future would never be replaced. */
static void read_time(struct storing *t, const char *signed_at)
{
	char now[RECORD_TIME];

	record_time(time(NULL), now);
	snprintf(t->said, sizeof(t->said), "%s", strlen(signed_at) != RECORD_TIME - 1 || strcmp(signed_at, now) > 0 ? now : signed_at);
}

static int read_capabilities(struct storing *t, const struct xml *request, struct error *err)
{
	const char *base64 = xml_attr(request, "capabilities");

	if (!base64)
		return 0;
	if (!*t->address || strlen(t->address) > ADDRESS_MAX || base64_decode(&t->capabilities, span_of(base64), true) < 0 ||
	    !t->capabilities.len || t->capabilities.len > CAPABILITIES_MAX)
		return error_set(err, E_PERM, "capabilities without an address, without a byte, or of more than %zu bytes", CAPABILITIES_MAX);
	read_time(t, xml_attr_or(request, "signed", ""));
	return 0;
}

static int read_certificate(struct storing *t, const struct xml *request, struct error *err)
{
	int rc = xml_binary(request, &t->der, err);
	struct span bytes = span_from(buf_str(&t->der), t->der.len);
	X509 *x;

	if (rc < 0)
		return rc;
	if (t->der.len == 0 || t->der.len > KEYS_CERTIFICATE_MAX)
		return error_set(err, E_PERM, "no certificate, or one of more than %zu bytes", KEYS_CERTIFICATE_MAX);
	x = openssl_certificate(NULL, &bytes);
	X509_free(x);
	ERR_clear_error();
	if (!x || bytes.n)
		return error_set(err, E_PERM, "not a certificate in DER");
	return record_read(&t->s->arena, span_from(t->der.data, t->der.len), NULL, &t->record, err);
}

static int read_request(struct storing *t, const struct xml *request, struct error *err)
{
	int rc;

	t->wanted = xml_attr_or(request, "area", "seen");
	t->address = record_address(&t->s->arena, xml_attr_or(request, "address", ""));
	if (strcmp(t->wanted, "seen") != 0 && strcmp(t->wanted, "public") != 0)
		return error_set(err, E_PERM, "nothing is stored in the area \"%s\"", t->wanted);
	rc = read_certificate(t, request, err);
	return rc < 0 ? rc : read_capabilities(t, request, err);
}

/* ---- storing, in one transaction ---- */

static int find_places(struct storing *t, bool *public, bool *seen, struct error *err)
{
	const struct value values[] = { value_text(t->record.sha256) };
	int rc = database_ask(t->db, FIND_PLACES, values, err);

	*public = *seen = false;
	while (rc >= 0 && (rc = database_step(t->db, err)) > 0) {
		*public |= span_eqstr(database_column(t->db, 0), "public");
		*seen |= span_eqstr(database_column(t->db, 0), "seen");
	}
	database_end(t->db);
	return rc;
}

/* Another key or another issuer: not the same certificate renewed. */
static bool differs(const X509 *a, const X509 *b)
{
	return X509_NAME_cmp(X509_get_issuer_name(a), X509_get_issuer_name(b)) != 0 ||
	       X509_PUBKEY_eq(X509_get_X509_PUBKEY(a), X509_get_X509_PUBKEY(b)) != 1;
}

static int find_other(struct storing *t, struct error *err)
{
	const struct value values[] = { value_text(t->address) };
	struct span bytes = t->record.der;
	X509 *ours = openssl_certificate(NULL, &bytes), *x;
	int rc = database_ask(t->db, FIND_IN_USE, values, err);

	while (rc >= 0 && (rc = database_step(t->db, err)) > 0) {
		bytes = database_column(t->db, 0);
		x = openssl_certificate(NULL, &bytes);
		if (!x || !ours || differs(ours, x)) {
			t->other_sha256 = database_text(t->db, 1, &t->s->arena);
			t->other = keys_sql_source(&t->s->arena, t->other_sha256, database_text(t->db, 2, &t->s->arena));
		}
		X509_free(x);
	}
	database_end(t->db);
	X509_free(ours);
	ERR_clear_error();
	return rc;
}

static int add(struct storing *t, struct error *err)
{
	const char *source = *t->s->queue_id ? arena_printf(&t->s->arena, "mail %s", t->s->queue_id) : "mail";
	char now[RECORD_TIME];
	int rc = record_add(t->db, &t->record, t->area, source, err);

	record_time(time(NULL), now);
	if (rc == 0 && t->other)
		rc = database_run(t->db, ADD_CONFLICT, (const struct value[]){ value_text(t->address), value_text(t->record.sha256),
				  value_text(t->other_sha256), value_text(now) }, err);
	return rc;
}

static int add_capabilities(struct storing *t, struct error *err)
{
	const struct value values[] = { value_text(t->address), value_text(t->said),
					value_bytes(span_from(t->capabilities.data, t->capabilities.len)) };

	return t->capabilities.len ? database_run(t->db, ADD_CAPABILITIES, values, err) : 0;
}

/* May run several times: nothing of the time before counts. */
static int store(void *ctx, struct error *err)
{
	struct storing *t = ctx;
	bool public, seen;
	int rc = find_places(t, &public, &seen, err);

	t->other = NULL;
	t->area = public ? "public" : t->wanted;
	if (rc == 0 && !public && strcmp(t->wanted, "public") == 0)
		rc = find_other(t, err);
	if (t->other)
		t->area = "seen";
	t->state = public || (seen && strcmp(t->area, "seen") == 0) ? "known" : t->other ? "conflict" : "new";
	if (rc == 0 && strcmp(t->state, "known") != 0)
		rc = add(t, err);
	return rc < 0 ? rc : add_capabilities(t, err);
}

/* ---- the answer ---- */

static void write_stored(const struct storing *t, struct xml_writer *w)
{
	if (strcmp(t->state, "known") != 0)
		log_info("sql:%.16s: stored in %s", t->record.sha256, t->area);
	xml_open(w, "stored");
	xml_put(w, "area", t->area);
	xml_put(w, "state", t->state);
	if (strcmp(t->state, "conflict") == 0)
		xml_put(w, "with", keys_printable(t->s, t->other));
	xml_close(w);
}

/* A replica sends and receives all the same. */
static int read_only(struct storing *t, const struct error *why, struct error *err)
{
	struct keys_sql_state *state = t->s->state;

	if (!state->said_read_only)
		log_info("certificates that come by mail are not stored: %s", why->text);
	state->said_read_only = true;
	return keys_sql.read_only == READ_ONLY_PASS_OVER ? 0 : error_set(err, E_NOTFOUND, "%s is read-only", t->db->name);
}

int store_certificate(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	struct storing t = { .s = s };
	struct error why = { 0 };
	int rc = read_request(&t, request, err);

	if (rc == 0)
		rc = keys_sql_database(s, &t.db, err);
	if (rc == 0) {
		rc = database_alone(t.db, store, &t, &why);
		if (rc == 0)
			write_stored(&t, w);
		else if (t.db->problem == PROBLEM_READ_ONLY)
			rc = read_only(&t, &why, err);
		else
			error_set(err, rc, "%s", why.text);
	}
	buf_release(&t.der);
	buf_release(&t.capabilities);
	return rc;
}
