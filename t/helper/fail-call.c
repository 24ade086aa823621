/* fail-call.c - runs a command and makes one of its system calls fail; t/every-call goes through them one after the other
 *
 * usage: fail-call PROGRAM CALL N FAULT REPORT COMMAND [ARG...]
 *   PROGRAM  the name of a process (comm), CALL the name of a call, N which of those that all processes of this name make; 0: none
 *   FAULT    the name of an errno; "short": half of the bytes; "kill": SIGKILL for the process that makes the call
 * REPORT gets a line "PROGRAM CALL N FAULT" for the call that failed; with N 0 one for each, with what could befall it.  The exit
 * status is the command's, 128 and the signal's number if it was killed.
 *
 * The kernel asks us about each call (seccomp's user notification, Linux 5.6), so it works for what libraries and the C library
 * call, in any process, and on any machine.  A call that fails is not made.  Counted are the processes whose program lies in
 * COMMAND's folder, from where main() of the first begins: what the dynamic linker cannot do is not ours to answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHORT_MAX 65536

/* What each call may say by its manual page and on a bad day; every call may be the last, too. */
static const struct call {
	int number;
	const char *name, *faults;
} calls[] = {
#define CALL(name, faults) { SYS_##name, #name, faults }
	CALL(openat, "EMFILE EIO ENOSPC EDQUOT ENOMEM EINTR"),
	CALL(read, "EIO EINTR short"),
	CALL(pread64, "EIO EINTR short"),
	CALL(write, "ENOSPC EIO EDQUOT EINTR short"),
	CALL(pwrite64, "ENOSPC EIO EDQUOT EINTR short"),
	CALL(writev, "ENOSPC EIO EINTR"),
	CALL(copy_file_range, "ENOSPC EIO ENOMEM EINTR"),
	CALL(ftruncate, "EIO EINTR"),
	CALL(fallocate, "ENOSPC"),
	CALL(fsync, "EIO ENOSPC EDQUOT EINTR"),
	CALL(fdatasync, "EIO ENOSPC EDQUOT EINTR"),
	CALL(msync, "EIO"),
	CALL(lseek, "EIO"),
	CALL(fstat, "EIO ENOMEM"),
	CALL(newfstatat, "EIO ENOMEM"),
	CALL(statx, "EIO ENOMEM"),
	CALL(faccessat, "EIO ENOMEM"),
	CALL(faccessat2, "EIO ENOMEM"),
	CALL(getdents64, "EIO"),
	CALL(mkdirat, "ENOSPC EIO EDQUOT"),
	CALL(renameat, "ENOSPC EIO EDQUOT"),
	CALL(renameat2, "ENOSPC EIO EDQUOT"),
	CALL(linkat, "ENOSPC EIO EDQUOT"),
	CALL(unlinkat, "EIO ENOMEM"),
	CALL(fchmod, "EIO"),
	CALL(utimensat, "EIO ENOMEM"),
	CALL(flock, "EINTR ENOLCK"),
	CALL(fcntl, ""),
	CALL(mmap, "ENOMEM"),
	CALL(mremap, "ENOMEM"),
	CALL(mprotect, "ENOMEM"),
	CALL(brk, "ENOMEM"),
	CALL(memfd_create, "EMFILE ENOMEM"),
	CALL(clone, "EAGAIN ENOMEM"),
	CALL(clone3, "EAGAIN ENOMEM"),
	CALL(execve, "EIO ENOMEM"),
	CALL(wait4, "EINTR"),
	CALL(pidfd_open, "EMFILE"),
	CALL(pipe2, "EMFILE ENFILE"),
	CALL(dup3, "EMFILE"),
	CALL(ppoll, "ENOMEM EINTR"),
	CALL(socket, "EMFILE ENOMEM"),
	CALL(socketpair, "EMFILE ENOMEM"),
	CALL(connect, "EINTR ECONNREFUSED ETIMEDOUT"),
	CALL(setsockopt, "ENOMEM"),
	CALL(getsockopt, "ENOMEM"),
	CALL(sendto, "EPIPE ECONNRESET EINTR short"),
	CALL(sendmsg, "EPIPE ENOMEM"),
	CALL(recvfrom, "ECONNRESET EINTR short"),
	CALL(recvmsg, "ECONNRESET EINTR"),
	CALL(getrandom, "EINTR"),
	CALL(clock_nanosleep, "EINTR"),
	CALL(prctl, "EINVAL"),
	CALL(prlimit64, "EPERM"),
	CALL(kill, "EPERM"),
#ifdef SYS_open
	CALL(open, "EMFILE EIO ENOSPC EDQUOT ENOMEM EINTR"),
	CALL(stat, "EIO ENOMEM"),
	CALL(access, "EIO ENOMEM"),
	CALL(mkdir, "ENOSPC EIO EDQUOT"),
	CALL(rename, "ENOSPC EIO EDQUOT"),
	CALL(link, "ENOSPC EIO EDQUOT"),
	CALL(unlink, "EIO ENOMEM"),
	CALL(pipe, "EMFILE ENFILE"),
	CALL(poll, "ENOMEM EINTR"),
	CALL(vfork, "EAGAIN ENOMEM"),
#endif
};

