/* handover_account.c - what has become of whom so far, in this run and in earlier ones */
#include "handover_inside.h"

#include "lib/log.h"

bool was_told(struct carrying *c, const char *address)
{
	bool told = false;
	struct error ignored = { 0 };

	journal_has(&c->journal, "dsn", address, &told, &ignored);
	return told;
}

void note_temporary(struct carrying *c, const char *status, const char *text)
{
	log_warning("deferred: %s %s", status, text);
	if (c->temporary.code == EXIT_DONE)
		outcome_defer(&c->temporary, status, text);
}

void note_failure(struct carrying *c, const char *address, const char *status, const char *text)
{
	log_warning("refused: to=<%s> %s %s", address, status, text);
	if (was_told(c, address))
		c->told++;
	else
		c->failed[c->nfailed++] = (struct failed_recipient){ address, status, text };
}

void record_done(struct carrying *c, const char *kind, const char *const *addresses, size_t n)
{
	struct error err = { 0 };

	if (journal_add(&c->journal, kind, addresses, n, &err) < 0)
		log_error("%s: done, but that could not be recorded: it is done again if this message is tried again: %s", kind, err.text);
}

void note_incident(struct carrying *c, const char *subject, const char *text)
{
	struct incident *i = arena_alloc(c->h->arena, sizeof(*i));

	*i = (struct incident){ .next = c->incidents, .subject = subject, .text = text };
	c->incidents = i;
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
