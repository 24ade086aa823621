/* find_keys.c - "find-keys": own keys in userPKCS12 (RFC 2798 2.9), of directories that may hold such
 *
 * To sign, the address's entry is asked for; to decrypt see find_to_decrypt.c.  Opening a PKCS#12 costs milliseconds on purpose.
 */
#include <openssl/err.h>
#include <time.h>

#include "common/keys_answer.h"
#include "common/passphrase.h"
#include "common/secret_file.h"
#include "keys-ldap/filter.h"
#include "keys-ldap/find_keys.h"
#include "keys-ldap/values.h"
#include "lib/address.h"
#include "lib/log.h"

static const char *const wanted_attributes[] = {
	"userPKCS12", "userPKCS12;binary", "userCertificate", "userCertificate;binary", NULL,
};

/* ---- opening ---- */

static struct opened *is_open(struct search *q, const struct value *v)
{
	for (size_t i = 0; i < q->nopened; i++)
		if (span_eq(q->opened[i].value->bytes, v->bytes))
			return &q->opened[i];
	return NULL;
}

/* With the central passphrase or the empty one, else with the one that was given. */
static void read_pkcs12(struct search *q, struct opened *o)
{
	struct error why = { 0 };
	int rc = certfile_read(o->value->bytes, q->passphrase, &o->file, &why);

	if (rc < 0 && o->file.locked && q->state->keys.given) {
		certfile_release(&o->file);
		rc = certfile_read(o->value->bytes, q->state->keys.given, &o->file, &why);
	}
	if (rc < 0 && !o->file.locked)
		log_warning("%s: %s", value_source(&q->s->arena, o->source, o->value), why.text);
}

struct opened *keys_open(struct search *q, const struct value *v, const char *source)
{
	struct opened *o = is_open(q, v);

	if (o)
		return o;
	if (q->nopened == q->cap) {
		struct opened *more = arena_array(&q->s->arena, q->cap = q->cap ? 2 * q->cap : 8, sizeof(*more));

		if (q->nopened)
			memcpy(more, q->opened, q->nopened * sizeof(*more));
		q->opened = more;
	}
	o = &q->opened[q->nopened++];
	o->value = v;
	o->source = source;
	if (v->bytes.n == 0 || v->bytes.n > VALUE_MAX) {
		log_warning("%s: userPKCS12 of %zu bytes passed over", value_source(&q->s->arena, source, v), v->bytes.n);
		o->file = (struct certfile){ 0 };
	} else {
		read_pkcs12(q, o);
	}
	return o;
}

/* ---- the answer ---- */

/* As far as the PKCS#12 goes. */
static void find_chain(const struct certfile *f, struct span leaf, struct keys_chain *chain)
{
	struct span issuer;

	keys_chain_begin(chain, leaf);
	while (keys_chain_next(chain, &issuer))
		for (size_t i = 0; i < f->n; i++)
			if (f->items[i].certificate)
				keys_chain_add(chain, f->items[i].der, issuer);
}

void keys_write(struct search *q, const struct opened *o, const struct certfile_object *item, size_t which)
{
	const struct known_key *k;
	struct keys_chain chain;

	if (q->found >= KEYS_MAX)
		return;
	find_chain(&o->file, item->der, &chain);
	k = known_keys_add(&q->state->keys, item->der, value_source(&q->s->arena, o->source, o->value), o->value->bytes);
	keys_answer_key(q->s, q->w, &(struct keys_own){ k->id, k->source, which, item->der, &chain });
	q->found++;
}

/* ---- asking ---- */

int keys_ask(struct search *q, size_t which, struct query *queries, size_t n)
{
	struct task t = { .directory = q->state->directories[which], .queries = queries, .n = n, .until = q->until };

	for (size_t i = 0; i < n; i++)
		queries[i].attributes = queries[i].attributes ? queries[i].attributes : wanted_attributes;
	ask_directories(&t, 1, false);
	for (size_t i = 0; i < n; i++) {
		if (t.err.code)
			queries[i].n = 0;
		else
			q->cut = q->cut || queries[i].cut;
	}
	return t.err.code ? ask_failed(&t, &q->state->options[which], q->err) : 0;
}

bool keys_is_pkcs12(const struct value *v)
{
	return ascii_caseeq(v->attribute, "userPKCS12");
}

void keys_note_locked(struct search *q, const struct opened *o)
{
	if (o->file.locked)
		q->locked = value_source(&q->s->arena, o->source, o->value);
}