#define NCALLS (sizeof(calls) / sizeof(calls[0]))

static const struct {
	const char *name;
	int number;
} errors[] = {
#define ERROR(name) { #name, name }
	ERROR(EMFILE), ERROR(ENFILE), ERROR(EIO), ERROR(ENOSPC), ERROR(EDQUOT), ERROR(ENOMEM), ERROR(EINTR), ERROR(EAGAIN),
	ERROR(ENOLCK), ERROR(ECONNREFUSED), ERROR(ECONNRESET), ERROR(ETIMEDOUT), ERROR(EPIPE), ERROR(EINVAL), ERROR(EPERM),
};

#define PROGRAMS_MAX 32

struct program {
	char name[32];
	unsigned long calls[NCALLS];
};

struct run {
	const char *program, *call, *fault;
	unsigned long target;
	bool done;
	struct program programs[PROGRAMS_MAX];
	FILE *report;
	char folder[4096]; /* of the command, with the slash at its end */
	int listener;
	bool begun;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "fail-call: %s: %s\n", what, strerror(errno));
	exit(70);
}

static const struct call *find_call(int number)
{
	for (size_t i = 0; i < NCALLS; i++)
		if (calls[i].number == number)
			return &calls[i];
	return NULL;
}

/* It is many calls: descriptors, locks, and what cannot fail. */
static const char *faults_of(const struct call *call, const struct seccomp_data *data)
{
	if (call->number != SYS_fcntl)
		return call->faults;
	switch (data->args[1]) {
	case F_DUPFD: case F_DUPFD_CLOEXEC: return "EMFILE";
	case F_SETLK: case F_SETLKW: case F_OFD_SETLK: case F_OFD_SETLKW: return "ENOLCK EINTR";
	default: return "";
	}
}

/* Processes run as they like: the call with this number may be another one than last time. */
static bool can_befall(const char *faults, const char *fault)
{
	size_t n = strlen(fault);

	for (const char *p = faults; (p = strstr(p, fault)); p += n)
		if ((p == faults || p[-1] == ' ') && (!p[n] || p[n] == ' '))
			return true;
	return strcmp(fault, "kill") == 0;
}

static int error_number(const char *name)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].number;
	return 0;
}

/* ---- the command ---- */

static int install_filter(void)
{
	struct sock_filter code[NCALLS + 3];
	struct sock_fprog program = { (unsigned short)(NCALLS + 3), code };

	code[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < NCALLS; i++)
		code[1 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i].number,
							   (uint8_t)(NCALLS - i), 0);
	code[NCALLS + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[NCALLS + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static pid_t start(struct run *r, char **argv)
{
	int *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), pidfd;
	pid_t pid;

	*shared = -2;
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		int fd = install_filter();

		__atomic_store_n(shared, fd, __ATOMIC_SEQ_CST); /* we can say nothing else: each call of ours waits for an answer */
		execv(argv[0], argv);
		_exit(127);
	}
	while (__atomic_load_n(shared, __ATOMIC_SEQ_CST) == -2)
		usleep(100);
	if (*shared < 0) {
		errno = EPERM;
		die("seccomp");
	}
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	r->listener = (int)syscall(SYS_pidfd_getfd, pidfd, *shared, 0);
	if (r->listener < 0)
		die("pidfd_getfd");
	close(pidfd);
	return pid;
}

/* ---- its calls ---- */

static struct program *find_program(struct run *r, const char *name)
{
	struct program *p = r->programs;

	while (p < r->programs + PROGRAMS_MAX - 1 && *p->name && strcmp(p->name, name) != 0)
		p++;
	snprintf(p->name, sizeof(p->name), "%s", name);
	return p;
}

static bool is_ours(const struct run *r, uint32_t pid, char program[32])
{
	char link[64], path[4096];
	ssize_t n;
	FILE *f;

	snprintf(link, sizeof(link), "/proc/%u/exe", pid);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	snprintf(link, sizeof(link), "/proc/%u/comm", pid);
	program[0] = '\0';
	f = fopen(link, "re");
	if (f && fgets(program, 32, f))
		program[strcspn(program, "\n")] = '\0';
	if (f)
		fclose(f);
	return strncmp(path, r->folder, strlen(r->folder)) == 0;
}

