/* handover.c - the last stage, and the only one with effects: destinations, journal, reports, holds
 *
 * Order: hold, outputs, notification to the sender, notices, exit code.  Every
 * recipient that has been dealt with is in the journal before the next step,
 * so that a retry goes on where this run ended.
 */
#include "handover_inside.h"

#include <string.h>

#include "caller.h"
#include "deliver/hold.h"
#include "lib/log.h"
#include "overdue.h"
#include "resume.h"

#define JOURNAL_SECONDS ((uint64_t)10 * 24 * 3600)
#define LOCK_MS 1000 /* for another process that has the same message: what takes longer is tried again later */

void note_temporary(struct carrying *c, const char *status, const char *text)
{
	log_warning("deferred: %s %s", status, text);
	if (c->temporary.code == EXIT_DONE)
		outcome_defer(&c->temporary, status, text);
}

void note_failure(struct carrying *c, const char *address, const char *status, const char *text)
{
	log_warning("refused: to=<%s> %s %s", address, status, text);
	if (sender_was_told(c, address))
		c->told++;
	else
		c->failed[c->nfailed++] = (struct failed_recipient){ address, status, text };
}

void note_incident(struct carrying *c, const char *subject, const char *text)
{
	struct incident *i = arena_alloc(c->h->arena, sizeof(*i));

	*i = (struct incident){ .next = c->incidents, .subject = subject, .text = text };
	c->incidents = i;
}

/* ---- outputs ---- */

static int write_journal(void *arg, const struct parcel_recipient *recipients, size_t n, struct error *err)
{
	struct carrying *c = arg;
	const char **addresses = arena_array(c->h->arena, n, sizeof(*addresses));

	for (size_t i = 0; i < n; i++)
		addresses[i] = recipients[i].address;
	return journal_add(&c->journal, c->kind, addresses, n, err);
}

struct segment *segments_of(const struct handover *h, const struct plan_output *o)
{
	struct segment *s = arena_array(h->arena, o->nsegments, sizeof(*s));

	for (size_t i = 0; i < o->nsegments; i++)
		s[i] = (struct segment){ o->segments[i].source == FROM_MESSAGE ? h->message_fd : h->output_fd,
					 (off_t)o->segments[i].offset, o->segments[i].length };
	return s;
}

/* The recipients that have not had it yet. */
static int fill_parcel(struct carrying *c, const struct plan_output *o, struct parcel *p, struct error *err)
{
	*p = (struct parcel){ .sender = o->sender, .segments = segments_of(c->h, o), .nsegments = o->nsegments,
			      .eight_bit = o->eight_bit };
	p->recipients = arena_array(c->h->arena, o->n, sizeof(*p->recipients));
	for (size_t i = 0; i < o->n; i++) {
		bool had;

		if (journal_has(&c->journal, o->kind, o->recipients[i], &had, err) < 0)
			return E_TEMP;
		if (had) {
			log_info("to=<%s> had it in an earlier attempt", o->recipients[i]);
			c->served++;
			continue;
		}
		if (sender_was_told(c, o->recipients[i])) {
			log_info("to=<%s> was refused in an earlier attempt, and the sender knows", o->recipients[i]);
			c->told++;
			continue;
		}
		p->recipients[p->n++] = (struct parcel_recipient){ .address = o->recipients[i], .status = "", .text = "" };
	}
	return 0;
}

void count_states(struct carrying *c, const struct plan_output *o, const struct parcel *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct parcel_recipient *r = &p->recipients[i];

		switch (r->state) {
		case RECIPIENT_ACCEPTED:
			log_info("to=<%s> %s accepted %s", r->address, o->destination, r->text);
			c->served++;
			break;
		case RECIPIENT_REFUSED:
			note_failure(c, r->address, r->status, r->text);
			break;
		default:
			note_temporary(c, r->status, r->text);
		}
	}
}

int find_destination(struct arena *a, const struct config *c, const struct plan_output *o, struct destination *d,
		     struct error *err)
{
	const char *text = config_via(c, o->destination);

	if (destination_parse(a, text ? text : "", d, err) == 0 && d->kind != DESTINATION_NONE)
		return 0;
	return error_set(err, E_CONFIG, "destination \"%s\": %s", o->destination,
			 err->code ? arena_strdup(a, err->text) : "not configured");
}

void deliver_output(struct carrying *c, const struct plan_output *o)
{
	const struct handover *h = c->h;
	struct destination d;
	struct error err = { 0 };
	struct parcel p;

	c->kind = o->kind;
	if (find_destination(h->arena, h->config, o, &d, &err) < 0) {
		note_temporary(c, "4.3.5", err.text);
		return;
	}
	if (fill_parcel(c, o, &p, &err) < 0 ||
	    (p.n && destination_deliver(h->arena, &d, h->config->hostname, &p, h->until, write_journal, c, &err) < 0)) {
		error_prefix(&err, "destination %s", o->destination);
		note_temporary(c, "4.3.0", err.text);
		return;
	}
	count_states(c, o, &p);
}

/* ---- the end ---- */

/* The carrier forgets the message now, so the journal may too: the very last thing that is done, for a kill between here and
 * the end makes the carrier try again. */
static void forget(struct carrying *c)
{
	const struct plan *p = c->h->plan;

	for (const struct plan_output *o = p->outputs; o; o = o->next)
		if (!o->once)
			journal_forget(&c->journal, o->kind, o->recipients, o->n);
	if (p->hold && !plan_holds_for_scan(p))
		journal_forget(&c->journal, "hold", p->hold->recipients, p->hold->n);
	forget_reports(c);
}

