/* find_keys.c - "find-keys": which of our keys sign for an address, which open a message
 *
 * Only the index and the certificates are looked at; no private key is read here.
 */
#include <openssl/err.h>
#include <time.h>

#include "common/certificate.h"
#include "common/keys_answer.h"
#include "common/keys_order.h"
#include "common/marks.h"
#include "keys-file/keys_file.h"
#include "lib/address.h"

struct search {
	struct server *s;
	struct xml_writer *w;
	struct error *err;
	size_t found;
	const char *exposed; /* a file that would have served, were it ours alone */
};

/* ---- the chain that is sent along ---- */

static bool is_self_issued(const struct certificate_parts *c)
{
	return span_eq(c->issuer, c->subject);
}

static bool in_chain(const struct span *chain, size_t n, struct span der)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq(chain[i], der))
			return true;
	return false;
}

static int find_issuers(struct search *q, enum keys_area which, struct span name, struct area_list *out)
{
	const unsigned char *p = (const unsigned char *)name.p;
	X509_NAME *issuer = d2i_X509_NAME(NULL, &p, (long)name.n);
	struct area *a;
	int rc = keys_area(q->s, which, &a, q->err);

	*out = (struct area_list){ NULL, 0 };
	if (rc == 0 && issuer)
		rc = area_find_subject(a, &q->s->arena, issuer, out, q->err);
	ERR_clear_error();
	X509_NAME_free(issuer);
	return rc;
}

/* Intermediate certificates from the key's area and "ca", upwards; the root is the reader's own business. */
static int find_chain(struct search *q, struct span leaf, struct span *chain, size_t *n)
{
	static const enum keys_area where[] = { IN_PRIVATE, IN_CA };
	struct certificate_parts parts, above;
	struct area_list list;
	int rc = 0;

	*n = 0;
	for (size_t next = 0; certificate_parts(leaf, &parts) && !is_self_issued(&parts) && rc == 0; leaf = chain[next++]) {
		for (size_t i = 0; i < 2 && rc == 0; i++) {
			rc = find_issuers(q, where[i], parts.issuer, &list);
			for (size_t k = 0; k < list.n && *n < KEYS_CHAIN_MAX; k++)
				if (certificate_parts(list.items[k].der, &above) && !is_self_issued(&above) &&
				    !in_chain(chain, *n, list.items[k].der))
					chain[(*n)++] = list.items[k].der;
		}
		if (next >= *n)
			break;
	}
	return rc;
}

/* ---- the answer ---- */

static const struct known_key *remember(struct server *s, const struct area_entry *e)
{
	struct keys_file *state = s->state;
	struct known_key *k;

	for (k = state->keys; k; k = k->next)
		if (span_eq(k->der, e->der) && strcmp(k->file, e->file) == 0)
			return k;
	k = arena_alloc(&state->arena, sizeof(*k));
	snprintf(k->id, sizeof(k->id), "k%u-%08x", ++state->nkeys, (unsigned)(mark_hash(e->der.p, e->der.n) & 0xffffffffu));
	k->file = arena_strdup(&state->arena, e->file);
	k->der = span_from(arena_memdup(&state->arena, e->der.p, e->der.n), e->der.n);
	k->next = state->keys;
	state->keys = k;
	return k;
}

static int write_key(struct search *q, const struct area_entry *e, size_t which)
{
	struct span chain[KEYS_CHAIN_MAX];
	size_t n;
	int rc = find_chain(q, e->der, chain, &n);

	if (rc < 0)
		return rc;
	keys_answer_key(q->s, q->w, &(struct keys_own){ remember(q->s, e)->id, e->file, which, e->der, chain, n });
	q->found++;
	return 0;
}

static int offer(struct search *q, const struct area_entry *e, size_t which)
{
	if (!e->leaf || !e->has_keys || q->found >= KEYS_MAX)
		return 0;
	if (e->exposed) {
		q->exposed = e->file;
		return 0;
	}
	return write_key(q, e, which);
}

