/* main.c - postern-module-check: the text of postern-modules(7), asked of one module point by point */
#include <errno.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/openssl.h"
#include "module-check/check.h"
#include "module-check/report.h"

#define USAGE 64
#define NO_INPUT 66

static const char help[] =
	"postern-module-check: does a module speak the protocol of postern-modules(7)?\n\n"
	"usage: postern-module-check [-c FILE] [-role rules|keys|check] [-timeout SECONDS] [-only CHAPTER] [-json] [-strict]\n"
	"                            [-address ADDRESS] [-own ADDRESS] [-good FILE] [-bad FILE] MODULE\n\n"
	"  -c FILE           the module's postern.conf; without it one with nothing in it\n"
	"  -role ROLE        without it every role is tried\n"
	"  -timeout SECONDS  for one answer (10)\n"
	"  -address ADDRESS  of a partner whose certificate a module of role keys has\n"
	"  -own ADDRESS      for which it has a key: it signs and decrypts for the check\n"
	"  -good FILE        a certificate (PEM) that a module of role check takes\n"
	"  -bad FILE         one that it does not take\n"
	"  -only CHAPTER     only the points under this heading\n"
	"  -json             for scripts\n"
	"  -strict           what it should do counts like what it must do\n\n"
	"Exit status: 0 all is well, 1 a point failed, 64 wrong use, 66 no module, no configuration.\n";

struct options {
	const char *config, *role, *timeout, *address, *own, *good, *bad, *only;
	bool json, strict;
	const char *module;
};

static const struct {
	const char *name;
	size_t value, flag; /* offset of one of them; the other is 0 */
} known[] = {
	{ "c", offsetof(struct options, config), 0 },       { "role", offsetof(struct options, role), 0 },
	{ "timeout", offsetof(struct options, timeout), 0 }, { "address", offsetof(struct options, address), 0 },
	{ "own", offsetof(struct options, own), 0 },         { "good", offsetof(struct options, good), 0 },
	{ "bad", offsetof(struct options, bad), 0 },         { "json", 0, offsetof(struct options, json) },
	{ "strict", 0, offsetof(struct options, strict) },   { "only", offsetof(struct options, only), 0 },
};

static int wrong_use(const char *what, const char *argument)
{
	fprintf(stderr, "postern-module-check: %s%s; try -help\n", what, argument);
	return USAGE;
}

/* 0: go on; else the exit status plus one. */
static int read_option(struct options *o, int argc, char **argv, int *i)
{
	const char *name = argv[*i] + 1 + (argv[*i][1] == '-');

	if (strcmp(name, "help") == 0)
		return fputs(help, stdout) < 0 ? 2 : 1;
	if (strcmp(name, "version") == 0)
		return printf("postern-module-check %s\n", PACKAGE_VERSION) < 0 ? 2 : 1;
	for (size_t k = 0; k < sizeof(known) / sizeof(*known); k++) {
		if (strcmp(name, known[k].name) != 0)
			continue;
		if (known[k].flag)
			*(bool *)((char *)o + known[k].flag) = true;
		else if (++*i >= argc)
			return 1 + wrong_use(argv[*i - 1], " wants a value");
		else
			*(const char **)((char *)o + known[k].value) = argv[*i];
		return 0;
	}
	return 1 + wrong_use("unknown option ", argv[*i]);
}

static int read_options(struct options *o, int argc, char **argv)
{
	int rc = 0;

	for (int i = 1; i < argc && rc == 0; i++) {
		if (argv[i][0] == '-' && argv[i][1])
			rc = read_option(o, argc, argv, &i);
		else if (o->module)
			rc = 1 + wrong_use("one module at a time, not also ", argv[i]);
		else
			o->module = argv[i];
	}
	return rc == 0 && !o->module ? 1 + wrong_use("which module?", "") : rc;
}

/* ---- what is checked, and with which configuration ---- */

static int make_config(struct checker *c, const char *directory)
{
	static const char text[] = "hostname = check.invalid\nlocal_domains = example.org\nexternal = maildir:/nonexistent\n"
				   "internal = maildir:/nonexistent\nlog = stderr\nlog_level = error\n";
	const char *rules = arena_printf(&c->arena, "%s/rules", directory);
	struct error err = { 0 };

	c->config = arena_printf(&c->arena, "%s/postern.conf", directory);
	if (fs_replace(c->config, text, strlen(text), 0644, &err) == 0 && fs_replace(rules, "", 0, 0644, &err) == 0)
		return 0;
	fprintf(stderr, "postern-module-check: %s\n", err.text);
	return NO_INPUT;
}

static int find_module(struct checker *c, const char *module)
{
	const char *path = module;
	char *real;

	if (!strchr(module, '/'))
		path = arena_printf(&c->arena, "%s/%s", c->settings->module_directory, module);
	real = realpath(path, NULL);
	if (!real) {
		fprintf(stderr, "postern-module-check: %s: %s\n", path, strerror(errno));
		return NO_INPUT;
	}
	/* the name by which it was called is what many a program looks at */
	c->module = *path == '/' ? path : arena_strdup(&c->arena, real);
	free(real);
	return 0;
}

