/* ask_own.c - all our own keys, piece by piece: the question "list-keys" of postern-modules(7) */
#include "module/ask.h"
#include "module/parts.h"

#define PIECES_MAX 100000 /* a module that always has more is broken */

struct listing {
	const char *from;   /* NULL: the beginning */
	const char *more;   /* NULL: that was all */
	struct buf found;   /* of struct own_key */
};

static int write_list(struct xml_writer *w, void *arg)
{
	xml_put(w, "from", ((const struct listing *)arg)->from);
	return 0;
}

static int read_piece(const struct answer *n, const struct xml *result, struct listing *l)
{
	static const char *const uses[] = { "decrypt", "sign", NULL };
	const struct xml *more = xml_first(result, "more");

	for (const struct xml *e = xml_first(result, "own"); e; e = xml_next(e, "own")) {
		struct own_key k = { .module = arena_strdup(n->a, n->module), .source = answer_copy(n, e, "source") };
		int use;

		if (answer_word(n, e, "use", uses, &use) < 0 || answer_certificate(n, e, &k.certificate) < 0)
			return E_TEMP;
		k.signs = use == 1;
		buf_add(&l->found, &k, sizeof(k));
	}
	l->more = more ? answer_copy(n, more, "from") : NULL;
	return 0;
}

static int list_one(struct modules *m, struct arena *a, struct module *p, struct listing *l, struct error *err)
{
	struct answer n = { .m = m, .a = a, .module = p->name, .operation = "list-keys", .err = err };
	int rc = 0;

	l->from = NULL;
	for (int i = 0; rc == 0 && (i == 0 || l->more); i++) {
		struct xml_document *doc;

		if (i == PIECES_MAX)
			return answer_wrong(&n, "there is no end to its keys");
		l->from = i ? l->more : NULL;
		rc = module_ask_this(m, p, "list-keys", write_list, l, &doc, err);
		if (rc == 0)
			rc = read_piece(&n, xml_root(doc), l);
		xml_free(doc);
	}
	return rc == MODULE_UNKNOWN_OPERATION || rc == E_NOTFOUND ? 0 : rc;
}

int ask_own_keys(struct modules *m, struct arena *a, struct own_key **keys, size_t *n, struct error *err)
{
	struct listing l = { .found = BUF_INIT };
	struct own_key *found;
	int rc = 0;

	for (size_t i = 0; i < m->n && rc == 0; i++)
		if (m->items[i].role == ROLE_KEYS)
			rc = list_one(m, a, &m->items[i], &l, err);
	*n = l.found.len / sizeof(**keys);
	*keys = found = *n ? arena_memdup(a, l.found.data, l.found.len) : NULL;
	for (size_t i = 0; rc < 0 && i < *n; i++)
		X509_free(found[i].certificate);
	if (rc < 0)
		*n = 0;
	buf_release(&l.found);
	return rc;
}
