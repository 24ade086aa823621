/* handover.c - the last stage, and the only one with effects: destinations, journal, reports, holds
 *
 * Order: hold, outputs, notification to the sender, notices, exit code.  Every
 * recipient that has been dealt with is in the journal before the next step,
 * so that a retry goes on where this run ended.
 */
#include "handover_inside.h"

#include <string.h>

#include "caller.h"
#include "direction.h"
#include "lib/log.h"
#include "overdue.h"
#include "resumption.h"

#define JOURNAL_SECONDS ((uint64_t)10 * 24 * 3600)
#define LOCK_MS 1000 /* for another process that has the same message: what takes longer is tried again later */

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

static void settle_failed(struct carrying *c)
{
	const char **addresses = arena_array(c->h->arena, c->nfailed, sizeof(*addresses));

	for (size_t i = 0; i < c->nfailed; i++)
		addresses[i] = c->failed[i].address;
	settle_back(c, addresses, c->nfailed);
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

/* A single answer for all: the mail server tells the sender itself. */
static bool is_refused_whole(const struct carrying *c)
{
	const struct handover *h = c->h;

	return c->temporary.code == EXIT_DONE && c->nfailed && !c->served && !c->told && !h->resumed &&
	       !must_not_return(h->config, h->envelope, h->plan->sender);
}

static void report(struct carrying *c)
{
	if (c->delayed)
		notify_of_delay(c);
	if (is_refused_whole(c)) {
		outcome_refuse(&c->temporary, c->failed[0].status, c->failed[0].text);
		settle_failed(c);
	} else if (c->nfailed && notify_sender(c)) {
		settle_failed(c);
	}
}

static void note_failures(struct carrying *c)
{
	const struct handover *h = c->h;

	for (const struct plan_failure *f = h->plan->failures; f; f = f->next)
		if (*f->status == '4')
			note_temporary(c, f->status, h->envelope->n == 1 ? f->text : arena_printf(h->arena, "to=<%s> %s", f->address, f->text));
		else
			note_failure(c, f->address, f->status, f->text);
}

static void carry_out(struct carrying *c)
{
	const struct plan *p = c->h->plan;

	if (!begin(c))
		return;
	if (p->outcome.code != EXIT_DONE) {
		keep_refused(c);
	} else {
		note_failures(c);
		deliver_all(c, !p->hold || keep_held(c));
	}
	report(c);
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
	return !c->partial && p->failures && (plan_waiting(p) || !must_not_return(c, e, p->sender));
}

/* Who must wait counts first: what becomes of the others is known then. */
static void fail_whole(const struct plan *p, struct outcome *out)
{
	const struct plan_failure *waiting = plan_waiting(p);

	if (waiting)
		outcome_defer(out, waiting->status, waiting->text);
	else
		outcome_refuse(out, p->failures->status, p->failures->text);
}

/* The whole message would be refused; it is held instead. */
static bool is_kept(const struct config *c, const struct envelope *e, const struct plan *p)
{
	return p->outcome.code != EXIT_DONE && p->outcome.code != EXIT_DEFER && must_not_return(c, e, p->sender);
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
		fail_whole(h->plan, out);
	} else if (nothing_unlocked(h)) {
		refuse_locked(h, out);
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
	else if (plan_waiting(p) || (p->failures && (fails_whole(c, e, p) ||
						     (!p->outputs && !p->hold && !must_not_return(c, e, p->sender)))))
		fail_whole(p, out);
	for (const struct plan_output *o = p->outputs; o && out->code == EXIT_DONE; o = o->next) {
		struct destination d;
		struct error err = { 0 };

		if (find_destination(p->arena, c, o, &d, &err) < 0)
			outcome_defer(out, "4.3.5", err.text);
	}
}
