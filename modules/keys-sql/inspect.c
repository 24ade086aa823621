/* inspect.c - "keys-sql -check": whether mail could be sent and received with this database now */
#include <openssl/evp.h>
#include <stdio.h>

#include "keys-sql/command.h"

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
	size_t keys = 0, bad = 0;
	struct own *list = NULL;
	int rc = count_areas(c, &err);

	if (rc == 0)
		rc = read_keys(c, &list, &err);
	if (rc < 0)
		return command_failed(EXIT_LATER, &err);
	for (; list; list = list->next, keys++)
		bad += !check_key(c, list, &err);
	printf("%zu own keys, %zu of no use\n", keys, bad);
	return bad ? EXIT_SOME_FAILED : EXIT_FINE;
}
