/* main.c - postern-refresh(8): revocation lists, intermediates and OCSP answers ahead of time, so that no mail waits for them */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "build.h"
#include "common/owner.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/openssl.h"
#include "refresh/place.h"
#include "refresh/run.h"

#define EXIT_USAGE 64
#define EXIT_LATER 75

static const char help[] =
	"usage: postern-refresh -c FILE [-once] [-n] [-import DIR] [-json] [-verbose]\n"
	"       postern-refresh -help | -version\n\n"
	"Fetches what checks of certificates need, before they need it: CRLs, missing intermediates, OCSP answers.\n"
	"  -c FILE       postern.conf\n"
	"  -once         everything is asked for now, whatever is fresh or has failed before\n"
	"  -n            nothing is fetched or changed: says what would be\n"
	"  -import DIR   files of this folder, checked in the same way; no server is asked\n"
	"  -json         a report on standard output\n"
	"  -verbose      a line for everything, not only for failures\n"
	"exit status: 0 all is fresh, 1 something is missing, 2 something has expired, 64 usage, 75 could not run\n"
	"See postern-refresh(8).\n";

struct arguments {
	const char *config, *import;
	bool once, dry, json, verbose, help, version;
};

static bool *flag_of(struct arguments *a, const char *name)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = { { "once", &a->once }, { "n", &a->dry }, { "json", &a->json }, { "verbose", &a->verbose },
		      { "help", &a->help }, { "version", &a->version } };

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (strcmp(flags[i].name, name) == 0)
			return flags[i].flag;
	return NULL;
}

/* false: said on standard error. */
static bool read_arguments(struct arguments *a, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *name = argv[i][0] == '-' ? argv[i] + 1 + (argv[i][1] == '-') : "";
		const char **value = strcmp(name, "c") == 0 ? &a->config : strcmp(name, "import") == 0 ? &a->import : NULL;
		bool *flag = flag_of(a, name);

		if (flag) {
			*flag = true;
		} else if (value && i + 1 < argc) {
			*value = argv[++i];
		} else {
			fprintf(stderr, "postern-refresh: %s %s; try -help\n", argv[i], value ? "needs a value" : "is no option");
			return false;
		}
	}
	if (!a->config && !a->help && !a->version)
		fprintf(stderr, "postern-refresh: -c FILE is missing; try -help\n");
	return a->config || a->help || a->version;
}

static int could_not(const struct error *err)
{
	fprintf(stderr, "postern-refresh: %s\n", err->text);
	return EXIT_LATER;
}

static char *state_path(struct run *r)
{
	return arena_printf(&r->arena, "%s/refresh/state", r->config->spool);
}

static int prepare(struct run *r, struct error *err)
{
	int rc = fs_check_user(r->config->spool, err);

	if (rc == 0 && !r->dry)
		rc = place_lock(r->config, err);
	if (rc == 0 && !r->dry) {
		place_clean(r->config, "crl");
		place_clean(r->config, "ca");
	}
	if (rc == 0)
		rc = state_read(&r->state, state_path(r), err);
	if (rc == 0)
		rc = area_open(r->config, "ca", &r->ca, err);
	if (rc == 0)
		rc = area_open(r->config, "crl", &r->crl, err);
	if (rc == 0)
		rc = fetcher_new(r->options, &r->fetcher, err);
	return rc;
}

static void release(struct run *r)
{
	fetcher_free(r->fetcher);
	signers_forget(r);
	area_close(r->ca);
	area_close(r->crl);
	state_release(&r->state);
	set_release(&r->by_key);
	set_release(&r->subjects);
	arena_release(&r->arena);
}

static int run_once(struct run *r, const char *import)
{
	struct error err = { 0 };
	int rc = prepare(r, &err), status;

	if (rc == 0)
		rc = work(r, import, &err);
	if (rc == 0 && !r->dry)
		rc = area_warm(r->crl, &err); /* so that no message waits for a long list to be read */
	if (rc == 0 && !r->dry)
		rc = state_write(&r->state, state_path(r), r->now, &err);
	if (rc < 0)
		return could_not(&err);
	status = report_status(r);
	if (r->json)
		report_json(r, status);
	else if (r->verbose || r->progress)
		report_text(r, status);
	return fflush(stdout) == 0 ? status : EXIT_LATER;
}

static int start(const struct arguments *a)
{
	static struct refresh_options options;
	struct error err = { 0 };
	struct config *config;
	struct run r = { .options = &options, .once = a->once, .dry = a->dry, .json = a->json, .verbose = a->verbose };
	int status;

	if (config_read(a->config, refresh_table, refresh_noptions, &options, &config, &err) < 0)
		return could_not(&err);
	if (owner_differs(config) && owner_become(config, &err) < 0) {
		config_free(config);
		return could_not(&err);
	}
	if (a->import)
		options.network = false;
	r.config = config;
	r.now = time(NULL);
	r.end = &r.sources;
	r.until = deadline_in((int64_t)options.deadline);
	r.progress = isatty(STDERR_FILENO) && !a->dry;
	status = run_once(&r, a->import ? a->import : options.import);
	release(&r);
	config_free(config);
	return status;
}

int main(int argc, char **argv)
{
	struct arguments a = { 0 };

	if (!read_arguments(&a, argc, argv))
		return EXIT_USAGE;
	if (a.help)
		return fputs(help, stdout) < 0 ? EXIT_LATER : 0;
	if (a.version)
		return printf("postern-refresh %s\n", PACKAGE_VERSION) < 0 ? EXIT_LATER : 0;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	log_open("stderr", "postern-refresh", NULL);
	log_set_level(LOG_LEVEL_WARNING);
	openssl_start();
	return start(&a);
}
