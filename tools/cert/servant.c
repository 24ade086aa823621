/* servant.c - a process that asks the areas on root's behalf */
#include "cert/servant.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/owner.h"
#include "lib/log.h"

#define MESSAGE_MAX ((uint32_t)512 << 20)

int servant_start(const struct config *config, struct servant *s, void (*serve)(void *ctx, int fd), void *ctx, struct error *err)
{
	struct error why = { 0 };
	int pair[2];

	*s = (struct servant){ -1, -1 };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set(err, E_TEMP, "socketpair: %s", strerror(errno));
	s->pid = fork();
	if (s->pid == 0) {
		close(pair[0]);
		if (owner_become(config, &why) == 0)
			serve(ctx, pair[1]);
		else
			log_error("%s", why.text);
		_exit(0);
	}
	close(pair[1]);
	s->fd = pair[0];
	if (s->pid > 0)
		return 0;
	servant_end(s);
	return error_set(err, E_TEMP, "fork: %s", strerror(errno));
}

void servant_end(struct servant *s)
{
	if (s->fd >= 0)
		close(s->fd);
	if (s->pid > 0)
		waitpid(s->pid, NULL, 0);
	*s = (struct servant){ -1, -1 };
}

static bool read_all(int fd, void *p, size_t n)
{
	for (char *s = p; n;) {
		ssize_t k = read(fd, s, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		s += k;
		n -= (size_t)k;
	}
	return true;
}

static bool write_all(int fd, const void *p, size_t n)
{
	for (const char *s = p; n;) {
		ssize_t k = send(fd, s, n, MSG_NOSIGNAL);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return false;
		s += k;
		n -= (size_t)k;
	}
	return true;
}

bool servant_send(int fd, struct span message)
{
	uint32_t n = (uint32_t)message.n;

	return message.n <= MESSAGE_MAX && write_all(fd, &n, sizeof(n)) && write_all(fd, message.p, message.n);
}

bool servant_receive(int fd, struct buf *out)
{
	uint32_t n;

	buf_clear(out);
	if (!read_all(fd, &n, sizeof(n)) || n > MESSAGE_MAX)
		return false;
	buf_reserve(out, (size_t)n + 1);
	if (!read_all(fd, out->data, n))
		return false;
	out->len = n;
	return true;
}
