/* bounce.c - reports that leave for the outside and may have a message in them that we have opened
 *
 * A scanner or a mail server behind us that cannot deliver sends back what it has: the opened copy, or its header, or a few
 * lines of it, in a form of its own.  Whoever has caught somebody else's encrypted mail could have it opened by sending it to an
 * address that does not exist.  So none of the report's words go out, but what RFC 3464 has for programs: which
 * recipient, which status.
 */
#include "bounce.h"

#include <string.h>
#include <unistd.h>

#include "deliver/report.h"
#include "lib/address.h"
#include "lib/fs.h"
#include "result.h"

#define RECIPIENTS_MAX 1000
#define RECORD_SPAN 8192 /* how far behind the name of a result record its words may be */

/* ---- is it one? ---- */

static bool is_delivery_report(const struct entity *root)
{
	const char *type = header_parameter(&root->type, "report-type");

	if (entity_is(root, "multipart/report") && type && ascii_caseeq(type, "delivery-status"))
		return true;
	for (const struct entity *e = root; e; e = entity_walk(e, root))
		if (entity_is(e, "message/delivery-status") || entity_is(e, "message/global-delivery-status"))
			return true;
	return false;
}

static bool is_from_ours(struct work *w)
{
	return config_is_local(w->config, header_from(w->arena, &w->header));
}

/* The word, in any letters, from `from` on; -1: nowhere. */
static ptrdiff_t find_word(struct span text, size_t from, const char *word)
{
	size_t n = strlen(word);

	for (; from + n <= text.n; from++)
		if (ascii_lower((unsigned char)text.p[from]) == ascii_lower((unsigned char)*word) &&
		    span_caseeq(span_sub(text, from, from + n), word))
			return (ptrdiff_t)from;
	return -1;
}

static bool has_token(struct span text)
{
	return find_word(text, 0, "X-Postern-Token") >= 0;
}

/* A record of ours which tells that the message came encrypted; folding and quoting count for nothing. */
static bool has_opened(struct span text)
{
	ptrdiff_t at = -1;

	while ((at = find_word(text, (size_t)(at + 1), "X-Postern-Result")) >= 0)
		if (find_word(span_sub(text, (size_t)at, (size_t)at + RECORD_SPAN), 0, "encrypted=yes") >= 0)
			return true;
	return false;
}

/* In the message as it stands, and in its parts without their encoding. */
static bool holds(struct work *w, const struct entity *root, bool (*test)(struct span text))
{
	struct buf room = BUF_INIT;
	bool found = test(w->message);

	for (const struct entity *e = root; e && !found; e = entity_walk(e, root)) {
		buf_clear(&room);
		found = !e->first && e->encoding > ENCODING_BINARY && entity_decode(e, &room, NULL) == 0 &&
			test(span_from(room.data, room.len));
	}
	buf_wipe(&room);
	return found;
}

int bounce_is(struct work *w, bool *is, struct error *err)
{
	struct mime_limits limits = work_mime_limits(w);
	struct entity *root;
	int rc;

	*is = false;
	if (*w->envelope->sender || w->config->smime_engine == ENGINE_OFF)
		return 0;
	limits.header += RESULT_ROOM;
	rc = entity_parse(w->arena, w->message, &limits, &root, err);
	if (rc < 0)
		return rc;
	if (w->envelope->origin == ORIGIN_SCANNER)
		*is = is_delivery_report(root) || !is_from_ours(w) || holds(w, root, has_token);
	else
		*is = is_delivery_report(root) && holds(w, root, has_opened);
	return 0;
}

/* ---- what it says ---- */

struct report {
	struct failed_recipient *failed;
	size_t nfailed;
	bool other;             /* it names recipients who are not given up */
	const char *message_id; /* of what it returns; "" */
};

static const char *field(struct work *w, const struct header *h, const char *name)
{
	const struct header_field *f = header_find(h, name, NULL);

	return f ? header_unfold(w->arena, f->value) : "";
}

/* "rfc822; a@b" (RFC 3464 section 2.3.2) */
static const char *typed_address(const char *value)
{
	const char *semicolon = strchr(value, ';');

	value = semicolon ? semicolon + 1 : "";
	return value + strspn(value, " \t");
}