/* Half of the bytes, in its place; 0: it cannot be halved. */
static int64_t do_half(const struct seccomp_notif *q)
{
	static char bytes[SHORT_MAX];
	size_t n = q->data.args[2] / 2;
	struct iovec mine = { bytes, n }, its = { (void *)(uintptr_t)q->data.args[1], n };
	int pidfd, fd, number = q->data.nr;
	ssize_t k = -1;
	bool reads = number == SYS_read || number == SYS_pread64 || number == SYS_recvfrom;

	if (!n || n > SHORT_MAX)
		return 0;
	pidfd = (int)syscall(SYS_pidfd_open, q->pid, 0);
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, (int)q->data.args[0], 0);
	if (!reads && process_vm_readv((pid_t)q->pid, &mine, 1, &its, 1, 0) != (ssize_t)n)
		fd = -1;
	if (fd >= 0)
		switch (number) {
		case SYS_read: k = read(fd, bytes, n); break;
		case SYS_recvfrom: k = recv(fd, bytes, n, (int)q->data.args[3]); break;
		case SYS_pread64: k = pread(fd, bytes, n, (off_t)q->data.args[3]); break;
		case SYS_write: k = write(fd, bytes, n); break;
		case SYS_sendto: k = send(fd, bytes, n, (int)q->data.args[3] | MSG_NOSIGNAL); break;
		default: k = pwrite(fd, bytes, n, (off_t)q->data.args[3]);
		}
	mine.iov_len = k > 0 ? (size_t)k : 0;
	if (reads && k > 0 && process_vm_writev((pid_t)q->pid, &mine, 1, &its, 1, 0) != k)
		k = -1;
	close(fd);
	close(pidfd);
	return k > 0 ? k : 0;
}

static void answer(struct run *r, const struct seccomp_notif *q, struct seccomp_notif_resp *a)
{
	const struct call *call = find_call(q->data.nr);
	unsigned long *count;
	char program[32];

	a->id = q->id;
	a->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	/* the first thing that main() does is to look for its standard error */
	r->begun = r->begun || (strstr(call->name, "stat") && q->data.args[0] == 2);
	if (!r->begun || r->done || (r->target && strcmp(call->name, r->call) != 0) || !is_ours(r, q->pid, program))
		return;
	count = &find_program(r, program)->calls[call - calls];
	++*count;
	if (!r->target)
		fprintf(r->report, "%s %s %lu %s kill\n", program, call->name, *count, faults_of(call, &q->data));
	if (*count != r->target || strcmp(program, r->program) != 0 || !can_befall(faults_of(call, &q->data), r->fault))
		return;
	r->done = true;
	fprintf(r->report, "%s %s %lu %s\n", program, call->name, *count, r->fault);
	fflush(r->report);
	if (strcmp(r->fault, "kill") == 0) {
		kill((pid_t)q->pid, SIGKILL);
	} else if (strcmp(r->fault, "short") == 0) {
		a->val = do_half(q);
		a->flags = a->val ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	} else {
		a->error = -error_number(r->fault);
		a->flags = 0;
	}
}

/* Until no process is left that could ask. */
static void serve(struct run *r)
{
	struct pollfd p = { .fd = r->listener, .events = POLLIN };

	for (;;) {
		struct seccomp_notif q;
		struct seccomp_notif_resp a;

		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			die("poll");
		if (!(p.revents & POLLIN)) {
			if (p.revents)
				return;
			continue;
		}
		memset(&q, 0, sizeof(q));
		memset(&a, 0, sizeof(a));
		if (ioctl(r->listener, SECCOMP_IOCTL_NOTIF_RECV, &q) < 0)
			continue; /* it was killed meanwhile */
		answer(r, &q, &a);
		ioctl(r->listener, SECCOMP_IOCTL_NOTIF_SEND, &a);
	}
}

int main(int argc, char **argv)
{
	static struct run r = { .listener = -1 };
	pid_t pid;
	char *slash, *real;
	int status;

	if (argc < 7) {
		fputs("usage: fail-call PROGRAM CALL N FAULT REPORT COMMAND [ARG...]\n", stderr);
		return 64;
	}
	r.program = argv[1];
	r.call = argv[2];
	r.target = strtoul(argv[3], NULL, 10);
	r.fault = argv[4];
	r.report = fopen(argv[5], "we");
	real = realpath(argv[6], NULL);
	if (!r.report || !real)
		die(r.report ? argv[6] : argv[5]);
	snprintf(r.folder, sizeof(r.folder), "%s", real);
	free(real);
	if ((slash = strrchr(r.folder, '/')))
		slash[1] = '\0';
	pid = start(&r, argv + 6);
	serve(&r);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	fclose(r.report);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
