/* handover_back.c - what came back from the scanner: each recipient gets it once, and the original where that is wanted
 *
 * Here, and not in the child, because this is what the spool knows: who has had it, and what is held.  The child has told
 * what came back; the hold itself says for whom it is and from whom, and must agree with the envelope.
 */
#include "handover_inside.h"

#include <string.h>
#include <unistd.h>

#include "deliver/returned.h"
#include "lib/address.h"
#include "lib/log.h"
#include "token.h"

_Static_assert(TOKEN_ID == HOLD_ID, "a token has the name of its hold");

struct back {
	struct carrying *c;
	const struct plan_output *o;
	const char *id;
	struct returned returned;
	const char **waiting; /* recipients who have not had it */
	size_t n;
};

/* ---- who ---- */

/* Who had it is settled in the hold as well: the run that served him may have ended between the two. */
static int find_waiting(struct back *b, const char *const *recipients, size_t n, struct error *err)
{
	const struct handover *h = b->c->h;
	const char **served = arena_array(h->arena, n, sizeof(*served));
	size_t nserved = 0;

	b->waiting = arena_array(h->arena, n, sizeof(*b->waiting));
	for (size_t i = 0; i < n; i++) {
		bool had;

		if (returned_has(h->arena, &b->returned, recipients[i], &had, err) < 0)
			return E_TEMP;
		if (had || was_told(b->c, recipients[i])) {
			log_info("to=<%s> had message %s before: this copy is dropped", recipients[i], b->id);
			b->c->served++;
			served[nserved++] = recipients[i];
		} else {
			b->waiting[b->n++] = recipients[i];
		}
	}
	return nserved ? hold_settle(h->arena, h->config->spool, b->id, served, nserved, err) : 0;
}

static int mark(void *arg, const struct parcel_recipient *recipients, size_t n, struct error *err)
{
	struct back *b = arg;
	const char **addresses = arena_array(b->c->h->arena, n, sizeof(*addresses));

	for (size_t i = 0; i < n; i++)
		addresses[i] = recipients[i].address;
	return returned_add(b->c->h->arena, &b->returned, addresses, n, err);
}

/* ---- what ---- */

static void deliver(struct back *b, const struct segment *segments, size_t nsegments, bool eight_bit)
{
	const struct handover *h = b->c->h;
	struct parcel p = { .sender = b->o->sender, .segments = segments, .nsegments = nsegments, .eight_bit = eight_bit };
	struct destination d;
	struct error err = { 0 };
	const char **served = arena_array(h->arena, b->n, sizeof(*served));
	size_t n = 0;
	bool marked;

	p.recipients = arena_array(h->arena, b->n, sizeof(*p.recipients));
	for (; p.n < b->n; p.n++)
		p.recipients[p.n] = (struct parcel_recipient){ .address = b->waiting[p.n], .status = "", .text = "" };
	if (find_destination(h->arena, h->config, b->o, &d, &err) < 0) {
		note_temporary(b->c, "4.3.5", err.text);
		return;
	}
	marked = destination_deliver(h->arena, &d, h->config->hostname, &p, h->until, mark, b, &err) == 0;
	count_states(b->c, b->o, &p);
	for (size_t i = 0; i < p.n; i++)
		if (p.recipients[i].state == RECIPIENT_ACCEPTED)
			served[n++] = p.recipients[i].address;
	if (hold_settle(h->arena, h->config->spool, b->id, served, n, &err) == 0)
		return;
	if (marked) /* so the next attempt delivers nothing again, and settles it */
		note_temporary(b->c, "4.3.0", arena_printf(h->arena, "hold %s: %s", b->id, err.text));
	else
		log_error("hold %s: delivered, but neither that nor its end could be recorded: %s", b->id, err.text);
}

