/* command.c - rules-file -check and -test: for the person who writes the rules */
#include <stdio.h>
#include <string.h>

#include "rules-file/rules.h"

#define EXIT_USAGE 64
#define EXIT_DEFER 75

static void print_problem(const struct rules *r, const struct problem *p)
{
	if (p->line)
		printf("%s:%u:%u: ", r->name, p->line, p->column);
	else
		printf("%s: ", r->name);
	printf("%s: %s\n", p->warning ? "warning" : "error", p->text);
}

/* Exit 0 if the file can be used, 1 if not. */
static int check(int argc, char **argv)
{
	struct error err = { 0 };
	struct rules *r;
	int rc;

	if (argc != 3)
		return fprintf(stderr, "usage: rules-file -check FILE\n") < 0 ? EXIT_DEFER : EXIT_USAGE;
	rc = rules_load(argv[2], &r, &err);
	rules_lint(r);
	if (rc == E_TEMP)
		printf("%s\n", err.text);
	for (const struct problem *p = r->problems; p && rc != E_TEMP; p = p->next)
		print_problem(r, p);
	printf("%s: %zu rule%s, %zu error%s, %zu warning%s\n", r->name, r->n, r->n == 1 ? "" : "s", r->nerrors,
	       r->nerrors == 1 ? "" : "s", r->nwarnings, r->nwarnings == 1 ? "" : "s");
	rules_free(r);
	return rc < 0;
}

static void print_pair(const char *name, const char *value)
{
	if (value)
		printf("%s = %s\n", name, value);
}

static void print_decision(const struct rules *r, const struct decision *d)
{
	const struct words *w = &d->words;

	print_pair("sign", sign_name(w->sign));
	print_pair("sign-as", w->sign_as);
	print_pair("encrypt", encrypt_name(w->encrypt));
	print_pair("profile", w->profile);
	print_pair("strip", w->strip ? "yes" : NULL);
	print_pair("block-signed", w->block_signed ? "yes" : NULL);
	print_pair("block-encrypted", w->block_encrypted ? "yes" : NULL);
	print_pair("via", w->via);
	print_pair("reject", w->reject);
	if (!d->napplied)
		printf("no line matches\n");
	for (size_t i = 0; i < d->napplied; i++)
		printf("because %s:%u: %s\n", r->name, d->applied[i]->line, d->applied[i]->text);
}

/* Exit 0 with a decision, 1 without. */
static int test(int argc, char **argv)
{
	struct arena arena = ARENA_INIT;
	struct candidates candidates;
	struct decision decision;
	struct error err = { 0 };
	struct rules *r;
	int rc;

	if (argc != 5)
		return fprintf(stderr, "usage: rules-file -test FILE SENDER RECIPIENT\n") < 0 ? EXIT_DEFER : EXIT_USAGE;
	rc = rules_load(argv[2], &r, &err);
	if (rc == 0)
		rc = rules_for_sender(r, &arena, argv[3], &candidates, &err);
	if (rc == 0)
		rc = rules_decide(&candidates, argv[4], &decision, &err);
	if (rc == 0)
		print_decision(r, &decision);
	else
		printf("%s\n", err.text);
	arena_release(&arena);
	rules_free(r);
	return rc < 0;
}

int rules_command(const char *option, int argc, char **argv)
{
	if (strcmp(option, "check") == 0)
		return check(argc, argv);
	if (strcmp(option, "test") == 0)
		return test(argc, argv);
	return -1;
}
