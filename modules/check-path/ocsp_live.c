/* ocsp_live.c - asks a responder by a program of its own
 *
 * check-path is started for every message and should not carry libcurl and TLS along for the few that ask; and what speaks to
 * strangers is another process, which can be ended at any moment.  ocsp-fetch reads the request on its standard input and writes
 * one byte and what follows it: "=" and the answer, or "!" and why there is none.
 */
#include "check-path/ocsp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ocsp_cache.h"
#include "lib/fs.h"

#define PIECE 4096

struct helper {
	pid_t pid;
	int in, out; /* our ends */
};

static int spawn(const char *program, char *const *arguments, struct helper *h, int theirs[2], struct error *err)
{
	static char *const environment[] = { NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t signals;
	int rc;

	sigemptyset(&signals);
	sigaddset(&signals, SIGPIPE);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, theirs[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, theirs[1], STDOUT_FILENO);
	posix_spawnattr_init(&how);
	posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigdefault(&how, &signals);
	rc = posix_spawn(&h->pid, program, &files, &how, arguments, environment);
	posix_spawnattr_destroy(&how);
	posix_spawn_file_actions_destroy(&files);
	return rc ? error_set(err, E_TEMP, "%s: %s", program, strerror(rc)) : 0;
}

static int start(const char *program, char *const *arguments, struct helper *h, struct error *err)
{
	int to[2], from[2], rc;

	*h = (struct helper){ -1, -1, -1 };
	if (pipe2(to, O_CLOEXEC) < 0)
		return error_set(err, E_TEMP, "pipe: %s", strerror(errno));
	if (pipe2(from, O_CLOEXEC) < 0) {
		close(to[0]);
		close(to[1]);
		return error_set(err, E_TEMP, "pipe: %s", strerror(errno));
	}
	rc = spawn(program, arguments, h, (int[]){ to[0], from[1] }, err);
	close(to[0]);
	close(from[1]);
	h->in = to[1];
	h->out = from[0];
	return rc;
}

static void end(struct helper *h)
{
	if (h->in >= 0)
		close(h->in);
	if (h->out >= 0)
		close(h->out);
	if (h->pid <= 0)
		return;
	kill(h->pid, SIGKILL); /* one that has ended does not mind */
	while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* All that it writes, until it ends or the time is over. */
static int listen_to(const struct helper *h, deadline until, struct buf *out, struct error *err)
{
	char bytes[PIECE];

	for (;;) {
		struct pollfd p = { .fd = h->out, .events = POLLIN };
		ssize_t n;

		if (deadline_over(until) || (poll(&p, 1, deadline_left(until)) == 0 && deadline_over(until)))
			return error_set(err, E_TEMP, "no answer in time");
		n = read(h->out, bytes, sizeof(bytes));
		if (n < 0 && errno != EINTR)
			return error_set(err, E_TEMP, "%s", strerror(errno));
		if (n == 0)
			return 0;
		if (n > 0 && out->len + (size_t)n > OCSP_CACHE_ANSWER_MAX + 1)
			return error_set(err, E_TEMP, "an answer of more than %zu bytes", OCSP_CACHE_ANSWER_MAX);
		if (n > 0)
			buf_add(out, bytes, (size_t)n);
	}
}

static int understand(const struct buf *said, struct buf *answer, struct error *err)
{
	if (said->len > 1 && said->data[0] == '=') {
		buf_add(answer, said->data + 1, said->len - 1);
		return 0;
	}
	if (said->len > 1 && said->data[0] == '!')
		return error_set(err, E_TEMP, "%s", said->data + 1);
	return error_set(err, E_TEMP, "ocsp-fetch ended without a word");
}

int ocsp_ask(const struct config *config, const char *url, struct span request, int64_t milliseconds, struct buf *answer,
	     struct error *err)
{
	struct buf program = BUF_INIT, time_text = BUF_INIT, self = BUF_INIT, said = BUF_INIT;
	deadline until = deadline_in(milliseconds);
	struct helper h;
	int rc;

	buf_addf(&program, "%s/ocsp-fetch", config->module_directory);
	buf_addf(&time_text, "%lld", (long long)milliseconds);
	buf_addf(&self, "%ld", (long)getpid()); /* ocsp-fetch ends with us */
	rc = start(program.data, (char *const[]){ program.data, (char *)(uintptr_t)config->file, (char *)(uintptr_t)url,
						  time_text.data, self.data, NULL }, &h, err);
	if (rc == 0)
		rc = fs_write_all(h.in, request.p, request.n, err); /* less than a pipe holds */
	if (rc == 0) {
		close(h.in);
		h.in = -1;
		rc = listen_to(&h, until, &said, err);
	}
	end(&h);
	if (rc == 0)
		rc = understand(&said, answer, err);
	buf_release(&program);
	buf_release(&time_text);
	buf_release(&self);
	buf_release(&said);
	return rc;
}
