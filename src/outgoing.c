/* outgoing.c - plans mail to the outside: decide per recipient, sign, encrypt */
#include "outgoing.h"

#include <string.h>

#include "compose.h"
#include "lib/address.h"
#include "module/ask.h"
#include "seal_for.h"
#include "smime/open.h"
#include "subject.h"

/* A signing address and what became of looking for its key. */
struct signing {
	struct signing *next;
	const char *address;
	struct signer signer;
	const char *source;
	const char *why;         /* "" when there is a key */
};

/* What is done for one recipient. */
struct treatment {
	const char *address;
	struct decision decision; /* with the wishes of the subject in it */
	const char *destination;
	const char *profile;
	struct target *target;    /* NULL: encryption was not looked at */
	struct signing *signing;  /* NULL: not signed */
	bool encrypt;
	bool hidden;              /* in neither To nor Cc */
	bool settled;             /* refused, or part of an output already */
};

struct outgoing {
	struct work *w;
	const char *from;         /* the one From address; "" */
	const char *acting;       /* whose mail this is: envelope sender, else From */
	const char *no_signing;   /* why nothing may be signed; "" */
	bool is_signed, is_encrypted;
	struct wishes wishes;
	const char *subject;      /* NULL: stays */
	struct treatment *items;
	size_t n;
	struct signing *signings;
	/* the last entity that was signed: groups that differ only in recipients share it */
	struct { const struct signing *by; const char *profile; bool strip; struct span entity; } made;
};

static void refuse(struct outgoing *o, struct treatment *t, const char *status, const char *text)
{
	plan_add_failure(o->w->plan, t->address, status, text);
	t->settled = true;
}

/* ---- who is sending ---- */

static int refuse_all(struct outgoing *o, const char *text)
{
	for (size_t i = 0; i < o->n; i++)
		refuse(o, &o->items[i], "5.7.1", text);
	return 0;
}

/* Our keys speak for our own domains only: envelope sender and From must be local. */
static int find_sender(struct outgoing *o)
{
	struct work *w = o->w;
	const char *sender = w->envelope->sender;
	const struct header_field *f = header_find(&w->header, "From", NULL);
	const char **addresses = NULL;
	size_t n = 0;
	bool readable = f && !header_find(&w->header, "From", f) &&
			header_addresses(w->arena, f->value, &addresses, &n, NULL) == 0 && n == 1;

	o->from = readable ? addresses[0] : "";
	o->acting = *sender ? sender : o->from;
	o->no_signing = "";
	if (*sender && !config_is_local(w->config, sender))
		return refuse_all(o, arena_printf(w->arena, "the sender %s is in none of local_domains", sender));
	for (size_t i = 0; i < n; i++)
		if (!config_is_local(w->config, addresses[i]) && *sender)
			return refuse_all(o, arena_printf(w->arena, "the From address %s is in none of local_domains", addresses[i]));
	if (!readable)
		o->no_signing = "the message has not exactly one readable From address";
	else if (!config_is_local(w->config, o->from))
		o->no_signing = "a message without envelope sender comes From an address that is in none of local_domains";
	return 0;
}

/* ---- what the message is ---- */

static int look_at_message(struct outgoing *o, struct error *err)
{
	struct work *w = o->w;
	struct mime_limits limits = work_mime_limits(w);
	const struct header_field *f = header_find(&w->header, "Subject", NULL);
	const char *subject, *rest;
	struct entity *root;
	int rc = entity_parse(w->arena, w->message, &limits, &root, err);

	if (rc < 0)
		return rc;
	smime_looks(root, &o->is_signed, &o->is_encrypted);
	if (!f)
		return 0;
	subject = header_decode(w->arena, f->value);
	rc = subject_wishes(w->arena, w->config, subject, &o->wishes, &rest, err);
	if (rc == 0 && rest != subject)
		o->subject = rest;
	return rc;
}

static bool lists_address(struct outgoing *o, const char *field, const char *address)
{
	struct work *w = o->w;
	const struct header_field *f = NULL;

	while ((f = header_find(&w->header, field, f))) {
		const char **addresses;
		size_t n;

		if (header_addresses(w->arena, f->value, &addresses, &n, NULL) < 0)
			continue;
		for (size_t i = 0; i < n; i++)
			if (address_equal(addresses[i], address))
				return true;
	}
	return false;
}

/* ---- what is wanted ---- */

static void apply_wishes(const struct wishes *wish, struct decision *d)
{
	if (wish->plain && d->encrypt == ENCRYPT_IF_POSSIBLE)
		d->encrypt = ENCRYPT_NONE;
	if (wish->plain && d->sign == SIGN_IF_POSSIBLE)
		d->sign = SIGN_NONE;
	if (wish->sign)
		d->sign = SIGN_FORCE;
	if (wish->encrypt)
		d->encrypt = ENCRYPT_FORCE;
}

