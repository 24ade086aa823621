/* holds.c - what an operator does with held messages: list, release, discard (postern -holds, -release, -discard) */
#include "holds.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deliver/destination.h"
#include "holds_inside.h"
#include "job.h"
#include "lib/fs.h"
#include "lib/log.h"

/* ---- list ---- */

static int compare_times(const void *a, const void *b)
{
	const struct held *x = a, *y = b;
	int order = strcmp(x->time, y->time);

	return order ? order : strcmp(x->id, y->id);
}

static void print_age(uint64_t seconds)
{
	static const struct {
		uint64_t least, unit;
		char name;
	} units[] = { { 2 * 86400, 86400, 'd' }, { 2 * 3600, 3600, 'h' }, { 0, 60, 'm' } };
	size_t i = 0;

	while (seconds < units[i].least)
		i++;
	printf("%" PRIu64 "%c", seconds / units[i].unit, units[i].name);
}

static void print_hold(struct arena *a, const struct config *c, const struct held *h)
{
	printf("%s  ", h->id);
	print_age(hold_age(a, c->spool, h->id));
	printf("  %s  from <%s>%s%s\n", h->reason, h->sender, *h->message_id ? "  " : "", h->message_id);
	for (size_t i = 0; i < h->n; i++)
		printf("    to <%s>%s\n", h->recipients[i], h->served[i] ? " has been dealt with" : "");
	printf("    %s\n", h->text);
}

void holds_list(const struct config *c, struct outcome *out)
{
	struct arena a = ARENA_INIT;
	struct error err = { 0 };
	struct held *all = NULL;
	const char **ids;
	size_t n, k = 0;
	int rc = fs_check_user(c->spool, &err);

	if (rc == 0)
		rc = hold_list(&a, c->spool, &ids, &n, &err);
	if (rc == 0)
		all = arena_array(&a, n, sizeof(*all));
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = hold_read(&a, c->spool, ids[i], &all[k], &err);
		k += rc == 0;
		rc = rc == E_NOTFOUND ? 0 : rc; /* finished meanwhile */
	}
	if (k)
		qsort(all, k, sizeof(*all), compare_times);
	for (size_t i = 0; rc == 0 && i < k; i++)
		print_hold(&a, c, &all[i]);
	if (rc < 0)
		outcome_error(out, &err);
	arena_release(&a);
}

/* ---- one of them ---- */

void close_hold(struct release *r)
{
	returned_close(&r->returned);
	arena_release(&r->arena);
}

bool open_hold(struct release *r, const struct config *c, const char *id, struct outcome *out)
{
	struct error err = { 0 };
	int rc;

	*r = (struct release){ .config = c, .until = deadline_in((int64_t)c->deadline), .out = out,
			       .returned = { .by_token = { .fd = -1 }, .lock = -1 } };
	rc = fs_check_user(c->spool, &err);
	if (rc == 0)
		rc = hold_read(&r->arena, c->spool, id, &r->held, &err); /* before the lock: an id is checked there */
	if (rc == 0)
		rc = returned_open(&r->arena, c->spool, id, strcmp(r->held.reason, HOLD_SCAN) == 0 ? r->held.message_id : "",
				   r->held.sender, r->until, &r->returned, &err);
	if (rc == 0)
		rc = hold_read(&r->arena, c->spool, id, &r->held, &err);
	if (rc == 0) {
		r->waiting = arena_array(&r->arena, r->held.n, sizeof(*r->waiting));
		for (size_t i = 0; i < r->held.n; i++)
			if (!r->held.served[i])
				r->waiting[r->n++] = r->held.recipients[i];
		return true;
	}
	if (rc == E_NOTFOUND)
		outcome_refuse(out, "5.3.0", err.text);
	else
		outcome_error(out, &err);
	close_hold(r);
	return false;
}

/* ---- release ---- */

int hold_as_input(struct release *r, struct error *err)
{
	uint64_t size;
	int fd, rc = hold_open(&r->arena, r->config->spool, r->held.id, &fd, &size, err);

	if (rc < 0)
		return rc;
	if (dup2(fd, STDIN_FILENO) < 0)
		rc = error_set(err, E_TEMP, "standard input cannot be replaced");
	close(fd);
	return rc;
}

/* As if it came just now, but that it is delivered whatever is wrong with it; the journal counts it apart. */
static void process_again(struct release *r)
{
	struct config as_policy = *r->config;
	struct error err = { 0 };
	struct options o = { .command = COMMAND_DELIVER, .client = "unknown", .sender = r->held.sender, .recipients = r->waiting,
			     .nrecipients = r->n, .queue_id = arena_printf(&r->arena, "release-%s", r->held.id), .released = true };

	if (hold_as_input(r, &err) < 0) {
		outcome_error(r->out, &err);
		return;
	}
	as_policy.on_undecryptable = as_policy.on_invalid_signature = ON_DELIVER;
	job_run(&as_policy, &o, r->out);
	if (r->out->code == EXIT_DONE && hold_remove(&r->arena, r->config->spool, r->held.id, &err) < 0)
		outcome_error(r->out, &err);
}

