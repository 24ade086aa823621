/* plan.c - the finished list of what is to be done with one message */
#include "plan.h"

#include "deliver/hold.h"
#include "lib/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void plan_init(struct plan *p, struct arena *a)
{
	*p = (struct plan){ .sender = "", .message_id = "", .arena = a };
	outcome_done(&p->outcome);
}

/* Lists keep their order: the first entry is the first that is done. */
#define APPEND(list, last, entry) do { \
	if (last) \
		(last)->next = (entry); \
	else \
		(list) = (entry); \
	(last) = (entry); \
} while (0)

static const char **copy_list(struct arena *a, const char *const *items, size_t n)
{
	const char **copy = arena_array(a, n, sizeof(*copy));

	for (size_t i = 0; i < n; i++)
		copy[i] = arena_strdup(a, items[i]);
	return copy;
}

struct plan_output *plan_make_output(struct plan *p, const char *destination, const char *sender)
{
	struct plan_output *o = arena_alloc(p->arena, sizeof(*o));

	o->kind = o->why = "";
	o->destination = arena_strdup(p->arena, destination);
	o->sender = arena_strdup(p->arena, sender);
	return o;
}

struct plan_output *plan_add_output(struct plan *p, const char *kind, const char *destination, const char *sender,
				    const char *const *recipients, size_t n, const char *why)
{
	struct plan_output *o = plan_make_output(p, destination, sender);

	o->kind = arena_strdup(p->arena, kind);
	o->recipients = copy_list(p->arena, recipients, n);
	o->n = n;
	o->why = arena_strdup(p->arena, why);
	APPEND(p->outputs, p->last_output, o);
	return o;
}

void plan_add_segment(struct plan *p, struct plan_output *o, enum segment_source source, uint64_t offset, uint64_t length)
{
	struct plan_segment *last = o->nsegments ? &o->segments[o->nsegments - 1] : NULL;
	struct plan_segment *more;

	if (!length)
		return;
	if (last && last->source == source && last->offset + last->length == offset) {
		last->length += length;
		return;
	}
	more = arena_array(p->arena, o->nsegments + 1, sizeof(*more));
	if (o->nsegments)
		memcpy(more, o->segments, o->nsegments * sizeof(*more));
	more[o->nsegments++] = (struct plan_segment){ source, offset, length };
	o->segments = more;
}

void plan_add_failure(struct plan *p, const char *address, const char *status, const char *text)
{
	struct plan_failure *f = arena_alloc(p->arena, sizeof(*f));

	f->address = arena_strdup(p->arena, address);
	f->status = arena_strdup(p->arena, status);
	f->text = arena_strdup(p->arena, text);
	APPEND(p->failures, p->last_failure, f);
}

const struct plan_failure *plan_waiting(const struct plan *p)
{
	const struct plan_failure *f = p->failures;

	while (f && *f->status != '4')
		f = f->next;
	return f;
}

void plan_add_notice(struct plan *p, const char *subject, const char *text)
{
	struct plan_notice *n = arena_alloc(p->arena, sizeof(*n));

	n->subject = arena_strdup(p->arena, subject);
	n->text = arena_strdup(p->arena, text);
	APPEND(p->notices, p->last_notice, n);
}

void plan_set_hold(struct plan *p, const char *reason, const char *text, const char *const *recipients, size_t n)
{
	p->hold = arena_alloc(p->arena, sizeof(*p->hold));
	p->hold->reason = arena_strdup(p->arena, reason);
	p->hold->text = arena_strdup(p->arena, text);
	p->hold->recipients = copy_list(p->arena, recipients, n);
	p->hold->n = n;
	p->hold->digest = p->hold->locked = "";
}

bool plan_holds_for_scan(const struct plan *p)
{
	return p->hold && strcmp(p->hold->reason, HOLD_SCAN) == 0;
}

const char *plan_word(struct arena *a, const char *name)
{
	char *word = arena_strdup(a, name);

	for (char *p = word; *p; p++)
		if (!ascii_alpha((unsigned char)*p) && !ascii_digit((unsigned char)*p) && !strchr("-_.", *p))
			*p = '_';
	return word;
}

void plan_set_back(struct plan *p, const char *id, const char *host, const char *node, const char *digest)
{
	p->back = arena_alloc(p->arena, sizeof(*p->back));
	p->back->id = arena_strdup(p->arena, id);
	p->back->host = plan_word(p->arena, host);
	p->back->node = plan_word(p->arena, node);
	p->back->digest = arena_strdup(p->arena, digest);
}

void plan_add_done(struct plan *p, const char *address)
{
	struct plan_done *d = arena_alloc(p->arena, sizeof(*d));

	d->address = arena_strdup(p->arena, address);
	APPEND(p->dones, p->last_done, d);
}

void plan_note(struct plan *p, const char *fmt, ...)
{
	struct plan_note *note = arena_alloc(p->arena, sizeof(*note));
	char text[1000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	note->text = arena_strdup(p->arena, text);
	APPEND(p->notes, p->last_note, note);
}

void plan_break_off(struct plan *p, const struct error *err)
{
	outcome_error(&p->outcome, err);
	p->outputs = p->last_output = NULL;
	p->hold = NULL;
	p->dones = p->last_done = NULL;
}
