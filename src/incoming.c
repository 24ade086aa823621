/* incoming.c - plans mail from outside: open, verify, record what was found */
#include "incoming.h"

#include <string.h>

#include "compose.h"
#include "deliver/hold.h"
#include "findings.h"
#include "harvest.h"
#include "mime/lines.h"
#include "module/ask.h"
#include "seal_for.h"
#include "subject.h"
#include "token.h"

struct incoming {
	struct work *work;
	struct findings findings;
	const struct header *innermost; /* of what all layers are around; NULL: not looked at */
	bool wrapped;                   /* innermost is the header of a whole message inside, perhaps for its Subject (RFC 8551 3.1) */
	bool scan;                      /* the scanner gets a copy first */
	const char *const *to;
	size_t n;
};

static bool signed_and_good(const struct findings *f)
{
	return f->result.word == RESULT_PASS;
}

/* The first Subject that does not come along with something forged. */
static const struct header_field *find_subject(const struct work *w, const struct header *h)
{
	const struct header_field *f = header_find(h, "Subject", NULL);

	while (f && result_is_reserved(w->arena, w->config->hostname, f))
		f = header_find(h, "Subject", f);
	return f;
}

/* What programs write outside where the Subject is protected (RFC 9788 section 3.2.1). */
static bool hides_subject(struct arena *a, const struct header_field *outer)
{
	const char *text = outer ? header_decode(a, outer->value) : "";

	return strcmp(text, "[...]") == 0 || strcmp(text, "...") == 0;
}

/* The protected Subject, if there is one that says something else than the message's own (RFC 9788, RFC 8551 3.1), else outer.
 * A whole message may also be a forwarded one, whose Subject is its own. */
static const struct header_field *choose_subject(struct incoming *in, const struct header_field *outer)
{
	struct arena *a = in->work->arena;
	bool here = in->innermost && (in->findings.opened.header_protected || (in->wrapped && hides_subject(a, outer)));
	const struct header_field *f = here ? find_subject(in->work, in->innermost) : NULL;

	if (!f || (outer && strcmp(header_decode(a, f->value), header_decode(a, outer->value)) == 0))
		return outer;
	return f;
}

/* The Subject as it will be: the protected one where there is one, without foreign tags, with ours in front.
 * NULL: the field can stay as it is. */
static const char *new_subject(struct incoming *in)
{
	struct work *w = in->work;
	const struct config *c = w->config;
	const struct findings *f = &in->findings;
	const struct header_field *outer = find_subject(w, &w->header), *field = choose_subject(in, outer);
	const char *subject, *tag_invalid, *tag_encrypted, *tag_signed;
	bool had = false;

	subject = field ? subject_without_tags(w->arena, c, field->value, &had) : "";
	tag_invalid = f->closed || f->invalid_signature ? c->tag_invalid : "";
	tag_encrypted = f->opened.encrypted && !f->closed ? c->tag_encrypted : "";
	tag_signed = signed_and_good(f) ? c->tag_signed : "";
	if (!had && field == outer && !*tag_invalid && !*tag_encrypted && !*tag_signed &&
	    header_count(&w->header, "Subject") < 2)
		return NULL;
	return arena_printf(w->arena, "%s%s%s%s%s%s%s", tag_invalid, *tag_invalid ? " " : "", tag_encrypted,
			    *tag_encrypted ? " " : "", tag_signed, *tag_signed ? " " : "", subject);
}

static bool has_forgery(struct work *w, const struct header *h)
{
	const struct header_field *subject = header_find(h, "Subject", NULL);
	bool had = false;

	for (size_t i = 0; i < h->n; i++)
		if (result_is_reserved(w->arena, w->config->hostname, &h->fields[i]))
			return true;
	for (; subject && !had; subject = header_find(h, "Subject", subject))
		subject_without_tags(w->arena, w->config, subject->value, &had);
	return had;
}

/* SMTP makes a line break of it: then there are other fields, with tags of ours. */
static bool has_lone_cr(const struct header *h)
{
	struct lines l;

	lines_inspect(h->bytes, &l);
	return l.lone_cr;
}

