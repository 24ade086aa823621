/* ahead.c - a question that is likely to be asked soon goes along with the one before it
 *
 * A question and its answer cost two changes from one process to another, and in between one of them waits.  Who knows
 * already what comes next says so; the module works on it while its first answer is read.  Nothing else changes: when the
 * question is asked, word for word, its answer is taken instead of sending it again; if it never is, nobody reads the answer.
 */
#include "module/parts.h"

#include <stdlib.h>
#include <string.h>

/* The request behind its id, which only counts when it is sent. */
static int write_rest(const char *operation, module_writer *write, void *arg, struct buf *out)
{
	struct xml_writer w;
	struct span document;
	int rc;

	xml_writer_init(&w);
	xml_open(&w, operation);
	xml_put(&w, "id", "0");
	rc = write(&w, arg);
	if (rc == 0) {
		xml_close(&w);
		rc = xml_finish(&w, &document, NULL);
	}
	if (rc == 0) {
		document = span_sub(document, 1 + strlen(operation) + strlen(" id=\"0\""), document.n);
		buf_add(out, document.p, document.n);
	}
	xml_writer_release(&w);
	return rc;
}

static struct module *first_of(struct modules *m, enum module_role role)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->items[i].role == role)
			return &m->items[i];
	return NULL;
}

void modules_ahead(struct modules *m, enum module_role role, const char *operation, module_writer *write, void *arg)
{
	struct module *p = first_of(m, role);

	if (!p || p->broken || p->ahead.state != AHEAD_NONE || !module_lists(m->narrow[role], operation))
		return;
	if (write_rest(operation, write, arg, &p->ahead.rest) < 0) {
		ahead_forget(p);
		return;
	}
	p->ahead.operation = operation;
	p->ahead.state = AHEAD_READY;
}

void ahead_send(struct module *p, size_t frame_limit, struct buf *out)
{
	struct buf document = BUF_INIT;

	if (p->ahead.state != AHEAD_READY)
		return;
	buf_addf(&document, "<%s id=\"%u\"", p->ahead.operation, p->next_id);
	buf_add(&document, p->ahead.rest.data, p->ahead.rest.len);
	if (document.len <= frame_limit && module_lists(p->operations, p->ahead.operation)) {
		frame_append(out, span_from(document.data, document.len));
		p->ahead.id = p->next_id++;
		p->ahead.state = AHEAD_SENT;
	} else {
		ahead_forget(p);
	}
	buf_release(&document);
}

bool ahead_is(const struct module *p, const char *operation, module_writer *write, void *arg)
{
	const struct ahead *a = &p->ahead;
	struct buf rest = BUF_INIT;
	bool same;

	if ((a->state != AHEAD_SENT && a->state != AHEAD_ANSWERED) || strcmp(a->operation, operation) != 0)
		return false;
	same = write_rest(operation, write, arg, &rest) == 0 &&
	       span_eq(span_from(rest.data, rest.len), span_from(a->rest.data, a->rest.len));
	buf_release(&rest);
	return same;
}

void ahead_forget(struct module *p)
{
	buf_release(&p->ahead.rest);
	xml_free(p->ahead.answer);
	p->ahead = (struct ahead){ .state = AHEAD_NONE };
}
