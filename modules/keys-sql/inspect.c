/* inspect.c - "keys-sql -check": whether mail could be sent and received with this database now */
#include <openssl/evp.h>
#include <stdio.h>

#include "common/keys_answer.h"
#include "keys-sql/command.h"

#define SAID_MAX 50 /* broken rows that are named */

struct own {
	struct own *next;
	const char *public_key, *protection, *source;
	struct span pem;
};

static int count_areas(struct command *c, struct error *err)
{
	int rc = database_ask(c->db, COUNT_AREAS, NULL, err);

	printf("%s: schema version %d\n", c->db->name, SCHEMA_VERSION);
	while (rc >= 0 && (rc = database_step(c->db, err)) > 0)
		printf("%-8s %s certificates\n", database_text(c->db, 0, &c->arena), database_text(c->db, 1, &c->arena));
	return rc;
}

/* ---- certificates ---- */

static bool names(const struct record *r, const char *address)
{
	for (size_t i = 0; i < r->naddresses; i++)
		if (strcmp(r->addresses[i], address) == 0)
			return true;
	return false;
}

static bool agrees(const struct command *c, const struct record *r)
{
	const char *const columns[] = { r->sha256, NULL /* der */, r->issuer_serial, r->key_id, r->subject, r->public_key };

	for (int i = 0; i < (int)(sizeof(columns) / sizeof(*columns)); i++)
		if (columns[i] && !span_eqstr(database_column(c->db, i), columns[i]))
			return false;
	return true;
}

/* Of the row that is there now: why a message would pass over it; NULL: it would not. */
static const char *wrong_row(struct command *c, struct arena *arena)
{
	struct span der = database_column(c->db, 1);
	const char *address = database_text(c->db, 6, arena);
	struct record r;

	if (der.n > KEYS_CERTIFICATE_MAX || record_read(arena, der, NULL, &r, NULL) < 0)
		return "no certificate";
	if (!agrees(c, &r))
		return "its columns are not those of the certificate";
	if (*address && *address != '@' && !names(&r, address)) /* who serves a domain need not name it */
		return arena_printf(arena, "a certificate that does not name %s", address);
	return NULL;
}

static int check_rows(struct command *c, size_t *bad, struct error *err)
{
	struct arena arena = ARENA_INIT;
	int rc = database_ask(c->db, LIST_ROWS, NULL, err);

	*bad = 0;
	while (rc >= 0 && (rc = database_step(c->db, err)) > 0) {
		const char *why = wrong_row(c, &arena);

		if (why && ++*bad <= SAID_MAX)
			printf("row sql:%.16s: %s\n", database_text(c->db, 0, &arena), why);
		arena_release(&arena);
	}
	database_end(c->db);
	if (*bad)
		printf("%zu broken rows, which messages pass over\n", *bad);
	return rc;
}

/* ---- own keys ---- */

/* One question at a time: first all keys, then whose they are. */
static int read_keys(struct command *c, struct own **out, struct error *err)
{
	int rc = database_ask(c->db, LIST_KEYS, NULL, err);

	*out = NULL;
	while (rc >= 0 && (rc = database_step(c->db, err)) > 0) {
		struct own *o = arena_alloc(&c->arena, sizeof(*o));

		o->public_key = database_text(c->db, 0, &c->arena);
		o->pem = database_copy(c->db, 1, &c->arena);
		o->protection = database_text(c->db, 2, &c->arena);
		o->source = database_text(c->db, 3, &c->arena);
		o->next = *out;
		*out = o;
	}
	return rc;
}

/* Opens the key for the first of its certificates, as the module would; false: it is of no use, which is said. */
static bool check_key(struct command *c, const struct own *o, struct error *err)
{
	const struct value values[] = { value_text(o->public_key) };
	struct keys_sql_state state = { .db = c->db };
	struct server s = { .config = c->config, .state = &state };
	struct known_key k = { .source = o->source };
	int rc = database_ask(c->db, FIND_OWNERS, values, err);

	if (rc == 0)
		rc = database_step(c->db, err);
	if (rc == 0) {
		rc = error_set(err, E_CONFIG, "no certificate in the area private belongs to it");
	} else if (rc > 0) {
		k.certificate = database_column(c->db, 0);
		rc = own_key_open(&s, &k, o->pem, o->protection, err);
	}
	database_end(c->db);
	arena_release(&s.arena);
	EVP_PKEY_free(k.key);
	if (rc < 0)
		printf("key %.16s: %s\n", o->public_key, err->text);
	return rc >= 0;
}

int command_check(struct command *c)
{
	struct error err = { 0 };
	size_t keys = 0, bad = 0, rows = 0;
	struct own *list = NULL;
	int rc = count_areas(c, &err);

	if (rc == 0)
		rc = check_rows(c, &rows, &err);
	if (rc == 0)
		rc = read_keys(c, &list, &err);
	if (rc < 0)
		return command_failed(EXIT_LATER, &err);
	for (; list; list = list->next, keys++)
		bad += !check_key(c, list, &err);
	printf("%zu own keys, %zu of no use\n", keys, bad);
	return bad || rows ? EXIT_SOME_FAILED : EXIT_FINE;
}
