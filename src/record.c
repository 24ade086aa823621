/* record.c - the plan on its way from the child to the parent: what the child writes */
#include "record.h"

/* One line; line breaks in a value become '\r' on the wire (no value may contain CR itself). */
static void add_line(struct buf *out, const char *word, const char *value)
{
	buf_addstr(out, word);
	buf_addch(out, ' ');
	for (; *value; value++)
		buf_addch(out, *value == '\n' ? '\r' : *value == '\r' ? ' ' : *value);
	buf_addch(out, '\n');
}

static const char *or_dash(const char *word)
{
	return *word ? word : "-";
}

static void add_segments(struct buf *out, const struct plan_output *o)
{
	if (o->eight_bit)
		add_line(out, "eight-bit", "yes");
	for (size_t i = 0; i < o->nsegments; i++)
		buf_addf(out, "segment %s %llu %llu\n", o->segments[i].source == FROM_MESSAGE ? "message" : "output",
			 (unsigned long long)o->segments[i].offset, (unsigned long long)o->segments[i].length);
}

const char *const record_originals[] = { [ORIGINAL_NO] = "no", [ORIGINAL_HELD] = "held", [ORIGINAL_SEEK] = "seek" };

static void add_output(struct buf *out, const struct plan_output *o)
{
	buf_addf(out, "output %s %s\n", o->kind, o->destination);
	add_line(out, "from", o->sender);
	add_line(out, "why", o->why);
	if (o->once)
		add_line(out, "once", "yes");
	if (o->sealed)
		add_line(out, "sealed", "yes");
	if (o->original != ORIGINAL_NO)
		add_line(out, "original", record_originals[o->original]);
	for (size_t i = 0; i < o->n; i++)
		add_line(out, "to", o->recipients[i]);
	add_segments(out, o);
}

static void add_hold(struct buf *out, const struct plan_hold *h)
{
	buf_addf(out, "hold %s ", h->reason);
	add_line(out, h->text, "");
	for (size_t i = 0; i < h->n; i++)
		add_line(out, "held", h->recipients[i]);
	if (*h->locked)
		add_line(out, "locked", h->locked);
	if (h->content) {
		add_line(out, "kept", or_dash(h->digest));
		add_segments(out, h->content);
	}
}

void record_write(const struct plan *p, struct buf *out)
{
	buf_addstr(out, "plan 1\n");
	add_line(out, "sender", p->sender);
	add_line(out, "message-id", p->message_id);
	buf_addf(out, "header %llu %llu\n", (unsigned long long)p->header_offset, (unsigned long long)p->header_length);
	if (p->automatic)
		add_line(out, "automatic", "yes");
	for (const struct plan_note *n = p->notes; n; n = n->next)
		add_line(out, "note", n->text);
	for (const struct plan_output *o = p->outputs; o; o = o->next)
		add_output(out, o);
	for (const struct plan_failure *f = p->failures; f; f = f->next) {
		add_line(out, "failure", f->address);
		add_line(out, "status", f->status);
		add_line(out, "text", f->text);
	}
	for (const struct plan_notice *n = p->notices; n; n = n->next) {
		add_line(out, "notice", n->subject);
		add_line(out, "text", n->text);
	}
	for (const struct plan_done *d = p->dones; d; d = d->next)
		add_line(out, "done", d->address);
	if (p->hold)
		add_hold(out, p->hold);
	if (p->back)
		buf_addf(out, "back %s %s %s %s\n", or_dash(p->back->id), or_dash(p->back->host), or_dash(p->back->node),
			 p->back->digest);
	if (p->outcome.code != EXIT_DONE) {
		buf_addf(out, "outcome %s ", p->outcome.status);
		add_line(out, p->outcome.text, "");
	}
	buf_addstr(out, "end\n");
}
