/* routes.c - from bytes to a plan: reads the message's header and lets each route plan its recipients */
#include "routes.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "bounce.h"
#include "compose.h"
#include "direction.h"
#include "incoming.h"
#include "module/ask.h"
#include "outgoing.h"
#include "result.h"
#include "returning.h"
#include "token.h"

#define MESSAGE_ID_MAX 250

static int map_message(struct work *w, struct error *err)
{
	void *p = mmap(NULL, w->message_size, PROT_READ, MAP_PRIVATE, w->message_fd, 0);

	if (p == MAP_FAILED)
		return error_set(err, E_TEMP, "mapping the message: %s", strerror(errno));
	w->file = span_from(p, w->message_size);
	return 0;
}

/* A Message-ID that is safe in logs, notices and the record. */
static const char *message_id(struct work *w)
{
	const struct header_field *f = header_find(&w->header, "Message-ID", NULL);
	char *id = f ? header_unfold(w->arena, f->value) : arena_strdup(w->arena, "");

	if (strlen(id) > MESSAGE_ID_MAX)
		id[MESSAGE_ID_MAX] = '\0';
	for (char *p = id; *p; p++)
		if (*p <= 0x20 || *p > 0x7e)
			*p = '?';
	return id;
}

static int read_header(struct work *w, struct error *err)
{
	size_t limit = w->config->header_limit + (w->envelope->origin == ORIGIN_SCANNER ? RESULT_ROOM : 0), skip;
	int rc = envelope_sender_from(w->arena, w->envelope, w->file, limit, &skip, err);

	if (rc < 0)
		return rc;
	w->message = span_sub(w->file, skip, w->file.n);
	rc = header_parse(w->arena, w->message, limit, &w->header, err);
	if (rc < 0)
		return rc;
	w->plan->sender = w->envelope->sender;
	w->plan->automatic = !*w->envelope->sender;
	w->plan->message_id = message_id(w);
	w->plan->header_offset = skip;
	w->plan->header_length = w->header.bytes.n;
	return 0;
}

/* As it came, byte for byte. */
static int pass(struct work *w, const char *destination, const char *const *to, size_t n, const char *why)
{
	const char *kind = strcmp(destination, "scanner") == 0 ? "scan" : "mail";
	struct plan_output *o = plan_add_output(w->plan, kind, destination, w->envelope->sender, to, n, why);

	o->eight_bit = true; /* not looked at */
	work_emit(w, o, w->message);
	return 0;
}

static bool has_token(const struct header *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (token_is(&h->fields[i]))
			return true;
	return false;
}

/* Tokens are for the scanner alone, whoever wrote them; all else stays. */
static int pass_but_token(struct work *w, const char *destination, const char *const *to, size_t n, const char *why)
{
	struct edit e = { .keep_reserved = true };

	if (w->config->smime_engine == ENGINE_OFF || !has_token(&w->header))
		return pass(w, destination, to, n, why);
	compose_write(w, plan_add_output(w->plan, "mail", destination, w->envelope->sender, to, n, why), &e);
	return 0;
}

static int route_inside(struct work *w, const char *const *to, size_t n, struct error *err)
{
	(void)err;
	return pass_but_token(w, "internal", to, n, "from inside to inside: as it came");
}

static int route_outgoing(struct work *w, const char *const *to, size_t n, struct error *err)
{
	bool bounce;
	int rc = bounce_is(w, &bounce, err);

	if (rc < 0)
		return rc;
	if (bounce)
		return bounce_plan(w, to, n, err);
	if (w->config->smime_engine < ENGINE_BOTH)
		return pass_but_token(w, "external", to, n, "smime_engine is below 2: outgoing mail passes as it came");
	return outgoing_plan(w, to, n, err);
}

static bool has_scanner(const struct config *c)
{
	return *c->scanner && !ascii_caseeq(c->scanner, "none");
}

static int route_incoming(struct work *w, const char *const *to, size_t n, struct error *err)
{
	bool scan = has_scanner(w->config);

	if (w->config->smime_engine < ENGINE_INCOMING)
		return pass(w, scan ? "scanner" : "internal", to, n, "smime_engine is 0: incoming mail passes as it came");
	return incoming_plan(w, scan, to, n, err);
}

static int route_returning(struct work *w, const char *const *to, size_t n, struct error *err)
{
	if (w->config->smime_engine < ENGINE_INCOMING)
		return pass(w, "internal", to, n, "smime_engine is 0: scanned mail passes as it came");
	return returning_plan(w, to, n, err);
}

static int route_relaying(struct work *w, const char *const *to, size_t n, struct error *err)
{
	(void)err;
	for (size_t i = 0; i < n; i++)
		plan_add_failure(w->plan, to[i], "5.7.1",
				 "relaying denied: neither the client is one of ours nor the recipient's domain");
	return 0;
}

typedef int planner(struct work *w, const char *const *to, size_t n, struct error *err);

static planner *const planners[ROUTES] = {
	[ROUTE_INCOMING] = route_incoming,   [ROUTE_OUTGOING] = route_outgoing, [ROUTE_INSIDE] = route_inside,
	[ROUTE_RETURNING] = route_returning, [ROUTE_RELAYING] = route_relaying,
};

static int plan_all(struct work *w, struct error *err)
{
	int rc = map_message(w, err);

	if (rc == 0)
		rc = read_header(w, err);
	for (int r = 0; r < ROUTES && rc == 0; r++) {
		const char **to = arena_array(w->arena, w->envelope->n, sizeof(*to));
		size_t n = route_recipients(w->config, w->envelope, (enum route)r, to);

		if (n)
			rc = planners[r](w, to, n, err);
	}
	if (rc == 0 && w->problem.code)
		rc = error_set(err, w->problem.code, "%s", w->problem.text);
	return rc == 0 ? modules_quiet(w->modules, err) : rc;
}

void routes_plan(struct work *w)
{
	struct error err = { 0 };

	if (plan_all(w, &err) < 0)
		plan_break_off(w->plan, &err);
}