/* Whether the header inside a signature carries what only we may write: then it must not get in with the signature.
 * Looked for up to the first empty line: some readers pass over a line that is no field. */
static bool hides_forgery(struct work *w, struct span entity)
{
	struct header h;
	ptrdiff_t line;

	do {
		if (header_parse(w->arena, entity, w->config->header_limit, &h, NULL) < 0 || has_forgery(w, &h) || has_lone_cr(&h))
			return true;
		entity = span_sub(entity, h.body, entity.n);
		line = span_find(entity, '\n');
		entity = span_sub(entity, (size_t)(line + 1), entity.n);
	} while (h.garbage && line >= 0);
	return false;
}

/* The content to deliver: a clear signature stays around it unless something forged hides behind it. */
static int peel(struct incoming *in, struct span *content, struct error *err)
{
	struct work *w = in->work;
	struct mime_limits limits = work_mime_limits(w);
	struct entity *e;
	int rc = entity_parse(w->arena, *content, &limits, &e, err);

	if (rc == 0)
		in->innermost = &e->header;
	for (; rc == 0 && entity_is(e, "multipart/signed") && e->first; e = e->first) {
		in->innermost = &e->first->header;
		if (!hides_forgery(w, e->first->whole))
			continue;
		*content = e->first->whole;
		plan_note(w->plan, "signature removed: the part inside it carries fields or tags that only the gateway may write");
	}
	if (rc == 0 && entity_is(e, "message/rfc822") && e->first) {
		in->wrapped = !header_parameter(&e->type, "forwarded");
		in->innermost = &e->first->header;
	}
	return rc;
}

/* The entity that takes the place of the body: *replacement stays NULL where the message stays as it is. */
static int choose_content(struct incoming *in, struct replacement *room, const struct replacement **replacement,
			  struct error *err)
{
	struct work *w = in->work;
	struct span content = in->findings.opened.content;
	int rc = 0;

	*replacement = NULL;
	if (in->findings.opened.nlayers)
		rc = peel(in, &content, err);
	if (rc < 0 || content.p == w->message.p)
		return rc;
	rc = compose_replacement(w, w->arena, content, room, err);
	if (rc == 0)
		*replacement = room;
	return rc;
}

static const char *summary(struct incoming *in)
{
	const struct result *r = &in->findings.result;

	return arena_printf(in->work->arena, "incoming: %s%s%s%s%s%s", result_name(r->word), *r->reason ? " " : "", r->reason,
			    *r->layers ? ", layers " : "", r->layers, *r->signer ? arena_printf(in->work->arena,
			    ", signer %s", r->signer) : "");
}

/* The message with its result, appended to o; the body is that of the replacement, if there is one. */
static int write_message(struct incoming *in, struct plan_output *o, const struct replacement *replacement, struct error *err)
{
	struct edit e = { .replacement = replacement, .subject = new_subject(in),
			  .tidy = in->findings.opened.nlayers > 0 || has_lone_cr(&in->work->header) };
	struct buf top = BUF_INIT;
	int rc = compose_result(in->work, &in->findings.result, replacement, &top, err);

	e.top = span_from(top.data, top.len);
	if (rc == 0)
		compose_write(in->work, o, &e);
	buf_release(&top);
	return rc;
}

static int plan_delivery(struct incoming *in, bool as_it_came, struct error *err)
{
	struct work *w = in->work;
	const struct replacement *replacement = NULL;
	struct replacement room;
	int rc = as_it_came ? 0 : choose_content(in, &room, &replacement, err);

	if (rc == 0 && replacement && w->config->deliver_inside == DELIVER_REENCRYPTED && in->findings.opened.encrypted)
		rc = seal_again(w, in->to, in->n, replacement, &room, err);
	return rc < 0 ? rc : write_message(in, plan_add_output(w->plan, "mail", "internal", w->envelope->sender, in->to, in->n,
							       summary(in)), replacement, err);
}

/* ---- by way of the scanner ---- */

/* What its recipients get in the end; what nobody had to open goes on as it comes back. */
static int inside_of(const struct incoming *in, const struct replacement *replacement)
{
	int inside = in->work->config->deliver_inside;

	if (!replacement || (inside == DELIVER_REENCRYPTED && !in->findings.opened.encrypted))
		return DELIVER_DECRYPTED;
	return inside;
}

