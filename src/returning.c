/* returning.c - plans mail that comes back from the scanner
 *
 * The token tells what was done for which recipients when the message first came.  Whoever it does not speak for gets mail
 * as from anybody else in the house, except that what is known, or must be feared, to have come encrypted stays so where users get it
 * encrypted.
 */
#include "returning.h"

#include <string.h>
#include <time.h>

#include "compose.h"
#include "seal_for.h"
#include "token.h"

struct returning {
	struct work *work;
	OSSL_LIB_CTX *ctx;
	struct token token;
	bool believed;            /* the token is ours, of this message, and not too old */
	bool has_record;          /* the result record is there and tells all there is to tell */
	bool was_encrypted;       /* as we know from token or record */
	char digest[CONTENT_HEX + 1];
	struct result result;     /* what the token tells, with what the scanner did */
	struct replacement opened; /* the message as what is sealed; entity.p NULL: not made yet */
	const char *unsealable;   /* why a copy is held */
	const char **held;
	size_t nheld;
};

/* ---- what is known ---- */

static bool is_expired(const struct returning *r)
{
	return (uint64_t)time(NULL) > r->token.time && (uint64_t)time(NULL) - r->token.time > r->work->config->hold_lifetime / 1000;
}

static int read_token(struct returning *r, struct error *err)
{
	struct work *w = r->work;
	struct token_message m = { &w->header, w->envelope->sender };
	struct error why = { 0 };
	int rc = token_read(w->arena, r->ctx, w->mac_key, &m, &r->token, &r->believed, &why);

	if (rc == E_TEMP)
		return error_set(err, E_TEMP, "%s", why.text);
	r->was_encrypted |= rc == 0 && r->token.result.encrypted;
	if (r->believed && is_expired(r)) {
		r->believed = false;
		error_set(&why, E_PERM, "X-Postern-Token is older than hold_lifetime");
	}
	if (r->believed)
		plan_note(w->plan, "token %s of %s (%s), for %zu recipients, inside %s", r->token.id, r->token.host, r->token.node,
			  r->token.ntags, token_inside(&r->token));
	else
		plan_note(w->plan, "without a token: %s", why.text);
	return 0;
}

/* Our result fields stay if their MAC is good and nothing was changed. */
static int read_record(struct returning *r, struct error *err)
{
	struct work *w = r->work;
	const char *host = r->believed ? r->token.host : w->config->hostname, *record;
	struct error why = { 0 };
	struct result result;
	int rc = result_verify(w->arena, r->ctx, w->mac_key, host, &w->header, span_sub(w->message, w->header.body, w->message.n),
			       &record, &why);

	if (rc == E_TEMP)
		return error_set(err, E_TEMP, "%s", why.text);
	r->has_record = rc == 0 && strcmp(host, w->config->hostname) == 0; /* another node's is written again in our name */
	r->was_encrypted |= rc == 0 && result_findings(w->arena, record, &result, NULL) == 0 && result.encrypted;
	if (rc == E_PERM)
		plan_note(w->plan, "result fields do not fit the scanned mail: %s", why.text);
	return 0;
}

static int compare_content(struct returning *r, struct error *err)
{
	struct work *w = r->work;
	const struct header_field *subject = header_find(&w->header, "Subject", NULL);
	struct mime_limits limits = work_mime_limits(w);
	int rc;

	limits.header += RESULT_ROOM; /* as when it was read */
	rc = content_digest(w->arena, subject ? subject->value : span_of(""), w->message, &limits, r->digest, err);

	if (rc < 0 || !r->believed)
		return rc;
	r->result = r->token.result;
	if (strcmp(r->digest, r->token.content) != 0) {
		r->result.modified = "scanner";
		r->has_record = false; /* it may still fit: it is not bound to the Subject */
		plan_note(w->plan, "the scanner has changed the content");
	}
	return 0;
}

static bool is_changed(const struct returning *r)
{
	return r->believed && *r->result.modified;
}

/* ---- outputs ---- */

static struct plan_output *add_output(struct returning *r, const char *const *to, size_t n, bool once, const char *why)
{
	struct work *w = r->work;
	struct plan_output *o = plan_add_output(w->plan, "mail", "internal", w->envelope->sender, to, n, why);

	o->once = once;
	return o;
}

/* The copy as it came back, or with another body; the result is written anew where only the token still tells it. */
static int write_copy(struct returning *r, struct plan_output *o, bool by_token, const struct replacement *replacement,
		      struct error *err)
{
	struct work *w = r->work;
	struct edit e = { .replacement = replacement, .keep_reserved = r->has_record && !replacement,
			  .also = by_token ? r->token.host : NULL };
	struct buf top = BUF_INIT;
	int rc = 0;

	if (by_token && !e.keep_reserved)
		rc = compose_result(w, &r->result, replacement, &top, err);
	e.top = span_from(top.data, top.len);
	if (rc == 0)
		compose_write(w, o, &e);
	buf_release(&top);
	return rc;
}

static int plan_copy(struct returning *r, const char *const *to, size_t n, bool by_token, enum original original, const char *why,
		     struct error *err)
{
	struct plan_output *o = add_output(r, to, n, by_token, why);

	o->original = original;
	return write_copy(r, o, by_token, NULL, err);
}

/* ---- sealed again ---- */

