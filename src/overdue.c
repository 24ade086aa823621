/* overdue.c - tells the administrator of what has not come back from the scanner */
#include "overdue.h"

#include <string.h>

#include "deliver/hold.h"
#include "deliver/report.h"
#include "lib/log.h"

static void tell(struct arena *a, const struct config *c, const struct destination *internal, const struct held *h, deadline until)
{
	const char **waiting = arena_array(a, h->n, sizeof(*waiting));
	struct notice n = { .subject = "Message has not come back from the scanner", .queue_id = h->queue_id, .sender = h->sender,
			    .message_id = h->message_id, .recipients = waiting };
	struct error err = { 0 };

	for (size_t i = 0; i < h->n; i++)
		if (!h->served[i])
			waiting[n.n++] = h->recipients[i];
	n.text = arena_printf(a, "The scanner got a copy of a message at %s, and for the recipients below it has not come back within "
			      "hold_lifetime.  The original is still held as %s; nothing is deleted.\n\nLook into the scanner's queue and "
			      "quarantine.  postern -release %s delivers the original unscanned, postern -discard %s removes it.",
			      h->time, h->id, h->id, h->id);
	log_warning("hold %s has not come back from the scanner: from=<%s>, %zu recipients wait", h->id, h->sender, h->waiting);
	if (notice_send(a, c, internal, &n, false, until, &err) < 0 || hold_mark_told(a, c->spool, h->id, &err) < 0)
		log_error("notice to %s: %s", c->admin, err.text);
}

void overdue_tell(struct arena *a, const struct config *c, deadline until)
{
	struct destination internal;
	struct error err = { 0 };
	const char **ids;
	size_t n;

	if (!hold_sweep_is_due(a, c->spool) || destination_parse(a, c->internal, &internal, &err) < 0 ||
	    internal.kind == DESTINATION_NONE || hold_list(a, c->spool, &ids, &n, &err) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		struct held h;

		if (hold_age(a, c->spool, ids[i]) >= c->hold_lifetime / 1000 && hold_read(a, c->spool, ids[i], &h, &err) == 0 &&
		    strcmp(h.reason, HOLD_SCAN) == 0 && !h.told)
			tell(a, c, &internal, &h, until);
	}
}
