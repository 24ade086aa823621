/* handover.c - the last stage, and the only one with effects: destinations, journal, reports, holds
 *
 * Order: hold, outputs, notification to the sender, notices, exit code.  Every
 * recipient that has been dealt with is in the journal before the next step,
 * so that a retry goes on where this run ended.
 */
#include "handover.h"

#include <string.h>
#include <unistd.h>

#include "deliver/destination.h"
#include "deliver/hold.h"
#include "deliver/journal.h"
#include "deliver/report.h"
#include "lib/fs.h"
#include "lib/log.h"

#define JOURNAL_DAYS 10

struct carrying {
	const struct handover *h;
	struct journal journal;
	struct outcome *out;
	struct outcome temporary;      /* the first temporary trouble; code EXIT_DONE: none */
	struct failed_recipient *failed;
	size_t nfailed;
	size_t served;                 /* recipients that got their mail, are held, or had before */
	const char *kind;              /* of the output being delivered, for the journal */
};

static struct error ignored;

static void note_temporary(struct carrying *c, const char *status, const char *text)
{
	log_warning("deferred: %s %s", status, text);
	if (c->temporary.code == EXIT_DONE)
		outcome_defer(&c->temporary, status, text);
}

static void note_failure(struct carrying *c, const char *address, const char *status, const char *text)
{
	log_warning("refused: to=<%s> %s %s", address, status, text);
	c->failed[c->nfailed++] = (struct failed_recipient){ address, status, text };
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

static struct segment *segments_of(const struct handover *h, const struct plan_output *o)
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
		p->recipients[p->n++] = (struct parcel_recipient){ .address = o->recipients[i], .status = "", .text = "" };
	}
	return 0;
}

static void count_states(struct carrying *c, const struct plan_output *o, const struct parcel *p)
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

static int find_destination(struct arena *a, const struct config *c, const struct plan_output *o, struct destination *d,
			    struct error *err)
{
	const char *text = config_via(c, o->destination);

	if (destination_parse(a, text ? text : "", d, err) == 0 && d->kind != DESTINATION_NONE)
		return 0;
	return error_set(err, E_CONFIG, "destination \"%s\": %s", o->destination,
			 err->code ? arena_strdup(a, err->text) : "not configured");
}

static void deliver_output(struct carrying *c, const struct plan_output *o)
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

/* ---- hold ---- */

static void keep_held(struct carrying *c)
{
	const struct handover *h = c->h;
	const struct plan_hold *held = h->plan->hold;
	const struct segment whole = { h->message_fd, (off_t)h->plan->header_offset, 0 };
	struct segment s = whole;
	struct hold hold = { .queue_id = h->envelope->queue_id, .sender = h->plan->sender, .client = h->envelope->client,
			     .recipients = held->recipients, .n = held->n, .reason = held->reason, .text = held->text,
			     .message_id = h->plan->message_id };
	struct error err = { 0 };
	const char *id;
	off_t size = lseek(h->message_fd, 0, SEEK_END);

	s.length = (uint64_t)size - (uint64_t)s.offset;
	if (hold_keep(h->arena, h->config->spool, h->identity, &hold, &s, 1, &id, &err) < 0) {
		note_temporary(c, "4.3.0", err.text);
		return;
	}
	log_warning("held as %s: %s", id, held->text);
	c->served += held->n;
}

/* ---- reports ---- */

static int parse_internal(const struct handover *h, struct destination *d)
{
	return destination_parse(h->arena, h->config->internal, d, &ignored) < 0 || d->kind == DESTINATION_NONE ? E_CONFIG : 0;
}

/* Where a notification to the sender goes: back to the side it came from. */
static int sender_destination(const struct handover *h, struct destination *d, struct error *err)
{
	bool inside = config_is_local(h->config, h->plan->sender);
	int rc = destination_parse(h->arena, inside ? h->config->internal : h->config->external, d, err);

	return rc == 0 && d->kind == DESTINATION_NONE ? error_set(err, E_CONFIG, "no destination for the notification") : rc;
}

static int send_dsn(struct carrying *c, const struct failed_recipient *failed, size_t n, struct error *err)
{
	const struct handover *h = c->h;
	struct segment headers = { h->message_fd, (off_t)h->plan->header_offset, h->plan->header_length };
	struct parcel_recipient to = { .address = h->plan->sender, .status = "", .text = "" };
	struct parcel p = { .sender = "", .recipients = &to, .n = 1 };
	struct segment body = { 0 };
	struct destination d;
	int fd = fs_temporary(h->config->spool, err), rc;

	if (fd < 0)
		return fd;
	rc = report_dsn(fd, h->config, h->envelope->queue_id, h->plan->sender, failed, n, &headers, err);
	body = (struct segment){ fd, 0, (uint64_t)lseek(fd, 0, SEEK_END) };
	p.segments = &body;
	p.nsegments = 1;
	if (rc == 0)
		rc = sender_destination(h, &d, err);
	if (rc == 0)
		rc = destination_deliver(h->arena, &d, h->config->hostname, &p, h->until, NULL, NULL, err);
	if (rc == 0 && to.state == RECIPIENT_TEMPORARY)
		rc = error_set(err, E_TEMP, "notification to %s: %s", h->plan->sender, to.text);
	if (rc == 0 && to.state == RECIPIENT_REFUSED)
		log_error("nobody could be told: the notification to <%s> was refused: %s %s", h->plan->sender, to.status, to.text);
	close(fd);
	return rc;
}

