/* list.c - "list-keys": all our own keys on tokens, piece by piece, for who looks after their life */
#include "common/keys_answer.h"
#include "common/keys_order.h"
#include "keys-pkcs11/keys_pkcs11.h"

#define PIECE 100 /* of 2 KB each: far below a frame */

/* First the certificates on tokens are counted through, then those in the area. */
struct listing {
	struct server *s;
	struct pkcs11 *p;
	struct xml_writer *w;
	struct error *err;
	size_t from, position; /* of the next one */
	size_t seen;           /* in this piece */
};

static bool is_full(const struct listing *l)
{
	return l->seen == PIECE || l->w->out.len >= l->s->config->frame_limit / 2;
}

static int list_one(struct listing *l, struct span der, const char *source)
{
	struct keys_candidate c;
	struct own_key *k = NULL;
	const char *archived;
	int rc = pkcs11_archived(l->s, der, &archived, l->err);

	if (rc == 0 && keys_candidate_read(der, NULL, &c) && der.n <= KEYS_CERTIFICATE_MAX)
		rc = own_key_look(l->s, der, &k, l->err);
	if (rc < 0 || !k)
		return rc;
	xml_open(l->w, "own");
	xml_put(l->w, "source", keys_printable(l->s, source));
	xml_put(l->w, "use", archived || !c.may_sign ? "decrypt" : "sign");
	xml_put_binary(l->w, der.p, der.n);
	xml_close(l->w);
	return 0;
}

static int list_token(struct listing *l, struct token *t)
{
	int rc = token_certificates(l->p, t, l->err);

	for (const struct token_certificate *c = t->certificates; c && rc == 0 && !is_full(l); c = c->next) {
		if (l->position++ < l->from)
			continue;
		l->seen++;
		rc = list_one(l, c->der, token_source(l->s, t, c));
	}
	return rc;
}

static bool is_on_token(const struct pkcs11 *p, struct span der)
{
	for (const struct token *t = p->tokens; t; t = t->next)
		for (const struct token_certificate *c = t->certificates; c; c = c->next)
			if (span_eq(c->der, der))
				return true;
	return false;
}

static int list_area(struct listing *l)
{
	struct area_list list = { NULL, 0 };
	struct area *a;
	size_t skip = l->from > l->position ? l->from - l->position : 0;
	int rc = pkcs11_area(l->s, IN_PRIVATE, &a, l->err);

	if (rc == 0 && a)
		rc = area_find_some(a, &l->s->arena, skip, PIECE - l->seen, &list, l->err);
	l->position += skip;
	for (size_t i = 0; i < list.n && rc == 0 && !is_full(l); i++) {
		const struct area_entry *e = &list.items[i];

		l->position++;
		l->seen++;
		if (e->leaf && !e->has_keys && !is_on_token(l->p, e->der))
			rc = list_one(l, e->der, e->file);
	}
	return rc;
}

int pkcs11_list_keys(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	struct listing l = { .s = s, .p = s->state, .w = w, .err = err };
	uint64_t from;
	int rc = 0;

	if (!span_number(span_of(xml_attr_or(request, "from", "0")), UINT32_MAX, &from))
		return error_set(err, E_PERM, "<list-keys from=\"...\"> is no number");
	l.from = (size_t)from;
	tokens_look_again(l.p);
	if (l.p->missing)
		return error_set(err, E_TEMP, "%s", l.p->missing);
	for (struct token *t = l.p->tokens; t && rc == 0 && pkcs11_options.token_certificates; t = t->next)
		rc = list_token(&l, t);
	if (rc == 0 && !is_full(&l))
		rc = list_area(&l);
	if (rc == 0 && l.seen) {
		xml_open(w, "more");
		xml_putf(w, "from", "%zu", l.position);
		xml_close(w);
	}
	return rc;
}
