/* options.c - the command line of postern-cert(8): one table of options, each with the commands that know it */
#include <stdio.h>
#include <string.h>

#include "cert/tool.h"
#include "lib/buf.h"

enum kind { OPTION_FLAG, OPTION_VALUE, OPTION_LIST };

static const struct option {
	const char *name;
	enum kind kind;
	size_t offset;
	const char *commands;  /* blank-separated; "": all */
	const char *argument, *help;
} options[] = {
	{ "c", OPTION_VALUE, offsetof(struct tool, config_file), "", "FILE", "the site's postern.conf" },
	{ "json", OPTION_FLAG, offsetof(struct tool, json), "", "", "one JSON document instead of text" },
	{ "area", OPTION_VALUE, offsetof(struct tool, area), "list find expiring import forget", "AREA",
	  "public, trusted, untrusted, seen, ca (or private, to look)" },
	{ "conflicts", OPTION_FLAG, offsetof(struct tool, conflicts), "list", "",
	  "only what harvest put aside: another one is in use" },
	{ "purpose", OPTION_VALUE, offsetof(struct tool, purpose), "verify", "PURPOSE", "sign (default), encrypt or any" },
	{ "at", OPTION_VALUE, offsetof(struct tool, at), "verify", "TIME",
	  "2026-11-22T10:00:00Z or seconds since the epoch; default now" },
	{ "address", OPTION_VALUE, offsetof(struct tool, address), "verify smimea", "ADDR", "the certificate must be for it" },
	{ "anchor", OPTION_LIST, offsetof(struct tool, anchors), "verify", "FILE", "trust anchors; then no others count" },
	{ "untrusted", OPTION_LIST, offsetof(struct tool, untrusted), "verify", "FILE", "certificates that may be issuers" },
	{ "crl", OPTION_LIST, offsetof(struct tool, crls), "verify", "FILE", "revocation lists" },
	{ "ocsp", OPTION_LIST, offsetof(struct tool, ocsp), "verify", "FILE", "OCSP responses" },
	{ "policy", OPTION_LIST, offsetof(struct tool, policies), "verify", "OID", "an acceptable policy; default any" },
	{ "explicit-policy", OPTION_FLAG, offsetof(struct tool, explicit_policy), "verify", "", "one must be valid for the path" },
	{ "inhibit-mapping", OPTION_FLAG, offsetof(struct tool, inhibit_mapping), "verify", "", "policies are not mapped" },
	{ "inhibit-any", OPTION_FLAG, offsetof(struct tool, inhibit_any), "verify", "", "anyPolicy matches no other" },
	{ "set", OPTION_LIST, offsetof(struct tool, settings), "verify", "NAME=VALUE",
	  "without -c: an option of postern.conf such as check_path_crl" },
	{ "passphrase-file", OPTION_VALUE, offsetof(struct tool, passphrase_file), "import", "FILE",
	  "of PKCS#12 files; its first line" },
	{ "quiet", OPTION_FLAG, offsetof(struct tool, quiet), "import", "", "no progress line, no summary" },
	{ "record", OPTION_VALUE, offsetof(struct tool, record), "smimea", "\"3 0 0\"",
	  "usage, selector and matching type; others than 3 0 0 cannot be encrypted to" },
	{ "generic", OPTION_FLAG, offsetof(struct tool, generic), "smimea", "", "for name servers that do not know SMIMEA (RFC 3597)" },
	{ "all", OPTION_FLAG, offsetof(struct tool, all), "publish trust distrust forget", "",
	  "all certificates of the address, not only a single one" },
	{ "replace", OPTION_FLAG, offsetof(struct tool, replace), "publish", "", "and forget the others of its addresses" },
	{ "unchecked", OPTION_FLAG, offsetof(struct tool, unchecked), "publish", "", "although it is not valid" },
};
#define NOPTIONS (sizeof(options) / sizeof(*options))

