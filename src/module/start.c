/* start.c - module processes: started cheaply, with nothing of ours in their hands
 *
 * A message pays for every process it starts, so a module is started with vfork(): no page table of the parent
 * is copied.  posix_spawn() does the same inside, but has no place for the died-with-parent signal, and a module
 * that outlives a killed postern (in the middle of a slow look-up, say) would go on working for nobody.  Between
 * vfork() and execve() the child only makes system calls, with all signals blocked until their handlers are gone: it
 * shares our memory.  A module that is in this very program is forked and not executed (inside.c).
 */
#include "module/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "build.h"
#include "lib/log.h"

static const char *const role_names[MODULE_ROLES] = { "rules", "keys", "check" };

const char *module_role_name(enum module_role role)
{
	return role_names[role];
}

/* What the child needs, and what it tells: memory is shared until it execs. */
struct birth {
	const char *path;
	module_main *run; /* NULL: it is to be executed */
	char *const *environment;
	int in, out, log;   /* its ends of the pipes, all above 2 */
	pid_t parent;
	volatile int failed; /* errno of what did not work */
};

static void close_others(void)
{
#ifdef __GLIBC__
#if __GLIBC_PREREQ(2, 34)
	if (close_range(3, ~0u, 0) == 0)
		return;
#endif
#endif
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
}