/* Found out before anything leaves: as long as the message waits here, it is as secret as it came. */
static int check_sealable(struct incoming *in, struct error *err)
{
	struct target *targets = NULL;
	int rc = find_targets(in->work, in->to, in->n, &targets, err);

	for (size_t i = 0; i < in->n && rc == 0; i++)
		rc = target_check(&targets[i], err);
	targets_release(targets, in->n);
	return rc;
}

static int make_token(struct incoming *in, const struct replacement *replacement, int inside, struct token *out,
		      struct error *err)
{
	struct work *w = in->work;
	const char *subject = new_subject(in);
	const struct header_field *field = find_subject(w, &w->header);
	struct span shown = subject ? span_of(subject) : field ? field->value : span_of("");
	struct mime_limits limits = work_mime_limits(w);
	char digest[CONTENT_HEX + 1];
	int rc = content_digest(w->arena, shown, replacement ? replacement->entity : w->message, &limits, digest, err);

	*out = (struct token){ .id = w->id, .host = w->config->hostname, .node = token_node(w->arena), .time = (uint64_t)time(NULL),
			       .inside = inside, .content = arena_strdup(w->arena, digest), .result = in->findings.result };
	return rc;
}

/* One token does not speak for all the recipients there may be: a copy for each group of them, which share their bytes. */
static int plan_copies(struct incoming *in, const struct token *t, const struct plan_output *message, struct error *err)
{
	struct work *w = in->work;
	struct token_message m = { &w->header, w->envelope->sender };
	OSSL_LIB_CTX *ctx;
	int rc = work_crypto(w, &ctx, err);

	for (size_t i = 0; i < in->n && rc == 0; i += TOKEN_RECIPIENTS) {
		size_t n = in->n - i < TOKEN_RECIPIENTS ? in->n - i : TOKEN_RECIPIENTS;
		struct plan_output *o = plan_add_output(w->plan, "scan", "scanner", w->envelope->sender, in->to + i, n, summary(in));
		struct buf field = BUF_INIT;

		rc = token_write(&field, ctx, w->mac_key, t, &m, in->to + i, n, w->header.eol, err);
		work_emit(w, o, span_from(field.data, field.len));
		for (size_t k = 0; k < message->nsegments; k++)
			plan_add_segment(w->plan, o, message->segments[k].source, message->segments[k].offset,
					 message->segments[k].length);
		o->eight_bit = message->eight_bit;
		buf_release(&field);
	}
	return rc;
}

/* The original as it would be delivered without a scanner waits for the copy. */
static int hold_original(struct incoming *in, const struct token *t, struct error *err)
{
	struct work *w = in->work;

	plan_set_hold(w->plan, HOLD_SCAN, "waits for its opened copy to come back from the virus scanner", in->to, in->n);
	w->plan->hold->digest = t->content;
	w->plan->hold->content = plan_make_output(w->plan, "internal", w->envelope->sender);
	return write_message(in, w->plan->hold->content, NULL, err);
}

static int plan_scan(struct incoming *in, bool as_it_came, struct error *err)
{
	struct work *w = in->work;
	struct plan_output *message = plan_make_output(w->plan, "scanner", w->envelope->sender);
	const struct replacement *replacement = NULL;
	struct replacement room;
	struct token t;
	int rc = as_it_came ? 0 : choose_content(in, &room, &replacement, err), inside = inside_of(in, replacement);

	if (rc == 0 && inside == DELIVER_REENCRYPTED)
		rc = check_sealable(in, err);
	if (rc == 0)
		rc = make_token(in, replacement, inside, &t, err);
	if (rc == 0 && inside == DELIVER_ORIGINAL)
		rc = hold_original(in, &t, err);
	if (rc == 0)
		rc = write_message(in, message, replacement, err);
	return rc == 0 ? plan_copies(in, &t, message, err) : rc;
}