/* Whether the option is one of this command; NULL: of any. */
static bool belongs(const struct option *o, const char *command)
{
	const char *p = o->commands;
	size_t n = strlen(command);

	if (!*p)
		return true;
	while ((p = strstr(p, command))) {
		if ((p == o->commands || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
			return true;
		p += n;
	}
	return false;
}

static const struct option *find(const char *word)
{
	word++;
	word += *word == '-';
	for (size_t i = 0; i < NOPTIONS; i++)
		if (strcmp(word, options[i].name) == 0)
			return &options[i];
	return NULL;
}

static void add_word(struct tool *t, struct words *list, const char *word)
{
	const char **bigger = arena_array(&t->arena, list->n + 1, sizeof(*bigger));

	if (list->n)
		memcpy(bigger, list->items, list->n * sizeof(*bigger));
	bigger[list->n++] = word;
	list->items = bigger;
}

static int take_option(struct tool *t, const struct option *o, const char *value, struct error *err)
{
	void *field = (char *)t + o->offset;

	switch (o->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return 0;
	case OPTION_VALUE:
		if (*(const char **)field)
			return error_set(err, E_PERM, "option -%s stands twice", o->name);
		*(const char **)field = value;
		return 0;
	case OPTION_LIST:
		add_word(t, field, value);
		return 0;
	}
	return 0;
}

static int take_word(struct tool *t, const char *word, struct error *err)
{
	if (t->command) {
		t->arguments[t->narguments++] = word;
		return 0;
	}
	for (size_t i = 0; i < ncommands; i++)
		if (strcmp(word, commands[i].name) == 0)
			t->command = &commands[i];
	return t->command ? 0 : error_set(err, E_PERM, "unknown command \"%s\"; try postern-cert -help", word);
}

static int check_usage(const struct tool *t, const bool *given, struct error *err)
{
	const struct command *c = t->command;

	if (!c)
		return error_set(err, E_PERM, "no command; try postern-cert -help");
	for (size_t i = 0; i < NOPTIONS; i++)
		if (given[i] && !belongs(&options[i], c->name))
			return error_set(err, E_PERM, "%s has no option -%s; try postern-cert -help", c->name, options[i].name);
	if (t->narguments < c->least || t->narguments > c->most)
		return error_set(err, E_PERM, "usage: postern-cert %s %s", c->name, c->arguments);
	return 0;
}

int options_read(struct tool *t, int argc, char **argv, struct error *err)
{
	bool given[NOPTIONS] = { false }, only_words = false;
	int rc = 0;

	t->arguments = arena_array(&t->arena, (size_t)argc + 1, sizeof(*t->arguments));
	for (int i = 1; i < argc && rc == 0; i++) {
		const struct option *o;

		if (!only_words && strcmp(argv[i], "--") == 0) {
			only_words = true;
			continue;
		}
		if (only_words || argv[i][0] != '-' || !argv[i][1]) { /* "-": standard input */
			rc = take_word(t, argv[i], err);
			continue;
		}
		o = find(argv[i]);
		if (!o)
			return error_set(err, E_PERM, "unknown option \"%s\"; try postern-cert -help", argv[i]);
		if (o->kind != OPTION_FLAG && i + 1 == argc)
			return error_set(err, E_PERM, "option -%s needs an argument", o->name);
		given[o - options] = true;
		rc = take_option(t, o, o->kind == OPTION_FLAG ? NULL : argv[++i], err);
	}
	return rc < 0 ? rc : check_usage(t, given, err);
}

void options_help(void)
{
	printf("usage: postern-cert [-c FILE] [-json] COMMAND [OPTION...] [ARGUMENT...]\n\n");
	for (size_t i = 0; i < ncommands; i++) {
		const struct command *c = &commands[i];
		char line[80];

		snprintf(line, sizeof(line), "%s %s", c->name, c->arguments);
		printf("  %-28s %s\n", line, c->help);
		for (size_t k = 0; k < NOPTIONS; k++)
			if (*options[k].commands && belongs(&options[k], c->name)) {
				snprintf(line, sizeof(line), "-%s %s", options[k].name, options[k].argument);
				printf("      %-24s %s\n", line, options[k].help);
			}
	}
	printf("\nA CERT is a file, the SHA-256 fingerprint that is a file's name in an area, or an address.\n"
	       "Exit status: verify 0 valid, 1 invalid, 2 unknown; others 0 done, 1 not found, skipped or expiring;\n"
	       "64 wrong usage, 65 no certificate in a file, 66 a file cannot be read, 75 try again, 77 not allowed, 78 configuration.\n");
}
