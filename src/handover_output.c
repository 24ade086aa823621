/* handover_output.c - an output to its destination, for those who have not had it */
#include "handover_inside.h"

#include "lib/log.h"

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
		if (was_told(c, o->recipients[i])) {
			log_info("to=<%s> was refused in an earlier attempt, and the sender knows", o->recipients[i]);
			c->told++;
			continue;
		}
		p->recipients[p->n++] = (struct parcel_recipient){ .address = o->recipients[i], .status = "", .text = "" };
	}
	return 0;
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
	if (fill_parcel(c, o, &p, &err) < 0) {
		error_prefix(&err, "destination %s", o->destination);
		note_temporary(c, "4.3.0", err.text);
		return;
	}
	/* An acceptance that could not be recorded is one all the same, and in the log: only a retry would be a duplicate. */
	if (p.n)
		destination_deliver(h->arena, &d, h->config->hostname, &p, h->until, write_journal, c, &err);
	count_states(c, o, &p);
}
