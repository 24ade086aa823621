/* child.c - the wall: stages that parse the message run in a forked child that holds nothing else */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/fs.h"
#include "lib/log.h"
#include "lib/openssl.h"
#include "record.h"
#include "routes.h"

#define RECORD_MAX ((size_t)64 * 1024 * 1024)

/* Keeps the descriptors in keep[] (any order), closes every other from 3 on. */
static void close_others(const int *keep, size_t n)
{
	int above = 2;

	for (;;) {
		int next = -1;

		for (size_t i = 0; i < n; i++)
			if (keep[i] > above && (next < 0 || keep[i] < next))
				next = keep[i];
		if (next < 0)
			break;
		if (next > above + 1)
			close_range((unsigned)above + 1, (unsigned)next - 1, 0);
		above = next;
	}
	close_range((unsigned)above + 1, ~0U, 0);
}

static void shut_in(const struct work *w, int record, pid_t parent)
{
	const int own[] = { w->message_fd, w->scratch_fd, w->output_fd, record };
	int *keep = arena_array(w->arena, 5 + 2 * w->modules->n, sizeof(*keep));
	size_t n = sizeof(own) / sizeof(own[0]);

	memcpy(keep, own, sizeof(own));
	for (size_t i = 0; i < w->modules->n; i++) {
		keep[n++] = w->modules->items[i].to;
		keep[n++] = w->modules->items[i].from;
	}
	if (log_descriptor() > 2)
		keep[n++] = log_descriptor();
	close_others(keep, n);
	log_reopen();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* died before the prctl */
		_exit(1);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
}

static _Noreturn void run_child(struct work *w, int record, pid_t parent)
{
	struct buf bytes = BUF_INIT;
	int rc;

	shut_in(w, record, parent);
	openssl_begin();
	routes_plan(w);
	record_write(w->plan, &bytes);
	rc = fs_write_all(record, bytes.data, bytes.len, NULL);
	_exit(rc < 0 ? 1 : 0);
}

/* Reads the record to its end, logging what the modules say meanwhile. */
static int collect(struct work *w, int record, struct buf *bytes, struct error *err)
{
	struct pollfd *p = arena_array(w->arena, 1 + w->modules->n, sizeof(*p));
	nfds_t n = 0;

	p[n++] = (struct pollfd){ .fd = record, .events = POLLIN };
	for (size_t i = 0; i < w->modules->n; i++)
		p[n++] = (struct pollfd){ .fd = w->modules->items[i].log, .events = POLLIN };
	for (;;) {
		int ready = poll(p, n, deadline_left(w->until));
		ssize_t k;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return error_set(err, E_TEMP, "the deadline is over before the message was worked through");
		for (nfds_t i = 1; i < n; i++) {
			if (!p[i].revents)
				continue;
			modules_log(w->modules);
			if (!(p[i].revents & POLLIN) || w->modules->items[i - 1].log < 0)
				p[i].fd = -1;
		}
		if (!p[0].revents)
			continue;
		if (bytes->len > RECORD_MAX)
			return error_set(err, E_TEMP, "plan record is too long");
		buf_reserve(bytes, 16384);
		k = read(record, bytes->data + bytes->len, 16384);
		if (k < 0 && errno != EINTR)
			return error_set(err, E_TEMP, "reading the plan record failed");
		if (k == 0)
			return 0;
		bytes->len += k > 0 ? (size_t)k : 0;
	}
}

/* It closes the record at its very end; one that lives on afterwards is no longer ours. */
static bool ends_in_time(pid_t pid, deadline until)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int ready = 1;

	if (fd < 0)
		return true; /* Linux before 5.3: wait for it */
	do
		ready = poll(&p, 1, deadline_left(until));
	while (ready < 0 && errno == EINTR);
	close(fd);
	return ready > 0;
}

static int reap(pid_t pid, bool kill_first, deadline until, struct error *err)
{
	int status;

	if (!kill_first && !ends_in_time(pid, until)) {
		error_set(err, E_TEMP, "the working process did not end before the deadline; the message is kept");
		kill_first = true;
	}
	if (kill_first)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_set(err, E_TEMP, "waitpid failed");
	if (kill_first)
		return E_TEMP;
	if (WIFSIGNALED(status))
		return error_set(err, E_TEMP, "the working process died of signal %d; the message is kept", WTERMSIG(status));
	if (WEXITSTATUS(status))
		return error_set(err, E_TEMP, "the working process ended with status %d; the message is kept", WEXITSTATUS(status));
	return 0;
}

static int read_plan(struct work *w, const struct buf *bytes, struct error *err)
{
	struct record_limits limits = { .message = w->message_size };
	struct stat st;
	int rc;

	if (fstat(w->output_fd, &st) < 0)
		return error_set(err, E_TEMP, "the output file is gone");
	limits.output = (uint64_t)st.st_size;
	rc = record_read(span_from(bytes->data, bytes->len), w->arena, &limits, w->plan, err);
	return rc < 0 ? rc : record_check(w->plan, w->config, w->envelope, err);
}

int child_run(struct work *w, struct error *err)
{
	struct buf bytes = BUF_INIT;
	pid_t pid, parent = getpid();
	int record[2], rc;

	if (pipe2(record, O_CLOEXEC) < 0)
		return error_set(err, E_TEMP, "no pipe for the plan record");
	tzset(); /* reads its file before the child would */
	pid = fork();
	if (pid == 0) {
		close(record[0]);
		run_child(w, record[1], parent);
	}
	close(record[1]);
	if (pid < 0) {
		close(record[0]);
		return error_set(err, E_TEMP, "no process for the message");
	}
	rc = collect(w, record[0], &bytes, err);
	close(record[0]);
	rc = reap(pid, rc < 0, w->until, rc < 0 ? NULL : err) < 0 ? E_TEMP : rc;
	if (rc == 0)
		rc = read_plan(w, &bytes, err);
	buf_release(&bytes);
	return rc;
}
