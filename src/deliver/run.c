/* run.c - starts a program, gives it the message, keeps the beginning of what it says
 *
 * The message is a file, never a pipe: a pipe ends when we do.  A mail server that kills us at its time limit
 * (Postfix: SIGKILL) would then make the program take half a message for a whole one and deliver that.
 */
#include "deliver/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "deliver/copy.h"

#define SLICE 20          /* milliseconds between looks where the kernel has no pidfd */
#define GRACE 1000        /* from SIGTERM to SIGKILL */

struct running {
	pid_t pid;
	int pidfd;  /* -1: none */
	int output; /* its stdout and stderr; -1: closed */
};

static const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/", "SHELL=/bin/sh", NULL };

static void close_once(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void unblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static int spawn(struct running *r, const char *const *argv, int in, int out)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
	posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
#endif
#endif
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	rc = posix_spawn(&r->pid, argv[0], &actions, &attributes, (char *const *)(uintptr_t)argv,
			 (char *const *)(uintptr_t)environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* A pipe whose ends cannot collide with 0, 1 and 2, which the child's dup2 overwrites. */
static int safe_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		int fd = ends[i] > STDERR_FILENO ? ends[i] : fcntl(ends[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

		if (fd < 0)
			return -1;
		if (fd != ends[i])
			close(ends[i]);
		ends[i] = fd;
	}
	return 0;
}

/* The whole message as its standard input, read from the beginning.  In memory: there it cannot be cut short. */
static int make_input(const struct segment *segments, size_t n, struct error *err)
{
	int fd = memfd_create("message", MFD_CLOEXEC), high, rc;

	if (fd >= 0 && fd <= STDERR_FILENO) {
		high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		close(fd);
		fd = high;
	}
	if (fd < 0)
		return error_set(err, E_TEMP, "no memory for the message: %s", strerror(errno));
	rc = copy_to_file(fd, segments, n, err);
	if (rc == 0 && lseek(fd, 0, SEEK_SET) < 0)
		rc = error_set(err, E_TEMP, "the message: %s", strerror(errno));
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

static int start(struct running *r, const char *const *argv, int input, struct error *err)
{
	int out[2] = { -1, -1 };
	int rc;

	r->pid = -1;
	r->pidfd = r->output = -1;
	rc = safe_pipe(out) < 0 ? errno : spawn(r, argv, input, out[1]);
	close_once(&out[1]);
	if (rc) {
		close_once(&out[0]);
		return error_set(err, E_TEMP, "%s: cannot be started: %s", argv[0], strerror(rc));
	}
	r->output = out[0];
	unblock(r->output);
	r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	return 0;
}

/* Whatever is there now; beyond the bound it is read and dropped, so that the program never blocks on us. */
static void take_output(struct running *r, struct buf *output)
{
	char piece[4096];
	ssize_t k;

	while (r->output >= 0 && (k = read(r->output, piece, sizeof(piece))) != 0) {
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0) {
			if (errno != EAGAIN)
				close_once(&r->output);
			return;
		}
		if (output->len < RUN_OUTPUT_MAX) {
			size_t room = RUN_OUTPUT_MAX - output->len;

			buf_add(output, piece, (size_t)k < room ? (size_t)k : room);
		}
	}
	close_once(&r->output);
}

static bool ended(struct running *r, int *status)
{
	pid_t pid = waitpid(r->pid, status, WNOHANG);

	if (pid != r->pid && !(pid < 0 && errno == ECHILD))
		return false;
	if (pid < 0)
		*status = -1; /* somebody else reaped it, its word is lost: neither exited nor signalled */
	r->pid = -1;
	return true;
}

static void wait_for_events(struct running *r, deadline until)
{
	struct pollfd p[2] = { { .fd = r->output, .events = POLLIN }, { .fd = r->pidfd, .events = POLLIN } };
	int left = deadline_left(until);

	poll(p, 2, r->pidfd < 0 && left > SLICE ? SLICE : left);
}

/* The group, not just the program: what it started must not go on after we have said that it failed. */
static void end_group(struct running *r)
{
	deadline grace = deadline_in(GRACE);
	pid_t group = r->pid;
	int status;

	kill(-group, SIGTERM);
	while (!ended(r, &status) && !deadline_over(grace))
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	kill(-group, SIGKILL);
	if (r->pid > 0)
		waitpid(r->pid, &status, 0);
	r->pid = -1;
}

static int watch(struct running *r, deadline until, struct run_result *out, struct error *err)
{
	while (!ended(r, &out->status)) {
		if (deadline_over(until)) {
			end_group(r);
			return error_set(err, E_TEMP, "no end before the deadline");
		}
		wait_for_events(r, until);
		take_output(r, &out->output);
	}
	take_output(r, &out->output);
	return 0;
}

int run_program(const char *const *argv, const struct segment *segments, size_t n, deadline until,
		struct run_result *out, struct error *err)
{
	struct running r;
	int input = make_input(segments, n, err), rc;

	*out = (struct run_result){ .status = -1 };
	if (input < 0)
		return input;
	rc = start(&r, argv, input, err);
	if (rc == 0) {
		rc = watch(&r, until, out, err);
		/* the position is the program's, too */
		out->fed = lseek(input, 0, SEEK_CUR) == (off_t)segments_length(segments, n);
		close_once(&r.output);
		close_once(&r.pidfd);
	}
	close(input);
	return rc;
}