static void default_signals(void)
{
	sigset_t none;

	for (int s = 1; s < 32; s++) {
#ifdef __SANITIZE_ADDRESS__ /* it reports these itself, also where a module is forked and not executed */
		if (s == SIGSEGV || s == SIGBUS || s == SIGFPE)
			continue;
#endif
		signal(s, SIG_DFL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become_module(struct birth *b)
{
	char *const argv[] = { (char *)(uintptr_t)b->path, NULL };

	default_signals();
	if (setpgid(0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || dup2(b->in, 0) < 0 || dup2(b->out, 1) < 0 ||
	    dup2(b->log, 2) < 0 || chdir("/") < 0)
		goto out;
	if (getppid() != b->parent) /* died before the prctl */
		_exit(127);
	close_others();
	if (b->run)
		module_run_inside(b->run, b->path, b->environment);
	execve(b->path, argv, b->environment);
out:
	b->failed = errno;
	_exit(127);
}

/* The child's process id, or -1 and errno. */
static pid_t give_birth(struct birth *b)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	if (b->run)
		fflush(NULL); /* what waits in our streams must not come out of the child as well */
	pid = b->run ? fork() : vfork();
	if (pid == 0)
		become_module(b);
	if (b->run && pid > 0)
		setpgid(pid, pid); /* it does so, too; but whoever kills its group may come before */
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

/* A pipe with both ends above 2, so that the child's dup2() hits none of them; close-on-exec. */
static int make_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		int high;

		if (ends[i] > 2)
			continue;
		high = fcntl(ends[i], F_DUPFD_CLOEXEC, 3);
		close(ends[i]);
		ends[i] = high;
	}
	if (ends[0] >= 0 && ends[1] >= 0)
		return 0;
	close(ends[0]);
	close(ends[1]);
	return -1;
}

static int make_pipes(int pipes[3][2])
{
	for (int i = 0; i < 3; i++)
		pipes[i][0] = pipes[i][1] = -1;
	for (int i = 0; i < 3; i++)
		if (make_pipe(pipes[i]) < 0)
			return -1;
	return 0;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int find_program(struct modules *m, const char *name, const char **path, struct error *err)
{
	*path = name;
	if (*name == '/')
		return 0;
	if (strchr(name, '/'))
		return error_set(err, E_CONFIG, "module %s: the name has a slash but is no absolute path", name);
	*path = arena_printf(&m->arena, "%s/%s", m->config->module_directory, name);
	return 0;
}

static const char *why_not_started(const char *path, int failed)
{
	if (failed == ENOENT && access(path, F_OK) == 0)
		return "the interpreter in its first line does not exist";
	if (failed == ENOEXEC)
		return "it is neither a program nor a script with #! in its first line";
	if (failed == EACCES && access(path, F_OK) == 0)
		return "it may not be executed";
	return strerror(failed);
}

int module_run(struct module *p, const char *path, char *const *environment, struct error *err)
{
	struct birth b = { .path = path, .run = module_inside(path), .environment = environment, .parent = getpid() };
	int pipes[3][2];
	int rc = 0;

	if (make_pipes(pipes) < 0) {
		rc = error_set(err, E_TEMP, "module %s: pipe: %s", p->name, strerror(errno));
		goto out;
	}
	b.in = pipes[0][0];
	b.out = pipes[1][1];
	b.log = pipes[2][1];
	p->pid = give_birth(&b);
	if (p->pid < 0) {
		rc = error_set(err, E_TEMP, "module %s: cannot make a process: %s", p->name, strerror(errno));
		goto out;
	}
	p->to = pipes[0][1];
	p->from = pipes[1][0];
	p->log = pipes[2][0];
	pipes[0][1] = pipes[1][0] = pipes[2][0] = -1;
	fcntl(p->to, F_SETFL, O_NONBLOCK);
	fcntl(p->from, F_SETFL, O_NONBLOCK);
	fcntl(p->log, F_SETFL, O_NONBLOCK);
	if (b.failed) {
		p->killed = true;
		rc = error_set(err, E_CONFIG, "module %s: %s: %s", p->name, path, why_not_started(path, b.failed));
	}
out:
	for (int i = 0; i < 3; i++) {
		close_end(&pipes[i][0]);
		close_end(&pipes[i][1]);
	}
	return rc;
}

/* The module stands in another directory than we: the configuration's path has to be absolute. */
static const char *config_path(struct modules *m)
{
	const char *file = m->config->file, *slash = strrchr(file, '/');

	if (*file == '/')
		return file;
	return arena_printf(&m->arena, "%s/%s", m->config->config_directory, slash ? slash + 1 : file);
}

/* Fails where the hello cannot be said at all.  A module that has ended already is noticed when it is asked. */
static int send_hello(struct modules *m, struct module *p, struct error *err)
{
	struct xml_writer w;
	struct span document;
	int rc;

	xml_writer_init(&w);
	xml_open(&w, "hello");
	xml_put(&w, "protocol", "1.1");
	xml_put(&w, "role", module_role_name(p->role));
	xml_put(&w, "postern", PACKAGE_VERSION);
	xml_put(&w, "config", config_path(m));
	xml_put(&w, "queue-id", m->queue_id);
	xml_put(&w, "log-level", m->config->log_level);
	xml_putf(&w, "deadline", "%d", deadline_left(m->until));
	xml_put(&w, "operations", m->narrow[p->role]);
	xml_close(&w);
	rc = xml_finish(&w, &document, err);
	if (rc < 0)
		rc = error_set(err, E_CONFIG, "module %s: the hello cannot be written, is %s UTF-8?", p->name, m->config->file);
	else if (frame_write(p->to, document, m->until, NULL) < 0)
		log_debug("module %s: the hello could not be written", p->name);
	xml_writer_release(&w);
	return rc;
}

static const struct config_list *names_of(const struct config *c, enum module_role role)
{
	const struct config_list *const lists[MODULE_ROLES] = { &c->rules_modules, &c->keys_modules, &c->check_modules };

	return lists[role];
}

static int start_one(struct modules *m, enum module_role role, const char *name, char *const *environment,
		     struct error *err)
{
	struct module *p = &m->items[m->n++];
	const char *path;
	int rc;

	*p = (struct module){ .name = name, .role = role, .pid = -1, .to = -1, .from = -1, .log = -1, .next_id = 1 };
	rc = find_program(m, name, &path, err);
	if (rc == 0)
		rc = module_run(p, path, environment, err);
	frame_reader_init(&p->in, p->from, m->config->frame_limit);
	return rc;
}

char *const *module_environment(struct arena *arena)
{
	const char *zone = getenv("TZ"), *credentials = getenv("CREDENTIALS_DIRECTORY");
	char **environment = arena_array(arena, 5, sizeof(*environment));
	size_t n = 2;

	environment[0] = arena_strdup(arena, "PATH=/usr/local/bin:/usr/bin:/bin");
	environment[1] = arena_strdup(arena, "LANG=C.UTF-8");
	if (zone)
		environment[n++] = arena_printf(arena, "TZ=%s", zone);
	if (credentials && *credentials == '/')
		environment[n++] = arena_printf(arena, "CREDENTIALS_DIRECTORY=%s", credentials);
	return environment;
}

static int start_role(struct modules *m, enum module_role role, struct error *err)
{
	const struct config_list *names = names_of(m->config, role);
	char *const *environment = module_environment(&m->arena);
	size_t first = m->n;
	int rc = 0;

	for (size_t i = 0; i < names->n && rc == 0; i++)
		rc = start_one(m, role, names->items[i], environment, err);
	for (size_t i = first; i < m->n && rc == 0; i++)
		rc = send_hello(m, &m->items[i], err);
	return rc;
}

int modules_start(struct modules *m, const struct config *config, unsigned roles, const char *const narrow[MODULE_ROLES],
		  const char *queue_id, deadline until, struct error *err)
{
	int rc = 0;

	*m = (struct modules){ .config = config, .until = until, .owner = getpid() };
	m->queue_id = request_text(&m->arena, queue_id);
	for (int r = 0; r < MODULE_ROLES; r++)
		m->narrow[r] = arena_strdup(&m->arena, narrow && narrow[r] ? narrow[r] : "");
	m->items = arena_array(&m->arena, config->rules_modules.n + config->keys_modules.n + config->check_modules.n + 1,
			       sizeof(*m->items));
	/* writing to a module that has died must be an error, not our death */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return error_set(err, E_TEMP, "signal: %s", strerror(errno));
	for (enum module_role r = 0; r < MODULE_ROLES && rc == 0; r++)
		if (roles & 1u << r)
			rc = start_role(m, r, err);
	if (rc < 0)
		modules_stop(m, 0);
	return rc;
}
