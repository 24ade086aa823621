/* main.c - postern-cert(8): a certificate's life in the operator's hands */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "build.h"
#include "cert/site.h"
#include "lib/log.h"
#include "lib/openssl.h"

#define ANY_NUMBER ((size_t)-1)

const struct command commands[] = {
	{ "list", "", 0, 0, true, run_list, "the certificates of an area (all but private and ca by default)" },
	{ "show", "CERT...", 1, ANY_NUMBER, false, run_show, "what is in certificates" },
	{ "find", "ADDRESS", 1, 1, true, run_find, "certificates that serve an address, wherever they are" },
	{ "verify", "CERT", 1, 1, false, run_verify, "the verdict, with path, revocation and reason" },
	{ "import", "FILE|FOLDER...", 1, ANY_NUMBER, true, run_import, "certificates into an area (public by default)" },
	{ "publish", "CERT...", 1, ANY_NUMBER, true, run_publish, "checks, then moves from seen to public" },
	{ "trust", "CERT...", 1, ANY_NUMBER, true, run_trust, "copies to trusted: always valid" },
	{ "distrust", "CERT...", 1, ANY_NUMBER, true, run_distrust, "copies to untrusted: never valid" },
	{ "forget", "CERT...", 1, ANY_NUMBER, true, run_forget, "takes them out of an area (public and seen by default)" },
	{ "expiring", "DAYS", 1, 1, true, run_expiring, "addresses whose last certificate ends within so many days" },
	{ "pseudonym", "ADDRESS|FILE", 1, 1, true, run_pseudonym, "what stands for it in the verify log" },
	{ "smimea", "FILE...", 1, ANY_NUMBER, false, run_smimea, "the DNS records that publish certificates" },
};
const size_t ncommands = sizeof(commands) / sizeof(*commands);

int exit_of(int code)
{
	static const struct { int code, exit; } table[] = {
		{ 0, EXIT_GOOD },           { E_PERM, EXIT_DATA },    { E_LIMIT, EXIT_DATA },
		{ E_NOTFOUND, EXIT_NO_INPUT }, { E_CONFIG, EXIT_CONFIGURATION },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (table[i].code == code)
			return table[i].exit;
	return EXIT_TEMPORARY;
}

int complain(const struct error *err)
{
	fflush(stdout);
	fprintf(stderr, "postern-cert: %s\n", err->text);
	return exit_of(err->code);
}

static bool asks(int argc, char **argv, const char *word)
{
	for (int i = 1; i < argc; i++)
		if (argv[i][0] == '-' && strcmp(argv[i] + 1 + (argv[i][1] == '-'), word) == 0)
			return true;
	return false;
}

bool has_no_site(const struct tool *t)
{
	return !t->config_file && access(POSTERN_CONF, F_OK) != 0 && errno == ENOENT;
}

int read_config(struct tool *t, struct error *err)
{
	if (has_no_site(t))
		return error_set(err, E_CONFIG, "there is no %s; name the site's with -c", POSTERN_CONF);
	return config_read(t->config_file ? t->config_file : POSTERN_CONF, check_options, check_noptions, &t->policy, &t->config, err);
}

int main(int argc, char **argv)
{
	struct tool t = { .arena = ARENA_INIT };
	struct error err = { 0 };
	int rc, code;

	signal(SIGPIPE, SIG_DFL);
	log_open("module", "postern-cert", NULL); /* "warning: text" on standard error */
	log_set_level(LOG_LEVEL_WARNING);
	if (asks(argc, argv, "help")) {
		options_help();
		return EXIT_GOOD;
	}
	if (asks(argc, argv, "version")) {
		printf("postern-cert " PACKAGE_VERSION "\n");
		return EXIT_GOOD;
	}
	if (options_read(&t, argc, argv, &err) < 0) {
		complain(&err);
		arena_release(&t.arena);
		return EXIT_USAGE;
	}
	openssl_load(NULL);
	openssl_start();
	rc = t.command->needs_config ? read_config(&t, &err) : 0;
	code = rc < 0 ? complain(&err) : t.command->run(&t);
	if (fflush(stdout) != 0 && code == EXIT_GOOD)
		code = EXIT_TEMPORARY;
	site_close(&t);
	config_free(t.config);
	arena_release(&t.arena);
	return code;
}
