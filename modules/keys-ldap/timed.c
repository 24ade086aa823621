/* timed.c - reads and writes of libldap that end when the time is over */
#include "keys-ldap/timed.h"

#include <errno.h>
#include <poll.h>

static bool wait_for(Sockbuf_IO_Desc *layer, short event)
{
	const deadline *until = layer->sbiod_pvt;
	struct pollfd p = { .events = event };
	int n;

	ber_sockbuf_ctrl(layer->sbiod_sb, LBER_SB_OPT_GET_FD, &p.fd);
	do
		n = poll(&p, 1, deadline_left(*until));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		errno = ETIMEDOUT;
	return n > 0;
}

static bool would_block(ber_slen_t n)
{
	return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

static ber_slen_t timed_read(Sockbuf_IO_Desc *layer, void *p, ber_len_t n)
{
	ber_slen_t done;

	do
		done = LBER_SBIOD_READ_NEXT(layer, p, n);
	while (would_block(done) && wait_for(layer, POLLIN));
	return done;
}

static ber_slen_t timed_write(Sockbuf_IO_Desc *layer, void *p, ber_len_t n)
{
	ber_slen_t done;

	do
		done = LBER_SBIOD_WRITE_NEXT(layer, p, n);
	while (would_block(done) && wait_for(layer, POLLOUT));
	return done;
}

static int timed_setup(Sockbuf_IO_Desc *layer, void *until)
{
	layer->sbiod_pvt = until;
	return 0;
}

static int timed_ctrl(Sockbuf_IO_Desc *layer, int option, void *arg)
{
	return LBER_SBIOD_CTRL_NEXT(layer, option, arg);
}

static Sockbuf_IO timed = { .sbi_setup = timed_setup, .sbi_ctrl = timed_ctrl, .sbi_read = timed_read, .sbi_write = timed_write };

enum { BELOW_TLS = LBER_SBIOD_LEVEL_PROVIDER + 1 };

bool timed_add(Sockbuf *sb, const deadline *until)
{
	return ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_NONBLOCK, sb) &&
	       ber_sockbuf_add_io(sb, &timed, BELOW_TLS, (void *)(uintptr_t)until) == 0;
}