static int read_settings(struct checker *c)
{
	struct error err = { 0 };
	char *real = realpath(c->config, NULL);

	if (!real) {
		fprintf(stderr, "postern-module-check: %s: %s\n", c->config, strerror(errno));
		return NO_INPUT;
	}
	c->config = arena_strdup(&c->arena, real);
	free(real);
	if (config_read(c->config, NULL, 0, NULL, &c->settings, &err) < 0) {
		fprintf(stderr, "postern-module-check: %s\n", err.text);
		return NO_INPUT;
	}
	c->settings->log_level = "error";
	c->settings->module_timeout = (uint64_t)c->patience;
	return 0;
}

static int read_certificate(const char *path, X509 **out)
{
	FILE *f;

	if (!path)
		return 0;
	f = fopen(path, "re");
	*out = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	if (f)
		fclose(f);
	if (*out)
		return 0;
	fprintf(stderr, "postern-module-check: %s: no certificate in PEM\n", path);
	return NO_INPUT;
}

static int read_numbers(struct checker *c, const struct options *o)
{
	uint64_t seconds = 10;

	if (o->timeout && (!span_number(span_of(o->timeout), 3600, &seconds) || !seconds))
		return wrong_use("-timeout wants seconds, 1 to 3600, not ", o->timeout);
	c->patience = (int)(seconds * 1000);
	for (int r = 0; o->role && r < MODULE_ROLES; r++)
		if (strcmp(o->role, module_role_name((enum module_role)r)) == 0)
			c->role = (enum module_role)r;
	if (o->role && strcmp(o->role, module_role_name(c->role)) != 0)
		return wrong_use("-role is rules, keys or check, not ", o->role);
	return 0;
}

/* The first role in which it says hello. */
static bool guess_role(struct checker *c)
{
	for (int r = 0; r < MODULE_ROLES; r++) {
		struct conversation v;
		bool here;

		c->role = (enum module_role)r;
		here = open_conversation(c, &v, NULL) &&
		       strcmp(xml_attr_or(xml_root(v.document), "role", ""), module_role_name(c->role)) == 0;
		conversation_end(&v);
		if (here)
			return true;
	}
	return false;
}

/* The module alone in its role, for the questions that postern's own code asks. */
static void make_it_the_only_one(struct checker *c)
{
	struct config_list *const lists[MODULE_ROLES] = { &c->settings->rules_modules, &c->settings->keys_modules,
							  &c->settings->check_modules };
	const char **only = arena_array(&c->arena, 1, sizeof(*only));

	only[0] = c->module;
	for (int r = 0; r < MODULE_ROLES; r++)
		lists[r]->n = 0;
	*lists[c->role] = (struct config_list){ only, 1 };
}

static int prepare(struct checker *c, const struct options *o, const char *directory)
{
	int rc = read_numbers(c, o);

	c->config = o->config;
	c->address = o->address;
	c->own_address = o->own;
	if (rc == 0 && !o->config)
		rc = make_config(c, directory);
	if (rc == 0)
		rc = read_settings(c);
	if (rc == 0)
		rc = find_module(c, o->module);
	if (rc == 0)
		rc = read_certificate(o->good, &c->good);
	if (rc == 0)
		rc = read_certificate(o->bad, &c->bad);
	if (rc == 0 && !o->role && !guess_role(c)) {
		fprintf(stderr, "postern-module-check: %s says hello in no role; the last reason: %s\n", c->module, c->why);
		rc = 1;
	}
	if (rc == 0)
		make_it_the_only_one(c);
	return rc;
}

/* ---- */

static int run(struct checker *c, struct report *r, const char *only)
{
	static const struct chapter *const chapters[] = { &chapter_start, &chapter_frames, &chapter_requests, &chapter_rules,
							  &chapter_keys, &chapter_own, &chapter_check };

	report_begin(r, c);
	for (size_t k = 0; k < sizeof(chapters) / sizeof(*chapters); k++)
		for (size_t i = 0; i < chapters[k]->n; i++) {
			const struct point *p = &chapters[k]->points[i];

			if (!(p->roles & 1u << c->role) || (only && strcmp(only, p->chapter) != 0))
				continue;
			c->why[0] = '\0';
			report_point(r, p, p->find_out(c), c->why);
		}
	return report_end(r) ? 0 : 1;
}

static void release(struct checker *c, const char *directory)
{
	unlink(arena_printf(&c->arena, "%s/postern.conf", directory));
	unlink(arena_printf(&c->arena, "%s/rules", directory));
	rmdir(directory);
	X509_free(c->good);
	X509_free(c->bad);
	config_free(c->settings);
	arena_release(&c->arena);
}

int main(int argc, char **argv)
{
	char directory[] = "/tmp/postern-module-check.XXXXXX";
	struct options o = { 0 };
	struct checker c = { .role = ROLE_RULES };
	struct report r = { 0 };
	int rc = read_options(&o, argc, argv);

	if (rc)
		return rc - 1;
	signal(SIGPIPE, SIG_IGN);
	log_open("/dev/null", "postern-module-check", NULL); /* what postern's code would log stands in the report */
	openssl_load(NULL);
	openssl_start();
	openssl_complete(NULL);
	if (!mkdtemp(directory)) {
		fprintf(stderr, "postern-module-check: %s: %s\n", directory, strerror(errno));
		return NO_INPUT;
	}
	r.json = o.json;
	r.strict = o.strict;
	rc = prepare(&c, &o, directory);
	if (rc == 0)
		rc = run(&c, &r, o.only);
	release(&c, directory);
	return rc;
}
