/* explain.c - prints a plan for people: what would happen, and why (-explain) */
#include "explain.h"

#include <stdio.h>

static const char *const origins[] = {
	[ORIGIN_OUTSIDE] = "outside", [ORIGIN_INSIDE] = "inside", [ORIGIN_SCANNER] = "the scanner",
};

static unsigned long long size_of(const struct plan_output *o)
{
	unsigned long long n = 0;

	for (size_t i = 0; i < o->nsegments; i++)
		n += o->segments[i].length;
	return n;
}

static void explain_output(const struct config *c, const struct plan_output *o)
{
	const char *where = config_via(c, o->destination);

	printf("output: to %s (%s), %llu bytes\n", o->destination, where && *where ? where : "not configured", size_of(o));
	for (size_t i = 0; i < o->n; i++)
		printf("  recipient: %s\n", o->recipients[i]);
	printf("  why: %s\n", o->why);
}

void explain_plan(const struct config *c, const struct envelope *e, const struct plan *p, const struct outcome *end)
{
	printf("from: <%s>, client %s (%s)\n", p->sender, e->client, origins[e->origin]);
	for (const struct plan_note *n = p->notes; n; n = n->next)
		printf("note: %s\n", n->text);
	for (const struct plan_output *o = p->outputs; o; o = o->next)
		explain_output(c, o);
	if (p->hold) {
		printf("hold: %s\n", p->hold->text);
		for (size_t i = 0; i < p->hold->n; i++)
			printf("  recipient: %s\n", p->hold->recipients[i]);
	}
	for (const struct plan_failure *f = p->failures; f; f = f->next)
		printf("%s: %s: %s %s\n", *f->status == '4' ? "waits" : "refused", f->address, f->status, f->text);
	if (p->failures && end->code == EXIT_DONE)
		printf("notification: to <%s>\n", p->sender);
	for (const struct plan_notice *n = p->notices; n && !p->automatic; n = n->next)
		printf("notice: to %s: %s\n", c->admin, n->subject);
	printf("exit: %d\n", end->code);
}