static void keep_copy(struct back *b, const char *const *recipients, size_t n, const char *reason, const char *text)
{
	struct error err = { 0 };

	if (keep_returned(b->c, b->o, recipients, n, reason, text) &&
	    returned_add(b->c->h->arena, &b->returned, recipients, n, &err) < 0)
		log_error("message %s: %s", b->id, err.text); /* it is held */
}

static void is_at_another_node(struct back *b)
{
	const struct plan_back *back = b->c->h->plan->back;
	struct arena *a = b->c->h->arena;

	note_temporary(b->c, "4.4.4", arena_printf(a, "the original of this message is held at %s (%s): give its copy back there", back->host,
						   back->node));
	note_incident(b->c, "Message from the scanner waits at the wrong node", arena_printf(a, "A copy came back from the scanner here, and "
		      "the original that is to be delivered is held as %s at %s (%s).\nThe copy waits in the queue of this node's mail "
		      "server; it is opened, and should not be returned to its sender when it has waited too long.\n\nLet the scanner give "
		      "mail back to the node it has it from, or let the nodes share spool/hold and spool/returned.  On the other node, "
		      "postern -release %s delivers the original; then remove the copy here.", b->id, back->host, back->node, b->id));
}

/* If it should be here, the copy is all there is. */
static void original_is_missing(struct back *b)
{
	const struct plan_back *back = b->c->h->plan->back;
	struct arena *a = b->c->h->arena;

	if (strcmp(back->host, plan_word(a, b->c->h->config->hostname)) != 0 || strcmp(back->node, plan_word(a, token_node(a))) != 0)
		is_at_another_node(b);
	else
		keep_copy(b, b->waiting, b->n, "scan-lost", arena_printf(a, "the original was held as %s and is gone", b->id));
}

/* Only whom it is held for, and who still waits. */
static void keep_those_of(struct back *b, const struct held *held)
{
	struct arena *a = b->c->h->arena;
	const char **others = arena_array(a, b->n, sizeof(*others));
	size_t n = 0, nothers = 0;

	for (size_t i = 0; i < b->n; i++) {
		ptrdiff_t at = held_find(a, held, b->waiting[i]);

		if (at >= 0 && !held->served[at])
			b->waiting[n++] = b->waiting[i];
		else if (at >= 0) {
			log_info("to=<%s> was served from hold %s before", b->waiting[i], b->id);
			b->c->served++;
		} else {
			others[nothers++] = b->waiting[i];
		}
	}
	b->n = n;
	if (nothers)
		keep_copy(b, others, nothers, "scan-lost", arena_printf(a, "hold %s is not for these recipients", b->id));
}

static void deliver_original(struct back *b)
{
	const struct handover *h = b->c->h;
	struct segment s = { .fd = -1 };
	struct error err = { 0 };
	struct held held;
	uint64_t size;
	int rc = hold_read(h->arena, h->config->spool, b->id, &held, &err);

	if (rc == 0 && (!address_equal(held.sender, b->o->sender) || strcmp(held.reason, HOLD_SCAN) != 0))
		rc = error_set(&err, E_TEMP, "hold %s is of another message", b->id);
	if (rc == 0)
		rc = hold_open(h->arena, h->config->spool, b->id, &s.fd, &size, &err);
	if (rc == E_NOTFOUND) {
		original_is_missing(b);
	} else if (rc < 0) {
		note_temporary(b->c, "4.3.0", err.text);
	} else {
		s.length = size;
		keep_those_of(b, &held);
		if (b->n)
			deliver(b, &s, 1, held.eight_bit);
	}
	if (s.fd >= 0)
		close(s.fd);
}

/* ---- with a token, and without ---- */