/* The sender hears once of each recipient that cannot be served. */
static void notify_sender(struct carrying *c)
{
	struct failed_recipient *news = arena_array(c->h->arena, c->nfailed, sizeof(*news));
	const char **addresses = arena_array(c->h->arena, c->nfailed, sizeof(*addresses));
	struct error err = { 0 };
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < c->nfailed && rc == 0; i++) {
		bool told;

		rc = journal_has(&c->journal, "dsn", c->failed[i].address, &told, &err);
		if (!told) {
			addresses[n] = c->failed[i].address;
			news[n++] = c->failed[i];
		}
	}
	if (rc == 0 && n && *c->h->plan->sender)
		rc = send_dsn(c, news, n, &err);
	if (rc == 0 && n)
		rc = journal_add(&c->journal, "dsn", addresses, n, &err);
	if (rc < 0)
		note_temporary(c, "4.3.0", err.text);
}

static void send_notices(struct carrying *c)
{
	const struct handover *h = c->h;
	struct error err = { 0 };
	struct destination d;

	if (parse_internal(h, &d) < 0)
		return;
	for (const struct plan_notice *n = h->plan->notices; n; n = n->next) {
		struct notice notice = { .subject = n->subject, .text = n->text, .queue_id = h->envelope->queue_id,
					 .sender = h->plan->sender, .message_id = h->plan->message_id,
					 .recipients = h->envelope->recipients, .n = h->envelope->n };
		bool had = false;

		log_warning("%s: %s", n->subject, n->text);
		if (journal_has(&c->journal, "notice", n->subject, &had, &err) == 0 && had)
			continue;
		if (notice_send(h->arena, h->config, &d, &notice, h->plan->automatic, h->until, &err) < 0)
			log_error("notice to %s: %s", h->config->admin, err.text);
		else
			journal_add(&c->journal, "notice", &n->subject, 1, &err);
	}
	if (notice_flush(h->arena, h->config, &d, h->until, &err) < 0)
		log_error("digest to %s: %s", h->config->admin, err.text);
}

/* ---- the end ---- */

/* The carrier forgets the message now, so the journal may too. */
static void forget(struct carrying *c)
{
	const struct plan *p = c->h->plan;

	for (const struct plan_output *o = p->outputs; o; o = o->next)
		journal_forget(&c->journal, o->kind, o->recipients, o->n);
	for (const struct plan_notice *n = p->notices; n; n = n->next)
		journal_forget(&c->journal, "notice", &n->subject, 1);
	for (size_t i = 0; i < c->nfailed; i++)
		journal_forget(&c->journal, "dsn", &c->failed[i].address, 1);
	journal_sweep(&c->journal, JOURNAL_DAYS);
}

static void carry_out(struct carrying *c)
{
	const struct plan *p = c->h->plan;
	struct error err = { 0 };

	if (journal_open(c->h->arena, c->h->config->spool, c->h->identity, &c->journal, &err) < 0) {
		outcome_error(c->out, &err);
		return;
	}
	for (const struct plan_failure *f = p->failures; f; f = f->next)
		note_failure(c, f->address, f->status, f->text);
	if (p->hold)
		keep_held(c);
	for (const struct plan_output *o = p->outputs; o; o = o->next)
		deliver_output(c, o);
	/* a single answer for all: the mail server tells the sender itself */
	if (c->temporary.code == EXIT_DONE && !c->served && c->nfailed)
		outcome_refuse(&c->temporary, c->failed[0].status, c->failed[0].text);
	else if (c->nfailed)
		notify_sender(c);
	send_notices(c);
	*c->out = c->temporary;
	if (c->out->code != EXIT_DEFER)
		forget(c);
	journal_release(&c->journal);
}

/* partial = no: one that fails fails all, before anything is handed over. */
static bool fails_whole(const struct config *c, const struct plan *p)
{
	return !c->partial && p->failures;
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
	if (h->plan->outcome.code != EXIT_DONE) {
		*out = h->plan->outcome;
	} else if (fails_whole(h->config, h->plan)) {
		outcome_refuse(out, h->plan->failures->status, h->plan->failures->text);
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
	if (p->outcome.code != EXIT_DONE)
		*out = p->outcome;
	else if (p->failures && (fails_whole(c, p) || (!p->outputs && !p->hold)))
		outcome_refuse(out, p->failures->status, p->failures->text);
	for (const struct plan_output *o = p->outputs; o && out->code == EXIT_DONE; o = o->next) {
		struct destination d;
		struct error err = { 0 };

		if (find_destination(p->arena, c, o, &d, &err) < 0)
			outcome_defer(out, "4.3.5", err.text);
	}
}
