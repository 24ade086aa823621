/* handover_hold.c - what is kept back: by policy, until the scanner has seen a copy, or because it must not go on */
#include "handover_inside.h"

#include <string.h>
#include <unistd.h>

#include "deliver/hold.h"
#include "direction.h"
#include "lib/log.h"

static struct segment whole_message(const struct handover *h)
{
	off_t size = lseek(h->message_fd, 0, SEEK_END), from = (off_t)h->plan->header_offset;

	return (struct segment){ h->message_fd, from, size > from ? (uint64_t)(size - from) : 0 };
}

/* content: NULL for the message as it came. */
static bool keep(struct carrying *c, const struct plan_output *content, struct hold *hold)
{
	const struct handover *h = c->h;
	struct segment whole = whole_message(h);
	struct error err = { 0 };
	const char *id;

	hold->queue_id = h->envelope->queue_id;
	hold->sender = h->plan->sender;
	hold->client = h->envelope->client;
	hold->message_id = h->plan->message_id;
	hold->eight_bit = !content || content->eight_bit;
	if (hold_keep(h->arena, h->config->spool, h->identity, hold, content ? segments_of(h, content) : &whole,
		      content ? content->nsegments : 1, &id, &err) < 0) {
		note_temporary(c, "4.3.0", err.text);
		return false;
	}
	log_warning("held as %s: %s", id, hold->text);
	return true;
}

/* Whose copy the scanner has got in an earlier attempt was held then, and may have been served since. */
static size_t without_scanned(struct carrying *c, const struct plan_hold *held, const char **out)
{
	size_t n = 0;

	for (size_t i = 0; i < held->n; i++) {
		struct error err = { 0 };
		bool had = false;

		if (journal_has(&c->journal, "scan", held->recipients[i], &had, &err) < 0 || !had)
			out[n++] = held->recipients[i];
	}
	return n;
}

bool keep_held(struct carrying *c)
{
	const struct plan_hold *held = c->h->plan->hold;
	bool scan = plan_holds_for_scan(c->h->plan);
	const char **recipients = arena_array(c->h->arena, held->n, sizeof(*recipients));
	struct hold hold = { .recipients = scan ? recipients : held->recipients, .n = held->n, .reason = held->reason,
			     .text = held->text, .content = held->digest, .finished = held->content != NULL };

	if (scan)
		hold.n = without_scanned(c, held, recipients);
	if (scan && !hold.n)
		return true;
	if (!keep(c, held->content, &hold))
		return false;
	if (!*c->h->plan->sender && strcmp(held->reason, "report") == 0)
		note_incident(c, "Report from behind the gateway is held", arena_printf(c->h->arena, "A report for somebody outside is held "
			      "in the spool and was not delivered.\nReason: %s\n\npostern -holds lists it; read it there, tell the sender, "
			      "and remove it with postern -discard.", held->text));
	if (!scan) { /* else they are served when the copy is with the scanner */
		c->served += held->n;
		settle_back(c, held->recipients, held->n);
	}
	return true;
}

bool keep_returned(struct carrying *c, const struct plan_output *o, const char *const *recipients, size_t n, const char *reason,
		   const char *text)
{
	struct hold hold = { .recipients = recipients, .n = n, .reason = reason, .text = text, .finished = true };

	if (!keep(c, o, &hold))
		return false;
	note_incident(c, "Message from the scanner is held", arena_printf(c->h->arena, "A message that came back from the scanner is held "
		      "in the spool and was not delivered.\nReason: %s\n\npostern -holds lists it, -release delivers it as it came "
		      "back, -discard removes it.", text));
	c->served += n;
	return true;
}

/* ---- what came back is never refused ---- */

bool must_not_return(const struct config *c, const struct envelope *e, const struct plan *p)
{
	return c->smime_engine != ENGINE_OFF && e->origin == ORIGIN_SCANNER && !config_is_local(c, p->sender);
}

void keep_refused(struct carrying *c)
{
	const struct handover *h = c->h;
	const struct outcome *why = &h->plan->outcome;
	const char **inside = arena_array(h->arena, h->envelope->n, sizeof(*inside));
	size_t n = route_recipients(h->config, h->envelope, ROUTE_RETURNING, inside);

	if (n)
		keep_returned(c, NULL, inside, n, "scan-refused", arena_printf(h->arena, "it cannot be worked through: %s", why->text));
	for (size_t i = 0; i < h->envelope->n; i++)
		if (route_of(h->config, h->envelope->origin, h->envelope->recipients[i]) != ROUTE_RETURNING)
			note_failure(c, h->envelope->recipients[i], why->status, why->text);
}
