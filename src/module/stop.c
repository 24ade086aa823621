/* stop.c - the end of the modules: asked by end of file, then killed, always reaped
 *
 * A module that has ended is looked at without being reaped first: as long as its process is there the number of its
 * group belongs to it, and what it left behind in that group can be killed without hitting a stranger.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/log.h"
#include "module/parts.h"

#define LEAVE_MS 1000 /* for one that we may not kill */
#define NAP 2 /* milliseconds between looks where the system has no pidfd_open() */

static void close_pipe(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void say_status(const struct module *p, const siginfo_t *si, bool forced)
{
	if (forced)
		log_warning("module %s: did not end by itself, killed", p->name);
	else if (p->killed)
		log_debug("module %s: ended", p->name);
	else if (si->si_code == CLD_KILLED && si->si_status == SIGPIPE) /* it spoke when nobody listened any more */
		log_debug("module %s: ended while it spoke", p->name);
	else if (si->si_code == CLD_KILLED && si->si_status == SIGKILL) /* by the process that talks, most likely */
		log_warning("module %s: was killed", p->name);
	else if (si->si_code != CLD_EXITED)
		log_error("module %s: died of signal %d (%s)", p->name, si->si_status, strsignal(si->si_status));
	else if (si->si_status != 0)
		log_warning("module %s: ended with status %d", p->name, si->si_status);
}

/* True when it has ended (and is reaped then). */
static bool reap(struct module *p, bool wait, bool forced)
{
	siginfo_t si = { 0 };
	int rc;

	do
		rc = waitid(P_PID, (id_t)p->pid, &si, WEXITED | WNOWAIT | (wait ? 0 : WNOHANG));
	while (rc < 0 && errno == EINTR);
	if (rc == 0 && si.si_pid == 0)
		return false;
	if (rc == 0) {
		kill(-p->pid, SIGKILL);
		while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
			;
		say_status(p, &si, forced);
	}
	p->pid = -1;
	return true;
}

static int open_pidfd(pid_t pid)
{
#ifdef SYS_pidfd_open
	return (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by definition */
#else
	(void)pid;
	return -1;
#endif
}

/* Sleeps until one ends or says something, or the time is over. */
static void wait_for_change(struct modules *m, struct pollfd *p, const int *pidfds, deadline until)
{
	int left = deadline_left(until);
	size_t n = modules_log_poll(m, p, m->n);

	for (size_t i = 0; i < m->n; i++) {
		if (m->items[i].pid < 0)
			continue;
		if (pidfds[i] >= 0)
			p[n++] = (struct pollfd){ .fd = pidfds[i], .events = POLLIN };
		else if (left > NAP)
			left = NAP;
	}
	poll(p, (nfds_t)n, left);
	modules_log(m);
}

static bool all_ended(struct modules *m)
{
	bool all = true;

	for (size_t i = 0; i < m->n; i++)
		if (m->items[i].pid > 0 && !reap(&m->items[i], false, false))
			all = false;
	return all;
}

static void wait_for_all(struct modules *m, int grace)
{
	deadline until = deadline_in(grace);
	struct pollfd *p = arena_array(&m->arena, 2 * m->n + 1, sizeof(*p));
	int *pidfds = arena_array(&m->arena, m->n + 1, sizeof(*pidfds));

	for (size_t i = 0; i < m->n; i++)
		pidfds[i] = m->items[i].pid > 0 ? open_pidfd(m->items[i].pid) : -1;
	while (!all_ended(m) && !deadline_over(until))
		wait_for_change(m, p, pidfds, until);
	for (size_t i = 0; i < m->n; i++)
		close_pipe(&pidfds[i]);
}

/* One that runs as another user is not ours to kill; it has seen the end of its input, and we must not wait for ever. */
static bool ends_by_itself(struct module *p)
{
	deadline until = deadline_in(LEAVE_MS);
	int fd = open_pidfd(p->pid);
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	siginfo_t si = { 0 };

	while (!deadline_over(until) && waitid(P_PID, (id_t)p->pid, &si, WEXITED | WNOWAIT | WNOHANG) == 0 && !si.si_pid)
		poll(&wait, fd >= 0, fd >= 0 ? deadline_left(until) : NAP);
	close_pipe(&fd);
	return si.si_pid != 0;
}

static void leave(struct module *p)
{
	log_error("module %s: process %d of another user does not end at the end of its input, and is left to itself", p->name, (int)p->pid);
	p->pid = -1;
}

void modules_stop(struct modules *m, int grace)
{
	for (size_t i = 0; i < m->n; i++) {
		close_pipe(&m->items[i].to);
		close_pipe(&m->items[i].from);
	}
	if (grace > 0)
		wait_for_all(m, grace);
	for (size_t i = 0; i < m->n; i++) {
		struct module *p = &m->items[i];

		if (p->pid > 0 && !reap(p, false, false)) {
			if (kill(-p->pid, SIGKILL) < 0 && errno == EPERM && !ends_by_itself(p))
				leave(p);
			else
				reap(p, true, grace > 0 && !p->killed);
		}
	}
	for (size_t i = 0; i < m->n; i++) {
		module_log_end(&m->items[i]);
		frame_reader_release(&m->items[i].in);
	}
	m->n = 0;
	arena_release(&m->arena);
}