/* A single answer for all: the mail server tells the sender itself. */
static void refuse(struct carrying *c)
{
	const char **addresses = arena_array(c->h->arena, c->nfailed, sizeof(*addresses));

	for (size_t i = 0; i < c->nfailed; i++)
		addresses[i] = c->failed[i].address;
	settle_back(c, addresses, c->nfailed);
	outcome_refuse(&c->temporary, c->failed[0].status, c->failed[0].text);
}

/* The copy of what could not be kept must not come back. */
static void deliver_all(struct carrying *c, bool kept)
{
	const struct plan *p = c->h->plan;

	for (const struct plan_output *o = p->outputs; o; o = o->next) {
		if (!kept && plan_holds_for_scan(p) && strcmp(o->kind, "scan") == 0)
			continue;
		if (caller_is_gone())
			note_temporary(c, "4.3.2", "the mail server has ended; the rest is not handed over");
		else if (o->once || o->original != ORIGINAL_NO)
			deliver_back(c, o);
		else
			deliver_output(c, o);
	}
}

/* The journal, with nobody else at it.  Whether the caller is there is asked behind the lock: as long as he is, nobody else was
 * told to try this message. */
static bool begin(struct carrying *c)
{
	const struct handover *h = c->h;
	const struct envelope *e = h->envelope;
	deadline until = deadline_earlier(h->until, deadline_in(LOCK_MS));
	struct error err = { 0 };

	if (journal_open(h->arena, h->config->spool, h->identity, &c->journal, &err) < 0 ||
	    journal_lock(&c->journal, e->recipients, e->n, until, &err) < 0 ||
	    journal_lock(&c->journal, e->ill_formed, e->nill, until, &err) < 0)
		outcome_error(c->out, &err);
	else if (caller_is_gone())
		outcome_defer(c->out, "4.3.2", "the mail server has ended; nothing was handed over");
	else
		return true;
	journal_release(&c->journal);
	return false;
}

static void carry_out(struct carrying *c)
{
	const struct plan *p = c->h->plan;

	if (!begin(c))
		return;
	if (p->outcome.code != EXIT_DONE) {
		keep_refused(c);
	} else {
		for (const struct plan_failure *f = p->failures; f; f = f->next)
			note_failure(c, f->address, f->status, f->text);
		deliver_all(c, !p->hold || keep_held(c));
	}
	if (c->temporary.code == EXIT_DONE && !c->served && !c->told && c->nfailed && !c->h->resumed && !must_not_return(c->h->config, c->h->envelope, p))
		refuse(c);
	else if (c->nfailed)
		notify_sender(c);
	if (c->temporary.code == EXIT_DONE && still_locked(c->h))
		keep_locked(c);
	send_notices(c);
	overdue_tell(c->h->arena, c->h->config, c->h->until);
	*c->out = c->temporary;
	journal_sweep(&c->journal, JOURNAL_SECONDS);
	if (c->out->code == EXIT_DONE && c->h->resumed)
		end_hold(c); /* before the journal forgets */
	if (c->out->code != EXIT_DEFER && !caller_is_gone()) /* nobody has heard of it: the next attempt must */
		forget(c);
	journal_release(&c->journal);
}

/* partial = no: one that fails fails all, before anything is handed over.  What must not be returned is not refused. */
static bool fails_whole(const struct config *c, const struct envelope *e, const struct plan *p)
{
	return !c->partial && p->failures && !must_not_return(c, e, p);
}

/* The whole message would be refused; it is held instead. */
static bool is_kept(const struct config *c, const struct envelope *e, const struct plan *p)
{
	return p->outcome.code != EXIT_DONE && p->outcome.code != EXIT_DEFER && must_not_return(c, e, p);
}

static void log_notes(const struct handover *h)
{
	for (const struct plan_note *n = h->plan->notes; n; n = n->next)
		log_info("%s", n->text);
	for (const struct plan_output *o = h->plan->outputs; o; o = o->next)
		log_info("from=<%s> client=%s destination=%s nrcpt=%zu %s", o->sender, h->envelope->client, o->destination, o->n, o->why);
}

void handover_run(struct handover *h, struct outcome *out)
{
	struct carrying c = { .h = h, .out = out };

	outcome_done(out);
	outcome_done(&c.temporary);
	log_notes(h);
	if (h->plan->outcome.code != EXIT_DONE && !is_kept(h->config, h->envelope, h->plan)) {
		*out = h->plan->outcome;
	} else if (fails_whole(h->config, h->envelope, h->plan)) {
		outcome_refuse(out, h->plan->failures->status, h->plan->failures->text);
	} else if (nothing_unlocked(h)) {
		h->resumed->wrong = true;
		outcome_refuse(out, "5.7.8", arena_printf(h->arena, "the passphrase does not open it: %s", h->plan->hold->text));
	} else {
		c.failed = arena_array(h->arena, h->envelope->n * 2 + h->envelope->nill, sizeof(*c.failed));
		carry_out(&c);
	}
	if (out->code != EXIT_DONE)
		log_warning("exit %d: %s %s", out->code, out->status, out->text);
}

void handover_foresee(const struct config *c, const struct envelope *e, const struct plan *p, struct outcome *out)
{
	outcome_done(out);
	if (is_kept(c, e, p))
		return;
	if (p->outcome.code != EXIT_DONE)
		*out = p->outcome;
	else if (p->failures && (fails_whole(c, e, p) || (!p->outputs && !p->hold && !must_not_return(c, e, p))))
		outcome_refuse(out, p->failures->status, p->failures->text);
	for (const struct plan_output *o = p->outputs; o && out->code == EXIT_DONE; o = o->next) {
		struct destination d;
		struct error err = { 0 };

		if (find_destination(p->arena, c, o, &d, &err) < 0)
			outcome_defer(out, "4.3.5", err.text);
	}
}