/* E_CONFIG: there is nothing to encrypt to. */
static int plan_sealed_one(struct returning *r, const char *const *to, bool by_token, enum original original, struct error *err)
{
	struct work *w = r->work;
	struct replacement room;
	struct plan_output *o;
	int rc = r->opened.entity.p ? 0 : compose_replacement(w, w->arena, w->message, &r->opened, err);

	if (rc == 0)
		rc = seal_again(w, to, 1, &r->opened, &room, err);
	if (rc < 0)
		return rc;
	o = add_output(r, to, 1, by_token, is_changed(r) ? "back from the scanner, which changed it: sealed again"
							 : "back from the scanner: sealed again");
	o->sealed = true;
	o->original = original;
	return write_copy(r, o, by_token, &room, err);
}

/* One output each: nobody learns from the RecipientInfos who else got it.  must: it is never delivered in clear, but held. */
static int plan_sealed(struct returning *r, const char *const *to, size_t n, bool by_token, enum original original, bool must,
		       struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = plan_sealed_one(r, &to[i], by_token, original, err);
		if (rc == E_CONFIG && must) {
			r->unsealable = arena_strdup(r->work->arena, err->text);
			r->held[r->nheld++] = to[i];
			rc = 0;
		} else if (rc == E_CONFIG) {
			rc = plan_copy(r, &to[i], 1, by_token, original, "from the scanner; there is nothing to encrypt it with", err);
		}
	}
	return rc;
}

/* The mail server cannot be left with it: in the end it would send it back to its sender, in clear. */
static int hold_unsealable(struct returning *r, struct error *err)
{
	struct work *w = r->work;

	if (!r->nheld)
		return 0;
	if (w->plan->hold)
		return error_set(err, E_TEMP, "what goes out waits for a passphrase, and what goes inside cannot be encrypted again: %s",
				 r->unsealable);
	plan_set_hold(w->plan, "scan-unsealable", r->unsealable, r->held, r->nheld);
	w->plan->hold->content = plan_make_output(w->plan, "internal", w->envelope->sender);
	plan_add_notice(w->plan, "Message from the scanner cannot be encrypted again",
			arena_printf(w->arena, "A message that came encrypted is back from the scanner, and there is no certificate to "
				     "encrypt it again.\nReason: %s\nIt is held in the spool and was not delivered.\n\npostern -holds "
				     "lists it, -release delivers it in clear, -discard removes it.", r->unsealable));
	return write_copy(r, w->plan->hold->content, r->believed, NULL, err);
}

/* ---- by whom ---- */

static int plan_covered(struct returning *r, const char *const *to, size_t n, struct error *err)
{
	bool seals = r->token.inside != DELIVER_DECRYPTED && r->token.result.encrypted &&
		     r->work->config->deliver_inside != DELIVER_DECRYPTED;

	if (r->token.inside == DELIVER_ORIGINAL && !is_changed(r))
		return plan_copy(r, to, n, true, ORIGINAL_HELD, "back from the scanner unchanged: the original that is held", err);
	if (seals)
		return plan_sealed(r, to, n, true, ORIGINAL_NO, true, err);
	return plan_copy(r, to, n, true, ORIGINAL_NO, is_changed(r) ? "back from the scanner, which changed it" :
			 r->has_record ? "back from the scanner, result record verified" : "back from the scanner, result record renewed",
			 err);
}

/* Nobody in our domains sent it, so it came from outside, and may have been encrypted then. */
static bool may_have_been_encrypted(const struct work *w)
{
	return *w->envelope->sender && !config_is_local(w->config, w->envelope->sender);
}

static int plan_uncovered(struct returning *r, const char *const *to, size_t n, struct error *err)
{
	struct work *w = r->work;
	int inside = w->config->deliver_inside;
	enum original original = inside == DELIVER_ORIGINAL ? ORIGINAL_SEEK : ORIGINAL_NO;

	if (inside != DELIVER_DECRYPTED && r->was_encrypted)
		return plan_sealed(r, to, n, false, original, true, err);
	if (inside == DELIVER_REENCRYPTED && may_have_been_encrypted(w))
		return plan_sealed(r, to, n, false, original, false, err);
	return plan_copy(r, to, n, false, original, r->has_record ? "from the scanner, result record verified" : "from the scanner", err);
}

static int split(struct returning *r, const char *const *to, size_t n, const char **covered, size_t *ncovered, const char **others,
		 size_t *nothers, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		bool covers = false;

		if (r->believed && token_covers(r->ctx, r->work->mac_key, &r->token, to[i], &covers, err) < 0)
			return E_TEMP;
		if (covers)
			covered[(*ncovered)++] = to[i];
		else
			others[(*nothers)++] = to[i];
	}
	if (r->believed && *nothers)
		plan_note(r->work->plan, "the token does not speak for %zu of the recipients", *nothers);
	return 0;
}

int returning_plan(struct work *w, const char *const *to, size_t n, struct error *err)
{
	const char **covered = arena_array(w->arena, n, sizeof(*covered)), **others = arena_array(w->arena, n, sizeof(*others));
	struct returning r = { .work = w, .held = arena_array(w->arena, n, sizeof(*r.held)) };
	size_t ncovered = 0, nothers = 0;
	int rc = work_crypto(w, &r.ctx, err);

	if (rc == 0)
		rc = read_token(&r, err);
	if (rc == 0)
		rc = read_record(&r, err);
	if (rc == 0)
		rc = compare_content(&r, err);
	if (rc == 0)
		rc = split(&r, to, n, covered, &ncovered, others, &nothers, err);
	if (rc < 0)
		return rc;
	plan_set_back(w->plan, r.believed ? r.token.id : "", r.token.host, r.token.node, r.digest);
	if (ncovered)
		rc = plan_covered(&r, covered, ncovered, err);
	if (rc == 0 && nothers)
		rc = plan_uncovered(&r, others, nothers, err);
	return rc == 0 ? hold_unsealable(&r, err) : rc;
}