static int mark(void *arg, const struct parcel_recipient *recipients, size_t n, struct error *err)
{
	struct release *r = arg;
	const char **addresses = arena_array(&r->arena, n, sizeof(*addresses));

	for (size_t i = 0; i < n; i++)
		addresses[i] = recipients[i].address;
	return returned_add(&r->arena, &r->returned, addresses, n, err);
}

/* Those who had it already, by a copy that came back while its hold could not be changed. */
static size_t without_served(struct release *r, struct parcel_recipient *out, struct error *err)
{
	const char **had = arena_array(&r->arena, r->n, sizeof(*had));
	size_t n = 0, nhad = 0;

	for (size_t i = 0; i < r->n; i++) {
		bool has = false;

		if (returned_has(&r->arena, &r->returned, r->waiting[i], &has, err) == 0 && has)
			had[nhad++] = r->waiting[i];
		else
			out[n++] = (struct parcel_recipient){ .address = r->waiting[i], .status = "", .text = "" };
	}
	hold_settle(&r->arena, r->config->spool, r->held.id, had, nhad, err);
	return n;
}

/* One that is refused stays in the hold: the operator sees it, and can discard it. */
static void settle(struct release *r, const struct parcel *p, struct error *err)
{
	const char **served = arena_array(&r->arena, p->n, sizeof(*served));
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct parcel_recipient *to = &p->recipients[i];

		if (to->state == RECIPIENT_ACCEPTED)
			served[n++] = to->address;
		else if (r->out->code == EXIT_DONE)
			(to->state == RECIPIENT_REFUSED ? outcome_refuse : outcome_defer)(r->out, to->status,
				arena_printf(&r->arena, "%s: %s", to->address, to->text));
		log_info("release of %s: to=<%s> %s %s", r->held.id, to->address, to->status, to->text);
	}
	if (hold_settle(&r->arena, r->config->spool, r->held.id, served, n, err) < 0 && r->out->code == EXIT_DONE)
		outcome_error(r->out, err);
}

static void deliver_finished(struct release *r)
{
	struct parcel p = { .sender = r->held.sender, .eight_bit = r->held.eight_bit, .nsegments = 1 };
	struct segment s = { .fd = -1 };
	struct destination d;
	struct error err = { 0 };
	int rc = hold_open(&r->arena, r->config->spool, r->held.id, &s.fd, &s.length, &err);

	p.segments = &s;
	p.recipients = arena_array(&r->arena, r->n, sizeof(*p.recipients));
	if (rc == 0)
		rc = destination_parse(&r->arena, r->config->internal, &d, &err);
	if (rc == 0)
		p.n = without_served(r, p.recipients, &err);
	if (rc == 0 && p.n)
		rc = destination_deliver(&r->arena, &d, r->config->hostname, &p, r->until, mark, r, &err);
	if (rc < 0)
		outcome_error(r->out, &err);
	settle(r, &p, &err);
	if (s.fd >= 0)
		close(s.fd);
}

static bool all_are_local(const struct release *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (!config_is_local(r->config, r->waiting[i]))
			return false;
	return true;
}

void holds_release(const struct config *c, const char *id, struct outcome *out)
{
	struct release r;

	if (!open_hold(&r, c, id, out))
		return;
	if (!all_are_local(&r) && strcmp(r.held.reason, HOLD_LOCKED) == 0)
		outcome_refuse(out, "5.7.1", "it is to be signed with a key that wants a passphrase: resume it with that, or discard it");
	else if (!all_are_local(&r))
		outcome_refuse(out, "5.7.1", "it is for somebody outside and may have opened mail in it: read it in the spool, and discard it");
	else if (r.held.finished)
		deliver_finished(&r);
	else
		process_again(&r);
	if (out->code == EXIT_DONE)
		printf("%s released\n", id);
	close_hold(&r);
}

/* ---- discard ---- */

void holds_discard(const struct config *c, const char *id, struct outcome *out)
{
	struct error err = { 0 };
	struct release r;

	if (!open_hold(&r, c, id, out))
		return;
	if ((strcmp(r.held.reason, HOLD_SCAN) == 0 && returned_add(&r.arena, &r.returned, r.waiting, r.n, &err) < 0) ||
	    hold_remove(&r.arena, c->spool, id, &err) < 0) {
		outcome_error(out, &err);
	} else {
		log_warning("hold %s discarded by the operator: from=<%s> %s", id, r.held.sender, r.held.text);
		printf("%s discarded\n", id);
	}
	close_hold(&r);
}
