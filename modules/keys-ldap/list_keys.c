/* list_keys.c - "list-keys": all own keys, piece by piece, for who looks after their life
 *
 * Each piece asks anew: a directory of own keys is small, and what is in it may change meanwhile.
 */
#include <stdlib.h>
#include <string.h>

#include "common/keys_answer.h"
#include "keys-ldap/find_keys.h"
#include "keys-ldap/values.h"

#define PIECE 100 /* of 2 KB each: far below a frame */

struct listing {
	struct search q;
	size_t from, at; /* numbers of keys: where this piece begins, where we are */
	bool more;
};

static void write_own(struct listing *l, const struct opened *o, const struct certfile_object *item)
{
	const struct certificate *c = item->certificate;

	if (!c || certificate_is_ca(c) || item->der.n > KEYS_CERTIFICATE_MAX)
		return;
	if (l->at < l->from) {
		l->at++;
		return;
	}
	if (l->at - l->from >= PIECE || l->q.w->out.len > l->q.s->config->frame_limit / 2) {
		l->more = true;
		return;
	}
	l->at++;
	xml_open(l->q.w, "own");
	xml_put(l->q.w, "source", keys_printable(l->q.s, value_source(&l->q.s->arena, o->source, o->value)));
	xml_put(l->q.w, "use", certificate_may_sign(c) ? "sign" : "decrypt");
	xml_put_binary(l->q.w, item->der.p, item->der.n);
	xml_close(l->q.w);
}

/* Directories keep no order; pieces need one. */
static int by_name(const void *a, const void *b)
{
	const struct value *x = a, *y = b;
	int order = strcmp(x->dn, y->dn);

	if (order == 0)
		order = memcmp(x->bytes.p, y->bytes.p, x->bytes.n < y->bytes.n ? x->bytes.n : y->bytes.n);
	return order;
}

/* What is not listed would expire without anybody being told, so a part is no answer. */
static int ask_for_all(struct listing *l, size_t which, struct query *query)
{
	static const char *const attributes[] = { "userPKCS12", "userPKCS12;binary", NULL };
	const struct directory_options *o = &l->q.state->options[which];
	int rc;

	*query = (struct query){ .filter = *o->own_filter ? o->own_filter : "(userPKCS12=*)", .attributes = attributes };
	rc = keys_ask(&l->q, which, query, 1);
	if (rc == 0 && query->cut)
		return error_set(l->q.err, E_CONFIG, "%s: not all own keys can be listed; see the log, size_limit, answer_limit and referrals",
				 directory_name(l->q.state->directories[which]));
	return rc;
}

static int list_directory(struct listing *l, size_t which)
{
	struct query query;
	int rc = ask_for_all(l, which, &query);

	if (query.n)
		qsort(query.values, query.n, sizeof(*query.values), by_name);
	for (size_t i = 0; rc == 0 && i < query.n && !l->more; i++) {
		const struct opened *opened;

		if (!keys_is_pkcs12(&query.values[i]))
			continue;
		opened = keys_open(&l->q, &query.values[i], directory_name(l->q.state->directories[which]));
		for (size_t k = 0; k < opened->file.n && !l->more; k++)
			write_own(l, opened, &opened->file.items[k]);
	}
	return rc;
}

int list_keys(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	struct listing l = { 0 };
	uint64_t from;
	int rc;

	if (!span_number(span_of(xml_attr_or(request, "from", "0")), UINT32_MAX, &from))
		return error_set(err, E_PERM, "<list-keys from=\"...\"> is no number");
	l.from = (size_t)from;
	rc = keys_begin(&l.q, s, w, err);
	for (size_t i = 0; i < l.q.state->n && rc == 0 && !l.more; i++)
		if (l.q.state->options[i].private)
			rc = list_directory(&l, i);
	if (rc == 0 && l.more) {
		xml_open(w, "more");
		xml_putf(w, "from", "%zu", l.at);
		xml_close(w);
	}
	keys_end(&l.q);
	return rc;
}
