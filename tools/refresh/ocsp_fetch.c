/* ocsp_fetch.c - ocsp-fetch: carries one OCSP request to a responder and its answer back, for check-path(8)
 *
 * usage: ocsp-fetch FILE URL MILLISECONDS PARENT < request
 *
 * PARENT is the process id of who asks, without whom it ends.
 * FILE is postern.conf: proxy, addresses that are allowed, bounds are postern-refresh's (refresh_...).  Writes "=" and the answer,
 * which nobody has looked at, or "!" and one line.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "build.h"
#include "common/ocsp_cache.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/openssl.h"
#include "refresh/fetch.h"

#define REQUEST_MAX ((size_t)16384)

static void on_done(struct fetch *f)
{
	*(bool *)f->of = true;
}

static int carry(const struct refresh_options *options, const char *url, struct span request, deadline until, struct buf *answer,
		 struct error *err)
{
	struct fetcher *fr;
	bool done = false;
	struct fetch f = { .url = url, .post = request, .post_type = "application/ocsp-request",
			   .accept = "application/ocsp-response", .limit = OCSP_CACHE_ANSWER_MAX, .done = on_done, .of = &done };
	int rc = fetcher_new(options, &fr, err);

	if (rc < 0)
		return rc;
	fetcher_add(fr, &f);
	fetcher_run(fr, until, NULL, NULL);
	if (!done || f.rc < 0)
		rc = error_set(err, f.rc < 0 ? f.rc : E_TEMP, "%s", f.error.text);
	else
		buf_add(answer, buf_str(&f.body), f.body.len);
	fetch_release(&f);
	fetcher_free(fr);
	return rc;
}

static int work(char **argv, struct buf *out, struct error *err)
{
	static struct refresh_options options;
	struct buf request = BUF_INIT;
	struct config *config = NULL;
	uint64_t milliseconds;
	deadline until;
	int rc;

	if (!span_number(span_of(argv[3]), 3600000, &milliseconds))
		return error_set(err, E_PERM, "\"%s\" are no milliseconds", argv[3]);
	until = deadline_in((int64_t)milliseconds);
	rc = config_read(argv[1], refresh_table, refresh_noptions, &options, &config, err);
	if (rc == 0)
		rc = fs_read_descriptor(STDIN_FILENO, "standard input", REQUEST_MAX, &request, err);
	if (rc == 0) {
		options.parallel = 1;
		rc = carry(&options, argv[2], span_from(buf_str(&request), request.len), until, out, err);
	}
	config_free(config);
	buf_release(&request);
	return rc;
}

/* Nobody would read the answer when check-path was killed; the argument is its process id, in case that was before this. */
static bool is_wanted(const char *parent)
{
	uint64_t pid;

	return span_number(span_of(parent), INT32_MAX, &pid) && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == (pid_t)pid;
}

int main(int argc, char **argv)
{
	struct buf out = BUF_INIT;
	struct error err = { 0 };
	int rc;

	if (argc == 2 && strcmp(argv[1], "-version") == 0)
		return puts("ocsp-fetch " PACKAGE_VERSION) < 0 ? 75 : 0;
	if (argc != 5) {
		bool asked = argc == 2 && strcmp(argv[1], "-help") == 0;
		fputs("usage: ocsp-fetch FILE URL MILLISECONDS PARENT < request\nA part of check-path; see check-path(8).\n",
		      asked ? stdout : stderr);
		return asked ? 0 : 64;
	}
	if (!is_wanted(argv[4]))
		return 75;
	signal(SIGPIPE, SIG_IGN);
	log_open("module", "ocsp-fetch", NULL);
	openssl_start();
	buf_addch(&out, '=');
	rc = work(argv, &out, &err);
	if (rc < 0) {
		buf_clear(&out);
		buf_addf(&out, "!%s", err.text);
	}
	fs_write_all(STDOUT_FILENO, out.data, out.len, NULL);
	buf_release(&out);
	return rc < 0 ? 75 : 0;
}
