/* outgoing.c - plans mail to the outside: who sends, what it is, what is wanted for each recipient */
#include "outgoing.h"

#include <string.h>

#include "deliver/hold.h"
#include "lib/address.h"
#include "lib/lookup.h"
#include "outgoing_inside.h"
#include "smime/open.h"

void outgoing_refuse(struct outgoing *o, struct treatment *t, const char *status, const char *text)
{
	plan_add_failure(o->w->plan, t->address, status, text);
	if (t->decision.because && *t->decision.because)
		plan_note(o->w->plan, "to=<%s> refused, rules %s", t->address, t->decision.because);
	t->settled = true;
}

void outgoing_wait(struct outgoing *o, struct treatment *t, const char *why)
{
	plan_add_failure(o->w->plan, t->address, "4.3.0", why);
	t->settled = true;
}

void outgoing_hold(struct outgoing *o, struct treatment *t, const char *why)
{
	o->held[o->nheld++] = t->address;
	if (!o->locked)
		o->locked = why;
	else if (!strstr(o->locked, why)) /* each key has its own passphrase, and its own owner */
		o->locked = arena_printf(o->w->arena, "%s; %s", o->locked, why);
	t->settled = true;
}

/* ---- who is sending ---- */

static int refuse_all(struct outgoing *o, const char *text)
{
	for (size_t i = 0; i < o->n; i++)
		outgoing_refuse(o, &o->items[i], "5.7.1", text);
	return 0;
}

/* An address in a From field that is not ours; NULL: there is none. */
static const char *find_foreign(struct work *w)
{
	const struct header_field *f = NULL;

	while ((f = header_find(&w->header, "From", f))) {
		const char **addresses;
		size_t n;

		if (header_addresses(w->arena, f->value, &addresses, &n, NULL) < 0)
			continue;
		for (size_t i = 0; i < n; i++)
			if (!config_is_local(w->config, addresses[i]))
				return addresses[i];
	}
	return NULL;
}

/* Our keys speak for our own domains only: envelope sender and From must be local.  And nobody could compare a signature with a From that
 * we would not compare one with ourselves. */
static int find_sender(struct outgoing *o)
{
	struct work *w = o->w;
	const char *sender = w->envelope->sender, *foreign = find_foreign(w);

	o->no_signing = "";
	o->from = header_from(w->arena, &w->header);
	o->acting = *sender ? sender : o->from;
	if (*sender && !config_is_local(w->config, sender))
		return refuse_all(o, arena_printf(w->arena, "the sender %s is in none of local_domains", sender));
	if (*sender && foreign)
		return refuse_all(o, arena_printf(w->arena, "the From address %s is in none of local_domains", foreign));
	if (!*o->from)
		o->no_signing = "the message has not exactly one readable From address (a group is none)";
	else if (!config_is_local(w->config, o->from))
		o->no_signing = "a message without envelope sender comes From an address that is in none of local_domains";
	return 0;
}

/* ---- what the message is ---- */

/* A wish counts in whichever Subject field it stands; the first of them is the one that goes out then. */
static int find_wishes(struct outgoing *o, struct error *err)
{
	struct work *w = o->w;
	const struct header_field *f = NULL;
	const char *first = NULL;
	bool cut = false;

	while ((f = header_find(&w->header, "Subject", f))) {
		const char *subject = header_decode(w->arena, f->value), *rest;
		struct wishes found;
		int rc = subject_wishes(w->arena, w->config, subject, &found, &rest, err);

		if (rc < 0)
			return rc;
		o->wishes.sign |= found.sign;
		o->wishes.encrypt |= found.encrypt;
		o->wishes.plain |= found.plain;
		cut = cut || rest != subject;
		first = first ? first : rest;
	}
	o->subject = cut ? first : NULL;
	if (cut)
		plan_note(w->plan, "the Subject asks:%s%s%s", o->wishes.sign ? " sign" : "", o->wishes.encrypt ? " encrypt" : "",
			  o->wishes.plain ? " plain" : "");
	return 0;
}

static int look_at_message(struct outgoing *o, struct error *err)
{
	struct work *w = o->w;
	struct mime_limits limits = work_mime_limits(w);
	struct entity *root;
	int rc = entity_parse(w->arena, w->message, &limits, &root, err);

	if (rc < 0)
		return rc;
	smime_looks(root, &o->is_signed, &o->is_encrypted);
	o->is_sealed = smime_is_sealed(root);
	return find_wishes(o, err);
}

static void add_addresses(struct outgoing *o, const char *field, struct buf *list)
{
	struct arena *a = o->w->arena;
	const struct header_field *f = NULL;

	while ((f = header_find(&o->w->header, field, f))) {
		const char **addresses;
		size_t n;

		if (header_addresses(a, f->value, &addresses, &n, NULL) < 0)
			continue;
		for (size_t i = 0; i < n; i++) {
			const char *address = arena_lower(a, addresses[i]);

			buf_add(list, &address, sizeof(address));
		}
	}
}

/* Both fields may name thousands, and there may be thousands of recipients: read once. */
static void find_hidden(struct outgoing *o)
{
	struct arena *a = o->w->arena;
	struct buf list = BUF_INIT;
	struct lookup named;
	const char **names;

	add_addresses(o, "To", &list);
	add_addresses(o, "Cc", &list);
	names = arena_memdup(a, list.data, list.len);
	lookup_make(a, names, list.len / sizeof(*names), &named);
	for (size_t i = 0; i < o->n; i++)
		o->items[i].hidden = lookup_find(&named, arena_lower(a, o->items[i].address)) < 0;
	buf_release(&list);
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
	d->strip = d->strip && o->is_signed;
	if (d->reject)
		outgoing_refuse(o, t, "5.7.1", *d->reject ? d->reject : "refused by the rules of the site");
	else if (d->block_signed && o->is_signed)
		outgoing_refuse(o, t, "5.7.1", "the rules of the site forbid to send mail that is already signed; send it unsigned");
	else if (d->block_encrypted && o->is_encrypted)
		outgoing_refuse(o, t, "5.7.1", "the rules of the site forbid to send mail that is already encrypted; send it in clear, "
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
	}
	find_hidden(o);
	return rc < 0 && rc != E_CONFIG ? E_TEMP : rc;
}

/* ---- all of it ---- */

static int plan_for(struct outgoing *o, struct error *err)
{
	int rc = look_at_message(o, err);

	if (rc == 0)
		rc = decide(o, err);
	if (rc == 0)
		rc = outgoing_find_certificates(o, err);
	for (size_t i = 0; i < o->n && rc == 0; i++)
		rc = outgoing_find_signing(o, &o->items[i], err);
	return rc == 0 ? outgoing_groups(o, err) : rc;
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
	o.held = arena_array(w->arena, n, sizeof(*o.held));
	for (size_t i = 0; i < n; i++)
		o.items[i].address = to[i];
	rc = find_sender(&o);
	if (rc == 0 && !o.items[0].settled)
		rc = plan_for(&o, err);
	if (rc == 0 && o.nheld) {
		plan_set_hold(w->plan, HOLD_LOCKED, o.locked, o.held, o.nheld);
		w->plan->hold->locked = ask_who_is_locked(w->modules, w->arena);
	}
	release(&o);
	return rc;
}