/* deliver_inside */
static int plan_good(struct incoming *in, struct error *err)
{
	int inside = in->work->config->deliver_inside;
	struct incoming one = *in;
	int rc = 0;

	if (in->scan)
		return plan_scan(in, false, err);
	if (inside != DELIVER_REENCRYPTED || !in->findings.opened.encrypted)
		return plan_delivery(in, inside == DELIVER_ORIGINAL, err);
	one.n = 1; /* nobody learns from the RecipientInfos who else got it */
	for (size_t i = 0; i < in->n && rc == 0; i++) {
		one.to = &in->to[i];
		rc = plan_delivery(&one, false, err);
	}
	return rc;
}

/* on_undecryptable, on_invalid_signature */
static int dispose(struct incoming *in, int policy, const char *status, const char *word, const char *text, struct error *err)
{
	struct work *w = in->work;

	if (policy == ON_REFUSE) {
		for (size_t i = 0; i < in->n; i++)
			plan_add_failure(w->plan, in->to[i], status, text);
		return 0;
	}
	if (policy == ON_HOLD) {
		plan_set_hold(w->plan, word, text, in->to, in->n);
		return 0;
	}
	if (!in->findings.closed)
		return plan_good(in, err);
	return in->scan ? plan_scan(in, true, err) : plan_delivery(in, true, err);
}

static const char *what_was_done(int policy)
{
	static const char *const done[] = { [ON_DELIVER] = "It was delivered with this result in its header.",
		[ON_HOLD] = "It is held in the spool and was not delivered.\n\npostern -holds lists it, -release tries to open it again and "
			"delivers it in any case, -discard removes it.",
		[ON_REFUSE] = "It was refused; the sender is told." };

	return done[policy];
}

static int plan_closed(struct incoming *in, struct error *err)
{
	struct work *w = in->work;
	const char *why = in->findings.closed_text;
	int policy = w->config->on_undecryptable;

	plan_add_notice(w->plan, "Message could not be opened",
			arena_printf(w->arena, "An encrypted or signed message from outside could not be opened.\n"
				     "Reason: %s\n%s\n\nIf the sender used an old certificate of ours, put the old key into the private"
				     " area again; otherwise ask the sender to encrypt with our current certificate.", why,
				     what_was_done(policy)));
	return dispose(in, policy, "5.7.5", "undecryptable",
		       arena_printf(w->arena, "the message cannot be opened: %s", why), err);
}

/* An operator who releases it has decided that nobody will give the passphrase. */
static int plan_locked(struct incoming *in, struct error *err)
{
	struct work *w = in->work;

	if (w->released)
		return plan_closed(in, err);
	plan_set_hold(w->plan, HOLD_LOCKED, in->findings.closed_text, in->to, in->n);
	w->plan->hold->locked = ask_who_is_locked(w->modules, w->arena);
	return 0;
}

static int plan_invalid(struct incoming *in, struct error *err)
{
	struct work *w = in->work;
	const struct result *r = &in->findings.result;
	int policy = w->config->on_invalid_signature;

	plan_add_notice(w->plan, "Message with an invalid signature",
			arena_printf(w->arena, "A message from outside has a signature that is not valid.\nReason: %s (%s)\n%s\n",
				     r->reason, *r->text ? r->text : "no details", what_was_done(policy)));
	return dispose(in, policy, "5.7.7", "invalid-signature",
		       arena_printf(w->arena, "the signature is not valid: %s %s", r->reason, r->text), err);
}

static int plan_found(struct incoming *in, struct error *err)
{
	if (in->findings.nested)
		plan_note(in->work->plan, "a closed S/MIME part beside other parts was left as it is");
	if (in->findings.closed)
		return in->findings.locked ? plan_locked(in, err) : plan_closed(in, err);
	if (in->findings.invalid_signature)
		return plan_invalid(in, err);
	return plan_good(in, err);
}

int incoming_plan(struct work *w, bool scan, const char *const *to, size_t n, struct error *err)
{
	struct incoming in = { .work = w, .scan = scan, .to = to, .n = n };
	int rc = findings_make(w, &in.findings, err);

	if (rc == 0)
		rc = plan_found(&in, err);
	if (rc == 0)
		harvest(w, &in.findings);
	findings_release(&in.findings);
	return rc;
}
