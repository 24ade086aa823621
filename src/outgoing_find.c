/* outgoing_find.c - with which certificates, keys and profiles outgoing mail gets what is wanted for it */
#include <string.h>

#include "lib/address.h"
#include "outgoing_inside.h"

/* ---- profiles ---- */

static int find_profile(struct outgoing *o, struct treatment *t, struct error *err)
{
	const char *name = *t->decision.profile ? t->decision.profile : o->w->config->profile;
	struct known_profile *k;
	int rc;

	for (k = o->profiles; k && !ascii_caseeq(k->profile.name, name); k = k->next)
		;
	if (!k) {
		k = arena_alloc(o->w->arena, sizeof(*k));
		rc = work_profile(o->w, name, &k->profile, err);
		if (rc == E_NOTFOUND)
			rc = error_set(err, E_CONFIG, "profile \"%s\" is not known", name);
		if (rc < 0)
			return rc;
		k->next = o->profiles;
		o->profiles = k;
	}
	t->profile = &k->profile;
	return 0;
}

/* ---- certificates ---- */

/* A client's own encryption is not opened; only a forced one is put around it. */
static bool wants_encryption(const struct outgoing *o, const struct treatment *t)
{
	return !t->settled && (t->decision.encrypt == ENCRYPT_FORCE ||
			       (t->decision.encrypt == ENCRYPT_IF_POSSIBLE && !o->is_sealed));
}

/* What the recipient's profile allows; the others of the message are served whatever he has. */
static void drop_unfit(struct outgoing *o, struct treatment *t)
{
	struct target *have = t->target;
	size_t i = 0;

	while (i < have->n) {
		struct error why = { 0 };

		if (seal_check_recipient(have->certificates[i].certificate, t->profile, &why) == 0) {
			i++;
			continue;
		}
		have->why = arena_strdup(o->w->arena, why.text);
		target_drop(have, i);
	}
}

int outgoing_find_certificates(struct outgoing *o, struct error *err)
{
	struct work *w = o->w;
	const char **to = arena_array(w->arena, o->n, sizeof(*to));
	struct target *targets;
	size_t n = 0, k = 0;
	int rc;

	for (size_t i = 0; i < o->n; i++)
		if (wants_encryption(o, &o->items[i]))
			to[n++] = o->items[i].address;
	if (!n)
		return 0;
	rc = find_targets(w, to, n, &targets, err);
	for (size_t i = 0; i < o->n && rc == 0; i++) {
		struct treatment *t = &o->items[i];

		if (!wants_encryption(o, t))
			continue;
		t->target = &targets[k++];
		if (t->target->later) {
			outgoing_wait(o, t, t->target->why);
			continue;
		}
		rc = find_profile(o, t, err);
		if (rc < 0)
			return rc;
		drop_unfit(o, t);
		target_choose(w, t->target);
		t->encrypt = t->target->n > 0;
		if (!t->encrypt && t->decision.encrypt == ENCRYPT_FORCE)
			outgoing_refuse(o, t, "5.7.1", arena_printf(w->arena, "encryption is required, but there is no valid certificate: %s. "
				"Ask the recipient for a signed message or for the certificate, and give it to %s", t->target->why,
				w->config->admin));
	}
	return rc;
}

/* Who reads mail in clear may know nothing of S/MIME: an opaque signature would hide it from him. */
static int is_clear_signable(struct outgoing *o, const struct treatment *t, bool *signable, struct error *err)
{
	const struct form *f;
	int rc = outgoing_form(o, t->decision.strip, &f, err);

	*signable = rc == 0 && !f->as_is;
	if (rc == 0 && f->as_is)
		plan_note(o->w->plan, "to=<%s> not signed: the message cannot be made 7-bit without changing what must not be "
			  "changed", t->address);
	return rc;
}

/* ---- signatures ---- */

static int get_signing(struct outgoing *o, const char *address, struct signing **out, struct error *err)
{
	struct signing *s;
	int rc;

	for (s = o->signings; s; s = s->next)
		if (address_equal(s->address, address)) {
			*out = s;
			return 0;
		}
	s = arena_alloc(o->w->arena, sizeof(*s));
	s->address = address;
	s->why = "";
	rc = *o->no_signing ? error_set(err, E_NOTFOUND, "%s", o->no_signing)
			    : find_signer(o->w, address, &s->signer, &s->source, err);
	s->locked = rc == E_LOCKED;
	if (rc == E_NOTFOUND || rc == E_PERM || rc == E_LOCKED)
		s->why = arena_strdup(o->w->arena, err->text);
	else if (rc < 0)
		return rc;
	s->next = o->signings;
	o->signings = s;
	*out = s;
	return 0;
}

int outgoing_find_signing(struct outgoing *o, struct treatment *t, struct error *err)
{
	enum sign_word word = t->decision.sign;
	bool signable = true;
	struct signing *s;
	int rc;

	if (t->settled || word == SIGN_NONE)
		return 0;
	if (word == SIGN_IF_POSSIBLE && ((o->is_signed && !t->decision.strip) || o->is_encrypted))
		return 0; /* the sender's own signature stays the outermost */
	rc = get_signing(o, *t->decision.sign_as ? t->decision.sign_as : *o->from ? o->from : o->acting, &s, err);
	if (rc < 0)
		return rc;
	if (s->locked) {
		outgoing_hold(o, t, s->why);
		return 0;
	}
	if (!*s->why && word == SIGN_IF_POSSIBLE && !t->encrypt)
		rc = is_clear_signable(o, t, &signable, err);
	if (rc < 0)
		return rc;
	if (!*s->why && signable)
		t->signing = s;
	else if (word == SIGN_IF_POSSIBLE)
		t->unsigned_why = *s->why ? s->why : NULL;
	else if (word == SIGN_FORCE)
		outgoing_refuse(o, t, "5.7.1", arena_printf(o->w->arena, "a signature is required: %s", s->why));
	return t->signing ? find_profile(o, t, err) : 0;
}