static void settle_rules(struct outgoing *o, struct treatment *t)
{
	struct decision *d = &t->decision;
	struct arena *a = o->w->arena;

	t->destination = *d->via ? d->via : "external";
	t->profile = *d->profile ? d->profile : o->w->config->profile;
	if (d->reject)
		refuse(o, t, "5.7.1", *d->reject ? d->reject : "refused by the rules of the site");
	else if (d->block_signed && o->is_signed)
		refuse(o, t, "5.7.1", "the rules of the site forbid to send mail that is already signed; send it unsigned");
	else if (d->block_encrypted && o->is_encrypted)
		refuse(o, t, "5.7.1", "the rules of the site forbid to send mail that is already encrypted; send it in clear, "
		       "the gateway encrypts");
	else if (!config_via(o->w->config, t->destination))
		plan_note(o->w->plan, "%s", arena_printf(a, "%s: VIA=%s names no destination", d->because, d->via));
}

static int decide(struct outgoing *o, struct error *err)
{
	struct work *w = o->w;
	const char **to = arena_array(w->arena, o->n, sizeof(*to));
	struct decide_request q = { .direction = "outgoing", .sender = o->acting, .from = o->from, .client = w->envelope->client,
				    .subject = "", .is_signed = o->is_signed, .is_encrypted = o->is_encrypted,
				    .recipients = to, .n = o->n };
	struct decision *decisions;
	int rc;

	for (size_t i = 0; i < o->n; i++)
		to[i] = o->items[i].address;
	rc = ask_decide(w->modules, w->arena, &q, &decisions, err);
	if (rc == E_NOTFOUND)
		return error_set(err, E_CONFIG, "no rules module decides about this message");
	for (size_t i = 0; i < o->n && rc == 0; i++) {
		struct treatment *t = &o->items[i];

		t->decision = decisions[i];
		settle_rules(o, t);
		if (!config_via(w->config, t->destination) && !t->settled)
			rc = error_set(err, E_CONFIG, "rules %s: VIA=%s names no destination; set via_%s in %s", t->decision.because,
				       t->destination, t->destination, w->config->file);
		apply_wishes(&o->wishes, &t->decision);
		t->hidden = !lists_address(o, "To", t->address) && !lists_address(o, "Cc", t->address);
	}
	return rc < 0 && rc != E_CONFIG ? E_TEMP : rc;
}

/* ---- certificates ---- */

/* A client's own encryption is not opened; only a forced one is put around it. */
static bool wants_encryption(const struct outgoing *o, const struct treatment *t)
{
	return !t->settled && (t->decision.encrypt == ENCRYPT_FORCE ||
			       (t->decision.encrypt == ENCRYPT_IF_POSSIBLE && !o->is_encrypted));
}

static int find_certificates(struct outgoing *o, struct error *err)
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
		t->encrypt = t->target->n > 0;
		if (!t->encrypt && t->decision.encrypt == ENCRYPT_FORCE)
			refuse(o, t, "5.7.1", arena_printf(w->arena, "encryption is required, but there is no valid certificate: %s. "
				"Ask the recipient for a signed message or for the certificate, and give it to %s", t->target->why,
				w->config->admin));
	}
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
	if (rc == E_NOTFOUND || rc == E_PERM)
		s->why = arena_strdup(o->w->arena, err->text);
	else if (rc < 0)
		return rc;
	s->next = o->signings;
	o->signings = s;
	*out = s;
	return 0;
}

static int find_signing(struct outgoing *o, struct treatment *t, struct error *err)
{
	enum sign_word word = t->decision.sign;
	struct signing *s;
	int rc;

	if (t->settled || word == SIGN_NONE)
		return 0;
	if (word == SIGN_IF_POSSIBLE && ((o->is_signed && !t->decision.strip) || o->is_encrypted))
		return 0; /* the sender's own signature stays the outermost */
	rc = get_signing(o, *t->decision.sign_as ? t->decision.sign_as : *o->from ? o->from : o->acting, &s, err);
	if (rc < 0)
		return rc;
	if (!*s->why)
		t->signing = s;
	else if (word == SIGN_FORCE)
		refuse(o, t, "5.7.1", arena_printf(o->w->arena, "a signature is required: %s", s->why));
	return 0;
}

/* ---- groups and layers ---- */

static bool same_group(const struct treatment *a, const struct treatment *b)
{
	return !b->settled && a->signing == b->signing && a->encrypt == b->encrypt && a->decision.strip == b->decision.strip &&
	       strcmp(a->profile, b->profile) == 0 && strcmp(a->destination, b->destination) == 0 &&
	       !(a->encrypt && (a->hidden || b->hidden));
}

/* The library only says that it failed; what the keys module said is the reason, and it may be another tomorrow. */
static int key_trouble(struct outgoing *o, int rc, struct error *err)
{
	const struct error *e = delegate_error(o->w->delegate);

	return rc < 0 && e->code ? error_set(err, E_TEMP, "%s", e->text) : rc;
}

static int make_entity(struct outgoing *o, const struct treatment *t, const struct profile *profile, OSSL_LIB_CTX *ctx,
		       struct span *out, struct error *err)
{
	struct buf b = BUF_INIT;
	int rc;

