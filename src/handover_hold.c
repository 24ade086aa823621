/* handover_hold.c - what is kept back: by policy, until the scanner has seen a copy, or because it must not go on */
#include "handover_inside.h"

#include <string.h>
#include <unistd.h>

#include "deliver/returned.h"
#include "direction.h"
#include "lib/log.h"
#include "resumption.h"
#include "seal_hold.h"

static struct segment whole_message(const struct handover *h)
{
	off_t size = lseek(h->message_fd, 0, SEEK_END), from = (off_t)h->plan->header_offset;

	return (struct segment){ h->message_fd, from, size > from ? (uint64_t)(size - from) : 0 };
}

/* What a person resumes with a passphrase must be what we have held. */
static int add_seals(struct carrying *c, struct hold *hold, struct error *err)
{
	const struct handover *h = c->h;
	const char **seals = arena_array(h->arena, hold->n, sizeof(*seals));
	char id[HOLD_ID + 1];
	struct hold_seal s = { .id = id, .digest = h->digest, .sender = h->plan->sender, .client = h->envelope->client,
			       .reason = hold->reason };
	int rc = 0;

	hold_name(h->identity, id);
	for (size_t i = 0; i < hold->n && rc == 0; i++)
		rc = hold_seal(h->arena, h->mac_key, &s, hold->recipients[i], &seals[i], err);
	hold->seals = seals;
	return rc;
}

