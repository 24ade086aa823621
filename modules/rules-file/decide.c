/* decide.c - what the lines of a rules file want for one sender and one recipient */
#include <string.h>

#include "lib/idn.h"
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

/* An address in all its spellings: as it was written, its domain in A-labels, in U-labels.  Whoever writes a rule writes one. */
struct spellings {
	struct subject items[3];
	size_t n;
};

static void add_spelling(struct spellings *s, struct arena *a, struct span local, struct span domain,
			 bool (*form)(struct span domain, struct buf *out))
{
	struct buf b = BUF_INIT;

	buf_add(&b, local.p, local.n);
	if (form(domain, &b) && subject_init(&s->items[s->n], arena_strndup(a, b.data, b.len), NULL) == 0)
		s->n++;
	buf_release(&b);
}

static int spell(struct spellings *s, struct arena *a, const char *address, struct error *err)
{
	struct span domain = span_of(address_domain(address));
	int rc = subject_init(&s->items[0], address, err);

	s->n = 1;
	if (rc == 0 && (!idn_plain(domain) || strcasestr(domain.p, "xn--"))) {
		add_spelling(s, a, span_from(address, (size_t)(domain.p - address)), domain, idn_ascii);
		add_spelling(s, a, span_from(address, (size_t)(domain.p - address)), domain, idn_unicode);
	}
	return rc;
}

static int match(struct rules *r, const struct rule *rule, bool from, const struct spellings *s, bool *found,
		 struct error *err)
{
	int rc = 0;

	*found = false;
	for (size_t i = 0; i < s->n && rc == 0 && !*found; i++)
		rc = pattern_match(&r->matcher, from ? rule->from : rule->to, &s->items[i], found, err);
	if (rc < 0)
		error_prefix(err, "%s:%u:%u", r->name, rule->line, from ? rule->from_column : rule->to_column);
	return rc;
}

int rules_for_sender(struct rules *r, struct arena *a, const char *sender, struct candidates *out, struct error *err)
{
	const struct pattern *last = NULL;
	struct spellings s;
	bool found = false;
	int rc = spell(&s, a, sender, err);

	*out = (struct candidates){ .rules = r, .arena = a };
	if (rc < 0) {
		error_prefix(err, "sender");
		return rc;
	}
	out->items = arena_array(a, r->n ? r->n : 1, sizeof(*out->items));
	out->applied = arena_array(a, r->n ? r->n : 1, sizeof(*out->applied));
	for (size_t i = 0; i < r->n; i++) {
		if (r->items[i].from != last) {
			rc = match(r, &r->items[i], true, &s, &found, err);
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
	struct spellings s;
	int rc = spell(&s, c->arena, recipient, err);

	*out = (struct decision){ .words = { .sign = SIGN_NS, .encrypt = ENCRYPT_NE }, .applied = c->applied };
	if (rc == 0 && !*recipient)
		rc = error_set(err, E_PERM, "the address is empty");
	if (rc < 0) {
		error_prefix(err, "recipient");
		return rc;
	}
	for (size_t i = 0; i < c->n; i++) {
		bool found;

		rc = match(c->rules, c->items[i], false, &s, &found, err);
		if (rc < 0)
			return rc;
		if (!found)
			continue;
		apply(&out->words, &c->items[i]->words);
		out->applied[out->napplied++] = c->items[i];
	}
	return 0;
}