	if (o->made.entity.p && o->made.by == t->signing && o->made.strip == t->decision.strip &&
	    strcmp(o->made.profile, t->profile) == 0) {
		*out = o->made.entity;
		return 0;
	}
	rc = canonical_message(o->w, t->decision.strip, out, err);
	if (rc == 0 && t->signing) {
		rc = key_trouble(o, seal_sign(ctx, *out, &t->signing->signer, profile, &b, err), err);
		*out = span_from(arena_memdup(o->w->arena, b.data, b.len), b.len);
		buf_release(&b);
	}
	if (rc == 0) {
		o->made.by = t->signing;
		o->made.profile = t->profile;
		o->made.strip = t->decision.strip;
		o->made.entity = *out;
	}
	return rc;
}

static int encrypt_for(struct outgoing *o, const struct treatment *const *members, size_t n, const struct profile *profile,
		       OSSL_LIB_CTX *ctx, struct span *entity, const char **cipher, struct error *err)
{
	struct sealed_for *all = arena_array(o->w->arena, n * CERTIFICATES_PER_RECIPIENT, sizeof(*all));
	struct buf b = BUF_INIT;
	size_t count = 0;
	int rc;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < members[i]->target->n; k++)
			all[count++] = members[i]->target->certificates[k];
	rc = seal_encrypt(ctx, *entity, all, count, profile, &b, cipher, err);
	*entity = span_from(arena_memdup(o->w->arena, b.data, b.len), b.len);
	buf_release(&b);
	return rc;
}

static const char *explain(struct outgoing *o, const struct treatment *t, const char *cipher)
{
	struct arena *a = o->w->arena;
	const char *sign = t->signing ? arena_printf(a, "signed as %s (%s)", t->signing->address, t->signing->source) : "not signed";
	const char *encrypt = t->encrypt ? arena_printf(a, "encrypted with %s (%s)", cipher, t->target->source)
					 : t->target ? arena_printf(a, "in clear (%s)", t->target->why) : "in clear";

	return arena_printf(a, "outgoing: %s, %s, profile %s, rules %s", sign, encrypt, t->profile,
			    *t->decision.because ? t->decision.because : "none matched");
}

static bool is_strip_needed(const struct outgoing *o, const struct treatment *t)
{
	return t->decision.strip && o->is_signed;
}

/* One output: the layers for a group, put together with the message's header. */
static int plan_group(struct outgoing *o, const struct treatment *const *members, size_t n, struct error *err)
{
	struct work *w = o->w;
	const struct treatment *t = members[0];
	const char **to = arena_array(w->arena, n, sizeof(*to));
	struct edit e = { .subject = o->subject };
	struct replacement replacement;
	struct profile profile;
	struct span entity;
	OSSL_LIB_CTX *ctx;
	const char *cipher = "";
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		to[i] = members[i]->address;
	if (t->signing || t->encrypt || is_strip_needed(o, t)) {
		rc = profile_find(w->arena, w->config->profiles_file, t->profile, &profile, err);
		if (rc == E_NOTFOUND)
			rc = error_set(err, E_CONFIG, "profile \"%s\" is not known", t->profile);
		if (rc == 0)
			rc = work_crypto(w, &ctx, err);
		if (rc == 0)
			rc = make_entity(o, t, &profile, ctx, &entity, err);
		if (rc == 0 && t->encrypt)
			rc = encrypt_for(o, members, n, &profile, ctx, &entity, &cipher, err);
		if (rc == 0)
			rc = compose_replacement(w, entity, &replacement, err);
		e.replacement = &replacement;
	}
	if (rc == 0)
		compose_write(w, plan_add_output(w->plan, "mail", t->destination, w->envelope->sender, to, n,
						 explain(o, t, cipher)), &e);
	return rc;
}

static int plan_groups(struct outgoing *o, struct error *err)
{
	const struct treatment **members = arena_array(o->w->arena, o->n, sizeof(*members));
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

static int plan_for(struct outgoing *o, struct error *err)
{
	int rc = look_at_message(o, err);

	if (rc == 0)
		rc = decide(o, err);
	if (rc == 0)
		rc = find_certificates(o, err);
	for (size_t i = 0; i < o->n && rc == 0; i++)
		rc = find_signing(o, &o->items[i], err);
	return rc == 0 ? plan_groups(o, err) : rc;
}

static void release(struct outgoing *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->items[i].target)
			targets_release(o->items[i].target, 1);
	for (struct signing *s = o->signings; s; s = s->next)
		signer_release(&s->signer);
}

int outgoing_plan(struct work *w, const char *const *to, size_t n, struct error *err)
{
	struct outgoing o = { .w = w, .n = n };
	int rc;

	o.items = arena_array(w->arena, n, sizeof(*o.items));
	for (size_t i = 0; i < n; i++)
		o.items[i].address = to[i];
	rc = find_sender(&o);
	if (rc == 0 && !o.items[0].settled)
		rc = plan_for(&o, err);
	release(&o);
	return rc;
}