static void deliver_by_token(struct carrying *c, const struct plan_output *o)
{
	const struct handover *h = c->h;
	struct back b = { .c = c, .o = o, .id = h->plan->back->id };
	bool sought = o->original != ORIGINAL_NO || h->config->deliver_inside == DELIVER_ORIGINAL; /* copies without a token are */
	struct error err = { 0 };

	if (returned_open(h->arena, h->config->spool, b.id, sought ? h->plan->message_id : "", o->sender, h->until, &b.returned,
			  &err) < 0) {
		note_temporary(c, "4.3.0", err.text);
		return;
	}
	if (find_waiting(&b, o->recipients, o->n, &err) < 0)
		note_temporary(c, "4.3.0", err.text);
	else if (b.n && o->original == ORIGINAL_HELD)
		deliver_original(&b);
	else if (b.n)
		deliver(&b, segments_of(h, o), o->nsegments, o->eight_bit);
	returned_sweep(&b.returned, h->config->hold_lifetime);
	returned_close(&b.returned);
}

/* The hold that was found is looked at again under its lock. */
static void deliver_found(struct carrying *c, const struct plan_output *one, const struct held *held)
{
	const struct handover *h = c->h;
	struct back b = { .c = c, .o = one, .id = held->id };
	bool same = strcmp(held->content, h->plan->back->digest) == 0;
	struct error err = { 0 };

	if (returned_open(h->arena, h->config->spool, b.id, h->plan->message_id, one->sender, h->until, &b.returned, &err) < 0) {
		note_temporary(c, "4.3.0", err.text);
		return;
	}
	log_info("the scanned copy has no token of ours; it was found as %s by %s, sender and recipient", held->id,
		 strcmp(held->message_id, h->plan->message_id) == 0 ? "Message-ID" : "content");
	if (find_waiting(&b, one->recipients, one->n, &err) < 0)
		note_temporary(c, "4.3.0", err.text);
	else if (b.n && same)
		deliver_original(&b);
	else if (b.n && one->sealed)
		deliver(&b, segments_of(h, one), one->nsegments, one->eight_bit);
	else if (b.n)
		keep_copy(&b, b.waiting, b.n, "scan-changed", arena_printf(h->arena, "the scanner has changed the content and taken the token away; the "
			  "original is held as %s", held->id));
	returned_close(&b.returned);
}

/* No hold is waiting: had it is whoever got it when there was one. */
static bool had_before(struct carrying *c, const char *sender, const char *to, bool *had)
{
	const struct handover *h = c->h;
	struct error err = { 0 };

	if (returned_had_message(h->arena, h->config->spool, h->plan->message_id, sender, to, had, &err) == 0)
		return true;
	note_temporary(c, "4.3.0", err.text);
	return false;
}

/* Removes from o->recipients whom a hold serves, or who had it; the rest is mail like other mail from there. */
static size_t seek(struct carrying *c, const struct plan_output *o, const char **rest)
{
	const struct handover *h = c->h;
	struct hold_wanted wanted = { h->plan->message_id, o->sender, h->plan->back->digest, o->recipients, o->n };
	const struct held **found = arena_array(h->arena, o->n, sizeof(const struct held *));
	struct error err = { 0 };
	size_t n = 0;

	if (hold_search(h->arena, h->config->spool, &wanted, found, &err) < 0) {
		note_temporary(c, "4.3.0", err.text);
		return 0;
	}
	for (size_t i = 0; i < o->n; i++) {
		const char *to = o->recipients[i];
		struct plan_output one = *o;
		bool had = false;

		one.recipients = &to;
		one.n = 1;
		if (found[i]) {
			deliver_found(c, &one, found[i]);
		} else if (!had_before(c, o->sender, to, &had)) {
			continue;
		} else if (had) {
			log_info("to=<%s> had this message before: this copy is dropped", to);
			c->served++;
		} else {
			rest[n++] = to;
		}
	}
	return n;
}

void deliver_back(struct carrying *c, const struct plan_output *o)
{
	struct plan_output rest = *o;

	if (o->once) {
		deliver_by_token(c, o);
		return;
	}
	rest.recipients = arena_array(c->h->arena, o->n, sizeof(*rest.recipients));
	rest.n = seek(c, o, rest.recipients);
	if (rest.n)
		deliver_output(c, &rest);
}
