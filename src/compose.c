/* compose.c - puts an output together: the message's own header with a few fields changed, and a body */
#include "compose.h"

#include <string.h>

#include "mime/canonical.h"
#include "token.h"

bool compose_is_binary(const struct header *h)
{
	const struct header_field *f = header_find(h, "Content-Transfer-Encoding", NULL);

	return f && span_caseeq(span_trim(f->value), "binary");
}

int compose_replacement(struct work *w, struct arena *a, struct span entity, struct replacement *out, struct error *err)
{
	struct buf converted = BUF_INIT;
	struct header before;
	struct span bytes;
	bool binary;
	int rc = header_parse(a, entity, entity.n, &before, err); /* header_limit was kept when it was opened */

	if (rc < 0)
		return rc;
	binary = compose_is_binary(&before);
	convert_lines(binary ? span_sub(entity, 0, before.body) : entity, w->header.eol, &converted);
	out->entity = entity;
	bytes = span_from(arena_memdup(a, converted.data, converted.len), converted.len);
	buf_wipe(&converted);
	rc = header_parse(a, bytes, bytes.n, &out->header, err);
	if (rc == 0)
		out->body = binary ? span_sub(entity, before.body, entity.n) : span_sub(bytes, out->header.body, bytes.n);
	return rc;
}

static bool is_mime_field(const struct header_field *f)
{
	return span_casestarts(f->name, "Content-") || span_caseeq(f->name, "MIME-Version");
}

static void emit_string(struct work *w, struct plan_output *o, const char *text)
{
	work_emit(w, o, span_of(text));
}

static void emit_subject(struct work *w, struct plan_output *o, const char *subject)
{
	struct buf field = BUF_INIT;

	header_write(&field, "Subject", subject, w->header.eol);
	work_emit(w, o, span_from(field.data, field.len));
	buf_release(&field);
}

/* What is under fields that another program would end earlier, or read as other fields, would be whatever their writer likes: our result
 * on his text, our plaintext in his HTML.  The last line of a message may lack its break. */
static void emit_tidy(struct work *w, struct plan_output *o, struct span lines)
{
	struct buf tidied = BUF_INIT;

	header_tidy(lines, &tidied);
	if (span_eq(lines, span_from(tidied.data, tidied.len)))
		work_emit(w, o, lines);
	else
		work_emit(w, o, span_from(tidied.data, tidied.len));
	if (lines.p[lines.n - 1] != '\n')
		emit_string(w, o, w->header.eol);
	buf_release(&tidied);
}

static bool goes(struct work *w, const struct header_field *f, const struct edit *e)
{
	if (token_is(f) || (e->blind && (span_caseeq(f->name, "Bcc") || span_caseeq(f->name, "Resent-Bcc"))))
		return true;
	return !e->keep_reserved && (result_is_reserved(w->arena, w->config->hostname, f) ||
				     (e->also && result_is_reserved(w->arena, e->also, f)));
}

/* The message's own fields, less what goes. */
static void emit_fields(struct work *w, struct plan_output *o, const struct edit *e)
{
	bool subject_written = false;

	for (size_t i = 0; i < w->header.n; i++) {
		const struct header_field *f = &w->header.fields[i];

		if (goes(w, f, e))
			continue;
		if (e->replacement && is_mime_field(f))
			continue;
		if (e->subject && span_caseeq(f->name, "Subject")) {
			if (!subject_written)
				emit_subject(w, o, e->subject);
			subject_written = true;
			continue;
		}
		if (e->replacement || e->tidy)
			emit_tidy(w, o, f->whole);
		else
			work_emit(w, o, f->whole);
	}
	if (e->subject && *e->subject && !subject_written)
		emit_subject(w, o, e->subject);
}

static void emit_replacement(struct work *w, struct plan_output *o, const struct replacement *r)
{
	emit_string(w, o, "MIME-Version: 1.0");
	emit_string(w, o, w->header.eol);
	for (size_t i = 0; i < r->header.n; i++)
		if (span_casestarts(r->header.fields[i].name, "Content-"))
			emit_tidy(w, o, r->header.fields[i].whole);
	emit_string(w, o, w->header.eol);
	work_emit(w, o, r->body);
}

static bool has_8bit(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] & 0x80)
			return true;
	return false;
}

void compose_write(struct work *w, struct plan_output *o, const struct edit *e)
{
	o->eight_bit = !e->replacement || has_8bit(e->replacement->body);
	work_emit(w, o, e->top);
	emit_fields(w, o, e);
	if (e->replacement) {
		emit_replacement(w, o, e->replacement);
		return;
	}
	/* With the empty line between header and body as it stands.  If the header ended at a line that is no field, it gets
	 * one: a reader that passes over such a line would take what follows, and nobody looked through, for header fields. */
	if (w->header.garbage)
		emit_string(w, o, w->header.eol);
	work_emit(w, o, span_sub(w->message, w->header.bytes.n, w->message.n));
}

int compose_result(struct work *w, const struct result *r, const struct replacement *replacement, struct buf *top,
		   struct error *err)
{
	struct span body = replacement ? replacement->body : span_sub(w->message, w->header.body, w->message.n);
	OSSL_LIB_CTX *ctx;
	int rc = work_crypto(w, &ctx, err);

	if (rc == 0)
		rc = result_write(top, ctx, w->mac_key, w->config->hostname, w->envelope->queue_id, time(NULL), r, &w->header,
				  &body, 1, w->header.eol, err);
	return rc;
}
