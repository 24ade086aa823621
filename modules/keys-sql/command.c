/* command.c - keys-sql as the operator's own command: -migrate, -import, -list, -check */
#include "keys-sql/command.h"

#include <stdio.h>

#include "lib/address.h"
#include "lib/log.h"

static const struct {
	const char *name;
	int (*run)(struct command *c);
	enum caller caller;
	bool tables;  /* its schema must be ours */
	const char *options; /* that it knows, besides -c */
	bool operands;
} commands[] = {
	{ "migrate", command_migrate, TO_CREATE, false, "", false },
	{ "import", command_import, FOR_OPERATOR, true, "area domain decrypt-only clear", true },
	{ "list", command_list, FOR_OPERATOR, true, "area json", false },
	{ "check", command_check, FOR_OPERATOR, true, "", false },
};

static const char *const areas[] = { "public", "trusted", "private", "ca", "seen", NULL };

enum { OPTION_TEXT, OPTION_FLAG };

static const struct {
	const char *name;
	int kind;
	size_t at; /* in struct command */
} options[] = {
	{ "c", OPTION_TEXT, offsetof(struct command, file) },
	{ "area", OPTION_TEXT, offsetof(struct command, area) },
	{ "domain", OPTION_TEXT, offsetof(struct command, domain) },
	{ "json", OPTION_FLAG, offsetof(struct command, json) },
	{ "clear", OPTION_FLAG, offsetof(struct command, clear) },
	{ "decrypt-only", OPTION_FLAG, offsetof(struct command, decrypt_only) },
};

int command_failed(int status, const struct error *err)
{
	fprintf(stderr, "keys-sql: %s\n", err->text);
	return status;
}

static int wrong(const char *what, const char *which)
{
	fprintf(stderr, "keys-sql: %s%s%s; try -help\n", what, which ? " " : "", which ? which : "");
	return EXIT_USAGE_ERROR;
}

/* One option at argv[*i]; moves to the last word of it. */
static int take_option(struct command *c, const char *known, char **argv, int argc, int *i)
{
	const char *name = argv[*i] + 1 + (argv[*i][1] == '-');

	for (size_t k = 0; k < sizeof(options) / sizeof(*options); k++) {
		void *field = (char *)c + options[k].at;

		if (strcmp(name, options[k].name) != 0 || !(k == 0 || word_listed(known, name)))
			continue;
		if (options[k].kind == OPTION_TEXT && *i + 1 >= argc)
			return wrong(argv[*i], "needs a value");
		if (options[k].kind == OPTION_TEXT)
			*(const char **)field = argv[++*i];
		else
			*(bool *)field = true;
		return 0;
	}
	return wrong("unknown option", argv[*i]);
}

static int judge(struct command *c, bool operands)
{
	size_t i = 0;

	if (!c->file)
		return wrong("-c POSTERN.CONF is missing", NULL);
	if (operands != (c->noperands > 0))
		return wrong(operands ? "which files?" : "no use for", operands ? NULL : c->operands[0]);
	while (c->area && areas[i] && strcmp(areas[i], c->area) != 0)
		i++;
	if (c->area && !areas[i])
		return wrong("-area is one of public, trusted, private, ca, seen, not", c->area);
	if (c->domain && (c->domain[0] != '@' || !c->domain[1] || strchr(c->domain + 1, '@') || !utf8_valid(span_of(c->domain))))
		return wrong("-domain is written @partner.example, not", c->domain);
	return 0;
}

static int read_arguments(struct command *c, const char *known, bool operands, int argc, char **argv)
{
	bool more = true;
	int rc = 0;

	c->operands = argv + 2;
	for (int i = 2; i < argc && rc == 0; i++) {
		if (more && strcmp(argv[i], "--") == 0)
			more = false;
		else if (more && argv[i][0] == '-' && argv[i][1])
			rc = take_option(c, known, argv, argc, &i);
		else
			c->operands[c->noperands++] = argv[i];
	}
	return rc ? rc : judge(c, operands);
}

static int open_all(struct command *c, enum caller caller, bool tables, struct error *err)
{
	int rc = config_read(c->file, keys_sql_options, keys_sql_noptions, &keys_sql, &c->config, err);

	if (rc == 0)
		rc = keys_sql_connect(c->config, caller, deadline_in((int64_t)keys_sql.timeout), &c->db, err);
	if (rc == 0 && tables)
		rc = database_check_schema(c->db, err);
	if (rc == 0)
		c->db->until = deadline_in(COMMAND_TIMEOUT_MS);
	return rc;
}

int keys_sql_command(const char *option, int argc, char **argv)
{
	struct command c = { 0 };
	struct error err = { 0 };
	size_t i = 0;
	int status;

	while (i < sizeof(commands) / sizeof(*commands) && strcmp(option, commands[i].name) != 0)
		i++;
	if (i == sizeof(commands) / sizeof(*commands))
		return -1;
	log_open("stderr", "keys-sql", NULL);
	status = read_arguments(&c, commands[i].options, commands[i].operands, argc, argv);
	if (status == 0)
		status = open_all(&c, commands[i].caller, commands[i].tables, &err) < 0 ? command_failed(EXIT_LATER, &err) :
											   commands[i].run(&c);
	database_close(c.db);
	config_free(c.config);
	arena_release(&c.arena);
	return status;
}