int keys_nothing_found(struct search *q, const char *what)
{
	if (q->locked) {
		q->s->code = "passphrase-needed";
		return error_set(q->err, E_CONFIG, "%s: the key has a passphrase of its own, and %s", q->locked,
				 q->state->keys.given ? "the one that was given does not open it" : "nobody has given it");
	}
	if (q->cut)
		return error_set(q->err, E_CONFIG, "not all entries that may hold a key could be looked at; see size_limit, answer_limit and "
				 "own_filter in keys-ldap(8)");
	return error_set(q->err, E_NOTFOUND, "no key %s", what);
}

/* ---- to sign ---- */

struct signer {
	const struct opened *opened;
	const struct certfile_object *item;
};

static size_t signers_of(struct search *q, const char *address, struct keys_candidate **list)
{
	size_t n = 0, all = 0;

	for (size_t i = 0; i < q->nopened; i++)
		all += q->opened[i].file.n;
	*list = arena_array(&q->s->arena, all + 1, sizeof(**list));
	for (size_t i = 0; i < q->nopened; i++)
		for (size_t k = 0; k < q->opened[i].file.n; k++) {
			const struct certfile_object *item = &q->opened[i].file.items[k];
			struct signer *signer;

			if (!item->certificate || !keys_candidate_read(item->der, address, &(*list)[n]) || (*list)[n].is_ca)
				continue;
			if (!(*list)[n].may_sign) {
				keys_answer_passed(q->s, q->w, value_source(&q->s->arena, q->opened[i].source, q->opened[i].value), PASSED_USAGE);
				continue;
			}
			signer = arena_alloc(&q->s->arena, sizeof(*signer));
			*signer = (struct signer){ &q->opened[i], item };
			(*list)[n++].own = signer;
		}
	return keys_order(*list, n, KEYS_TO_SIGN, time(NULL));
}

static int find_to_sign(struct search *q, const struct xml *request)
{
	const char *address = xml_attr_or(request, "address", "");
	struct keys_candidate *list;
	size_t n;
	int rc = 0;

	if (!*address || strlen(address) > ADDRESS_MAX)
		return error_set(q->err, E_PERM, "<find-keys for=\"sign\"> wants an address");
	for (size_t i = 0; i < q->state->n && rc == 0; i++) {
		struct buf filter = BUF_INIT;
		struct query query = { 0 };

		if (!q->state->options[i].private)
			continue;
		filter_address(q->state->options[i].filter, address, &filter);
		query.filter = buf_str(&filter);
		rc = keys_ask(q, i, &query, 1);
		for (size_t k = 0; k < query.n && rc == 0; k++)
			if (keys_is_pkcs12(&query.values[k]))
				keys_note_locked(q, keys_open(q, &query.values[k], directory_name(q->state->directories[i])));
		buf_release(&filter);
	}
	if (rc < 0)
		return rc;
	n = signers_of(q, address, &list);
	for (size_t i = 0; i < n; i++) {
		const struct signer *signer = list[i].own;

		keys_write(q, signer->opened, signer->item, 0);
	}
	for (size_t i = 0; i < q->nopened; i++)
		if (q->opened[i].file.locked)
			keys_answer_passed(q->s, q->w, value_source(&q->s->arena, q->opened[i].source, q->opened[i].value), PASSED_LOCKED);
	return q->found ? 0 : keys_nothing_found(q, "signs for this address");
}

int keys_begin(struct search *q, struct server *s, struct xml_writer *w, struct error *err)
{
	*q = (struct search){ .s = s, .state = s->state, .w = w, .err = err, .until = server_answer_until(s) };
	return passphrase_read(s->config->passphrase_file, &q->passphrase, err);
}

void keys_end(struct search *q)
{
	for (size_t i = 0; i < q->nopened; i++)
		certfile_release(&q->opened[i].file);
	for (size_t i = 0; i < q->state->n; i++)
		directory_forget(q->state->directories[i]);
	secret_free(q->passphrase);
}

int find_keys(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	struct search q;
	const char *purpose = xml_attr_or(request, "for", "");
	int rc = keys_begin(&q, s, w, err);

	if (rc == 0 && strcmp(purpose, "sign") == 0)
		rc = find_to_sign(&q, request);
	else if (rc == 0 && strcmp(purpose, "decrypt") == 0)
		rc = keys_to_decrypt(&q, request);
	else if (rc == 0)
		rc = error_set(err, E_PERM, "<find-keys for=\"%s\">: sign or decrypt", purpose);
	keys_end(&q);
	return rc;
}
