/* list.c - "keys-sql -list": what is in the database, a line or a JSON object for each certificate in each area */
#include <stdio.h>

#include "keys-sql/command.h"
#include "lib/json.h"

enum { AREA, FINGERPRINT, NOT_BEFORE, NOT_AFTER, SOURCE, ADDRESS, PROTECTION, PURPOSE, CONFLICT, COLUMNS };

struct entry {
	char *columns[COLUMNS];
	struct buf addresses; /* each with its NUL */
	struct arena arena;
};

/* The next of the entry's addresses; NULL: there is none. */
static const char *next_address(const struct entry *e, size_t *at)
{
	const char *address = buf_str(&e->addresses) + *at;

	if (*at == e->addresses.len)
		return NULL;
	*at += strlen(address) + 1;
	return address;
}

static void print_line(const struct entry *e)
{
	const char *address;
	size_t at = 0;

	printf("%-7s %.16s %.10s %.10s", e->columns[AREA], e->columns[FINGERPRINT], e->columns[NOT_BEFORE], e->columns[NOT_AFTER]);
	while ((address = next_address(e, &at)))
		printf(" %s", address);
	printf("%s%s%s", at ? "" : " -", *e->columns[PROTECTION] ? " key:" : "", e->columns[PROTECTION]);
	printf("%s", strcmp(e->columns[PURPOSE], "decrypt") == 0 ? " decrypt-only" : "");
	printf("%s%.16s\n", *e->columns[CONFLICT] ? " conflict:" : "", e->columns[CONFLICT]);
}

static void print_json(const struct entry *e, struct json *j)
{
	static const struct {
		const char *name;
		int column;
	} fields[] = {
		{ "area", AREA }, { "sha256", FINGERPRINT }, { "not_before", NOT_BEFORE }, { "not_after", NOT_AFTER }, { "source", SOURCE },
		{ "key", PROTECTION }, { "purpose", PURPOSE }, { "conflict_with", CONFLICT },
	};
	const char *address;
	size_t at = 0;

	json_open(j, NULL, '{');
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		json_text(j, fields[i].name, e->columns[fields[i].column]);
	json_open(j, "addresses", '[');
	while ((address = next_address(e, &at)))
		json_text(j, NULL, address);
	json_close(j, ']');
	json_close(j, '}');
}

static void add_address(struct entry *e, const char *address)
{
	if (*address)
		buf_add(&e->addresses, address, strlen(address) + 1);
}

static void begin(struct entry *e, char *const *columns)
{
	buf_clear(&e->addresses);
	arena_release(&e->arena);
	for (int i = 0; i < COLUMNS; i++)
		e->columns[i] = arena_strdup(&e->arena, columns[i]);
}

static void end(const struct entry *e, struct json *j)
{
	if (!e->columns[AREA])
		return;
	if (j)
		print_json(e, j);
	else
		print_line(e);
}

/* A row for each address; those of a certificate come together.  j: NULL, as lines. */
static int print_all(struct command *c, struct json *j, struct error *err)
{
	const struct value values[] = { value_text(c->area ? c->area : "%") };
	struct entry e = { .addresses = BUF_INIT };
	struct arena arena = ARENA_INIT;
	char *columns[COLUMNS];
	int rc = database_ask(c->db, LIST_ALL, values, err);

	while (rc >= 0 && (rc = database_step(c->db, err)) > 0) {
		for (int i = 0; i < COLUMNS; i++)
			columns[i] = database_text(c->db, i, &arena);
		if (!e.columns[AREA] || strcmp(e.columns[AREA], columns[AREA]) != 0 ||
		    strcmp(e.columns[FINGERPRINT], columns[FINGERPRINT]) != 0) {
			end(&e, j);
			begin(&e, columns);
		}
		if (*columns[CONFLICT])
			e.columns[CONFLICT] = arena_strdup(&e.arena, columns[CONFLICT]);
		add_address(&e, columns[ADDRESS]);
		arena_release(&arena);
	}
	end(&e, j);
	database_end(c->db);
	arena_release(&arena);
	arena_release(&e.arena);
	buf_release(&e.addresses);
	return rc;
}

int command_list(struct command *c)
{
	struct json j = { .out = BUF_INIT };
	struct error err = { 0 };
	int rc;

	if (c->json)
		json_open(&j, NULL, '[');
	rc = print_all(c, c->json ? &j : NULL, &err);
	if (c->json) {
		json_close(&j, ']');
		json_end(&j);
	}
	if (fflush(stdout) != 0)
		rc = error_set(&err, E_TEMP, "standard output cannot be written");
	return rc < 0 ? command_failed(EXIT_LATER, &err) : EXIT_FINE;
}
