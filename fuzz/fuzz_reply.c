/* fuzz_reply.c - what an SMTP or LMTP server says: any bytes give replies of one printable line, or an error */
#include <sys/socket.h>
#include <unistd.h>

#include "deliver/wire.h"
#include "lib/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct reply *r)
{
	char status[STATUS_MAX];

	if (r->code < 200 || r->code > 599 || !status_parse(span_of(r->status), (char)('0' + r->code / 100), status))
		abort();
	if (!utf8_valid(span_of(r->text)))
		abort();
	for (const char *p = r->text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire w = { .until = deadline_in(10000), .trouble = "" };
	struct reply r;
	int ends[2];

	if (size > 100000 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0)
		return 0;
	(void)!write(ends[1], data, size);
	close(ends[1]);
	w.fd = ends[0];
	while (wire_reply(&w, &r, NULL, NULL, NULL) == 0)
		check(&r);
	if (!*w.trouble)
		abort();
	wire_close(&w);
	return 0;
}