static void read_recipient(struct work *w, const struct header *h, struct report *r)
{
	const char *address = typed_address(field(w, h, "Final-Recipient")), *action = field(w, h, "Action");

	if (address_check(address, NULL) < 0 || !config_is_local(w->config, address))
		address = typed_address(field(w, h, "Original-Recipient"));
	if (address_check(address, NULL) < 0 || !config_is_local(w->config, address))
		return;
	if (!ascii_caseeq(action, "failed")) {
		r->other = true;
		return;
	}
	plan_note(w->plan, "reported: %s failed, status %s, %s", address, field(w, h, "Status"), field(w, h, "Diagnostic-Code"));
	if (r->nfailed < RECIPIENTS_MAX)
		r->failed[r->nfailed++] = (struct failed_recipient){ address, field(w, h, "Status"), BEHIND_US };
}

/* Groups of fields, an empty line between them; the first is about the message. */
static int read_status(struct work *w, const struct entity *e, struct report *r, struct error *err)
{
	struct buf text = BUF_INIT;
	struct span rest;
	int rc = entity_decode(e, &text, err);

	rest = span_from(arena_memdup(w->arena, text.data, text.len), text.len);
	while (rc == 0 && rest.n) {
		struct header h;

		rc = header_parse(w->arena, rest, rest.n, &h, err);
		if (rc < 0)
			break;
		read_recipient(w, &h, r);
		rest = span_sub(rest, h.body ? h.body : rest.n, rest.n);
	}
	buf_release(&text);
	return rc;
}

/* Message-IDs are no secret; what is none stays away. */
static void read_message_id(struct work *w, const struct header *h, struct report *r)
{
	const char *id = field(w, h, "Message-ID");
	size_t n = strlen(id);

	if (!*r->message_id && n > 2 && n < 250 && id[0] == '<' && id[n - 1] == '>' && strcspn(id, " \t\"\\") == n)
		r->message_id = id;
}

static int read_report(struct work *w, struct report *r, struct error *err)
{
	struct mime_limits limits = work_mime_limits(w);
	struct entity *root;
	int rc;

	*r = (struct report){ .failed = arena_array(w->arena, RECIPIENTS_MAX, sizeof(*r->failed)), .message_id = "" };
	limits.header += RESULT_ROOM;
	rc = entity_parse(w->arena, w->message, &limits, &root, err);
	for (const struct entity *e = root; rc == 0 && e; e = entity_walk(e, root)) {
		struct header h;

		if (entity_is(e, "message/delivery-status") || entity_is(e, "message/global-delivery-status"))
			rc = read_status(w, e, r, err);
		else if (e->parent && entity_is(e->parent, "message/"))
			read_message_id(w, &e->header, r);
		else if (entity_is(e, "text/rfc822-headers") && header_parse(w->arena, e->body, e->body.n, &h, NULL) == 0)
			read_message_id(w, &h, r);
	}
	return rc;
}

/* ---- what we say ---- */

static int plan_report(struct work *w, const struct report *r, const char *to, struct error *err)
{
	struct plan_output *o = plan_add_output(w->plan, "mail", "external", w->envelope->sender, &to, 1,
						"a report of our own in place of one that may have opened mail in it");
	const char *known = arena_printf(w->arena, "Message-ID: %s\n", r->message_id);
	struct segment header = { w->scratch_fd, 0, strlen(known) };
	off_t end;
	int rc = 0;

	if (*r->message_id && pwrite(w->scratch_fd, known, strlen(known), 0) != (ssize_t)strlen(known))
		rc = error_set(err, E_TEMP, "spool %s: cannot write", w->config->spool);
	if (rc == 0)
		rc = report_dsn(w->output_fd, w->config, w->envelope->queue_id, to, r->failed, r->nfailed,
				*r->message_id ? &header : NULL, err);
	end = lseek(w->output_fd, 0, SEEK_CUR);
	if (rc == 0 && end > (off_t)w->output_size) {
		plan_add_segment(w->plan, o, FROM_OUTPUT, w->output_size, (uint64_t)end - w->output_size);
		w->output_size = (uint64_t)end;
	}
	return rc;
}

int bounce_plan(struct work *w, const char *const *to, size_t n, struct error *err)
{
	struct report r;
	int rc = read_report(w, &r, err);

	if (rc == 0 && !r.nfailed && !r.other) {
		plan_set_hold(w->plan, "report", "a report from behind the gateway that may have opened mail in it and does not say for programs "
			      "which recipient failed", to, n);
		return 0;
	}
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (r.nfailed) {
			rc = plan_report(w, &r, to[i], err);
		} else {
			plan_add_done(w->plan, to[i]);
			plan_note(w->plan, "to=<%s> a report without a failed recipient, dropped: it may have opened mail in it", to[i]);
		}
	}
	return rc;
}
