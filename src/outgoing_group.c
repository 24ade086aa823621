/* outgoing_group.c - seals outgoing mail: one output for all recipients of whom the same is wanted, signed once */
#include <string.h>

#include "compose.h"
#include "outgoing_inside.h"

int outgoing_form(struct outgoing *o, bool strip, const struct form **out, struct error *err)
{
	struct form *f = &o->forms[strip];

	*out = f;
	return f->entity.p ? 0 : canonical_message(o->w, strip, &f->entity, &f->as_is, err);
}

static bool same_group(const struct treatment *a, const struct treatment *b)
{
	return !b->settled && a->signing == b->signing && a->encrypt == b->encrypt && a->decision.strip == b->decision.strip &&
	       (a->profile == b->profile || (!a->signing && !a->encrypt)) && strcmp(a->destination, b->destination) == 0 &&
	       !(a->encrypt && (a->hidden || b->hidden));
}

/* The library only says that it failed; what the keys module said is the reason, and it may be another tomorrow. */
static int key_trouble(struct outgoing *o, int rc, struct error *err)
{
	const struct error *e = delegate_error(o->w->delegate);

	return rc < 0 && e->code ? error_set(err, e->code == E_LOCKED ? E_LOCKED : E_TEMP, "%s", e->text) : rc;
}

static int sign(struct outgoing *o, const struct treatment *t, const struct form *f, struct span *out, struct error *err)
{
	struct profile profile = *t->profile;
	struct buf b = BUF_INIT;
	OSSL_LIB_CTX *ctx;
	int rc = work_crypto(o->w, &ctx, err);

	profile.opaque |= f->as_is; /* only base64 carries it through any transport */
	if (rc == 0)
		rc = key_trouble(o, seal_sign(ctx, f->entity, &t->signing->signer, &profile, &b, err), err);
	*out = span_from(arena_memdup(o->w->arena, b.data, b.len), b.len);
	buf_release(&b);
	return rc;
}

/* What is delivered or encrypted: signed once, whoever gets it. */
static int make_entity(struct outgoing *o, const struct treatment *t, struct span *out, struct error *err)
{
	struct signed_entity *m;
	const struct form *f;
	int rc = outgoing_form(o, t->decision.strip, &f, err);

	*out = rc == 0 ? f->entity : span_from(NULL, 0);
	if (rc < 0 || !t->signing)
		return rc;
	for (m = o->made; m; m = m->next)
		if (m->by == t->signing && m->profile == t->profile && m->strip == t->decision.strip) {
			*out = m->entity;
			return 0;
		}
	m = arena_alloc(o->w->arena, sizeof(*m));
	*m = (struct signed_entity){ .next = o->made, .by = t->signing, .profile = t->profile, .strip = t->decision.strip };
	rc = sign(o, t, f, &m->entity, err);
	if (rc == 0)
		o->made = m;
	*out = m->entity;
	return rc;
}

/* Many recipients may have one certificate: that of their house. */
static bool is_among(const struct sealed_for *list, size_t n, const X509 *certificate)
{
	for (size_t i = 0; i < n; i++)
		if (X509_cmp(list[i].certificate, certificate) == 0)
			return true;
	return false;
}

static int encrypt_for(struct outgoing *o, struct treatment *const *members, size_t n, struct span entity,
		       struct buf *out, const char **cipher, struct error *err)
{
	struct sealed_for *all = arena_array(o->w->arena, n * CERTIFICATES_PER_RECIPIENT, sizeof(*all));
	OSSL_LIB_CTX *ctx;
	size_t count = 0;
	int rc = work_crypto(o->w, &ctx, err);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < members[i]->target->n; k++)
			if (!is_among(all, count, members[i]->target->certificates[k].certificate))
				all[count++] = members[i]->target->certificates[k];
	if (rc == 0)
		rc = seal_encrypt(ctx, entity, all, count, members[0]->profile, out, cipher, err);
	return rc;
}

static const char *explain(struct outgoing *o, const struct treatment *t, const char *cipher)
{
	struct arena *a = o->w->arena;
	const char *rule = *t->decision.sign_because ? t->decision.sign_because : *t->decision.because ? t->decision.because : "a rule";
	const char *sign = !t->signing ? (t->unsigned_why ? arena_printf(a, "not signed (%s)", t->unsigned_why) : "not signed")
			   : arena_printf(a, "signed as %s %s%s%s", t->signing->address, t->signing->source,
					  *t->decision.sign_as ? ", by rule " : "", *t->decision.sign_as ? rule : "");
	const char *encrypt = t->encrypt ? arena_printf(a, "encrypted with %s (%s)", cipher, t->target->source)
					 : t->target ? arena_printf(a, "in clear (%s)", t->target->why) : "in clear";

	return arena_printf(a, "outgoing: %s, %s, profile %s, rules %s", sign, encrypt, t->profile ? t->profile->name : "none",
			    *t->decision.because ? t->decision.because : "none matched");
}

/* The output's line speaks of its first recipient; others may be there for reasons of their own. */
static void note_member(struct outgoing *o, const struct treatment *t, const struct treatment *first)
{
	const char *source = t->encrypt ? t->target->source : t->target ? t->target->why : "none asked for";

	plan_note(o->w->plan, "to=<%s> as <%s>, certificate %s, rules %s", t->address, first->address, source,
		  *t->decision.because ? t->decision.because : "none matched");
}

/* One output: the layers for a group, put together with the message's header. */
static int plan_group(struct outgoing *o, struct treatment *const *members, size_t n, struct error *err)
{
	struct work *w = o->w;
	const struct treatment *t = members[0];
	const char **to = arena_array(w->arena, n, sizeof(*to));
	struct edit e = { .subject = o->subject, .blind = true };
	struct replacement replacement;
	struct arena scratch = ARENA_INIT; /* what a group needs must not add up over many hidden recipients */
	struct buf sealed = BUF_INIT;
	struct span entity;
	const char *cipher = "";
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		to[i] = members[i]->address;
	for (size_t i = 1; i < n; i++)
		note_member(o, members[i], t);
	if (t->signing || t->encrypt || t->decision.strip) {
		rc = make_entity(o, t, &entity, err);
		if (rc == 0 && t->encrypt) {
			rc = encrypt_for(o, members, n, entity, &sealed, &cipher, err);
			entity = span_from(sealed.data, sealed.len);
		}
		if (rc == 0)
			rc = compose_replacement(w, &scratch, entity, &replacement, err);
		e.replacement = &replacement;
	}
	if (rc == E_LOCKED) {
		for (size_t i = 0; i < n; i++)
			outgoing_hold(o, members[i], arena_strdup(w->arena, err->text));
		rc = 0;
	} else if (rc == 0) {
		compose_write(w, plan_add_output(w->plan, "mail", t->destination, w->envelope->sender, to, n,
						 explain(o, t, cipher)), &e);
	}
	buf_release(&sealed);
	arena_release(&scratch);
	return rc;
}

int outgoing_groups(struct outgoing *o, struct error *err)
{
	struct treatment **members = arena_array(o->w->arena, o->n, sizeof(*members));
	int rc = 0;

	for (size_t i = 0; i < o->n && rc == 0; i++) {
		size_t n = 0;

		if (o->items[i].settled)
			continue;
		members[n++] = &o->items[i];
		for (size_t k = i + 1; k < o->n; k++)
			if (same_group(&o->items[i], &o->items[k]))
				members[n++] = &o->items[k];
		for (size_t k = 0; k < n; k++)
			o->items[members[k] - o->items].settled = true;
		rc = plan_group(o, members, n, err);
	}
	return rc;
}
