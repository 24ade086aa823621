/* decide.c - what the lines of a rules file want for one sender and one recipient */
#include "rules-file/rules.h"

const char *sign_name(uint8_t word)
{
	static const char *const names[] = { "NS", "NS", "SIP", "FS" };

	return names[word];
}

const char *encrypt_name(uint8_t word)
{
	static const char *const names[] = { "NE", "NE", "EIP", "FE", "NE" };

	return names[word];
}

static int match(struct rules *r, const struct rule *rule, bool from, const struct subject *s, bool *found,
		 struct error *err)
{
	int rc = pattern_match(&r->matcher, from ? rule->from : rule->to, s, found, err);

	if (rc < 0)
		error_prefix(err, "%s:%u:%u", r->name, rule->line, from ? rule->from_column : rule->to_column);
	return rc;
}

int rules_for_sender(struct rules *r, struct arena *a, const char *sender, struct candidates *out, struct error *err)
{
	const struct pattern *last = NULL;
	struct subject subject;
	bool found = false;
	int rc = subject_init(&subject, sender, err);

	*out = (struct candidates){ .rules = r };
	if (rc < 0) {
		error_prefix(err, "sender");
		return rc;
	}
	out->items = arena_array(a, r->n ? r->n : 1, sizeof(*out->items));
	out->applied = arena_array(a, r->n ? r->n : 1, sizeof(*out->applied));
	for (size_t i = 0; i < r->n; i++) {
		if (r->items[i].from != last) {
			rc = match(r, &r->items[i], true, &subject, &found, err);
			if (rc < 0)
				return rc;
			last = r->items[i].from;
		}
		if (found)
			out->items[out->n++] = &r->items[i];
	}
	return 0;
}

/* A later signing word replaces the earlier one with its address; encryption only gets stronger, unless NE! says
 * otherwise; names and texts are replaced; strip and the blocks stay. */
static void apply(struct words *d, const struct words *w)
{
	if (w->sign) {
		d->sign = w->sign;
		d->sign_as = w->sign_as;
	}
	if (w->encrypt == ENCRYPT_NE_OUTRIGHT)
		d->encrypt = ENCRYPT_NE;
	else if (w->encrypt > d->encrypt)
		d->encrypt = w->encrypt;
	d->strip |= w->strip;
	d->block_signed |= w->block_signed;
	d->block_encrypted |= w->block_encrypted;
	d->profile = w->profile ? w->profile : d->profile;
	d->via = w->via ? w->via : d->via;
	d->reject = w->reject ? w->reject : d->reject;
}

int rules_decide(const struct candidates *c, const char *recipient, struct decision *out, struct error *err)
{
	struct subject subject;
	int rc = subject_init(&subject, recipient, err);

	*out = (struct decision){ .words = { .sign = SIGN_NS, .encrypt = ENCRYPT_NE }, .applied = c->applied };
	if (rc == 0 && !*recipient)
		rc = error_set(err, E_PERM, "the address is empty");
	if (rc < 0) {
		error_prefix(err, "recipient");
		return rc;
	}
	for (size_t i = 0; i < c->n; i++) {
		bool found;

		rc = match(c->rules, c->items[i], false, &subject, &found, err);
		if (rc < 0)
			return rc;
		if (!found)
			continue;
		apply(&out->words, &c->items[i]->words);
		out->applied[out->napplied++] = c->items[i];
	}
	return 0;
}
