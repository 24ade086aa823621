/* list.c - "keys-sql -list": what is in the database, a line or a JSON object for each certificate in each area */
#include <openssl/err.h>
#include <stdio.h>

#include "keys-sql/command.h"

enum { AREA, FINGERPRINT, NOT_BEFORE, NOT_AFTER, SOURCE, ADDRESS, PROTECTION, CONFLICT, COLUMNS };

struct entry {
	char *columns[COLUMNS];
	struct buf addresses; /* separated by blanks; of JSON: strings and commas */
	struct arena arena;
};

static void add_json(struct buf *out, const char *text)
{
	buf_addch(out, '"');
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_addch(out, '\\');
		if ((unsigned char)*p < 0x20)
			buf_addf(out, "\\u%04x", (unsigned)*p);
		else
			buf_addch(out, *p);
	}
	buf_addch(out, '"');
}

static void print_line(const struct entry *e)
{
	printf("%-7s %.16s %.10s %.10s %s%s%s%s%s\n", e->columns[AREA], e->columns[FINGERPRINT], e->columns[NOT_BEFORE], e->columns[NOT_AFTER],
	       e->addresses.len ? buf_str(&e->addresses) : "-", *e->columns[PROTECTION] ? " key:" : "", e->columns[PROTECTION],
	       *e->columns[CONFLICT] ? " conflict:" : "", arena_strndup(&((struct entry *)e)->arena, e->columns[CONFLICT], 16));
}

static void print_json(const struct entry *e, bool first)
{
	static const struct {
		const char *name;
		int column;
	} fields[] = {
		{ "area", AREA }, { "sha256", FINGERPRINT }, { "not_before", NOT_BEFORE }, { "not_after", NOT_AFTER }, { "source", SOURCE },
		{ "key", PROTECTION }, { "conflict_with", CONFLICT },
	};
	struct buf out = BUF_INIT;

	buf_addstr(&out, first ? "\n{" : ",\n{");
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		add_json(&out, fields[i].name);
		buf_addch(&out, ':');
		add_json(&out, e->columns[fields[i].column]);
		buf_addch(&out, ',');
	}
	buf_addf(&out, "\"addresses\":[%s]}", buf_str(&e->addresses));
	fputs(buf_str(&out), stdout);
	buf_release(&out);
}

static void add_address(struct entry *e, const char *address, bool json)
{
	if (!*address)
		return;
	if (e->addresses.len)
		buf_addstr(&e->addresses, json ? "," : " ");
	if (json)
		add_json(&e->addresses, address);
	else
		buf_addstr(&e->addresses, address);
}

static void begin(struct entry *e, char *const *columns)
{
	buf_clear(&e->addresses);
	arena_release(&e->arena);
	for (int i = 0; i < COLUMNS; i++)
		e->columns[i] = arena_strdup(&e->arena, columns[i]);
}

static void end(struct entry *e, bool json, size_t n)
{
	if (!e->columns[AREA])
		return;
	if (json)
		print_json(e, n == 1);
	else
		print_line(e);
}

/* A row for each address; those of a certificate come together. */
static int print_all(struct command *c, struct error *err)
{
	const struct value values[] = { value_text(c->area ? c->area : "%") };
	struct entry e = { .addresses = BUF_INIT };
	struct arena arena = ARENA_INIT;
	char *columns[COLUMNS];
	size_t n = 0;
	int rc = database_ask(c->db, LIST_ALL, values, err);

	while (rc >= 0 && (rc = database_step(c->db, err)) > 0) {
		for (int i = 0; i < COLUMNS; i++)
			columns[i] = database_text(c->db, i, &arena);
		if (!n || strcmp(e.columns[AREA], columns[AREA]) != 0 || strcmp(e.columns[FINGERPRINT], columns[FINGERPRINT]) != 0) {
			end(&e, c->json, n);
			begin(&e, columns);
			n++;
		}
		if (*columns[CONFLICT])
			e.columns[CONFLICT] = arena_strdup(&e.arena, columns[CONFLICT]);
		add_address(&e, columns[ADDRESS], c->json);
		arena_release(&arena);
	}
	end(&e, c->json, n);
	database_end(c->db);
	arena_release(&arena);
	arena_release(&e.arena);
	buf_release(&e.addresses);
	return rc;
}

int command_list(struct command *c)
{
	struct error err = { 0 };
	int rc;

	if (c->json)
		fputs("[", stdout);
	rc = print_all(c, &err);
	if (c->json)
		fputs("\n]\n", stdout);
	if (fflush(stdout) != 0)
		rc = error_set(&err, E_TEMP, "standard output cannot be written");
	return rc < 0 ? command_failed(EXIT_LATER, &err) : EXIT_FINE;
}