/* content: NULL for the message as it came. */
static bool keep(struct carrying *c, const struct plan_output *content, struct hold *hold)
{
	const struct handover *h = c->h;
	struct segment whole = whole_message(h);
	struct error err = { 0 };
	const char *id;

	if (strcmp(hold->reason, HOLD_LOCKED) == 0 && add_seals(c, hold, &err) < 0) {
		note_temporary(c, "4.3.0", err.text);
		return false;
	}
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

/* Whose copy the scanner has got in an earlier attempt ("scan"), or who was held then ("hold"): he may have been served since. */
static size_t without_known(struct carrying *c, const char *kind, const struct plan_hold *held, const char **out)
{
	size_t n = 0;

	for (size_t i = 0; i < held->n; i++) {
		struct error err = { 0 };
		bool had = false;

		if (journal_has(&c->journal, kind, held->recipients[i], &had, &err) < 0 || !had)
			out[n++] = held->recipients[i];
	}
	return n;
}

void settle_back(struct carrying *c, const char *const *recipients, size_t n)
{
	const struct handover *h = c->h;
	const struct plan_back *back = h->plan->back;
	struct error err = { 0 };
	struct returned r;
	char scanned[HOLD_ID + 1];

	if (back && *back->id) {
		if (returned_open(h->arena, h->config->spool, back->id, "", h->plan->sender, h->until, &r, &err) < 0 ||
		    returned_add(h->arena, &r, recipients, n, &err) < 0)
			log_error("message %s: %s", back->id, err.text);
		returned_close(&r);
		if (hold_settle(h->arena, h->config->spool, back->id, recipients, n, &err) < 0)
			log_error("hold %s: %s", back->id, err.text);
	} else if (plan_holds_for_scan(h->plan)) { /* the scanner would not have them */
		hold_name(h->identity, scanned);
		if (hold_settle(h->arena, h->config->spool, scanned, recipients, n, &err) < 0)
			log_error("hold %s: %s", scanned, err.text);
	}
}

/* The sender of what goes out is told; who may know the passphrase of what comes in, the administrator must find out. */
static void tell_of_lock(struct carrying *c, const struct plan_hold *hold)
{
	const struct handover *h = c->h;
	bool out = !config_is_local(h->config, hold->recipients[0]);
	char id[HOLD_ID + 1];
	const char *command = arena_printf(h->arena, "postern -c %s", h->config->file);

	hold_name(h->identity, id);
	note_incident(c, out ? "Outgoing message waits for a passphrase" : "Incoming message waits for a passphrase",
		      arena_printf(h->arena, "%s with a key that has a passphrase of its own, and nobody has given it.\nReason: "
				   "%s\nThe message is held as %s; nothing is lost.\n\nWhoever knows the passphrase goes on with it, by typing it or as the "
				   "first line of standard input, with\n\n  %s -resume %s\n\n-release in the place of -resume %s, and "
				   "-discard removes it.", out ? "A message to the outside is to be signed" : "A message from outside "
				   "can be opened", hold->text, id, command, id, out ? "is refused, for it would go unsigned" : "delivers it as it came"));
	if (out && *h->plan->sender)
		c->delayed = hold;
}

static bool is_held_again(const struct handover *h)
{
	return h->resumed && strcmp(h->plan->hold->reason, HOLD_LOCKED) == 0;
}

bool keep_held(struct carrying *c)
{
	const struct plan_hold *held = c->h->plan->hold;
	bool scan = plan_holds_for_scan(c->h->plan);
	const char **recipients = arena_array(c->h->arena, held->n, sizeof(*recipients));
	struct hold hold = { .recipients = recipients, .reason = held->reason, .text = held->text, .content = held->digest,
			     .locked = held->locked, .finished = held->content != NULL };

	if (is_held_again(c->h))
		return true; /* it is still there */
	hold.n = without_known(c, scan ? "scan" : "hold", held, recipients);
	if (hold.n && !keep(c, held->content, &hold))
		return false;
	if (scan) /* they are served when the copy is with the scanner */
		return true;
	if (hold.n)
		record_done(c, "hold", recipients, hold.n);
	if (hold.n && !*c->h->plan->sender && strcmp(held->reason, "report") == 0)
		note_incident(c, "Report from behind the gateway is held", arena_printf(c->h->arena, "A report for somebody outside is held "
			      "in the spool and was not delivered.\nReason: %s\n\npostern -holds lists it; read it there, tell the sender, "
			      "and remove it with postern -discard.", held->text));
	if (strcmp(held->reason, HOLD_LOCKED) == 0)
		tell_of_lock(c, held); /* also of those held before: who has heard of it is in the journal */
	c->served += held->n;
	settle_back(c, held->recipients, held->n);
	return true;
}

/* ---- resumed ---- */

static bool is_among(const struct plan_hold *h, const char *address)
{
	for (size_t i = 0; i < h->n; i++)
		if (strcmp(h->recipients[i], address) == 0)
			return true;
	return false;
}

bool still_locked(const struct handover *h)
{
	return h->resumed && h->plan->hold && is_held_again(h);
}

bool nothing_unlocked(const struct handover *h)
{
	return still_locked(h) && h->plan->hold->n == h->envelope->n;
}

/* The next passphrase is for those who want one now: a layer below may have a key of another module. */
static int note_locked(const struct handover *h, struct error *err)
{
	return hold_add_locked(h->arena, h->config->spool, h->resumed->held->id, h->plan->hold->locked, err);
}

/* One who wants a passphrase has just been given one. */
static bool was_wrong(const struct handover *h)
{
	const struct held *held = h->resumed->held;
	bool wrong = !held->nmodules;

	for (size_t i = 0; i < held->nmodules; i++)
		wrong = wrong || word_listed(h->plan->hold->locked, held->modules[i]);
	return wrong;
}

void refuse_locked(struct handover *h, struct outcome *out)
{
	struct error err = { 0 };

	h->resumed->wrong = was_wrong(h);
	outcome_refuse(out, "5.7.8", arena_printf(h->arena, "%s: %s", h->resumed->wrong ? "the passphrase does not open it" :
						  "another passphrase is wanted now", h->plan->hold->text));
	if (note_locked(h, &err) < 0)
		log_error("hold %s: %s", h->resumed->held->id, err.text);
}

/* The passphrase was of some of the keys: who is served is taken out of the hold, for the others it stays. */
void keep_locked(struct carrying *c)
{
	const struct handover *h = c->h;
	const struct plan_hold *hold = h->plan->hold;
	const char **served = arena_array(h->arena, h->envelope->n, sizeof(*served));
	struct error err = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < h->envelope->n; i++)
		if (!is_among(hold, h->envelope->recipients[i]))
			served[n++] = h->envelope->recipients[i];
	if (note_locked(h, &err) < 0 || hold_settle(h->arena, h->config->spool, h->resumed->held->id, served, n, &err) < 0)
		note_temporary(c, "4.3.0", err.text);
	else
		outcome_refuse(&c->temporary, "5.7.8", arena_printf(h->arena, "%zu are served; %zu still wait for another passphrase: %s", n,
			       hold->n, hold->text));
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

void end_hold(struct carrying *c)
{
	const struct handover *h = c->h;
	struct error err = { 0 };

	if (hold_remove(h->arena, h->config->spool, h->resumed->held->id, &err) < 0)
		outcome_error(c->out, &err);
}

/* ---- what came back is never refused ---- */

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
