/* handover_report.c - what becomes of recipients who cannot be served: the sender hears of it, and the administrator */
#include "handover_inside.h"

#include <string.h>
#include <unistd.h>

#include "direction.h"
#include "lib/fs.h"
#include "lib/log.h"

static struct error ignored;

/* ---- to the sender ---- */

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

/* Of what comes from the scanner the header was written by us from what we have opened: but the Message-ID it stays inside. */
static int known_header(const struct handover *h, struct segment *out, struct error *err)
{
	const char *known = arena_printf(h->arena, "Message-ID: %s\n", h->plan->message_id);
	int fd;

	*out = (struct segment){ h->message_fd, (off_t)h->plan->header_offset, h->plan->header_length };
	if (!must_not_return(h->config, h->envelope, h->plan->sender))
		return -1;
	fd = fs_temporary(h->config->spool, err);
	*out = (struct segment){ fd, 0, fd >= 0 && fs_write_all(fd, known, strlen(known), err) == 0 ? strlen(known) : 0 };
	return fd;
}

/* There is nobody to tell but the administrator. */
static void report_to_admin(struct carrying *c, const char *why, const struct failed_recipient *failed, size_t n)
{
	struct buf text = BUF_INIT;

	buf_addf(&text, "%s\n", why);
	for (size_t i = 0; i < n; i++)
		buf_addf(&text, "%s: %s %s\n", failed[i].address, failed[i].status, failed[i].text);
	note_incident(c, "Report that could not be delivered", arena_strdup(c->h->arena, buf_str(&text)));
	buf_release(&text);
}

static int send_dsn(struct carrying *c, enum report_kind kind, const struct failed_recipient *failed, size_t n, struct error *err)
{
	const struct handover *h = c->h;
	struct segment headers;
	struct parcel_recipient to = { .address = h->plan->sender, .status = "", .text = "" };
	struct parcel p = { .sender = "", .recipients = &to, .n = 1 };
	struct segment body = { 0 };
	struct destination d;
	int fd = fs_temporary(h->config->spool, err), known, rc;

	if (fd < 0)
		return fd;
	known = known_header(h, &headers, err);
	rc = report_write(fd, kind, h->config, h->envelope->queue_id, h->plan->sender, failed, n, headers.length ? &headers : NULL, err);
	if (known >= 0)
		close(known);
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
		report_to_admin(c, arena_printf(h->arena, "The sender <%s> was to be told of the recipients below, and this was refused for good: %s "
						"%s", h->plan->sender, to.status, to.text), failed, n);
	close(fd);
	return rc;
}

/* The sender hears once of each recipient that cannot be served. */
bool notify_sender(struct carrying *c)
{
	const char **addresses = arena_array(c->h->arena, c->nfailed, sizeof(*addresses));
	struct error err = { 0 };
	int rc = 0;

	for (size_t i = 0; i < c->nfailed; i++) {
		addresses[i] = c->failed[i].address;
		if (must_not_return(c->h->config, c->h->envelope, c->h->plan->sender))
			c->failed[i].text = BEHIND_US;
	}
	if (*c->h->plan->sender)
		rc = send_dsn(c, REPORT_FAILED, c->failed, c->nfailed, &err);
	else
		report_to_admin(c, "A message without an envelope sender (a report, an automatic answer) could not be delivered to all of its "
				"recipients, and there is nobody else to be told.", c->failed, c->nfailed);
	if (rc == 0)
		record_done(c, "dsn", addresses, c->nfailed);
	else
		note_temporary(c, "4.3.0", err.text);
	return rc == 0;
}

static void forget_delay(struct carrying *c)
{
	if (c->h->plan->hold)
		journal_forget(&c->journal, "delay", c->h->plan->hold->recipients, c->h->plan->hold->n);
}

void notify_of_delay(struct carrying *c)
{
	struct arena *a = c->h->arena;
	const struct plan_hold *hold = c->delayed;
	struct failed_recipient *list = arena_array(a, hold->n, sizeof(*list));
	const char **addresses = arena_array(a, hold->n, sizeof(*addresses)), *text;
	struct error err = { 0 };
	size_t k = 0;

	text = arena_printf(a, "the message is to be signed with a key that has a passphrase of its own, and waits for it. Ask %s, who can go on "
			    "with it, or withdraw it. %s", c->h->config->admin, hold->text);
	for (size_t i = 0; i < hold->n; i++) {
		bool had = false;

		if (journal_has(&c->journal, "delay", hold->recipients[i], &had, &err) == 0 && had)
			continue;
		list[k] = (struct failed_recipient){ hold->recipients[i], "4.7.5", text };
		addresses[k++] = hold->recipients[i];
	}
	if (k && send_dsn(c, REPORT_DELAYED, list, k, &err) < 0)
		note_temporary(c, "4.3.0", err.text);
	else if (k)
		record_done(c, "delay", addresses, k);
}

/* ---- to the administrator ---- */

static void send_notice(struct carrying *c, const struct destination *d, const char *subject, const char *text, bool suppress)
{
	const struct handover *h = c->h;
	struct notice notice = { .subject = subject, .text = text, .queue_id = h->envelope->queue_id,
				 .sender = h->plan->sender, .message_id = h->plan->message_id,
				 .recipients = h->envelope->recipients, .n = h->envelope->n };
	struct error err = { 0 };
	bool had = false;

	log_warning("%s: %s", subject, text);
	if (journal_has(&c->journal, "notice", subject, &had, &err) == 0 && had)
		return;
	if (notice_send(h->arena, h->config, d, &notice, suppress, h->until, &err) < 0)
		log_error("notice to %s: %s", h->config->admin, err.text);
	else
		journal_add(&c->journal, "notice", &subject, 1, &err);
}

void send_notices(struct carrying *c)
{
	const struct handover *h = c->h;
	struct error err = { 0 };
	struct destination d;

	if (parse_internal(h, &d) < 0)
		return;
	for (const struct plan_notice *n = h->plan->notices; n; n = n->next)
		send_notice(c, &d, n->subject, n->text, h->plan->automatic);
	for (const struct incident *i = c->incidents; i; i = i->next)
		send_notice(c, &d, i->subject, i->text, false);
	if (notice_flush(h->arena, h->config, &d, h->until, &err) < 0)
		log_error("digest to %s: %s", h->config->admin, err.text);
}

void forget_reports(struct carrying *c)
{
	const struct plan *p = c->h->plan;

	for (const struct plan_notice *n = p->notices; n; n = n->next)
		journal_forget(&c->journal, "notice", &n->subject, 1);
	for (const struct incident *i = c->incidents; i; i = i->next)
		journal_forget(&c->journal, "notice", &i->subject, 1);
	forget_delay(c);
	if (c->nfailed || c->told)
		journal_forget(&c->journal, "dsn", c->h->envelope->recipients, c->h->envelope->n);
}
