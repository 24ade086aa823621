/* secret_program.c - a secret that a program says on its standard output */
#include "common/secret_program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/secret_file.h"
#include "lib/deadline.h"
#include "lib/mem.h"

#define WORDS_MAX 32

/* What it finds in its environment, whoever started us; and the directory of systemd's credentials, where there is one. */
static const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/", "SHELL=/bin/sh" };
static const char credentials[] = "CREDENTIALS_DIRECTORY";
#define NENVIRONMENT (sizeof(environment) / sizeof(*environment))

struct program {
	struct arena arena;
	char *words[WORDS_MAX + 1];
	const char *environment[NENVIRONMENT + 2];
	pid_t pid, parent;
	int from;
	deadline until;
	struct error *err;
};

static int split(struct program *p, const char *command)
{
	char *rest = arena_strdup(&p->arena, command);
	size_t n = 0;

	for (char *word; (word = strsep(&rest, " \t"));) {
		if (!*word)
			continue;
		if (n == WORDS_MAX)
			return error_set(p->err, E_CONFIG, "program: more than %d words", WORDS_MAX);
		p->words[n++] = word;
	}
	return n && *p->words[0] == '/' ? 0 : error_set(p->err, E_CONFIG, "program: \"%s\" is not an absolute path", n ? p->words[0] : "");
}

static void make_environment(struct program *p)
{
	const char *directory = getenv(credentials);

	memcpy(p->environment, environment, sizeof(environment));
	if (directory)
		p->environment[NENVIRONMENT] = arena_printf(&p->arena, "%s=%s", credentials, directory);
}

static _Noreturn void become(const struct program *p, int out)
{
	int in = open("/dev/null", O_RDONLY);
	sigset_t none;

	for (int s = 1; s < 32; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != p->parent) /* died before the prctl */
		_exit(126);
	if (in < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(126);
	close_range(3, ~0U, 0);
	execve(p->words[0], p->words, (char *const *)(uintptr_t)p->environment);
	_exit(127);
}

static int start(struct program *p)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set(p->err, E_TEMP, "program: pipe: %s", strerror(errno));
	make_environment(p);
	p->parent = getpid();
	p->pid = fork();
	if (p->pid == 0)
		become(p, ends[1]);
	close(ends[1]);
	p->from = ends[0];
	if (p->pid > 0)
		return 0;
	close(p->from);
	return error_set(p->err, E_TEMP, "program %s: %s", p->words[0], strerror(errno));
}

/* To the end of its output. */
static int listen_to(struct program *p, struct buf *out)
{
	struct pollfd in = { .fd = p->from, .events = POLLIN };

	buf_reserve(out, SECRET_MAX + 1); /* at once: growing would leave copies */
	for (;;) {
		int ready = poll(&in, 1, deadline_left(p->until));
		ssize_t n;

		if (ready == 0)
			return error_set(p->err, E_TEMP, "program %s: has said nothing whole within %d s", p->words[0], SECRET_PROGRAM_MS / 1000);
		n = ready > 0 ? read(p->from, out->data + out->len, SECRET_MAX + 1 - out->len) : -1;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(p->err, E_TEMP, "program %s: %s", p->words[0], strerror(errno));
		if (n == 0)
			break;
		out->len += (size_t)n;
		if (out->len > SECRET_MAX)
			return error_set(p->err, E_CONFIG, "program %s: has said more than %zu bytes", p->words[0], SECRET_MAX);
	}
	out->data[out->len] = '\0';
	return 0;
}

/* It has closed its output, so it is at its end; who is not within the time is ended.  It is looked at before it is reaped: as long as
 * its process is there the number of its group belongs to it. */
static int reap(struct program *p, int rc)
{
	struct timespec nap = { 0, 2000000 };
	siginfo_t si = { 0 };

	while (rc == 0 && waitid(P_PID, (id_t)p->pid, &si, WEXITED | WNOWAIT | WNOHANG) == 0 && !si.si_pid && !deadline_over(p->until))
		nanosleep(&nap, NULL);
	kill(-p->pid, SIGKILL);
	while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (rc < 0)
		return rc;
	if (!si.si_pid)
		return error_set(p->err, E_TEMP, "program %s: does not end", p->words[0]);
	if (si.si_code == CLD_EXITED && si.si_status == 127)
		return error_set(p->err, E_CONFIG, "program %s: cannot be run", p->words[0]);
	if (si.si_code != CLD_EXITED || si.si_status)
		return error_set(p->err, E_TEMP, "program %s: %s %d", p->words[0], si.si_code == CLD_EXITED ? "ended with status" : "died of signal",
				 si.si_status);
	return 0;
}

int secret_program_read(const char *command, struct buf *out, struct error *err)
{
	struct program p = { .until = deadline_in(SECRET_PROGRAM_MS), .err = err };
	int rc = split(&p, command);

	if (rc == 0)
		rc = start(&p);
	if (rc == 0) {
		rc = reap(&p, listen_to(&p, out));
		close(p.from);
	}
	arena_release(&p.arena);
	return rc;
}
