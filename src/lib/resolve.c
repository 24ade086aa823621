/* resolve.c - a host's name into addresses, within the deadline */
#include "lib/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child writes at once: never half of it is read. */
struct answer {
	int gai; /* of getaddrinfo(3) */
	size_t n;
	struct endpoint endpoints[ENDPOINTS_MAX];
};

_Static_assert(sizeof(struct answer) <= PIPE_BUF, "one write, one read");

static void look_up(const char *host, const char *port, int flags, struct answer *out)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV };
	struct addrinfo *list = NULL;

	*out = (struct answer){ .gai = getaddrinfo(host, port, &hints, &list) };
	if (out->gai)
		return;
	for (struct addrinfo *i = list; i && out->n < ENDPOINTS_MAX; i = i->ai_next) {
		struct endpoint *e = &out->endpoints[out->n];

		if (i->ai_addrlen > sizeof(e->address))
			continue;
		memcpy(&e->address, i->ai_addr, i->ai_addrlen);
		e->length = i->ai_addrlen;
		out->n++;
	}
	freeaddrinfo(list);
}

static int read_answer(int fd, deadline until, struct answer *out)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t k = -1;

	while (poll(&p, 1, deadline_left(until)) < 0 && errno == EINTR)
		;
	if (p.revents)
		k = read(fd, out, sizeof(*out));
	return k == (ssize_t)sizeof(*out) ? 0 : -1;
}

static int look_up_in_child(const char *host, const char *port, deadline until, struct answer *out)
{
	int ends[2], rc;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		struct answer a;

		look_up(host, port, 0, &a);
		(void)!write(ends[1], &a, sizeof(a));
		_exit(0);
	}
	close(ends[1]);
	rc = pid > 0 ? read_answer(ends[0], until, out) : -1;
	close(ends[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	return rc;
}

int resolve(const char *host, const char *port, deadline until, struct endpoint out[ENDPOINTS_MAX], size_t *n,
	    struct error *err)
{
	struct answer a;

	*n = 0;
	look_up(host, port, AI_NUMERICHOST, &a);
	if (a.gai && look_up_in_child(host, port, until, &a) < 0)
		return error_set(err, E_TEMP, "the name could not be looked up in time");
	if (a.gai || !a.n)
		return error_set(err, E_TEMP, "%s", a.gai ? gai_strerror(a.gai) : "no address");
	memcpy(out, a.endpoints, a.n * sizeof(*out));
	*n = a.n;
	return 0;
}