/* Nothing found is one thing; something that only the operator can mend is another, and the mail waits for it. */
static int nothing_found(struct search *q, const char *what)
{
	struct area *a;
	const char *locked = NULL;
	int rc = keys_area(q->s, IN_PRIVATE, &a, q->err);

	if (rc == 0 && q->exposed) {
		q->s->code = "configuration";
		return error_set(q->err, E_CONFIG, "%s: others may read this private key; it must belong to us with mode 0600",
				 q->exposed);
	}
	if (rc == 0)
		rc = area_find_locked(a, &q->s->arena, &locked, q->err);
	if (rc == 0 && locked) {
		q->s->code = "passphrase-needed";
		return error_set(q->err, E_CONFIG, "%s: neither the passphrase in %s nor an empty one opens it", locked,
				 q->s->config->passphrase_file);
	}
	return rc < 0 ? rc : error_set(q->err, E_NOTFOUND, "no key in %s %s", area_directory(a), what);
}

/* ---- to sign ---- */

static size_t candidates(struct search *q, const struct area_list *list, struct keys_candidate **out)
{
	*out = arena_array(&q->s->arena, list->n, sizeof(**out));
	for (size_t i = 0; i < list->n; i++) {
		const struct area_entry *e = &list->items[i];

		(*out)[i] = (struct keys_candidate){ .der = e->der, .own = e, .not_before = e->not_before, .not_after = e->not_after,
						     .domain = e->domain, .may_sign = e->may_sign };
	}
	return keys_order(*out, list->n, KEYS_TO_SIGN, time(NULL));
}

static int find_to_sign(struct search *q, const struct xml *request)
{
	const char *address = xml_attr_or(request, "address", "");
	struct keys_candidate *list;
	struct area_list found;
	size_t n = 0;
	struct area *a;
	int rc;

	if (!*address || strlen(address) > ADDRESS_MAX)
		return error_set(q->err, E_PERM, "<find-keys for=\"sign\"> wants an address");
	rc = keys_area(q->s, IN_PRIVATE, &a, q->err);
	if (rc == 0)
		rc = area_find_address(a, &q->s->arena, address, &found, q->err);
	if (rc == 0)
		n = candidates(q, &found, &list);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = offer(q, list[i].own, 0);
	return rc < 0 ? rc : q->found ? 0 : nothing_found(q, "signs for this address");
}

/* ---- to decrypt ---- */

static int find_recipient(struct search *q, const struct xml *recipient, size_t which)
{
	struct identifier *id;
	struct area_list list = { NULL, 0 };
	int rc = identifier_read(&q->s->arena, recipient, &id, q->err);

	if (rc == 0)
		rc = keys_find_identifier(q->s, IN_PRIVATE, id, &list, q->err);
	for (size_t i = 0; i < list.n && rc == 0; i++)
		rc = offer(q, &list.items[i], which);
	identifier_release(id);
	return rc;
}

static int find_to_decrypt(struct search *q, const struct xml *request)
{
	const struct xml *recipient = xml_first(request, "recipient");
	size_t which = 0;
	int rc = 0;

	if (!recipient)
		return error_set(q->err, E_PERM, "<find-keys for=\"decrypt\"> wants <recipient>");
	for (; recipient && rc == 0; recipient = xml_next(recipient, "recipient")) {
		if (which >= KEYS_RECIPIENTS_MAX)
			return error_set(q->err, E_LIMIT, "more than %d recipients", KEYS_RECIPIENTS_MAX);
		rc = find_recipient(q, recipient, which++);
	}
	return rc < 0 ? rc : q->found ? 0 : nothing_found(q, "is one of the message's recipients");
}

int find_keys(struct server *s, const struct xml *request, struct xml_writer *w, struct error *err)
{
	struct search q = { s, w, err, 0, NULL };
	const char *purpose = xml_attr_or(request, "for", "");

	if (strcmp(purpose, "sign") == 0)
		return find_to_sign(&q, request);
	if (strcmp(purpose, "decrypt") == 0)
		return find_to_decrypt(&q, request);
	return error_set(err, E_PERM, "<find-keys for=\"%s\">: sign or decrypt", purpose);
}
