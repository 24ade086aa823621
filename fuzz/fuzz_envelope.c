/* fuzz_envelope.c - client, sender and recipients as a mail server hands them over, and the message that may name the sender
 *
 * Input: lines "client", "sender" ("-": not given), queue id, recipients up to an empty line; then the message.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "lib/address.h"

#define RECIPIENTS 50

/* What becomes part of command lines, file names and header fields has passed the check. */
static void must_be_clean(const char *address)
{
	if (*address && address_check(address, NULL) < 0)
		abort();
}

static void check(const struct envelope *e)
{
	must_be_clean(e->sender);
	for (size_t i = 0; i < e->n; i++)
		must_be_clean(e->recipients[i]);
	for (const char *p = e->queue_id; *p; p++)
		if (*p <= 0x20 || *p > 0x7e || *p == '/')
			abort();
}

/* The next line as a string of its own; NULL at the end. */
static const char *next_line(struct arena *a, struct span *rest)
{
	ptrdiff_t end = span_find(*rest, '\n');
	const char *line;

	if (end < 0)
		return NULL;
	line = arena_strndup(a, rest->p, (size_t)end);
	*rest = span_sub(*rest, (size_t)end + 1, rest->n);
	return line;
}

static int parse(struct arena *a, const struct config *c, struct span *rest, struct envelope *e, struct error *err)
{
	struct options o = { 0 };
	const char *recipients[RECIPIENTS], *line;
	size_t n = 0;

	o.client = next_line(a, rest);
	o.sender = next_line(a, rest);
	o.queue_id = next_line(a, rest);
	if (!o.queue_id)
		return E_PERM;
	if (strcmp(o.sender, "-") == 0)
		o.sender = NULL;
	while (n < RECIPIENTS && (line = next_line(a, rest)) && *line)
		recipients[n++] = line;
	if (!n)
		return E_PERM;
	o.recipients = recipients;
	o.nrecipients = n;
	return envelope_from_options(a, c, &o, e, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct config c = { .recipient_limit = RECIPIENTS - 1 };
	struct span rest = span_from(data, n);
	struct arena a = ARENA_INIT;
	struct envelope e;
	struct error err = { 0 };
	size_t skip;

	if (parse(&a, &c, &rest, &e, &err) == 0) {
		check(&e);
		if (envelope_sender_from(&a, &e, rest, 65536, &skip, &err) == 0) {
			if (skip > rest.n)
				abort();
			check(&e);
		}
	}
	arena_release(&a);
	return 0;
}
